"""numeric_match: whether an answer says the number that is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, Literal

from evalsvc.metrics.families.metric import Setting, Wanted, refuse_unknown_options
from evalsvc.metrics.families.options import choice, not_negative
from evalsvc.scoring.figures import Decimal, Figure, Percent, answer_lines, figures_in, may_go_on, number_of
from evalsvc.scoring.measures import Answer, Measured
from evalsvc.scoring.outcomes import CUT

WHY_NONE: Final = "no row has a target that is a number"
# Before the answer in GSM8K (Cobbe et al. 2021).
_SOLVED = "####"
_OPTIONS = ("which", "abs", "rel", "decimal", "percent")

Which = Literal["last", "first", "only"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How numbers are found and when they are the same, in exact arithmetic."""

    which: Which = "last"
    within: Fraction = Fraction(0)  # of the reference, in its own unit
    share: Fraction = Fraction(0)  # of the reference; the wider of the two counts
    decimal: Decimal = "."
    percent: Percent = "unit"

    def answer(self, text: str, output: str | None = None) -> Fraction | None:
        """The number that counts; None where there is none, or where it may have been cut, `output` being all of a cut reply.

        It is looked for behind the last "answer:" or the like, where there is one.

        >>> Comparison().answer("Answer: 6 * 7 = 42. Two steps."), Comparison(which="only").answer("6 * 7 = 42")
        (Fraction(42, 1), None)
        """
        return self._in(answer_lines(text), output)

    def _in(self, places: Sequence[str], output: str | None = None) -> Fraction | None:
        for place in places:
            figures = figures_in(place, decimal=self.decimal, percent=self.percent)
            if figures:
                found = self._that_counts(figures)
                cut = found is not None and output is not None and may_go_on(found, place, output)
                return None if found is None or cut else found.value
        return None

    def _that_counts(self, figures: Sequence[Figure]) -> Figure | None:
        if self.which == "only":
            return figures[-1] if len({figure.value for figure in figures}) == 1 else None
        return figures[-1 if self.which == "last" else 0]

    def reference(self, text: str) -> Fraction | None:
        """The number of a target: the one that it says, or the last behind the #### or the "answer:" of a worked solution.

        >>> Comparison().reference("2 and 2 make 4\\n#### 4"), Comparison().reference("12 May 1804") is None
        (Fraction(4, 1), True)
        """
        number = number_of(text, decimal=self.decimal, percent=self.percent)
        if number is not None:
            return number
        _, marked, solved = text.rpartition(_SOLVED)
        places = (solved,) if marked else answer_lines(text)
        return None if places == (text,) else replace(self, which="last")._in(places)

    def same(self, answer: Fraction, reference: Fraction) -> bool:
        """
        >>> Comparison(within=Fraction("0.1")).same(Fraction("3.1"), Fraction(3)), Comparison().same(Fraction("0.333"), Fraction(1, 3))
        (True, False)
        """
        return abs(answer - reference) <= max(self.within, self.share * abs(reference))


@dataclass(frozen=True, slots=True, kw_only=True)
class SameNumber:
    """1 for an answer that is the same number as any of the references that are numbers; None where none of them is."""

    name: str
    same: Comparison

    def __call__(self, answer: Answer) -> Measured | None:
        references = [number for text in answer.references if (number := self.same.reference(text)) is not None]
        if not references:
            return None
        cut = answer.reply is not None and answer.reply.finish_reason == CUT
        found = self.same.answer(answer.text, (answer.reply.output if answer.reply is not None else None) or "" if cut else None)
        right = found is not None and any(self.same.same(found, reference) for reference in references)
        return Measured(scores={self.name: float(right)})


def comparison(wanted: Wanted, setting: Setting) -> tuple[str, Comparison]:
    """With its signature. UsageError for options that cannot be."""
    refuse_unknown_options(wanted, _OPTIONS)
    numbers = None if setting.config is None else setting.config.scoring.numbers
    within, share = not_negative(wanted, "abs"), not_negative(wanted, "rel")
    found = Comparison(
        which=choice(wanted, "which", ("last", "first", "only")),
        within=_exactly(within),
        share=_exactly(share),
        decimal=choice(wanted, "decimal", (".", ","), None if numbers is None else numbers.decimal),
        percent=choice(wanted, "percent", ("unit", "share"), None if numbers is None else numbers.percent),
    )
    return f"which:{found.which}|abs:{within}|rel:{share}|decimal:{found.decimal}|percent:{found.percent}", found


def _exactly(tolerance: int | float) -> Fraction:
    """As it is written: 0.1 is a tenth."""
    return Fraction(str(tolerance))
