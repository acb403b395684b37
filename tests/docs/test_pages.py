import re
import subprocess
import sys
from pathlib import Path

import pytest

from evalsvc import errors
from evalsvc.errors import GATE_FAILED, EvalsvcError

CHECKOUT = Path(__file__).parents[2]
PAGES = sorted([*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md"), *CHECKOUT.glob("datasets/*.md")])
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")


def test_the_configuration_page_is_what_the_models_say() -> None:
    script = CHECKOUT / "scripts" / "gen-config-docs"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", ["README.md", "docs/operations.md"])
def test_the_exit_codes_are_those_of_the_error_tree(page: str) -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, EvalsvcError)]
    wanted = {0, GATE_FAILED, *(error.exit_code for error in classes)}
    told = re.findall(r"^\| (\d+) \|", (CHECKOUT / page).read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert {int(code) for code in told} == wanted
