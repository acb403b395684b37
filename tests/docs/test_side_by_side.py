"""The table of docs/metrics.md in which our numbers stand beside those of the reference implementations."""

import warnings
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType

import pytest

from tests.docs.test_pages import CHECKOUT

PAGE = (CHECKOUT / "docs" / "metrics.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = SourceFileLoader("gen_metrics_table", str(CHECKOUT / "scripts" / "gen-metrics-table"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def test_every_number_is_the_references_and_the_one_that_the_page_shows(script: ModuleType) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the references, over rows that they find awkward
        now = [cells(line) for line in script.lines()]
    told = [cells(line) for line in PAGE.partition(script.BEGIN)[2].partition(script.END)[0].splitlines()[2:]]
    # the last digits are those of the versions that are installed
    assert [line[:2] for line in now] == [line[:2] for line in told]
    for line, shown in zip(now, told, strict=True):
        if line[4] != "–":
            ours, theirs = float(line[2]), float(line[3])
            assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12), line
            assert ours == pytest.approx(float(shown[2]), rel=1e-9, abs=1e-12), line
    assert {line[0].split("`")[1] for line in now} >= {"f1_macro", "mcc", "bleu", "chrf", "ter", "rougeLsum", "roc_auc", "r2", "spearman"}
