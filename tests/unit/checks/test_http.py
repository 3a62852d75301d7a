from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.checks.documents import NotThere, lookup, same
from pytest_deploycheck.checks.http import answered, endpoint, exposition, labelled, version
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.http import Exposition, HttpAnswer, MetricFamily
from pytest_deploycheck.model.outcome import Outcome
from pytest_deploycheck.settings.checks import Dependencies as SettingsDependencies

if TYPE_CHECKING:
    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.model.finding import Finding


@dataclass(frozen=True)
class Dependencies:
    at: str = "dependencies"
    name_key: str = "name"
    status_key: str = "status"
    healthy: tuple[str | float | bool, ...] = ("ok", "up", True)
    expected: tuple[str, ...] = ()


def answer(
    body: Any = None, *, status: int = 200, elapsed: float = 0.01, url: str = "http://s/health", **headers: str
) -> HttpAnswer:
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return HttpAnswer(
        method="GET",
        url=url,
        status=status,
        headers={key.replace("_", "-"): text for key, text in headers.items()},
        body=raw,
        elapsed=elapsed,
    )


def one_problem(finding: Finding) -> tuple[Outcome, tuple[str, ...]]:
    assert len(finding.rows) == 1
    return finding.outcome, finding.rows[0]


def test_an_answer_that_is_all_it_should_be(asked: Asked) -> None:
    finding = endpoint(
        answer(
            {"status": "ok", "dependencies": [{"name": "db", "status": "UP"}]}, content_type="Application/JSON; a=b"
        ),
        asked,
        statuses=(204, 200),
        json_values={"status": "ok"},
        contains="db",
        content_type="application/json",
        max_latency_s=0.1,
        dependencies=Dependencies(expected=("db",)),
    )
    assert finding.outcome is Outcome.PASSED
    assert finding.expected == (
        "status 200 or 204, content type application/json, status = \"ok\", a body that contains 'db', "
        "within 100 ms, healthy dependencies (db among them)"
    )
    assert finding.observed == "200 in 10 ms, 1 healthy dependency"


def test_everything_wrong_is_shown_at_once(asked: Asked) -> None:
    finding = endpoint(
        answer(b"<html>sorry</html>", status=500, elapsed=2.0, content_type="text/html"),
        asked,
        json_values={"status": "ok"},
        contains="fine",
        content_type="application/json",
        max_latency_s=0.1,
    )
    assert finding.outcome is Outcome.FAILED
    assert finding.columns == ("what", "expected", "observed")
    assert finding.rows == (
        ("status", "200", "500, <html>sorry</html>"),
        ("content type", "application/json", "text/html"),
        ("body", "JSON", "not JSON (Expecting value: line 1 column 1 (char 0)): <html>sorry</html>"),
        ("body", "contains 'fine'", "<html>sorry</html>"),
        ("latency", "at most 100 ms", "2 s"),
    )
    assert finding.observed.startswith("status: 500, <html>sorry</html>; content type: text/html; body: not JSON")


@pytest.mark.parametrize(
    ("found", "observed"),
    [
        (answer(status=503), "503, with an empty body"),
        (answer(status=302, location="http://sso/login"), "302, a redirect to http://sso/login"),
        (answer(status=302), "302, a redirect to nowhere"),
    ],
)
def test_another_status_fails(asked: Asked, found: HttpAnswer, observed: str) -> None:
    assert one_problem(endpoint(found, asked)) == (Outcome.FAILED, ("status", "200", observed))


@pytest.mark.parametrize(
    ("body", "observed"),
    [
        (b"", "the body is empty"),
        (b"{", "not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1)): {"),
        (b'{"status": NaN}', 'not JSON (NaN is no JSON value): {"status": NaN}'),
        (b"[" * 100_000, f"not JSON (nested too deeply): {'[' * 200}…"),
    ],
)
def test_no_json_where_json_is_expected_fails(asked: Asked, body: bytes, observed: str) -> None:
    finding = endpoint(answer(body), asked, json_values={"status": "ok"})
    assert one_problem(finding) == (Outcome.FAILED, ("body", "JSON", observed))


@pytest.mark.parametrize(
    ("value", "expected", "equal"),
    [
        (True, True, True),
        (True, 1, False),
        (1, True, False),
        (0, False, False),
        ("1", 1, False),
        (1, 1.0, True),
        ("ok", "OK", False),
        (None, "", False),
        (None, None, True),
        ([1], 1, False),
    ],
)
def test_json_values_are_compared_strictly(value: Any, expected: Any, *, equal: bool) -> None:
    assert same(value, expected) is equal


def test_a_json_value_that_differs_or_is_not_there(asked: Asked) -> None:
    body = {"checks": [{"db": "down"}], "ready": 1}
    finding = endpoint(answer(body), asked, json_values={"checks.0.db": "up", "ready": True, "checks.1.db": "up"})
    assert finding.rows == (
        ("checks.0.db", '"up"', '"down"'),
        ("ready", "true", "1"),
        ("checks.1.db", '"up"', "no '1' in checks, a list of 1"),
    )


