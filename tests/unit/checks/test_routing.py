from __future__ import annotations

import random
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.checks.routing import receivers, route, routed
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.alertmanager import Configuration, Matcher, Receiver, Route
from pytest_deploycheck.model.outcome import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_deploycheck.checks.asked import Asked


def equal(name: str, value: str) -> Matcher:
    return Matcher(name=name, value=value)


CONFIGURATION = Configuration(
    route=Route(
        receiver="default",
        routes=(
            Route(receiver="audit", matchers=(Matcher(name="team", value=".+", is_regex=True),), continue_=True),
            Route(
                receiver="db",
                matchers=(equal("team", "db"),),
                routes=(
                    Route(receiver="pager", matchers=(equal("severity", "page"),), mute_time_intervals=("night",)),
                ),
            ),
            Route(receiver="late", matchers=(equal("team", "db"),)),
            Route(receiver="null", matchers=(equal("alertname", "Watchdog"),)),
        ),
    ),
    receivers=(
        Receiver(name="default", integrations=("email",)),
        Receiver(name="audit", integrations=("webhook",)),
        Receiver(name="db", integrations=("slack",)),
        Receiver(name="pager", integrations=("pagerduty", "slack")),
        Receiver(name="late", integrations=("slack",)),
        Receiver(name="null"),
    ),
)


def test_children_before_the_node_and_the_first_match_stops() -> None:
    found = route(CONFIGURATION, {"team": "db", "severity": "page"})
    assert [(one.receiver, str(one)) for one in found] == [
        ("audit", 'default → {team=~".+"}'),
        ("pager", 'default → {team="db"} → {severity="page"}'),
    ]
    assert receivers(CONFIGURATION, {"team": "db"}) == ("audit", "db")
    assert receivers(CONFIGURATION, {"team": "web"}) == ("audit",)
    assert receivers(CONFIGURATION, {}) == ("default",)


def test_an_alert_that_goes_where_it_should(asked: Asked) -> None:
    finding = routed(CONFIGURATION, {"team": "db", "severity": "page"}, ["pager", "audit"], asked)
    assert finding.outcome is Outcome.PASSED
    assert finding.expected == '{severity="page", team="db"} goes to audit, pager'
    assert finding.observed == (
        'audit by default → {team=~".+"}; pager by default → {team="db"} → {severity="page"}; muted in night'
    )


def test_an_alert_that_goes_elsewhere_fails_with_the_way(asked: Asked) -> None:
    finding = routed(CONFIGURATION, {"team": "db"}, ["late", "audit"], asked)
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == "does not reach late; goes to db"
    assert finding.columns == ("receiver", "integrations", "way", "problem")
    assert finding.rows == (
        ("late", "slack", "", "not reached"),
        ("db", "slack", 'default → {team="db"}', "not expected"),
    )


def test_an_expected_receiver_that_does_not_exist_fails_with_those_that_do(asked: Asked) -> None:
    finding = routed(CONFIGURATION, {}, ["dfault", "default"], asked)
    assert finding.outcome is Outcome.FAILED
    assert finding.observed == (
        "1 expected receiver not in the configuration, which has audit, db, default, late, null, pager"
    )


def test_a_receiver_without_integration_fails_unless_that_is_meant(asked: Asked) -> None:
    labels = {"alertname": "Watchdog"}
    bad = routed(CONFIGURATION, labels, ["null"], asked)
    assert (bad.outcome, bad.observed) == (Outcome.FAILED, "null has no integration and notifies nobody")
    meant = routed(CONFIGURATION, labels, ["null"], asked, integration="none")
    assert (meant.outcome, meant.expected) == (
        Outcome.PASSED,
        '{alertname="Watchdog"} goes to null, without integrations',
    )
    wrong = routed(CONFIGURATION, {}, ["default"], asked, integration="none")
    assert (wrong.outcome, wrong.observed) == (Outcome.FAILED, "default notifies by email")


