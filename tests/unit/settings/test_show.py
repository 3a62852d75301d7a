"""`deploycheck config`: every value with its origin; of secrets only whether they are there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_deploycheck.errors import ConfigError
from pytest_deploycheck.settings.load import load
from pytest_deploycheck.settings.masking import masked_arguments, masked_text
from pytest_deploycheck.settings.secrets import resolve
from pytest_deploycheck.settings.show import render_config, render_config_json
from pytest_deploycheck.settings.values import SecretRef

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_deploycheck.settings.models import Effective

TEXT = """\
strict = true
[deployment]
finished_at = 2026-01-21T14:00:00Z
[[metrics]]
metric = 'up{job="a"}'
max_age = "90s"
[[transactions]]
id = "login"
service = "mcp"
method = "POST"
path = "/login?user=u&token=hunter2"
body = { user = "u", password = "hunter2", list = [{ api_key = "hunter2", n = 1 }], mixed = [1, { key = "hunter2" }] }
[environments.prod.services.mcp]
url = "https://mcp.example.com"
auth = { username = "u", password = { file = "here" } }
headers = { X-Scope-OrgID = "a", X-Session = "hunter2" }
[environments.prod.kubernetes]
namespace = "mcp"
[environments.prod.logs.a]
command = ["logs", "--token", "hunter2", "--password=hunter2", "a"]
[environments.prod.logs.b]
loki = "x"
url = "http://h"
auth = { bearer = { env = "LOKI" } }
[environments.prod.logs.c]
loki = "x"
url = "http://h"
auth = { header = "X-Api-Key", value = { command = ["vault", "--token=hunter2"] } }
"""

EXPECTED = """\
# file: DIR/deploycheck.toml
# environment: prod
reports = "DIR/reports"   # default
waiver_max_days = 90   # default
unmarked = "blocker"   # default
strict = true   # deploycheck.toml:1
default_tier = "investigate"   # default
deployment.version = "1.2"   # environment variable DEPLOYMENT_VERSION
deployment.finished_at = "2026-01-21T14:00:00+00:00"   # deploycheck.toml:3
environment.transactions[0].id = "login"   # deploycheck.toml:8
environment.transactions[0].service = "mcp"   # deploycheck.toml:9
environment.transactions[0].path = "/login?user=u&token=***"   # deploycheck.toml:11
environment.transactions[0].method = "POST"   # deploycheck.toml:10
environment.transactions[0].body.user = "u"   # deploycheck.toml:12
environment.transactions[0].body.password = "***"   # deploycheck.toml:12
environment.transactions[0].body.list[0].api_key = "***"   # deploycheck.toml:12
environment.transactions[0].body.list[0].n = 1   # deploycheck.toml:12
environment.transactions[0].body.mixed = [1, { key = "***" }]   # deploycheck.toml:12
environment.metrics[0].id = "up{job=\\"a\\"}"   # made from the entry
environment.metrics[0].metric = "up{job=\\"a\\"}"   # deploycheck.toml:5
environment.metrics[0].max_age = "1m30s"   # deploycheck.toml:6
environment.kubernetes.in_cluster = false   # default
environment.kubernetes.namespace = "mcp"   # deploycheck.toml:18
environment.kubernetes.timeouts.connect = "5s"   # default
environment.kubernetes.timeouts.read = "30s"   # default
environment.kubernetes.timeouts.total = "1m"   # default
environment.kubernetes.retries.attempts = 3   # default
environment.kubernetes.retries.base = "200ms"   # default
environment.kubernetes.retries.cap = "5s"   # default
environment.kubernetes.give_up_after = 2   # default
environment.kubernetes.max_body = 67108864   # default
environment.kubernetes.writes = false   # default
environment.services.mcp.url = "https://mcp.example.com"   # deploycheck.toml:14
environment.services.mcp.auth.username = "u"   # deploycheck.toml:15
environment.services.mcp.auth.password = { file = "DIR/here" } (readable)   # deploycheck.toml:15
environment.services.mcp.headers.X-Scope-OrgID = "a"   # deploycheck.toml:16
environment.services.mcp.headers.X-Session = "***"   # deploycheck.toml:16
environment.services.mcp.tls.verify = true   # default
environment.services.mcp.timeouts.connect = "5s"   # default
environment.services.mcp.timeouts.read = "30s"   # default
environment.services.mcp.timeouts.total = "1m"   # default
environment.services.mcp.retries.attempts = 3   # default
environment.services.mcp.retries.base = "200ms"   # default
environment.services.mcp.retries.cap = "5s"   # default
environment.services.mcp.give_up_after = 2   # default
environment.services.mcp.max_body = 67108864   # default
environment.services.mcp.compression = "auto"   # default
environment.services.mcp.writes = false   # default
environment.logs.a.command = ["logs", "--token", "***", "--password=***", "a"]   # deploycheck.toml:20
environment.logs.a.stdin = false   # default
environment.logs.a.query = ""   # default
environment.logs.a.wrapping = "auto"   # default
environment.logs.a.tolerance = "5s"   # default
environment.logs.a.timeout = "1m"   # default
environment.logs.a.max_bytes = 1073741824   # default
environment.logs.b.stdin = false   # default
environment.logs.b.loki = "x"   # deploycheck.toml:22
environment.logs.b.query = ""   # default
environment.logs.b.url = "http://h"   # deploycheck.toml:23
environment.logs.b.auth.bearer = { env = "LOKI" } (set, 7 characters)   # deploycheck.toml:24
environment.logs.b.wrapping = "auto"   # default
environment.logs.b.tolerance = "5s"   # default
environment.logs.b.timeout = "1m"   # default
environment.logs.b.max_bytes = 1073741824   # default
environment.logs.c.stdin = false   # default
environment.logs.c.loki = "x"   # deploycheck.toml:26
environment.logs.c.query = ""   # default
environment.logs.c.url = "http://h"   # deploycheck.toml:27
environment.logs.c.auth.header = "X-Api-Key"   # deploycheck.toml:28
environment.logs.c.auth.value = { command = ["vault", "--token=***"] } (not run)   # deploycheck.toml:28
environment.logs.c.wrapping = "auto"   # default
environment.logs.c.tolerance = "5s"   # default
environment.logs.c.timeout = "1m"   # default
environment.logs.c.max_bytes = 1073741824   # default
"""


def test_text(loaded: Callable[..., Effective], tmp_path: Path) -> None:
    (tmp_path / "here").write_text("hunter2", encoding="utf-8")
    effective = loaded(TEXT, environ={"DEPLOYMENT_VERSION": "1.2"})
    shown = render_config(effective, {"LOKI": "hunter2"})
    assert shown.replace(str(tmp_path), "DIR") == EXPECTED


def test_json_says_the_same(loaded: Callable[..., Effective], tmp_path: Path) -> None:
    effective = loaded(TEXT)
    record = json.loads(render_config_json(effective, {}))
    assert list(record) == ["source", "environment", "targets", "looked_at", "warnings", "settings"]
    assert (record["source"], record["environment"]) == (str(tmp_path / "deploycheck.toml"), "prod")
    assert record["settings"]["strict"] == {"value": True, "origin": "deploycheck.toml:1"}
    assert record["settings"]["environment.logs.b.auth.bearer"] == {
        "value": {"env": "LOKI"},
        "origin": "deploycheck.toml:24",
        "state": "unset!",
    }
    assert record["settings"]["environment.services.mcp.auth.password"]["state"] == "not readable!"
    text = render_config(effective, {})
    assert [line.partition(" = ")[0] for line in text.splitlines() if line[0] != "#"] == list(record["settings"])
    assert "hunter2" not in text + json.dumps(record)


def test_without_a_file(loaded: Callable[..., Effective]) -> None:
    assert render_config(loaded(None), {}).splitlines()[:2] == ["# file: none", "# environment: none"]
    assert json.loads(render_config_json(loaded(None), {}))["source"] is None


def test_masks() -> None:
    assert masked_text("see https://u:p@h/x?a=b&access_token=c#d") == "see https://***@h/x?a=b&access_token=***#d"
    assert masked_arguments(("x", "--key", "a", "-v", "b", "--api-key=c", "--secret", "--", "d")) == [
        "x", "--key", "***", "-v", "b", "--api-key=***", "--secret", "--", "d"
    ]  # fmt: skip


# Hypothesis also draws words of our own code, such as key names, which stand in the texts for good reasons.
SECRETS = st.text(st.characters(codec="ascii", exclude_categories=["Cc", "Zs"]), min_size=9, max_size=27).map(
    "zq9{}".format
)
GOOD = """
[environments.p.prometheus]
url = "http://h"
auth = {{ bearer = {{ env = "T" }} }}
[environments.p.grafana]
url = "http://h"
auth = {{ username = "u", password = {{ file = "token" }} }}
headers = {{ X-Session = {0} }}
[[environments.p.transactions]]
service = "s"
path = "/x"
body = {{ token = {0} }}
[environments.p.services.s]
url = "http://h"
"""
BAD = """
[environments.p.prometheus]
url = "http://h"
auth = {{ bearer = {0} }}
[environments.p.alertmanager]
url = "http://h"
auth = {{ bearer = {{ value = {0} }}, password = {0} }}
headers = {{ Authorization = {0}, X-Auth-Token = {0} }}
[environments.p.grafana]
url = {1}
auth = {0}
tls = {0}
retries = {{ attempts = {0} }}
timeouts = {0}
token = {0}
"""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SECRETS)
def test_a_secret_is_in_nothing_that_anybody_reads(tmp_path: Path, secret: str) -> None:
    file, literal = tmp_path / "deploycheck.toml", json.dumps(secret)
    (tmp_path / "token").write_text(secret, encoding="utf-8")
    file.write_text(GOOD.format(literal), encoding="utf-8")
    effective = load(file, environment=None, overrides={}, environ={"T": secret}, cwd=tmp_path)
    ref = SecretRef(env="T")
    assert resolve(ref, base=tmp_path, environ={"T": secret}) == secret
    texts = [render_config(effective, {"T": secret}), render_config_json(effective, {"T": secret})]
    texts += [repr(ref), repr(effective.environment.prometheus), str(effective.environment.prometheus)]

    url = json.dumps(f"https://user:{secret}@host")
    file.write_text(BAD.format(literal, url), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file, environment=None, overrides={}, environ={"T": secret}, cwd=tmp_path)
    assert len(caught.value.mistakes) == 10
    texts += [str(caught.value), repr(caught.value), repr(caught.value.args), repr(caught.value.__cause__)]

    file.write_text(f"[a]\ntoken = {literal}\nbearer = {secret}\n= {secret}", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file, environment=None, overrides={}, environ={"T": secret}, cwd=tmp_path)
    texts += [str(caught.value)]
    for text in texts:
        assert secret not in text
        assert literal[1:-1] not in text
