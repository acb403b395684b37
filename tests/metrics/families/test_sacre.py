"""sacreBLEU itself is the judge: whatever the texts and the options, the same number to the last digit."""

import pickle
from collections.abc import Sequence
from operator import add
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from evalsvc import jsonio
from evalsvc.config.models import EvalConfig
from evalsvc.errors import UsageError
from evalsvc.metrics.families import ter
from evalsvc.metrics.families.metric import Setting, SumMetric, Wanted
from evalsvc.metrics.families.sacre import build
from evalsvc.records import Outcome, Score
from evalsvc.scoring.measures import Answer

Pair = tuple[str, Sequence[str]]

PAIRS: Sequence[Pair] = [
    ("The cat sat on the mat.", ["The cat is on the mat.", "There is a cat on the mat, I think."]),
    ("", ["An answer that never came."]),
    ("It costs 1,000.50 dollars (about 900 euros)...", ["It costs $1,000.50, i.e. about 900 euros."]),
    ("Zwölf Boxkämpfer\njagen Viktor quer über den großen Sylter Deich", ["Zwölf Boxkämpfer jagen Viktor\nquer über den Deich"]),
    ("on the mat sat the cat that I saw &amp; liked", ["the cat that I saw &amp; liked sat on the mat", "", "A."]),
    ("机器翻译的评价很难。", ["机器翻译的评测很困难。", "评价机器翻译很难。"]),
    ("機械翻訳の評価は難しい。", ["機械翻訳を評価するのは難しいです。"]),
    ("기계 번역의 평가는 어렵다.", ["기계 번역 평가는 어렵습니다."]),
    ("yes", ["yes"]),
    ("  spaces   and\ttabs \u00a0 of all kinds ", ["spaces and tabs of all kinds"]),
    ("half a pair \ud83d of surrogates", ["half a pair \ud83d of surrogates, whole"]),
    ("something", [""]),
    ("", [""]),
]
THEIRS: dict[str, Any] = {"bleu": BLEU, "chrf": CHRF, "chrf_pp": lambda **options: CHRF(**{"word_order": 2, **options}), "ter": TER}
ALL = tuple(THEIRS)
OPTIONS: Sequence[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in ALL),
    *(("bleu", {"tokenize": name}) for name in ("none", "zh", "intl", "char")),
    ("bleu", {"lowercase": True}),
    ("bleu", {"max_ngram_order": 2}),
    ("bleu", {"max_ngram_order": 6, "effective_order": True}),
    ("bleu", {"smooth_method": "none"}),
    ("bleu", {"smooth_method": "floor"}),
    ("bleu", {"smooth_method": "floor", "smooth_value": 0.5}),
    ("bleu", {"smooth_method": "add-k"}),
    ("bleu", {"smooth_method": "add-k", "smooth_value": 3, "effective_order": True}),
    ("chrf", {"lowercase": True, "whitespace": True}),
    ("chrf", {"char_order": 3, "word_order": 1, "beta": 3}),
    ("chrf", {"char_order": 10}),
    ("chrf_pp", {"beta": 1}),
    ("chrf_pp", {"lowercase": True}),
    ("ter", {"normalized": True}),
    ("ter", {"no_punct": True}),
    ("ter", {"normalized": True, "no_punct": True, "asian_support": True}),
    ("ter", {"case_sensitive": True}),
]


def metric(name: str, **options: Any) -> SumMetric:
    return build(Wanted(name=name, options=options), Setting(task="translation"))


def measured(one: SumMetric, text: str, references: Sequence[str], **fields: str) -> Score:
    assert one.measure is not None
    found = one.measure(Answer(text=text, references=tuple(references), fields=fields))
    assert found is not None
    # as it stands in scored.jsonl
    stats = {
        name: tuple(sums) for name, sums in jsonio.loads(jsonio.dumps({name: list(sums) for name, sums in found.stats.items()})).items()
    }
    return Score(id="1", repeat=0, target=None, prediction=text, outcome=Outcome.SCORED, rule="text", scores=found.scores, stats=stats)


