"""Every recorded list and status of Prometheus 2.42 and VictoriaMetrics 1.79."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.errors import DeploycheckError, Malformed, NotReady, NotSupported, QueryFailed
from pytest_deploycheck.model.prometheus import Alertmanagers, Metadata, RuntimeInfo
from tests.contract.recorded import played, recording, recordings
from tests.servers.bad_servers import http

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_deploycheck.clients.prometheus import PrometheusClient


def unix(text: str) -> Any:
    """RFC 3339 as the standard library reads it, which cuts to microseconds; year 1 is Go's zero time."""
    moment = datetime.fromisoformat(text)
    return None if moment.year == 1 else pytest.approx(moment.timestamp(), rel=0, abs=2e-6)


def listed(path: str) -> list[Any]:
    return [
        pytest.param(one.name, id=one.name)
        for system in ("prometheus", "victoriametrics")
        for one in recordings(system)
        if one.path == path and one.status == 200
    ]


@pytest.mark.parametrize("name", listed("/api/v1/targets"))
def test_targets(name: str) -> None:
    with played(name) as p:
        targets = p.prometheus.targets()
        assert p.server.targets == ["GET /api/v1/targets?state=active"]
    expected = recording(name).body["data"]["activeTargets"]
    assert [
        (dict(t.labels), t.scrape_pool, t.scrape_url, t.health, t.last_error, t.last_scrape, t.last_scrape_duration)
        for t in targets
    ] == [
        (
            one["labels"],
            one["scrapePool"],
            one["scrapeUrl"],
            one["health"],
            one["lastError"],
            unix(one["lastScrape"]),
            one["lastScrapeDuration"],
        )
        for one in expected
    ]
    seconds = {"1s": 1.0, "5s": 5.0, "20s": 20.0, "1h": 3600.0}
    assert [t.scrape_interval for t in targets] == [
        seconds[one["discoveredLabels"]["__scrape_interval__"]] for one in expected
    ]


def test_never_scraped_targets_have_no_time() -> None:
    with played("prometheus/targets_unknown_health") as p:
        unknown = [target for target in p.prometheus.targets() if target.health == "unknown"]
    assert unknown
    assert {target.last_scrape for target in unknown} == {None}


def test_scrape_pool_is_filtered_here_where_the_server_ignores_it() -> None:
    with played("prometheus/targets_active") as p:
        targets = p.prometheus.targets(scrape_pool="app_hang")
        assert p.server.targets == ["GET /api/v1/targets?state=active&scrapePool=app_hang"]
    assert [(target.job, target.health) for target in targets] == [("app_hang", "down")]


def test_dropped_targets() -> None:
    with played("prometheus/targets_dropped") as p:
        dropped = p.prometheus.dropped_targets()
    assert [labels["__address__"] for labels in dropped] == ["127.0.0.1:21998", "127.0.0.1:21999"]


def test_unknown_state_is_not_asked() -> None:
    with played("prometheus/targets_bad_state") as p:
        with pytest.raises(QueryFailed) as caught:
            p.prometheus.targets(state="nonsense")
        assert p.server.targets == []
    assert str(caught.value) == (
        "not asked: targets in the state 'nonsense'\n"
        "  at: /api/v1/targets\n"
        "  Prometheus answers an unknown state with empty lists, and no error\n"
        "  next: ask for `active` ones; those dropped by relabelling are in `dropped_targets()`"
    )


@pytest.mark.parametrize("name", [one for one in listed("/api/v1/rules") if "victoria" not in str(one.id)])
def test_rules(name: str) -> None:
    with played(name) as p:
        groups = p.prometheus.rules()
    expected = recording(name).body["data"]["groups"]
    assert [(g.name, g.file, g.interval, g.evaluation_time, g.last_evaluation) for g in groups] == [
        (g["name"], g["file"], g["interval"], g["evaluationTime"], unix(g["lastEvaluation"])) for g in expected
    ]
    assert [
        (r.name, r.kind, r.query, r.group, r.interval, r.health, r.last_error, r.last_evaluation, r.state, r.duration)
        for g in groups
        for r in g.rules
    ] == [
        (
            r["name"],
            r["type"],
            r["query"],
            g["name"],
            g["interval"],
            r["health"],
            r.get("lastError", ""),
            unix(r["lastEvaluation"]),
            r.get("state", ""),
            r.get("duration", 0),
        )
        for g in expected
        for r in g["rules"]
    ]
    assert [(a.name, a.state, a.value) for g in groups for r in g.rules for a in r.alerts] == [
        (a["labels"]["alertname"], a["state"], float(a["value"]))
        for g in expected
        for r in g["rules"]
        for a in r.get("alerts", ())
    ]


def test_rules_never_evaluated() -> None:
    with played("prometheus/rules_unknown_health") as p:
        unknown = [r for group in p.prometheus.rules() for r in group.rules if r.health == "unknown"]
    assert unknown
    assert {rule.last_evaluation for rule in unknown} == {None}


