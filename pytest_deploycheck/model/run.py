"""A run as facts: what was expected, what became of it, where it ran and what it asked. No judgement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.model.declaration import CheckResult, Declaration, Tier

if TYPE_CHECKING:
    from collections.abc import Mapping


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the gate needs to know of a run.

    Attributes:
        expected: the manifest: every check the suite collected before anything was deselected.
        selected: node ids left after deselection.
        deselected_by: by node id, what deselected it, such as `-k "smoke"`.
        results: by node id, what became of the check in its last attempt.
        lost: (node id, why) of checks whose worker died; the node id is empty if the worker was in no check.
        collection_errors: (where, one-line text) of what could not be collected.
        interrupted: why the run ended early (Ctrl-C, `-x`, an internal error); empty if it did not.
        narrowed: why the collection itself was narrower than the suite (`--lf`, node ids, `--ignore`).
        scope: the declared scope, or None.
        strict: whether a `warning` that did not pass counts like a blocker.
        signoff_asked: whether a sign-off was asked for.
        deployment_finished_at: Unix seconds, or None if unknown.
        began: when it began to measure, Unix seconds; None if it does not matter.
        default_tier: the rollback tier of blockers that declare none.
        others_failed: how many tests that are no checks failed.
        targets: the clusters or regions of the environment, in the configuration's order.
        only: those of them that the run is narrowed to; empty if it is not.
        outside: node ids of checks that are about others than these.
        unmeasured: one line for each checkpoint of a long observation that was not measured.
    """

    expected: tuple[Declaration, ...] = ()
    selected: frozenset[str] = frozenset()
    deselected_by: Mapping[str, str] = msgspec.field(default_factory=dict)
    results: Mapping[str, CheckResult] = msgspec.field(default_factory=dict)
    lost: tuple[tuple[str, str], ...] = ()
    collection_errors: tuple[tuple[str, str], ...] = ()
    interrupted: str = ""
    narrowed: tuple[str, ...] = ()
    scope: str | None = None
    strict: bool = False
    signoff_asked: bool = False
    deployment_finished_at: float | None = None
    default_tier: Tier = msgspec.field(default_factory=lambda: Tier(kind="investigate"))
    others_failed: int = 0
    targets: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    outside: frozenset[str] = frozenset()
    unmeasured: tuple[str, ...] = ()
    began: float | None = None


class DeploymentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The deployment under test, as far as it is known; an empty text or None means unknown. Times in Unix seconds."""

    version: str = ""
    image_digest: str = ""
    change_ticket: str = ""
    started_at: float | None = None
    finished_at: float | None = None


class RunnerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how the checks ran.

    Attributes:
        host: the machine's name.
        user: the account's name.
        python: its version.
        platform: operating system and machine.
        directory: the working directory.
        command: the command line, secrets masked by whoever fills this in.
        plugins: versions by distribution name, `pytest` and ours among them.
        variables: the environment variables that said what was verified, and how; secrets masked.
        workers: xdist workers; 0 = none, everything ran in one process.
    """

    host: str = ""
    user: str = ""
    python: str = ""
    platform: str = ""
    directory: str = ""
    command: tuple[str, ...] = ()
    variables: Mapping[str, str] = msgspec.field(default_factory=dict)
    plugins: Mapping[str, str] = msgspec.field(default_factory=dict)
    workers: int = 0


class SystemRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A system that was asked.

    Attributes:
        name: such as `prometheus` or `service mcp`.
        url: its base URL, secrets masked.
        version: as it says itself; empty if unknown.
        clock_skew: its clock minus the runner's, in seconds; None if not measured.
        notes: such as "certificates are not verified".
    """

    name: str
    url: str
    version: str = ""
    clock_skew: float | None = None
    notes: tuple[str, ...] = ()


class EvidenceFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of evidence: its name relative to the run's directory, its SHA-256 in hexadecimal, its size in bytes."""

    name: str
    sha256: str
    size: int


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the sign-off tells of a run beside the decision.

    Attributes:
        run_id: such as `20261121T114500Z-3fa9c1`.
        started: Unix seconds.
        finished: Unix seconds; None while it runs.
        facts: what the gate was given.
        environment: the name of the environment; empty if there is none.
        deployment: what was deployed.
        runner: where it ran.
        systems: what was asked.
        evidence: the files kept.
        observations: how many exchanges were recorded.
        notes: further notes, such as evidence that could not be kept.
        checkpoints: as `signoff.checkpoints.section` gives it, if this run is part of an observation.
    """

    run_id: str
    started: float
    finished: float | None = None
    facts: RunFacts = msgspec.field(default_factory=RunFacts)
    environment: str = ""
    deployment: DeploymentRecord = msgspec.field(default_factory=DeploymentRecord)
    runner: RunnerRecord = msgspec.field(default_factory=RunnerRecord)
    systems: tuple[SystemRecord, ...] = ()
    evidence: tuple[EvidenceFile, ...] = ()
    observations: int = 0
    notes: tuple[str, ...] = ()
    checkpoints: Mapping[str, Any] | None = None