def test_lookup() -> None:
    document = {"a": {"b.c": 1, "b": {"d": [10, {"e": 2}]}}, "x": None}
    assert lookup(document, "a.b.c") == 1
    assert lookup(document, "a.b.d.1.e") == 2
    assert lookup(document, "") is document
    assert lookup(document, "x") is None
    for path, text in (
        ("a.z", "no 'z' in a; there are: b, b.c"),
        ("a.b.d.-1", "no '-1' in a.b.d, a list of 2"),
        ("x.y", "no 'y' in x, which is null"),
        ("q", "no 'q'; there are: a, x"),
    ):
        with pytest.raises(NotThere) as caught:
            lookup(document, path)
        assert str(caught.value) == text


def test_a_latency_that_was_not_measured_is_inconclusive(asked: Asked) -> None:
    finding = endpoint(answer(elapsed=math.nan), asked, max_latency_s=1)
    assert one_problem(finding) == (Outcome.INCONCLUSIVE, ("latency", "at most 1 s", "not measured"))


@pytest.mark.parametrize(
    ("report", "outcome", "row"),
    [
        ([], Outcome.INCONCLUSIVE, ("dependencies", "a report at 'dependencies'", "an empty report")),
        ({}, Outcome.INCONCLUSIVE, ("dependencies", "a report at 'dependencies'", "an empty report")),
        (
            "ok",
            Outcome.INCONCLUSIVE,
            ("dependencies", "a report at 'dependencies'", 'neither a list nor an object: "ok"'),
        ),
        ({"db": "down"}, Outcome.FAILED, ("dependency db", 'one of "ok", "up", true', '"down"')),
        ({"db": 1}, Outcome.FAILED, ("dependency db", 'one of "ok", "up", true', "1")),
        ({"db": False}, Outcome.FAILED, ("dependency db", 'one of "ok", "up", true', "false")),
        ({"db": {"latency": 3}}, Outcome.INCONCLUSIVE, ("dependency db", 'one of "ok", "up", true', "no 'status'")),
        ({"db": None}, Outcome.INCONCLUSIVE, ("dependency db", 'one of "ok", "up", true', "no 'status'")),
        (
            [{"status": "ok"}],
            Outcome.INCONCLUSIVE,
            ("a dependency without a name", "a 'name'", "none"),
        ),
        (["db"], Outcome.INCONCLUSIVE, ("a dependency without a name", 'one of "ok", "up", true', "no 'status'")),
    ],
)
def test_dependencies_that_are_not_healthy(
    asked: Asked, report: Any, outcome: Outcome, row: tuple[str, str, str]
) -> None:
    finding = endpoint(answer({"dependencies": report}), asked, dependencies=Dependencies())
    assert one_problem(finding) == (outcome, row)


def test_healthy_dependencies_in_either_form(asked: Asked) -> None:
    for report in ({"db": "OK", "redis": True, "s3": {"status": "up"}}, [{"name": "db", "status": " Ok "}]):
        assert endpoint(answer({"dependencies": report}), asked, dependencies=Dependencies()).passed
    assert endpoint(answer({"db": "ok"}), asked, dependencies=Dependencies(at="", expected=("db",))).passed
    settings = SettingsDependencies(expected=("db",))
    assert endpoint(answer({"dependencies": {"db": "ok"}}), asked, dependencies=settings).passed


def test_an_expected_dependency_that_is_not_reported_fails(asked: Asked) -> None:
    finding = endpoint(answer({"dependencies": {"db": "ok"}}), asked, dependencies=Dependencies(expected=("db", "s3")))
    assert one_problem(finding) == (Outcome.FAILED, ("dependency s3", "reported", "missing; reported: db"))
    absent = endpoint(answer({}), asked, dependencies=Dependencies())
    assert one_problem(absent) == (
        Outcome.INCONCLUSIVE,
        ("dependencies", "a report at 'dependencies'", "no 'dependencies'; there are: none"),
    )


def test_expectations_that_always_or_never_hold_are_mistakes(asked: Asked) -> None:
    with pytest.raises(AuthorMistake, match="no status is accepted"):
        endpoint(answer(), asked, statuses=())
    with pytest.raises(AuthorMistake, match="every body contains the empty text"):
        endpoint(answer(), asked, contains="")
    with pytest.raises(AuthorMistake, match="the latency bound is 0 s: nothing is that fast"):
        endpoint(answer(), asked, max_latency_s=0)


# --- versions ------------------------------------------------------------


def test_every_replica_is_of_the_version(asked: Asked) -> None:
    series = [{"version": "1.2", "instance": "a"}, {"version": "1.2", "instance": "b"}]
    finding = version(labelled(series, "version"), asked, expected="1.2", replicas=2)
    assert (finding.outcome, finding.expected) == (Outcome.PASSED, "exactly 2 replicas, each of version 1.2")
    assert finding.observed == "2 replicas of version 1.2"


