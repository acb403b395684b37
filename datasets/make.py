"""Writes the train and test files of every data set here, byte for byte the same each time.

Usage: .venv/bin/python datasets/make.py [FOLDER]     (default: the folder of this script)

Prints one line per file, as the table in README.md has it: file, rows, SHA-256. The two medical and chemical tables
come with scikit-learn; their numbers are put into words, each column by the quintile its value lies in.
"""

import csv
import io
import json
import random
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from phrases import CLOSINGS, COUNTS, OPENINGS, SLOTS, TEMPLATES, WHOLE
from sklearn.datasets import load_breast_cancer, load_wine

SEED = 20240229
TYPO_RATE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    id: str
    text: str
    label: str


def breast_cancer() -> list[Row]:
    """Fine-needle aspirates of breast masses, as someone at the microscope might describe them."""
    table = load_breast_cancer()
    told = _in_words(table.data, list(table.feature_names), CELL_WORDS)
    return [
        Row(id=f"case-{number:03d}", text=CELL_REPORT.format(**words), label=str(table.target_names[target]))
        for number, (words, target) in enumerate(zip(told, table.target, strict=True), 1)
    ]


def wine() -> list[Row]:
    """Chemical analyses of Piedmontese wines, as a sommelier with a laboratory might put them."""
    table = load_wine()
    told = _in_words(table.data, list(table.feature_names), WINE_WORDS)
    return [
        Row(id=f"wine-{number:03d}", text=WINE_REPORT.format(**words), label=CULTIVARS[target])
        for number, (words, target) in enumerate(zip(told, table.target, strict=True), 1)
    ]


def support_messages() -> list[Row]:
    """Short messages to a software company's support, each with the matter it is about."""
    chance = random.Random(SEED)
    pairs = [(text, label) for label, count in COUNTS.items() for text in _messages(label, count, chance)]
    chance.shuffle(pairs)
    return [Row(id=f"msg-{number:04d}", text=text, label=label) for number, (text, label) in enumerate(pairs, 1)]


def split(rows: Sequence[Row], test_share: float) -> tuple[list[Row], list[Row]]:
    """Train and test rows, each label with the same share in both, in the order of the ids."""
    test: set[str] = set()
    for label in sorted({row.label for row in rows}):
        ids = [row.id for row in rows if row.label == label]
        test |= set(random.Random(SEED).sample(ids, round(len(ids) * test_share)))
    return [row for row in rows if row.id not in test], [row for row in rows if row.id in test]


def as_csv(rows: Iterable[Row]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("id", "text", "diagnosis"))
    writer.writerows((row.id, row.text, row.label) for row in rows)
    return file.getvalue()


def as_json_lines(rows: Iterable[Row]) -> str:
    return "".join(json.dumps({"id": row.id, "text": row.text, "category": row.label}, ensure_ascii=False) + "\n" for row in rows)


def as_headerless_tsv(rows: Iterable[Row]) -> str:
    return "".join(f"{row.label}\t{row.text}\n" for row in rows)


def _in_words(values: NDArray[np.float64], names: Sequence[str], words: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """For every row of a table, the word for each column that `words` has words for, from the lowest fifth to the highest."""
    columns = {}
    for name, scale in words.items():
        column = values[:, names.index(name)]
        levels = np.searchsorted(np.quantile(column, (0.2, 0.4, 0.6, 0.8)), column)
        columns[name.replace(" ", "_").replace("/", "_")] = [scale[level] for level in levels]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _messages(label: str, count: int, chance: random.Random) -> list[str]:
    """`count` different messages: those written whole, then templates in turn."""
    texts = dict.fromkeys(WHOLE[label])
    while len(texts) < count:
        template = TEMPLATES[label][len(texts) % len(TEMPLATES[label])]
        body = template.format(**{slot: chance.choice(words) for slot, words in SLOTS.items()})
        text = chance.choice(OPENINGS) + body + chance.choice(CLOSINGS)
        texts[_mistyped(text, chance) if chance.random() < TYPO_RATE else text] = None
    return list(texts)


def _mistyped(text: str, chance: random.Random) -> str:
    """`text` with a slip of the finger or two: neighbours swapped, a letter lost or doubled."""
    for _ in range(chance.choice((1, 1, 2))):
        at = chance.randrange(1, len(text) - 2)
        slip = chance.choice((text[at + 1] + text[at], text[at + 1], text[at] + text[at] + text[at + 1]))
        text = text[:at] + slip + text[at + 2 :]
    return text


SIZE = ("tiny", "small", "middling", "large", "huge")
CELL_WORDS = {
    "mean radius": SIZE,
    "mean texture": ("fine-grained", "steady", "mixed", "grainy", "coarse"),
    "mean smoothness": ("polished", "smooth", "fairly smooth", "rough", "ragged"),
    "mean compactness": ("round", "roundish", "oval", "elongated", "sprawling"),
    "mean concavity": ("no", "faint", "shallow", "marked", "deep"),
    "mean symmetry": ("regular", "balanced", "slightly uneven", "lopsided", "distorted"),
    "area error": ("uniform", "alike", "fairly alike", "varied", "wildly varied"),
    "worst texture": ("clear", "calm", "mottled", "patchy", "blotched"),
    "worst concave points": ("without dents", "with one dent", "with some dents", "notched", "heavily notched"),
    "worst fractal dimension": ("simple", "plain", "wavy", "jagged", "frayed"),
}
CELL_REPORT = (
    "The nuclei are {mean_radius} and {mean_compactness}, with a {mean_texture} texture, a {mean_smoothness} surface and "
    "{mean_concavity} hollows. Shapes look {mean_symmetry} and sizes {area_error}. The worst of them appear {worst_texture} "
    "and {worst_concave_points}, their outline {worst_fractal_dimension}."
)
CULTIVARS = ("barolo", "grignolino", "barbera")
WINE_WORDS = {
    "alcohol": ("light", "gentle", "medium-bodied", "strong", "heady"),
    "malic_acid": ("soft", "mellow", "fresh", "tart", "sharp"),
    "ash": ("clean", "neat", "mineral", "earthy", "ashen"),
    "magnesium": ("flat", "quiet", "lively", "salty", "briny"),
    "total_phenols": ("thin", "slender", "rounded", "firm", "dense"),
    "proanthocyanins": ("silky", "smooth", "grippy", "chewy", "rugged"),
    "color_intensity": ("pale", "bright", "ruby", "dark", "inky"),
    "hue": ("brick", "garnet", "cherry", "crimson", "violet"),
}
WINE_REPORT = (
    "A {color_intensity} wine with a {hue} rim. On the nose {ash} and {magnesium}; in the mouth {malic_acid}, {alcohol} "
    "and {total_phenols}, and the tannins stay {proanthocyanins}."
)

# folder -> its rows, the share that is tested on, the files' ending, how they are written
SETS: dict[str, tuple[Callable[[], list[Row]], float, str, Callable[[Iterable[Row]], str]]] = {
    "breast_cancer": (breast_cancer, 0.3, "csv", as_csv),
    "support_messages": (support_messages, 0.3, "jsonl", as_json_lines),
    "wine": (wine, 0.4, "tsv", as_headerless_tsv),
}


def main(folder: Path) -> None:
    for name, (rows, test_share, ending, written) in SETS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for part, chosen in zip(("train", "test"), split(rows(), test_share), strict=True):
            content = written(chosen).encode()
            (folder / name / f"{part}.{ending}").write_bytes(content)
            print(f"| {name}/{part}.{ending} | {len(chosen)} | {sha256(content).hexdigest()} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
