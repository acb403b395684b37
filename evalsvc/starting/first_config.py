"""`evalsvc init`: a look at the data, and the files to start from."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from evalsvc.config.dotenv import read_dotenv
from evalsvc.dataset.locate import find_files
from evalsvc.dataset.place import Url, is_url
from evalsvc.errors import UsageError
from evalsvc.journal.files import check_place, write_atomic
from evalsvc.report.words import some
from evalsvc.starting.asking import Asked, Fetch, whom_to_ask
from evalsvc.starting.direct import is_config, name_of
from evalsvc.starting.draft import SCORER_FILE, Draft, draft
from evalsvc.starting.look import Seen, look
from evalsvc.starting.tasks import CLASSIFICATION

# File names that tell what a file is for, not what it is about.
_TELLS_NOTHING = frozenset({"test", "train", "data", "dev", "valid", "validation", "eval", "part", "holdout", "dataset"})
_LABELS_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What was written, and what to tell."""

    files: tuple[Path, ...]
    lines: tuple[str, ...]


def first_config(path: str, out: Path, *, force: bool, environ: Mapping[str, str], fetch: Fetch) -> Started:
    """Looks at the data at `path` (relative to the working directory) and writes the config `out`, and a scorer beside it if need be.

    UsageError, and nothing written, when the data cannot be read or a file would be overwritten without `force`. StorageFailed, and no
    file in part, where there is no room.
    """
    if is_config(path):
        raise UsageError(f"{path} is a config already", hint=f"evalsvc init takes a data file; to run this one: evalsvc run {quote(path)}")
    if not is_url(path):
        find_files(path, Path())  # a mistyped name is told before anything else
    _refuse_overwriting(out, force)
    seen = look(path, Path())
    asked = whom_to_ask({**read_dotenv(out.parent / ".env"), **environ}, fetch)
    made = draft(seen, asked, name=_name(path), path=_from(out.parent, path))
    files = _files(made, out)
    for file in files:
        check_place(file)
        _refuse_overwriting(file, force)
    for file, text in files.items():
        write_atomic(file, text.encode())
    return Started(files=tuple(files), lines=(*_seen_lines(seen), *_written_lines(seen, asked, files)))


def _files(made: Draft, out: Path) -> dict[Path, str]:
    scorer = {} if made.scorer is None else {out.parent / SCORER_FILE: made.scorer}
    return {out: made.config, **scorer}


def _refuse_overwriting(file: Path, force: bool) -> None:
    if file.exists() and not force:
        raise UsageError(f"{file} is there already", hint="--force overwrites it, -o OTHER.yaml writes another")


def _from(folder: Path, path: str) -> str:
    if is_url(path) or Path(path).is_absolute():
        return path
    return os.path.relpath(path, folder)


def _name(path: str) -> str:
    """
    >>> _name("sms_spam.tsv"), _name("wine/test.tsv"), _name("https://host/intents/train.csv?sig=1")
    ('sms_spam', 'wine', 'intents')
    """
    place = Url(path).pure if is_url(path) else Path(path).absolute()
    name = name_of(place.name)
    return name_of(place.parent.name) if name.lower() in _TELLS_NOTHING and place.parent.name else name


def _seen_lines(seen: Seen) -> Iterator[str]:
    shown = str(Url(seen.path)) if is_url(seen.path) else seen.path
    header = ", no line with their names" if seen.header is not None else ""
    yield f"{shown}: {some(seen.rows, 'row')}, {some(len(seen.columns), 'column')}{header}"
    if seen.roles.messages is not None:
        yield f"  {seen.roles.messages}: conversations in OpenAI's chat format, sent as they are"
    if seen.questions is not None:
        column = seen.questions
        again = f"; {column.repeats:,} the same as an earlier one" if column.repeats else ""
        yield f"  input   {column.name}: {column.mean_length:,.0f} characters on average, {column.longest:,} at most{again}"
    elif seen.roles.inputs:
        yield f"  input   {', '.join(seen.roles.inputs)}: put together by the prompt"
    yield f"  target  {_target_line(seen)}"
    if seen.roles.id is not None:
        yield f"  id      {seen.roles.id}"


def _target_line(seen: Seen) -> str:
    if seen.answers is None:
        return "no column looks like the right answer: predictions only"
    missing = seen.rows - seen.answers.filled
    without = f"; {some(missing, 'row')} without one" if missing else ""
    if seen.labels is None:
        return f"{seen.answers.name}: {seen.answers.kind}, {seen.answers.mean_length:,.0f} characters on average{without}"
    shares = [f"{label} {count / seen.answers.filled:.1%}" for label, count in seen.labels.items()]
    more = f" and {len(shares) - _LABELS_SHOWN} more" if len(shares) > _LABELS_SHOWN else ""
    return f"{seen.answers.name}: {len(shares)} labels: {', '.join(shares[:_LABELS_SHOWN])}{more}{without}"


def _misspelled_lines(seen: Seen) -> Iterator[str]:
    """Labels are compared to the letter with those of the config, so that no row is counted in a class that nobody named."""
    if not seen.misspelled:
        return
    shown = [f"{label!r} also as {spelling!r} ({some(seen.targets[spelling], 'row')})" for spelling, label in seen.misspelled.items()]
    more = f"; and {len(shown) - _LABELS_SHOWN} more" if len(shown) > _LABELS_SHOWN else ""
    yield f"  first   correct {seen.path}, or the run is refused: {'; '.join(shown[:_LABELS_SHOWN])}{more}"


def _written_lines(seen: Seen, asked: Asked, files: Mapping[Path, str]) -> Iterator[str]:
    if seen.task != CLASSIFICATION:
        yield f"  task    {seen.task}: a guess, to be changed in {next(iter(files))}"
    yield from _misspelled_lines(seen)
    told = asked.told or "asks the built-in sandbox, since neither OPENAI_API_KEY nor OPENAI_BASE_URL is set"
    config, *others = map(str, files)
    yield f"wrote {' and '.join([config, *others])}: {told}"
    yield f"next: evalsvc run {config}"
