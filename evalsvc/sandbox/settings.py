"""What can be asked of the sandbox: one table of options, read from a command line or from the config's `model.sandbox`."""

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsvc.sandbox import faults
from evalsvc.sandbox.dialects import DIALECTS
from evalsvc.sandbox.faults import Fault
from evalsvc.sandbox.models import FITTED


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """All of the sandbox's behaviour."""

    host: str = "127.0.0.1"
    port: int = 0  # 0: any free one
    train: Path | None = None  # without it there are only the models that need no training
    fit: str = "classifier"  # which model `train` is for
    columns: tuple[str, ...] | None = None
    input: str = "text"
    target: str = "label"
    tag: str | None = None  # a column whose value says what language a text is to be put into
    order: int = 2
    sentences: int = 2
    model_name: tuple[str, ...] = ()  # further names for the fitted model
    seed: int = 0
    slots: int | None = None
    rpm: float | None = None
    rps: float | None = None  # in place of rpm
    burst: float | None = None  # requests; default: what a second allows, at least 1
    tpm: float | None = None
    token_burst: float | None = None  # default: what a minute allows
    retry_after: bool = True
    ratelimit_headers: bool = True
    require_key: str | None = None
    quirks: str = "openai"
    tls_cert: Path | None = None
    tls_key: Path | None = None  # default: in the same file as the certificate
    faults: tuple[Fault, ...] = ()
    call_log: Path | None = None
    parent_pid: int | None = None
    until_stdin_closes: bool = False

    @property
    def requests_per_minute(self) -> float | None:
        return self.rpm if self.rps is None else self.rps * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option by its name on the command line. What `read` refuses with ValueError is refused with those words."""

    name: str
    help: str
    metavar: str | None = None
    read: Callable[[str], Any] = str
    many: bool = False
    switch: bool | None = None  # what naming it sets; None: it takes a value
    value_optional: bool = False
    setting: str = ""  # default: the name
    is_path: bool = False


def settings_from(argv: Sequence[str], *, prog: str = "python -m evalsvc.sandbox") -> SandboxSettings:
    """The settings that `argv` asks for. Like every argparse program, it exits with 2 when they make no sense."""
    parser = _parser(prog)
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in vars(parser.parse_args(argv)).items()
    }
    settings = SandboxSettings(**given)
    for complaint in _complaints(settings):
        parser.error(complaint)
    return settings


def arguments(mapping: Mapping[str, Any], base_dir: Path) -> list[str]:
    """The command line that a config's `model.sandbox` stands for; relative paths are relative to `base_dir`.

    Keys are the options' names, `_` for `-` if one likes; lists are for options that may be repeated and for `columns`.
    ValueError names an unknown key and the nearest known one.

    >>> arguments({"train": "train.tsv", "columns": ["label", "text"], "error_rate": 0.1}, Path("/data"))
    ['--train=/data/train.tsv', '--columns=label,text', '--error-rate=0.1']
    """
    options = {option.name: option for option in OPTIONS}
    argv: list[str] = []
    for key, value in mapping.items():
        name = str(key).replace("_", "-")
        if name not in options:
            raise ValueError(f"unknown key {key!r}{faults.nearest(name, options)}")
        argv += _flags(options[name], value, base_dir)
    return argv


def path_keys() -> list[str]:
    """The keys of `model.sandbox` whose values are files, in both spellings.

    >>> [key for key in path_keys() if key.startswith("t")]
    ['train', 'tls-cert', 'tls_cert', 'tls-key', 'tls_key']
    """
    names = [option.name for option in OPTIONS if option.is_path]
    return list(dict.fromkeys(spelling for name in names for spelling in (name, name.replace("-", "_"))))


def _flags(option: Option, value: Any, base_dir: Path) -> list[str]:
    flag = f"--{option.name}"
    if option.switch is not None and not isinstance(value, bool):
        raise ValueError(f"{option.name}: true or false is expected, not {value!r}")
    if value is None or value is False:
        return []
    if value is True:
        return [flag]
    if isinstance(value, list | tuple) and option.many:
        return [f"{flag}={item}" for item in value]
    if isinstance(value, list | tuple):
        value = ",".join(map(str, value))
    return [f"{flag}={base_dir / value if option.is_path else value}"]


def _complaints(settings: SandboxSettings) -> list[str]:
    if settings.model_name and settings.train is None:
        return ["--model-name is a further name for the fitted model, which needs --train FILE"]
    if settings.rpm is not None and settings.rps is not None:
        return ["--rpm and --rps say the same; give one of them"]
    if settings.tls_key is not None and settings.tls_cert is None:
        return ["--tls-key goes with --tls-cert FILE, the certificate to the key"]
    return []


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="A local OpenAI-compatible server: small real models, some of them fitted at start, and faults on demand.",
        epilog=f"Faults take options, name[=value][:option=value...]: {', '.join(faults.WHEN)}; e.g. --fault status=503:times=2. "
        f"A request asks for its own with the header {faults.HEADER}.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    for option in OPTIONS:
        _add(parser, option)
    return parser


def _add(parser: argparse.ArgumentParser, option: Option) -> None:
    flag, setting, words = f"--{option.name}", option.setting or option.name.replace("-", "_"), option.help.replace("%", "%%")
    if option.switch is not None:
        parser.add_argument(flag, dest=setting, action="store_const", const=option.switch, help=words)
        return
    parser.add_argument(
        flag,
        dest=setting,
        action="append" if option.many else "store",
        nargs="?" if option.value_optional else None,
        const=option.read("") if option.value_optional else None,
        type=_for_argparse(option.read),
        metavar=option.metavar,
        help=words,
    )


def _for_argparse(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """argparse swallows the words of a ValueError, but not those of its own error."""

    def checked(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return checked


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError(f"a number above 0 is expected, not {text!r}")
    return value


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(f"a whole number above 0 is expected, not {text!r}")
    return value


def _dialect(text: str) -> str:
    if text not in DIALECTS:
        raise ValueError(f"unknown server {text!r}{faults.nearest(text, DIALECTS)}")
    return text


def _fitted(text: str) -> str:
    if text not in FITTED:
        raise ValueError(f"no model {text!r} can be fitted{faults.nearest(text, FITTED)}")
    return text


def _fault_of(name: str) -> Callable[[str], Fault]:
    return lambda value: faults.parse(f"{name}={value}" if value else name)


OPTIONS: Sequence[Option] = (
    Option(name="host", metavar="ADDRESS", help="address to listen on (127.0.0.1)"),
    Option(name="port", metavar="N", read=int, help="port to listen on; 0, the default, is any free one"),
    Option(name="train", metavar="FILE", read=Path, is_path=True, help="fit a model on this .jsonl, .csv or .tsv file"),
    Option(name="fit", metavar="MODEL", read=_fitted, help=f"which model to fit: {', '.join(FITTED)} (classifier)"),
    Option(name="columns", metavar="A,B", read=_names, help="column names of a training file without a header"),
    Option(name="input", metavar="COLUMN", help="column with the text (text)"),
    Option(name="target", metavar="COLUMN", help="column with the right answer (label)"),
    Option(name="tag", metavar="COLUMN", help="column with the language to translate into; texts then begin with it, as <2de>"),
    Option(name="order", metavar="N", read=_at_least_one, help="a token of the language model depends on so many tokens less one (2)"),
    Option(name="sentences", metavar="N", read=_at_least_one, help="how many sentences the model `lead` says (2)"),
    Option(name="model-name", metavar="NAME", many=True, help="one more name for the fitted model"),
    Option(name="seed", metavar="N", read=int, help="another seed strikes other calls with faults (0)"),
    Option(name="slots", metavar="N", read=_at_least_one, help="answer so many calls at once; the others queue"),
    Option(name="rpm", metavar="N", read=_above_zero, help="requests per minute; 429 above"),
    Option(name="rps", metavar="N", read=_above_zero, help="requests per second, in place of --rpm"),
    Option(name="burst", metavar="N", read=_above_zero, help="requests at once after a rest (as many as in a second)"),
    Option(name="tpm", metavar="N", read=_above_zero, help="tokens per minute, prompt and answer; 429 above"),
    Option(name="token-burst", metavar="N", read=_above_zero, help="tokens at once after a rest (as many as in a minute)"),
    Option(name="no-retry-after", switch=False, setting="retry_after", help="429s do not say when to come again"),
    Option(name="no-ratelimit-headers", switch=False, setting="ratelimit_headers", help="replies do not tell what is left of the limits"),
    Option(name="require-key", metavar="KEY", help="401 without this API key; without the option any will do, or none"),
    Option(name="quirks", metavar="SERVER", read=_dialect, help=f"word replies as another server does: {', '.join(DIALECTS)}"),
    Option(name="tls-cert", metavar="FILE", read=Path, is_path=True, help="serve HTTPS with this certificate, a PEM file"),
    Option(name="tls-key", metavar="FILE", read=Path, is_path=True, help="its key, when that is in a file of its own"),
    Option(name="fault", metavar="FAULT", many=True, setting="faults", read=faults.parse, help="any fault below, with options"),
    *(
        Option(
            name=name,
            metavar=kind.value.upper(),
            many=True,
            setting="faults",
            read=_fault_of(name),
            value_optional=not kind.required,
            help=kind.meaning,
        )
        for name, kind in faults.KINDS.items()
    ),
    Option(name="call-log", metavar="FILE", read=Path, is_path=True, help="append one JSON line for each call"),
    Option(name="parent-pid", metavar="PID", read=int, help="end when this process, the parent, is gone"),
    Option(name="until-stdin-closes", switch=True, help="end at the end of standard input"),
)