def test_rules_held_firing() -> None:
    with played("prometheus/rules_keep_firing") as p:
        groups = p.prometheus.rules(kind="alerting")
        assert p.server.targets == ["GET /api/v1/rules?type=alert"]
    held = [a for g in groups for r in g.rules for a in r.alerts if a.keep_firing_since is not None]
    assert [(alert.name, alert.state) for alert in held] == [("FiringAfter5s", "firing")]


def test_rules_of_an_unknown_kind_are_not_asked() -> None:
    with played("prometheus/rules_bad_type") as p, pytest.raises(QueryFailed) as caught:
        p.prometheus.rules(kind="nonsense")
    assert str(caught.value) == (
        "not asked: rules of the kind 'nonsense'\n"
        "  at: /api/v1/rules\n"
        "  next: ask for `alerting` or `recording` ones, or for all of them"
    )


def test_alerts() -> None:
    with played("prometheus/alerts") as p:
        alerts = p.prometheus.alerts()
    assert [(alert.name, alert.state, alert.value) for alert in alerts] == [
        ("PendingLong", "pending", 1.0),
        ("FiringNow", "firing", 1.0),
        ("FiringAfter5s", "firing", 0.0),
        ("BadTemplate", "firing", 1.0),
    ]
    assert alerts[0].active_at == pytest.approx(unix("2026-11-21T09:00:04.078074742Z"))
    assert alerts[1].annotations == {"summary": "127.0.0.1:21000 value 1"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "alertmanagers",
            Alertmanagers(
                active=("http://127.0.0.1:21093/api/v2/alerts",), dropped=("http://127.0.0.1:21094/api/v2/alerts",)
            ),
        ),
        ("after_restart_alertmanagers_empty", Alertmanagers(active=())),
    ],
)
def test_alertmanagers(name: str, expected: Alertmanagers) -> None:
    with played(f"prometheus/{name}") as p:
        assert p.prometheus.alertmanagers() == expected


def test_metadata() -> None:
    with played("prometheus/metadata") as p:
        entries = p.prometheus.metadata("app_work_total")
        assert p.server.targets == ["GET /api/v1/metadata?metric=app_work_total"]
    document = recording("prometheus/metadata").body["data"]
    assert entries == tuple(
        Metadata(metric=name, type=one["type"], help=one["help"], unit=one["unit"])
        for name, ones in document.items()
        for one in ones
    )
    assert entries


def test_metadata_of_an_unknown_metric_is_empty() -> None:
    with played("prometheus/metadata_unknown", "prometheus/healthy") as p:
        assert p.prometheus.metadata("nope") == ()


def test_series() -> None:
    with played("prometheus/series") as p:
        found = p.prometheus.series(["up", "x"], 1.0, 2.0)
        assert p.server.targets == [
            "GET /api/v1/series?match%5B%5D=up&match%5B%5D=x&start=1.000&end=2.000&limit=100001"
        ]
    assert list(found) == recording("prometheus/series").body["data"]


def test_series_none() -> None:
    with played("prometheus/series_none") as p:
        assert p.prometheus.series(["nope"], 1.0, 2.0) == ()


def test_build_info() -> None:
    with played("prometheus/status_buildinfo") as p:
        assert p.prometheus.build_info()["version"] == "2.42.0+ds"


def test_flags() -> None:
    with played("prometheus/status_flags") as p:
        assert p.prometheus.flags()["query.lookback-delta"] == "5m"


@pytest.mark.parametrize("system", ["prometheus", "victoriametrics"])
def test_config_text(system: str) -> None:
    with played(f"{system}/status_config") as p:
        assert p.prometheus.config_text() == recording(f"{system}/status_config").body["data"]["yaml"]


def test_runtime_info() -> None:
    with played("prometheus/status_runtimeinfo") as p:
        assert p.prometheus.runtime_info() == RuntimeInfo(
            start_time=unix("2026-11-21T08:59:58.149351744Z"),
            reload_config_success=True,
            last_config_time=unix("2026-11-21T09:04:30Z"),
            storage_retention="15d",
        )


def test_runtime_info_after_a_failed_reload() -> None:
    with played("prometheus/status_runtimeinfo_reload_failed") as p:
        assert not p.prometheus.runtime_info().reload_config_success


@pytest.mark.parametrize("name", ["prometheus/ready", "victoriametrics/ready", "prometheus/ready_after_failed_reload"])
def test_ready(name: str) -> None:
    with played(name) as p:
        answer = p.prometheus.ready()
        assert p.server.targets == ["GET /-/ready"]
    assert answer
    assert answer.text == recording(name).body.strip()


@pytest.mark.parametrize("name", ["prometheus/healthy", "victoriametrics/healthy"])
def test_healthy(name: str) -> None:
    with played(name) as p:
        assert p.prometheus.healthy().text == recording(name).body.strip()


# --- while it replays its write-ahead log --------------------------------------------------------------------------


def test_not_ready() -> None:
    with played("prometheus/walreplay_ready") as p:
        answer = p.prometheus.ready()
    assert not answer
    assert answer.text == "prometheus: 503, not ready: Service Unavailable"


