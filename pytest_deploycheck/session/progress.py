"""Shows how far a run with waiting checks has come: a line that is drawn over on a terminal, a line now and then in CI.

Where tests run, a `Watcher` looks at what waits. It tells the `Display` of the main process, directly or, from an xdist
worker, over the channel that the controller gave it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pytest_deploycheck.report.progress import COUNTED, Outlook, combined, live_line, log_line
from pytest_deploycheck.session.listening import CHANNEL, manner

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.session.waitside import WaitSide

EVERY = 30.0
"""Seconds between two lines of a log."""

_BEAT = 0.5
"""Seconds: what waits is looked at no more often."""

_DISPLAY = pytest.StashKey["Display"]()
_COLOURS: dict[str, dict[str, bool]] = {
    "waiting": {"cyan": True},
    "running": {},
    "passed": {"green": True},
    "warned": {"yellow": True},
    "failed": {"red": True},
    "error": {"red": True},
    "inconclusive": {"yellow": True, "bold": True},
}


def attach(config: pytest.Config, side: WaitSide, clock: Clock) -> None:
    """Let somebody see what a side waits for, if anybody looks.

    Args:
        config: pytest's.
        side: what waits in this process.
        clock: the one that it waits by.
    """
    tell: Callable[[float, Outlook], None]
    if hasattr(config, "workerinput"):
        channel = config.workerinput.get(CHANNEL)
        if channel is None:
            return
        tell = _Sender(channel)
    elif manner(config):
        tell = display_of(config).show
    else:
        return
    watcher = Watcher(side, clock, tell)
    side.idle = watcher.idle
    config.pluginmanager.register(watcher, "deploycheck-watcher")


def display_of(config: pytest.Config) -> Display:
    """Return the main process's display, made and registered at first use."""
    known = config.stash.get(_DISPLAY, None)
    if known is None:
        known = config.stash[_DISPLAY] = Display(config)
        config.pluginmanager.register(known, "deploycheck-progress")
    return known


def outlook_of(side: WaitSide, now: float, *, running: int = 0) -> Outlook:
    """Return what waits in a process.

    Args:
        side: of that process.
        now: the time, on the clock that the side waits by.
        running: how many tests run in it.
    """
    deadlines, earliest, latest = [], [], []
    for aside in side.agenda:
        waiting = aside.waiting
        deadlines.append(waiting.deadline - now)
        if waiting.sustaining:
            earliest.append(max(waiting.deadline, aside.due) - now)
            latest.append(earliest[-1])
            continue
        held = waiting.terms.sustained.seconds if waiting.terms.sustained is not None else 0.0
        earliest.append(aside.due - now + held)
        latest.append(waiting.deadline - now + held)
    if not deadlines:
        return Outlook(running=running)
    ends = side.ends - now
    return Outlook(
        waiting=len(deadlines),
        running=running,
        due=max(0.0, (side.agenda.next_due() or now) - now),
        deadline=max(deadlines),
        earliest=min(max(earliest), ends),
        latest=min(max(latest), ends),
    )


class Watcher:
    """Looks at what waits around attempts and while there is nothing to run.

    Args:
        side: what waits in this process.
        clock: the one that it waits by.
        tell: takes the seconds since the run began, and the outlook.
    """

    def __init__(self, side: WaitSide, clock: Clock, tell: Callable[[float, Outlook], None]) -> None:
        """Nothing was told."""
        self._side = side
        self._clock = clock
        self._tell = tell
        self._told = float("-inf")

    def idle(self) -> None:
        """Tell what is waited for now."""
        self._beat(0.0)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """Tell it also while one attempt follows upon another."""
        self._beat(_BEAT, running=1)
        result = yield
        self._beat(_BEAT)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """At the end nothing waits."""
        try:
            return (yield)
        finally:
            self._beat(0.0)

    def _beat(self, pause: float, running: int = 0) -> None:
        now = self._clock.monotonic()
        if now - self._told >= pause:
            self._told = now
            self._tell(now - self._side.started, outlook_of(self._side, now, running=running))


