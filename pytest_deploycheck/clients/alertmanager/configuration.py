"""The loaded configuration: the routing tree with everything inherited filled in, and the receivers."""

from __future__ import annotations

from typing import Any

from pytest_deploycheck.clients.alertmanager.matchers import parse_matchers
from pytest_deploycheck.model.alertmanager import Configuration, InhibitRule, Matcher, Receiver, Route
from pytest_deploycheck.model.duration import parse_go_duration

_DEEPEST = 100
_NAMES_OF_TIMES = ("group_wait", "group_interval", "repeat_interval")


def parse_configuration(text: str) -> Configuration:
    """Return the configuration that Alertmanager shows as YAML.

    Raises:
        ValueError: if it is not one; with the key and what is wrong there.
    """
    import yaml

    try:
        # the C loader is not always there, and a configuration is small
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        message = f"not YAML: {' '.join(str(error).split())}"
        raise ValueError(message) from None
    root = _mapping(document, "the configuration")
    if "route" not in root:
        message = "route: missing"
        raise ValueError(message)
    receivers = tuple(
        _receiver(entry, f"receivers[{index}]") for index, entry in enumerate(_list(root.get("receivers"), "receivers"))
    )
    # the defaults of dispatch/route.go: DefaultRouteOpts
    route = _route(_mapping(root["route"], "route"), "route", Route(receiver=""), depth=0)
    _require_receivers(route, {receiver.name for receiver in receivers}, "route")
    inhibiting = _list(root.get("inhibit_rules"), "inhibit_rules")
    rules = tuple(_inhibit_rule(entry, f"inhibit_rules[{index}]") for index, entry in enumerate(inhibiting))
    return Configuration(route=route, receivers=receivers, inhibit_rules=rules)


def _inhibit_rule(entry: Any, where: str) -> InhibitRule:
    node = _mapping(entry, where)
    return InhibitRule(
        source=_matchers(node, where, "source_"),
        target=_matchers(node, where, "target_"),
        equal=_texts(node.get("equal"), f"{where}.equal"),
    )


def _route(node: dict[str, Any], where: str, parent: Route, depth: int) -> Route:
    """Return a node of the tree.

    Receiver, grouping and times are inherited; matchers, `continue` and mute times are not.
    """
    if depth > _DEEPEST:
        message = f"{where}: routes inside of routes, more than {_DEEPEST} deep"
        raise ValueError(message)
    receiver = node.get("receiver") or parent.receiver
    if not isinstance(receiver, str) or not receiver:
        message = f"{where}.receiver: missing"
        raise ValueError(message)
    times = {name: _duration(node[name], f"{where}.{name}") for name in _NAMES_OF_TIMES if node.get(name) is not None}
    own = Route(
        receiver=receiver,
        matchers=_matchers(node, where),
        continue_=_flag(node.get("continue", False), f"{where}.continue"),
        group_by=_texts(node["group_by"], f"{where}.group_by") if node.get("group_by") else parent.group_by,
        group_wait=times.get("group_wait", parent.group_wait),
        group_interval=times.get("group_interval", parent.group_interval),
        repeat_interval=times.get("repeat_interval", parent.repeat_interval),
        mute_time_intervals=_texts(node.get("mute_time_intervals"), f"{where}.mute_time_intervals"),
    )
    children = tuple(
        _route(_mapping(child, f"{where}.routes[{index}]"), f"{where}.routes[{index}]", own, depth + 1)
        for index, child in enumerate(_list(node.get("routes"), f"{where}.routes"))
    )
    return Route(
        receiver=own.receiver,
        matchers=own.matchers,
        continue_=own.continue_,
        routes=children,
        group_by=own.group_by,
        group_wait=own.group_wait,
        group_interval=own.group_interval,
        repeat_interval=own.repeat_interval,
        mute_time_intervals=own.mute_time_intervals,
    )


def _matchers(node: dict[str, Any], where: str, prefix: str = "") -> tuple[Matcher, ...]:
    """Return matchers in all three notations; they may stand side by side, and all must match.

    Args:
        node: that has them.
        where: it stands.
        prefix: of their keys, such as `source_`.
    """
    found: list[Matcher] = []
    for key, is_regex in ((f"{prefix}match", False), (f"{prefix}match_re", True)):
        for name, value in _mapping(node.get(key) or {}, f"{where}.{key}").items():
            found.append(Matcher(name=str(name), value=_text(value, f"{where}.{key}.{name}"), is_regex=is_regex))
    key = f"{prefix}matchers"
    written = node.get(key)
    for text in [written] if isinstance(written, str) else _list(written, f"{where}.{key}"):
        try:
            found.extend(parse_matchers(_text(text, f"{where}.{key}")))
        except ValueError as error:
            message = f"{where}.{key}: {error}"
            raise ValueError(message) from None
    return tuple(found)


def _receiver(entry: Any, where: str) -> Receiver:
    node = _mapping(entry, where)
    name = node.get("name")
    if not isinstance(name, str) or not name:
        message = f"{where}.name: missing"
        raise ValueError(message)
    kinds = [key.removesuffix("_configs") for key, value in node.items() if str(key).endswith("_configs") and value]
    return Receiver(name=name, integrations=tuple(kinds))


def _require_receivers(route: Route, known: set[str], where: str) -> None:
    if route.receiver not in known:
        message = f"{where}.receiver: there is no receiver {route.receiver!r}"
        raise ValueError(message)
    for index, child in enumerate(route.routes):
        _require_receivers(child, known, f"{where}.routes[{index}]")


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        message = f"{where}: a mapping was expected, not {type(value).__name__}"
        raise ValueError(message)  # noqa: TRY004 - the kind of value is in the file, not in the program
    return value


def _list(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        message = f"{where}: a list was expected, not {type(value).__name__}"
        raise ValueError(message)  # noqa: TRY004
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    return tuple(_text(entry, where) for entry in _list(value, where))


def _text(value: Any, where: str) -> str:
    """Return a text; YAML reads an unquoted `5` or `true` as something else, which Alertmanager takes as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    message = f"{where}: a text was expected, not {type(value).__name__}"
    raise ValueError(message)


def _duration(value: Any, where: str) -> float:
    try:
        return parse_go_duration(_text(value, where))
    except ValueError as error:
        message = f"{where}: {error}"
        raise ValueError(message) from None


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        message = f"{where}: true or false was expected, not {value!r}"
        raise ValueError(message)  # noqa: TRY004
    return value
