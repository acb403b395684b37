"""A data file and a few flags -> the config that somebody would have written for them."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from evalsvc.config import DatasetConfig
from evalsvc.config.document import Document
from evalsvc.config.overlay import apply, from_flags
from evalsvc.dataset import Dataset, open_dataset
from evalsvc.dataset.locate import find_files
from evalsvc.dataset.place import is_url
from evalsvc.errors import UsageError
from evalsvc.records import Sample
from evalsvc.starting.column import Column
from evalsvc.starting.moved import moved
from evalsvc.starting.tasks import CLASSIFICATION, FIRST, Clue, task_of
from evalsvc.starting.yaml_text import render

CONFIG_ENDINGS = (".yaml", ".yml")
LOOK_AT = 50  # rows, to see which column holds texts
NARROWING = ("limit", "where", "subsample")
LABELS_AT_MOST = 50  # of which a prompt can list all
LABEL_LENGTH = 40
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """What the command line says in place of a config."""

    input: str | None = None
    target: str | None = None
    id: str | None = None
    model: str | None = None
    base_url: str | None = None
    system: str | None = None
    prompt: str | None = None
    name: str | None = None

    @property
    def flags(self) -> list[str]:
        return [f"--{key.replace('_', '-')}" for key in self.__slots__ if getattr(self, key) is not None]


def is_config(source: str) -> bool:
    """Whether `source` is a config rather than data.

    >>> [is_config(source) for source in ("eval.yaml", "EVAL.YML", "data.csv", "s3://bucket/data.yaml.jsonl", "notes")]
    [True, True, False, False, False]
    """
    return source.lower().endswith(CONFIG_ENDINGS)


def name_of(source: str) -> str:
    """What a run of this data is called: the file's name without its endings, as far as it can name a folder.

    >>> name_of("data/My messages.v2.csv"), name_of("s3://bucket/test.jsonl.gz"), name_of("*.csv"), name_of("ümlaut.csv")
    ('My-messages', 'test', 'data', 'mlaut')
    """
    stem = PurePosixPath(source.replace("\\", "/")).name.split(".")[0]
    return _NOT_IN_A_NAME.sub("-", stem).strip("-._")[:100] or "data"


def document(source: str, direct: Direct, overrides: Sequence[str]) -> Document:
    """The config for `source`, whose path is relative to the working directory; `overrides` are those of `--set`.

    UsageError for what has to be said and can neither be seen in the data.
    """
    if not is_url(source):
        find_files(source, Path())  # a mistyped name is told before anything else
    if direct.model is None:
        raise UsageError(
            f"{source}: nothing says which model to ask",
            hint="Give --model NAME, and --base-url URL for a server that is not OpenAI's; or --base-url sandbox --model echo to try it. "
            "`evalsvc init` looks at the data and writes a config instead.",
        )
    columns: dict[str, Any] = {key: value for key in ("input", "target", "id") if (value := getattr(direct, key)) is not None}
    head, labels = _look(source, columns, overrides)
    if direct.target is None:
        raise UsageError(f"{source}: nothing says which column has the right answers", hint=f"Give --target; {_listed(head)}")
    if direct.input is None and direct.prompt is None:
        columns = {"input": _text_column(source, head), **columns}
    named, _ = apply({}, from_flags(overrides))
    task = named.get("task") or _task(head, labels, columns)
    told = _few_labels(labels) if task == CLASSIFICATION else []
    values = {
        "name": direct.name or name_of(source),
        "task": None if task == CLASSIFICATION else task,
        "dataset": {"path": source, **columns},
        "prompt": _prompt(direct, told, task),
        "model": {"name": direct.model, **({"base_url": direct.base_url} if direct.base_url else {})},
        "scoring": {"labels": told} if told else {},
    }
    tree, _ = apply({key: value for key, value in values.items() if value}, from_flags(overrides))
    return Document(file="the command line", values=tree, lines={})


def _look(source: str, columns: Mapping[str, Any], overrides: Sequence[str]) -> tuple[list[Sample], Mapping[str, int]]:
    """The first rows, and the targets of all; both without the columns that the flags do not name."""
    tree, _ = apply({"dataset": {"path": source, **columns}}, from_flags(overrides))
    # the prompt names the labels: those of all rows, or another --limit would be another measurement
    read = {key: value for key, value in tree["dataset"].items() if key not in NARROWING}
    dataset = open_dataset(DatasetConfig.model_validate(read), Path())
    survey = dataset.survey()
    return _head(dataset, survey), survey.labels if survey.labels_complete else {}


def _head(dataset: Dataset, survey: Any) -> list[Sample]:
    samples = dataset.samples(survey)
    try:
        return list(islice(samples, LOOK_AT))
    finally:
        samples.close()


def _text_column(source: str, head: Sequence[Sample]) -> str:
    """The one column whose values are mostly of several words."""
    texts = [name for name in (head[0].fields if head else {}) if _is_text(sample.fields.get(name) for sample in head)]
    if len(texts) == 1:
        return texts[0]
    several = f"{len(texts)} columns may be meant: {', '.join(texts)}" if texts else "no column looks like text"
    raise UsageError(f"{source}: nothing says which column the model is asked about, and {several}", hint=f"Give --input; {_listed(head)}")


def _is_text(values: Iterator[Any]) -> bool:
    seen = list(values)
    return sum(isinstance(value, str) and len(value.split()) > 1 for value in seen) * 2 > len(seen)


def _listed(head: Sequence[Sample]) -> str:
    return f"the columns are: {', '.join(head[0].fields)}" if head else "there is no row to look at"


def _task(head: Sequence[Sample], labels: Mapping[str, int], columns: Mapping[str, Any]) -> str:
    """What the rows seem to be for; `labels` are the targets of all rows, none where there are too many."""
    if not head:
        return CLASSIFICATION
    answers = Column(name=columns["target"])
    for sample in head:
        answers.add(sample.target)
    names = tuple(head[0].fields)
    inputs = (columns["input"],) if "input" in columns else tuple(name for name in names if name != columns["target"])
    # what kind of values they are is seen in the first rows; which there are, in all
    answers.values = Counter(labels) if labels else None
    if labels and not answers.is_number and 2 * len(labels) <= sum(labels.values()):
        return CLASSIFICATION  # perhaps of more labels than a prompt can tell
    return task_of(Clue(columns=names, inputs=inputs, answers=answers))


def _few_labels(labels: Mapping[str, int]) -> list[str]:
    """The labels, where they are few and short enough to be told; sorted, so that rows in another order are the same measurement."""
    few = 1 < len(labels) <= LABELS_AT_MOST and all(len(label) <= LABEL_LENGTH for label in labels)
    return sorted(labels) if few else []


def _prompt(direct: Direct, labels: Sequence[str], task: str) -> dict[str, str]:
    """As given; else the labels are told to the model, or the task, or no answer could be right."""
    given = {role: text for role, text in (("system", direct.system), ("user", direct.prompt)) if text is not None}
    if not given and task in FIRST and (told := FIRST[task].system) is not None:
        return {"system": told}
    if given or not labels:
        return given
    return {"system": f"Answer with one of these and nothing else: {', '.join(labels)}."}


def eval_yaml(document: Document, *, run_dir: Path, base_url: str, command: str) -> str:
    """The config as a file in `run_dir`: its paths as seen from there, and the address that was asked."""
    values = moved(document.values, run_dir)
    head = f"Written by {command}\nIt is the same evaluation: evalsvc run with this file carries on where the other stopped."
    return render({**values, "model": {**values["model"], "base_url": base_url}}, {"": head})
