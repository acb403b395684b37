"""Guards over the outcomes: rows that have no answer, or half of one."""

from collections.abc import Iterator, Mapping
from typing import Final

from evalsvc.metrics.verdicts.facts import Facts, percent, rows_of, warning
from evalsvc.records import Outcome, RunWarning

# Parse rate below 99 %: from here on it is the reading that is measured, and not the model alone.
_UNREAD_SHARE = 0.01
# One row in two thousand moves no share by more than half a tenth of a point: it is counted in `outcomes`, and not worth a warning.
_NEGLIGIBLE = 0.0005
# Where nearly all replies with a label were cut, the limit is as short as a label, and meant so.
_CUT_ON_PURPOSE = 0.9

_WRONG, _EMPTY, _NOWHERE = "counted as wrong", "measured as empty answers", "in no number"
# What becomes of a row without an answer.
_COUNTED: Final[Mapping[str, str]] = {
    "classification": _WRONG,
    "qa": _WRONG,
    "generation": _EMPTY,
    "translation": _EMPTY,
    "summarization": _EMPTY,
    "perplexity": _NOWHERE,
    "regression": _NOWHERE,
    "judge": _NOWHERE,
}
_LOOK = "read some of the replies in predictions.jsonl"
# What it means that nothing was found in a reply, and what to do about it.
_UNREAD: Final[Mapping[str, tuple[str, str]]] = {
    "classification": ("no single label could be read in", "ask for the label alone, or set scoring.aliases or scoring.extract"),
    "perplexity": (
        "a token of the target has no logprob, because the model holds it impossible or other tokens came back, in",
        "what is left out may be the hardest rows: look at prompt_tokens in predictions.jsonl, and see docs/metrics.md",
    ),
    "regression": ("no number could be read in", "ask for the number alone, or set scoring.extract"),
    "judge": ("no verdict could be read in", "look what the judge wrote, and at its max_output_tokens"),
}
_UNREAD_TEXT: Final = (
    "there is no answer in",
    "they are empty, or have nothing where scoring.extract looks: read some in predictions.jsonl",
)


def unparsed(facts: Facts) -> Iterator[RunWarning]:
    none, several = facts.outcomes[Outcome.UNPARSED], facts.outcomes[Outcome.AMBIGUOUS]
    share = (none + several) / facts.records if facts.records else 0.0
    if share > _UNREAD_SHARE:
        what, todo = _UNREAD.get(facts.besides.task, _UNREAD_TEXT)
        counts = f"{none:,} without any, {several:,} with several" if facts.labels else f"{none + several:,} of {facts.records:,}"
        again = " and run `evalsvc score`" if "scoring." in todo and facts.besides.task in _UNREAD else ""
        yield warning(
            "unparsed",
            f"{what} {percent(share)} of the replies ({counts}), which are {_counted(facts)}; {todo}{again}",
            unparsed=none,
            ambiguous=several,
            share=share,
        )


def truncated(facts: Facts) -> Iterator[RunWarning]:
    lost, cut = facts.outcomes[Outcome.TRUNCATED], _cut_by_accident(facts)
    if facts.besides.task == "perplexity" or not _is_worth_it(lost + cut, facts):
        return
    what = "label" if facts.labels else "answer"
    before = f"{lost:,} before {'a' if facts.labels else 'an'} {what} could be read, {_counted(facts)}" if lost else ""
    after = f"{cut:,} after a label" if facts.labels else f"{cut:,} in the middle of the answer, which is scored as it stands"
    yield warning(
        "truncated",
        f"{rows_of(lost + cut, 'reply was', 'replies were')} cut off ({'; '.join(filter(None, (before, after if cut else '')))}); "
        "raise model.max_output_tokens",
        truncated=lost,
        **{f"cut_with_{what}": cut},
    )


def _cut_by_accident(facts: Facts) -> int:
    if facts.labels and not facts.outcomes[Outcome.TRUNCATED] and facts.cut >= _CUT_ON_PURPOSE * max(1, facts.decided):
        return 0
    return facts.cut


_WITHOUT_ANSWER: Final[Mapping[Outcome, tuple[str, str]]] = {
    Outcome.ERROR: ("ended in an error", "run again with --retry-failed to ask once more"),
    Outcome.REFUSED: ("refused by the model", f"{_LOOK}, and see whether the prompt invites it"),
    Outcome.FILTERED: (
        "stopped by the endpoint's content filter",
        "ask its owner to loosen it, if users may write the like",
    ),
}


def without_answer(facts: Facts) -> Iterator[RunWarning]:
    for outcome, (what, todo) in _WITHOUT_ANSWER.items():
        count = facts.outcomes[outcome]
        if _is_worth_it(count, facts):
            share = count / facts.records
            yield warning(
                outcome.value,
                f"{what} and {_counted(facts)}: {rows_of(count)}, {percent(share)} of all; {todo}",
                rows=count,
                share=share,
            )


def _is_worth_it(rows: int, facts: Facts) -> bool:
    return rows > _NEGLIGIBLE * facts.records


def _counted(facts: Facts) -> str:
    accuracy = facts.metrics.get("accuracy")
    if accuracy is not None and accuracy["value"] is not None and not facts.labels:
        return _WRONG
    return _COUNTED.get(facts.besides.task, _WRONG)