REPLAYING: dict[str, Callable[[PrometheusClient], object]] = {
    "alertmanagers": lambda client: client.alertmanagers(),
    "rules": lambda client: client.rules(),
    "status_buildinfo": lambda client: client.build_info(),
    "status_config": lambda client: client.config_text(),
    "status_flags": lambda client: client.flags(),
    "status_runtimeinfo": lambda client: client.runtime_info(),
    "targets": lambda client: client.targets(),
}


@pytest.mark.parametrize("name", REPLAYING)
def test_replaying(name: str) -> None:
    with played(f"prometheus/walreplay_{name}") as p, pytest.raises(NotReady) as caught:
        REPLAYING[name](p.prometheus)
    assert caught.value.what == "prometheus: 503, not ready: Service Unavailable"


# --- what VictoriaMetrics has not ----------------------------------------------------------------------------------

MISSING: dict[str, tuple[str, Callable[[PrometheusClient], object], str]] = {
    "alertmanagers": ("/api/v1/alertmanagers", lambda client: client.alertmanagers(), ""),
    "status_flags": ("/api/v1/status/flags", lambda client: client.flags(), ""),
    "status_runtimeinfo": ("/api/v1/status/runtimeinfo", lambda client: client.runtime_info(), ""),
    "status_buildinfo": (
        "/api/v1/status/buildinfo",
        lambda client: client.build_info(),
        "it answers, but tells no version",
    ),
    "rules": (
        "/api/v1/rules",
        lambda client: client.rules(),
        "VictoriaMetrics always answers it with nothing; rules are evaluated by vmalert",
    ),
    "alerts": (
        "/api/v1/alerts",
        lambda client: client.alerts(),
        "VictoriaMetrics always answers it with nothing; rules are evaluated by vmalert",
    ),
    "metadata": (
        "/api/v1/metadata",
        lambda client: client.metadata(),
        "VictoriaMetrics always answers it with nothing; it keeps no metadata in this version",
    ),
}


@pytest.mark.parametrize("name", MISSING)
def test_missing_api_is_not_supported_and_never_empty(name: str) -> None:
    path, ask, why = MISSING[name]
    with played(f"victoriametrics/{name}", "victoriametrics/healthy") as p:
        with pytest.raises(NotSupported) as caught:
            ask(p.prometheus)
        url, evidence = p.server.url, p.wired.tape.take()[0].id
    because = f"  {why}\n" if why else ""
    assert str(caught.value) == (
        f"victoriametrics: the server has no {path}\n"
        f"  at: {url}{path}\n"
        f"{because}"
        f"  evidence: {evidence}\n"
        "  next: it is not a whole Prometheus (VictoriaMetrics, Thanos, …): leave this check out for it, or ask the "
        "component that has the API"
    )


def test_an_empty_list_of_a_server_that_hides_what_it_is() -> None:
    hidden = http(403, "Forbidden", Content_Type="text/plain")
    with played("victoriametrics/alerts", hidden, "victoriametrics/status_buildinfo") as p:
        with pytest.raises(NotSupported) as caught:
            p.prometheus.alerts()
        assert p.server.targets == ["GET /api/v1/alerts", "GET /-/healthy", "GET /api/v1/status/buildinfo"]
    assert caught.value.details == (
        "it answers with nothing, and does not say that it is a Prometheus: neither by /-/healthy nor by its build",
        "VictoriaMetrics would always answer like this; rules are evaluated by vmalert",
    )


def test_an_empty_list_of_a_prometheus_whose_health_is_hidden() -> None:
    hidden = http(403, "Forbidden", Content_Type="text/plain")
    with played("victoriametrics/alerts", hidden, "prometheus/status_buildinfo", name="prometheus") as p:
        assert p.prometheus.alerts() == ()


def test_an_empty_list_of_a_prometheus() -> None:
    with played("victoriametrics/alerts", "prometheus/healthy", name="prometheus") as p:
        assert p.prometheus.alerts() == ()
        assert p.server.targets == ["GET /api/v1/alerts", "GET /-/healthy"]


# --- another system behind the URL ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "ask", "likeness"),
    [
        ("alertmanager/alerts_v1", lambda client: client.alerts(), "Alertmanager's API v1"),
        ("alertmanager/status_v1", lambda client: client.build_info(), "Alertmanager's API v1"),
        ("alertmanager/status", lambda client: client.targets(), "a status of Alertmanager's API v2"),
        ("alertmanager/alerts_filter", lambda client: client.alerts(), "a list of alerts of Alertmanager's API v2"),
        ("prometheus/rules", lambda client: client.targets(), "an answer of Prometheus's API to another question"),
    ],
)
def test_another_system(name: str, ask: Callable[[PrometheusClient], object], likeness: str) -> None:
    with played(name, name="prometheus") as p, pytest.raises(DeploycheckError) as caught:
        ask(p.prometheus)
    assert type(caught.value) is Malformed
    assert caught.value.what.startswith("prometheus: not the answer that Prometheus gives: ")
    assert caught.value.what.endswith(f"; it looks like {likeness}")