def sums_of(one: SumMetric, pairs: Sequence[Pair]) -> list[int]:
    sums = [0] * one.width
    for text, references in pairs:
        summands = one.read(measured(one, text, references))
        assert summands is not None
        assert len(summands) == one.width
        assert all(type(summand) is int for summand in summands)
        sums = list(map(add, sums, summands))
    return sums


def ours(name: str, pairs: Sequence[Pair], **options: Any) -> float | None:
    one = metric(name, **options)
    return one.value(sums_of(one, pairs))


def theirs(name: str, pairs: Sequence[Pair], **options: Any) -> float:
    """Their streams of references are the other way round, with None where a row has fewer."""
    most = max(len(references) for _, references in pairs)
    streams = [[references[index] if index < len(references) else None for _, references in pairs] for index in range(most)]
    return float(THEIRS[name](**options).corpus_score([text for text, _ in pairs], streams).score)


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_a_corpus_is_worth_what_sacrebleu_says_to_the_last_digit(name: str, options: dict[str, Any]) -> None:
    """Different numbers of references, empty answers and empty references among them."""
    assert ours(name, PAIRS, **options) == theirs(name, PAIRS, **options)


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_so_is_a_corpus_of_one_row(name: str, options: dict[str, Any]) -> None:
    for pair in PAIRS:
        assert ours(name, [pair], **options) == theirs(name, [pair], **options), pair


@pytest.mark.parametrize("name", ["ja-mecab", "ko-mecab"])
def test_so_it_is_with_a_dictionary(name: str) -> None:
    pytest.importorskip("MeCab" if name == "ja-mecab" else "mecab_ko")
    whole = [pair for pair in PAIRS if "\ud83d" not in pair[0]]
    assert ours("bleu", whole, tokenize=name) == theirs("bleu", whole, tokenize=name)
    # theirs ends in an error on the other one
    assert (ours("bleu", PAIRS, tokenize=name) or 0) > 0


@pytest.mark.parametrize("name", ALL)
def test_answers_that_are_all_empty_are_worth_the_least(name: str) -> None:
    pairs = [("", ["a b c d e f"]), ("", ["g h i j k l"])]
    assert ours(name, pairs) == theirs(name, pairs) == (100.0 if name == "ter" else 0.0)


@pytest.mark.parametrize("name", ALL)
def test_an_empty_answer_lowers_the_number(name: str) -> None:
    good = [("a b c d e f", ["a b c d e f"])]
    better, worse = ours(name, good), ours(name, [*good, ("", ["g h i j k l"])])
    assert better is not None
    assert worse is not None
    assert (worse > better) if name == "ter" else (worse < better)


TEXTS = st.lists(
    st.sampled_from(
        ["a", "b", "b", "the", "cat", "Cat", "cat,", "dog.", "3.5", "it's", "(so)", "é", "世界", "です。", "\n", "x-y", "&amp;"]
    ),
    max_size=14,
).map(" ".join)
CORPORA = st.lists(st.tuples(TEXTS, st.lists(TEXTS, min_size=1, max_size=3)), min_size=1, max_size=6)


@pytest.mark.parametrize("name", ["bleu", "chrf", "chrf_pp"])
@settings(max_examples=60, deadline=None)
@given(pairs=CORPORA)
def test_random_corpora_are_worth_the_same(name: str, pairs: Sequence[Pair]) -> None:
    assert ours(name, pairs) == theirs(name, pairs)


@settings(max_examples=60, deadline=None)
@given(pairs=CORPORA)
def test_random_corpora_have_the_same_edit_rate(pairs: Sequence[Pair]) -> None:
    """Their sum of mean reference lengths is rounded at each row, ours once."""
    assert ours("ter", pairs) == pytest.approx(theirs("ter", pairs), rel=1e-14)


@settings(max_examples=60, deadline=None)
@given(pairs=st.lists(st.tuples(TEXTS, st.lists(TEXTS, min_size=1, max_size=1)), min_size=1, max_size=6))
def test_with_one_reference_the_edit_rate_is_the_same_to_the_last_digit(pairs: Sequence[Pair]) -> None:
    assert ours("ter", pairs) == theirs("ter", pairs)


