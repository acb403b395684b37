"""What was seen -> the first eval.yaml: a document, and the comments that explain it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from evalsvc.dataset.compression import COMPRESSIONS
from evalsvc.dataset.place import is_url
from evalsvc.report.words import some
from evalsvc.starting.asking import OPENAI_MODEL, Asked
from evalsvc.starting.languages import language
from evalsvc.starting.look import Seen
from evalsvc.starting.tasks import CLASSIFICATION, FIRST, GENERATION, UNTRAINED, language_column
from evalsvc.starting.yaml_text import render, scalar

# Names that mean something else in a template, or nothing at all.
_NO_VARIABLES = frozenset(
    {"and", "or", "not", "in", "is", "if", "else", "elif", "for", "true", "false", "none", "True", "False", "None"}
    | {"input", "id", "row", "range", "dict", "cycler", "joiner", "namespace", "self", "loop"}
)
_TRAINABLE = (".jsonl", ".csv", ".tsv")  # what the sandbox's classifier can be fitted on
MOST_ROWS_TO_FIT = 20_000
NUMBER_TOKENS = 16
_FITS_BY_ITSELF = "classifier"  # what the sandbox makes of a training file unless it is told another
SCORER_FILE = "scorer.py"

_LENGTH = '''"""What an answer is worth; `scoring.scorer` in eval.yaml names this function. docs/extending.md has more."""


def length(row):
    """There is no right answer to compare with: so far, only how long the answers are."""
    return float(len(row.output))
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The files to write."""

    config: str
    scorer: str | None  # beside it, where there are no right answers to score by


def draft(seen: Seen, asked: Asked, *, name: str, path: str) -> Draft:
    """`path` is the data's as seen from the config's folder."""
    document: dict[str, Any] = {"name": name}
    if seen.task != CLASSIFICATION:
        document["task"] = seen.task
    document["dataset"] = _dataset(seen, path)
    if prompt := _prompt(seen):
        document["prompt"] = prompt
    document["model"] = _model(seen, asked, path)
    scorer = None
    if seen.labels is not None:
        document["scoring"] = _scoring(seen.labels)
    elif seen.answers is None:
        scorer = _LENGTH
        document["scoring"] = {"scorer": f"{SCORER_FILE}:length"}
    elif _are_solutions(seen):
        document["scoring"] = {"correct": "numeric_match"}
    if seen.task == "translation" and (by := language_column(seen.columns)) is not None:
        document["slices"] = [by]
    if _is_echo(document["model"]):
        document["stop_if"] = None
    return Draft(config=render(document, _comments(seen, asked, document)), scorer=scorer)


def column_expression(name: str) -> str:
    """How a template names the column `name`.

    >>> column_expression("text"), column_expression("my column"), column_expression("id")
    ('text', 'row["my column"]', 'row["id"]')
    """
    plain = name.isascii() and name.isidentifier() and name not in _NO_VARIABLES
    return name if plain else f"row[{json.dumps(name, ensure_ascii=False)}]"


def _dataset(seen: Seen, path: str) -> dict[str, Any]:
    roles = seen.roles
    values = {
        "path": path,
        "format": seen.format,
        "columns": None if seen.header is None else list(seen.header),
        "id": roles.id,
        "messages": roles.messages,
        "input": roles.inputs[0] if len(roles.inputs) == 1 else None,
        "target": roles.target,
        "where": _where(seen),
    }
    return {key: value for key, value in values.items() if value is not None}


def _where(seen: Seen) -> str | None:
    """Leaves out the rows that cannot be asked or compared; None when all can."""
    if seen.roles.messages is not None:
        return f"{column_expression(seen.roles.messages)}[-1].get('content') is not none" if seen.wordless else None
    if len(seen.roles.inputs) == 1 and seen.columns[seen.roles.inputs[0]].present < seen.rows:
        return f"{column_expression(seen.roles.inputs[0])} is defined"
    return None


def _where_comment(seen: Seen) -> str:
    if seen.roles.messages is not None:
        return f"Left out: {some(seen.wordless, 'conversation')} whose answer is no text, such as a tool call."
    missing = seen.rows - seen.columns[seen.roles.inputs[0]].present if seen.roles.inputs else 0
    return f"Left out: {some(missing, 'row')} without this column."


def _prompt(seen: Seen) -> dict[str, str]:
    """Conversations bring their own; elsewhere the labels are told to the model, or no answer could be right."""
    if seen.roles.messages is not None:
        return {}
    told = _told(seen)
    system = {} if told is None else {"system": told}
    if len(seen.roles.inputs) == 1:
        return {**system, "user": f"{{{{ {column_expression(seen.roles.inputs[0])} }}}}"}
    lines = (f"{_literal(name)}: {{{{ {_value_of(name, seen)} }}}}" for name in seen.roles.inputs)
    return {**system, "user": "\n".join(lines)}


