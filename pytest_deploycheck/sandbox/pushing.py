"""A batch job that pushes to the Pushgateway, as long as it works."""

from __future__ import annotations

import contextlib
import threading
import time

from pytest_deploycheck.sandbox.configs import PUSHED_JOB
from pytest_deploycheck.sandbox.probe import ProbeFailed, call

PUSH_SECONDS = 1.0


class PushingJob:
    """Push once a second.

    Args:
        url: the Pushgateway's base URL.
    """

    def __init__(self, url: str) -> None:
        """Remember the address."""
        self._url = f"{url}/metrics/job/{PUSHED_JOB}"
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to push; does nothing if it pushes already."""
        if self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="deploycheck-sandbox-push", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop pushing; what was pushed stays."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while not self._stop.is_set():
            text = (
                "# TYPE mcp_backup_last_success_timestamp_seconds gauge\n"
                f"mcp_backup_last_success_timestamp_seconds {time.time()}\n"
            )
            with contextlib.suppress(ProbeFailed):  # not up yet, or no more
                call(self._url, "PUT", body=text.encode(), timeout=1.0)
            self._stop.wait(PUSH_SECONDS)
