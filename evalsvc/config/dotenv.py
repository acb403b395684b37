"""The `.env` file beside a config: KEY=VALUE lines, nothing expanded.

# a comment
export OPENAI_API_KEY=sk-…       `export` is optional; an unquoted value ends at " #"
GREETING="two\\nlines"           double quotes: \\n \\t \\r \\" \\\\ are escapes
PATTERN='$as \\written'           single quotes: as written
"""

import re
from pathlib import Path

from evalsvc.errors import UsageError

_LINE = re.compile(r"(?:export\s+)?(?P<key>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)", re.DOTALL)
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?')
_SINGLE = re.compile(r"'([^']*)'\s*(?:#.*)?")
_COMMENT = re.compile(r"(^|\s)#.*")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


def read_dotenv(path: Path) -> dict[str, str]:
    """The variables in `path`, none when there is no such file; UsageError when it cannot be read or understood."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return {}
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}", hint="Save the file as UTF-8.") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    return parse_dotenv(text, file=str(path))


def parse_dotenv(text: str, *, file: str) -> dict[str, str]:
    """The variables in `text`, the last one winning; UsageError with file and line, and never a value in it.

    >>> parse_dotenv("export A=1 # one\\nB='x # y'", file=".env")
    {'A': '1', 'B': 'x # y'}
    """
    variables: dict[str, str] = {}
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if line and not line.startswith("#"):
            key, value = _variable(line, place=f"{file}:{number}")
            variables[key] = value
    return variables


def _variable(line: str, *, place: str) -> tuple[str, str]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise UsageError(f"{place}: expected KEY=VALUE", hint="Comments start with #; names are letters, digits and _.")
    return found["key"], _value(found["value"], place=f"{place}: {found['key']}")


def _value(written: str, *, place: str) -> str:
    if not written.startswith(('"', "'")):
        return _COMMENT.sub("", written).rstrip()
    quoted = (_DOUBLE if written[0] == '"' else _SINGLE).fullmatch(written)
    if quoted is None:
        raise UsageError(f"{place}: the quotes do not close at the end of the line", hint="A value is one line; use \\n in double quotes.")
    if written[0] == "'":
        return quoted[1]
    return _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[0]), quoted[1])
