"""Writes the train and test files of every data set here, byte for byte the same each time.

Usage: .venv/bin/python datasets/make.py [FOLDER]     (default: the folder of this script)

Prints one line per file, as the table in README.md has it: file, rows, SHA-256. The medical and chemical tables come
with scikit-learn; for the classes their numbers are put into words, each column by the quintile its value lies in.
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
from typing import Any

import facts
import numpy as np
import orders
import reports
import tales
import translations
from numpy.typing import NDArray
from phrases import CLOSINGS, COUNTS, OPENINGS, SLOTS, TEMPLATES, WHOLE
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

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


def diabetes() -> list[dict[str, Any]]:
    """Patients, and how far their diabetes went on within a year."""
    table = load_diabetes(scaled=False)
    return [
        {"id": f"patient-{number:03d}", "patient": PATIENT.format(*values), "progression": f"{progression:.0f}"}
        for number, (values, progression) in enumerate(zip(table.data.tolist(), table.target.tolist(), strict=True), 1)
    ]


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

# Sex is 1 or 2 in the table, and it does not say which is which.
PATIENT = (
    "age {:.0f}, sex {:.0f}, BMI {:.1f}, blood pressure {:.0f}, cholesterol {:.0f}, LDL {:.1f}, HDL {:.0f}, ratio {:.2f}, "
    "triglycerides {:.2f}, glucose {:.0f}"
)

# folder -> its rows, the share that is tested on, the files' ending, how they are written
SETS: dict[str, tuple[Callable[[], list[Row]], float, str, Callable[[Iterable[Row]], str]]] = {
    "breast_cancer": (breast_cancer, 0.3, "csv", as_csv),
    "support_messages": (support_messages, 0.3, "jsonl", as_json_lines),
    "wine": (wine, 0.4, "tsv", as_headerless_tsv),
}
# folder -> all rows and how many of them are for training; JSON Lines
TEXTS: dict[str, tuple[Callable[[], list[dict[str, Any]]], int]] = {
    "generation": (lambda: orders.rows(450, random.Random(SEED)), 300),
    "perplexity": (lambda: tales.rows(300, random.Random(SEED)), 120),
    "qa": (lambda: facts.rows(300, random.Random(SEED)), 100),
    "regression": (lambda: _shuffled(diabetes()), 300),
    "summarization": (lambda: reports.rows(250, random.Random(SEED)), 100),
    "translation": (lambda: translations.rows(660, random.Random(SEED)), 480),
}


def _shuffled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In an order by chance: a table may be sorted."""
    return random.Random(SEED).sample(rows, len(rows))


def main(folder: Path) -> None:
    for name, (rows, test_share, ending, written) in SETS.items():
        for part, chosen in zip(("train", "test"), split(rows(), test_share), strict=True):
            _write(folder / name / f"{part}.{ending}", written(chosen), len(chosen))
    for name, (texts, for_training) in TEXTS.items():
        found = texts()
        for part, some in (("train", found[:for_training]), ("test", found[for_training:])):
            _write(folder / name / f"{part}.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in some), len(some))


def _write(file: Path, content: str, rows: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode())
    print(f"| {file.parent.name}/{file.name} | {rows} | {sha256(content.encode()).hexdigest()} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
