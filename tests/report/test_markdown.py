"""A run as a reviewer reads it on a pull request."""

import re
from typing import Any

from markdown_it import MarkdownIt

from evalsvc.records import Regression, Summary
from evalsvc.report.markdown import run_markdown
from tests.report.cases import summary

GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HOSTILE = "<script>alert(1)</script> | `x` @team [a](http://x)"


def regression(**changes: Any) -> Regression:
    found: dict[str, Any] = {
        "metric": "accuracy",
        "baseline": "spam/main-7",
        "verdict": "worse",
        "margin": 0.01,
        "difference": -0.0435,
        "ci_low": -0.0712,
        "ci_high": -0.0158,
        "worst": -0.066,
        "best": -0.021,
        "p_worse": 0.001,
        "p_holm": 0.002,
        "rows": 5570,
        "rows_needed": None,
        "to_right": 3,
        "to_wrong": 25,
        "flipped": [f"m-{place}" for place in range(20)],
    }
    return Regression(**{**found, **changes})  # type: ignore[typeddict-item]


def held(passed: bool, **changes: Any) -> Summary:
    found = regression(**changes)
    gate = {"gate": "accuracy no worse than latest, margin 0.01", "passed": passed, "value": -0.0435, "reason": "why", "regression": found}
    return summary(gates=[*summary()["gates"][:1], gate])


def told(of: Summary, exit_code: int | None = 3, run_dir: str = "runs/spam/pr-12") -> str:
    return run_markdown(of, run_dir, exit_code=exit_code)


def test_the_verdict_comes_first_with_the_exit_code() -> None:
    page = told(summary())
    assert page.startswith("### spam-ft-v3: Not to be shipped\n\nf1_macro 0.979996 is below 0.98.\n\n")
    assert "complete, 5,574 rows · 1 of 2 gates failed · exit 3: a quality gate failed\n" in page


def test_a_run_that_passed_says_so() -> None:
    page = told(summary(gates=summary()["gates"][:1]), 0)
    assert page.startswith("### spam-ft-v3: Passed\n")
    assert "· 1 gate passed · exit 0\n" in page


def test_without_an_exit_code_the_gates_decide() -> None:
    assert told(summary(), None).startswith("### spam-ft-v3: Not to be shipped")
    assert told(summary(gates=[]), None).startswith("### spam-ft-v3: Complete")
    assert "exit" not in told(summary(), None)


def test_a_run_that_stopped_has_no_verdict_and_says_why_it_stopped() -> None:
    rows = {"expected": 5574, "ok": 3000, "error": 12, "pending": 2562}
    gates = [{"gate": "recall >= 0.80", "passed": None, "value": None, "reason": "the run is not complete"}]
    page = told(summary(status="partial", rows=rows, gates=gates), 6)
    assert page.startswith("### spam-ft-v3: No verdict yet")
    assert "exit 6: endpoint down for longer than the outage budget" in page
    assert "| open | <code>recall &gt;= 0.80</code> | – | the run is not complete |" in page


def test_gates_and_numbers_are_tables() -> None:
    page = told(summary())
    assert "| passed | <code>recall &gt;= 0.80</code> | 0.9304 |  |" in page
    assert "| **failed** | <code>f1_macro &gt;= 0.98</code> | 0.979996 | 0.979996 is below 0.98 |" in page
    assert "| <code>accuracy</code> | 0.9849 | [0.9813, 0.9878] | 5,574 |" in page
    assert GITHUB.render(page).count("<table>") == 2


def test_a_regression_gate_shows_all_it_rests_on() -> None:
    page = told(held(False))
    assert "| **failed** | <code>accuracy no worse than latest, margin 0.01</code> | -0.0435 | worse |" in page
    assert "| <code>accuracy</code> | worse | -0.0435 | [-0.0712, -0.0158] | 0.01 | 5,570 | – | 3 | 25 |" in page
    assert "rows that got worse than in <code>spam/main-7</code>: <code>m-0</code>, " in page
    assert "<code>m-9</code> and 15 more rows\n" in page
    assert "evalsvc compare spam/main-7 runs/spam/pr-12\n" in page


def test_one_that_cannot_tell_shows_how_many_rows_would() -> None:
    page = told(held(True, verdict="cannot tell", rows_needed=8200, difference=-0.001, ci_low=-0.02, ci_high=0.018, flipped=[]), 0)
    assert "| passed | <code>accuracy no worse than latest, margin 0.01</code> | -0.0435 | cannot tell |" in page
    assert "| <code>accuracy</code> | cannot tell | -0.001 | [-0.02, +0.018] | 0.01 | 5,570 | 8,200 | 3 | 25 |" in page
    assert "got worse" not in page


def test_a_regression_without_an_interval_or_right_and_wrong_is_no_failure() -> None:
    page = told(held(True, ci_low=None, ci_high=None, to_right=None, to_wrong=None, flipped=["m-1"]))
    assert "| <code>accuracy</code> | worse | -0.0435 |  | 0.01 | 5,570 | – | – | – |" in page
    assert "<code>m-1</code>\n" in page


def test_the_first_warnings_are_open_and_the_others_folded() -> None:
    warnings = [{"kind": "k", "message": f"warning {place}", "evidence": {}} for place in range(5)]
    head, folded = told(summary(warnings=warnings)).split("<details><summary>the other warnings</summary>")
    assert "**5 warnings**\n\n- warning 0\n- warning 1\n- warning 2\n" in head
    assert folded.startswith("\n\n- warning 3\n- warning 4\n\n</details>")


def test_it_says_what_it_rests_on_and_how_to_see_more() -> None:
    page = told(summary(), run_dir="runs/my evals/pr-12")
    assert "- calls: 5,590 · 12 rate-limited · 16 retried · 4 rows failed\n" in page
    assert "```sh\nevalsvc show 'runs/my evals/pr-12'\nevalsvc report 'runs/my evals/pr-12' --open\n```" in page


def test_nothing_of_a_user_is_markup() -> None:
    gate = {"gate": HOSTILE, "passed": False, "value": None, "reason": HOSTILE}
    found = held(False, baseline=HOSTILE, flipped=[HOSTILE])["gates"][1]
    metrics = {HOSTILE: {"value": 0.5, "ci_low": None, "ci_high": None, "n": 1, "signature": "s"}}
    warnings = [{"kind": "k", "message": HOSTILE, "evidence": {}}]
    run = {"model": HOSTILE, "revision": HOSTILE, "endpoint": HOSTILE, "dataset_sha256": HOSTILE, "evalsvc": HOSTILE}
    page = told(summary(name=HOSTILE, gates=[gate, found], metrics=metrics, warnings=warnings, run=run), run_dir="a\n```\n<script>")
    html = GITHUB.render(page)
    tags = set(re.findall(r"</?([a-z]\w*)", html))
    assert tags <= {"h3", "p", "strong", "ul", "li", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"}
    assert "@team" not in page.replace(page[page.index("```sh") :], "")
    assert html.count("<pre>") == 1


def test_of_many_metrics_the_first_are_open_and_the_others_folded() -> None:
    metrics = {f"ext.m{place}": {"value": 0.5, "ci_low": None, "ci_high": None, "n": 9, "signature": "s"} for place in range(7)}
    head, folded = told(summary(metrics=metrics)).split("<details><summary>the other metrics</summary>")
    assert (head.count("<code>ext.m"), folded.count("<code>ext.m")) == (5, 2)
