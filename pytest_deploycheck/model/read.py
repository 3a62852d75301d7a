"""A question that only reads, known before anybody asks it."""

from __future__ import annotations

import msgspec

Pairs = tuple[tuple[str, str], ...]


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """One request as a check is going to make it: data, nothing is sent.

    Attributes:
        system: who will be asked, by the name that evidence calls it: `prometheus`, `alertmanager`, `service mcp`.
        path: below the system's base URL.
        params: of the query, in order.
        form: of a form-encoded body, in order: then it is a POST that only reads, else a GET.
    """

    system: str
    path: str
    params: Pairs = ()
    form: Pairs = ()

    @property
    def method(self) -> str:
        """The HTTP method."""
        return "POST" if self.form else "GET"
