"""A metrics endpoint scraped and parsed: text format 0.0.4, and OpenMetrics.

OpenMetrics is read by `prometheus_client`. The text format has a reader of its own (`text_format`): that of
`prometheus_client` says itself that it accepts more than the specification, it renames the samples of counters whose
names lack `_total`, and it does not tell on which line it stumbled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_deploycheck.clients.text_format import BadLine, SampleLine, parse_text_format
from pytest_deploycheck.errors import NoData, TooLarge
from pytest_deploycheck.model.http import Exposition, MetricFamily
from pytest_deploycheck.transport.reply import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_deploycheck.errors import Malformed
    from pytest_deploycheck.transport.endpoint import Timeouts
    from pytest_deploycheck.transport.reply import Reply
    from pytest_deploycheck.transport.wire import Wire

# What Prometheus 2.42 itself sends (scrape/scrape.go), so that a check sees what Prometheus sees.
_ACCEPT = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
_OPENMETRICS = "application/openmetrics-text"
_PROTOBUF = "application/vnd.google.protobuf"
MAX_SIZE = 16 * 1024 * 1024
"""Bytes. An exposition is scraped every few seconds: one that is larger is a fault of its own."""


def scrape(
    wire: Wire, path: str = "/metrics", *, timeouts: Timeouts | None = None, max_size: int = MAX_SIZE
) -> Exposition:
    """Ask a metrics endpoint and parse all of the answer.

    Args:
        wire: the way to the service.
        path: of the endpoint.
        timeouts: instead of the service's own.
        max_size: of the body in bytes.

    Raises:
        NoData: if there is not one sample; Prometheus calls such a target up.
        Malformed: if it is a page, or not in the format; with the line's number and its beginning.
        TooLarge: if it is larger than `max_size`.
        CannotMeasure: what the transport raises.
    """
    reply = wire.request("GET", path, headers={"Accept": _ACCEPT}, timeouts=timeouts)
    families: dict[str, tuple[str, list[int], set[str]]] = {}
    names: set[str] = set()
    for sample in samples_of(reply, max_size=max_size):
        names.add(sample.name)
        _, count, labels = families.setdefault(sample.family, (sample.type, [0], set()))
        count[0] += 1
        labels.update(sample.labels)
    return Exposition(
        url=reply.url,
        content_type=reply.headers.get("content-type", ""),
        families={
            name: MetricFamily(name=name, type=kind, samples=count[0], label_names=frozenset(labels))
            for name, (kind, count, labels) in families.items()
        },
        sample_names=frozenset(names),
        size=len(reply.body),
        elapsed=reply.elapsed,
        evidence=reply.evidence,
    )


def samples_of(reply: Reply, *, max_size: int = MAX_SIZE) -> list[SampleLine]:
    """Return every sample of a scraped exposition. Raises as `scrape` does."""
    if len(reply.body) > max_size:
        raise TooLarge(
            f"{reply.system}: an exposition of {len(reply.body):,} bytes, more than {max_size:,}",
            where=reply.url,
            next_step="which metric has so many series? `prometheus.io/docs/practices/naming` warns of such labels",
            evidence=reply.evidence,
        )
    if reply.is_html:
        raise reply.malformed("a page, not an exposition")
    if reply.content_type == _PROTOBUF:
        raise reply.malformed("an exposition as protobuf, which was not asked for")
    if "json" in reply.content_type:
        raise reply.malformed("JSON, not an exposition")
    try:
        text = reply.body.decode()
    except UnicodeDecodeError as error:
        line = reply.body.count(b"\n", 0, error.start) + 1
        raise reply.malformed(f"line {line} of the exposition is not UTF-8") from None
    try:
        samples = list(_openmetrics(text) if reply.content_type == _OPENMETRICS else parse_text_format(text))
    except BadLine as error:
        raise _bad_line(reply, error) from None
    if not samples:
        raise NoData(
            f"{reply.system}: the metrics endpoint exposes not one sample ({len(reply.body)} bytes)",
            where=reply.url,
            next_step="for Prometheus such a target is `up`: is the application's registry the one exposed?",
            evidence=reply.evidence,
        )
    return samples


def _bad_line(reply: Reply, error: BadLine) -> Malformed:
    head = one_line(reply.redactor.text(error.line), 120)
    return reply.malformed(f"line {error.number} of the exposition: {reply.redactor.text(error.reason)}: {head}")


class _Lines:
    """Lets a parser iterate over lines, and remembers where it is."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self.number = 0
        self.line = ""

    def __iter__(self) -> Iterator[str]:
        for self.number, self.line in enumerate(self._lines, start=1):  # noqa: B020 - remembered on purpose
            yield self.line


def _openmetrics(text: str) -> Iterator[SampleLine]:
    """Yield the samples of an OpenMetrics exposition.

    Raises:
        BadLine: if it is not in the format, or does not end with `# EOF`.
    """
    from prometheus_client.openmetrics.parser import text_fd_to_metric_families

    if not text:
        return
    lines = _Lines(text.splitlines(keepends=True))
    families: Any = text_fd_to_metric_families  # it has no annotations, and only iterates over what it is given
    try:
        for family in families(lines):
            for sample in family.samples:
                stamp = None if sample.timestamp is None else float(sample.timestamp)
                yield SampleLine(family.name, family.type, sample.name, sample.labels, float(sample.value), stamp)
    except Exception as error:  # noqa: BLE001 - the parser also stumbles with IndexError, KeyError, TypeError, …
        reason = str(error) if isinstance(error, ValueError) and str(error) else "not in the OpenMetrics format"
        raise BadLine(lines.number, lines.line, one_line(reason, 160)) from None
