"""Every kind of mistake, with its whole message."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pytest_deploycheck.settings.mistakes import translate
from pytest_deploycheck.settings.models import Settings

PROM = "[environments.p.prometheus]\nurl = 'http://h'\n"
SERVICE = "[environments.p.services.s]\nurl = 'http://h'\n"
SECRET = (
    "a secret is given by reference, never by value "
    '(expected { env = "NAME" }, { file = "path" } or { command = ["program", "argument"] })'
)
DURATION = '(expected text with a unit, such as "500ms", "60s", "10m" or "1h30m")'
INSTANT = "(expected a time with its offset, such as 2026-01-21T14:00:00Z, or Unix seconds)"
URL = '(expected an address such as "https://prometheus.example.com")'
AUTH = "(expected one of: bearer; username and password; header and value)"
SELECTOR = '(expected a metric name or a bare selector, such as app_sessions_total{job="app"})'
SCALAR = "(expected text, a finite number, or true/false)"
TEXT = "(expected text that is not empty)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # keys
        ("reprots = 'x'", 'f:1: reprots: unknown key; did you mean "reports"?'),
        ("[[targets]]\njob = 'a'\nfoo = 1", "f:3: targets[0].foo: unknown key (expected one of id, level, owner, runbook, "
         "ticket, reason, tier, job, count, min_samples)"),
        ("[[targets]]\ncount = 1", f"f:1: targets[0].job: is missing {TEXT}"),
        (PROM + "[environments.p.prometheus.timeouts]\nconect = '1s'",
         'f:4: environments.p.prometheus.timeouts.conect: unknown key; did you mean "connect"?'),
        ("[environments.'a b']", 'f:1: environments."a b": is "a b" (expected letters, digits, and - _ . after the first)'),
        # kinds
        ("strict = 'yes'", "f:1: strict: is text (expected true or false)"),
        ("strict = 1", "f:1: strict: is a whole number (expected true or false)"),
        ("reports = 1", "f:1: reports: is a whole number (expected a path, as text)"),
        ("reports = ''", "f:1: reports: is empty (expected a path, as text)"),
        ('reports = "a\\u0000"', "f:1: reports: holds a NUL character (expected a path, as text)"),
        ("waivers = '~no-such-user-here/x'",
         "f:1: waivers: begins with the home directory of an unknown user (expected a path, as text)"),
        ("deployment = 3", "f:1: deployment: is a whole number (expected a table)"),
        ("environments = [1]", "f:1: environments: is a list (expected a table)"),
        ("targets = 'x'", "f:1: targets: is text (expected a list)"),
        ("targets = ['x']", "f:1: targets[0]: is text (expected a table)"),
        ("[deployment]\nversion = 1.10", "f:2: deployment.version: is a number (expected text)"),
        ("[deployment]\nversion = ''", f"f:2: deployment.version: is empty {TEXT}"),
        # numbers
        ("waiver_max_days = 366", "f:1: waiver_max_days: is 366 (expected at most 365)"),
        ("waiver_max_days = 0", "f:1: waiver_max_days: is 0 (expected at least 1)"),
        ("waiver_max_days = '9'", "f:1: waiver_max_days: is text (expected a whole number)"),
        ("waiver_max_days = true", "f:1: waiver_max_days: is a boolean (expected a whole number)"),
        ("waiver_max_days = 1.5", "f:1: waiver_max_days: is a number (expected a whole number)"),
        ("[[slos]]\nexpr = 'x'\nbelow = nan", "f:3: slos[0].below: is nan (expected a finite number)"),
        ("[[slos]]\nexpr = 'x'\nbelow = '1'", "f:3: slos[0].below: is text (expected a number)"),
        ("[[slos]]\nexpr = 'x'\nbelow = true", "f:3: slos[0].below: is a boolean (expected a number)"),
        # choices and small grammars
        ("unmarked = 'blockr'",
         'f:1: unmarked: is "blockr"; did you mean "blocker"? (expected "blocker", "warning" or "ignore")'),
        ("unmarked = 3", 'f:1: unmarked: is a whole number (expected "blocker", "warning" or "ignore")'),
        ("default_tier = 'after(5)'",
         'f:1: default_tier: is "after(5)" (expected immediate, investigate, or after(30m))'),
        ("[deployment]\nimage_digest = 'sha256:12'",
         'f:2: deployment.image_digest: is "sha256:12" (expected sha256: and 64 lower-case hexadecimal digits)'),
        ("[[targets]]\njob = 'a'\nid = 'a b'", 'f:3: targets[0].id: is "a b" (expected letters, digits and any of _ . : / -)'),
        ("[[endpoints]]\nservice = 's'\npath = 'health'",
         'f:3: endpoints[0].path: is "health" (expected a path that begins with /, without white space or #)'),
        ("[[endpoints]]\nservice = 's'\nstatus = [99]", "f:3: endpoints[0].status[0]: is 99 (expected at least 100)"),
        ("[[endpoints]]\nservice = 's'\nstatus = []",
         "f:3: endpoints[0].status: is empty (expected a list that is not empty)"),
        ("[[endpoints]]\nservice = 's'\njson = { a = [1] }", f"f:3: endpoints[0].json.a: is a list {SCALAR}"),
        ("[[endpoints]]\nservice = 's'\njson = { a = inf }", f"f:3: endpoints[0].json.a: is inf {SCALAR}"),
        ("[[routes]]\nlabels = {}\nreceivers = ['a']", "f:2: routes[0].labels: is empty (expected a table that is not empty)"),
        ("[[routes]]\nlabels = { a-b = 'x' }\nreceivers = ['a']",
         'f:2: routes[0].labels.a-b: is "a-b" (expected a label name: letters, digits and underscores)'),
        # durations, sizes, times
        ("[alerts]\nwindow = 5", f"f:2: alerts.window: is a whole number without a unit {DURATION}"),
        ("[alerts]\nwindow = '5'", f'f:2: alerts.window: "5" is not a duration {DURATION}'),
        ("[alerts]\nwindow = '5 m'", f'f:2: alerts.window: "5 m" is not a duration {DURATION}'),
        ("[alerts]\nwindow = '٥m'", f'f:2: alerts.window: "٥m" is not a duration {DURATION}'),
        ("[alerts]\nwindow = '999999w'", f'f:2: alerts.window: "999999w" is longer than ten years {DURATION}'),
        ("[alerts]\nwindow = '0s'", "f:2: alerts.window: is zero (expected a duration above zero)"),
        ("[alerts]\nwindow = []", f"f:2: alerts.window: is a list {DURATION}"),
        (PROM + "max_body = '1 PiB'", 'f:3: environments.p.prometheus.max_body: "1 PiB" is not a size '
         '(expected a whole number of bytes above zero, or text such as "64MiB")'),
        (PROM + "max_body = 0", "f:3: environments.p.prometheus.max_body: is 0 "
         '(expected a whole number of bytes above zero, or text such as "64MiB")'),
        (PROM + "max_body = true", "f:3: environments.p.prometheus.max_body: is a boolean "
         '(expected a whole number of bytes above zero, or text such as "64MiB")'),
        ("[deployment]\nstarted_at = 2026-01-21T14:00:00", f"f:2: deployment.started_at: has no offset from UTC {INSTANT}"),
        ("[deployment]\nstarted_at = 2026-01-21", f"f:2: deployment.started_at: is a date {INSTANT}"),
        ("[deployment]\nstarted_at = 14:00:00", f"f:2: deployment.started_at: is a time of day {INSTANT}"),
        ("[deployment]\nstarted_at = 'now'", f'f:2: deployment.started_at: "now" is not a time {INSTANT}'),
        ("[deployment]\nstarted_at = '2026-W04-3T14:00:00Z'",
         f'f:2: deployment.started_at: "2026-W04-3T14:00:00Z" is not a time as RFC 3339 writes it {INSTANT}'),
        ("[deployment]\nstarted_at = 1768999999000", "f:2: deployment.started_at: lies outside the years 2000 to 2099; "
         f"it looks like milliseconds {INSTANT}"),
        ("[deployment]\nstarted_at = true", f"f:2: deployment.started_at: is a boolean {INSTANT}"),
        ("[deployment]\nstarted_at = 2026-01-21T14:00:00Z\nfinished_at = 2026-01-21T13:00:00Z",
         "f:1: deployment: finished_at lies before started_at (expected the time when the deployment ended)"),
        ("[[alerts.known]]\nalertname = 'a'\nowner = 'b'\nreason = 'c'\nexpires = 5",
         "f:5: alerts.known[0].expires: is a whole number (expected a date, such as 2026-12-31)"),
        ("[[alerts.known]]\nalertname = 'a'\nowner = 'b'\nreason = 'c'\nexpires = 'soon'",
         'f:5: alerts.known[0].expires: "soon" is not a date (expected a date, such as 2026-12-31)'),
        # PromQL and regular expressions
        ("[[slos]]\nbelow = 1\nexpr = 'sum by ('", "f:3: slos[0].expr: is not valid PromQL: unclosed left parenthesis "
         "(expected an expression such as sum(rate(errors_total[5m])))"),
        ("[[metrics]]\nmetric = ''", f"f:2: metrics[0].metric: is not a selector: no expression found in input {SELECTOR}"),
        ("[[metrics]]\nmetric = 'rate(x[5m])'", f"f:2: metrics[0].metric: is an expression, not a bare selector {SELECTOR}"),
        ("[[metrics]]\nmetric = 'x[5m]'", f"f:2: metrics[0].metric: is a selector with a range {SELECTOR}"),
        ("[[metrics]]\nmetric = 'x offset 5m'", f"f:2: metrics[0].metric: is a selector with offset or @ {SELECTOR}"),
        ("[[metrics]]\nmetric = 'x @ 10'", f"f:2: metrics[0].metric: is a selector with offset or @ {SELECTOR}"),
        ("[[metrics]]\nmetric = 'x'\nheartbeat = '(y)'",
         f"f:3: metrics[0].heartbeat: is an expression, not a bare selector {SELECTOR}"),
        ("[[metrics]]\nmetric = 'x'\nlabels = { a = '(' }",
         "f:3: metrics[0].labels.a: is not a valid regular expression: missing ), unterminated subpattern at position 0 "
         "(expected one that matches the label's whole value)"),
        ("[[metrics]]\nmetric = 'x'\nlabels = { a = 'x{99999999999}' }",
         "f:3: metrics[0].labels.a: is not a valid regular expression: the repetition number is too large "
         "(expected one that matches the label's whole value)"),
        # entries that nothing can keep, or that say nothing
        ("[[metrics]]\nmetric = 'x'\nmin = 2\nmax = 1", "f:1: metrics[0]: has min above max "
         "(expected a range that a value can lie in)"),
        ("[[slos]]\nexpr = 'x'", "f:1: slos[0]: has no bound (expected at least one of below, above, at_most, at_least)"),
        ("[[slos]]\nexpr = 'x'\nbelow = 1\nat_least = 2", "f:1: slos[0]: has bounds that no value can keep "
         "(expected a lower bound that is not above the upper one)"),
        ("[[slos]]\nexpr = 'x'\nbelow = 1\nmin_traffic = 2",
         "f:1: slos[0]: has min_traffic without traffic (expected the expression of the traffic)"),
        ("[[versions]]\nlabel = 'v'", "f:1: versions[0]: has neither service nor metric "
         "(expected exactly one of service and metric)"),
        ("[[versions]]\nservice = 's'\nmetric = 'm'", "f:1: versions[0]: has both (expected exactly one of service and metric)"),
        ("[[versions]]\nservice = 's'\nreplicas = 2", "f:1: versions[0]: has replicas with service "
         "(expected replicas only with metric: an endpoint is one of them at a time)"),
        # systems
        (PROM.replace("http://h", ""), f"f:2: environments.p.prometheus.url: is empty {URL}"),
        (PROM.replace("'http://h'", "7"), f"f:2: environments.p.prometheus.url: is a whole number {URL}"),
        (PROM.replace("http://h", "h:9090"), f"f:2: environments.p.prometheus.url: does not begin with http:// or https:// {URL}"),
        (PROM.replace("http://h", "http://"), f"f:2: environments.p.prometheus.url: has no usable host {URL}"),
        (PROM.replace("http://h", "http://a:b"), f"f:2: environments.p.prometheus.url: has no usable host {URL}"),
        (PROM.replace("http://h", "http://h:0"), f"f:2: environments.p.prometheus.url: has a port outside 1 to 65535 {URL}"),
        (PROM.replace("http://h", "http://h/?a=b"), f"f:2: environments.p.prometheus.url: has a query or fragment {URL}"),
        (PROM.replace("http://h", "http://h /x"),
         f"f:2: environments.p.prometheus.url: holds white space or a control character {URL}"),
        (PROM.replace("http://h", "https://u:hunter2@h"), "f:2: environments.p.prometheus.url: holds a user or password, "
         "which is a secret by value (expected the address alone, and the credentials in auth)"),
        (PROM + "proxy = 'http://u:hunter2@h'", "f:3: environments.p.prometheus.proxy: holds a user or password, "
         "which is a secret by value (expected the address alone, and the credentials in auth)"),
        (PROM + "proxy = 'http://h/x'",
         'f:3: environments.p.prometheus.proxy: has a path (expected an address such as "http://proxy.example.com")'),
        (PROM + "headers = { Authorization = 'hunter2' }", "f:3: environments.p.prometheus.headers: Authorization carries a "
         'secret by value (expected auth = { header = "Authorization", value = { env = "NAME" } }, or bearer, '
         "or username and password)"),
        (PROM + "headers = { X-Vault-Token = 'hunter2' }", "f:3: environments.p.prometheus.headers: X-Vault-Token carries a "
         'secret by value (expected auth = { header = "X-Vault-Token", value = { env = "NAME" } }, or bearer, '
         "or username and password)"),
        (PROM + "headers = { 'a b' = 'x' }", 'f:3: environments.p.prometheus.headers: "a b" is not the name of a header '
         "(expected letters, digits and hyphens)"),
        (PROM + 'headers = { a = "x\\ny" }', "f:3: environments.p.prometheus.headers: the value of a holds a character that "
         "a header cannot carry (expected printable ASCII)"),
        (PROM + "tls = { key = 'k' }", "f:3: environments.p.prometheus.tls: has key without cert "
         "(expected both, or cert alone if it holds the key as well)"),
        (PROM + "auth = 'Bearer hunter2'", "f:3: environments.p.prometheus.auth: is text (expected a table)"),
        (PROM + "auth = {}", f"f:3: environments.p.prometheus.auth: is empty {AUTH}"),
        (PROM + "auth = { username = 'u' }", f"f:3: environments.p.prometheus.auth: has username without password {AUTH}"),
        (PROM + "auth = { value = { env = 'X' } }", f"f:3: environments.p.prometheus.auth: has value without header {AUTH}"),
        (PROM + "auth = { bearer = { env = 'X' }, header = 'h', value = { env = 'X' } }",
         f"f:3: environments.p.prometheus.auth: has bearer and header {AUTH}"),
        (PROM + "auth = { bearer = 'hunter2' }", f"f:3: environments.p.prometheus.auth.bearer: {SECRET}"),
        (PROM + "auth = { username = 'u', password = 12345 }", f"f:3: environments.p.prometheus.auth.password: {SECRET}"),
        (PROM + "auth = { bearer = {} }",
         "f:3: environments.p.prometheus.auth.bearer: is empty (expected exactly one of env, file, command)"),
        (PROM + "auth = { bearer = { env = 'X', file = 'y' } }", "f:3: environments.p.prometheus.auth.bearer: has env and file "
         "(expected exactly one of env, file, command)"),
        (PROM + "auth = { bearer = { value = 'hunter2' } }",
         "f:3: environments.p.prometheus.auth.bearer.value: unknown key (expected one of env, file, command)"),
        (PROM + "auth = { bearer = { env = 'hunter-2' } }", "f:3: environments.p.prometheus.auth.bearer: env is not the name of "
         "an environment variable (expected letters, digits and underscores)"),
        (PROM + "auth = { bearer = { command = [] } }",
         "f:3: environments.p.prometheus.auth.bearer.command: is empty (expected a list that is not empty)"),
        (PROM + "auth = { bearer = { command = 'cat x' } }",
         "f:3: environments.p.prometheus.auth.bearer.command: is text (expected a list)"),
        ("[environments.p.kubernetes]\nin_cluster = true\ncontext = 'x'", "f:1: environments.p.kubernetes: has in_cluster with a "
         "kubeconfig or context (expected either in_cluster, or kubeconfig and context)"),
        ("[environments.p.logs.a]\n", "f:1: environments.p.logs.a: has no source "
         "(expected exactly one of file, command, pods, loki)"),
        ("[environments.p.logs.a]\nfile = 'x'\npods = 'y'", "f:1: environments.p.logs.a: has file and pods "
         "(expected exactly one of file, command, pods, loki)"),
        ("[environments.p.logs.a]\nloki = 'x'", "f:1: environments.p.logs.a: has loki without url "
         "(expected the base URL of the log store)"),
        ("[environments.p.logs.a]\nfile = 'x'\nurl = 'http://h'", "f:1: environments.p.logs.a: has url or auth with file "
         "(expected url and auth only with loki)"),
        ("[environments.p.logs.a]\nfile = 'x'\nnamespace = 'y'", "f:1: environments.p.logs.a: has namespace with file "
         "(expected namespace only with pods)"),
        # between tables
        ("[[targets]]\njob = 'a'\n[[targets]]\njob = 'a'",
         'f:3: targets[1]: has the same id as targets[0] at f:1: "a" (expected an id of its own: id = …)'),
        (SERVICE + "[[environments.p.endpoints]]\nservice = 'x'",
         'f:4: environments.p.endpoints[0].service: environment "p" has no service "x" (expected "s")'),
        (SERVICE.replace(".s]", ".parser]") + "[[endpoints]]\nservice = 'praser'", 'f:4: endpoints[0].service: environment "p" '
         'has no service "praser"; did you mean "parser"? (expected "parser")'),
        (PROM + "[[expositions]]\nservice = 's'", 'f:4: expositions[0].service: environment "p" has no services '
         "(expected a table [environments.p.services.s])"),
        ("[[transactions]]\nservice = 's'\npath = '/'", 'f:2: transactions[0].service: there is no environment, so no service "s" '
         "(expected a table [environments.NAME])"),
        ("default_environment = 'prd'\n[environments.prod]\n[environments.staging]", "f:1: default_environment: unknown "
         'environment "prd"; did you mean "prod"? (expected "prod" or "staging")'),
        ("[environments.prod]\n[environments.staging]", "f:1: default_environment: is not given, and the file has 2 environments "
         '(expected "prod" or "staging", or the option --deploycheck-env)'),
    ],
)  # fmt: skip
def test_message(text: str, message: str, mistakes: Callable[[str], list[str]]) -> None:
    found = [each.replace("deploycheck.toml:", "f:") for each in mistakes(text)]
    assert found == [message]
    assert "hunter" not in str(found)


def test_all_mistakes_at_once_in_file_order(mistakes: Callable[[str], list[str]]) -> None:
    assert mistakes("strict = 1\n[[slos]]\nbelow = 1\n[[targets]]\n[environments.p.grafana]\n") == [
        "deploycheck.toml:1: strict: is a whole number (expected true or false)",
        "deploycheck.toml:2: slos[0].expr: is missing (expected text that is not empty)",
        "deploycheck.toml:4: targets[0].job: is missing (expected text that is not empty)",
        "deploycheck.toml:5: environments.p.grafana.url: is missing (expected text that is not empty)",
    ]


def test_a_mistake_in_an_environment_that_is_not_used_is_one(mistakes: Callable[[str], list[str]]) -> None:
    text = "default_environment = 'a'\n[environments.a]\n[[environments.b.versions]]\nservice = 's'\n"
    assert mistakes(text) == [
        'deploycheck.toml:4: environments.b.versions[0].service: environment "b" has no services '
        "(expected a table [environments.b.services.s])"
    ]


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.datetimes(), st.dates(), st.times()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["url", "env", "known", "service", "labels", "auth", "x"]), inner, max_size=3),
    ),
    max_leaves=6,
)
ENTRY_KEYS = ("service", "metric", "path", "status", "json", "labels", "expr", "below", "max_age", "body", "dependencies", "moving")
SYSTEM_KEYS = ("url", "auth", "headers", "tls", "timeouts", "retries", "max_body", "proxy", "writes", "compression")
PYDANTIC = ("input should", "value error", "valid ", "type=", "pydantic", "instance of", "dictionary", "nonetype", "field required")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_stands_there_the_words_are_ours(data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(["endpoints", "versions", "metrics", "slos", "transactions", "rules", "routes", "alerts"]))
    entry = data.draw(st.dictionaries(st.sampled_from(ENTRY_KEYS), VALUES, max_size=4))
    system = data.draw(st.dictionaries(st.sampled_from(SYSTEM_KEYS), VALUES, max_size=4))
    kind = data.draw(st.sampled_from(["prometheus", "grafana", "kubernetes"]))
    top = data.draw(st.dictionaries(st.sampled_from(["reports", "strict", "deployment", "unmarked", "waiver_max_days"]), VALUES))
    raw = {**top, table: entry if table == "alerts" else [entry], "environments": {"p": {kind: system, "services": {"s": system}}}}
    try:
        Settings.model_validate(raw)
    except ValidationError as error:
        for mistake in translate(error, raw, Settings, lambda _path: "f:1"):
            # What we say ourselves about PromQL and regular expressions, and what stands in quotes, is not pydantic's.
            words = mistake.problem.split('"')[0].lower().replace("not a valid regular", "").replace("not valid promql", "")
            assert not [word for word in PYDANTIC if word in words], mistake
            assert mistake.problem
            assert "\n" not in str(mistake)
