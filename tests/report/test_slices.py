"""Slices are read from the worst down; what was tested is said, and how."""

from rich.console import Group

from evalsvc.records import MetricValue, SliceValue
from evalsvc.report.slices import slices
from tests.report.cases import drawn


def metric(**parts: tuple[float, float | None]) -> MetricValue:
    of: dict[str, SliceValue] = {}
    for value, (number, p) in parts.items():
        of[value] = {"value": number, "ci_low": number - 0.05, "ci_high": number + 0.05, "n": 1200}
        if p is not None:
            of[value]["p_holm"] = p
    return {"value": 0.5, "ci_low": 0.4, "ci_high": 0.6, "n": 9000, "signature": "s", "slices": {"language": of}}


def seen(width: int = 80, **metrics: MetricValue) -> list[str]:
    return drawn(Group(*slices(metrics, width=width)), width=width).splitlines()


def test_the_worst_slice_comes_first_and_the_correction_is_named() -> None:
    assert seen(accuracy=metric(de=(0.9, 0.4), fr=(0.25, 0.0002))) == [
        "",
        "  language  accuracy     95 % interval   rows  p against the rest",
        "  fr          0.2500  [0.2000, 0.3000]  1,200             < 0.001",
        "  de          0.9000  [0.8500, 0.9500]  1,200                 0.4",
        "  p: how likely by chance alone, corrected for 2 slices (Holm)",
    ]


def test_where_lower_is_better_the_highest_comes_first() -> None:
    assert [line.split()[0] for line in seen(ter=metric(de=(0.9, None), fr=(0.25, None)))[2:]] == ["de", "fr"]


def test_a_slice_without_a_test_says_why_and_without_any_there_is_no_column() -> None:
    lines = seen(120, accuracy=metric(de=(0.9, 0.4), fr=(0.25, None)))
    assert lines[-1].endswith("corrected for 1 slice (Holm); –: too few rows, or all alike")
    assert "p against" not in "\n".join(seen(accuracy=metric(de=(0.9, None))))


def test_of_means_over_labels_the_one_that_knows_only_the_labels_of_a_slice_is_shown() -> None:
    names = ("accuracy", "f1_macro", "balanced_accuracy")
    assert "balanced_accuracy" in seen(80, **{name: metric(de=(0.9, None)) for name in names})[1]


def test_on_a_narrow_screen_headings_fold_and_no_number_is_cut() -> None:
    lines = seen(60, balanced_accuracy=metric(**{"a long name of a language": (0.9, 0.4), "fr": (0.25, 0.0002)}))
    assert "  fr               0.2500  [0.2000, 0.3000]  1,200  < 0.001" in lines
    assert max(map(len, lines)) <= 60


def test_of_very_many_values_the_worst_are_shown() -> None:
    many = {f"v{n:02d}": (n / 100 + 0.1, None) for n in range(30)}
    lines = seen(accuracy=metric(**many))
    assert lines[2].split()[0] == "v00"
    assert lines[-1] == "  worst accuracy first; 10 more values in summary.json"
