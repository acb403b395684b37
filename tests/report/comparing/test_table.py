"""A comparison on a terminal: all of it there, in 80 columns, in colour where there is any, and no text of the user's as markup."""

import io
import re
from dataclasses import replace

import pytest

from evalsvc.compare.nouns import Comparison, Field, SideInfo
from evalsvc.report.comparing import print_comparison, render
from evalsvc.report.comparing.several import several_view
from evalsvc.report.comparing.table import pair_view
from tests.report.cases import Screen, drawn
from tests.report.comparing import cases

ALL = [cases.of_labels(), cases.of_texts(), cases.hostile(), cases.three(), cases.overlapping(), cases.many(5), cases.many(9)]


def seen(what: Comparison | Field, width: int = 80) -> str:
    return render(what, "table", width=width)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("what", ALL, ids=range(len(ALL)))
def test_no_line_is_too_wide_or_ends_in_blanks(what: Comparison | Field, width: int) -> None:
    lines = seen(what, width).splitlines()
    assert max(map(len, lines)) <= width
    assert [line for line in lines if line != line.rstrip()] == []


@pytest.mark.parametrize("width", [80, 120])
def test_of_two_runs_every_fact_is_there(width: int) -> None:
    text = " ".join(seen(cases.of_labels(), width).split())
    for words in (
        "support/pr-12 (B) against support/main-7 (A) accuracy is worse in B: 0.9493 → 0.9058",
        "A runs/support/main-7 · model-main-7 at sandbox",
        "rows 134 compared · 3 only in A (a-1, a-2, a-3) · 2 only in B (b-1, b-2) · 1 changed between the two, left out (c)",
        "differs model model-main-7 → model-pr-12",
        "accuracy 0.9493 0.9058 -0.0435 [-0.0735, -0.0135] 0.0042",
        "parse_rate 1.0000 1.0000 0.0000 [0.0000, 0.0000] 1",
        "mcc – 0.7000 – –",
        "mcc: main-7 has only one class",
        "answers right in both 118 · wrong in both 4 · turned right 3 · turned wrong 9 · p 0.092 (mid-p McNemar)",
        "turned wrong msg-0007 bug bug billing",
        "turned wrong msg-0032 feature feature (refused)",
        "turned right msg-0101 praise bug praise",
        "cost $0.08 $0.12 +51 %",
        "latency p95 0.41 s 0.62 s +51 %",
        "speed 812 rows/s 401 rows/s -51 %",
        "note the two runs have other data sets: 3 rows are only in A, 2 only in B",
    ):
        assert words in text


def test_what_was_found_stands_beside_its_numbers_where_there_is_room() -> None:
    text = seen(cases.of_labels(), 120)
    assert re.search(r"^  balanced_accuracy .* 0\.31  cannot tell; would have shown ≥ 0\.0429$", text, re.MULTILINE)
    assert re.search(r"^  accuracy .* 0\.0042  worse$", text, re.MULTILINE)
    assert "unclear" not in text


def test_and_below_them_where_there_is_none() -> None:
    text = seen(cases.of_labels(), 80)
    found = "  worse     accuracy, f1_macro\n  better    log_loss\n  unclear   cannot tell; would have shown: balanced_accuracy ≥ 0.0429\n"
    assert found in text


def test_texts_are_shown_in_full_lines_and_cut_to_the_width() -> None:
    long = cases.of_texts()
    flip = replace(long.examples[0], output_b="word " * 200)
    text = seen(replace(long, examples=[flip]))
    assert "  row       order-17 #2 · fell by 0.4312\n    target  The parcel was delivered" in text
    assert text.count("word") < 40
    assert "…" in text


def test_what_was_asked_alike_is_said_to_be() -> None:
    same = cases.of_labels(b=cases.side(run_id="main-7"))
    assert "differs   nothing, as far as the two summaries tell" in seen(same)


