"""The version that answers is the version that was deployed, in every replica."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.documents import NotJson, NotThere, lookup, parsed, shown
from pytest_deploycheck.checks.wording import count, head, share
from pytest_deploycheck.model.prometheus import format_labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.http import HttpAnswer

_SUCCESS = range(200, 300)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What one replica told of its version.

    Attributes:
        by: the replica: a series, or a URL.
        version: the version, or None if it told none.
        problem: why it told none.
        bad: whether that alone is bad (an error page), instead of only unclear.
    """

    by: str
    version: str | None
    problem: str = ""
    bad: bool = False


def answered(answers: Sequence[HttpAnswer], key: str) -> tuple[Told, ...]:
    """Return the versions that JSON answers tell at a dotted path.

    A status other than 2xx and a body that is no JSON are bad; a path that leads nowhere, or to something that is
    neither text nor a whole number, is unclear.
    """
    return tuple(_told(answer, key) for answer in answers)


def _told(answer: HttpAnswer, key: str) -> Told:
    if answer.status not in _SUCCESS:
        return Told(by=answer.url, version=None, problem=f"status {answer.status}: {head(answer.head)}", bad=True)
    try:
        value = lookup(parsed(answer), key)
    except NotJson as error:
        return Told(by=answer.url, version=None, problem=str(error), bad=True)
    except NotThere as error:
        return Told(by=answer.url, version=None, problem=str(error))
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        return Told(by=answer.url, version=None, problem=f"{key} is {shown(value)}, which is no version")
    return Told(by=answer.url, version=value)


def labelled(series: Sequence[Mapping[str, str]], label: str) -> tuple[Told, ...]:
    """Return the versions that series tell by a label; a series without it is unclear."""
    return tuple(
        Told(
            by=format_labels(one), version=one.get(label) or None, problem="" if one.get(label) else f"no label {label}"
        )
        for one in series
    )


def version(told: Sequence[Told], asked: Asked, *, expected: str | None, replicas: int | None = None) -> Finding:
    """Judge whether every replica is of the expected version, compared as whole text.

    FAILED: another version, an error instead of one, more or fewer replicas than expected. INCONCLUSIVE: nobody told
    anything, somebody told no version, or the expected version is not known.

    Args:
        told: what each replica told, from `answered` or `labelled`.
        asked: the question.
        expected: the deployed version; None or empty if it is not known.
        replicas: how many replicas there must be, exactly; at least one if it is None.

    Raises:
        AuthorMistake: if less than one replica is expected.
    """
    if replicas is not None:
        require_number("the number of replicas", replicas, least=1)
    noun = "every replica" if replicas is None else f"exactly {count(replicas, 'replica')}, each"
    judgement = Judgement(asked, f"{noun} of version {expected or '(not known)'}", ("replica", "version", "problem"))
    if not expected:
        judgement.doubtful("the deployed version is not known: nothing tells what must be found")
    if not told:
        judgement.doubtful("no data: no replica told a version")
        return judgement.finding("")
    ordered = sorted(told, key=lambda one: one.by)
    other = [one for one in ordered if expected and one.version is not None and one.version != expected]
    if other:
        judgement.bad(
            f"{share(len(other), len(told), 'replica')} of another version: "
            f"{', '.join(sorted({one.version or '' for one in other}))}",
            [(one.by, one.version or "", _hint(one.version or "", expected or "")) for one in other],
        )
    if broken := [one for one in ordered if one.version is None and one.bad]:
        judgement.bad(
            f"{share(len(broken), len(told), 'replica')} answering with an error",
            [(one.by, "", one.problem) for one in broken],
        )
    if replicas is not None and len(told) != replicas:
        word = "fewer" if len(told) < replicas else "more"
        judgement.bad(f"{count(len(told), 'replica')}, {word} than expected")
    if silent := [one for one in ordered if one.version is None and not one.bad]:
        judgement.doubtful(
            f"{share(len(silent), len(told), 'replica')} without a version",
            [(one.by, "", one.problem) for one in silent],
        )
    return judgement.finding(f"{count(len(told), 'replica')} of version {expected}")


def _hint(found: str, expected: str) -> str:
    if found.removeprefix("v") == expected.removeprefix("v"):
        return "differs only by the leading v"
    return "another version"
