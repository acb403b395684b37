"""The rows that a report shows: read from where the fold says they stand, and cut to what a page can hold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from evalsvc.errors import UsageError
from evalsvc.journal.read import records_at
from evalsvc.jsonio import dumps, loads
from evalsvc.prompt.likelihood import scores_target
from evalsvc.records import Record, Reply, RowError, Score
from evalsvc.reduce.examples import Place
from evalsvc.reduce.fold import load_fold
from evalsvc.reduce.joined import apart
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.run import plan_of
from evalsvc.reduce.scored import score_of
from evalsvc.report.html.row_data import rows_data, script_json
from evalsvc.report.words import some
from evalsvc.rundir import RunDir
from evalsvc.scoring.measures import references_of

MOST_BYTES: Final = 1_500_000
# Characters of one text. The first with which all rows fit is taken.
ROOMS: Final = (4000, 2000, 1000, 500, 250, 100)
# Of a longer conversation its two ends.
FIRST_MESSAGES: Final = 2
LAST_MESSAGES: Final = 10
MOST_PROBABILITIES: Final = 5

# Characters that a page shows as nothing. C0 and C1 controls become the pictures that Unicode has of them, or a replacement character;
# what turns text around, or stands unseen in an answer that no rule could read, is spelt out. Joiners and marks stay: scripts need them.
_PICTURES: Final[Mapping[int, int | str]] = {
    **{code: 0x2400 + code for code in range(0x20) if code not in (9, 10)},
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),
    0x7F: 0x2421,
    **{code: f"⟨U+{code:04X}⟩" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200B, 0x2060, 0xFEFF)},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMessage:
    """One turn of what a model was asked."""

    role: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRow:
    """One row as it was asked, answered and scored, every text cut to what a page has room for."""

    id: str
    outcome: str
    repeat: int = 0
    target: str | None = None  # the right label
    references: tuple[str, ...] = ()  # the right answers, where they are no labels
    prediction: str | None = None
    rule: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    probabilities: Mapping[str, float] = field(default_factory=dict)  # of the likeliest labels
    messages: tuple[ShownMessage, ...] | None = None  # None: the journal keeps no prompts
    reply: str | None = None  # None: there is none, or what it says is of no account
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: str | None = None
    error: str | None = None  # why there is no answer, or no score
    finish_reason: str | None = None
    latency_s: float | None = None
    tokens: tuple[int, int] | None = None  # in, out
    left_out: int = 0  # characters that were cut


_TEXTS = ("id", "target", "prediction", "reply", "reasoning", "refusal", "tool_calls", "error")


def shown_rows(run: RunDir) -> list[ShownRow]:
    """Rows of every kind, what went wrong first, no more than a page can hold; reduce/examples.py says which.

    UsageError when the run was not scored yet, or its scores are another journal's; JournalDamaged for a row that is not what was written.
    """
    plan = plan_of(run)
    fold = load_fold(plan)
    if fold is None:
        raise UsageError(f"{run.path} has no scores yet", hint=f"evalsvc score {run.typed} makes them")
    places = fold.tallies.examples.shown()
    for room in ROOMS:
        rows = [shortened(row, room) for row in _rows(plan, places)]
        size = len(script_json(rows_data(rows)).encode())
        if size <= MOST_BYTES:
            return rows
    return rows[: len(rows) * MOST_BYTES // size]


def _rows(plan: Plan, places: Sequence[Place]) -> Iterator[ShownRow]:
    records = records_at(plan.run.journal, [place.journal for place in places])
    with plan.run.scored.open("rb") as scored:
        for place, record in zip(places, records, strict=True):
            scored.seek(place.scored)
            yield _row(plan, record, _score(plan.run, record, scored.readline()))


def _score(run: RunDir, record: Record, line: bytes) -> Score:
    try:
        score = score_of(line)
    except (ValueError, KeyError) as error:
        raise apart(run) from error
    if (score.id, score.repeat) != (record.id, record.repeat):
        raise apart(run)
    return score


def _row(plan: Plan, record: Record, score: Score) -> ShownRow:
    references = () if plan.labels else references_of(score.target, as_text=plan.config.scoring.references == "text")
    messages = None if record.messages is None else tuple(map(_message, loads(record.messages)))
    row = ShownRow(
        id=record.id,
        outcome=score.outcome.value,
        repeat=record.repeat,
        target=score.target if plan.labels else None,
        references=references,
        prediction=score.prediction,
        rule=score.rule,
        scores=dict(score.scores or {}),
        probabilities=dict(sorted((score.probs or {}).items(), key=lambda item: -item[1])[:MOST_PROBABILITIES]),
        messages=messages,
        error=_error(record.error or score.error),
    )
    row = row if record.reply is None else _with_reply(row, record.reply)
    return _asked_target(row) if scores_target(plan.config) else row


def _asked_target(row: ShownRow) -> ShownRow:
    """Where the prompt ended with the target nothing else counts: it is shown once, and what the model said besides not at all."""
    messages = row.messages[:-1] if row.messages and row.messages[-1].role == "assistant" else row.messages
    return replace(row, messages=messages, prediction=None, reply=None)


def _with_reply(row: ShownRow, reply: Reply) -> ShownRow:
    return replace(
        row,
        reply=reply.output or "",
        reasoning=reply.reasoning,
        refusal=reply.refusal,
        tool_calls=dumps(reply.tool_calls).decode() if reply.tool_calls else None,
        finish_reason=reply.finish_reason,
        latency_s=reply.latency_s,
        tokens=None if reply.usage is None else (reply.usage.input, reply.usage.output),
    )


def _message(message: Mapping[str, Any]) -> ShownMessage:
    content = message.get("content")
    parts = content if isinstance(content, list) else [content]
    calls = [dumps(message["tool_calls"]).decode()] if message.get("tool_calls") else []
    return ShownMessage(role=str(message.get("role", "message")), text="\n".join([*filter(None, map(_part, parts)), *calls]))


def _part(part: Any) -> str:
    """A piece of a message; of pictures and sounds that they are there."""
    if not isinstance(part, Mapping):
        return str(part or "")
    return str(part["text"]) if isinstance(part.get("text"), str) else f"[{part.get('type', 'part')}]"


def _error(error: RowError | None) -> str | None:
    if error is None:
        return None
    where = [f"HTTP {error.http}" if error.http is not None else "", error.code or ""]
    return ", ".join([error.kind, *filter(None, where)]) + f": {error.message}"


def shortened(row: ShownRow, room: int) -> ShownRow:
    """With no text of more than about `room` characters, and no conversation of more than so many messages."""
    cut = _Cut(room=room)
    texts: dict[str, Any] = {name: cut(text) for name in _TEXTS if (text := getattr(row, name)) is not None}
    messages = None if row.messages is None else tuple(replace(message, text=cut(message.text)) for message in _ends(row.messages))
    references = tuple(map(cut, row.references))
    return replace(row, **texts, references=references, messages=messages, left_out=cut.left_out)


@dataclass(slots=True, kw_only=True)
class _Cut:
    """Cuts texts to `room` characters, and counts what that costs."""

    room: int
    left_out: int = 0

    def __call__(self, text: str) -> str:
        """Both ends are kept: a prompt ends with the question, an answer often with its result."""
        text = text.replace("\r\n", "\n")
        less = len(text) - self.room
        if less > 0:
            tail = self.room // 3
            self.left_out += less
            text = f"{text[: self.room - tail]}\n[… {some(less, 'character')} left out …]\n{text[-tail:]}"
        return text.translate(_PICTURES)


def _ends(messages: Sequence[ShownMessage]) -> Sequence[ShownMessage]:
    less = len(messages) - FIRST_MESSAGES - LAST_MESSAGES
    if less <= 0:
        return messages
    between = ShownMessage(role="…", text=f"{some(less, 'more message')}")
    return [*messages[:FIRST_MESSAGES], between, *messages[-LAST_MESSAGES:]]
