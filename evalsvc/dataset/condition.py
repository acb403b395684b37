"""`dataset.where`: an expression over the columns of a row, target included, that says whether the row is asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from evalsvc.dataset.nearest import nearest
from evalsvc.errors import UsageError
from evalsvc.jinja import environment, undefined_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A compiled expression; `compile_condition` makes them."""

    source: str
    evaluate: Callable[[Mapping[str, Any]], Any]

    def holds(self, place: str, row: Mapping[str, Any]) -> bool:
        """Whether the expression is true of `row`, which stands at `place`; UsageError when it fails on it.

        A column is known by its name, and as `row["my column"]` where the name is no identifier.
        """
        try:
            # in here, since a strict undefined raises as soon as it is asked for its truth
            return bool(self.evaluate({**row, "row": row}))
        except Exception as error:  # an expression can raise anything
            raise _explained(error, self.source, place, row) from error


def compile_condition(source: str) -> Condition:
    """The condition in `source`; UsageError when it is no valid expression."""
    from jinja2 import TemplateSyntaxError

    try:
        evaluate = environment().compile_expression(source, undefined_to_none=False)
    except TemplateSyntaxError as error:
        raise UsageError(
            f"`dataset.where`: {source!r} is no valid expression: {error.message}",
            hint='Write it as in: language == "de" and text|length > 20. See docs/data.md#choosing-rows.',
        ) from error
    return Condition(source=source, evaluate=evaluate)


def _explained(error: Exception, source: str, place: str, row: Mapping[str, Any]) -> UsageError:
    name = undefined_name(error)
    if name is None:
        text = "Values of CSV and TSV files are text: write score|float, count|int." if isinstance(error, TypeError) else None
        return UsageError(f"{place}: `dataset.where` ({source}) fails on this row: {type(error).__name__}: {error}", hint=text)
    near = nearest(name, row)
    advice = f"did you mean {near}?" if near is not None else f"its columns: {', '.join(row)}"
    return UsageError(
        f"{place}: `dataset.where` names {name}, which this row does not have; {advice}",
        hint=f"Texts stand in quotes. A column that only some rows have: {name}|default('').",
    )
