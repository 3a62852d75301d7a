"""Keeps the fixtures of several modules alive at once, so that a check can wait while checks of other modules run.

pytest tears a module down as soon as the next test lies elsewhere, and holds one instance of a fixture at a time. A
check that waits still needs its module's, class's and package's fixtures, and its parameter's instance of a wider one.
These are parked: taken off pytest's stack with their finalizers unrun, and put back before the check is tried again.
What nobody waits for is torn down by pytest itself, as always.

Builds on `SetupState.stack` and on `FixtureDef.cached_result` and `._finalizers`, which have kept their meaning since
pytest 7; tests compare the traces of generated suites with plain pytest's.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

if TYPE_CHECKING:
    from _pytest.nodes import Node

Params = frozenset[tuple[str, int]]
"""The parameters that an instance of a fixture depends on: name and index."""


class Instance(msgspec.Struct, eq=False):
    """A live instance of a fixture wider than one test.

    Attributes:
        fixturedef: pytest's definition.
        node: the session, package, module or class that it belongs to.
        params: the parameters it depends on.
        request: with which it was made.
        below: the instances that it was made from.
        above: the definitions of what was made from it; pytest finishes these with it.
        state: (result, finalizers) while it is parked.
    """

    fixturedef: Any
    node: Any
    params: Params
    request: Any
    below: tuple[Instance, ...] = ()
    above: list[Any] = msgspec.field(default_factory=list)
    state: tuple[Any, list[Any]] | None = None

    def park(self) -> None:
        """Take the instance out of its definition, which then has none."""
        definition = self.fixturedef
        self.state = (definition.cached_result, list(definition._finalizers))  # noqa: SLF001 - see the module
        definition.cached_result = None
        definition._finalizers.clear()  # noqa: SLF001 - see the module

    def restore(self) -> None:
        """Put the instance back."""
        if self.state is not None:
            definition = self.fixturedef
            definition.cached_result, finalizers = self.state
            definition._finalizers[:] = finalizers  # noqa: SLF001 - see the module
            self.state = None

    def suits(self, item: pytest.Item) -> bool:
        """Return whether it is the instance that a test gets if it asks for it, be it only while it runs."""
        indices = _indices(item)
        return all(indices.get(name) == index for name, index in self.params) and self.node in item.listchain()

    def is_in_the_way_of(self, item: pytest.Item) -> bool:
        """Return whether a test's parameters ask for another instance of it, or of what it was made from."""
        indices = _indices(item)
        return any(indices.get(name, index) != index for name, index in self.params)


