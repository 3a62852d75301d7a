"""The faults inside the demo service, and which are switched on."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

REPLICAS = ("a", "b")
EDGE = "edge"
INSTANCES = (*REPLICAS, EDGE)

SECOND = ("b",)
SERVICE_FAULTS: Mapping[str, tuple[str, ...]] = {
    # Nearly all of them strike the second replica alone: a check that looks at the first target, series or answer of
    # several sees nothing of it.
    "service-down": SECOND,
    "service-hangs": SECOND,
    "health-unhealthy": SECOND,
    "health-503": SECOND,
    "health-slow": SECOND,
    "login-redirect": SECOND,
    "wrong-version": SECOND,
    "dependency-down": SECOND,
    "ping-fails": SECOND,
    "metrics-empty": SECOND,
    "metrics-html": SECOND,
    "metrics-500": SECOND,
    "metrics-few": SECOND,
    "metric-missing": REPLICAS,
    "label-missing": REPLICAS,
    "slow-metrics": SECOND,
    "heartbeat-frozen": SECOND,
    "sessions-frozen": SECOND,
    "series-gone": SECOND,
    "count-timestamps-frozen": SECOND,
    "bytes-timestamps-frozen": SECOND,
    "refresh-frozen": SECOND,
    "parser-idle": SECOND,
    "counter-missing": REPLICAS,
    "queue-backlog": SECOND,
    "disk-filling": SECOND,
    "shards-lagging": SECOND,
    "requests-fail": SECOND,
    "requests-slow": SECOND,
    "edge-down": (EDGE,),
    "receiver-fails": (),
    "certificate-expiring": (),
    "certificate-wrong-name": (),
    "certificate-self-signed": (),
    "certificate-without-chain": (),
    "tls-old-version": (),
    "tls-port-closed": (),
    "log-broken-line": SECOND,
    "log-banner": SECOND,
    "log-schema": SECOND,
    "log-errors": SECOND,
    "log-debug": SECOND,
    "log-silent": SECOND,
    "log-old-timestamps": SECOND,
    "log-future-timestamps": SECOND,
    "log-without-levels": REPLICAS,
    "log-trace-malformed": SECOND,
    "log-trace-missing": SECOND,
    "log-new-error": SECOND,
}
"""Switch → the instances it strikes; the webhook receiver and the TLS port are no instances."""


class Switches:
    """The switches that are on, safe to use from many threads."""

    def __init__(self) -> None:
        """Start with all of them off."""
        self._since: dict[str, float] = {}
        self._lock = threading.Lock()

    def turn_on(self, name: str) -> None:
        """Switch one on; one that is on already stays as it is.

        Raises:
            KeyError: if there is no such switch.
        """
        if name not in SERVICE_FAULTS:
            raise KeyError(name)
        with self._lock:
            self._since.setdefault(name, time.time())

    def turn_off(self, name: str) -> None:
        """Switch one off.

        Raises:
            KeyError: if there is no such switch.
        """
        if name not in SERVICE_FAULTS:
            raise KeyError(name)
        with self._lock:
            self._since.pop(name, None)

    def active(self) -> dict[str, float]:
        """Return the switches that are on, with the Unix time since when."""
        with self._lock:
            return dict(self._since)

    def since(self, name: str, instance: str) -> float | None:
        """Return since when a switch is on for an instance, in Unix seconds; None if it is off there."""
        if instance not in SERVICE_FAULTS[name]:
            return None
        with self._lock:
            return self._since.get(name)

    def on(self, name: str, instance: str) -> bool:
        """Return whether a switch is on for an instance."""
        return self.since(name, instance) is not None
