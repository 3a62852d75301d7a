"""What objects of every kind have."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the decoder resolves the annotations

import msgspec


class OwnerReference(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which object an object belongs to."""

    kind: str
    name: str
    uid: str


class HeadMeta(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """The part of an object's metadata that tells which one it is, and whether it is to stay.

    Attributes:
        name: as in `Meta`.
        creation_timestamp: as in `Meta`.
        deletion_timestamp: as in `Meta`.
    """

    name: str = ""
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None


class Meta(HeadMeta, frozen=True, kw_only=True, rename="camel", gc=False):
    """An object's metadata.

    Attributes:
        name: unique with the namespace among the objects of a kind that exist.
        namespace: empty for objects of the cluster.
        uid: unique for ever.
        generation: counts the changes of the spec.
        creation_timestamp: when it was made.
        deletion_timestamp: when it is to be gone: set as soon as its deletion was asked for.
        labels: None and empty mean the same.
        owner_references: None and empty mean the same.
    """

    namespace: str = ""
    uid: str = ""
    generation: int = 0
    labels: dict[str, str] | None = None
    owner_references: tuple[OwnerReference, ...] | None = None

    def label(self, name: str) -> str:
        """Return a label's value; empty if there is none."""
        return (self.labels or {}).get(name, "")

    def owned_by(self, uid: str) -> bool:
        """Return whether it belongs to the object with this uid."""
        return any(owner.uid == uid for owner in self.owner_references or ())


class AnnotatedMeta(Meta, frozen=True, kw_only=True, rename="camel", gc=False):
    """Metadata with the annotations, for the kinds whose annotations tell something."""

    annotations: dict[str, str] | None = None

    def annotation(self, name: str) -> str:
        """Return an annotation's value; empty if there is none."""
        return (self.annotations or {}).get(name, "")


class HeadCondition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a condition of a status says.

    Attributes:
        type: such as `Ready`.
        status: `True`, `False` or `Unknown`.
    """

    type: str
    status: str = "Unknown"


class Condition(HeadCondition, frozen=True, kw_only=True, rename="camel", gc=False):
    """One condition of a status.

    Attributes:
        type: as in `HeadCondition`.
        status: as in `HeadCondition`.
        reason: one word.
        message: for people.
        last_transition_time: when the status last changed.
        last_update_time: when status or reason last changed; only Deployments have it.
    """

    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None
    last_update_time: datetime | None = None


def condition(conditions: tuple[Condition, ...] | None, kind: str) -> Condition | None:
    """Return the condition of a type, or None."""
    return next((one for one in conditions or () if one.type == kind), None)


class LabelSelectorRequirement(msgspec.Struct, frozen=True, kw_only=True):
    """One expression of a selector; `operator` is In, NotIn, Exists or DoesNotExist."""

    key: str
    operator: str
    values: tuple[str, ...] | None = None

    def __str__(self) -> str:
        """Return it as a query takes it."""
        match self.operator:
            case "Exists":
                return self.key
            case "DoesNotExist":
                return f"!{self.key}"
        return f"{self.key} {self.operator.lower()} ({','.join(self.values or ())})"

    def matches(self, labels: dict[str, str]) -> bool:
        """Return whether labels satisfy it."""
        has = self.key in labels
        match self.operator:
            case "Exists":
                return has
            case "DoesNotExist":
                return not has
            case "In":
                return has and labels[self.key] in (self.values or ())
        return not has or labels[self.key] not in (self.values or ())


class LabelSelector(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which objects are meant, by their labels; all parts must hold, and an empty selector means every object."""

    match_labels: dict[str, str] | None = None
    match_expressions: tuple[LabelSelectorRequirement, ...] | None = None

    def __str__(self) -> str:
        """Return it as a query takes it."""
        parts = [f"{key}={value}" for key, value in (self.match_labels or {}).items()]
        return ",".join([*parts, *(str(one) for one in self.match_expressions or ())])

    def matches(self, labels: dict[str, str] | None) -> bool:
        """Return whether labels satisfy it."""
        found = labels or {}
        return all(found.get(key) == value for key, value in (self.match_labels or {}).items()) and all(
            one.matches(found) for one in self.match_expressions or ()
        )