class _Sender:
    """Tells an xdist controller."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def __call__(self, elapsed: float, outlook: Outlook) -> None:
        try:
            self._channel.send((elapsed, msgspec.structs.asdict(outlook)))
        except OSError:
            return  # the controller has gone: xdist ends this worker, and nobody looks any more


class Display:
    """The main process's line about what waits. It is gone whenever somebody else is about to write.

    Args:
        config: pytest's.
    """

    def __init__(self, config: pytest.Config) -> None:
        """Nothing is shown."""
        self._reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        self._manner = manner(config)
        self._outlooks: dict[str, Outlook] = {}
        self._elapsed = 0.0
        self._next_line = EVERY
        self._shown = False
        self._column = 0
        """Where the cursor was before the line was shown; -1 = at the begin of the line that is now drawn over."""

    # --- what is told -------------------------------------------------------------------------------------------------

    def take(self, worker: str, message: Any) -> None:
        """Take what an xdist worker says, in xdist's event loop."""
        elapsed, outlook = message
        self._outlooks[worker] = Outlook(**outlook)
        self._show(elapsed)

    def show(self, elapsed: float, outlook: Outlook) -> None:
        """Show what this process waits for."""
        self._outlooks["main"] = outlook
        self._show(elapsed)

    def _show(self, elapsed: float) -> None:
        self._elapsed = max(self._elapsed, elapsed)
        if self._manner == "plain":
            self._log()
        elif self._manner == "live":
            self._draw()

    def _counts(self) -> dict[str, int]:
        return {name: len(self._reporter.stats.get(name, ())) for name in COUNTED}

    # --- a log --------------------------------------------------------------------------------------------------------

    def _log(self) -> None:
        if self._elapsed < self._next_line:
            return
        self._next_line = (self._elapsed // EVERY + 1) * EVERY
        self._reporter.ensure_newline()
        if self._reporter._tw.width_of_current_line:  # noqa: SLF001 - with xdist `ensure_newline` knows of no line
            self._reporter._tw.line()  # noqa: SLF001 - the same
        self._reporter.write_line(log_line(combined(self._outlooks.values()), self._counts(), elapsed=self._elapsed))

    # --- a terminal ---------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        outlook = combined(self._outlooks.values())
        if not outlook.waiting:
            self.erase()
            return
        terminal = self._reporter._tw  # noqa: SLF001 - what the reporter writes with
        encoding = str(getattr(terminal._file, "encoding", "") or "")  # noqa: SLF001 - the same
        width = _columns(terminal)
        line = live_line(outlook, self._counts(), width=width - 1, unicode=encoding.lower().replace("-", "") == "utf8")
        text = "".join(terminal.markup(piece, **_COLOURS.get(kind, {"light": True})) for piece, kind in line)
        if self._shown:
            before = "\r"
        else:
            column = terminal.width_of_current_line
            # A line that just fills the terminal goes on below in any case: there is nothing to go back to.
            self._column = -1 if column and column % width == 0 else column % width
            before = "\n"
        self._write(f"{before}\x1b[2K{text}")
        self._shown = True

    def erase(self) -> None:
        """Take the line away, with the cursor back where pytest left it."""
        if not self._shown:
            return
        self._shown = False
        back = "" if self._column < 0 else f"\x1b[A\x1b[{self._column + 1}G"
        self._write(f"\r\x1b[2K{back}")

    def _write(self, text: str) -> None:
        """Write past pytest's own account of what stands on its line."""
        file = self._reporter._tw._file  # noqa: SLF001 - see above
        file.write(text)
        file.flush()

    # --- others are about to write ------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """Make room."""
        self.erase()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self) -> None:
        """Make room."""
        self.erase()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logfinish(self) -> None:
        """Make room: pytest tells here how far it has come."""
        self.erase()

    @pytest.hookimpl(tryfirst=True)
    def pytest_exception_interact(self) -> None:
        """Make room for a debugger."""
        self.erase()

    @pytest.hookimpl(tryfirst=True)
    def pytest_enter_pdb(self) -> None:
        """Make room for a debugger."""
        self.erase()

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Make room."""
        self.erase()

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self) -> None:
        """Make room."""
        self.erase()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self) -> None:
        """Make room: a worker that takes another's place collects anew."""
        self.erase()

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_testnodeready(self) -> None:
        """Make room."""
        self.erase()

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_xdist_node_collection_finished(self) -> None:
        """Make room."""
        self.erase()

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Make room, and forget what the worker waited for."""
        self.erase()
        self._outlooks.pop(node.gateway.id, None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Make room."""
        self.erase()


def _columns(terminal: Any) -> int:
    """Return the terminal's width as it is now: people change it while they wait."""
    try:
        return os.get_terminal_size(terminal._file.fileno()).columns or int(terminal.fullwidth)  # noqa: SLF001 - the same
    except OSError:
        return int(terminal.fullwidth)
