"""The answer of `/api/ds/query`: frames, judged by what is in them.

Format: https://grafana.com/developers/dataplane/ and `data/frame_json.go` of grafana-plugin-sdk-go. No data is one
frame with no fields, so frames are never counted as data; NaN and the infinities come as null, and are none either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.clients.decoders import decoder
from pytest_deploycheck.clients.grafana.interpolation import names_in
from pytest_deploycheck.clients.refusal import UNREADABLE, refuse
from pytest_deploycheck.model.grafana import RefResult

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pytest_deploycheck.transport.reply import Reply

_MILLISECONDS = 1000.0
_GOOD = 400
_LONGEST = 500


class _Notice(msgspec.Struct):
    severity: Any = ""
    text: str = ""


class _Meta(msgspec.Struct, rename="camel"):
    executed_query_string: str | None = None
    notices: list[_Notice] | None = None


class Field(msgspec.Struct):
    """One column of a frame."""

    name: str = ""
    type: str = ""
    labels: dict[str, str] | None = None


class _Schema(msgspec.Struct):
    fields: list[Field] | None = None
    name: str = ""
    meta: _Meta | None = None


class _Data(msgspec.Struct):
    values: list[list[Any]] | None = None


class Frame(msgspec.Struct):
    """One frame of an answer."""

    schema: _Schema = msgspec.field(default_factory=_Schema)
    data: _Data | None = None

    @property
    def fields(self) -> Sequence[Field]:
        """Its columns' heads."""
        return self.schema.fields or ()

    @property
    def columns(self) -> Sequence[list[Any]]:
        """Its columns; as many as there are fields, however many values came."""
        values = self.data.values if self.data is not None else None
        found = list(values or ())
        return found + [[]] * (len(self.fields) - len(found))


class _Result(msgspec.Struct):
    frames: list[Frame] | None = None
    error: str | None = None
    status: int | None = None


class _Answer(msgspec.Struct):
    results: dict[str, _Result]


def has_results(reply: Reply) -> bool:
    """Return whether an answer with a bad status tells of single queries (207, 400) or of the request as a whole."""
    return b'"results"' in reply.body[:_LONGEST]


def frames_of(body: bytes) -> dict[str, list[Frame]]:
    """Return the frames of an answer that was read before, by the query's letter."""
    answer: _Answer = decoder(_Answer).decode(body)
    return {ref_id: result.frames or [] for ref_id, result in answer.results.items()}


def results(reply: Reply, wanted: Collection[str], promql: Collection[str] = ()) -> tuple[RefResult, ...]:
    """Read an answer, whatever its status is.

    Args:
        reply: with `results`.
        wanted: the letters of the queries that are shown; one that did not come is an error of its own.
        promql: those of them in which a `$` with a name can only be a variable that nobody filled.

    Raises:
        Malformed: if it is not what Grafana answers.
    """
    try:
        answer: _Answer = decoder(_Answer).decode(reply.body)
    except UNREADABLE as error:
        raise refuse(reply, "Grafana", str(error)) from None
    return tuple(_result(ref_id, answer.results.get(ref_id), reply, promql=ref_id in promql) for ref_id in wanted)


def _result(ref_id: str, result: _Result | None, reply: Reply, *, promql: bool) -> RefResult:
    if result is None:
        return RefResult(ref_id=ref_id, error="the answer says nothing of this query")
    error = result.error or ""
    if not error and result.status is not None and result.status >= _GOOD:
        error = f"status {result.status}, without a reason"
    frames = result.frames or []
    values, points, newest = 0, 0, None
    for frame in frames:
        amount, many, time = _count(frame)
        values += amount
        points += many
        if time is not None and (newest is None or time > newest):
            newest = time
    metas = [frame.schema.meta for frame in frames if frame.schema.meta is not None]
    executed = next((meta.executed_query_string for meta in metas if meta.executed_query_string), "")
    return RefResult(
        ref_id=ref_id,
        values=values,
        points=points,
        frames=len(frames),
        newest=newest,
        error=reply.redactor.text(error),
        executed=reply.redactor.text(executed),
        unfilled=tuple(dict.fromkeys(names_in(executed))) if promql and "$" in executed else (),
        notices=tuple(
            dict.fromkeys(
                reply.redactor.text(notice.text)
                for meta in metas
                for notice in meta.notices or ()
                if notice.text and notice.severity != "info"
            )
        ),
    )


def _count(frame: Frame) -> tuple[int, int, float | None]:
    """Return how many values of a frame count, of how many, and the time of the newest of them, Unix seconds."""
    fields, columns = frame.fields, frame.columns
    numbers = [at for at, field in enumerate(fields) if field.type == "number"]
    # log lines and tables of texts have no number field; there, what is not time counts
    counted = numbers or [at for at, field in enumerate(fields) if field.type != "time"]
    amount = many = rows = 0
    for at in counted:
        column = columns[at]
        empty = column.count(None)
        amount += len(column) - empty
        many += len(column)
        last = len(column)
        while empty and last > rows and column[last - 1] is None:
            last -= 1
        rows = max(rows, last)
    times = next((columns[at] for at, field in enumerate(fields) if field.type == "time"), None)
    if not amount or not times:
        return amount, many, None
    known = [time for time in times[:rows] if isinstance(time, (int, float))]
    return amount, many, max(known) / _MILLISECONDS if known else None
