from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from evalsvc.config.models import EvalConfig
from evalsvc.errors import UsageError
from evalsvc.jsonio import dumps, loads
from evalsvc.metrics.families.metric import Setting, SumMetric, Wanted
from evalsvc.metrics.families.registry import build_metrics
from evalsvc.metrics.families.rouge import KINDS, LETTERS, Rouge, build, letters_kept
from evalsvc.records import Outcome, Score
from evalsvc.scoring.measures import Answer

REFERENCE = {stemmer: RougeScorer(list(KINDS), use_stemmer=stemmer) for stemmer in (False, True)}
ALONE = Setting(task="summarization")
WORDS = [
    *("the", "a", "was", "cats", "cat", "running", "runs", "run", "flies", "happily", "relational", "organization"),
    *("3", "x1", "Über", "naïve", "東京", "don't", "e-mail"),
]
ENDS = (" ", " ", " ", " ", ". ", "\n", "\n\n", " \n ", "\r\n", "\t", "_", "—")
AWKWARD = (
    "",
    " ",
    "\n",
    "\n\n\n",
    ".",
    "cat",
    "Cat\n",
    "\ncat",
    "cat cat cat cat",
    "cat\ncat\ncat",
    "東京は日本の首都です。",
    "naïve café",
    "İstanbul \N{KELVIN SIGN}elvin",
    "a\rb\u2028c\x85d",
    "running runner runs ran\nrunning",
    "yyyyyyyy sky skies dying",
)

texts = (
    st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(ENDS)), max_size=40).map(lambda parts: "".join(map("".join, parts)))
    | st.sampled_from(AWKWARD)
    | st.text(max_size=60)
)


def expected(candidate: str, references: list[str], *, stemmer: bool) -> dict[str, tuple[float, ...]]:
    scores = REFERENCE[stemmer].score_multi(references, candidate)
    return {kind: tuple(score) for kind, score in scores.items()}


def measured(answer: str, *references: str, **options: Any) -> dict[str, float]:
    found = Rouge(**options)(Answer(text=answer, references=references))
    assert found is not None
    return dict(found.scores)


@settings(max_examples=400)
@given(candidate=texts, references=st.lists(texts, min_size=1, max_size=3), stemmer=st.booleans())
@example(candidate="a b\nc d", references=["a b c d", "a c\nb d"], stemmer=False)
def test_precision_recall_and_f_are_those_of_rouge_score_to_the_last_digit(candidate: str, references: list[str], stemmer: bool) -> None:
    found = {kind: tuple(overlap) for kind, overlap in Rouge(stemmer=stemmer).best(candidate, references).items()}
    assert found == expected(candidate, references, stemmer=stemmer)


@pytest.mark.parametrize("stemmer", [False, True])
@pytest.mark.parametrize("candidate", AWKWARD)
def test_awkward_texts_score_as_with_rouge_score(candidate: str, stemmer: bool) -> None:
    for reference in AWKWARD:
        found = {kind: tuple(overlap) for kind, overlap in Rouge(stemmer=stemmer).best(candidate, [reference]).items()}
        assert found == expected(candidate, [reference], stemmer=stemmer)


