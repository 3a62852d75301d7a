"""Which data source a dashboard means, by the list of those that the asker may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.model.duration import parse_duration
from pytest_deploycheck.model.grafana import DataSource, Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class _Settings(msgspec.Struct, rename="camel"):
    time_interval: str | None = None


class SourceAnswer(msgspec.Struct, rename="camel"):
    """One data source of `GET /api/datasources`."""

    uid: str
    name: str
    type: str
    is_default: bool = False
    json_data: msgspec.Raw = msgspec.Raw(b"null")

    def to_model(self) -> DataSource:
        """Return it as the model has it."""
        interval = None
        try:
            told = msgspec.json.decode(self.json_data, type=_Settings | None)
            interval = parse_duration(told.time_interval) if told is not None and told.time_interval else None
        except (msgspec.DecodeError, ValueError):
            interval = None  # its plugin's own business; a step is chosen without it
        return DataSource(uid=self.uid, name=self.name, type=self.type, is_default=self.is_default, interval=interval)


class Sources:
    """The data sources; they are asked for when a reference cannot be told without the list.

    Args:
        ask: gets the list.
    """

    def __init__(self, ask: Callable[[], Sequence[DataSource]]) -> None:
        """Ask nothing yet."""
        self._ask = ask
        self._listed: Sequence[DataSource] | None = None

    def __iter__(self) -> Iterator[DataSource]:
        """Yield every one."""
        if self._listed is None:
            self._listed = self._ask()
        return iter(self._listed)

    def of_type(self, kind: str) -> list[DataSource]:
        """Return those of a plugin, the default one first."""
        return sorted((one for one in self if one.type == kind), key=lambda one: not one.is_default)

    def find(self, reference: Reference | None) -> DataSource | None:
        """Return the one that is meant; None if there is none.

        A reference with uid and type needs no list, and so no right to read it: whether there is such a data source
        shows when it is asked.
        """
        if reference is not None and reference.uid and reference.type:
            listed = self._listed or ()
            known = next((one for one in listed if one.uid == reference.uid), None)
            return known or DataSource(uid=reference.uid, name=reference.uid, type=reference.type)
        if reference is None or not (reference.uid or reference.type):
            return next((one for one in self if one.is_default), None)
        if not reference.uid:
            return next(iter(self.of_type(reference.type)), None)
        by_uid = next((one for one in self if one.uid == reference.uid), None)
        return by_uid or next((one for one in self if one.name == reference.uid), None)