def test_mean_reference_lengths_of_any_number_of_references_are_near_enough() -> None:
    for references in range(1, 40):
        for words in range(50):
            assert ter.parts(words, references) / ter.PARTS == pytest.approx(words / references, abs=1e-6)
    assert all(ter.PARTS % references == 0 for references in range(1, 17))


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_many_sums_at_once_are_worth_what_each_is_worth(name: str, options: dict[str, Any]) -> None:
    one = metric(name, **options)
    rows = [sums_of(one, [pair]) for pair in PAIRS]
    random = np.random.Generator(np.random.PCG64(1))
    drawn = [[0] * one.width, *rows, *(random.multinomial(len(rows), [1 / len(rows)] * len(rows), size=300) @ np.array(rows)).tolist()]
    assert one.values is not None
    values = one.values(np.array(drawn, dtype=np.float64))
    expected = [one.value(sums) for sums in drawn]
    assert expected[0] is None
    assert np.isnan(values[0])
    assert not np.isnan(values[1:]).any()
    assert values[1:].tolist() == pytest.approx(expected[1:], rel=1e-9)


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_a_value_may_be_asked_for_twice_and_many_leave_the_sums_alone(name: str, options: dict[str, Any]) -> None:
    """sacreBLEU's add-k adds its k to the sums that it is handed."""
    one = metric(name, **options)
    sums = sums_of(one, PAIRS)
    before, table = list(sums), np.array([sums], dtype=np.float64)
    assert one.value(sums) == one.value(sums) == one.value(tuple(sums))
    assert sums == before
    assert one.values is not None
    one.values(table)
    assert table.tolist() == [before]


def test_each_row_has_its_own_number_beside_as_sacrebleu_has_it() -> None:
    for text, references in PAIRS:
        scores = {name: measured(metric(name), text, references).scores for name in ALL}
        assert scores == {
            "bleu": {"sentence_bleu": BLEU(effective_order=True).sentence_score(text, references).score},
            "chrf": {"sentence_chrf": CHRF().sentence_score(text, references).score},
            "chrf_pp": {"sentence_chrf_pp": CHRF(word_order=2).sentence_score(text, references).score},
            "ter": {"sentence_ter": pytest.approx(TER().sentence_score(text, references).score, rel=1e-14)},
        }


@pytest.mark.parametrize("name", ALL)
def test_a_row_without_a_target_is_no_part_of_it(name: str) -> None:
    one = metric(name)
    assert one.measure is not None
    assert one.measure(Answer(text="text")) is None
    assert one.read(Score(id="1", repeat=0, target=None, prediction="text", outcome=Outcome.SCORED, rule="text")) is None


@pytest.mark.parametrize("name", ALL)
def test_measures_can_be_compared_and_sent_to_another_process(name: str) -> None:
    measure = metric(name).measure
    assert measure is not None
    assert measure == metric(name).measure == pickle.loads(pickle.dumps(measure))
    assert hash(measure) == hash(metric(name).measure)


@pytest.mark.parametrize(
    ("name", "options", "more"),
    [
        ("bleu", {}, ""),
        ("bleu", {"lowercase": True, "tokenize": "intl", "smooth_method": "floor", "smooth_value": 0.3}, ""),
        ("bleu", {"effective_order": True, "max_ngram_order": 2}, "|order:2"),
        ("chrf", {"beta": 3, "whitespace": True}, "|beta:3"),
        ("chrf_pp", {"lowercase": True}, ""),
        ("ter", {"case_sensitive": True, "no_punct": True}, ""),
    ],
)
def test_signatures_are_sacrebleus_and_what_it_leaves_out(name: str, options: dict[str, Any], more: str) -> None:
    judge = THEIRS[name](**options)
    judge.corpus_score(["a", "b"], [["a", "b"], ["c", None]])
    assert metric(name, **options).signature == f"{judge.get_signature()}{more}|v:1"


