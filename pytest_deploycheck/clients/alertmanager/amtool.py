"""`amtool`, Alertmanager's own program, asked for the receivers of a label set."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.errors import CannotMeasure, NotSupported

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS = 10.0
_SHOWN = 300


def amtool_receivers(configuration: str, labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return the receivers that `amtool config routes test` tells.

    It is given the routing tree alone: the rest of a running configuration has its secrets masked, which it refuses.

    Args:
        configuration: the loaded configuration, as Alertmanager shows it.
        labels: of the alert.

    Raises:
        NotSupported: if amtool is not on PATH.
        CannotMeasure: if it fails.
    """
    program = shutil.which("amtool")
    if program is None:
        raise NotSupported("amtool is not on PATH", next_step="install it where the checks run; Alertmanager ships it")
    arguments = [f"{name}={_quoted(value)}" for name, value in sorted(labels.items())]
    with tempfile.TemporaryDirectory(prefix="deploycheck-amtool-") as directory:
        file = Path(directory, "alertmanager.yml")
        file.write_text(_routing(configuration), encoding="utf-8")
        try:
            done = subprocess.run(  # noqa: S603 - a list of arguments, without a shell
                [program, "config", "routes", "test", f"--config.file={file}", *arguments],
                capture_output=True,
                text=True,
                check=False,
                timeout=_SECONDS,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CannotMeasure(f"amtool cannot be run: {error}", where=program) from None
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[:_SHOWN]
        raise CannotMeasure(f"amtool failed with exit code {done.returncode}", where=program, details=[said])
    return tuple(name for name in done.stdout.strip().split(",") if name)


def _routing(configuration: str) -> str:
    import yaml

    document: dict[str, Any] = yaml.safe_load(configuration)
    kept: dict[str, Any] = {
        key: document[key] for key in ("route", "mute_time_intervals", "time_intervals") if key in document
    }
    kept["receivers"] = [{"name": one["name"]} for one in document.get("receivers", ())]
    return yaml.safe_dump(kept, sort_keys=False)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
