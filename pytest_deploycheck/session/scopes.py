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
        state: (result, finalizers) while it is parked.
    """

    fixturedef: Any
    node: Any
    params: Params
    request: Any
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

    def expect(self, item: pytest.Item | None) -> None:
        """Note which test comes next in the suite's own order: pytest would keep what it shares with it."""
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
        for item in (*self._waiting, *([self._head] if self._head is not None else [])):
            if (
                instance.fixturedef.argname in getattr(item, "fixturenames", ())
                and _agrees(instance.params, item)
                and instance.node in item.listchain()
            ):
                return True
        return False

    # --- what pytest sets up and tears down ---------------------------------------------------------------------------

    def note_setup(self, fixturedef: Any, request: Any) -> None:
        """Note an instance that pytest is about to make."""
        if isinstance(request.node, pytest.Item):
            return
        params: set[tuple[str, int]] = set()
        if hasattr(request, "param"):
            params.add((fixturedef.argname, request.param_index))
        for name in fixturedef.argnames:
            used = self._live.get(request._get_active_fixturedef(name)) if name != "request" else None  # noqa: SLF001
            if used is not None:
                params |= used.params
        self._live[fixturedef] = Instance(fixturedef, request.node, frozenset(params), request)

    def note_finish(self, fixturedef: Any) -> None:
        """Note that pytest has torn an instance down."""
        self._live.pop(fixturedef, None)

    def before_setup(self, item: pytest.Item) -> None:
        """Make pytest's stack and fixtures those of this test: park what is in the way, put back what it needs."""
        chain = item.listchain()
        self._leave(chain)
        for instance in list(self._live.values()):
            if not _agrees(instance.params, item) and self._is_needed(instance):
                self._put_aside(instance)
        self._come_back(chain)
        for instance in [one for one in self._aside if one.node in chain]:
            if _agrees(instance.params, item):
                self._bring_back(instance)
            elif not self._is_needed(instance):
                self._finish_aside(instance)

    def before_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Park what pytest would tear down now although a check that waits needs it."""
        if not (self._waiting or self._head is not nextitem):
            return
        follows = set(nextitem.listchain()) if nextitem is not None else set()
        needed = self._needed_nodes()
        for node in list(self._state.stack):
            if node is item or node in follows:
                continue
            if node in needed:
                self._park_node(node)
            else:
                for instance in [one for one in self._aside if one.node is node]:
                    self._finish_aside(instance)

    def tear_down(self, item: pytest.Item) -> None:
        """Tear down what only this test still needed, outside of any test."""
        self.before_setup(item)
        self.before_teardown(item, None)
        self._state.teardown_exact(None)

    def _leave(self, chain: list[Node]) -> None:
        """Take what is not in the chain off the stack: parked if it is needed, torn down if not."""
        if all(node in chain for node in self._state.stack):
            return
        needed = self._needed_nodes()
        for node in list(self._state.stack):
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

    def _put_aside(self, instance: Instance) -> None:
        instance.park()
        del self._live[instance.fixturedef]
        self._aside.append(instance)

    def _bring_back(self, instance: Instance) -> None:
        standing = self._live.get(instance.fixturedef)
        if standing is not None:
            if self._is_needed(standing):
                self._put_aside(standing)
            else:
                instance.fixturedef.finish(standing.request)
        self._aside = [one for one in self._aside if one is not instance]
        instance.restore()
        self._live[instance.fixturedef] = instance

    def _finish_aside(self, instance: Instance) -> None:
        """Tear down an instance that nobody needs any more, while another one may stand in its place."""
        standing = self._live.get(instance.fixturedef)
        if standing is not None:
            standing.park()
        self._aside = [one for one in self._aside if one is not instance]
        instance.restore()
        try:
            instance.fixturedef.finish(instance.request)
        finally:
            if standing is not None:
                standing.restore()
                self._live[instance.fixturedef] = standing

    # --- the end ------------------------------------------------------------------------------------------------------

    def finish(self) -> list[BaseException]:
        """Tear everything down that is still parked (a run that was stopped), and return what went wrong."""
        self._waiting.clear()
        self._users.clear()
        self._head = None
        problems: list[BaseException] = []
        chains = _leaves([*self._nodes, *(node for node in self._state.stack)])
        for chain in chains:
            try:
                self._leave(chain)
                self._come_back(chain)
                known = set(chain)
                for instance in [one for one in self._aside if one.node in known]:
                    self._bring_back(instance)
            except Exception as error:  # noqa: BLE001 - every other module still has to be torn down
                problems.append(error)
        try:
            self._state.teardown_exact(None)
        except Exception as error:  # noqa: BLE001 - the same
            problems.append(error)
        return problems


def _agrees(params: Params, item: pytest.Item) -> bool:
    """Return whether an instance is the one that a test's parameters ask for."""
    if not params:
        return True
    indices = getattr(getattr(item, "callspec", None), "indices", {})
    return all(indices.get(name, index) == index for name, index in params)


def _leaves(nodes: list[Node]) -> list[list[Node]]:
    """Return the chains of those nodes that are no other's parent."""
    parents = {parent for node in nodes for parent in node.listchain()[:-1]}
    return [node.listchain() for node in dict.fromkeys(nodes) if node not in parents]
