"""BLEU, chrF and TER of two systems: sacreBLEU's own p-values, means and intervals, from our statistics of segments."""

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER
from sacrebleu.significance import PairedTest, _compute_p_value, estimate_ci

from evalsvc.compare.differences import differences
from evalsvc.compare.evidence import Evidence
from evalsvc.compare.significance import SEED, Segments, randomised, resampled
from evalsvc.metrics.kept import Shape
from tests.compare.evidences import answered, common, evidence_of, shape_of

METRICS = {"bleu": BLEU, "chrf": CHRF, "ter": TER}
SHAPE = shape_of("translation")
WORDS = [f"{first}{second}" for first in ("ba", "ke", "lo", "mu", "ri", "sta") for second in ("n", "t", "re", "sil", "", "dor", "ma")]


def translations(segments: int, seed: int, *, references: int = 1, worse: float = 0.33) -> tuple[list[list[str]], list[str], list[str]]:
    """References of each segment, and what two systems made of it: the second errs a little more often."""
    random = Random(seed)

    def garbled(words: Sequence[str], often: float) -> str:
        kept = [random.choice(WORDS) if random.random() < often else word for word in words if random.random() > often / 3]
        if random.random() < often:
            random.shuffle(kept)
        return " ".join(kept) or random.choice(WORDS)

    rows = [[random.choice(WORDS) for _ in range(random.randint(3, 14))] for _ in range(segments)]
    texts = [[" ".join(row), *(garbled(row, 0.2) for _ in range(references - 1))] for row in rows]
    return texts, [garbled(row, 0.30) for row in rows], [garbled(row, worse) for row in rows]


def sides(texts: list[list[str]], a: list[str], b: list[str], shape: Shape = SHAPE, **more: Any) -> tuple[Evidence, Evidence]:
    rows = common(len(texts), order=np.arange(len(texts)), **more)
    of_a, of_b = (evidence_of(answered(shape, side, texts), shape, rows) for side in (a, b))
    return of_a, of_b


def segments_of(metric: str, a: Evidence, b: Evidence) -> Segments:
    [found] = [one for one in SHAPE.sums if one.name == metric]
    rows = [np.array([side.sums[metric][0][row][1:] for row in range(side.rows.count)], dtype=np.float64) for side in (a, b)]
    return Segments(a=rows[0], b=rows[1], formula=found.value)


def theirs(kind: str, metric: str, texts: list[list[str]], a: list[str], b: list[str], samples: int) -> tuple[Any, Any]:
    """What sacreBLEU says of A, the baseline, and of B."""
    streams = [list(stream) for stream in zip(*texts, strict=True)]
    test = PairedTest([("a", a), ("b", b)], {metric: METRICS[metric]()}, streams, test_type=kind, n_samples=samples)
    _, scores = test()
    [results] = [result for name, result in scores.items() if name != "System"]
    of_a, of_b = results
    return of_a, of_b


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("seed", "references"), [(12345, 1), (7, 2), (99, 4)])
def test_p_values_of_randomisation_are_sacrebleus(monkeypatch: pytest.MonkeyPatch, metric: str, seed: int, references: int) -> None:
    monkeypatch.setenv("SACREBLEU_SEED", str(seed))
    texts, a, b = translations(250, seed, references=references)
    _, expected = theirs("ar", metric, texts, a, b, 1000)
    found = randomised(segments_of(metric, *sides(texts, a, b)), trials=1000, seed=seed)
    assert found.p == expected.p_value
    assert 0.001 < found.p < 0.999


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("seed", "references"), [(12345, 1), (7, 2), (99, 4)])
def test_scores_of_resamples_are_sacrebleus(monkeypatch: pytest.MonkeyPatch, metric: str, seed: int, references: int) -> None:
    """Theirs are in single precision."""
    monkeypatch.setenv("SACREBLEU_SEED", str(seed))
    texts, a, b = translations(250, seed, references=references)
    of_a, of_b = theirs("bs", metric, texts, a, b, 1000)
    scores_a, scores_b = resampled(segments_of(metric, *sides(texts, a, b)), seed=seed)
    for scores, expected in ((scores_a, of_a), (scores_b, of_b)):
        assert estimate_ci(scores) == pytest.approx((expected.mean, expected.ci), abs=2e-4)
    differing = np.abs(scores_b - scores_a)
    assert _compute_p_value(differing - differing.mean(), abs(of_b.score - of_a.score)) == of_b.p_value


