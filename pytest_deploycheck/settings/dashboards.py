"""What is expected of a Grafana: the tables that `suites/post_deploy/test_grafana.py` is about."""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from pytest_deploycheck.settings.entries import Count, Entry
from pytest_deploycheck.settings.values import (
    FilePath,
    Flag,
    Frozen,
    Name,
    PositiveDuration,
    Wrong,
    kind_of,
    parse_duration,
)

_VALUES = "text, or a list of texts"


def _values(value: Any) -> tuple[str, ...]:
    listed = list(value) if isinstance(value, (list, tuple)) else [value]
    for one in listed:
        if not isinstance(one, str):
            raise Wrong(f"is {kind_of(one)}", _VALUES)
        if not one:
            raise Wrong("is empty", _VALUES)
    if not listed:
        raise Wrong("is an empty list", _VALUES)
    return tuple(listed)


_TEXT = {"type": "string", "minLength": 1}

Values = Annotated[
    tuple[str, ...],
    BeforeValidator(_values),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}),
]
"""One value, or several."""


class DashboardCheck(Entry):
    """DB1, DB3, DB4: a dashboard, and what its panels show."""

    uid: Name
    """The uid."""
    title: Name | None = None
    """The whole title."""
    folder: Name | None = None
    """The title or uid of its folder; `General` is the root."""
    min_panels: Count = 1
    """How many panels there must be, at least; rows are none."""
    provisioned: Flag = False
    """Whether it must come from files or other code, so that nobody can save it by hand."""
    file: FilePath | None = None
    """The JSON file in the repository that it must be as, relative to the configuration."""
    data: Flag = True
    """Whether every panel must show data."""
    window: PositiveDuration = parse_duration("15m")
    """How far back panels are asked; cut at the deployment's finish."""
    variables: dict[Name, Values] = Field(default_factory=dict)
    """Variable → value, or values, instead of those that are saved."""
    may_be_empty: tuple[Name, ...] = ()
    """Panels that may show nothing, by title or id, or one query of a panel, as `Errors:B`; their queries must run."""
    max_age: PositiveDuration | None = None
    """How old a panel's newest value may be."""
    export: Flag = False
    """Whether its JSON and its panels' data, as CSV, are kept as evidence."""
    pictures: Flag = False
    """Whether the export draws its panels as well; Grafana needs its image renderer for that."""

    @model_validator(mode="after")
    def _pictures_belong_to_an_export(self) -> Self:
        if self.pictures and not self.export:
            raise Wrong("has pictures without export", "export = true")
        return self

    def _natural_id(self) -> str:
        return self.uid


class DataSourceCheck(Entry):
    """DB2: a data source of Grafana."""

    name: Name
    """The name or uid."""
    type: Name | None = None
    """The plugin it must be of, such as `prometheus`."""
    unchecked: Flag = False
    """Whether a plugin without a health check will do."""

    def _natural_id(self) -> str:
        return self.name


class GrafanaRuleCheck(Entry):
    """AL1: an alert rule that Grafana evaluates itself."""

    name: Name
    """Its title."""
    folder: Name | None = None
    """The title of the folder it must be in."""

    def _natural_id(self) -> str:
        return f"{self.folder + '/' if self.folder else ''}{self.name}"


class AnnotationPolicy(Frozen):
    """DB5: the annotation that marks the deployment; a write, which the run must allow."""

    text: Name = "deployed"
    """What it says; the version and the change ticket follow, where they are known."""
    tags: Annotated[tuple[Name, ...], Field(min_length=1)] = ("deployment",)
    """By which dashboards show it."""
    dashboard: Name | None = None
    """The uid of the one dashboard it is on; all that ask for its tags if it is not given."""


class DashboardChecks(Frozen):
    """The tables about a Grafana, at the top of the file (for every environment) or in one environment."""

    dashboards: tuple[DashboardCheck, ...] = ()
    """DB1, DB3, DB4."""
    datasources: tuple[DataSourceCheck, ...] = ()
    """DB2."""
    grafana_rules: tuple[GrafanaRuleCheck, ...] = ()
    """AL1: rules of Grafana's own."""
    annotation: AnnotationPolicy | None = None
    """DB5."""
