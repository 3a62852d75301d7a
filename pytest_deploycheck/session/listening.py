"""How an xdist controller hears, while its workers wait, what they wait for: a channel of its own for each worker.

Reports cannot carry it: where every check waits, the first one comes when the first check is done. xdist sends what
`pytest_configure_node` puts into `workerinput` through execnet, which can send a channel too. What arrives is handed to
xdist's own event loop, so that everything is shown by one thread and in order.

Nothing is imported here before a worker has something to say: this is read in every run with workers.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pytest

CHANNEL = "deploycheck_progress"
"""The key in `workerinput`, and the name of the event."""

Manner = Literal["live", "plain", ""]
"""How progress is shown: a line that is drawn over, lines of a log, or not at all."""


def manner(config: pytest.Config) -> Manner:
    """Return how progress is to be shown in this process."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or config.option.verbose < 0:
        return ""
    if os.environ.get("CI"):
        return "plain"  # also on a terminal: what CI jobs show is kept as a log
    file = reporter._tw._file  # noqa: SLF001 - the only way to know where pytest writes
    if not (hasattr(file, "isatty") and file.isatty()) or os.environ.get("TERM", "dumb") == "dumb":
        return ""
    # With `-s` or live logs others write to the terminal as they like: nobody then knows where the cursor is.
    logging: Any = config.pluginmanager.get_plugin("logging-plugin")
    speaks = getattr(config.option, "capture", "no") == "no" or (logging is not None and logging._log_cli_enabled())  # noqa: SLF001 - what it asks itself
    return "" if speaks else "live"


def listen(config: pytest.Config, node: Any) -> None:
    """Give a worker that is about to start a way to say what waits, if anybody is shown it.

    Args:
        config: pytest's.
        node: xdist's `WorkerController`.
    """
    loop: Any = config.pluginmanager.get_plugin("dsession")
    queue = getattr(loop, "queue", None)
    if queue is None or not manner(config):
        return
    name = node.gateway.id

    def arrived(message: Any) -> None:
        queue.put((CHANNEL, {"config": config, "worker": name, "message": message}))

    channel = node.gateway.newchannel()
    channel.setcallback(arrived)
    setattr(loop, f"worker_{CHANNEL}", _take)
    node.workerinput[CHANNEL] = channel


def _take(config: pytest.Config, worker: str, message: Any) -> None:
    from pytest_deploycheck.session.progress import display_of

    display_of(config).take(worker, message)
