from fractions import Fraction
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.scoring.figures import Decimal, answer_lines, as_programs_write, figure_text, figures_in, may_go_on, number_of


def values(text: str, decimal: Decimal = ".") -> list[Fraction]:
    return [figure.value for figure in figures_in(text, decimal=decimal)]


READ = {
    "thousands": [
        ("1,234.5", "1234.5"),
        ("1 234", "1234"),
        ("1\u202f234\u202f567.25", "1234567.25"),
        ("1'234", "1234"),
        ("1’234.5", "1234.5"),
    ],
    "more thousands": [("1_000", "1000"), ("1,00,000", "100000"), ("12345678901234567890", "12345678901234567890"), ("1{,}234", "1234")],
    "signs": [("-5", "-5"), ("−5", "-5"), ("–5", "-5"), ("+5", "5"), ("minus 5", "-5"), ("x=-7", "-7"), ("- 5", "5"), ("5 -3", "5 -3")],
    "fractions": [
        ("3/4", "3/4"),
        ("-3/4", "-3/4"),
        ("1 1/2", "3/2"),
        ("1 and 1/2", "3/2"),
        ("½", "1/2"),
        ("2½", "5/2"),
        ("1 ½ cups", "3/2"),
    ],
    "units": [("5kg", "5"), ("$5", "5"), ("-$5", "-5"), ("$-5", "-5"), ("12 €", "12"), ("usd5", "5"), ("USD 5", "5"), ("5 m²", "5")],
    "per cent": [("45%", "45"), ("45 %", "45"), ("45 per cent", "45"), ("45 percent", "45"), ("4‰", "4")],
    "powers of ten": [("1e5", "100000"), ("1.5E-03", "0.0015"), ("1.2 × 10⁵", "120000"), ("1.2 x 10^-2", "0.012"), ("10^{-3}", "0.001")],
    "words for powers": [
        ("3 million", "3000000"),
        ("$1.5 billion", "1500000000"),
        ("3万", "30000"),
        ("1.5亿", "150000000"),
        ("3 lakh", "300000"),
    ],
    "markup": [("**42**", "42"), ("__42__", "42"), ("\\boxed{42}", "42"), ("$42$", "42"), ("\\frac{3}{4}", "3/4"), ("#### 72", "72")],
    "scripts": [("答案是42个", "42"), ("５００", "500"), ("٣٫٥", "3.5"), ("१२", "12")],
    "punctuation": [("7.", "7"), ("(5)", "5"), ("0.5.", "0.5"), (".5", "0.5"), ("1,234, and 5", "1234 5"), ("3-5", "3 5"), ("5, 6", "5 6")],
    "an uncertainty": [("5 ± 0.3", "5"), ("5 +/- 0.3", "5")],
    "a numbered list": [("1. add 3\n2. get 7", "3 7"), ("1. 42", "1 42")],
    "lists are no thousands": [("85 120 300 7", "85 120 300 7"), ("in 2023 100 200", "2023 100 200")],
}


@pytest.mark.parametrize(("text", "expected"), [case for cases in READ.values() for case in cases])
def test_a_number_is_read_whatever_stands_around_it(text: str, expected: str) -> None:
    assert values(text) == [Fraction(one) for one in expected.split()]
    assert values(f"It is {text}") == values(text) or text.startswith(("1. ", "85", "in"))


TWO_WAYS = "3,5 1,2,3 1,234,5 0,123 1.234,5 2024-01-31 31.1.2024 1/2/2024 12:30 3.11.2 1.2.3.4 2^10 5/0 3.5/2"
NO_NUMBERS = "GPT-4 H2O x2 x_2 v1.5 0x1f 1e999999 1e500 R² none"


@pytest.mark.parametrize("text", [*TWO_WAYS.split(), *NO_NUMBERS.split(), "9" * 500, ""])
def test_what_may_be_read_in_two_ways_is_not_read_at_all(text: str) -> None:
    assert values(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1.234,5", "1234.5"), ("3,5", "3.5"), ("1.234.567", "1234567"), ("1 234,5", "1234.5"), ("0,123", "0.123"), ("1,5e3", "1500")],
)
def test_with_a_decimal_comma_points_part_thousands(text: str, expected: str) -> None:
    assert values(text, ",") == [Fraction(expected)]


@pytest.mark.parametrize("text", ["1.5", ".5", "1.5E+03", "1.2 x 10^5", "1,234.5"])
def test_a_decimal_point_is_not_misread_where_a_comma_is_expected(text: str) -> None:
    assert values(text, ",") == []


def test_a_share_is_per_cent_of_one() -> None:
    assert [figure.value for figure in figures_in("45 %, 3‰ and 2", percent="share")] == [Fraction(45, 100), Fraction(3, 1000), 2]


@settings(deadline=None)
@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=3))
def test_grouped_or_not_a_number_is_what_python_wrote(number: int) -> None:
    if abs(number) < 10**100:
        assert values(f"about {number:,} kg") == values(f"about {number} kg") == [Fraction(number)] or "E" in str(number)


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e100, max_value=1e100))
def test_every_double_comes_back_as_it_was_written(number: float) -> None:
    for read in (number_of(repr(number)), values(f"x = {number!r} m")[0], as_programs_write(figure_text(Fraction(number)))):
        assert read is not None
        assert float(read) == number


@settings(deadline=None)
@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    figures_in(text)
    figures_in(text, decimal=",")
    number_of(text)
    answer_lines(text)


@pytest.mark.parametrize(
    "part", ["1", "1 ", "1,", "123 ", "- ", "$", "1 1/", "minus ", "½", "10^", "1e", "\\frac{", "1. a\n", "1 and ", "usd", "+/-"]
)
def test_the_time_of_reading_grows_with_the_text_and_not_with_its_square(part: str) -> None:
    start = process_time()
    figures_in(part * (100_000 // len(part)))
    assert process_time() - start < 5


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1_000", "1,000", "0x10", "one", "", "1 2", "٣"])
def test_what_no_program_writes_is_not_taken_for_it(text: str) -> None:
    assert as_programs_write(text) is None


def test_a_target_is_one_number() -> None:
    assert number_of("1,234 kg") == 1234
    assert number_of("7 = 7.0") == 7
    assert number_of("between 3 and 4") is None
    assert number_of("3.5", decimal=",") == Fraction(7, 2)


def test_the_answer_stands_behind_the_last_word_for_it() -> None:
    assert answer_lines("Answer: 5? No.\n**Final answer**: 10**2\nDone.") == (" 10**2", " 10**2\ndone.")
    assert answer_lines("so it is 7") == ("so it is 7",)


@pytest.mark.parametrize("text", ["It is 12", "It is 12.", "It is 1,", "It is 12e", "It is 12e+", "It is 3/4", "It is 12\u0660"])
def test_a_number_at_the_end_of_a_cut_reply_may_go_on(text: str) -> None:
    found = figures_in(text)
    assert may_go_on(found[-1], text, f"so: {text}")


@pytest.mark.parametrize("text", ["It is 12 kg", "It is 12!", "12 it is"])
def test_a_number_that_something_follows_is_all_there(text: str) -> None:
    assert not may_go_on(figures_in(text)[-1], text, text)


def test_a_number_at_the_end_of_a_part_of_the_reply_is_all_there() -> None:
    assert not may_go_on(figures_in("12")[-1], "12", "Answer: 12\nBecause 3 times 4")
