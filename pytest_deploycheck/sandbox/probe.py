"""Raw reads of the stack's own APIs, for waiting until it is ready; deliberately not the clients under test."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

TIMEOUT_SECONDS = 2.0


class ProbeFailed(Exception):  # noqa: N818 - an answer, mostly "not yet"
    """No usable answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            ProbeFailed: if it is none.
        """
        try:
            return json.loads(self.body)
        except ValueError:
            message = f"not JSON: {self.body[:80]!r}"
            raise ProbeFailed(message) from None


def call(
    url: str,
    method: str = "GET",
    *,
    body: bytes | None = None,
    form: bool = False,
    token: str = "",
    timeout: float = TIMEOUT_SECONDS,
) -> Answer:
    """Send one request; nothing is followed, retried or sent by way of a proxy.

    Args:
        url: an `http` URL.
        method: the method.
        body: what to send: JSON, or a form if `form` is set.
        form: whether the body is a form.
        token: a bearer token.
        timeout: for each step, in seconds.

    Raises:
        ProbeFailed: if no answer came.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    try:
        connection.request(
            method,
            f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}",
            body=body,
            headers={
                **({"Content-Type": kind} if body is not None else {}),
                **({"Authorization": f"Bearer {token}"} if token else {}),
            },
        )
        response = connection.getresponse()
        return Answer(response.status, response.read())
    except (OSError, http.client.HTTPException) as error:
        message = f"{method} {url}: {error or type(error).__name__}"
        raise ProbeFailed(message) from None
    finally:
        connection.close()


class Probe:
    """Reads of one stack.

    Args:
        prometheus: its base URL.
        alertmanager: its base URL.
    """

    def __init__(self, prometheus: str, alertmanager: str) -> None:
        """Remember the addresses."""
        self.prometheus = prometheus
        self.alertmanager = alertmanager

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Return the instant vector of an expression: label sets with their values.

        Raises:
            ProbeFailed: if Prometheus does not answer with success.
        """
        data = self._data("query", body=urlencode({"query": expression}).encode())
        return [(entry["metric"], float(entry["value"][1])) for entry in data["result"]]

    def values(self, expression: str) -> list[float]:
        """Return the values of an instant vector.

        Raises:
            ProbeFailed: if Prometheus does not answer with success.
        """
        return [value for _, value in self.query(expression)]

    def targets(self) -> list[dict[str, Any]]:
        """Return the active targets.

        Raises:
            ProbeFailed: if Prometheus does not answer with success.
        """
        found: list[dict[str, Any]] = self._data("targets?state=active")["activeTargets"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Return all rules of all groups.

        Raises:
            ProbeFailed: if Prometheus does not answer with success.
        """
        return [rule for group in self._data("rules")["groups"] for rule in group["rules"]]

    def alerts(self, state: str) -> list[str]:
        """Return the names of Prometheus's alerts in a state (`pending`, `firing`).

        Raises:
            ProbeFailed: if Prometheus does not answer with success.
        """
        return [alert["labels"]["alertname"] for alert in self._data("alerts")["alerts"] if alert["state"] == state]

    def alertmanagers(self) -> list[str]:
        """Return the URLs of the Alertmanagers that Prometheus has discovered.

        Raises:
            ProbeFailed: if Prometheus does not answer with success.
        """
        return [entry["url"] for entry in self._data("alertmanagers")["activeAlertmanagers"]]

    def reload_succeeded(self) -> bool:
        """Return whether Prometheus's last reload succeeded.

        Raises:
            ProbeFailed: if Prometheus does not answer with success.
        """
        return bool(self._data("status/runtimeinfo")["reloadConfigSuccess"])

    def alertmanager_api(self, path: str) -> Any:
        """Return what Alertmanager's API (v2) answers.

        Raises:
            ProbeFailed: if it does not answer 200 with JSON.
        """
        answer = call(f"{self.alertmanager}/api/v2/{path}")
        if answer.status != http.HTTPStatus.OK:
            message = f"Alertmanager answers {answer.status} to /api/v2/{path}"
            raise ProbeFailed(message)
        return answer.json()

    def _data(self, path: str, body: bytes | None = None) -> Any:
        url = f"{self.prometheus}/api/v1/{path}"
        answer = call(url, "GET" if body is None else "POST", body=body, form=True)
        if answer.status != http.HTTPStatus.OK:
            message = f"Prometheus answers {answer.status} to {path}: {answer.body[:200].decode('utf-8', 'replace')}"
            raise ProbeFailed(message)
        return answer.json()["data"]
