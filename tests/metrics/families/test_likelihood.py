"""Likelihood metrics against their definitions, written down a second time."""

import math
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.errors import UsageError
from evalsvc.metrics.families.likelihood import bent_by, build, evidence, perplexity
from evalsvc.metrics.families.metric import UNITS, Setting, SumMetric, Wanted
from evalsvc.metrics.names import GENERATED, LIKELIHOOD
from evalsvc.records import Outcome, Record, Reply, Score
from evalsvc.scoring.likelihood import LikelihoodScorer
from evalsvc.scoring.measures import Answer, Measured
from tests.scoring.records import answered

Pairs = Sequence[tuple[str, float | None]]
PROMPT: Pairs = (("Q", None), (":", -1.0))


def metric(name: str) -> SumMetric:
    return build(Wanted(name=name), Setting(task="perplexity"))


def tokens(pairs: Pairs) -> list[dict[str, Any]]:
    return [{"t": text, "lp": logprob, "top": []} for text, logprob in pairs]


def reply(prompt: Pairs | None = None, said: Pairs | None = None) -> Reply:
    return Reply(
        output="",
        finish_reason="length",
        usage=None,
        latency_s=0.1,
        prompt_tokens=None if prompt is None else tokens(prompt),
        tokens=None if said is None else tokens(said),
    )


def measured(made: Record, name: str) -> Score:
    """The score of a record as the run makes it."""
    score = LikelihoodScorer().score(made)
    measure = metric(name).measure
    assert measure is not None
    found = measure(Answer(text=score.prediction or "", reply=made.reply)) or Measured()
    return replace(score, scores=found.scores or None, stats=found.stats or None)


def row(target: Pairs, id_: str = "1") -> Record:
    """A record in which the target is what `target`'s tokens spell."""
    made = answered(target="".join(text for text, _ in target), id_=id_)
    return replace(made, reply=reply((*PROMPT, *target)))


def generated(said: Pairs | None) -> Record:
    return replace(answered(), reply=reply(said=said))


def value(name: str, rows: Sequence[Record]) -> tuple[float | None, int]:
    """The number over `rows`, and how many of them it is of."""
    one = metric(name)
    sums, n = [0] * one.width, 0
    for made in rows:
        summands = one.read(measured(made, name))
        if summands is not None:
            sums, n = [old + new for old, new in zip(sums, summands, strict=True)], n + 1
    return one.value(sums), n


logprobs = st.floats(-30, 0, allow_nan=False)
words = st.text(st.sampled_from("ab é語\n"), min_size=1, max_size=5)
targets = st.lists(st.tuples(words, logprobs), min_size=1, max_size=8)


def naively(name: str, rows: Sequence[Pairs]) -> float | None:
    """lm-evaluation-harness's weighted metrics and HELM's, from their definitions and in floating point."""
    nll = -math.fsum(logprob or 0.0 for target in rows for _, logprob in target)
    texts = ["".join(text for text, _ in target) for target in rows]
    count = {
        "target_nll": sum(map(len, rows)),
        "perplexity": sum(map(len, rows)),
        "bits_per_byte": sum(len(text.encode()) for text in texts),
        "word_perplexity": sum(len(text.split()) for text in texts),
    }[name]
    if not count:
        return None
    mean = nll / count
    if name == "bits_per_byte":
        return mean / math.log(2)
    return mean if name == "target_nll" else math.exp(mean)


@pytest.mark.parametrize("name", LIKELIHOOD)
@given(rows=st.lists(targets, min_size=1, max_size=6))
def test_it_is_the_ratio_of_sums_over_the_corpus(name: str, rows: list[Pairs]) -> None:
    found, n = value(name, [row(target) for target in rows])
    expected = naively(name, rows)
    assert n == len(rows)
    assert found == (None if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-9))


@pytest.mark.parametrize("name", LIKELIHOOD)
def test_the_order_of_rows_changes_no_digit(name: str) -> None:
    random = Random(0)
    rows = [row([(f" w{index}", -10 * random.random()) for index in range(5)], str(number)) for number in range(100)]
    there = value(name, rows)
    random.shuffle(rows)
    assert value(name, rows) == there


def test_it_is_no_mean_over_rows() -> None:
    rows = [row([(" a", -1.0)]), row([(" b", -3.0), (" c", -3.0), (" d", -3.0)])]
    assert value("perplexity", rows)[0] == pytest.approx(math.exp(10 / 4))
    assert value("target_nll", rows)[0] == pytest.approx(10 / 4)


def test_a_row_without_logprobs_of_its_target_is_in_none_of_them() -> None:
    good = row([(" ham", -2.0)])
    bad = [replace(good, reply=reply(PROMPT)), replace(good, reply=None), row([(" ham", -9999.0)]), row([(" ham", None)])]
    for name in LIKELIHOOD:
        assert value(name, [good, *bad]) == value(name, [good])
        assert value(name, bad) == (None, 0)


