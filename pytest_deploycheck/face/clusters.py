"""Answers about a cluster: events, nodes, version, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks import events as event_checks
from pytest_deploycheck.checks import nodes as node_checks
from pytest_deploycheck.checks import objects
from pytest_deploycheck.face.judged import Answer, Judged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.face.kubernetes import Kubernetes
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.model.kubernetes import cluster
    from pytest_deploycheck.settings.models import Deployment as Deployed

__tracebackhide__ = True


class EventsAnswer(Answer):
    """Events of a namespace, or about one object.

    Attributes:
        events: what came, of every type.
    """

    def __init__(self, events: Sequence[cluster.Event], system: Kubernetes, ledger: Ledger, asked: Asked) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.events = tuple(events)
        self._system = system

    def no_warnings(
        self,
        *,
        since: object = None,
        allowed: Collection[str] = (),
        names: Collection[str] | None = None,
        makers: Collection[str] = (),
    ) -> Judged:
        """Judge that nothing was complained of.

        Args:
            since: a moment, or how long ago (`"10m"`); None = as far as events are kept.
            allowed: reasons that may be complained of, such as `Unhealthy`.
            names: only of objects of these names.
            makers: and of the pods that these ReplicaSets, StatefulSets or DaemonSets make, or made.
        """
        moment = None if since is None else self._system.moment(since)
        return self._judge(
            event_checks.none(
                self.events,
                self._asked,
                now=self._system.now(),
                since=moment,
                allowed=allowed,
                names=names,
                makers=makers,
            )
        )

    def __iter__(self) -> Iterator[cluster.Event]:
        """Yield every event."""
        self._read()
        return iter(self.events)


class NodesAnswer(Answer):
    """The cluster's nodes.

    Attributes:
        nodes: what came.
    """

    def __init__(
        self, nodes: Sequence[cluster.Node], silent: Mapping[str, str] | None, ledger: Ledger, asked: Asked
    ) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.nodes = tuple(nodes)
        self._silent = silent

    def ready(self, *, at_least: int = 1) -> Judged:
        """Judge that no node is unready, that all give signs of life, and that there are enough that take pods."""
        return self._judge(node_checks.ready(self.nodes, self._asked, least=at_least, silent_nodes=self._silent))

    def __len__(self) -> int:
        """Return the number of nodes."""
        self._read()
        return len(self.nodes)


class VersionAnswer(Answer):
    """The API server's version.

    Attributes:
        version: what came.
    """

    def __init__(self, version: cluster.Version, ledger: Ledger, asked: Asked) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.version = version

    def at_least(self, least: str) -> Judged:
        """Judge that it is of at least a version such as `1.29`."""
        return self._judge(node_checks.version(self.version, self._asked, least=least))


class KeysAnswer(Answer):
    """The keys of a Secret or ConfigMap; never a value.

    Attributes:
        found: the keys; None if there is no such object.
    """

    def __init__(self, found: cluster.KeyNames | None, ledger: Ledger, asked: Asked, *, what: str) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.found = found
        self._what = what

    def has(self, *keys: str) -> Judged:
        """Judge that it is there with these keys; with any, if none is named."""
        return self._judge(objects.keys(self.found, self._asked, what=self._what, expected=keys))


def deployed_image(deployed: Deployed) -> str | None:
    """Return what tells the deployed image: its digest, or else a tag that is the version; None if neither is known."""
    if deployed.image_digest is not None:
        return deployed.image_digest
    return f":{deployed.version}" if deployed.version is not None else None
