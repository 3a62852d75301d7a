"""Scraping a metrics endpoint: what is an exposition, and what only looks like one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from pytest_deploycheck.clients.exposition import MAX_SIZE, scrape
from pytest_deploycheck.errors import DeploycheckError, Malformed, NoData, TooLarge
from pytest_deploycheck.model.http import MetricFamily
from tests.servers.bad_servers import answering, http
from tests.servers.wired import wired

if TYPE_CHECKING:
    from collections.abc import Callable

# they have no annotations
TEXT_WRITER: Callable[[CollectorRegistry], bytes] = generate_latest
OPENMETRICS_WRITER: Callable[[CollectorRegistry], bytes] = generate_openmetrics

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("app_requests", "Requests.", ["code"], registry=registry).labels("200").inc(3)
    Gauge("app_temperature_celsius", 'A "gauge"\\.', registry=registry).set(20.5)
    Histogram("app_latency_seconds", "Latency.", buckets=(0.1, 1.0), registry=registry).observe(0.5)
    return registry


def error_of(body: bytes | str, content_type: str = TEXT, max_size: int = MAX_SIZE) -> DeploycheckError:
    with (
        answering(http(200, body, Content_Type=content_type)) as server,
        wired(server.url, name="service api") as w,
        pytest.raises(DeploycheckError) as caught,
    ):
        scrape(w.wire, max_size=max_size)
    return caught.value


@pytest.mark.parametrize(
    ("body", "content_type", "created"),
    [
        (TEXT_WRITER(registry()), TEXT, True),
        (OPENMETRICS_WRITER(registry()), OPENMETRICS, False),
    ],
    ids=["text", "openmetrics"],
)
def test_both_formats(body: bytes, content_type: str, created: bool) -> None:
    with answering(http(200, body, Content_Type=content_type)) as server, wired(server.url, name="service api") as w:
        exposition = scrape(w.wire)
        assert server.targets == ["GET /metrics"]
        assert "openmetrics" in (server.header("accept") or "")
        assert exposition.evidence == w.last.id
    # the text format exposes `_created` samples as gauges of their own, OpenMetrics as part of the family
    families = {name: family for name, family in exposition.families.items() if not name.endswith("_created")}
    extra = 0 if created else 1
    assert families == {
        "app_requests": MetricFamily(
            name="app_requests", type="counter", samples=1 + extra, label_names=frozenset({"code"})
        ),
        "app_temperature_celsius": MetricFamily(name="app_temperature_celsius", type="gauge", samples=1),
        "app_latency_seconds": MetricFamily(
            name="app_latency_seconds", type="histogram", samples=5 + extra, label_names=frozenset({"le"})
        ),
    }
    assert {"app_requests_total", "app_latency_seconds_bucket", "app_temperature_celsius"} <= exposition.sample_names
    assert (exposition.content_type, exposition.size) == (content_type, len(body))


def test_a_page_is_no_exposition() -> None:
    error = error_of("<html><body>hello</body></html>", "text/html")
    assert type(error) is Malformed
    assert error.what == "service api: a page, not an exposition"


@pytest.mark.parametrize(
    ("body", "content_type", "size"),
    [("", TEXT, 0), ("# HELP x y\n", TEXT, 11), ("# EOF\n", OPENMETRICS, 6), ("", OPENMETRICS, 0)],
)
def test_not_one_sample(body: str, content_type: str, size: int) -> None:
    error = error_of(body, content_type)
    assert type(error) is NoData
    assert error.what == f"service api: the metrics endpoint exposes not one sample ({size} bytes)"
    assert error.next_step == "for Prometheus such a target is `up`: is the application's registry the one exposed?"


@pytest.mark.parametrize(
    ("body", "content_type", "what"),
    [
        (
            "a 1\nb{ 2\n",
            TEXT,
            (
                'line 2 of the exposition: a sample is `name{label="value"} number`, and a time in milliseconds '
                "if need be: b{ 2"
            ),
        ),
        (
            "a 1\nb 2",
            TEXT,
            "line 2 of the exposition: the last line does not end with a line feed: the answer may be cut off: b 2",
        ),
        ("a 1\na 1\n", TEXT, "line 2 of the exposition: the same sample stands there twice: a 1"),
        (b"a 1\n\xff 2\n", TEXT, "line 2 of the exposition is not UTF-8"),
        (
            "# TYPE a gauge\na 1\n",
            OPENMETRICS,
            "line 2 of the exposition: Missing # EOF at end: a 1\\n",
        ),
        (
            "# TYPE a gauge\na one\n# EOF\n",
            OPENMETRICS,
            "line 2 of the exposition: could not convert string to float: 'one': a one\\n",
        ),
        ('{"a": 1}', "application/json", "JSON, not an exposition"),
        (b"\x0a", "application/vnd.google.protobuf; proto=x", "an exposition as protobuf, which was not asked for"),
    ],
)
def test_not_in_the_format(body: bytes | str, content_type: str, what: str) -> None:
    error = error_of(body, content_type)
    assert type(error) is Malformed
    assert error.what == f"service api: {what}"


def test_too_large() -> None:
    error = error_of("a 1\n" * 10, max_size=39)
    assert type(error) is TooLarge
    assert error.what == "service api: an exposition of 40 bytes, more than 39"
