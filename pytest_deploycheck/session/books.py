"""What has arrived for one record: results, evidence, systems, notes. A long run keeps a book for each checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_deploycheck.errors import DeploycheckError
from pytest_deploycheck.model.run import SystemRecord
from pytest_deploycheck.session.aggregate import Aggregate
from pytest_deploycheck.session.outcomes import first_line
from pytest_deploycheck.session.payload import unpack_body

if TYPE_CHECKING:
    import pytest

    from pytest_deploycheck.signoff.write import Writer


class Book:
    """Everything that goes into one record.

    Args:
        writer: writes the record and keeps the evidence.
        started: Unix seconds.

    Attributes:
        aggregate: the results.
        lost: (node id, why) of checks that were lost with their worker, or given up.
        others_failed: how many tests that are no checks failed.
        notes: what the record has to tell besides.
        incomplete: why evidence could not be kept; empty if all was.
    """

    def __init__(self, writer: Writer, started: float) -> None:
        """Nothing has arrived."""
        self.writer = writer
        self.started = started
        self.aggregate = Aggregate()
        self.lost: list[tuple[str, str]] = []
        self.others_failed = 0
        self.notes: list[str] = []
        self.incomplete = ""
        self._systems: dict[str, dict[str, Any]] = {}

    @property
    def systems(self) -> tuple[SystemRecord, ...]:
        """The systems that were asked, by name."""
        return tuple(
            SystemRecord(**{**system, "notes": tuple(system["notes"])}) for _, system in sorted(self._systems.items())
        )

    def merge_system(self, system: dict[str, Any]) -> None:
        """Take what is known of a system; what was known before stays."""
        known = self._systems.setdefault(system["name"], dict(system))
        known["version"] = known["version"] or system["version"]
        if known["clock_skew"] is None:
            known["clock_skew"] = system["clock_skew"]

    def merge(self, other: Book) -> None:
        """Take the systems of another book, and its tests that are no checks."""
        for system in other._systems.values():
            self.merge_system(system)
        self.others_failed += other.others_failed

    def take_evidence(self, nodeid: str, payload: dict[str, Any]) -> None:
        """Write what a phase observed."""
        try:
            for digest, body in payload["bodies"].items():
                self.writer.body(digest, unpack_body(body))
            for exchange in payload["exchanges"]:
                self.writer.append(nodeid, exchange, phase=payload["phase"], worker=payload["worker"])
        except DeploycheckError as error:
            if not self.incomplete:
                self.incomplete = str(error)

    def note_crash(self, report: pytest.TestReport) -> None:
        """Name the check that took its worker along, in the place of the nameless note of the worker's death."""
        worker = getattr(getattr(report, "node", None), "gateway", None)
        name = f"worker {worker.id} died: " if worker is not None else "\0"
        self.lost = [(nodeid, why) for nodeid, why in self.lost if nodeid or not why.startswith(name)]
        text = str(getattr(report.longrepr, "longrepr", report.longrepr))
        self.lost.append((report.nodeid, first_line(text) or "its worker died"))
