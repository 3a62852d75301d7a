"""Which violations among samples in a row are tolerated: blips that were declared, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def tolerated(violations: Sequence[bool], allow: tuple[int, int] | None, consecutive: int) -> bool:
    """Return whether a row of samples, True where one violates, is within what is allowed.

    Args:
        violations: in order of time.
        allow: (k, n): at most k among any n in a row; None = none at all, unless `consecutive` says more.
        consecutive: fewer than this many in a row are tolerated.
    """
    if allow is not None:
        most, among = allow
        inside = 0
        for index, violated in enumerate(violations):
            inside += violated
            if index >= among:
                inside -= violations[index - among]
            if inside > most:
                return False
        return True
    run = 0
    for violated in violations:
        run = run + 1 if violated else 0
        if run >= consecutive:
            return False
    return True
