"""`prompt.few_shot`: answered examples from another file, drawn once for all rows, none of them a row of the test set."""

import heapq
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from evalsvc.config.keypath import Where
from evalsvc.config.models import DatasetConfig, EvalConfig, FewShot
from evalsvc.dataset import Dataset, Survey, open_dataset, row_hash
from evalsvc.dataset.formats import ENDINGS, ending
from evalsvc.dataset.hashes import HASH_BYTES
from evalsvc.dataset.place import Place, Url, is_url
from evalsvc.dataset.questions import all_questions, question_of
from evalsvc.errors import UsageError
from evalsvc.jsonio import canonical
from evalsvc.prompt.judge import judge_prompt
from evalsvc.prompt.likelihood import scores_target
from evalsvc.prompt.prompt import OWN_NAMES, Prompt
from evalsvc.records import Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HELP = "See docs/data.md#few-shot."


def load_prompt(config: EvalConfig, *, where: Where = str) -> Prompt:
    """The prompt of a config with its examples, if it asks for any.

    UsageError for templates that cannot be used, for examples that they fail on, and when too few examples are left.
    """
    dataset, few_shot = config.dataset, config.prompt.few_shot
    prompt = Prompt.load(
        judge_prompt(config, where) if config.task == "judge" else config.prompt,
        config.base_dir,
        target_column=dataset.target,
        messages_column=dataset.messages,
        input_column=dataset.input,
        scores_target=scores_target(config),
        where=where,
    )
    if few_shot is None:
        return prompt
    place = where("prompt.few_shot")
    if not prompt.asks_own and prompt.turns[-1].role != "user":
        raise UsageError(f"{place}: the prompt does not end with a user message, so no example can be asked as a row is", hint=_HELP)
    examples = _drawn(few_shot, dataset, config.base_dir, asked=_asked(dataset, prompt), place=place)
    try:
        return prompt.with_examples(examples)
    except UsageError as error:
        raise UsageError(
            f"{place}: an example of {few_shot.path} cannot be written as a row is: {error.message}",
            hint=f"Examples are rendered by the prompt's own templates; there, {{{{ input }}}} is the column `few_shot.input`. {_HELP}",
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What of a row the model is asked about, so that two rows with the same question are recognised."""

    id: str | None  # a column that tells nothing about the row
    columns: tuple[str, ...]  # those that the templates name, where no column is the input; none when any may be looked at

    def signatures(self, fields: Mapping[str, Any], value: Any) -> Iterator[bytes]:
        """Over all columns but target and id, and over the question; texts apart from case and white space."""
        yield row_hash({name: other for name, other in fields.items() if name != self.id})
        if value is not None:
            yield _digest(value)
        elif self.columns:
            yield _digest({name: fields.get(name) for name in self.columns})


@dataclass(frozen=True, slots=True, kw_only=True)
class _TestSet:
    """Signatures of every row of the test set, whatever `where`, `subsample` and `limit` leave of it: 16 bytes a row."""

    signatures: "NDArray[np.uint64]"  # sorted

    @classmethod
    def of(cls, dataset: Dataset, asked: _Asked) -> Self:
        import numpy as np

        packed = bytearray()
        for fields, value in all_questions(dataset.layout):
            for signature in asked.signatures(fields, value):
                packed += signature
        signatures = np.frombuffer(packed, dtype=np.uint64)
        signatures.sort()  # in place
        return cls(signatures=signatures)

    def has(self, signature: bytes) -> bool:
        import numpy as np

        wanted = np.frombuffer(signature, dtype=np.uint64)[0]
        at = int(np.searchsorted(self.signatures, wanted))
        return at < len(self.signatures) and bool(self.signatures[at] == wanted)


@dataclass(slots=True, kw_only=True)
class _Lots:
    """The `k` lowest tickets of each target, so that memory does not grow with the file."""

    few_shot: FewShot
    stratify: bool
    heaps: dict[str, list[tuple[int, bytes, Sample]]] = field(default_factory=dict)
    without_target: int = 0
    in_test_set: int = 0
    usable: int = 0

    def offer(self, sample: Sample, question: bytes) -> None:
        """Equal questions with one target are one example."""
        heap = self.heaps.setdefault((sample.target or "") if self.stratify else "", [])
        if any(known == question for _, known, _ in heap):
            return
        self.usable += 1
        entry = (-_ticket(self.few_shot.seed, b"draw", question), question, sample)
        if len(heap) < self.few_shot.k:
            heapq.heappush(heap, entry)
        elif entry > heap[0]:
            heapq.heapreplace(heap, entry)

    def drawn(self) -> list[Sample]:
        """From each target in turn until there are `k`, then in an order of their own."""
        seed = self.few_shot.seed
        names = sorted(self.heaps, key=lambda name: _ticket(seed, b"turn", name.encode("utf-8", "surrogatepass")))
        piles = [sorted(self.heaps[name], reverse=True) for name in names]
        in_turn = [pile[round_] for round_ in range(self.few_shot.k) for pile in piles if round_ < len(pile)]
        chosen = in_turn[: self.few_shot.k]
        return [sample for _, question, sample in sorted(chosen, key=lambda entry: _ticket(seed, b"order", entry[1]))]


def _drawn(few_shot: FewShot, dataset: DatasetConfig, base_dir: Path, *, asked: _Asked, place: str) -> list[Sample]:
    """The `k` examples; UsageError when the file has too few that are answered and no rows of the test set."""
    tested, examples = open_dataset(dataset, base_dir), open_dataset(_as_dataset(few_shot, dataset, place), base_dir)
    if _real(tested) & _real(examples):
        raise UsageError(
            f"{place}: {few_shot.path} is the test set itself, and an example must never be a row that is tested",
            hint=f"Name a file with other rows, such as the training set. {_HELP}",
        )
    survey = examples.survey()
    lots = _lots(few_shot, examples, survey, _TestSet.of(tested, asked), asked)
    chosen = lots.drawn()
    if len(chosen) < few_shot.k:
        raise UsageError(
            f"{place}: {few_shot.k} examples are asked for, and {few_shot.path} has {lots.usable}: of its {survey.rows:,} rows, "
            f"{lots.in_test_set:,} are rows of the test set and {lots.without_target:,} have no answer",
            hint=f"Lower few_shot.k, or name a file with more examples. {_HELP}",
        )
    return chosen


def _lots(few_shot: FewShot, examples: Dataset, survey: Survey, tested: _TestSet, asked: _Asked) -> _Lots:
    lots = _Lots(few_shot=few_shot, stratify=few_shot.stratify and survey.labels_complete)
    with closing(examples.samples(survey)) as samples:
        for sample in samples:
            signatures = list(asked.signatures(sample.fields, question_of(examples.layout.columns, sample.fields)))
            if sample.target is None:
                lots.without_target += 1
            elif any(map(tested.has, signatures)):
                lots.in_test_set += 1
            else:
                lots.offer(sample, signatures[-1])
    return lots


def _as_dataset(few_shot: FewShot, dataset: DatasetConfig, place: str) -> DatasetConfig:
    """The file of the examples, read as the test set is, and by its own ending where that tells the format."""
    messages = None if few_shot.input is not None else dataset.messages
    target = few_shot.target or dataset.target
    if target is None and messages is None:
        raise UsageError(f"{place}: nothing says which column holds the answers of the examples", hint="Name it in few_shot.target.")
    known = ENDINGS.get(ending(Url(few_shot.path) if is_url(few_shot.path) else Path(few_shot.path)))
    return DatasetConfig(
        path=few_shot.path,
        input=few_shot.input or dataset.input,
        target=target,
        messages=messages,
        columns=dataset.columns if known in ("csv", "tsv") else None,
        format=known or dataset.format,
    )


def _real(dataset: Dataset) -> set[Place]:
    return {place if isinstance(place, Url) else place.resolve() for place in dataset.layout.files}


def _asked(dataset: DatasetConfig, prompt: Prompt) -> _Asked:
    named = frozenset().union(*(turn.template.names for turn in prompt.turns if turn.template is not None))
    return _Asked(id=dataset.id, columns=() if "row" in named else tuple(sorted(named - OWN_NAMES)))


def _digest(value: Any) -> bytes:
    alike = " ".join(value.casefold().split()) if isinstance(value, str) else value
    return blake2b(canonical(alike), digest_size=HASH_BYTES).digest()


def _ticket(seed: int, use: bytes, content: bytes) -> int:
    """What decides a draw: 64 bits that depend on the seed, on what is drawn for, and on the content alone."""
    salt = blake2b(str(seed).encode(), digest_size=16).digest()
    return int.from_bytes(blake2b(content, digest_size=8, salt=salt, person=use).digest(), "little")
