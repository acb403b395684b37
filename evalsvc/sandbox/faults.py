"""Which faults there are, how they are written, and which of them strike a call. Pure; `server.py` carries them out.

A fault is written `name[=value][:option=value…]`, several of them with commas between, on the command line
(`--error-rate 0.05`, `--fault status=503:times=2`) and in the request header `x-sandbox-fault` alike:

    reset=0.01                               one call in a hundred
    status=503:times=2                       the first two calls with these messages, then fine
    status=400:code=invalid_value:param=top_p
    storm=5:35                               503 from second 5 to second 35 of the server's life
    silence:match=hello                      only for user messages that contain hello
    status=404:on=models                     the list of models; on=chat, responses or completions one API, on=answers all three

Chance is a function of the seed, the messages and the how-manieth call with these messages it is, so that a rerun repeats.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from evalsvc.sandbox.answers import Answer
from evalsvc.sandbox.limits import retry_after
from evalsvc.sandbox.wire import WireError

HEADER = "x-sandbox-fault"
Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """The call takes so long before anything is answered."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """An error in place of an answer."""

    error: WireError


@dataclass(frozen=True, slots=True, kw_only=True)
class Alter:
    """Another answer than the model's, in perfectly good form."""

    change: Callable[[Answer], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """The answer goes wrong on its way; `how` is a name in delivery.BREAKS."""

    how: str
    bytes_per_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A stream has other events than it should; `how` is a name in streams.EDITS. A plain reply stays as it is."""

    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """A stream takes so long for each of its events."""

    seconds: float


Effect = Wait | Refuse | Alter | Break | Edit | Pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault, and among its options those that say when it strikes (see WHEN)."""

    name: str
    options: Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """All that decides whether a fault strikes a call."""

    where: str  # chat | responses | completions | models
    number: int  # of all calls to this server, from 1
    attempt: int  # of the calls with these messages, from 1
    digest: bytes  # of the messages
    text: str  # of the last user message
    age_s: float  # of the server
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A row of the table of faults."""

    meaning: str
    effect: Callable[[Options, float], Effect]  # the float is a draw from [0, 1)
    value: str = "rate"  # which option the value after the name is
    extra: Sequence[str] = ()  # options it takes besides WHEN
    required: bool = False  # without a value it means nothing
    on: str = "answers"  # which calls it strikes when not told, see PLACES


def parse_all(text: str) -> tuple[Fault, ...]:
    """The faults in a header's value; ValueError says what is wrong with it."""
    return tuple(parse(part.strip()) for part in text.split(",") if part.strip())


@lru_cache(maxsize=1024)
def parse(text: str) -> Fault:
    """The fault that `text` writes; ValueError says what is wrong with it.

    >>> parse("storm=5:35").options
    {'window': (5.0, 35.0)}
    >>> parse("status=503:times=2").options
    {'status': 503, 'times': 2}
    """
    name, written = _written(text)
    kind = KINDS.get(name)
    if kind is None:
        raise ValueError(f"unknown fault {name!r}{nearest(name, KINDS)}")
    if "" in written:
        written = {kind.value: written.pop("")} | written
    if kind.required and kind.value not in written:
        raise ValueError(f"fault {name!r} needs a value: {name}={kind.value.upper()}")
    return Fault(name=name, options={option: _option(name, kind, option, value) for option, value in written.items()})


def effect(fault: Fault, moment: Moment) -> Effect:
    """What becomes of a call that `fault` strikes."""
    return KINDS[fault.name].effect(fault.options, draw(moment, fault.name, "how"))


def strikes(fault: Fault, moment: Moment) -> bool:
    options = fault.options
    since, until = options.get("window", (0.0, float("inf")))
    return (
        moment.where in PLACES[options.get("on", KINDS[fault.name].on)]
        and moment.number > options.get("after", 0)
        and moment.attempt <= options.get("times", float("inf"))
        and since <= moment.age_s < until
        and options.get("match", "") in moment.text
        and draw(moment, fault.name, "whether") < options.get("rate", 1.0)
    )


def draw(moment: Moment, *about: str) -> float:
    """A number from [0, 1) that is the same whenever the same call is made as the same attempt."""
    salt = ":".join((str(moment.seed), str(moment.attempt), *about)).encode()
    return int.from_bytes(blake2b(salt + moment.digest, digest_size=6).digest()) / 2**48


def nearest(name: str, known: Mapping[str, Any]) -> str:
    """`; did you mean …?`, or the whole list when nothing is near."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def _written(text: str) -> tuple[str, dict[str, str]]:
    """Name and options as text; the value after the name stands under the empty option."""
    name, *parts = text.split(":")
    name, equals, value = name.partition("=")
    options = {"": value} if equals else {}
    last = ""
    for part in parts:
        option, equals, value = part.partition("=")
        if equals:
            last = option.strip()
            options[last] = value
        else:
            # a colon inside a value, as in storm=5:35
            options[last] = f"{options.get(last, '')}:{part}"
    return name.strip(), options


def _option(name: str, kind: Kind, option: str, value: str) -> Any:
    taken = {key: OPTIONS[key] for key in (kind.value, *kind.extra, *WHEN)}
    if option not in taken:
        raise ValueError(f"fault {name!r} has no option {option!r}{nearest(option, taken)}")
    try:
        return taken[option](value)
    except ValueError as error:
        raise ValueError(f"fault {name!r}: {option}={value!r}: {error}") from None


def _probability(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError("a number from 0 to 1 is expected")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError("a whole number, 0 or more, is expected")
    return value


def _status(text: str) -> int:
    value = int(text)
    if not 200 <= value <= 599:
        raise ValueError("an HTTP status from 200 to 599 is expected")
    return value


def _where(text: str) -> str:
    if text not in PLACES:
        raise ValueError(f"one of {', '.join(PLACES)} is expected")
    return text


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise ValueError("a number above 0 is expected")
    return value


def _range(separator: str) -> Callable[[str], tuple[float, float]]:
    def parse_range(text: str) -> tuple[float, float]:
        low, _, high = text.partition(separator)
        ends = float(low), float(high or low)
        if not 0 <= ends[0] <= ends[1]:
            raise ValueError(f"seconds, or LOW{separator}HIGH, are expected")
        return ends

    return parse_range


def _text_or_none(text: str) -> str | None:
    return text or None


def _wait(options: Options, drawn: float) -> Effect:
    low, high = options["seconds"]
    return Wait(seconds=low + (high - low) * drawn)


def _pace(options: Options, drawn: float) -> Effect:
    low, high = options["seconds"]
    return Pace(seconds=low + (high - low) * drawn)


def _refuse(status: int, **given: Any) -> Effect:
    usual = {"message": f"The sandbox was told to answer with {status}.", "type": _type(status), "code": _CODES.get(status)}
    wait_s = given.pop("retry_after", None)
    headers = {} if wait_s is None else retry_after(wait_s)
    return Refuse(error=WireError(status=status, headers=headers, **(usual | given)))


def _type(status: int) -> str:
    return "server_error" if status >= 500 else "requests" if status == 429 else "invalid_request_error"


def _as_told(options: Options, _drawn: float) -> Effect:
    return _refuse(**{option: options[option] for option in _ERROR if option in options})


def _server_error(options: Options, drawn: float) -> Effect:
    return _as_told({**options, "status": (500, 502, 503)[int(drawn * 3)]}, drawn)


def _always(status: int, **given: Any) -> Callable[[Options, float], Effect]:
    def effect(options: Options, drawn: float) -> Effect:
        return _as_told({"status": status, **given, **options}, drawn)

    return effect


def _alter(**changes: Any) -> Callable[[Options, float], Effect]:
    return lambda _options, _drawn: Alter(change=lambda answer: replace(answer, **changes))


def _filtered(_options: Options, _drawn: float) -> Effect:
    """What was said until the filter took notice."""
    return Alter(change=lambda answer: replace(answer, tokens=answer.tokens[: len(answer.tokens) // 2], finish_reason="content_filter"))


def _given_up(_options: Options, _drawn: float) -> Effect:
    return Alter(change=lambda answer: replace(answer, tokens=answer.tokens[: len(answer.tokens) // 2], finish_reason="error"))


def _edit(how: str) -> Callable[[Options, float], Effect]:
    return lambda _options, _drawn: Edit(how=how)


def _break(how: str) -> Callable[[Options, float], Effect]:
    return lambda options, _drawn: Break(how=how, bytes_per_s=options.get("bytes_per_s", 1.0))


OPTIONS: Mapping[str, Callable[[str], Any]] = {
    "rate": _probability,
    "times": _count,
    "after": _count,
    "window": _range(":"),
    "match": str,
    "on": _where,
    "seconds": _range(".."),
    "bytes_per_s": _positive,
    "status": _status,
    "message": str,
    "type": str,
    "param": _text_or_none,
    "code": _text_or_none,
    "retry_after": _positive,
}
_ANSWERS = ("chat", "responses", "completions")
PLACES: Mapping[str, Sequence[str]] = {
    **{name: (name,) for name in (*_ANSWERS, "models")},
    "answers": _ANSWERS,
    "all": (*_ANSWERS, "models"),
}
WHEN = ("rate", "times", "after", "window", "match", "on")
_WORDS = ("message", "type", "param", "code", "retry_after")
_ERROR = ("status", *_WORDS)
_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
_REFUSAL = "I'm sorry, but I can't assist with that request."
_TOO_LONG = "This model's maximum context length is 8192 tokens. However, your messages resulted in more. Please reduce their length."
_BLOCKED = "The response was filtered due to the prompt triggering the content management policy. Please modify your prompt and retry."
_QUOTA = "You exceeded your current quota, please check your plan and billing details."
_REVOKED = "Incorrect API key provided."

KINDS: Mapping[str, Kind] = {
    "latency": Kind(value="seconds", required=True, effect=_wait, meaning="wait 0.2, or somewhere in 0.2..0.3 seconds"),
    "status": Kind(value="status", required=True, extra=_WORDS, effect=_as_told, meaning="this status and OpenAI's error body"),
    "error-rate": Kind(extra=_WORDS, effect=_server_error, meaning="500, 502 or 503 for this share of calls"),
    "storm": Kind(
        value="window", required=True, extra=_WORDS, on="all", effect=_always(503), meaning="503 from second FROM:TO of the server's life"
    ),
    "revoked-after": Kind(
        value="after", required=True, on="all", effect=_always(401, message=_REVOKED), meaning="401 once so many calls were taken"
    ),
    "quota-after": Kind(
        value="after",
        required=True,
        effect=_always(429, message=_QUOTA, type="insufficient_quota", code="insufficient_quota"),
        meaning="429 insufficient_quota once so many calls were taken",
    ),
    "blocked": Kind(effect=_always(400, message=_BLOCKED, param="prompt", code="content_filter"), meaning="400 content_filter"),
    "context-length": Kind(
        effect=_always(400, message=_TOO_LONG, param="messages", code="context_length_exceeded"), meaning="400 context_length_exceeded"
    ),
    "refusal": Kind(effect=_alter(refusal=_REFUSAL, has_content=False), meaning="a refusal and no content"),
    "filter": Kind(effect=_filtered, meaning="a cut answer with finish_reason content_filter"),
    "null-content": Kind(effect=_alter(has_content=False), meaning="content null"),
    "empty-choices": Kind(effect=_alter(has_choice=False), meaning="a reply without choices or output"),
    "no-usage": Kind(effect=_alter(has_usage=False), meaning="a reply without its usage"),
    "gave-up": Kind(effect=_given_up, meaning="status 200 and a reply that failed half-way: finish_reason error, status failed"),
    "reset": Kind(effect=_break("reset"), meaning="the connection is reset"),
    "silence": Kind(effect=_break("silence"), meaning="never an answer"),
    "cut": Kind(effect=_break("cut"), meaning="half of the body, then the end of the connection"),
    "drip": Kind(extra=("bytes_per_s",), effect=_break("drip"), meaning="the body, a byte a second"),
    "garbage": Kind(effect=_break("garbage"), meaning="an HTML page with status 200"),
    "malformed": Kind(effect=_break("malformed"), meaning="status 200 and half of the JSON"),
    "stream-half": Kind(effect=_edit("stream-half"), meaning="streams: half of the events, and then a regular end"),
    "stream-error": Kind(effect=_edit("stream-error"), meaning="streams: half of the events, and then one that tells of an error"),
    "no-done": Kind(effect=_edit("no-done"), meaning="streams: all but the last event"),
    "keep-alive": Kind(effect=_edit("keep-alive"), meaning="streams: a comment before every event"),
    "token-latency": Kind(
        value="seconds", required=True, effect=_pace, meaning="streams: wait 0.02, or somewhere in 0.01..0.03 seconds, before every event"
    ),
}
