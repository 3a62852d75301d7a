"""What Allure shows of a check: whether it gates, who answers for it, the finding, how it waited, what was observed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import allure
from allure_commons.model2 import Status, StatusDetails

from pytest_deploycheck.model.outcome import Level, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_MOST: Final = 200_000
"""Characters of an answer that are attached; the whole of it is in the evidence folder, under its digest."""

_SEVERITY: Final = {"blocker": allure.severity_level.BLOCKER, "warning": allure.severity_level.MINOR}


def declare(declaration: Mapping[str, Any], known: Collection[str]) -> None:
    """Label the running test with what its author declared.

    Args:
        declaration: as builtins, see `Declaration.to_dict`.
        known: the markers that Allure makes tags of by itself: those without arguments.
    """
    dynamic: Any = allure.dynamic  # its functions carry no types
    dynamic.severity(_SEVERITY[declaration["level"]])
    tags = (declaration["level"], *declaration["categories"], declaration["requirement"])
    dynamic.tag(*(tag for tag in tags if tag and tag not in known))
    if declaration["owner"]:
        dynamic.label("owner", declaration["owner"])
    if declaration["runbook"]:
        dynamic.link(declaration["runbook"], name="runbook")
    if declaration["ticket"]:
        dynamic.label("ticket", declaration["ticket"])


def show(payload: Mapping[str, Any], result: Any) -> None:
    """Let the running test's result say what we say, and attach one phase's finding and observations.

    Allure makes its own text of the exception, in which nothing is masked; ours takes its place. Only a blocker that
    was measured as bad is `failed`: a warning, and what could not be measured, is `broken`.

    Args:
        payload: of `session.payload.pack`; its texts are masked already.
        result: Allure's result of the test; None if it has none.
    """
    outcome = payload["outcome"]
    if result is not None and outcome not in (Outcome.PASSED, Outcome.NOT_RUN):
        gates = outcome == Outcome.FAILED and payload["declaration"]["level"] == Level.BLOCKER
        result.status = Status.FAILED if gates else Status.BROKEN
        result.statusDetails = StatusDetails(message=f"{outcome}: {payload['summary']}", trace=payload["text"])
    attach: Any = allure.attach
    if payload["text"]:
        attach(payload["text"], f"{payload['outcome']}: {payload['summary']}", allure.attachment_type.TEXT)
    if payload["exchanges"]:
        attach(
            json.dumps([_observed(one, payload["bodies"]) for one in payload["exchanges"]], indent=2, default=str),
            f"observed ({payload['phase']})",
            allure.attachment_type.JSON,
        )


def _observed(exchange: Mapping[str, Any], bodies: Mapping[str, Any]) -> dict[str, Any]:
    """Return an exchange with the head of its answer."""
    body = next((bodies[value] for value in exchange.values() if isinstance(value, str) and value in bodies), None)
    if isinstance(body, str) and len(body) > _MOST:
        body = f"{body[:_MOST]}… ({len(body) - _MOST} more characters in the evidence)"
    return {**exchange, "answer": body}