def test_one_replica_of_another_version_fails(asked: Asked) -> None:
    series = [{"version": "1.2"}, {"version": "1.1", "instance": "b"}, {"version": "v1.2", "instance": "c"}]
    finding = version(labelled(series, "version"), asked, expected="1.2")
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == "2 of 3 replicas are of another version: 1.1, v1.2"
    assert finding.rows == (
        ('{instance="b", version="1.1"}', "1.1", "another version"),
        ('{instance="c", version="v1.2"}', "v1.2", "differs only by the leading v"),
    )


@pytest.mark.parametrize(("replicas", "word"), [(1, "more"), (3, "fewer")])
def test_another_number_of_replicas_fails(asked: Asked, replicas: int, word: str) -> None:
    told = labelled([{"version": "1"}, {"version": "1"}], "version")
    finding = version(told, asked, expected="1", replicas=replicas)
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, f"2 replicas, {word} than expected")


def test_no_version_or_none_expected_is_inconclusive(asked: Asked) -> None:
    bare = version(labelled([{"job": "a"}], "version"), asked, expected="1")
    assert (bare.outcome, bare.observed) == (Outcome.INCONCLUSIVE, "1 of 1 replica is without a version")
    assert bare.rows == (('{job="a"}', "", "no label version"),)
    assert version((), asked, expected="1").observed == "no data: no replica told a version"
    told = labelled([{"version": "1"}], "version")
    for unknown in (None, ""):
        finding = version(told, asked, expected=unknown)
        assert finding.outcome is Outcome.INCONCLUSIVE
        assert finding.observed == "the deployed version is not known: nothing tells what must be found"


def test_versions_of_json_answers(asked: Asked) -> None:
    found = [
        answer({"build": {"version": "1.2"}}, url="http://a"),
        answer({"build": {"version": 3}}, url="http://b"),
        answer(b"<html>", url="http://c"),
        answer({}, url="http://d", status=500),
        answer({"build": {"version": None}}, url="http://e"),
        answer({}, url="http://f"),
    ]
    told = answered(found, "build.version")
    assert [one.version for one in told] == ["1.2", "3", None, None, None, None]
    finding = version(told, asked, expected="1.2")
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == (
        "1 of 6 replicas is of another version: 3; 2 of 6 replicas are answering with an error; "
        "2 of 6 replicas are without a version"
    )
    assert [row[2] for row in finding.rows] == [
        "another version",
        "not JSON (Expecting value: line 1 column 1 (char 0)): <html>",
        "status 500: {}",
        "build.version is null, which is no version",
        "no 'build'; there are: none",
    ]


# --- expositions ------------------------------------------------------------


def scraped(elapsed: float = 0.02, **families: int) -> Exposition:
    return Exposition(
        url="http://s/metrics",
        content_type="text/plain",
        families={name: MetricFamily(name=name, type="gauge", samples=count) for name, count in families.items()},
        sample_names=frozenset(f"{name}_total" for name, count in families.items() if count),
        size=10,
        elapsed=elapsed,
    )


def test_an_exposition(asked: Asked) -> None:
    finding = exposition(
        scraped(app_a=1, app_b=2, other=1),
        asked,
        prefix="app_",
        min_families=2,
        required=("app_a", "app_b_total"),
        max_latency_s=0.1,
    )
    assert finding.outcome is Outcome.PASSED
    assert finding.expected == "at least 2 families named app_…, app_a, app_b_total among the names, within 100 ms"
    assert finding.observed == "2 families with samples in 20 ms"


def test_families_without_samples_do_not_count(asked: Asked) -> None:
    finding = exposition(scraped(app_a=0, app_b=1), asked, prefix="app_", min_families=2, required=("app_a",))
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == "1 family with samples named app_… among 1 family; 1 required name missing"
    assert finding.rows == (("app_a", "declared, but without samples"),)
    assert exposition(scraped(), asked).observed == "0 families with samples"


def test_the_beginning_of_a_name_is_not_the_name(asked: Asked) -> None:
    finding = exposition(scraped(app_sessions=1), asked, required=("app_sess", "app_sesions", "zzz"))
    assert finding.rows == (
        ("app_sesions", "not there; similar: app_sessions, app_sessions_total"),
        ("app_sess", "not there; only the beginning of app_sessions, app_sessions_total"),
        ("zzz", "not there"),
    )


def test_a_slow_exposition_fails_and_an_unmeasured_one_is_inconclusive(asked: Asked) -> None:
    slow = exposition(scraped(elapsed=0.15, a=1), asked, max_latency_s=0.1)
    assert (slow.outcome, slow.observed) == (Outcome.FAILED, "took 150 ms")
    unmeasured = exposition(scraped(elapsed=math.nan, a=1), asked, max_latency_s=0.1)
    assert (unmeasured.outcome, unmeasured.observed) == (Outcome.INCONCLUSIVE, "its latency was not measured")
    with pytest.raises(AuthorMistake, match="the least number of families is 0"):
        exposition(scraped(a=1), asked, min_families=0)
