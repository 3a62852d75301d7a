"""One log, read once: what wraps its lines and which keys they have is told by the first of them."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - msgspec reads the annotations of its structs
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.clients.logs.batch import Batch
from pytest_deploycheck.clients.logs.contract import Contract
from pytest_deploycheck.clients.logs.json_line import parse
from pytest_deploycheck.clients.logs.roles import SAMPLE, Roles, choose
from pytest_deploycheck.clients.logs.scan import Scan
from pytest_deploycheck.clients.logs.unwrap import recognise, unwrapped
from pytest_deploycheck.clients.logs.window import Window  # noqa: TC001 - msgspec reads the annotations of its structs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_deploycheck.clients.logs.tally import Tally

_RECOGNISED_BY = 100


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a log is to be read.

    Attributes:
        schema: what every line must match; None = any JSON object.
        fields: role → key, where it is not to be guessed.
        wrapping: as `unwrap` names it; `auto` = by the first lines.
        window: the time that is looked at.
    """

    schema: dict[str, Any] | None
    fields: Mapping[str, str]
    wrapping: str
    window: Window


class Reading(msgspec.Struct, frozen=True):
    """What came of it.

    Attributes:
        tally: the counts.
        wrapping: what it was.
        fields: role → the key that mostly plays it.
        physical: how many lines were read, blank ones and those outside of the window included.
    """

    tally: Tally
    wrapping: str
    fields: dict[str, str]
    physical: int


class Form(msgspec.Struct, frozen=True):
    """How the lines of a log look.

    Attributes:
        wrapping: as `unwrap` names it.
        roles: which key plays which role.
    """

    wrapping: str
    roles: Roles

    @property
    def fields(self) -> dict[str, str]:
        """Role → the key that mostly plays it."""
        return {role: keys[0] for role, keys in self.roles.keys.items() if role in self.roles.played}


def form_of(sample: list[Batch], plan: Plan) -> Form:
    """Tell how lines look by some of them."""
    lines = list(islice(chain.from_iterable(batch.lines for batch in sample), _RECOGNISED_BY))
    wrapping = recognise(lines) if plan.wrapping == "auto" else plan.wrapping
    documents: list[dict[str, Any]] = []
    # Copies: what is told from the sample is read again from its beginning.
    copies = [Batch(list(batch.lines), too_long=dict(batch.too_long)) for batch in sample]
    for line in chain.from_iterable(batch.lines for batch in unwrapped(copies, wrapping)):
        document, _ = parse(line)
        if isinstance(document, dict):
            documents.append(document)
            if len(documents) >= SAMPLE:
                break
    return Form(wrapping, choose(documents, plan.fields))


def read(
    batches: Iterable[Batch], plan: Plan, *, form: Form | None = None, number: int = 0, begun: bool = False
) -> Reading:
    """Read a log from beginning to end, or to the end of the window.

    Args:
        batches: its lines.
        plan: how.
        form: how its lines look, where that is known.
        number: how many lines stand before the first.
        begun: whether the window has begun before the first.

    Raises:
        AuthorMistake: if the schema is none.
    """
    stream: Iterator[Batch] = iter(batches)
    if form is None:
        sample, held = [], 0
        for batch in stream:
            sample.append(batch)
            held += len(batch.lines)
            if held >= SAMPLE:
                break
        form = form_of(sample, plan)
        stream = chain(sample, stream)
    scan = Scan(Contract(plan.schema, form.roles), form.roles, plan.window, number=number, begun=begun)
    for batch in unwrapped(stream, form.wrapping):
        scan.feed(batch)
        if scan.ended:
            break
    return Reading(scan.tally, form.wrapping, form.fields, scan.number - number)
