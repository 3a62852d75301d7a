"""Every recorded answer to an instant or range query, by Prometheus 2.42 and VictoriaMetrics 1.79."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.errors import DeploycheckError, NotReady, QueryFailed, ServerFailed
from pytest_deploycheck.model.prometheus import Sample
from tests.contract.recorded import played, recording, recordings

if TYPE_CHECKING:
    from tests.contract.recorded import Recording

SYSTEMS = ("prometheus", "victoriametrics")


def queries(result_type: str) -> list[Any]:
    """The recordings of good answers to /query with the given result type."""
    return [
        pytest.param(one, id=one.name)
        for system in SYSTEMS
        for one in recordings(system)
        if one.path == "/api/v1/query" and one.status == 200 and one.body["data"]["resultType"] == result_type
    ]


def refusals() -> list[Any]:
    return [
        pytest.param(one, id=one.name)
        for system in SYSTEMS
        for one in recordings(system)
        if one.path in ("/api/v1/query", "/api/v1/query_range")
        and one.status != 200
        and one.request["method"] != "DELETE"
    ]


def number(text: str) -> float:
    return float(text)


@pytest.mark.parametrize("one", queries("vector"))
def test_vector(one: Recording) -> None:
    expr = one.params["query"]
    time = float(one.params["time"]) if "time" in one.params else None
    with played(one.name) as p:
        vector = p.prometheus.query(expr, time=time)
        assert p.server.targets[0].startswith("GET /api/v1/query?query=")
        assert vector.evidence == p.evidence
    result = one.body["data"]["result"]
    assert [dict(vector.labels(index)) for index in range(len(vector))] == [entry["metric"] for entry in result]
    expected = [number(entry["value"][1]) if "value" in entry else math.nan for entry in result]
    assert [repr(value) for value in vector.values] == [repr(value) for value in expected]
    if result:
        first = result[0].get("value") or result[0]["histogram"]
        assert vector.evaluation_time == first[0]
    else:
        assert vector.evaluation_time == time
    assert vector.histograms == sum("histogram" in entry for entry in result)
    assert vector.warnings == tuple(one.body.get("warnings", ()))
    assert (vector.expr, vector.scalar, vector.infos) == (expr, False, ())


def test_there_are_vectors() -> None:
    """The parametrisation above must not become empty."""
    assert len(queries("vector")) > 60
    assert len(queries("matrix")) == 4
    assert len(refusals()) > 15


def test_scalar_is_a_vector_of_one() -> None:
    with played("prometheus/query_scalar") as p:
        vector = p.prometheus.query("time()")
    assert (vector.scalar, len(vector), list(vector.values)) == (True, 1, [1795252172.589])
    assert vector.evaluation_time == 1795252172.589
    assert vector.labels(0) == {}


def test_nan_and_infinities() -> None:
    with played("prometheus/query_nan_inf") as p:
        vector = p.prometheus.query("x")
    assert [repr(value) for value in vector.values] == ["-inf", "inf", "nan"]


def test_native_histograms_are_counted_and_nan() -> None:
    with played("prometheus/query_native_histogram") as p:
        vector = p.prometheus.query("app_native_seconds")
    assert (len(vector), vector.histograms, vector.evaluation_time) == (1, 1, 1795252456.861)
    assert math.isnan(vector.values[0])


def test_warnings_are_kept() -> None:
    with played("prometheus/warnings_remote_read") as p:
        assert p.prometheus.query("up").warnings == (
            (
                'remote_read: error sending request: Post "http://127.0.0.1:21297/read": '
                "dial tcp 127.0.0.1:21297: connect: connection refused"
            ),
        )


@pytest.mark.parametrize("one", queries("matrix"))
def test_range_selector_is_no_instant_vector(one: Recording) -> None:
    expr = one.params["query"]
    with played(one.name) as p, pytest.raises(QueryFailed) as caught:
        p.prometheus.query(expr)
    exchange = p.wired.last
    assert str(caught.value) == (
        f"{one.name.partition('/')[0]}: a range selector gives a range vector, not an instant vector\n"
        f"  at: {exchange.url}\n"
        f"  asked: {expr}\n"
        f"  evidence: {exchange.id}\n"
        "  next: wrap it in a function such as rate(…) or increase(…), or ask for a range"
    )


@pytest.mark.parametrize("one", queries("matrix"))
def test_raw_samples(one: Recording) -> None:
    selector, _, window = one.params["query"].partition("[")
    seconds = float(window.rstrip("s]"))
    with played(one.name) as p:
        p.wired.clock.advance(3.0)
        vector = p.prometheus.samples(selector, seconds)
    expected = one.body["data"]["result"]
    assert [dict(series.labels) for series in vector] == [entry["metric"] for entry in expected]
    assert [list(series.samples) for series in vector] == [
        [Sample(at, float(value)) for at, value in entry["values"]] for entry in expected
    ]
    assert vector.expr == f"{selector}[{seconds:g}s]"
    assert vector.step is None
    assert vector.end - vector.start == pytest.approx(seconds)
    assert vector.evidence == p.evidence


def test_string_has_no_value() -> None:
    with played("prometheus/query_string") as p, pytest.raises(QueryFailed) as caught:
        p.prometheus.query('"hello"')
    exchange = p.wired.last
    assert str(caught.value) == (
        "prometheus: a string has no value to compare\n"
        f"  at: {exchange.url}\n"
        '  asked: "hello"\n'
        f"  evidence: {exchange.id}\n"
        "  next: leave the outer quotes out if a metric was meant"
    )


@pytest.mark.parametrize("name", ["prometheus/query_range_matrix", "victoriametrics/query_range"])
def test_range(name: str) -> None:
    one = recording(name)
    start, end = float(one.params["start"]), float(one.params["end"])
    with played(name) as p:
        vector = p.prometheus.range(one.params["query"], start, end, 1.0)
    expected = one.body["data"]["result"]
    assert [(dict(series.labels), [(s.timestamp, s.value) for s in series.samples]) for series in vector] == [
        (entry["metric"], [(at, float(value)) for at, value in entry["values"]]) for entry in expected
    ]
    assert (vector.start, vector.end, vector.step, vector.histograms) == (start, end, 1.0, 0)


def test_range_of_native_histograms_keeps_their_times() -> None:
    with played("prometheus/query_range_native_histogram") as p:
        vector = p.prometheus.range("app_native_seconds", 1795252454.868, 1795252456.868, 1.0)
    assert (len(vector), vector.histograms) == (1, 1)
    assert [sample.timestamp for sample in vector.series[0].samples] == [1795252454.868, 1795252455.868, 1795252456.868]
    assert all(math.isnan(sample.value) for sample in vector.series[0].samples)


@pytest.mark.parametrize("one", refusals())
def test_refused_questions(one: Recording) -> None:
    """The server's own words arrive, whatever its status; the transport tests hold the texts around them."""
    starting = one.status == 503 and not isinstance(one.body, dict)
    kinds = {400: QueryFailed, 422: QueryFailed, 503: NotReady if starting else ServerFailed}
    expr = one.params.get("query") or "up"
    with played(one.name) as p:
        client = p.prometheus
        ask = partial(client.range, expr, 0.0, 10.0, 1.0) if one.path.endswith("range") else partial(client.query, expr)
        with pytest.raises(DeploycheckError) as caught:
            ask()
    assert type(caught.value) is kinds[one.status]
    said = " ".join(
        (f"{one.body['errorType']}: {one.body['error']}" if isinstance(one.body, dict) else one.body).split()
    )
    assert caught.value.details[0] == f"the server says: {said}"
