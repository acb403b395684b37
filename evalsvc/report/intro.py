"""What is said once, at the start: what is measured, how much of it is left, and the first exchange in full."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsvc import jsonio
from evalsvc.records import Summary
from evalsvc.report.facts import LABEL_WIDTH, Fact, Part, Tone, fact
from evalsvc.report.plain import clip, one_line, plain, shorten
from evalsvc.report.words import count, some

SHORT_LINES = 5
SHOWN_LINES = 20
SHOWN_MESSAGES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Reused:
    """What another run's answers saved."""

    run: str  # NAME/ID
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIntro:
    """A run as it is about to begin or to carry on."""

    name: str
    run_dir: str
    model: str
    endpoint: str
    rows: int  # rows expected in the end, samples times repeats
    repeats: int = 1
    finished: int  # of them by earlier launches, or taken over
    new: int = 0  # since the last launch
    changed: int = 0
    vanished: int = 0
    relabelled: int = 0
    reused: Reused | None = None  # its rows are among those finished
    ceiling: int  # requests in flight at most
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One row from prompt to outcome. Exactly one of `reply` and `error` is set."""

    messages: Sequence[Mapping[str, Any]]
    reply: str | None
    error: str | None
    extracted: str | None
    rule: str | None
    target: str | None
    outcome: str
    scored_by: str | None = None  # a scorer of the user's, which is not asked before the end; then nothing is extracted yet


def intro_facts(run: RunIntro) -> list[Fact]:
    """The opening lines, without the run's name."""
    facts = [
        fact("model", f"{one_line(run.model)} at {one_line(run.endpoint)}"),
        fact("rows", _rows(run), *_what_is_left(run)),
        fact("changes", *_changes(run)),
        fact("limit", f"{count(run.ceiling)} in flight at most"),
        fact("files", one_line(run.run_dir)),
        *(fact("note", Part(plain(note), Tone.WARN)) for note in run.notes),
    ]
    return [item for item in facts if item.parts]


def _rows(run: RunIntro) -> str:
    return count(run.rows) + (f" ({count(run.rows // run.repeats)} × {run.repeats})" if run.repeats > 1 else "")


def _what_is_left(run: RunIntro) -> Iterator[str]:
    earlier = run.finished - (0 if run.reused is None else run.reused.rows)
    if earlier:
        yield f"{count(earlier)} finished earlier"
    if run.reused is not None:
        yield taken_over(run.reused)
    if run.finished:
        yield f"{count(max(0, run.rows - run.finished))} to ask"


def taken_over(reused: Reused) -> str:
    """
    >>> taken_over(Reused(run="spam/1a2b3c4d", rows=1200))
    '1,200 rows taken over from spam/1a2b3c4d, 0 requests'
    """
    return f"{some(reused.rows, 'row')} taken over from {one_line(reused.run)}, 0 requests"


def _changes(run: RunIntro) -> Iterator[str]:
    """What became of the data since the last launch. On a first launch every row is new, which is no change."""
    if 0 < run.new < run.rows:
        yield f"{count(run.new)} new"
    if run.changed:
        yield f"{count(run.changed)} changed, asked again"
    if run.vanished:
        yield f"{count(run.vanished)} gone"
    if run.relabelled:
        yield f"{count(run.relabelled)} relabelled"


def outcome_tone(outcome: str) -> Tone:
    """Green for right, red for wrong and failed, yellow for whatever has no answer.

    >>> outcome_tone("correct").value, outcome_tone("wrong").value, outcome_tone("unparsed").value, outcome_tone("scored").value
    ('good', 'bad', 'warn', 'plain')
    """
    known = {"correct": Tone.GOOD, "wrong": Tone.BAD, "error": Tone.BAD, "scored": Tone.PLAIN, "pending": Tone.PLAIN}
    return known.get(outcome, Tone.WARN)


def outcome_words(outcome: str, summary: Summary) -> str:
    """Where there are labels, what is neither right nor wrong is a row without a right answer."""
    return "without a target" if outcome == "scored" and summary["confusion_matrix"] else outcome


def exchange_facts(exchange: Exchange, *, columns: int) -> list[Fact]:
    """A whole exchange, long texts clipped to 20 lines of `columns` columns and long conversations to their two ends; what was taken from
    the reply and the target, which may be as long, to 5.
    """
    rule = f"by rule {one_line(exchange.rule)}" if exchange.rule else None
    extracted = Part("nothing", Tone.WARN) if exchange.extracted is None else _short(exchange.extracted, columns)
    answer = _text("error", exchange.error, columns, Tone.BAD) if exchange.reply is None else _text("reply", exchange.reply, columns)
    target = fact("target", Part("none", Tone.FAINT) if exchange.target is None else _short(exchange.target, columns))
    if exchange.scored_by is not None:
        outcome = fact("outcome", f"by {one_line(exchange.scored_by)}, at the end")
        return [*_conversation(exchange.messages, columns), answer, target, outcome]
    return [
        *_conversation(exchange.messages, columns),
        answer,
        fact("extracted", extracted, rule),
        target,
        fact("outcome", Part(one_line(exchange.outcome), outcome_tone(exchange.outcome))),
    ]


def _conversation(messages: Sequence[Mapping[str, Any]], columns: int) -> Iterator[Fact]:
    left_out = len(messages) - SHOWN_MESSAGES
    head = SHOWN_MESSAGES // 2
    for index, message in enumerate(messages):
        if left_out <= 0 or index < head or index >= head + left_out:
            yield _text(shorten(str(message.get("role", "message")), LABEL_WIDTH - 1), _content(message), columns)
        elif index == head:
            yield fact("", Part(f"… {some(left_out, 'more message')} …", Tone.FAINT))


def _short(text: str, columns: int) -> str:
    return clip(one_line(text), lines=SHORT_LINES, columns=columns)


def _content(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else jsonio.dumps(content).decode()


def _text(label: str, text: str | None, columns: int, tone: Tone = Tone.PLAIN) -> Fact:
    if not text:
        return fact(label, Part("empty", Tone.WARN))
    return fact(label, Part(clip(plain(text), lines=SHOWN_LINES, columns=columns), tone))