class Scopes:
    """Which collectors and fixture instances must outlive the test that runs.

    Args:
        session: pytest's.
    """

    def __init__(self, session: pytest.Session) -> None:
        """Nothing is parked."""
        self._state = session._setupstate  # noqa: SLF001 - see the module
        self._users: Counter[Node] = Counter()
        self._waiting: dict[pytest.Item, None] = {}
        self._head: pytest.Item | None = None
        self._nodes: dict[Node, Any] = {}  # parked collectors with their entry on the stack
        self._live: dict[Any, Instance] = {}
        self._aside: list[Instance] = []
        self._course: list[Instance] = []  # what was live where the suite's own order was interrupted
        self._interrupted = False

    # --- who needs what -----------------------------------------------------------------------------------------------

    def retain(self, item: pytest.Item) -> None:
        """Keep everything wider than one test that a check needs, until `release`."""
        if item not in self._waiting:
            self._waiting[item] = None
            self._users.update(item.listchain()[:-1])

    def release(self, item: pytest.Item) -> None:
        """Keep nothing for this check any longer."""
        if item in self._waiting:
            del self._waiting[item]
            self._users.subtract(item.listchain()[:-1])

    def interrupt(self, upcoming: pytest.Item) -> None:
        """Note that another test is tried again before the one that comes next in the suite's own order."""
        if not self._interrupted:
            self._interrupted = True
            self._course = list(self._live.values())
        self._head = upcoming

    def expect(self, item: pytest.Item | None) -> None:
        """Note which test comes next in the suite's own order: pytest would keep what it shares with it."""
        self._interrupted = False
        self._head = item

    def has_failed(self, item: pytest.Item) -> bool:
        """Return whether a fixture wider than this check could not be made: such a fixture is made once."""
        names = getattr(item, "fixturenames", ())
        return any(
            definition.argname in names and definition.cached_result is not None and definition.cached_result[2]
            for definition in self._live
        )

    def _needed_nodes(self) -> set[Node]:
        head = self._head.listchain()[:-1] if self._head is not None else []
        return {node for node, users in self._users.items() if users > 0} | set(head)

    def _is_needed(self, instance: Instance) -> bool:
        if any(instance is one for one in self._course):
            return True
        return any(instance.suits(item) for item in self._waiting)

    # --- what pytest sets up and tears down ---------------------------------------------------------------------------

    def note_setup(self, fixturedef: Any, request: Any) -> None:
        """Note an instance that pytest has made: after those that it asked for while it was made."""
        if isinstance(request.node, pytest.Item):
            return
        params: set[tuple[str, int]] = set()
        if hasattr(request, "param"):
            params.add((fixturedef.argname, request.param_index))
        used = [request._get_active_fixturedef(name) for name in fixturedef.argnames if name != "request"]  # noqa: SLF001
        below = tuple(self._live[definition] for definition in used if definition in self._live)
        for one in below:
            params |= one.params
            one.above.append(fixturedef)
        self._live[fixturedef] = Instance(fixturedef, request.node, frozenset(params), request, below)

    def note_finish(self, fixturedef: Any) -> None:
        """Note that pytest has torn an instance down."""
        gone = self._live.pop(fixturedef, None)
        self._course = [one for one in self._course if one is not gone]

    def before_setup(self, item: pytest.Item) -> None:
        """Make pytest's stack and fixtures those of this test: park what is in the way, put back what it needs.

        Raises:
            BaseException: what a fixture raised that had to be torn down.
        """
        chain = item.listchain()
        self._leave(chain)
        self._come_back(chain)
        problems: list[BaseException] = []
        if not self._interrupted:  # the suite goes on: what was live at that point is so again
            course, self._course = self._course, []
            for instance in course:
                problems += self._bring_back(instance)
        for instance in list(self._live.values()):
            if instance.is_in_the_way_of(item):
                if self._is_needed(instance):
                    self._put_aside(instance)
                else:
                    problems += self._finish_above(instance, aside_only=True)  # pytest itself finishes the rest
        for instance in list(self._aside):
            if instance.suits(item):
                problems += self._bring_back(instance)
        together(problems)

    def before_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> list[BaseException]:
        """Park what pytest would tear down now although a check that waits needs it.

        Returns:
            What fixtures raised that nobody needs any longer, and that were torn down.
        """
        if not (self._waiting or self._aside or self._nodes or self._head is not nextitem):
            return []
        follows = set(nextitem.listchain()) if nextitem is not None else set()
        needed = self._needed_nodes()
        for node in list(reversed(self._state.stack)):
            if node is not item and node not in follows and node in needed:
                self._park_node(node)
        problems: list[BaseException] = []
        for instance in self._aside[::-1]:
            if instance.state is not None and not self._is_needed(instance):
                problems += self._finish(instance)
        return problems

    def tear_down(self, item: pytest.Item) -> None:
        """Tear down what only this test still needed, outside of any test."""
        self.before_setup(item)
        problems = self.before_teardown(item, None)
        try:
            self._state.teardown_exact(None)
        except Exception as error:  # noqa: BLE001 - told together
            problems.append(error)
        together(problems)

    def _leave(self, chain: list[Node]) -> None:
        """Take what is not in the chain off the stack: parked if it is needed, torn down if not."""
        if all(node in chain for node in self._state.stack):
            return
        needed = self._needed_nodes()
        for node in list(reversed(self._state.stack)):
            if node not in chain and node in needed:
                self._park_node(node)
        last = next((node for node in reversed(chain) if node in self._state.stack), None)
        self._state.teardown_exact(last)  # type: ignore[arg-type] # any node will do: only its chain is asked for

    def _park_node(self, node: Node) -> None:
        self._nodes[node] = self._state.stack.pop(node)
        for instance in [one for one in self._live.values() if one.node is node]:
            self._put_aside(instance)

    def _come_back(self, chain: list[Node]) -> None:
        """Put the parked collectors of the chain back, outermost first, in the places they had."""
        back = [node for node in chain if node in self._nodes]
        if not back:
            return
        known = {**self._state.stack, **{node: self._nodes.pop(node) for node in back}}
        ordered = {node: known[node] for node in chain if node in known}
        self._state.stack.clear()
        self._state.stack.update(ordered)

    # --- instances ----------------------------------------------------------------------------------------------------

    def _put_aside(self, instance: Instance) -> None:
        """Park an instance, and with it what was made from it."""
        if instance.state is not None or self._live.get(instance.fixturedef) is not instance:
            return
        for above in [one for one in self._live.values() if instance in one.below]:
            self._put_aside(above)
        instance.park()
        del self._live[instance.fixturedef]
        self._aside.append(instance)

    def _bring_back(self, instance: Instance) -> list[BaseException]:
        """Put a parked instance back, and before it what it was made from; return what went wrong meanwhile."""
        if instance.state is None:
            return []
        problems: list[BaseException] = []
        for below in instance.below:
            problems += self._bring_back(below)
        standing = self._live.get(instance.fixturedef)
        if standing is not None:
            if self._is_needed(standing):
                self._put_aside(standing)
            else:
                problems += self._finish(standing)
        self._aside.remove(instance)
        instance.restore()
        self._live[instance.fixturedef] = instance
        return problems

    def _finish_above(self, instance: Instance, *, aside_only: bool = False) -> list[BaseException]:
        """Tear down what was made from an instance, the latest first."""
        candidates = [*([] if aside_only else self._live.values()), *self._aside]
        return [problem for one in candidates[::-1] if instance in one.below for problem in self._finish(one)]

    def _finish(self, instance: Instance) -> list[BaseException]:
        """Tear down an instance that nobody needs any more, while others may stand in its place."""
        if instance.state is None and self._live.get(instance.fixturedef) is not instance:
            return []
        problems = self._finish_above(instance)
        # its finalizers finish whatever stands in the definitions of what was made from it: all of that is gone
        places = dict.fromkeys([instance.fixturedef, *instance.above])
        others = [one for place in places if (one := self._live.get(place)) is not None and one is not instance]
        for one in others:
            one.park()
            del self._live[one.fixturedef]
        if instance.state is not None:
            self._aside.remove(instance)
            instance.restore()
            self._live[instance.fixturedef] = instance
        try:
            instance.fixturedef.finish(instance.request)
        except BaseException as error:  # noqa: BLE001 - told together; the others have to be torn down too
            problems.append(error)
        self._live.pop(instance.fixturedef, None)
        for one in others:
            one.restore()
            self._live[one.fixturedef] = one
        return problems

    # --- the end ------------------------------------------------------------------------------------------------------

    def finish(self) -> list[BaseException]:
        """Tear everything down that is still parked (a run that was stopped), and return what went wrong."""
        self._waiting.clear()
        self._users.clear()
        self._course = []
        self._head = None
        problems: list[BaseException] = []
        for instance in self._aside[::-1]:
            problems += self._finish(instance)
        for chain in _leaves([*self._nodes, *self._state.stack]):
            try:
                self._leave(chain)
                self._come_back(chain)
            except Exception as error:  # noqa: BLE001 - every other module still has to be torn down
                problems.append(error)
        try:
            self._state.teardown_exact(None)
        except Exception as error:  # noqa: BLE001 - the same
            problems.append(error)
        return problems


def _indices(item: pytest.Item) -> dict[str, int]:
    indices: dict[str, int] = getattr(getattr(item, "callspec", None), "indices", {})
    return indices


def together(problems: list[BaseException]) -> None:
    """Raise what went wrong, if anything did, as pytest does: alone, or as a group."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        message = "errors while tearing down fixtures"
        raise BaseExceptionGroup(message, problems)


def _leaves(nodes: list[Node]) -> list[list[Node]]:
    """Return the chains of those nodes that are no other's parent."""
    parents = {parent for node in nodes for parent in node.listchain()[:-1]}
    return [node.listchain() for node in dict.fromkeys(nodes) if node not in parents]