def _told(seen: Seen) -> str | None:
    """What the model is to do: the labels, or the task in a sentence."""
    if seen.labels is not None:
        return _instruction(list(seen.labels))
    if _are_solutions(seen):
        return "End with the answer, a number, on a line of its own."
    if seen.task == "translation":
        return _translate(seen)
    return FIRST[seen.task].system if seen.task in FIRST else None


def _translate(seen: Seen) -> str:
    by = language_column(seen.columns)
    if by is not None and by not in seen.roles.inputs:
        return f"Translate the text into the language {{{{ {column_expression(by)} }}}}. Answer with the translation alone."
    into = None if seen.roles.target is None else language(seen.roles.target)
    return FIRST["translation"].system or "" if into is None else f"Translate the text into {into}. Answer with the translation alone."


def _are_solutions(seen: Seen) -> bool:
    """Whether texts are asked for whose end is a number."""
    return seen.task == GENERATION and seen.answers is not None and seen.answers.is_number


def _value_of(name: str, seen: Seen) -> str:
    """As a template says it, nothing where a row does not have the column."""
    return column_expression(name) + ("" if seen.columns[name].present == seen.rows else " | default('')")


def _instruction(labels: list[str]) -> str:
    labels = sorted(labels)
    if all(len(label.split()) == 1 for label in labels):
        *others, last = labels
        return _literal(f"Answer with one word: {', '.join(others)} or {last}.")
    return _literal("Answer with one of these and nothing else: " + "; ".join(labels))


def _literal(text: str) -> str:
    """Text that says the same in a template."""
    return f"{{% raw %}}{text}{{% endraw %}}" if any(mark in text for mark in ("{{", "{%", "{#")) else text


def _model(seen: Seen, asked: Asked, path: str) -> dict[str, Any]:
    section = dict(asked.section)
    model = _sandbox_model(seen)
    if asked.is_sandbox and model in UNTRAINED:
        section["name"] = model
    elif asked.is_sandbox and _can_fit(seen, path):
        section["name"] = model
        fit = {} if model == _FITS_BY_ITSELF else {"fit": model}
        train = {"train": path, "columns": None if seen.header is None else list(seen.header)}
        section["sandbox"] = (
            fit
            | {key: value for key, value in train.items() if value}
            | {
                "input": seen.roles.inputs[0],
                "target": seen.roles.target,
            }
        )
    elif asked.is_sandbox:
        section["name"] = "echo"
    if seen.labels is not None and not _is_echo(section):
        section["max_output_tokens"] = output_tokens(seen.labels)
    elif seen.task == "regression":
        section["max_output_tokens"] = NUMBER_TOKENS
    return section


def _sandbox_model(seen: Seen) -> str:
    """What of the sandbox's models fits the task."""
    if seen.task not in FIRST:
        return "classifier"
    reads = seen.task == "qa" and len(seen.roles.inputs) > 1
    return "reader" if reads else FIRST[seen.task].sandbox


def _can_fit(seen: Seen, path: str) -> bool:
    """Whether the sandbox can learn to answer: from one text and its answer in every row of a plain file."""
    name = PurePath(path)
    plain = name.with_suffix("") if name.suffix == ".gz" else name
    readable = plain.suffix in _TRAINABLE and not is_url(path) and not any(mark in path for mark in "*?[")
    if not readable or name.suffix in _UNFIT or seen.answers is None or len(seen.roles.inputs) != 1 or seen.rows > MOST_ROWS_TO_FIT:
        return False
    return all(seen.columns[column].present == seen.rows for column in (seen.roles.inputs[0], seen.roles.target or ""))


_UNFIT = frozenset(COMPRESSIONS) - {".gz"}


def output_tokens(labels: Mapping[str, int]) -> int:
    """Room for the longest label: a token stands for two characters at the least in most languages, and a few to spare.

    >>> output_tokens({"spam": 1, "ham": 1})
    6
    """
    return 4 + max(len(label.encode()) for label in labels) // 2


def _is_echo(model: Mapping[str, Any]) -> bool:
    return model.get("base_url") == "sandbox" and model["name"] == "echo"


def _scoring(labels: Mapping[str, int]) -> dict[str, Any]:
    """Of two labels the rarer one is what is looked for."""
    if len(labels) == 2:
        common, rare = labels
        return {"labels": [rare, common], "positive": rare}
    return {"labels": sorted(labels)}


