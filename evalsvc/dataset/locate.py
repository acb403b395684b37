"""From `dataset.path` to the files it means."""

from glob import glob, has_magic
from pathlib import Path

from evalsvc.dataset.formats import ending, format_of, is_data
from evalsvc.dataset.nearest import nearest
from evalsvc.dataset.place import Place, Url, is_url
from evalsvc.errors import UsageError

SHOWN = 5


def find_files(pattern: str, base_dir: Path) -> tuple[Place, ...]:
    """The file or URL at `pattern`, or those it matches as a glob (`**` too), sorted; relative paths start at `base_dir`.

    UsageError when there is none, with the nearest name there is.
    """
    if is_url(pattern):
        from evalsvc.dataset.storage import expand

        return expand(Url(pattern))
    path = base_dir / pattern
    if path.is_file():
        return (path,)
    if path.is_dir():
        raise _folder(pattern, path)
    if path.exists():
        raise UsageError(
            f"`dataset.path`: {path} is not a regular file", hint="It is read twice, so a pipe will not do: save it to a file."
        )
    return _matches(pattern, base_dir) if has_magic(pattern) else _missing(path)


def common_format(files: tuple[Place, ...]) -> str:
    """The one format of all `files`, by their endings; UsageError when there are several."""
    formats = {format_of(path): path for path in files}
    if len(formats) > 1:
        listed = ", ".join(f"{path.name} ({name})" for name, path in formats.items())
        raise UsageError(f"`dataset.path` matches files of several formats: {listed}", hint="Narrow the pattern to files of one format.")
    return next(iter(formats))


def _matches(pattern: str, base_dir: Path) -> tuple[Path, ...]:
    found = sorted(path for name in glob(pattern, root_dir=base_dir, recursive=True) if (path := base_dir / name).is_file())  # noqa: PTH207 - Path.glob knows no root of its own
    if not found:
        raise UsageError(f"`dataset.path`: no file matches {base_dir / pattern}", hint=_there(Path(base_dir / pattern).parent))
    return tuple(found)


def _missing(path: Path) -> tuple[Path, ...]:
    names = [other.name for other in path.parent.iterdir() if other.is_file()] if path.parent.is_dir() else []
    near = nearest(path.name, names)
    hint = f"Did you mean {path.with_name(near)}?" if near is not None else _there(path.parent)
    if path.suffix == "" and "runs" in path.parts:
        hint = "If a run is meant: it has to have run before its answers are a data set; evalsvc list shows those that are there."
    raise UsageError(f"`dataset.path`: there is no file {path}", hint=hint)


def _folder(pattern: str, folder: Path) -> UsageError:
    endings = sorted({ending(path) for path in folder.iterdir() if is_data(path)}) or [".jsonl"]
    return UsageError(
        f"`dataset.path`: {folder} is a folder", hint=f"Name a file in it, or several with a pattern: {pattern.rstrip('/')}/*{endings[0]}*"
    )


def _there(folder: Path) -> str:
    if not folder.is_dir():
        return f"There is no folder {folder}; relative paths start at the config file's folder."
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and is_data(path))
    return f"Data files in {folder}: {', '.join(names[:SHOWN])}." if names else f"There is no data file in {folder}."
