"""Fire drills: synthetic alerts that have to reach somebody."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from pytest_deploycheck.settings.entries import Entry
from pytest_deploycheck.settings.texts import LabelName, RequestPath
from pytest_deploycheck.settings.values import Frozen, Name, PositiveDuration, Wrong, parse_duration, text_like

Listening = Annotated[
    str, *text_like(r"(?:[^\s:\[\]]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}", "host and port, such as 127.0.0.1:9099")
]
"""An address to listen on."""

_WAYS = ("listen", "service", "integration")
_LOOKING = timedelta(seconds=5)
"""How long it is looked for beyond its bounds, so that a finding tells how late it came."""


class FireDrillCheck(Entry):
    """AL5: a synthetic alert that must reach its receiver, and end. A write: it needs Alertmanager's opt-in."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in _WAYS]})

    labels: dict[LabelName, str] = Field(min_length=1)
    """The alert's labels; a unique one is added."""
    receiver: Name
    """The receiver it must be routed to."""
    listen: Listening | None = None
    """Seen by a listener on this address of the machine that runs the checks, to which the receiver's webhook posts."""
    service: Name | None = None
    """Seen in what a service of the environment tells of what it received."""
    path: RequestPath = "/"
    """Where that service tells it."""
    integration: Name | None = None
    """Seen by Alertmanager's counters of this kind of integration, such as `slack`; they count all alerts."""
    max_latency: PositiveDuration = parse_duration("1m")
    """How long it may take from sending to the receiver; the group's `group_wait` included."""
    end_within: PositiveDuration | None = None
    """How long it may take until the receiver is told of its end; it need not be told if this is not given."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [name for name in _WAYS if getattr(self, name) is not None]
        if len(given) != 1:
            raise Wrong(
                f"has {' and '.join(given)}" if given else "has no observer", f"exactly one of {', '.join(_WAYS)}"
            )
        if self.integration is not None and self.end_within is not None:
            raise Wrong("has end_within with integration", "no end_within: counters do not tell ends from beginnings")
        if "path" in self.model_fields_set and self.service is None:
            raise Wrong(f"has path with {given[0]}", "path only with service")
        return self

    def wait(self) -> timedelta:
        """Return how long it is looked for."""
        return self.max_latency + (self.end_within or timedelta()) + _LOOKING

    def _natural_id(self) -> str:
        return ",".join(f"{key}={value}" for key, value in sorted(self.labels.items()))


class DrillChecks(Frozen):
    """The table of fire drills."""

    fire_drills: tuple[FireDrillCheck, ...] = ()
    """AL5."""
