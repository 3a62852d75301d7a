"""What the Grafana stand-in holds: accounts with their rights, folders, dashboards, data sources, rules."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

OLDER, NEWER = "10.4.19", "12.1.1"
"""The two versions whose behaviour is served; from 12 on there is the API of apps (`/apis/…`) and the v2 schema."""
UNIFIED_MAJOR = 12
GENERAL = ""
"""The uid of the folder that is none: what lies at the root."""

_VIEWER = frozenset(
    {
        "alert.rules:read", "annotations:read", "dashboards:read", "datasources:query", "folders:read",
        "library.panels:read", "orgs:read",
    }
)  # fmt: skip
_EDITOR = _VIEWER | {"annotations:create"}
# Without the enterprise edition only administrators may list data sources; querying them is everybody's.
ROLES: Mapping[str, frozenset[str]] = {
    "None": frozenset(),
    "Viewer": _VIEWER,
    "Editor": _EDITOR,
    "Admin": _EDITOR | {"datasources:read"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who asks.

    Attributes:
        login: the name.
        role: in the organisation: `None`, `Viewer`, `Editor` or `Admin`.
        org: the organisation's id.
        service: whether it is a service account.
        folders: the uids of the folders it sees into (`GENERAL` among them); None for all.
    """

    login: str
    role: Literal["None", "Viewer", "Editor", "Admin"] = "Viewer"
    org: int = 1
    service: bool = False
    folders: frozenset[str] | None = None

    def may(self, action: str) -> bool:
        """Return whether its role grants an action at all."""
        return action in ROLES[self.role]

    def sees(self, folder: str) -> bool:
        """Return whether it sees into a folder."""
        return self.folders is None or folder in self.folders


@dataclass(slots=True, kw_only=True)
class Folder:
    """A folder of dashboards and rules."""

    id: int
    uid: str
    title: str


@dataclass(slots=True, kw_only=True)
class Dashboard:
    """A stored dashboard.

    Attributes:
        id: its number.
        uid: its name in URLs.
        spec: the model: of the v1 schema (`panels`), or of the v2 schema (`elements`).
        folder: the folder's uid.
        schema: `v1`, or `v2` (as v2beta1 writes it).
        version: how often it was saved.
        provisioned: whether it comes from a file.
        updated: Unix seconds.
    """

    id: int
    uid: str
    spec: dict[str, Any]
    folder: str = GENERAL
    schema: Literal["v1", "v2"] = "v1"
    version: int = 1
    provisioned: bool = True
    updated: float = field(default_factory=time.time)

    @property
    def title(self) -> str:
        """As it is shown."""
        return str(self.spec.get("title", ""))

    @property
    def tags(self) -> list[str]:
        """Its tags."""
        return list(self.spec.get("tags") or [])

    @property
    def slug(self) -> str:
        """The readable part of its URL."""
        return slug(self.title)

    @property
    def url(self) -> str:
        """Its path."""
        return f"/d/{self.uid}/{self.slug}"


@dataclass(slots=True, kw_only=True)
class DataSource:
    """A data source.

    Attributes:
        id: its number.
        uid: its name in queries.
        name: as it is shown.
        url: where the system is.
        type: the plugin.
        default: whether queries that name none go to it.
        interval: its scrape interval, such as `15s`; empty if it is not configured.
        checks_health: whether the plugin implements the health check, which is optional.
    """

    id: int
    uid: str
    name: str
    url: str
    type: str = "prometheus"
    default: bool = False
    interval: str = ""
    checks_health: bool = True


@dataclass(slots=True, kw_only=True)
class LibraryPanel:
    """A panel that several dashboards share."""

    id: int
    uid: str
    name: str
    model: dict[str, Any]
    folder: str = GENERAL


@dataclass(slots=True, kw_only=True)
class AlertRule:
    """A rule that Grafana itself evaluates: it fires where the expression is above the threshold."""

    uid: str
    title: str
    folder: str
    group: str
    datasource: str
    expr: str
    above: float
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Grafana:
    """What is served; change it under `lock`.

    Attributes:
        version: `OLDER` or `NEWER`, or another of either kind.
        accounts: token → who it belongs to.
        users: login → password and who it is.
        orgs: id → name.
        folders: of dashboards.
        dashboards: all of them.
        datasources: all of them.
        library: library panels.
        rules: alert rules.
        annotations: as they are answered, oldest first.
        anonymous: who asks without credentials; None if nobody may.
        renderer: whether the image renderer is installed.
        multi_status: whether queries that fail in part are answered with 207.
        database: whether its own database answers.
        login_wall: whether a proxy before it sends everybody to its login page.
        strips: whether a proxy before it takes the credentials away.
        asked: method and target of every request so far.
    """

    version: str = NEWER
    accounts: dict[str, Account] = field(default_factory=dict)
    users: dict[str, tuple[str, Account]] = field(default_factory=dict)
    orgs: dict[int, str] = field(default_factory=lambda: {1: "Main Org."})
    folders: list[Folder] = field(default_factory=list)
    dashboards: list[Dashboard] = field(default_factory=list)
    datasources: list[DataSource] = field(default_factory=list)
    library: list[LibraryPanel] = field(default_factory=list)
    rules: list[AlertRule] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    anonymous: Account | None = None
    renderer: bool = False
    multi_status: bool = False
    database: bool = True
    login_wall: bool = False
    strips: bool = False
    asked: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def unified(self) -> bool:
        """Whether the API of apps is there, and with it the v2 schema."""
        return int(self.version.partition(".")[0]) >= UNIFIED_MAJOR

    def folder(self, uid: str) -> Folder | None:
        """Return a folder; None for the root, and for one that does not exist."""
        return next((folder for folder in self.folders if folder.uid == uid), None)

    def dashboard(self, uid: str) -> Dashboard | None:
        """Return a dashboard; an older Grafana has none of the v2 schema."""
        return next((one for one in self.stored() if one.uid == uid), None)

    def stored(self) -> list[Dashboard]:
        """Return the dashboards that this version can have."""
        return [one for one in self.dashboards if self.unified or one.schema == "v1"]

    def datasource(self, uid: str) -> DataSource | None:
        """Return a data source by its uid."""
        return next((one for one in self.datasources if one.uid == uid), None)


def slug(title: str) -> str:
    """Return a title as it stands in URLs."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def moment(seconds: float) -> str:
    """Return Unix seconds as Grafana writes times."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
