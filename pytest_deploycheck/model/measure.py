"""One number that a judgement was about, so that it can be compared with what it was before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """The worst value of what was judged.

    Attributes:
        name: what it is, such as `highest value` or `oldest sample`; the same words in every run.
        value: finite, in base units.
        unit: `s` (seconds), `B` (bytes), `ratio`, any other text, or empty.
        of: what was asked, in the system's own words.
    """

    name: str
    value: float
    unit: str = ""
    of: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the same as builtins."""
        return {"name": self.name, "value": self.value, "unit": self.unit, "of": self.of}


def worst(name: str, values: Iterable[float], *, greatest: bool, unit: str = "", of: str = "") -> tuple[Measure, ...]:
    """Return the worst of the values as a measure; none if there is no finite one, for that is no number to compare.

    Args:
        name: what it is.
        values: in base units.
        greatest: whether the greatest is the worst, or the least.
        unit: of the values.
        of: what was asked.
    """
    known = values if isinstance(values, Sequence) else list(values)
    if not math.isfinite(sum(known)):  # one pass at the speed of C where nothing has to be left out
        known = [value for value in known if math.isfinite(value)]
    if not known:
        return ()
    return (Measure(name=name, value=float((max if greatest else min)(known)), unit=unit, of=of),)