def test_the_kind_of_integration(asked: Asked) -> None:
    assert routed(CONFIGURATION, {}, ["default"], asked, integration="email").passed
    finding = routed(CONFIGURATION, {}, ["default"], asked, integration="slack")
    assert (finding.outcome, finding.observed) == (Outcome.FAILED, "default has no slack integration")
    assert finding.expected == "{} goes to default, with slack"


def test_what_cannot_be_judged_is_inconclusive(asked: Asked) -> None:
    strange = Route(receiver="a", matchers=(Matcher(name="x", value=r"\pL", is_regex=True),))
    configuration = Configuration(route=Route(receiver="a", routes=(strange,)), receivers=(Receiver(name="a"),))
    finding = routed(configuration, {}, ["a"], asked)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.observed == r"cannot judge the regular expression '\\pL': \p is not supported"
    empty = routed(Configuration(route=Route(receiver="a"), receivers=()), {}, ["a"], asked)
    assert (empty.outcome, empty.observed) == (Outcome.INCONCLUSIVE, "the configuration shows no receivers")
    with pytest.raises(AuthorMistake, match="no receiver is expected"):
        routed(CONFIGURATION, {}, [], asked)


# --- against Alertmanager's own tool ------------------------------------------------------------

VALUES = ("", "a", "b", "ab", "A", "x.y")
EXPRESSIONS = ("a|b", ".+", ".*", "a", "(?i)a", "[[:alpha:]]+", r"x\.y", "", "a.*|^b$", r"\Qx.y\E")


def any_route(source: random.Random, depth: int, *, root: bool = False) -> Route:
    matchers = () if root else tuple(any_matcher(source) for _ in range(source.randint(1, 2)))
    children = source.randint(1, 4) if depth else 0
    return Route(
        receiver=f"r{source.randint(0, 9)}",
        matchers=matchers,
        continue_=not root and source.random() < 0.4,
        routes=tuple(any_route(source, depth - 1) for _ in range(children)),
    )


def any_matcher(source: random.Random) -> Matcher:
    regex = source.random() < 0.5
    return Matcher(
        name=source.choice("xyz"),
        value=source.choice(EXPRESSIONS if regex else VALUES),
        is_regex=regex,
        is_equal=source.random() < 0.7,
    )


def yaml_of(node: Route, indent: str = "  ") -> str:
    lines = [f"{indent}receiver: {node.receiver}", f"{indent}continue: {'true' if node.continue_ else 'false'}"]
    if node.matchers:
        lines.append(f"{indent}matchers:")
        for matcher in node.matchers:
            text = str(matcher).replace("\\", "\\\\")
            lines.append(f"{indent}- '{text}'")
    if node.routes:
        lines.append(f"{indent}routes:")
        for child in node.routes:
            block = yaml_of(child, f"{indent}  ")
            lines.append(f"{indent}- {block.lstrip()}")
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(6))
def test_the_same_receivers_as_amtool(tmp_path: Path, seed: int) -> None:
    amtool = shutil.which("amtool")
    assert amtool, "amtool is not on PATH; Debian's prometheus-alertmanager has it"
    source = random.Random(seed)  # noqa: S311 - no secret
    tree = any_route(source, 3, root=True)
    names = [f"r{at}" for at in range(10)]
    configuration = Configuration(route=tree, receivers=tuple(Receiver(name=name) for name in names))
    file = tmp_path / "alertmanager.yml"
    receivers_yaml = "\n".join(f"- name: {name}" for name in names)
    root = yaml_of(tree).replace("  continue: false\n", "", 1)
    file.write_text(f"route:\n{root}\nreceivers:\n{receivers_yaml}\n")
    for _ in range(12):
        labels = {name: value for name in "xyz" if (value := source.choice(VALUES))}
        command = [amtool, "config", "routes", "test", f"--config.file={file}"]
        command += [f"{name}={value}" for name, value in labels.items()]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
        assert done.returncode == 0, done.stderr
        assert tuple(done.stdout.strip().split(",")) == receivers(configuration, labels), labels
