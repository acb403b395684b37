"""Several runs: in which order, and what can be said of them."""

from dataclasses import replace

from evalsvc.compare.nouns import Comparison, Field, Rows
from evalsvc.report.comparing.ranking import UNEVEN, metrics_of, notes_of, ranked, what_can_be_said
from tests.report.comparing.cases import difference, field, many, overlapping, side, three


def said(found: Field) -> str:
    return what_can_be_said(found, "accuracy")


def test_the_best_stands_first_with_its_letters() -> None:
    places = ranked(three(), "accuracy")
    assert [(place.name, place.value, place.letters) for place in places] == [("a-1", 0.95, "a"), ("b-2", 0.94, "a"), ("c-3", 0.81, "b")]


def test_where_lower_is_better_the_lowest_stands_first() -> None:
    assert [place.name for place in ranked(three("ter"), "ter")] == ["c-3", "b-2", "a-1"]


def test_groups_are_told_from_each_other() -> None:
    assert said(three()) == "a-1 and b-2 cannot be told apart; both are better than c-3"


def test_where_lower_is_better_the_same_numbers_say_the_opposite() -> None:
    assert what_can_be_said(three("ter"), "ter") == "c-3 is better than b-2 and a-1; b-2 and a-1 cannot be told apart"


def test_each_better_than_the_next() -> None:
    told = {(0, 1): True, (0, 2): True, (1, 2): True}
    assert said(field({"a": 0.9, "b": 0.8, "c": 0.7}, told, ("a", "b", "c"))) == "a is better than b; b is better than c"


def test_none_can_be_told_apart() -> None:
    told = dict.fromkeys([(0, 1), (0, 2), (1, 2)], False)
    assert said(field({"a": 0.9, "b": 0.89, "c": 0.88}, told, ("a", "a", "a"))) == "a, b and c cannot be told apart"


def test_of_groups_that_overlap_the_best_is_spoken_of() -> None:
    assert said(overlapping()) == "a-1 is better than c-3; it cannot be told from b-2"


def test_four_in_two_groups() -> None:
    told = {(i, j): (i < 3) != (j < 3) for i in range(4) for j in range(i + 1, 4)}
    found = field({"a": 0.9, "b": 0.89, "c": 0.88, "d": 0.5}, told, ("a", "a", "a", "b"))
    assert said(found) == "a, b and c cannot be told apart; all 3 are better than d"


def test_a_run_without_the_number_stands_last_and_in_no_sentence() -> None:
    whole = three()
    pairs = {
        places: replace(pair, differences={"accuracy": difference("accuracy", 0.8, None)}) if 2 in places else pair
        for places, pair in whole.pairs.items()
    }
    sides = [*whole.sides[:2], side("support", "b-2")]
    found = replace(whole, pairs=pairs, sides=sides)
    assert [place.name for place in ranked(found, "accuracy")] == ["a-1", "c-3", "b-2"]
    assert ranked(found, "accuracy")[-1].letters == ""
    assert said(found) == "a-1 is better than c-3"


def test_a_metric_that_one_run_alone_has_says_so() -> None:
    assert what_can_be_said(three(), "rouge1") == "no two runs have rouge1"


def test_a_pair_over_other_rows_that_says_the_opposite_is_not_hidden() -> None:
    """c stands below a by its own rows, and above it over those that both have."""
    whole = field({"a": 0.9, "b": 0.89, "c": 0.8}, dict.fromkeys([(0, 1), (0, 2), (1, 2)], False), ("a", "a", "a"))
    turned = replace(whole.pairs[0, 2], differences={"accuracy": difference("accuracy", 0.7, 0.8, p=0.001)}, rows=Rows(common=40))
    found = replace(whole, pairs={**whole.pairs, (0, 2): turned})
    assert said(found) == "a has the best number; c is better over the rows that both have; it cannot be told from b"
    assert UNEVEN in notes_of(found)


def test_over_other_rows_in_each_pair_the_number_is_that_of_the_run() -> None:
    whole = three()
    other = replace(whole.pairs[0, 1], differences={"accuracy": difference("accuracy", 0.75, 0.93)})
    found = replace(whole, pairs={**whole.pairs, (0, 1): other})
    assert [(place.name, place.value) for place in ranked(found, "accuracy")] == [("a-1", 0.95), ("b-2", 0.94), ("c-3", 0.81)]


def test_the_interval_is_left_out_where_it_is_over_other_rows() -> None:
    whole = three()
    sides = [side("support", one.run_id, values={"accuracy": 0.5}) for one in whole.sides]
    assert all(place.ci_low is None and place.value != 0.5 for place in ranked(replace(whole, sides=sides), "accuracy"))


def test_the_headline_comes_first() -> None:
    assert metrics_of(replace(three(), headline="ext.words")) == ["ext.words", "accuracy"]


def test_runs_of_different_names_keep_them() -> None:
    whole = three()
    sides = [side(f"name-{place}", one.run_id, values={"accuracy": 0.5}) for place, one in enumerate(whole.sides)]
    assert ranked(replace(whole, sides=sides), "accuracy")[0].name == "name-1/a-1"


def test_a_note_names_its_pairs_unless_it_is_of_all() -> None:
    def noted(pair: Comparison, *notes: str) -> Comparison:
        return replace(pair, notes=notes)

    whole = three()
    pairs = {places: noted(pair, "all", *(["one"] if places == (0, 2) else [])) for places, pair in whole.pairs.items()}
    assert notes_of(replace(whole, pairs=pairs)) == ["all", "one (1 and 3)"]


def test_many_overlapping_runs_are_one_sentence() -> None:
    assert said(many(4)).count("cannot be told") == 1


def test_a_metric_by_which_nothing_could_be_compared_is_a_note_and_no_table() -> None:
    whole = three()
    none = difference("coverage", None, None, reason="it is of one run alone")
    pairs = {places: replace(pair, differences={**pair.differences, "coverage": none}) for places, pair in whole.pairs.items()}
    found = replace(whole, pairs=pairs)
    assert "coverage" not in metrics_of(found)
    assert notes_of(found) == ["coverage: it is of one run alone"]
