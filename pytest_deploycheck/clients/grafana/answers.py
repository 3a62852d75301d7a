"""The shapes of Grafana's simple answers, and the model made of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from pytest_deploycheck.model.grafana import GrafanaRule, SearchHit
from pytest_deploycheck.model.instant import unix_seconds

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class HealthAnswer(msgspec.Struct):
    """`GET /api/health`."""

    database: str
    version: str = ""


class UserAnswer(msgspec.Struct, rename="camel"):
    """`GET /api/user`: who is signed in."""

    login: str = ""
    org_id: int = 0


class HitAnswer(msgspec.Struct, rename="camel"):
    """One dashboard of `GET /api/search`."""

    uid: str
    title: str
    tags: tuple[str, ...] | None = None
    folder_uid: str = ""
    folder_title: str = ""

    def to_model(self) -> SearchHit:
        """Return it as the model has it."""
        return SearchHit(
            uid=self.uid,
            title=self.title,
            folder=self.folder_title,
            folder_uid=self.folder_uid,
            tags=self.tags or (),
        )


class SourceHealthAnswer(msgspec.Struct):
    """`GET /api/datasources/uid/…/health`, of a healthy source (200) and an unhealthy one (400)."""

    status: str
    message: str = ""


class DashboardMeta(msgspec.Struct, rename="camel"):
    """`meta` of `GET /api/dashboards/uid/…`."""

    slug: str = ""
    folder_uid: str = ""
    folder_title: str = ""
    provisioned: bool = False
    provisioned_external_id: str = ""
    version: int = 0


class DashboardAnswer(msgspec.Struct):
    """`GET /api/dashboards/uid/…`."""

    dashboard: dict[str, Any]
    meta: DashboardMeta


class ResourceMeta(msgspec.Struct, rename="camel"):
    """`metadata` of an object of `/apis/dashboard.grafana.app`."""

    name: str
    generation: int = 0
    annotations: dict[str, str] | None = None


class Conversion(msgspec.Struct, rename="camel"):
    """How the server fared with turning one schema into another: it answers 200 even if it could not."""

    failed: bool = False
    stored_version: str = ""
    error: str = ""


class ResourceStatus(msgspec.Struct):
    """`status` of such an object."""

    conversion: Conversion | None = None


class ResourceAnswer(msgspec.Struct, rename="camel"):
    """`GET /apis/dashboard.grafana.app/…/dashboards/…`."""

    api_version: str
    metadata: ResourceMeta
    spec: dict[str, Any]
    status: ResourceStatus | None = None


class VersionEntry(msgspec.Struct):
    """One version of an API group."""

    version: str


class GroupAnswer(msgspec.Struct, rename="camel"):
    """`GET /apis/dashboard.grafana.app/`: which versions there are."""

    versions: list[VersionEntry]
    preferred_version: VersionEntry | None = None


class LibraryElement(msgspec.Struct):
    """A library panel."""

    uid: str
    model: dict[str, Any]


class LibraryAnswer(msgspec.Struct):
    """`GET /api/library-elements/…`."""

    result: LibraryElement


class LabelAnswer(msgspec.Struct):
    """The values of a label, as Prometheus answers them through its data source's resources."""

    data: list[str]


class RuleAnswer(msgspec.Struct, rename="camel"):
    """One rule of `GET /api/prometheus/grafana/api/v1/rules`."""

    name: str
    type: str = "alerting"
    state: str = ""
    health: str = "unknown"
    last_error: str = ""
    last_evaluation: Moment | None = None
    is_paused: bool = False
    uid: str = ""


class RuleGroupAnswer(msgspec.Struct):
    """One group of rules; `file` is the folder's title."""

    name: str
    file: str = ""
    interval: float = 60.0
    rules: list[RuleAnswer] | None = None

    def to_model(self) -> tuple[GrafanaRule, ...]:
        """Return its rules as the model has them."""
        return tuple(
            GrafanaRule(
                name=rule.name,
                group=self.name,
                folder=self.file,
                kind=rule.type,
                state=rule.state,
                health=rule.health,
                last_error=rule.last_error,
                interval=self.interval,
                last_evaluation=unix_seconds(rule.last_evaluation),
                paused=rule.is_paused,
                uid=rule.uid,
            )
            for rule in self.rules or ()
        )


class RulesData(msgspec.Struct):
    """The groups."""

    groups: list[RuleGroupAnswer]


class RulesAnswer(msgspec.Struct):
    """`GET /api/prometheus/grafana/api/v1/rules`."""

    data: RulesData


class AnnotationAnswer(msgspec.Struct):
    """What `POST /api/annotations` answers."""

    id: int


class FoundAnnotation(msgspec.Struct, rename="camel"):
    """One annotation of `GET /api/annotations`."""

    id: int
    text: str = ""
    tags: tuple[str, ...] | None = None
    time: int = 0
    dashboard_uid: str | None = None


class SettingsAnswer(msgspec.Struct, rename="camel"):
    """`GET /api/frontend/settings`, as far as it is of use here."""

    renderer_available: bool | None = None
    datasources: dict[str, msgspec.Raw] | None = None