def _comments(seen: Seen, asked: Asked, document: Mapping[str, Any]) -> dict[str, str]:
    comments = {
        "": f"Written by evalsvc init, from {some(seen.rows, 'row')}. Change what you like; every key is in docs/configuration.md.",
        "task": _task_comment(seen),
        "dataset": _dataset_comment(seen),
        "dataset.where": _where_comment(seen),
        "model.name": _model_comment(asked, document["model"]),
        "model.max_output_tokens": _output_comment(seen),
        "model.api_key_env": "api_key_env: OPENAI_API_KEY    # where the server wants a key, the variable that holds it",
        "model.price": "price: {input: 0.40, output: 1.60}    # USD per million tokens",
        "scoring": _scoring_comment(seen),
        "scoring.positive": "The label that is looked for, here the rarer one, if any: recall and precision are about it.",
        "slices": "Every metric is also shown for each language alone.",
        "gates": _gates(seen),
        "limits": "limits: {concurrency: 100, requests_per_minute: 500}    # the pace is learned without them",
        "stop_if": "A real model should stop when it gives no usable answers: take this line out then.",
    }
    unset = {
        key
        for key in ("dataset.where", "model.max_output_tokens", "scoring.positive", "stop_if", "task", "slices")
        if not _has(document, key)
    }
    if asked.is_sandbox or _has(document, "model.api_key_env") or not _has(document, "model.base_url"):
        unset.add("model.api_key_env")
    return {key: text for key, text in comments.items() if text and key not in unset}


def _has(document: Mapping[str, Any], key_path: str) -> bool:
    at: Any = document
    for key in key_path.split("."):
        if key not in at:
            return False
        at = at[key]
    return True


def _dataset_comment(seen: Seen) -> str:
    roles = seen.roles
    used = {roles.messages, roles.target, roles.id, *roles.inputs}
    others = [name for name in seen.columns if name not in used]
    lines = []
    if seen.header is not None:
        lines.append("The file has no line with column names: these are made up.")
    if others:
        lines.append(f"Other columns, which prompts can use too: {', '.join(map(scalar, others[:20]))}")
    if seen.answers is None:
        lines.append("No column looks like the right answer; if one is, name it: target: COLUMN")
    return "\n".join(lines)


_FITTED = "is fitted on this very file"
_KINDS = {
    "echo": "echoes the question",
    "lead": "says the first two sentences",
    "reader": "looks for words of the question in the text",
}


def _model_comment(asked: Asked, model: Mapping[str, Any]) -> str:
    if not asked.is_sandbox:
        return asked.comment
    return (
        f"The built-in sandbox, to try things without a key: a small model that {_KINDS.get(model['name'], _FITTED)}, "
        "so its numbers mean nothing.\n"
        "A real one stands in place of all below, with its key in the environment (export OPENAI_API_KEY=…):\n"
        f"name: {OPENAI_MODEL}\n"
        "base_url: http://localhost:8000/v1    # a server of your own, such as vLLM; without this line, OpenAI"
    )


def _scoring_comment(seen: Seen) -> str:
    if seen.answers is None:
        return "Without right answers, a function of your own says what an answer is worth."
    if _are_solutions(seen):
        return "The last number of a reply is compared with the right one; so there is an accuracy."
    if seen.task == GENERATION:
        return "scoring: {correct: exact_match}    # or normalised_match, …: which metric makes an answer right; then there is an accuracy"
    return ""


def _task_comment(seen: Seen) -> str:
    """How to change the guess."""
    if seen.answers is None:
        return ""
    others = ", ".join(task for task in (CLASSIFICATION, *FIRST, "perplexity", "judge") if task != seen.task)
    return (
        f"A guess from the names of the columns and from the right answers, which are {seen.answers.kind}.\n"
        f"Or is it {others}? docs/metrics.md has what each measures."
    )


def _output_comment(seen: Seen) -> str:
    what = "the longest label" if seen.labels is not None else "a number"
    return f"Enough for {what}. A model that thinks before it answers needs hundreds."


def _gates(seen: Seen) -> str:
    if seen.labels is None:
        gate = "accuracy >= 0.80" if _are_solutions(seen) else FIRST[seen.task].gate if seen.task in FIRST else None
        return "" if gate is None else f'gates: ["{gate}"]    # exit code 3 when it does not hold'
    metric = "recall" if len(seen.labels) == 2 else "f1_macro"
    return f'gates: ["accuracy >= 0.90", "{metric} >= 0.80"]    # exit code 3 when one does not hold'
