"""The tables about a cluster: ids, and what cannot be meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.errors import ConfigError
from pytest_deploycheck.settings.load import load

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_deploycheck.settings.models import Effective


def loaded(tmp_path: Path, text: str) -> Effective:
    file = tmp_path / "deploycheck.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environment=None, overrides={}, environ={}, cwd=tmp_path)


def test_ids(tmp_path: Path) -> None:
    effective = loaded(
        tmp_path,
        "[[workloads]]\nname = 'web'\n[[workloads]]\nkind = 'daemonset'\nname = 'agent'\nnamespace = 'ops'\n"
        "[[secrets]]\nname = 's'\nnamespace = 'shop'\n[[config_maps]]\nname = 'c'\n"
        "[[permissions]]\nverb = 'get'\nresource = 'pods/log'\n"
        "[[permissions]]\nverb = 'delete'\nresource = 'pods'\nallowed = false\n",
    )
    tables = ("workloads", "secrets", "config_maps", "permissions")
    assert [[entry.derived_id() for entry in effective.entries(table)] for table in tables] == [
        ["deployment:web", "daemonset:ops/agent"], ["shop/s"], ["c"], ["may:get:pods/log", "may-not:delete:pods"],
    ]  # fmt: skip


def test_the_environments_cluster_takes_the_place_of_the_files(tmp_path: Path) -> None:
    effective = loaded(tmp_path, "[cluster]\nmin_nodes = 3\n[environments.prod.cluster]\nmin_version = '1.29'\n")
    found = effective.environment.cluster
    assert found is not None
    assert (found.min_nodes, found.min_version) == (None, "1.29")


@pytest.mark.parametrize(
    ("entry", "mistake"),
    [
        ("kind = 'job'\nreplicas = 2", "has replicas with the kind job (expected a job only completes)"),
        (
            "allow_partition = true",
            "has allow_partition with the kind deployment (expected only a statefulset has a partition)",
        ),
        ("image = ':1'\ndeployed = true", "has both image and deployed (expected one of them)"),
    ],
)
def test_what_cannot_be_meant(tmp_path: Path, entry: str, mistake: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, f"[[workloads]]\nname = 'web'\n{entry}\n")
    assert [str(one) for one in caught.value.mistakes] == [f"deploycheck.toml:1: workloads[0]: {mistake}"]
