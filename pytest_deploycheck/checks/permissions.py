"""Permissions: what the service account may do, and what it must not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.wording import count, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.clients.kubernetes.client import Permission
    from pytest_deploycheck.model.finding import Finding


def granted(found: Sequence[Permission], asked: Asked, *, doubts: Sequence[str] = ()) -> Finding:
    """Judge whether all of the permissions are there. FAILED: one is missing.

    INCONCLUSIVE: nothing was asked, the server says no while it could not evaluate all of its rules, or what was asked
    about does not exist.

    Args:
        found: what the server says.
        asked: the question.
        doubts: why its word tells nothing, such as that there is no such namespace.
    """
    judgement = Judgement(
        asked, f"{count(len(found), 'permission')} granted", ("permission", "rule to add", "the server says")
    )
    if not found:
        judgement.doubtful("no data: no permission was asked for")
    lacking = [one for one in found if not one.allowed]
    unsure = [one for one in lacking if one.problem]
    sure = [one for one in lacking if not one.problem]
    if sure:
        judgement.bad(
            f"{share(len(sure), len(found), 'permission')} missing",
            [(one.resource.permission, one.resource.rule, one.reason) for one in sure],
        )
    if unsure:
        judgement.doubtful(
            f"{share(len(unsure), len(found), 'permission')} not to be evaluated",
            [(one.resource.permission, "", one.problem) for one in unsure],
        )
    for doubt in doubts:
        judgement.doubtful(doubt)
    return judgement.finding(f"{count(len(found), 'permission')} granted")


def denied(found: Sequence[Permission], asked: Asked, *, doubts: Sequence[str] = ()) -> Finding:
    """Judge whether none of the permissions is there. FAILED: one is granted.

    INCONCLUSIVE: nothing was asked, the server could not evaluate all of its rules, or what was asked about does not
    exist: nobody has a permission on that. Arguments as for `granted`.
    """
    judgement = Judgement(asked, f"{count(len(found), 'permission')} denied", ("permission", "the server says"))
    if not found:
        judgement.doubtful("no data: no permission was asked for")
    had = [one for one in found if one.allowed]
    if had:
        judgement.bad(
            f"{share(len(had), len(found), 'permission')} granted",
            [(one.resource.permission, one.reason) for one in had],
        )
    if unsure := [one for one in found if one.problem and not one.allowed]:
        judgement.doubtful(
            f"{share(len(unsure), len(found), 'permission')} not to be evaluated",
            [(one.resource.permission, one.problem) for one in unsure],
        )
    for doubt in doubts:
        judgement.doubtful(doubt)
    return judgement.finding(f"{count(len(found), 'permission')} denied")
