"""Looks ahead in the run: what the next checks declare that they will ask goes out together, before they begin.

A group is a stretch of checks, one after another, that all declare their questions. Nothing is asked ahead across
anything else: a test that does not say what it does may change what its successors are to see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.collector import collector_paused
from pytest_deploycheck.errors import DeploycheckError
from pytest_deploycheck.model.read import Read
from pytest_deploycheck.session.targeting import target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from pytest_deploycheck.session.run import Run
    from pytest_deploycheck.transport.outgoing import Outgoing
    from pytest_deploycheck.transport.wire import Wire

WINDOW = 64
"""Questions that are asked ahead at most, so that answers are young when their checks come."""
_FIRST_PACE = 0.05
"""Seconds a check is taken to need until some have shown it."""


class LookAhead:
    """The hooks that ask ahead; registered only where a check declares what it asks.

    Args:
        session: pytest's.
        run: the process's run.
        asks: node id → the function that tells the check's questions.
        apart: node ids of checks whose answers must not be older than their attempts.
        is_worker: whether this is an xdist worker, which runs only what it is sent.
        note: takes a text that the record has to tell.
    """

    def __init__(
        self,
        *,
        session: pytest.Session,
        run: Run,
        asks: Mapping[str, Callable[..., Any]],
        apart: frozenset[str],
        is_worker: bool,
        note: Callable[[str], None],
    ) -> None:
        """Ask nothing yet."""
        self._session = session
        self._run = run
        self._asks = asks
        self._apart = apart
        self._is_worker = is_worker
        self._note = note
        self._prefetch = run.ask_ahead()
        self._known: dict[str, tuple[Read, ...] | None] = {}
        self._places: dict[str, int] = {}
        self._begun: set[str] = set()
        self._asked: set[str] = set()
        self._pace = _FIRST_PACE
        self._last: float | None = None

    # --- hooks --------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """After the first attempts, or as soon as the run is stopped, end what is under way."""
        try:
            return (yield)
        finally:
            self._prefetch.close()
            if lost := self._prefetch.lost:
                self._note(f"{lost} answers that were asked ahead for checks that did not take them were not kept")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        """When the first attempt of a check begins, ask what the checks after it are going to ask.

        A check that waits may be tried again in between: what it does is known no better than the first time.
        """
        if not self._only_reads(item):
            self._prefetch.changed()
        if item.nodeid not in self._begun:
            self._begun.add(item.nodeid)
            self._keep_pace()
            if self._reads(item) is not None:
                with collector_paused():  # what asking needs is imported now
                    self._ask_ahead(item, nextitem)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """From here on the attempt's answers are its own."""
        self._prefetch.begin(item.nodeid)
        yield

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None, None, None]:
        """What the attempt has not used by now, it has not observed."""
        try:
            yield
        finally:
            self._prefetch.end()

    # --- the group ----------------------------------------------------------------------------------------------------

    def _ask_ahead(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Ask for the next checks of the group, as many as are likely to come while their answers are young."""
        most = max(1, int(self._prefetch.max_age / 2 / max(self._pace, 1e-6)))
        outstanding = self._prefetch.outstanding
        for upcoming in self._upcoming(item, nextitem):
            reads = self._reads(upcoming)
            most -= 1
            if reads is None or most < 0 or outstanding + len(reads) > WINDOW:
                return
            if upcoming.nodeid not in self._asked:
                self._asked.add(upcoming.nodeid)
                outstanding += len(reads)
                self._prefetch.ask(upcoming.nodeid, self._composed(reads, target_of(upcoming)))

    def _upcoming(self, item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[pytest.Item]:
        if nextitem is None:
            return
        items = self._session.items
        if self._is_worker:
            yield nextitem
            for at in self._sent():
                yield items[at]
            return
        if not self._places:
            self._places = {one.nodeid: place for place, one in enumerate(items)}
        place = self._places.get(item.nodeid, len(items)) + 1
        if place < len(items) and items[place] is nextitem:  # else another plugin decides what comes next
            for at in range(place, len(items)):
                yield items[at]

    def _sent(self) -> list[int]:
        """Return the places of the tests that an xdist worker has been sent and not begun, after the next one.

        Another worker may be given some of them yet; then what was asked ahead for them was in vain.
        """
        plugins = self._session.config.pluginmanager.get_plugins()
        queue: Any = getattr(
            next((it for it in plugins if type(it).__name__ == "WorkerInteractor"), None), "torun", None
        )
        if not hasattr(queue, "lock"):
            return []  # a version of xdist that keeps them in another way: one test ahead is known
        with queue.lock() as sent:
            return [at for at in sent if isinstance(at, int)]

    def _keep_pace(self) -> None:
        now = self._run.clock.monotonic()
        if self._last is not None:
            self._pace = (self._pace + now - self._last) / 2
        self._last = now

    def _reads(self, item: pytest.Item) -> tuple[Read, ...] | None:
        """Return what a check declares to ask; None if it is none of a group."""
        if item.nodeid not in self._known:
            self._known[item.nodeid] = self._told(item)
        return self._known[item.nodeid]

    def _only_reads(self, item: pytest.Item) -> bool:
        return item.nodeid in self._asks and item.get_closest_marker("writes") is None

    def _told(self, item: pytest.Item) -> tuple[Read, ...] | None:
        if not self._only_reads(item) or item.nodeid in self._apart:
            return None
        function = self._asks[item.nodeid]
        try:
            found = function(**self._arguments(item, function))
        except DeploycheckError:
            return ()  # what is wrong with the question, the check itself will say
        except Exception as error:  # noqa: BLE001 - the author's code may raise anything, and only speed depends on it
            self._note(f"{item.nodeid}: asks() raised {type(error).__name__}: {error}: nothing was asked ahead")
            return None
        reads = (found,) if isinstance(found, Read) else found
        if reads is None:
            return None
        try:
            reads = tuple(reads)
        except TypeError:
            reads = (reads,)
        if wrong := [one for one in reads if not isinstance(one, Read)]:
            self._note(f"{item.nodeid}: asks() gave {wrong[0]!r}, which is no question: nothing was asked ahead")
            return None
        return reads

    def _arguments(self, item: pytest.Item, function: Callable[..., Any]) -> dict[str, Any]:
        import inspect

        from pytest_deploycheck.face.asks import Asks

        callspec = getattr(item, "callspec", None)
        known = {"ask": Asks(), **(callspec.params if callspec is not None else {})}
        parameters = inspect.signature(function).parameters
        return {name: value for name, value in known.items() if name in parameters}

    def _composed(self, reads: Sequence[Read], name: str) -> list[tuple[Wire, Outgoing]]:
        """Return the requests to a target; none if one cannot be made, which the check itself will say."""
        try:
            target = self._run.at(name)
            wires = [target.wire_to(read.system) for read in reads]
            return [(wire, wire.compose_ahead(read)) for wire, read in zip(wires, reads, strict=True)]
        except DeploycheckError:
            return []
