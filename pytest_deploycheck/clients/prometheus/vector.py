"""Instant and range vectors, decoded from the bytes by columns."""

from __future__ import annotations

import gc
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import msgspec

from pytest_deploycheck.clients.prometheus.envelope import Envelope, decode
from pytest_deploycheck.clients.refusal import UNREADABLE, refuse
from pytest_deploycheck.errors import QueryFailed
from pytest_deploycheck.model.prometheus import InstantVector, RangeVector, Sample, Series

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.transport.reply import Reply

_BIG = 1 << 20  # bytes; below this the collector has no time to cost anything
_CHECKED_LABELS = 1000
_OPEN_BRACE = 0x7B


class _Point(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """`[1795252172.589, "0.5"]`."""

    at: float
    value: str


class _HistogramPoint(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """`[1795252172.589, {"count": …, "sum": …, "buckets": …}]`."""

    at: float
    histogram: msgspec.Raw


class _Instant(msgspec.Struct, gc=False):
    """One series of an instant vector. The labels stay bytes: few of 50,000 label sets are ever looked at."""

    metric: msgspec.Raw
    value: _Point | None = None
    histogram: _HistogramPoint | None = None


class _Ranged(msgspec.Struct):
    metric: dict[str, str]
    values: list[_Point] | None = None
    histograms: list[_HistogramPoint] | None = None


class _Vector(msgspec.Struct, gc=False):
    resultType: Literal["vector"]  # noqa: N815 - Prometheus's own name
    result: list[_Instant]


class _Matrix(msgspec.Struct):
    resultType: Literal["matrix"]  # noqa: N815
    result: list[_Ranged]


class _Scalar(msgspec.Struct):
    resultType: Literal["scalar"]  # noqa: N815
    result: _Point


class _Any(msgspec.Struct):
    resultType: str  # noqa: N815
    result: msgspec.Raw


# The commonest answer is tried first, at the cost of a second pass over the others: finding out the type first would
# cost a pass over every big vector.
_VECTOR = msgspec.json.Decoder(Envelope[_Vector])
_LABELS = msgspec.json.Decoder(dict[str, str])


def instant_vector(reply: Reply, expr: str, *, asked_time: float | None) -> InstantVector:
    """Decode the answer to an instant query.

    Args:
        reply: the answer.
        expr: what was asked.
        asked_time: the time it was asked for, if any: the evaluation time even of an empty vector.

    Raises:
        QueryFailed: if the expression is a range selector or a string, or the server reports an error.
        Malformed: if the answer is of another shape.
    """
    with _collector_paused(len(reply.body)):
        try:
            envelope = _VECTOR.decode(reply.body)
        except UNREADABLE as error:
            return _not_a_vector(reply, expr, str(error))
        return _columns(reply, expr, envelope, asked_time)


def _columns(reply: Reply, expr: str, envelope: Envelope[_Vector], asked_time: float | None) -> InstantVector:
    series = envelope.data.result
    try:
        values = [float(one.value.value) if one.value is not None else _no_value(one) for one in series]
    except ValueError as error:
        raise reply.malformed(f"not the answer that Prometheus gives: a sample's value: {error}") from None
    raw_labels = [bytes(one.metric) for one in series]
    _check_labels(reply, raw_labels)
    evaluation_time = asked_time
    if series:
        first = series[0]
        point = first.value or first.histogram
        evaluation_time = point.at if point is not None else None
    return InstantVector(
        expr=expr,
        evaluation_time=evaluation_time,
        values=values,
        raw_labels=raw_labels,
        histograms=sum(one.histogram is not None for one in series),
        warnings=tuple(envelope.warnings or ()),
        infos=tuple(envelope.infos or ()),
        evidence=reply.evidence,
    )


def _no_value(one: _Instant) -> float:
    """Return the value of a series without one: NaN for a native histogram, which has many.

    Raises:
        ValueError: if it is no native histogram either.
    """
    if one.histogram is None:
        message = "there is neither `value` nor `histogram`"
        raise ValueError(message)
    return math.nan


def _check_labels(reply: Reply, raw_labels: list[bytes]) -> None:
    """Refuse label sets that would only fail later, when somebody looks at one.

    The decoder skips over them, checking their syntax but neither that they are label sets nor their encoding. The
    first thousand are checked whole; of the rest only that each is an object, which is what the speed allows.

    Raises:
        Malformed: if one is no label set.
    """
    try:
        if not reply.body.isascii():
            reply.body.decode()
        for raw in raw_labels[:_CHECKED_LABELS]:
            _LABELS.decode(raw)
    except UNREADABLE as error:
        raise reply.malformed(f"not the answer that Prometheus gives: a label set: {error}") from None
    if any(raw[0] != _OPEN_BRACE for raw in raw_labels[_CHECKED_LABELS:]):
        raise reply.malformed("not the answer that Prometheus gives: a label set is no object")


_NO_VECTORS = {
    "matrix": (
        "a range selector gives a range vector, not an instant vector",
        "wrap it in a function such as rate(…) or increase(…), or ask for a range",
    ),
    "string": ("a string has no value to compare", "leave the outer quotes out if a metric was meant"),
}
"""Result type → what is wrong with it, and what to do."""


def _not_a_vector(reply: Reply, expr: str, problem: str) -> InstantVector:
    """Return a scalar as a vector of one; refuse everything else by its own name."""
    envelope = decode(reply, _Any)
    kind = envelope.data.resultType
    if kind in _NO_VECTORS:
        problem, step = _NO_VECTORS[kind]
        raise QueryFailed(
            f"{reply.system}: {problem}",
            where=reply.url,
            details=[f"asked: {expr}"],
            next_step=step,
            evidence=reply.evidence,
        )
    if kind != "scalar":
        # a vector that could not be decoded, or a type that nobody knows
        raise refuse(reply, "Prometheus", problem)
    scalar = decode(reply, _Scalar)
    point = scalar.data.result
    try:
        value = float(point.value)
    except ValueError as error:
        raise reply.malformed(f"not the answer that Prometheus gives: a sample's value: {error}") from None
    return InstantVector(
        expr=expr,
        evaluation_time=point.at,
        values=[value],
        raw_labels=[b"{}"],
        scalar=True,
        warnings=tuple(scalar.warnings or ()),
        infos=tuple(scalar.infos or ()),
        evidence=reply.evidence,
    )


def range_vector(reply: Reply, expr: str, *, start: float, end: float, step: float | None) -> RangeVector:
    """Decode the answer to a range query, or to a raw range selector.

    A point of a native histogram has the value NaN: it is a sample with a time, but without one number to compare.

    Args:
        reply: the answer.
        expr: what was asked.
        start: of the window, Unix seconds on the server's clock.
        end: of the window.
        step: seconds; None for a raw selector.

    Raises:
        QueryFailed: if the server reports an error.
        Malformed: if the answer is of another shape.
    """
    with _collector_paused(len(reply.body)):
        envelope = decode(reply, _Matrix)
        try:
            series = tuple(Series(one.metric, tuple(_samples(one))) for one in envelope.data.result)
        except ValueError as error:
            raise reply.malformed(f"not the answer that Prometheus gives: a sample's value: {error}") from None
    return RangeVector(
        expr=expr,
        start=start,
        end=end,
        step=step,
        series=series,
        histograms=sum(bool(one.histograms) for one in envelope.data.result),
        warnings=tuple(envelope.warnings or ()),
        infos=tuple(envelope.infos or ()),
        evidence=reply.evidence,
    )


def _samples(one: _Ranged) -> list[Sample]:
    """Return a series' samples, oldest first.

    Raises:
        ValueError: if a value is no number, or there is not one sample.
    """
    samples = [Sample(point.at, float(point.value)) for point in one.values or ()]
    if one.histograms:
        samples += [Sample(point.at, math.nan) for point in one.histograms]
        samples.sort(key=lambda sample: sample.timestamp)
    if not samples:
        message = "there is a series without one sample"
        raise ValueError(message)
    return samples


@contextmanager
def _collector_paused(size: int) -> Iterator[None]:
    """Keep the cyclic garbage collector from walking through objects that are all still needed.

    Args:
        size: of the body in bytes; small ones are not worth it.
    """
    paused = size >= _BIG and gc.isenabled()
    if paused:
        gc.disable()
    try:
        yield
    finally:
        # Of several threads at it, each that found it enabled enables it again: it never stays off for good.
        if paused:
            gc.enable()
