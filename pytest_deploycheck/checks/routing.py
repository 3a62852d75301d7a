"""Where an alert goes by the loaded configuration, by Alertmanager's own algorithm.

Source: `Route.Match` in https://github.com/prometheus/alertmanager/blob/main/dispatch/route.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.patterns import UnsupportedPattern, matches
from pytest_deploycheck.checks.wording import count, head, names
from pytest_deploycheck.errors import AuthorMistake
from pytest_deploycheck.model.prometheus import format_labels

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pytest_deploycheck.model.alertmanager import Configuration, Route
    from pytest_deploycheck.model.finding import Finding

NO_INTEGRATION = "none"
"""The `integration` by which an expectation says that its receivers are meant to notify nobody."""


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """One route that an alert ends in.

    Attributes:
        receiver: the receiver's name.
        path: the matchers of each node on the way, from the root on, such as `{team="db"}`; the root is `default`.
        mute_time_intervals: names of the intervals in which the route notifies nobody.
        group_wait: seconds that a new group waits before it notifies.
    """

    receiver: str
    path: tuple[str, ...]
    mute_time_intervals: tuple[str, ...] = ()
    group_wait: float = 0.0

    def __str__(self) -> str:
        """Return the way on one line."""
        return " → ".join(self.path)


def route(configuration: Configuration, labels: Mapping[str, str]) -> tuple[Destination, ...]:
    """Return the routes that an alert with these labels ends in, in Alertmanager's order, repeated ones included.

    Depth first: a node that matches asks its children; the first that matches ends the search among its siblings
    unless it says `continue`; if no child matches, the node itself is it. A label that is missing counts as empty.

    Raises:
        UnsupportedPattern: if an expression on the way cannot be judged as Alertmanager judges it.
    """
    return tuple(_match(configuration.route, labels, ()))


def receivers(configuration: Configuration, labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return the receivers of `route`, as `amtool config routes test` prints them; errors as there."""
    return tuple(destination.receiver for destination in route(configuration, labels))


def _match(node: Route, labels: Mapping[str, str], above: tuple[str, ...]) -> list[Destination]:
    if not all(matches(matcher, labels.get(matcher.name, "")) for matcher in node.matchers):
        return []
    path = (*above, f"{{{', '.join(map(str, node.matchers))}}}" if node.matchers else "default" if not above else "{}")
    found: list[Destination] = []
    for child in node.routes:
        below = _match(child, labels, path)
        found += below
        if below and not child.continue_:
            break
    if found:
        return found
    intervals, wait = node.mute_time_intervals, node.group_wait
    return [Destination(receiver=node.receiver, path=path, mute_time_intervals=intervals, group_wait=wait)]


def routed(
    configuration: Configuration,
    labels: Mapping[str, str],
    expected: Collection[str],
    asked: Asked,
    *,
    integration: str | None = None,
) -> Finding:
    """Judge whether an alert reaches exactly the expected receivers, and whether these notify anybody.

    A receiver without any integration swallows what it gets. It is FAILED even where the expectation names it, unless
    `integration` is `"none"`: a name alone does not tell a black hole that is meant from a receiver that lost its
    integrations.

    Args:
        configuration: as loaded.
        labels: the alert's labels.
        expected: the receivers it must reach, in any order.
        asked: the question.
        integration: the kind of integration each of them must have, such as `slack`; `"none"` for black holes that
            are meant; None for any kind, but at least one.

    Raises:
        AuthorMistake: if no receiver is expected.
    """
    if not expected:
        raise AuthorMistake("no receiver is expected", next_step="name the receivers that the alert must reach")
    having = {NO_INTEGRATION: ", without integrations", None: ""}.get(integration, f", with {integration}")
    judgement = Judgement(
        asked,
        f"{format_labels(labels)} goes to {names(expected)}{having}",
        ("receiver", "integrations", "way", "problem"),
    )
    kinds = {receiver.name: receiver.integrations for receiver in configuration.receivers}
    if not kinds:
        judgement.doubtful("the configuration shows no receivers")
        return judgement.finding("")
    try:
        ways = route(configuration, labels)
    except UnsupportedPattern as error:
        judgement.doubtful(head(str(error)))
        return judgement.finding("")
    reached = dict.fromkeys(way.receiver for way in ways)
    if unknown := sorted(set(expected) - set(kinds)):
        judgement.bad(
            f"{count(len(unknown), 'expected receiver')} not in the configuration, which has {names(kinds)}",
            [(name, "", "", "does not exist") for name in unknown],
        )
    if missed := sorted((set(expected) & set(kinds)) - set(reached)):
        judgement.bad(f"does not reach {names(missed)}", [_row(name, kinds, ways, "not reached") for name in missed])
    if extra := [name for name in reached if name not in expected]:
        judgement.bad(f"goes to {names(extra)}", [_row(name, kinds, ways, "not expected") for name in extra])
    for name in reached:
        if name in expected and (problem := _integration_problem(kinds.get(name, ()), integration)):
            judgement.bad(f"{name} {problem}", [_row(name, kinds, ways, problem)])
    muted = sorted({interval for way in ways for interval in way.mute_time_intervals})
    tail = f"; muted in {names(muted)}" if muted else ""
    return judgement.finding("; ".join(f"{way.receiver} by {way}" for way in ways) + tail)


def same_as_amtool(
    configuration: Configuration, labels: Mapping[str, str], theirs: Sequence[str], asked: Asked
) -> Finding:
    """Judge whether `amtool` comes to the same receivers.

    Args:
        configuration: as loaded.
        labels: the alert's labels.
        theirs: amtool's receivers, in order.
        asked: the question.
    """
    judgement = Judgement(asked, f"amtool comes to the same receivers of {format_labels(labels)}")
    if not theirs:
        judgement.doubtful("no data: amtool names no receiver")
    try:
        ours = receivers(configuration, labels)
    except UnsupportedPattern as error:
        judgement.doubtful(head(str(error)))
        return judgement.finding("")
    if theirs and tuple(theirs) != ours:
        judgement.bad(f"amtool says {', '.join(theirs)}; worked out here: {', '.join(ours)}")
    return judgement.finding(f"amtool says {', '.join(theirs)} too")


def _integration_problem(kinds: Sequence[str], wanted: str | None) -> str:
    if wanted == NO_INTEGRATION:
        return f"notifies by {names(kinds)}" if kinds else ""
    if not kinds:
        return "has no integration and notifies nobody"
    if wanted is not None and wanted not in kinds:
        return f"has no {wanted} integration"
    return ""


def _row(
    name: str, kinds: Mapping[str, Sequence[str]], ways: Sequence[Destination], problem: str
) -> tuple[str, str, str, str]:
    way = "; ".join(dict.fromkeys(str(one) for one in ways if one.receiver == name))
    return (name, names(kinds.get(name, ())), way, problem)
