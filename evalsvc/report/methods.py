"""The paragraph that a paper needs: what was measured, on what, how, and by which definitions. It says nothing that it does not know."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from textwrap import fill
from typing import Any, Final, TextIO

from evalsvc.jsonio import dumps
from evalsvc.metrics.names import PROBABILITIES
from evalsvc.records import MetricValue, Summary
from evalsvc.report.plain import one_line
from evalsvc.report.streams import lost, speak_utf8
from evalsvc.report.words import count, interval, score, some
from evalsvc.rundir import Manifest

_SHOWN_LABELS = 20
_SANDBOX = "sandbox"
_OUTCOMES: Final[Mapping[str, str]] = {
    "correct": "right",
    "wrong": "wrong",
    "scored": "scored without a right or wrong",
    "unparsed": "without a readable answer",
    "ambiguous": "naming several labels",
    "refused": "refused",
    "truncated": "cut off before an answer",
    "filtered": "stopped by the content filter",
    "error": "in error",
    "pending": "not asked yet",
}
# What a reply is read as, and what becomes of a row without an answer.
_READ: Final[Mapping[str, str]] = {
    "regression": "A number was read from each reply, with thinking cut away",
    "perplexity": "No answer was sampled: the log-probabilities that the model gives to the tokens of each row's target, after its "
    "prompt, were summed",
    "judge": "The model was asked for verdicts on the answers of another run, which were read from its replies, with thinking cut away",
}
_READ_TEXT: Final = "The visible text of each reply, with thinking cut away, was compared with the row's target"
_STRICT: Final[Mapping[str, str]] = {
    **dict.fromkeys(("regression", "perplexity"), "Rows without an answer are in no average, and n says how many are"),
    "judge": "Where an answer to be judged was missing, nobody was asked, and the row has the lowest rating or is lost; verdicts that "
    "cannot be read are in no average, and n says how many are",
    **dict.fromkeys(
        ("generation", "translation", "summarization"),
        "Every row with a target and a final answer is in the denominators; failed, filtered, refused and unreadable ones are measured as "
        "empty answers",
    ),
}
_STRICT_WRONG: Final = (
    "Every row with a target and a final answer is in the denominators; failed, filtered, refused and unreadable ones count as wrong"
)
# How the interval's part of a signature reads; {0} is its number.
_INTERVALS: Final[Sequence[tuple[str, str]]] = (
    (r"ci:wilson95-effective-n", "Wilson's score interval at the number of independent rows that tell as much"),
    (r"ci:cluster-debiased-delta95", "the delta method over groups of rows, corrected for bias"),
    (r"ci:debiased-delta95", "the delta method, corrected for bias"),
    (r"ci:wilson95", "Wilson's score interval"),
    (
        r"ci:cluster-bootstrap(\d+)-seed\d+\|clusters:\d+-by-id",
        "the percentile bootstrap over rows, repeats together ({0} seeded replicates)",
    ),
    (r"ci:cluster-bootstrap(\d+)-seed\d+", "the percentile bootstrap over whole groups of rows ({0} seeded replicates)"),
    (r"ci:bootstrap(\d+)-seed\d+\|clusters:group", "the percentile bootstrap over whole groups of rows ({0} seeded replicates)"),
    (r"ci:bootstrap(\d+)-seed\d+\|clusters:id", "the percentile bootstrap over rows, repeats together ({0} seeded replicates)"),
    (r"ci:bootstrap(\d+)-seed\d+", "the percentile bootstrap over rows ({0} seeded replicates)"),
    (r"ci:jackknife(\d+)", "the delete-one-bucket jackknife over {0} buckets of rows, with Student's t"),
    (
        r"ci:cluster-bootstrap(\d+)-logit-t-",
        "Student's t on the logit scale, with the spread of {0} seeded draws of whole clusters of rows",
    ),
    (r"ci:bootstrap(\d+)-logit-t-", "Student's t on the logit scale, with the spread of {0} seeded draws of the rows"),
    (r"ci:influence-z95", "a normal interval from the influence of each row"),
    (r"ci:cluster-t95", "Student's t over clusters of rows"),
    (r"ci:t95", "Student's t over rows"),
)


def methods(summary: Summary, manifest: Manifest) -> list[str]:
    """Paragraphs, and then a line for each metric; none of them wrapped."""
    config = manifest.config
    text = " ".join(
        sentence
        for part in (
            _data(manifest),
            _model(summary, manifest),
            _decoding(manifest) if "answers" not in manifest.identity else iter(()),
            _scoring(config),
            _probabilities(summary["metrics"]),
            _rows(summary),
            _uncertainty(summary),
            _versions(summary, manifest),
        )
        for sentence in part
    )
    return [text, *_metrics(summary["metrics"])]


def print_methods(paragraphs: Sequence[str], *, stdout: TextIO, width: int) -> None:
    """Wrapped at `width`; names, addresses and signatures stay whole, so that they can be copied and searched."""
    speak_utf8(stdout)
    wrapped = [fill(paragraph, width=max(40, width), break_long_words=False, break_on_hyphens=False) for paragraph in paragraphs[:1]]
    wrapped += [
        fill(line, width=max(40, width), subsequent_indent="  ", break_long_words=False, break_on_hyphens=False) for line in paragraphs[1:]
    ]
    try:
        stdout.write("\n\n".join([wrapped[0], *(["\n".join(wrapped[1:])] if wrapped[1:] else [])]) + "\n")
        stdout.flush()
    except OSError as exc:
        lost(stdout, exc)


def _data(manifest: Manifest) -> Iterator[str]:
    dataset, about = manifest.config["dataset"], manifest.dataset
    file = one_line(PurePath(str(dataset["path"])).name or str(dataset["path"]))
    if about.get("runs"):
        file = " and ".join(f"the answers of the run {one_line(str(run['name']))}/{one_line(str(run['id']))}" for run in about["runs"])
    how = [phrase(dataset[key]) for key, phrase in _CHOSEN.items() if dataset.get(key) is not None]
    if dataset.get("limit") == about["rows"]:
        how = ["the first of all", *how]
    chosen = f", {' and '.join(how)}" if how else ""
    yield f"The test set is {file} (SHA-256 {about['sha256']}): {some(int(about['rows']), 'row')}{chosen}."
    if about.get("without_target") and not (about.get("runs") and not dataset.get("target")):
        without = some(int(about["without_target"]), "row has", "rows have")
        unseen = "judge_kappa does not see them" if about.get("runs") else "no measure of quality sees them"
        yield f"{without} no target: {unseen}."
    if dataset.get("group"):
        yield f"Rows with the same `{one_line(dataset['group'])}` are treated as one group in the intervals."
    if manifest.data_changed:
        yield "The data set was edited between launches; answers to rows that changed or vanished are left out."
    for reused in (launch["reused"] for launch in manifest.launches if launch.get("reused", {}).get("rows")):
        yield f"{some(reused['rows'], 'answer was', 'answers were')} taken over from the run {one_line(str(reused['run']))}."


def _subsample(of: Mapping[str, Any]) -> str:
    stratified = f", stratified by `{one_line(of['stratify'])}`" if of.get("stratify") else ""
    return f"drawn at random (seed {of['seed']}{stratified})"


_CHOSEN: Final[Mapping[str, Callable[[Any], str]]] = {
    "where": lambda condition: f"those for which `{one_line(str(condition))}` holds",
    "subsample": _subsample,
}


def _model(summary: Summary, manifest: Manifest) -> Iterator[str]:
    identity = manifest.identity
    if "answers" in identity:
        file = one_line(str(identity["model"]))
        yield f"The answers were not asked for here but taken from the file {file}; how they were made is not known."
        return
    revision = f" (revision {one_line(str(identity['revision']))})" if identity.get("revision") else ""
    endpoint = one_line(str(identity["endpoint"]))
    where = "evalsvc's built-in sandbox server" if endpoint == _SANDBOX else endpoint
    api = f" through the {one_line(str(identity['api']))} API" if identity.get("api") else ""
    yield f"The model {one_line(str(identity['model']))}{revision} was asked at {where}{api}{_when(manifest.launches)}."
    served = [one_line(name) for name in summary["run"].get("served") or ()]
    if served:
        yield f"The server gave the model's name as {_listed(served)}."
    if root := manifest.server.get("root"):
        yield f"The server said that these weights are {one_line(str(root))}."


def _when(launches: Sequence[Mapping[str, Any]]) -> str:
    times = [str(launch[key])[:10] for launch in launches for key in ("started_at", "ended_at") if launch.get(key)]
    if not times:
        return ""
    first, last = min(times), max(times)
    return f" on {first} (UTC)" if first == last else f" between {first} and {last} (UTC)"


def _decoding(manifest: Manifest) -> Iterator[str]:
    model, config = manifest.config["model"], manifest.config
    params = model.get("params") or {}
    given = [f"at most {some(int(model['max_output_tokens']), 'output token')}"] if model.get("max_output_tokens") else []
    given += [f"{one_line(str(name))} = {one_line(_value(value))}" for name, value in sorted(params.items())]
    sent = f"with {_listed(given)}" if given else "without any decoding parameter"
    silent = "temperature and all other parameters" if "temperature" not in str(params).lower() else "all other parameters"
    times = "once" if config["repeats"] == 1 else f"{config['repeats']} times"
    yield f"Each row was asked {times}, {sent}; {silent} are the endpoint's defaults."
    yield from _prompt(manifest)


def _prompt(manifest: Manifest) -> Iterator[str]:
    dataset, prompt = manifest.config["dataset"], manifest.config.get("prompt") or {}
    few = prompt.get("few_shot")
    if few:
        how = "drawn label by label" if few.get("stratify", True) else "drawn at random"
        examples, source = some(int(few["k"]), "answered example"), one_line(PurePath(str(few["path"])).name)
        yield f"The prompt holds {examples} from {source}, {how} with seed {few['seed']}, the same for every row."
    if dataset.get("messages"):
        yield f"Each row brings a conversation of its own (column `{one_line(dataset['messages'])}`)."
    fingerprint = manifest.identity.get("prompt")
    if fingerprint:
        yield f"The prompt's fingerprint is {one_line(str(fingerprint))}; its text is in run.json."


def _scoring(config: Mapping[str, Any]) -> Iterator[str]:
    scoring, task = config["scoring"], config["task"]
    if scoring.get("scorer"):
        yield f"Replies were scored by a scorer of the evaluator's own, {one_line(PurePath(str(scoring['scorer'])).name)}."
        return
    extract = scoring.get("extract")
    part = (
        f", of it what {' '.join(f'the {one_line(str(kind))} {one_line(str(where))}' for kind, where in extract.items())} finds"
        if extract
        else ""
    )
    if task == "classification":
        labels = _labels(scoring)
        yield f"Each reply was read as one of {labels}, with thinking cut away{part}; one that names none, or several, has no label."
        if scoring.get("aliases"):
            yield f"Other spellings were accepted for {_listed([one_line(str(label)) for label in scoring['aliases']])}."
    else:
        yield f"{_READ.get(task, _READ_TEXT)}{part}."
    if scoring.get("correct"):
        yield f"An answer is right where its {one_line(scoring['correct'])} is 1."
    yield f"{_STRICT.get(task, _STRICT_WRONG)}."


def _probabilities(metrics: Mapping[str, MetricValue]) -> Iterator[str]:
    told = [name for name in PROBABILITIES if (metric := metrics.get(name)) is not None and metric["value"] is not None]
    if told:
        yield (
            "The probability of a label was read from the log-probabilities of the tokens that set it apart, added up over its spellings; "
            "those of all labels (label_mass) were then made to add up to 1."
        )
    without = [f"{_WITHOUT_ANSWER[name]} in {name}" for name in told if name in _WITHOUT_ANSWER]
    if without:
        yield f"A row without an answer {_listed(without)}; one with an answer but no probabilities is left out, and n says so."


_WITHOUT_ANSWER: Final[Mapping[str, str]] = {
    "log_loss": "has the same probability for every label",
    "brier": "has the same",
    "ece": "is left out",
    "roc_auc": "loses all its pairs",
    "average_precision": "is never found",
}


def _labels(scoring: Mapping[str, Any]) -> str:
    labels = [one_line(str(label)) for label in scoring.get("labels") or ()]
    if not labels:
        return "the labels that occur as targets"
    shown = _listed(labels) if len(labels) <= _SHOWN_LABELS else f"{', '.join(labels[:_SHOWN_LABELS])} …"
    positive = f"; {one_line(str(scoring['positive']))} is the positive one" if scoring.get("positive") else ""
    return f"{len(labels)} labels ({shown}{positive})"


def _rows(summary: Summary) -> Iterator[str]:
    seen = {outcome: rows for outcome, rows in summary["outcomes"].items() if rows}
    if seen:
        words = [f"{count(rows)} {_OUTCOMES.get(outcome, outcome)}" for outcome, rows in seen.items()]
        first, _, rest = _listed(words).partition(" ")
        yield f"Of {some(sum(seen.values()), 'answer')} asked for, {first} {'was' if first == '1' else 'were'} {rest}."
    if summary["status"] == "partial":
        yield "The run is not complete, so these numbers are not final."
    kinds = list(dict.fromkeys(one_line(warning["kind"]) for warning in summary["warnings"]))
    if kinds:
        yield f"evalsvc warned of {_listed(kinds)}."


def _uncertainty(summary: Summary) -> Iterator[str]:
    names: dict[str, list[str]] = {}
    for name, metric in summary["metrics"].items():
        how = _interval_method(metric["signature"])
        if how and metric["ci_low"] is not None:
            names.setdefault(how, []).append(one_line(name))
    if names:
        yield f"Intervals are 95 %: {'; '.join(f'for {_listed(of)} {how}' for how, of in names.items())}."
    if any("-as-one" in metric["signature"] for metric in summary["metrics"].values()):
        yield "Repeats of a row are taken as one draw."
    yield from _slices(summary["metrics"])


def _slices(metrics: Mapping[str, MetricValue]) -> Iterator[str]:
    compared = {
        one_line(column)
        for metric in metrics.values()
        for column, values in metric.get("slices", {}).items()
        if any(one.get("p_holm") is not None for one in values.values())
    }
    if compared:
        yield (
            f"Rows of each {' and of each '.join(f'`{column}`' for column in sorted(compared))} were compared with all others; p-values "
            "are corrected by Holm's method over all values of a column."
        )


def _interval_method(signature: str) -> str | None:
    for pattern, words in _INTERVALS:
        found = re.search(pattern, signature)
        if found:
            return words.format(*(count(int(number)) for number in found.groups()))
    return None


def _versions(summary: Summary, manifest: Manifest) -> Iterator[str]:
    scored_by = summary["run"].get("evalsvc") or manifest.versions.get("evalsvc")
    libraries = [
        f"{_CALLED.get(name, name)} {one_line(str(manifest.versions[name]))}"
        for name in _MEASURING
        if manifest.versions.get(name) and (name not in _ONLY_OF or not _ONLY_OF[name].isdisjoint(summary["metrics"]))
    ]
    if scored_by:
        yield f"Computed by evalsvc {_listed([one_line(str(scored_by)), *libraries])}."


_MEASURING = ("python", "scikit-learn", "sacrebleu", "numpy")
_ONLY_OF = {"sacrebleu": frozenset({"bleu", "chrf", "chrf_pp", "ter"})}
_CALLED = {"python": "Python", "sacrebleu": "sacreBLEU", "numpy": "NumPy"}


def _metrics(metrics: Mapping[str, MetricValue]) -> Iterator[str]:
    for name, metric in metrics.items():
        if metric["value"] is not None:
            limits = interval(metric["ci_low"], metric["ci_high"])
            yield one_line(
                f"{name} = {score(metric['value'])} {limits}, n = {count(metric['n'])} ({metric['signature']})".replace(" ,", ",")
            )


def _value(value: Any) -> str:
    return value if isinstance(value, str) else dumps(value).decode()


def _listed(words: Sequence[str]) -> str:
    """
    >>> _listed(["a"]), _listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
