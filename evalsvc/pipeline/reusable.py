"""Whose answers may be taken over: another run that asked the same of the same weights, or why none of its answers may."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from evalsvc.config.identity import differences
from evalsvc.errors import UsageError
from evalsvc.journal.keys import Answered
from evalsvc.jsonio import dumps
from evalsvc.pipeline.drift import server_differences
from evalsvc.prompt import RequestBuilder
from evalsvc.records import Sample
from evalsvc.rundir import Manifest, RunDir, find_run

# The parts of an identity that are in the key of each request; prompt and repeats show in the requests themselves.
IN_EVERY_KEY = ("model", "endpoint", "azure", "api", "max_output_tokens", "params")
FORCE = "--reuse-anyway takes the answers over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reusable:
    """A run whose answers are taken over where they answer the very request that would be sent."""

    run: RunDir
    key: str  # NAME/ID
    revision: str | None
    server: Mapping[str, Any]  # what /models said of its model
    forced: bool  # whatever the weights
    builder: RequestBuilder  # gives the keys that its requests have


def find_reusable(
    named: str, run: RunDir, identity: Mapping[str, Any], *, forced: bool, builder_of: Callable[[str | None], RequestBuilder]
) -> Reusable | None:
    """The run that `--reuse` names; None where that is `run` itself and it has taken over nothing yet.

    A run under way is the latest of its name: where it is named so, the one is meant that it began to take over. `builder_of` gives
    the builder of requests for a revision. UsageError where there is no such run, and where `refusal` has a reason.
    """
    other = find_run(named)
    if other.path.resolve() == run.path.resolve():
        before = _taken_from(run)
        if before is None:
            return None
        other = find_run(before)
    manifest = Manifest.read(other)
    if manifest is None:
        raise UsageError(f"{other.path} has no run.json", hint="name a run directory, as evalsvc list shows them")
    key = f"{manifest.name}/{manifest.id}"
    if (error := refusal(key, manifest.identity, identity, forced=forced)) is not None:
        raise error
    revision = manifest.identity.get("revision")
    return Reusable(run=other, key=key, revision=revision, server=manifest.server, forced=forced, builder=builder_of(revision))


def _taken_from(run: RunDir) -> str | None:
    manifest = Manifest.read(run)
    launches = manifest.launches if manifest is not None else ()
    return next((str(launch["reused"]["path"]) for launch in reversed(launches) if "reused" in launch), None)


def refusal(key: str, theirs: Mapping[str, Any], ours: Mapping[str, Any], *, forced: bool) -> UsageError | None:
    """Why the answers of the run `key` must not be taken over, by the identities of the two; None where they may.

    Not even force helps where no request could be the same.
    """
    asked, would_ask = ({part: identity[part] for part in IN_EVERY_KEY if part in identity} for identity in (theirs, ours))
    if lines := differences(asked, would_ask):
        return UsageError(
            _listed(f"--reuse {key}: it asked something else, so none of its answers would fit:", lines),
            hint="name a run with the same model, endpoint, API and parameters; or leave --reuse out, and every row is asked",
        )
    before, now = theirs.get("revision"), ours.get("revision")
    if forced or (before == now and now is not None):
        return None
    if before is None or now is None:
        return UsageError(
            f"--reuse {key}: {_unset(before, now)}, so nobody can tell whether the same weights gave its answers",
            hint=f"set model.revision (training run, adapter commit) from now on; if you know that the weights are the same, {FORCE}",
        )
    return UsageError(
        f"--reuse {key}: other weights gave its answers: model.revision {_quoted(before)} → {_quoted(now)}",
        hint=f"leave --reuse out, and every row is asked; or {FORCE} as they are",
    )


def refuse_other_server(reusable: Reusable, card: Mapping[str, Any]) -> None:
    """UsageError where what /models says of the model now (`card`) is not what it said to that run: then the weights are not known."""
    lines = [] if reusable.forced else server_differences(reusable.server, card)
    if lines:
        raise UsageError(
            _listed(f"--reuse {reusable.key}: the server had something else behind that name when it gave its answers:", lines),
            hint=f"leave --reuse out, and every row is asked; or, if you know that the weights are the same, {FORCE}",
        )


@contextmanager
def answers_of(reusable: Reusable | None) -> Iterator[Callable[[Sample, int], bool]]:
    """Tells of a row and a repeat whether the answer is there to be taken over; with None, of none."""
    if reusable is None or not reusable.run.has_answers():
        yield lambda _sample, _repeat: False
        return
    build = reusable.builder.build
    with Answered.open(reusable.run.journal) as answered:
        yield lambda sample, repeat: answered.find(build(sample, repeat).key, sample.id) is not None


def _listed(heading: str, lines: list[str]) -> str:
    return "\n".join([heading, *(f"  {line}" for line in lines)])


def _unset(before: str | None, now: str | None) -> str:
    if before is None and now is None:
        return "model.revision is set neither there nor here"
    there, here = ("not set" if revision is None else _quoted(revision) for revision in (before, now))
    return f"model.revision is {there} there and {here} here"


def _quoted(revision: str | None) -> str:
    return dumps(revision).decode()