def test_a_partial_run_and_a_baseline_file_are_called_so() -> None:
    file = cases.of_labels().a
    baseline = SideInfo(name=file.name, run_id=file.run_id, path="baseline.jsonl.gz", summary=file.summary, is_baseline=True)
    text = seen(cases.of_labels(a=baseline, b=cases.side(run_id="pr-12", status="partial")), 120)
    assert "against support/main-7 (baseline) (A)" in text
    assert "baseline.jsonl.gz · model-main-7" in text
    assert re.search(r"^  B .*· partial$", text, re.MULTILINE)


def test_better_is_green_and_worse_red_whatever_the_sign() -> None:
    text = drawn(pair_view(cases.of_labels(), width=120), width=120, colour=True)
    assert "\x1b[31m-0.0435\x1b[0m" in text
    assert "\x1b[32m-0.2439\x1b[0m" in text  # log_loss fell
    assert "\x1b[32mturned right" in text
    several = drawn(several_view(cases.three(), width=80), width=80, colour=True)
    assert "\x1b[32m+0.1400\x1b[0m" in several


def test_there_is_no_colour_in_a_pipe() -> None:
    stream = io.StringIO()
    print_comparison(cases.of_labels(), stdout=stream, environ={"TERM": "xterm-256color"})
    assert "\x1b" not in stream.getvalue()


def test_there_is_on_a_terminal() -> None:
    screen = Screen()
    print_comparison(cases.of_labels(), stdout=screen, environ={"TERM": "xterm-256color", "COLUMNS": "80"})
    assert "\x1b[31m" in screen.getvalue()


def test_a_stream_that_was_closed_from_the_start_is_no_error() -> None:
    print_comparison(cases.of_labels(), stdout=None, environ={})


def test_escapes_of_a_model_never_reach_the_screen() -> None:
    assert "\x1b" not in seen(cases.hostile())


def test_of_several_runs_the_order_the_letters_and_the_pairs_are_shown() -> None:
    text = seen(cases.three())
    assert "accuracy\n  a-1 and b-2 cannot be told apart; both are better than c-3\n" in text
    assert re.findall(r"^  (\d)  (\S+)  +0\.\d+  \[.*\]  (\w+)$", text, re.MULTILINE) == [
        ("2", "a-1", "a"),
        ("3", "b-2", "a"),
        ("1", "c-3", "b"),
    ]
    assert re.search(r"^  3 b-2 +\+0\.1300 +-0\.0100\n +p 0\.012 +p 0\.62\n +≥ 0\.0429$", text, re.MULTILINE)
    assert "3 runs, 3 pairs; p-values are corrected for all pairs (Holm)" in text


def test_a_matrix_that_is_too_wide_is_a_list() -> None:
    assert "row minus column" in seen(cases.many(5), 120)
    text = seen(cases.many(9), 80)
    assert "row minus column" not in text
    assert re.search(r"^  9 minus 8 +-0\.0300 .* 0\.62 +0\.0429$", text, re.MULTILINE)


def test_of_many_metrics_the_headline_alone_has_its_pairs() -> None:
    whole = cases.three()
    extra = {f"ext.{place}": cases.difference(f"ext.{place}", 0.5, 0.6) for place in range(3)}
    pairs = {places: replace(pair, differences={**pair.differences, **extra}) for places, pair in whole.pairs.items()}
    text = seen(replace(whole, pairs=pairs))
    assert text.count("row minus column") == 1
    assert "the pairs of the other metrics: --metric NAME, or --format csv" in text


def test_a_metric_without_any_number_is_a_reason_and_no_line() -> None:
    none = {"coverage": cases.difference("coverage", None, None, reason="it is of one run alone")}
    text = seen(cases.of_labels(differences={**cases.OF_LABELS, **none}))
    assert "  coverage: it is of one run alone\n" in text
    assert not re.search(r"^  coverage  ", text, re.MULTILINE)