def test_long_texts_score_as_with_rouge_score() -> None:
    """Sixteen lines of 50 words: states of more than 64 bits, and lines that share words with many others."""
    candidate = "\n".join(" ".join(WORDS[(i * j + j // 3) % 18] for j in range(50)) for i in range(1, 17))
    reference = "\n".join(" ".join(WORDS[(i + j * j) % 18] for j in range(50)) for i in range(1, 17))
    found = {kind: tuple(overlap) for kind, overlap in Rouge(stemmer=True).best(candidate, [reference]).items()}
    assert found == expected(candidate, [reference], stemmer=True)


def test_an_empty_answer_is_worth_nothing_and_is_measured() -> None:
    assert measured("", "a cat") == dict.fromkeys(KINDS, 0.0)
    assert all(type(score) is float for score in measured("", "a cat").values())


def test_a_row_without_target_is_not_measured() -> None:
    assert Rouge()(Answer(text="a cat")) is None


def test_the_best_reference_is_the_one_with_the_highest_f_whatever_part_is_shown() -> None:
    """Precision is 1 with the long reference, where F is lower."""
    answer, near, long = "a b", "a c", "a b " + "x " * 9
    assert measured(answer, near, long, kinds=("rouge1",), part="precision") == {"rouge1": 0.5}
    assert measured(answer, near, long, kinds=("rouge1",), part="recall") == {"rouge1": 0.5}


def test_line_ends_part_the_sentences_of_rouge_lsum_and_nothing_else_does() -> None:
    reference = "the cat sat.\nthe dog ran."
    swapped = measured("the dog ran.\nthe cat sat.", reference)
    assert (swapped["rougeL"], swapped["rougeLsum"]) == (0.5, 1.0)
    one_line = measured("the dog ran. the cat sat.", reference.replace("\n", " "))
    assert one_line["rougeL"] == one_line["rougeLsum"] == 0.5
    for no_line_end in "\r\f\x85\u2028":
        assert measured(f"ran{no_line_end}sat", f"sat{no_line_end}ran", kinds=("rougeLsum",)) == {"rougeLsum": 0.5}


@pytest.mark.parametrize(
    ("tokenizer", "answer", "reference", "score"),
    [
        ("rouge", "東京は首都です", "東京は首都です", 0.0),
        ("unicode", "東京は首都です", "東京は首都です", 1.0),
        ("unicode", "東京は首都だ", "東京は首都です", 0.0),
        ("char", "東京は首都だ", "東京は首都です", 2 * (5 / 6) * (5 / 7) / (5 / 6 + 5 / 7)),
        ("unicode", "МОСКВА стоит", "Москва стоит", 1.0),
        ("char", "", "東", 0.0),
    ],
)
def test_other_alphabets_need_their_tokenizer(tokenizer: str, answer: str, reference: str, score: float) -> None:
    assert measured(answer, reference, kinds=("rougeL",), tokenizer=tokenizer) == {"rougeL": score}


@pytest.mark.parametrize(
    ("answer", "references", "kept"), [("cat 42", ["a dog"], 1.0), ("東京", ["tokyo", "Größe"], 8 / 12), ("42", ["7"], None)]
)
def test_letters_that_the_tokenizer_drops_are_counted_over_answer_and_references(
    answer: str, references: list[str], kept: float | None
) -> None:
    found = Rouge()(Answer(text=answer, references=tuple(references)))
    assert found is not None
    assert letters_kept(found.stats[LETTERS]) == kept


@pytest.mark.parametrize("tokenizer", ["unicode", "char"])
def test_tokenizers_that_drop_no_letter_count_none(tokenizer: str) -> None:
    found = Rouge(tokenizer=tokenizer)(Answer(text="東京", references=("東京",)))
    assert found is not None
    assert not found.stats


def test_what_is_measured_goes_through_json() -> None:
    found = Rouge()(Answer(text="東京 a", references=("a b",)))
    assert found is not None
    assert loads(dumps({"scores": dict(found.scores), "stats": dict(found.stats)})) == {
        "scores": dict(found.scores),
        "stats": {LETTERS: [5, 3]},
    }


def score(scores: dict[str, float] | None) -> Score:
    return Score(id="1", repeat=0, target="a", prediction="a", outcome=Outcome.SCORED, rule="text", scores=scores)


def test_the_number_is_the_plain_mean_over_rows() -> None:
    metric = build(Wanted(name="rougeL"), ALONE)
    rows = [metric.read(score({"rougeL": value})) for value in (0.0, 0.5, 1.0)]
    assert metric.read(score(None)) is None
    assert metric.value([sum(summands) for summands in zip(*filter(None, rows), strict=True)]) == 0.5


@pytest.mark.parametrize(
    ("name", "options", "signature"),
    [
        ("rouge1", {}, "rouge1|tok:rouge|stem:no|part:f|refs:max|avg:mean|v:1"),
        ("rougeLsum", {"stemmer": True}, "rougeLsum|tok:rouge|stem:porter-nltk|lsum:newline|part:f|refs:max|avg:mean|v:1"),
        ("rouge2", {"tokenizer": "char", "part": "recall"}, "rouge2|tok:char|stem:no|part:recall|refs:max|avg:mean|v:1"),
    ],
)
def test_the_signature_says_all_that_the_number_depends_on(name: str, options: dict[str, Any], signature: str) -> None:
    assert build(Wanted(name=name, options=options), ALONE).signature == signature


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stemer": True}, "metrics[1]: rouge1 has no option 'stemer', did you mean 'stemmer'?"),
        ({"stemmer": "yes"}, "metrics[1]: rouge1 has no stemmer 'yes'"),
        ({"stemmer": 1}, "metrics[1]: rouge1 has no stemmer 1"),
        ({"tokenizer": "13a"}, "metrics[1]: rouge1 has no tokenizer '13a'"),
        ({"tokenizer": ["char"]}, "metrics[1]: rouge1 has no tokenizer ['char']"),
        ({"tokenizer": "char", "stemmer": True}, "metrics[1]: rouge1 cannot take stems of single characters"),
    ],
)
def test_options_that_cannot_be_are_refused_with_their_place(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        build(Wanted(name="rouge1", options=options, place="metrics[1]"), ALONE)
    assert str(refused.value).splitlines()[0] == message
    assert refused.value.hint


def built(*metrics: Any) -> dict[str, Rouge]:
    fields = {"name": "n", "task": "summarization", "dataset": {"path": "d"}, "model": {"name": "m", "base_url": "sandbox"}}
    made = build_metrics(EvalConfig.model_validate({**fields, "metrics": metrics}))
    return {metric.name: metric.measure for metric in made if isinstance(metric, SumMetric) and isinstance(metric.measure, Rouge)}


def test_metrics_with_equal_options_share_one_measure_that_does_no_more_than_it_is_asked() -> None:
    measures = built("rouge1", {"rougeLsum": {"stemmer": False}})
    assert set(measures.values()) == {Rouge(kinds=("rouge1", "rougeLsum"))}


def test_metrics_with_other_options_do_not_write_over_each_other() -> None:
    measures = built("rougeL", {"rouge1": {"stemmer": True}}, {"rouge2": {"stemmer": True}})
    assert measures == {
        "rougeL": Rouge(kinds=("rougeL",)),
        "rouge1": Rouge(kinds=("rouge1", "rouge2"), stemmer=True),
        "rouge2": Rouge(kinds=("rouge1", "rouge2"), stemmer=True),
    }
    assert len(set(measures.values())) == 2