@pytest.mark.long
@pytest.mark.parametrize("metric", METRICS)
def test_a_comparison_says_what_sacrebleu_says_by_default(metric: str) -> None:
    """10,000 trials, seed 12345."""
    texts, a, b = translations(400, 3)
    of_a, of_b = theirs("ar", metric, texts, a, b, 0)
    found = differences(*sides(texts, a, b), [metric])[metric]
    assert (found.a, found.b) == (of_a.score, of_b.score)
    assert found.p == of_b.p_value
    assert found.signature == "paired-ar10000-seed12345|order:dataset|ci:paired-bs1000-seed12345-t95"


@pytest.mark.parametrize("segments", [31, 250, 4099])
def test_coins_and_draws_in_parts_are_those_that_sacrebleu_makes_at_once(monkeypatch: pytest.MonkeyPatch, segments: int) -> None:
    monkeypatch.setattr("evalsvc.compare.significance._FLOATS_AT_ONCE", 300_000)
    rows = np.random.default_rng(1).integers(0, 9, (2, segments, 3)).astype(np.float64)
    seen: list[Sequence[int]] = []

    def formula(sums: Sequence[int]) -> float:
        seen.append(sums)
        return sums[0] / (1 + sums[1])

    coins = np.random.default_rng(SEED).integers(2, size=(400, segments), dtype=bool)
    randomised(Segments(a=rows[0], b=rows[1], formula=formula), trials=400)
    shuffled = coins @ rows[0] + ~coins @ rows[1]
    assert set(map(tuple, seen)) >= set(map(tuple, shuffled.tolist()))
    seen.clear()
    resampled(Segments(a=rows[0], b=rows[1], formula=formula), samples=50)
    draws = np.random.default_rng(SEED).choice(segments, size=(50, segments), replace=True)
    assert seen[50:] == rows[1][draws].sum(axis=1).tolist()


def test_one_sided_p_values_say_which_system_is_better() -> None:
    texts, a, b = translations(300, 5, worse=0.45)
    found = differences(*sides(texts, a, b), ["bleu", "ter"])
    for name, lower_is_worse in (("bleu", True), ("ter", False)):
        one = found[name]
        assert one.difference is not None
        assert one.p_below is not None
        assert one.p_above is not None
        assert (one.difference < 0) == lower_is_worse
        assert (one.p_below < 0.05) == lower_is_worse
        assert (one.p_above < 0.05) != lower_is_worse
        assert one.p_below + one.p_above == pytest.approx(1.0, abs=2e-4)


def test_a_segment_that_differs_is_no_proof_and_no_segment_none_at_all() -> None:
    """sacreBLEU's p would be 1 in 10,001 for both."""
    texts, a, _ = translations(100, 1)
    for changed in (0, 1):
        b = ["quite another text", *a[1:]] if changed else a
        found = differences(*sides(texts, a, b), ["bleu", "chrf", "ter"])
        assert {one.p for one in found.values()} == {1.0}
        assert not any(one.is_told for one in found.values())
    assert found["bleu"].signature.endswith("|few-differ:ties-counted")


def test_the_interval_of_equal_systems_is_not_empty() -> None:
    texts, a, _ = translations(100, 1)
    found = differences(*sides(texts, a, a), ["bleu"])["bleu"]
    assert found.difference == 0
    assert found.ci_low == -found.ci_high if found.ci_high is not None else False
    assert found.ci_high == pytest.approx(3.7, abs=0.05)


def test_segments_stand_in_the_order_of_the_data_set_or_of_the_hashes_of_their_ids() -> None:
    texts, a, b = translations(120, 2)
    in_order = differences(*sides(texts, a, b), ["bleu"])["bleu"]
    rows = common(len(texts))
    of_a, of_b = (evidence_of(answered(SHAPE, side, texts), SHAPE, rows) for side in (a, b))
    by_hash = differences(of_a, of_b, ["bleu"])["bleu"]
    assert "order:id-hash" in by_hash.signature
    assert by_hash.p != in_order.p
    numbers = np.argsort(rows.clusters).tolist()
    resorted = sides([texts[row] for row in numbers], [a[row] for row in numbers], [b[row] for row in numbers])
    assert differences(*resorted, ["bleu"])["bleu"].p == by_hash.p


def test_segments_that_hang_together_are_resampled_together_and_not_as_sacrebleu_does() -> None:
    texts, a, b = translations(60, 4)
    rows = common(120, repeats=2)
    of_a, of_b = (evidence_of(answered(SHAPE, twice(side), twice(texts)), SHAPE, rows) for side in (a, b))
    found = differences(of_a, of_b, ["bleu"])["bleu"]
    assert "paired-bootstrap1000-t95" in found.signature
    once = differences(*sides(texts, a, b), ["bleu"])["bleu"]
    assert found.se == pytest.approx(once.se, rel=0.15)


def twice(rows: Sequence[Any]) -> list[Any]:
    return [row for row in rows for _ in range(2)]
