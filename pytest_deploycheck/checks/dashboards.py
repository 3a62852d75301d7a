"""Dashboards: there, where they belong, with their panels, and as the repository has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.comparison import require_number
from pytest_deploycheck.checks.wording import count, head, names, share

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.grafana import Dashboard, Picture, SearchHit

ROOT = "General"
"""How Grafana calls the place of dashboards without a folder."""
_CELL = 60
# What Grafana writes into a dashboard when it stores it, or drops from a file that was exported for sharing.
_STORED = frozenset({"id", "uid", "version", "iteration", "__inputs", "__requires", "__elements", "annotations"})
_RESOURCE = ("kind", "apiVersion", "spec")


def present(
    found: Dashboard | None,
    asked: Asked,
    *,
    uid: str,
    title: str | None = None,
    folder: str | None = None,
    min_panels: int = 1,
    provisioned: bool = False,
) -> Finding:
    """Judge whether a dashboard is there, is the one that is meant, and shows something.

    FAILED: it is not there for whoever asks, has another title or folder, too few panels, or can be changed by hand
    although it has to come from the repository.

    Args:
        found: the dashboard; None if there is none of this uid.
        asked: the question.
        uid: that was asked for.
        title: its whole title.
        folder: the title or the uid of its folder; `General` is the root.
        min_panels: how many panels there must be; rows are none.
        provisioned: whether it must come from files or other code.

    Raises:
        AuthorMistake: if less than one panel is expected.
    """
    require_number("the least number of panels", min_panels, least=1)
    wanted = [
        f'titled "{title}"' if title is not None else "",
        f"in the folder {folder}" if folder is not None else "",
        f"at least {count(min_panels, 'panel')}",
        "provisioned" if provisioned else "",
    ]
    judgement = Judgement(asked, f"the dashboard {uid}: {', '.join(part for part in wanted if part)}")
    if found is None:
        judgement.bad(f"there is no dashboard {uid} for this credential")
        return judgement.finding("")
    if title is not None and found.title != title:
        judgement.bad(f'its title is "{head(found.title)}"')
    where = found.folder or found.folder_uid or ROOT
    if folder is not None and folder not in {where, found.folder_uid or ROOT}:
        judgement.bad(f"it is in the folder {where}")
    amount = len(found.panels)
    if amount < min_panels:
        judgement.bad(f"it has {count(amount, 'panel') if amount else 'no panel'}")
    if provisioned and not found.provisioned:
        judgement.bad("it is not provisioned: somebody saved it by hand")
    judgement.measured("panels", [amount], greatest=False)
    origin = f", provisioned{' from ' + found.origin if found.origin else ''}" if found.provisioned else ""
    return judgement.finding(f'"{head(found.title)}" in {where}, {count(amount, "panel")}{origin}')


def listed(
    hits: Sequence[SearchHit], asked: Asked, *, uids: Collection[str] = (), at_least: int | None = None
) -> Finding:
    """Judge a search: it leaves out, without a word, what the asker may not see, so that only what is expected tells.

    FAILED: an expected dashboard is not listed, or there are too few. INCONCLUSIVE: nothing is expected, and nothing
    is listed.

    Args:
        hits: what was listed.
        asked: the question.
        uids: that must be among them.
        at_least: how many there must be.
    """
    expected = f"the dashboards {names(uids)}" if uids else f"at least {count(at_least or 1, 'dashboard')}"
    judgement = Judgement(asked, expected, ("uid", "title", "folder"))
    present_uids = {hit.uid for hit in hits}
    if missing := sorted(set(uids) - present_uids):
        judgement.bad(
            f"{count(len(missing), 'expected dashboard')} not listed for this credential: {names(missing)}; "
            f"{count(len(hits), 'dashboard')} listed"
        )
    if at_least is not None and len(hits) < at_least:
        judgement.bad(f"{count(len(hits), 'dashboard')} listed", [(hit.uid, hit.title, hit.folder) for hit in hits])
    if not hits and not uids and at_least is None:
        judgement.doubtful("no data: the search lists no dashboard for this credential")
    return judgement.finding(f"{count(len(hits), 'dashboard')} listed")


def as_in_repository(found: Dashboard | None, wanted: Any, asked: Asked, *, uid: str, file: str) -> Finding:
    """Judge whether a dashboard is the version in the repository.

    Everything that the file says must be so in Grafana; what Grafana adds to it (ids, versions, defaults) does not
    count, nor do the annotations, whose built-in entry it writes into every dashboard. Lists must have one length.

    Args:
        found: the dashboard; None if there is none of this uid.
        wanted: the file's document: a classic dashboard, a `spec` of the new schema, or a whole resource with one.
        asked: the question.
        uid: that was asked for.
        file: the file's name, for the texts.
    """
    judgement = Judgement(asked, f"the dashboard {uid} as in {file}", ("place", "in the repository", "in Grafana"))
    if found is None:
        judgement.bad(f"there is no dashboard {uid} for this credential")
        return judgement.finding("")
    document = _dashboard_in(wanted)
    if not document:
        judgement.doubtful(f"no data: {file} holds no dashboard")
        return judgement.finding("")
    given_uid = document.get("uid") if isinstance(document.get("uid"), str) else None
    if given_uid and given_uid != uid:
        judgement.doubtful(f"{file} is another dashboard: its uid is {given_uid}")
    differences = list(_differences(document, found.document, ""))
    if differences:
        judgement.bad(
            f"{count(len(differences), 'difference')} from {file}",
            [(place or ".", _cell(mine), _cell(theirs)) for place, mine, theirs in differences],
        )
    return judgement.finding(f"all of {file} is so in Grafana, version {found.version}")


def exported(found: Dashboard, files: Collection[str], values: int, asked: Asked) -> Finding:
    """Judge whether an export tells something. INCONCLUSIVE: no panel brought a value.

    Args:
        found: the dashboard.
        files: that were written.
        values: how many values are in them.
        asked: the question.
    """
    judgement = Judgement(asked, f"{found.uid} exported with the data of its panels")
    if not values:
        judgement.doubtful("no data: no panel brings a value")
    return judgement.finding(f"{count(len(files), 'file')} with {count(values, 'value')}")


def drawn(found: Sequence[Picture], asked: Asked) -> Finding:
    """Judge whether panels were drawn: without a renderer Grafana answers 200, with a picture that says so.

    FAILED: a picture of another size than was asked for. INCONCLUSIVE: none at all.
    """
    judgement = Judgement(asked, "a picture of every panel", ("panel", "problem"))
    if not found:
        judgement.doubtful("no data: there is no panel to draw")
    blank = [one for one in found if not one.drawn]
    if blank:
        judgement.bad(
            f"{share(len(blank), len(found), 'panel')} not drawn",
            [
                (head(one.panel.title, 80), f"a picture of {one.width} x {one.height} says so: is there a renderer?")
                for one in blank
            ],
        )
    return judgement.finding(f"{count(len(found), 'panel')} drawn")


class _Absent:
    """What is not there; unlike None, which JSON can say."""


_ABSENT = _Absent()


def _dashboard_in(document: Any) -> Mapping[str, Any]:
    """Return the dashboard in a file: of a resource its `spec`, of an API's answer its `dashboard`."""
    if not isinstance(document, dict):
        return {}
    if all(key in document for key in _RESOURCE) and isinstance(document["spec"], dict):
        return document["spec"]
    inner = document.get("dashboard")
    return inner if isinstance(inner, dict) and "panels" not in document else document


def _differences(mine: Any, theirs: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield (place, in the repository, in Grafana) of everything that is not in Grafana as the file says."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key, value in mine.items():
            if not place and key in _STORED:
                continue
            inner = f"{place}.{key}" if place else key
            other = theirs.get(key, _ABSENT)
            if other is _ABSENT and value in (None, "", [], {}, False):
                continue  # Go leaves out what is empty
            yield from _differences(value, other, inner)
    elif isinstance(mine, list) and isinstance(theirs, list):
        if len(mine) != len(theirs):
            yield f"{place}.length", len(mine), len(theirs)
        for number, (one, other) in enumerate(zip(mine, theirs, strict=False)):
            yield from _differences(one, other, f"{place}[{_label(one, number)}]")
    elif mine != theirs or isinstance(mine, bool) != isinstance(theirs, bool):
        yield place, mine, theirs


def _label(one: Any, number: int) -> str:
    """Return how an element of a list is called: by its title or name where it has one."""
    if isinstance(one, dict):
        for key in ("title", "name", "refId"):
            value = one.get(key)
            if isinstance(value, str) and value:
                return head(value, 40)
    return str(number)


def _cell(value: Any) -> str:
    if value is _ABSENT:
        return "(not there)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return head(text, _CELL)
