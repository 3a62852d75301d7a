"""The `grafana` fixture's object on a served Grafana stand-in, with a Prometheus that has data for every question."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from pytest_deploycheck.clock import ManualClock
from pytest_deploycheck.face.grafana import Grafana
from pytest_deploycheck.face.ledger import Ledger
from pytest_deploycheck.sandbox.endpoints import Reply
from pytest_deploycheck.sandbox.grafana_api import GrafanaApi
from pytest_deploycheck.sandbox.grafana_demo import TOKEN, demo_grafana
from pytest_deploycheck.settings.models import Deployment
from pytest_deploycheck.transport.endpoint import BearerAuth, Endpoint
from pytest_deploycheck.transport.redaction import Redactor
from pytest_deploycheck.transport.tape import Tape
from pytest_deploycheck.transport.wire import Wire
from tests.servers.fixed_grafana import listening
from tests.servers.wired import ONCE, secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_deploycheck.face.judged import Judged
    from pytest_deploycheck.sandbox.grafana_state import Grafana as Demo


def prometheus(method: str, path: str, _headers: dict[str, str], body: bytes) -> Reply:
    """Answer every expression with one series; one with `absent`, `threads_total` or `tool_invocations` has none."""
    assert method == "POST"
    form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
    expr = form["query"]
    if expr.count("(") != expr.count(")"):
        return Reply.json({"status": "error", "errorType": "bad_data", "error": "parse error: unclosed"}, 400)
    now = time.time()
    series: list[dict[str, Any]] = []
    silent = any(part in expr for part in ("absent", "threads_total", "tool_invocations"))
    if path.endswith("/query_range"):
        start, end, step = (float(form[name]) for name in ("start", "end", "step"))
        values = [[start + step * n, "1"] for n in range(int((end - start) / step) + 1)]
        series = [] if silent else [{"metric": {"job": "mcp"}, "values": values}]
        return Reply.json({"status": "success", "data": {"resultType": "matrix", "result": series}})
    series = [] if silent else [{"metric": {"job": "mcp"}, "value": [now, "NaN" if "* 0" in expr else "1"]}]
    return Reply.json({"status": "success", "data": {"resultType": "vector", "result": series}})


class Served:
    """A stand-in that is served, and the face on it."""

    def __init__(self, demo: Demo, url: str, base: Path, *, token: str | None, **fields: Any) -> None:
        self.demo = demo
        self.url = url
        self.tape = Tape()
        self.observed: list[str] = []
        self.tape.on_record.append(lambda exchange, _: self.observed.append(exchange.id))
        self.ledger = Ledger()
        self.kept: dict[str, bytes] = {}
        self.clock = ManualClock(time.time())
        auth = BearerAuth(secret(token, "GRAFANA_TOKEN")) if token is not None else None
        endpoint = Endpoint(
            name="grafana", base_url=url, auth=auth, retries=ONCE, read_posts=("/api/ds/query",), **fields
        )
        self.wire = Wire(endpoint, tape=self.tape, redactor=Redactor(), clock=self.clock)
        self.grafana = Grafana(
            self.wire,
            clock=self.clock,
            ledger=self.ledger,
            observed=self.observed,
            deployment=Deployment(),
            external_url=url,
            org_id=None,
            base=base,
            keep=lambda name, body, _kind: self.kept.__setitem__(name, body),
        )


@contextmanager
def served(
    base: Path,
    break_it: Callable[[Demo], object] = lambda _: None,
    *,
    token: str | None = TOKEN,
    version: str = "12.1.1",
    **fields: Any,
) -> Iterator[Served]:
    """Serve the demo Grafana, broken by a function if one is given; `fields` are those of `Endpoint`."""
    with listening(prometheus) as source:
        demo = demo_grafana(source, version=version)
        break_it(demo)
        with listening(GrafanaApi(demo).answer) as url:
            found = Served(demo, url, base, token=token, **fields)
            try:
                yield found
            finally:
                found.wire.close()


def said(judged: Judged) -> tuple[str, str]:
    bool(judged)
    return judged.finding.outcome.value, judged.finding.observed
