"""Error messages grouped: what differs from one occurrence to the next is replaced, the rest names the error."""

from __future__ import annotations

import re

_LONGEST = 300
_KEPT = 4096
_VARIABLE = re.compile(
    r"""(?P<quoted>"[^"]*"|'[^']*'|`[^`]*`)
    | (?P<url>\b[a-z][a-z0-9+.-]*://[^\s"'<>]+)
    | (?P<uuid>\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b)
    | (?P<time>\b(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.,]+(?:Z|[+-][0-9]{2}:?[0-9]{2})?
        |(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[ ])?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ ]+[0-9]{1,2}[ ]
        [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[ ][0-9]{4})?))
    | (?P<address>\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]+)?\b)
    | (?P<hex>\b(?:0x[0-9a-fA-F]+|(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,}
        |(?=[0-9A-F]*[0-9])(?=[0-9A-F]*[A-F])[0-9A-F]{12,})\b)
    | (?P<number>(?:(?<![0-9A-Za-z])-)?[0-9]+(?:[.,][0-9]+)*)""",
    re.VERBOSE | re.ASCII,
)
_NUMBERS = str.maketrans("123456789", "000000000")


def signature(message: str) -> str:
    """Return the template of a message: its first line, numbers, ids, times, addresses and quoted values replaced."""
    first = message.strip().partition("\n")[0][:_LONGEST]
    return " ".join(_VARIABLE.sub(lambda match: f"<{match.lastgroup}>", first).split())


class Signatures:
    """Remembers the templates of messages, for most errors are told many times."""

    def __init__(self) -> None:
        """Know none."""
        self._known: dict[str, str] = {}

    def of(self, message: str) -> str:
        """Return the template of a message."""
        # The template is made from the key: messages that differ in their digits only must share one.
        key = message[:_LONGEST].translate(_NUMBERS)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            found = self._known[key] = signature(key)
        return found
