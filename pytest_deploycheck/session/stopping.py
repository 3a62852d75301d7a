"""How xdist's workers say that there are checks, and hear that the run is over: a channel of its own for each worker.

Reports cannot say the first: where every check waits none comes for minutes, and a run that is killed meanwhile must
not leave an older verdict behind.

xdist lets a worker finish what it was sent, which is soon; after `-x` it would wait for checks that have minutes left,
and Ctrl-C would kill it before it has torn its fixtures down. Both are told here, and the end of the main process too.
"""

from __future__ import annotations

import time
from contextlib import suppress
from queue import Empty
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

STOP = "deploycheck_stop"
"""The key in `workerinput`, and the name of an event."""
CHECKS = "deploycheck_checks"
"""The name of the event that a worker has found checks."""

_FAREWELL = 4.0
"""Seconds in which workers may say farewell after Ctrl-C; one second later execnet interrupts them."""


_HEARD = frozenset({"testreport", "logstart", "logfinish"})
_DOWN = frozenset({"workerfinished", "errordown"})
"""xdist's events that bring something. Those of the end it would answer with new workers, all others with work."""


class Reins:
    """In the main process: tells the workers when the run is to end.

    Args:
        loop: xdist's `DSession`.
        begin: is called, maybe more than once, when a worker has found checks.
    """

    def __init__(self, loop: Any, begin: Callable[[], object]) -> None:
        """No worker was started."""
        self._loop = loop
        setattr(loop, f"worker_{CHECKS}", begin)
        self._channels: list[Any] = []
        setattr(loop, f"worker_{STOP}", self._look)

    def hold(self, node: Any) -> None:
        """Give a worker that is about to start the channel by which it hears.

        Args:
            node: xdist's `WorkerController`.
        """
        channel = node.gateway.newchannel()
        channel.setcallback(lambda _: self._loop.queue.put((CHECKS, {})))
        node.workerinput[STOP] = channel
        self._channels.append(channel)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """After a failure xdist decides whether it is one too many: look when it has."""
        if report.failed:
            self._loop.queue.put((STOP, {}))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Ctrl-C ends xdist's loop at once: what the workers have to say is still heard."""
        try:
            return (yield)
        except KeyboardInterrupt:
            if self._loop._active_nodes:  # noqa: SLF001 - the only way to know who has not said farewell
                self._stop(at_once=True)
                self._hear_farewells()
            raise

    def _look(self) -> None:
        if self._loop.shouldstop:
            self._stop(at_once=False)

    def _stop(self, *, at_once: bool) -> None:
        for channel in self._channels:
            with suppress(OSError):  # the worker is gone
                channel.send(at_once)
        self._channels.clear()

    def _hear_farewells(self) -> None:
        deadline = time.monotonic() + _FAREWELL
        active = self._loop._active_nodes  # noqa: SLF001 - as above
        while active and (left := deadline - time.monotonic()) > 0:
            with suppress(Empty):
                name, arguments = self._loop.queue.get(timeout=left)
                if name in _HEARD:
                    getattr(self._loop, f"worker_{name}")(**arguments)
                if name in _DOWN:
                    node = arguments["node"]
                    self._loop.config.hook.pytest_testnodedown(node=node, error=arguments.get("error"))
                    active.discard(node)


def hold(config: pytest.Config, node: Any, begin: Callable[[], object]) -> None:
    """Let a worker that is about to start say that there are checks, and hear when the run is to end.

    Args:
        config: pytest's, of the main process.
        node: xdist's `WorkerController`.
        begin: is called, maybe more than once, when a worker has found checks.
    """
    reins: Any = config.pluginmanager.get_plugin("deploycheck-reins")
    if reins is None:
        loop: Any = config.pluginmanager.get_plugin("dsession")
        if not hasattr(loop, "queue"):
            return
        reins = Reins(loop, begin)
        config.pluginmanager.register(reins, "deploycheck-reins")
    reins.hold(node)


def found_checks(config: pytest.Config) -> None:
    """Say in an xdist worker that there are checks.

    Args:
        config: pytest's, of the worker.
    """
    channel = getattr(config, "workerinput", {}).get(STOP)
    if channel is not None:
        with suppress(OSError):  # the main process is gone
            channel.send(None)


def hear(config: pytest.Config, told: Callable[[bool], None]) -> None:
    """Let something be called, in a thread of execnet's, when the run is to end; only an xdist worker ever hears it.

    Args:
        config: pytest's, of the worker.
        told: is called then, maybe more than once, and whether no further test is to be begun.
    """
    channel = getattr(config, "workerinput", {}).get(STOP)
    if channel is not None:
        channel.setcallback(told, endmarker=True)
