"""The classifier in plain Python is scikit-learn's, number for number."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from evalsvc.sandbox import classifier, training
from evalsvc.sandbox.answers import IMPOSSIBLE
from evalsvc.sandbox.training import Examples
from tests.sandbox.client import TRAINING

WORDS = ["free", "prize", "now", "Lunch", "home", "see", "you", "number", "unheard", "Straße", "i", "a", "42", "don't", "é", "\ud800"]


def reference(examples: Examples) -> Pipeline:
    """What `fit` takes its numbers from, asked in scikit-learn's own way."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), token_pattern=classifier.WORD)
    return make_pipeline(vectorizer, LogisticRegression(C=classifier.INVERSE_REGULARISATION, max_iter=1000)).fit(
        examples.texts, examples.labels
    )


def examples(*labels: str) -> Examples:
    chosen = [(text, label) for text, label in TRAINING if label in labels]
    return Examples(texts=[text for text, _ in chosen], labels=[label for _, label in chosen])


TWO, THREE = examples("spam", "ham"), examples("spam", "ham", "not sure")
FITTED = [(reference(given), classifier.Classifier(classifier.fit(given))) for given in (TWO, THREE)]


@given(text=st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=30))
@settings(max_examples=150, deadline=None)
def test_probabilities_are_those_of_scikit_learn(text: str) -> None:
    for theirs, ours in FITTED:
        expected = theirs.predict_proba([text])[0]
        assert [math.exp(value) for value in ours.log_probabilities(text)] == pytest.approx(expected, abs=1e-9)


@given(text=st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
@settings(max_examples=50, deadline=None)
def test_the_tokens_of_an_answer_multiply_to_its_labels_probability(text: str) -> None:
    for theirs, ours in FITTED:
        answer = ours.answer(text)
        probability = math.exp(sum(token.logprob for token in answer.tokens))
        assert answer.content == theirs.predict([text])[0]
        assert probability == pytest.approx(max(theirs.predict_proba([text])[0]), abs=1e-9)
        assert all(token.logprob <= 0 for token in answer.tokens)


def test_certainty_is_a_number_that_json_can_write() -> None:
    weights = classifier.Weights(labels=["no", "yes"], intercepts=[1e6], terms={})
    token = classifier.Classifier(weights).answer("").tokens[0]
    assert dict(token.top) == {"yes": 0.0, "no": IMPOSSIBLE}


@pytest.mark.parametrize("labels", [[], ["spam", "spam"]])
def test_one_label_is_nothing_to_learn(labels: list[str]) -> None:
    with pytest.raises(ValueError, match="at least two labels"):
        classifier.fit(Examples(texts=["a text"] * len(labels), labels=labels))


@pytest.mark.parametrize(
    ("name", "content", "columns"),
    [
        ("t.jsonl", '{"text": "a \\"b\\"", "label": true}\n\n{"text": "c", "label": null}\n{"text": 7, "label": "x"}\n', None),
        ("t.csv", 'label,text\ntrue,"a ""b"""\n,c\nx,7\n', None),
        ("t.tsv", 'true\ta "b"\n\tc\nx\t7\r\n', ("label", "text")),
    ],
)
def test_every_format_tells_the_same_examples(tmp_path: Path, name: str, content: str, columns: tuple[str, ...] | None) -> None:
    path = tmp_path / name
    path.write_text(content)
    read = training.read_examples(path, columns=columns, text_column="text", label_column="label")
    assert read == Examples(texts=['a "b"', "7"], labels=["true", "x"])


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("t.jsonl", '{"text": "a", "label": "b"}\nnonsense\n', r"t\.jsonl:2: not JSON"),
        ("t.jsonl", "[1]\n", r"t\.jsonl:1: a JSON object"),
        ("t.csv", "text,label\na,b\nc\n", r"t\.csv:3: 1 cells where 2 columns"),
        ("t.tsv", "text\tclass\na\tb\n", r"t\.tsv:2: no column 'label'; this row has text, class"),
        ("t.txt", "", r"t\.txt: the ending of a training file must be one of"),
    ],
)
def test_a_bad_training_file_is_refused_with_its_line(tmp_path: Path, name: str, content: str, complaint: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ValueError, match=complaint):
        training.read_examples(path, columns=None, text_column="text", label_column="label")


def test_weights_are_plain_numbers() -> None:
    weights = classifier.fit(TWO)
    assert json.loads(json.dumps(weights.terms)).keys() == weights.terms.keys()
    assert all(type(idf) is float and all(type(value) is float for value in values) for idf, values in weights.terms.values())


@pytest.mark.parametrize("labels", [["no", "yes", "yes"], ["a", "b", "b", "b", "c"]])
def test_of_texts_without_words_it_learns_how_common_each_label_is(labels: list[str]) -> None:
    model = classifier.Classifier(classifier.fit(Examples(texts=["1 + 1"] * len(labels), labels=labels)))
    shares = [math.exp(log) for log in model.log_probabilities("2 + 2")]
    assert shares == pytest.approx([labels.count(label) / len(labels) for label in sorted(set(labels))])