def test_a_row_has_scores_of_its_own() -> None:
    score = measured(row([(" ham", -2.0), (" egg", -1.0)]), "perplexity")
    assert score.scores == {
        "target_nll": 1.5,
        "perplexity": math.exp(1.5),
        "bits_per_byte": 3 / 8 / math.log(2),
        "word_perplexity": math.exp(1.5),
    }
    assert score.outcome is Outcome.SCORED


def test_a_target_without_a_word_has_no_word_perplexity() -> None:
    found = measured(row([("\n", -2.0)]), "word_perplexity")
    assert found.scores is not None
    assert "word_perplexity" not in found.scores
    assert value("word_perplexity", [row([("\n", -2.0)])])[0] is None


def test_a_number_too_large_for_a_double_is_none_and_not_infinite() -> None:
    assert perplexity(709 * UNITS, 1) == math.exp(709)
    assert perplexity(710 * UNITS, 1) is None
    rows = [row([(" ham", -5000.0)])]
    assert (value("perplexity", rows)[0], value("target_nll", rows)[0]) == (None, 5000.0)
    assert measured(rows[0], "perplexity").scores == {"target_nll": 5000.0, "bits_per_byte": 5000 / 4 / math.log(2)}


@pytest.mark.parametrize("name", [*LIKELIHOOD, *GENERATED])
def test_many_sums_at_once_give_the_same_as_each_alone(name: str) -> None:
    one = metric(name)
    assert one.values is not None
    sums = [[0, 0, 0, 0], [3 * UNITS, 2, 1, 0], [UNITS, 0, 0, 0], [5000 * UNITS, 1, 0, 0], [0, 7, 0, 0]]
    alone = [one.value(each) for each in sums]
    together = one.values(np.array(sums, dtype=np.float64))
    assert np.allclose(together, [math.nan if each is None else each for each in alone], equal_nan=True, rtol=1e-12)


def test_what_a_model_said_itself_has_names_of_its_own() -> None:
    rows = [generated([("a", -1.0), ("b", -2.0)]), generated([("c", -6.0)])]
    assert value("generated_nll", rows) == (3.0, 2)
    assert value("generated_perplexity", rows)[0] == pytest.approx(math.exp(3.0))
    for name in LIKELIHOOD:
        assert value(name, rows) == (None, 0)
    for name in GENERATED:
        assert value(name, [row([(" ham", -2.0)])]) == (None, 0)


def test_sentinels_and_nulls_are_left_out_of_a_reply_and_counted() -> None:
    made = generated([("a", -1.0), ("b", -9999.0), ("c", None), ("d", 0.0), ("e", 0.0)])
    assert value("generated_nll", [made])[0] == pytest.approx(1 / 3)
    summands = metric("generated_nll").read(measured(made, "generated_nll"))
    assert summands is not None
    assert evidence("generated_nll", summands) == {"left_out": 2, "certain": 2}


def test_a_reply_of_sentinels_alone_has_no_number() -> None:
    assert value("generated_perplexity", [generated([("a", -9999.0)])])[0] is None


@pytest.mark.parametrize("said", [None, []])
def test_a_reply_without_logprobs_is_in_none(said: Pairs | None) -> None:
    assert value("generated_nll", [generated(said)]) == (None, 0)


def test_first_tokens_and_shared_tokens_are_counted() -> None:
    first = replace(answered(target="to be"), reply=reply([("to", None), (" be", -1.5)]))
    shared = replace(answered(target="ham"), reply=reply([("Q", None), (": ham", -2.5)]))
    summands = [metric("target_nll").read(measured(made, "target_nll")) or () for made in (first, shared)]
    assert [evidence("target_nll", each) for each in summands] == [{"unscored": 1, "joint": 0}, {"unscored": 0, "joint": 1}]
    # the text of a token without a logprob is in no denominator either
    assert value("bits_per_byte", [first])[0] == pytest.approx(1.5 / 3 / math.log(2))
    assert value("word_perplexity", [first])[0] == pytest.approx(math.exp(1.5))


def test_signatures_tell_them_apart() -> None:
    signatures = [metric(name).signature for name in (*LIKELIHOOD, *GENERATED)]
    assert len(set(signatures)) == len(signatures)


def test_there_are_no_options() -> None:
    with pytest.raises(UsageError, match=r"metrics\[0\]: perplexity has no option 'base'"):
        build(Wanted(name="perplexity", options={"base": 2}, place="metrics[0]"), Setting(task="perplexity"))


@pytest.mark.parametrize(
    ("params", "bends"),
    [
        ({}, {}),
        ({"temperature": 1, "top_p": 1.0, "frequency_penalty": 0, "logprobs": True, "seed": 1, "top_k": 0, "min_p": None}, {}),
        ({"temperature": 0, "top_p": 0.9}, {"temperature": 0, "top_p": 0.9}),
        ({"top_k": -1, "repetition_penalty": 1.1}, {"repetition_penalty": 1.1}),
        ({"top_k": 50}, {"top_k": 50}),
    ],
)
def test_parameters_that_bend_the_distribution_are_named(params: dict[str, Any], bends: dict[str, Any]) -> None:
    assert bent_by(params) == bends
