"""The six comparisons, over whole columns of floats, with NaN never satisfying any of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, get_args

from pytest_deploycheck.errors import AuthorMistake

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Operator = Literal["<", "<=", ">", ">=", "==", "!="]

# One comprehension an operator: at 50,000 values a call per value would cost more than the comparison.
_HITS: dict[str, Callable[[Sequence[float], float], list[int]]] = {
    "<": lambda values, bound: [at for at, value in enumerate(values) if not value < bound],
    "<=": lambda values, bound: [at for at, value in enumerate(values) if not value <= bound],
    ">": lambda values, bound: [at for at, value in enumerate(values) if not value > bound],
    ">=": lambda values, bound: [at for at, value in enumerate(values) if not value >= bound],
    "==": lambda values, bound: [at for at, value in enumerate(values) if not value == bound],  # noqa: SIM201 - as its siblings
    # NaN != bound is true, hence the second question.
    "!=": lambda values, bound: [at for at, value in enumerate(values) if value == bound or value != value],  # noqa: PLR0124
}


def require_comparison(op: str, bound: float) -> None:
    """Refuse a comparison that cannot mean anything.

    Raises:
        AuthorMistake: for an unknown operator, or a bound that is NaN.
    """
    if op not in get_args(Operator):
        raise AuthorMistake(f"unknown comparison {op!r}", next_step=f"use one of {' '.join(get_args(Operator))}")
    require_number("the bound", bound)


def require_number(what: str, value: float, *, finite: bool = False, least: float | None = None) -> None:
    """Refuse a bound that no measurement could be held against.

    Args:
        what: the bound's name, to begin the message.
        value: the bound.
        finite: whether infinities are refused, too.
        least: the least sensible value.

    Raises:
        AuthorMistake: if the value is not as required.
    """
    if math.isnan(value) or (finite and math.isinf(value)):
        raise AuthorMistake(f"{what} is {value}: nothing can be held against it", next_step="give a number")
    if least is not None and value < least:
        raise AuthorMistake(f"{what} is {value:g}, less than {least:g}", next_step="give a number that can be exceeded")


def hits(values: Sequence[float], op: Operator, bound: float) -> list[int]:
    """Return the places of the values that do not satisfy the comparison; those of NaN are among them."""
    return _HITS[op](values, bound)


def holds(value: float, op: Operator, bound: float) -> bool:
    """Return whether one value satisfies the comparison; NaN never does."""
    return not _HITS[op]((value,), bound)


def badness(op: Operator, bound: float) -> Callable[[float], float]:
    """Return what orders offenders: the greater, the further from the bound."""
    if op in {"<", "<="}:
        return lambda value: value
    if op in {">", ">="}:
        return lambda value: -value
    if op == "==":
        return lambda value: abs(value - bound)
    return lambda _value: 0.0