def test_the_number_of_references_is_known_where_a_target_is_one_text() -> None:
    config = EvalConfig.model_validate(
        {
            "name": "x",
            "task": "translation",
            "dataset": {"path": "x.jsonl", "input": "text", "target": "target"},
            "model": {"name": "m"},
            "scoring": {"references": "text"},
        }
    )
    assert build(Wanted(name="bleu"), Setting(task="translation", config=config)).signature.startswith("nrefs:1|")


def test_each_group_may_have_its_own_tokenizer() -> None:
    one = metric("bleu", by="lang", tokenize={"zh": "zh", "xx": "char", "default": "13a"})
    assert (one.by, one.columns) == ("lang", ("lang",))
    assert "|tok:xx=char,zh=zh,default=13a|" in one.signature
    assert "|by:lang|" in one.signature
    text, references = PAIRS[5]
    for group, tokenize in {"zh": "zh", "xx": "char", "de": "13a", "": "13a"}.items():
        found = one.read(measured(one, text, references, lang=group))
        assert found == one.read(measured(metric("bleu", tokenize=tokenize), text, references))
    assert one.read(measured(one, text, references)) == one.read(measured(metric("bleu"), text, references))


@pytest.mark.parametrize("name", ALL)
def test_every_one_can_be_asked_for_by_group(name: str) -> None:
    one = metric(name, by="lang")
    assert (one.by, one.columns) == ("lang", ("lang",))
    assert one.signature.endswith("|by:lang|v:1")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("bleu", {"tokenise": "zh"}, "no option 'tokenise', did you mean 'tokenize'"),
        ("bleu", {"tokenize": "chinese"}, "there is no tokenizer 'chinese'"),
        ("bleu", {"tokenize": "flores200"}, "tokenizer flores200 would be downloaded"),
        ("bleu", {"tokenize": {"zh": "zh", "default": "13a"}}, "needs `by`"),
        ("bleu", {"tokenize": {"zh": "zh"}, "by": "lang"}, "says nothing of other groups"),
        ("bleu", {"tokenize": {"zh": "spm", "default": "13a"}, "by": "lang"}, "tokenizer spm would be downloaded"),
        ("bleu", {"by": 3}, "not the name of a column"),
        ("bleu", {"by": ""}, "not the name of a column"),
        ("bleu", {"lowercase": "yes"}, "is not true or false"),
        ("bleu", {"max_ngram_order": 0}, "whole number from 1 on"),
        ("bleu", {"smooth_method": "exponential"}, "is not one of exp, floor, add-k, none"),
        ("bleu", {"smooth_value": 1}, "`smooth_method: exp` takes no `smooth_value`"),
        ("bleu", {"smooth_method": "floor", "smooth_value": 0}, "not a number above 0"),
        ("bleu", {"smooth_method": "floor", "smooth_value": True}, "not a number above 0"),
        ("chrf", {"beta": 0.5}, "whole number from 1 on"),
        ("chrf", {"tokenize": "zh"}, "no option 'tokenize'"),
        ("chrf_pp", {"word_order": -1}, "whole number from 0 on"),
        ("ter", {"asian_support": True}, "does nothing without"),
    ],
)
def test_options_that_cannot_be_are_refused_with_their_place(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        build(Wanted(name=name, options=options, place="eval.yaml:7: metrics[0]"), Setting(task="translation"))
    assert refused.value.message.startswith("eval.yaml:7: metrics[0]: ")
    assert message in refused.value.message


def test_a_tokenizer_whose_packages_are_missing_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an installation without the extra: sacreBLEU has None in place of the module."""
    from sacrebleu.tokenizers import tokenizer_ja_mecab

    from evalsvc.metrics.families import tokenizers

    tokenizers._tokenizer.cache_clear()
    monkeypatch.setattr(tokenizer_ja_mecab, "MeCab", None)
    with pytest.raises(UsageError, match="ja-mecab needs packages") as refused:
        metric("bleu", tokenize="ja-mecab")
    assert refused.value.hint == 'pip install "evalsvc[ja]"'
    assert refused.value.message.startswith("metrics: bleu: ")
