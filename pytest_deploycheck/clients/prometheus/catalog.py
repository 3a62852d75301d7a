"""Which metrics and series exist."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.clients.prometheus.envelope import API, ask
from pytest_deploycheck.clients.prometheus.status import refuse_victoriametrics
from pytest_deploycheck.errors import QueryFailed, TooLarge
from pytest_deploycheck.model.prometheus import Metadata

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_deploycheck.transport.wire import Wire


class _Metadata(msgspec.Struct):
    type: str
    help: str = ""
    unit: str = ""


def metadata(wire: Wire, *, metric: str | None) -> tuple[Metadata, ...]:
    """See `PrometheusClient.metadata`."""
    params = {"metric": metric} if metric is not None else None
    data, reply = ask(wire, "/metadata", dict[str, list[_Metadata]], params=params)
    if not data:
        refuse_victoriametrics(wire, "/metadata", reply, "it keeps no metadata in this version")
    return tuple(
        Metadata(metric=name, type=one.type, help=one.help, unit=one.unit)
        for name, entries in sorted(data.items())
        for one in entries
    )


def series(
    wire: Wire, matchers: Sequence[str], start: float, end: float, *, most: int
) -> tuple[Mapping[str, str], ...]:
    """See `PrometheusClient.series`."""
    selectors = [matcher for matcher in matchers if matcher.strip()]
    where = f"{API}/series"
    if isinstance(matchers, str) or not selectors or len(selectors) != len(matchers):
        raise QueryFailed(
            f"not asked: the series of {matchers!r}",
            where=where,
            next_step='give a list of selectors, none of them empty, such as ["up", "requests_total"]',
        )
    if not (math.isfinite(start) and math.isfinite(end)) or end < start:
        raise QueryFailed(
            f"not asked: the series from {start!r} to {end!r}", where=where, next_step="give Unix seconds, start first"
        )
    # `limit` is known since 2.54 and ignored before; one more than allowed tells "cut off" from "just as many"
    params = [("match[]", selector) for selector in selectors]
    params += [("start", f"{start:.3f}"), ("end", f"{end:.3f}"), ("limit", str(most + 1))]
    data, reply = ask(wire, "/series", list[dict[str, str]], params=params)
    if len(data) > most:
        raise TooLarge(
            f"{reply.system}: more than {most:,} series",
            where=reply.url,
            next_step="narrow the selectors or the window",
            evidence=reply.evidence,
        )
    return tuple(data)
