"""Masks the known secrets in httpcore's debug log, which tells the headers of answers as they came.

A server that quotes a credential back would otherwise put it on the terminal of a run with `--log-cli-level=DEBUG`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from pytest_deploycheck.transport.redaction import Redactor

_LOGGERS = ("httpcore.connection", "httpcore.http11", "httpcore.proxy", "httpcore.socks")
_redactors: WeakSet[Redactor] = WeakSet()


class _Masking(logging.Filter):
    """Lets every record through, without secrets."""

    def filter(self, record: logging.LogRecord) -> bool:
        told = record.getMessage()
        masked = told
        for redactor in tuple(_redactors):
            masked = redactor.text(masked)
        if masked != told:
            record.msg, record.args = masked, ()
        return True


_MASKING = _Masking()


def mask_logs(redactor: Redactor) -> None:
    """Mask the redactor's secrets in httpcore's log for as long as the redactor lives."""
    _redactors.add(redactor)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_MASKING)  # adding it again does nothing
