"""Comparisons to look at, made by hand: labels, texts, several runs, and names that want to be markup."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evalsvc.compare.nouns import Comparison, Difference, Field, Flip, Flips, Rows, SideInfo
from tests.report.cases import summary

HOSTILE = "<script>alert(1)</script>|`x`*_$%&#{}~^\\\x1b[31m\nnext"


def side(name: str = "support", run_id: str = "main-7", *, values: Mapping[str, float] | None = None, **changes: Any) -> SideInfo:
    """A run; `values` are its metrics over all of its rows, `changes` those of its summary."""
    metrics = {
        metric: {"value": value, "ci_low": value - 0.03, "ci_high": value + 0.02, "n": 138, "signature": "s"}
        for metric, value in (values or {}).items()
    }
    run = {"id": run_id, "model": f"model-{run_id}", "revision": None, "endpoint": "sandbox", "dataset_sha256": "53e2", "repeats": 1}
    rows = {"expected": 138, "ok": 138, "error": 0, "pending": 0}
    whole = summary(**{"name": name, "metrics": metrics, "run": run, "rows": rows, **changes})
    return SideInfo(name=name, run_id=run_id, path=f"runs/{name}/{run_id}", summary=whole)


def difference(metric: str, a: float | None, b: float | None, **changes: Any) -> Difference:
    """With an interval of ± 0.03 around it, and told where that does not hold 0."""
    if a is None or b is None:
        return Difference(metric=metric, a=a, b=b, n=0, reason=changes.get("reason", "one of the two has no such number"))
    by, wide = b - a, changes.pop("wide", 0.03)
    values: dict[str, Any] = {"n": 138, "difference": by, "ci_low": by - wide, "ci_high": by + wide, "lower": by - wide * 0.84}
    values |= {"upper": by + wide * 0.84, "p": 0.0042 if abs(by) > wide else 0.31, "p_below": 0.2, "p_above": 0.8}
    values |= {"se": wide / 1.96, "mde": 2.8 * wide / 1.96, "signature": f"{metric}|paired-newcombe95"}
    return Difference(metric=metric, a=a, b=b, **{**values, **changes})


EXAMPLES = (
    Flip(
        id="msg-0007",
        repeat=0,
        target="bug",
        outcome_a="correct",
        outcome_b="wrong",
        prediction_a="bug",
        prediction_b="billing",
        change=-1.0,
        output_a="bug",
        output_b="It is about billing, I think.",
        prompt="The login page works, but after that everything is white.",
    ),
    Flip(
        id="msg-0032",
        repeat=0,
        target="feature",
        outcome_a="correct",
        outcome_b="refused",
        prediction_a="feature",
        prediction_b=None,
        change=-1.0,
        output_a="feature",
        output_b="",
    ),
    Flip(
        id="msg-0101",
        repeat=0,
        target="praise",
        outcome_a="wrong",
        outcome_b="correct",
        prediction_a="bug",
        prediction_b="praise",
        change=1.0,
        output_a="bug",
        output_b="praise",
    ),
)

OF_LABELS = {
    "accuracy": difference("accuracy", 0.9493, 0.9058),
    "balanced_accuracy": difference("balanced_accuracy", 0.9456, 0.9312),
    "f1_macro": difference("f1_macro", 0.9472, 0.8973, wide=0.041),
    "log_loss": difference("log_loss", 0.3961, 0.1522, wide=0.07),
    "parse_rate": difference("parse_rate", 1.0, 1.0, wide=0.0, p=1.0, mde=0.0, se=0.0),
    "mcc": difference("mcc", None, 0.7, reason="main-7 has only one class"),
}


def of_labels(**changes: Any) -> Comparison:
    """Accuracy fell, log_loss got better, balanced accuracy cannot be told, and one number is missing."""
    whole = Comparison(
        a=side(values={"accuracy": 0.9493}),
        b=side(
            run_id="pr-12",
            values={"accuracy": 0.9058},
            usage={"input": 9_786, "output": 512, "cached": 0, "reasoning": 0},
            cost_usd=0.1181,
            latency_s={"p50": 0.31, "p90": 0.5, "p95": 0.62, "p99": 0.7, "max": 2.3},
            timing={"wall_s": 250.0, "launches": 1, "rows_per_s": 401.3},
        ),
        rows=Rows(
            common=134, only_a=3, only_b=2, changed=1, ids_only_a=("a-1", "a-2", "a-3"), ids_only_b=("b-1", "b-2"), ids_changed=("c",)
        ),
        differences=OF_LABELS,
        flips=Flips(both_right=118, both_wrong=4, to_right=3, to_wrong=9, p=0.0923),
        examples=EXAMPLES,
        notes=("the two runs have other data sets: 3 rows are only in A, 2 only in B",),
        headline="accuracy",
    )
    return replace(whole, **changes)


def of_texts() -> Comparison:
    """Translations, where ter fell, which is better."""
    return Comparison(
        a=side("orders", "r1", values={"bleu": 34.568}),
        b=side("orders", "r2", values={"bleu": 35.902}),
        rows=Rows(common=180),
        differences={
            "bleu": difference("bleu", 34.568, 35.902, wide=1.9),
            "ter": difference("ter", 51.2, 47.9, wide=1.1),
        },
        flips=None,
        examples=(
            Flip(
                id="order-17",
                repeat=1,
                target="The parcel was delivered to the neighbour on Tuesday, because nobody was at home when the driver rang the bell.",
                outcome_a="scored",
                outcome_b="scored",
                prediction_a=None,
                prediction_b=None,
                change=-0.4312,
                output_a="The parcel was delivered to the neighbour on Tuesday because nobody was home when the driver rang.",
                output_b="Parcel neighbour\nTuesday.",
                prompt="Das Paket wurde am Dienstag beim Nachbarn abgegeben.",
            ),
        ),
        headline="bleu",
    )


def hostile() -> Comparison:
    """Whatever a user or a model can write is markup that must stay text."""
    flip = Flip(
        id=HOSTILE,
        repeat=0,
        target=HOSTILE,
        outcome_a="correct",
        outcome_b="wrong",
        prediction_a=HOSTILE,
        prediction_b=HOSTILE,
        change=-1.0,
        output_a=HOSTILE,
        output_b=HOSTILE,
        prompt=HOSTILE,
    )
    run = {"id": "b", "model": HOSTILE, "revision": HOSTILE, "endpoint": HOSTILE}
    return of_labels(
        a=side(HOSTILE, "a"),
        b=side(HOSTILE, "b", run=run),
        examples=(flip,),
        notes=(HOSTILE,),
        rows=Rows(common=1, only_a=1, ids_only_a=(HOSTILE,)),
        differences={HOSTILE: difference(HOSTILE, 0.5, 0.7), "mcc": difference("mcc", None, None, reason=HOSTILE)},
        headline=HOSTILE,
    )


def field(values: Mapping[str, float], told: Mapping[tuple[int, int], bool], letters: tuple[str, ...], metric: str = "accuracy") -> Field:
    """Runs by name with their number, which pairs can be told apart, and the letters of each."""
    sides = [side("support", name, values={metric: value, "ext.words": value * 10}) for name, value in values.items()]
    numbers = list(values.values())
    pairs = {
        (i, j): Comparison(
            a=sides[i],
            b=sides[j],
            rows=Rows(common=138),
            differences={
                metric: difference(metric, numbers[i], numbers[j], p_holm=0.012 if told[i, j] else 0.62, p=0.004 if told[i, j] else 0.31),
                "ext.words": difference("ext.words", numbers[i] * 10, numbers[j] * 10, p_holm=1.0, p=0.9),
            },
            flips=Flips(both_right=100, both_wrong=20, to_right=8, to_wrong=10, p=0.6),
            headline=metric,
        )
        for i in range(len(sides))
        for j in range(i + 1, len(sides))
    }
    return Field(sides=sides, pairs=pairs, letters={metric: letters, "ext.words": ("a",) * len(sides)}, headline=metric)


def three(metric: str = "accuracy") -> Field:
    """a-1 and b-2 cannot be told apart; both are better than c-3."""
    return field({"c-3": 0.81, "a-1": 0.95, "b-2": 0.94}, {(0, 1): True, (0, 2): True, (1, 2): False}, ("b", "a", "a"), metric)


def overlapping() -> Field:
    """The middle one cannot be told from either end."""
    told = {(0, 1): False, (0, 2): True, (1, 2): False}
    return field({"a-1": 0.95, "b-2": 0.92, "c-3": 0.88}, told, ("a", "ab", "b"))


def many(runs: int) -> Field:
    """Each is better than the next but one."""
    values = {f"a-rather-long-run-id-{place}": 0.95 - 0.03 * place for place in range(runs)}
    told = {(i, j): j - i > 1 for i in range(runs) for j in range(i + 1, runs)}
    return field(values, told, tuple("ab"[place % 2] for place in range(runs)))
