"""`deploycheck config` and `deploycheck schema` as programs: output, messages, exit codes."""

from __future__ import annotations

import argparse
import json
import os
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.settings.command import add_arguments
from pytest_deploycheck.settings.schema import schema

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> object:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("DEPLOY")]:
        monkeypatch.delenv(name)

    def command(*arguments: str) -> tuple[int, str, str]:
        parser = argparse.ArgumentParser(prog="deploycheck")
        add_arguments(parser.add_subparsers(required=True))
        args = parser.parse_args(arguments)
        code = args.run(args)
        out, err = capfd.readouterr()
        return code, out.replace(str(tmp_path), "DIR"), err.replace(str(tmp_path), "DIR")

    return command


NEXT = "  next: mend them; `deploycheck config` shows what is read, `deploycheck schema` what is expected\n"


def test_config(run: object, tmp_path: Path) -> None:
    assert callable(run)
    (tmp_path / "deploycheck.toml").write_text("[environments.a]\n[environments.b]\n", encoding="utf-8")
    code, out, err = run("config", "--env", "b")
    assert (code, err) == (0, "")
    assert out.splitlines()[:3] == [
        "# file: DIR/deploycheck.toml",
        "# environment: b",
        'reports = "DIR/reports"   # default',
    ]
    code, out, err = run("config", "--env", "b", "--json")
    assert (code, json.loads(out)["environment"], err) == (0, "b", "")


def test_check(run: object, tmp_path: Path) -> None:
    assert callable(run)
    file = tmp_path / "other.toml"
    file.write_text("[[slos]]\nexpr = 'holt_winters(x[1h], 1, 1)'\nbelow = 1\n", encoding="utf-8")
    assert run("config", "--config", "other.toml", "--check") == (
        0,
        "DIR/other.toml: no mistakes (environment none)\n",
        (
            "warning: other.toml:2: slos[0].expr: may not be valid PromQL: unknown function with name 'holt_winters' "
            "(the server decides; another version of Prometheus may know it)\n"
        ),
    )
    file.write_text("strict = 1\n", encoding="utf-8")
    assert run("config", "--config", "other.toml", "--check") == (
        4,
        "",
        "1 mistake in the configuration\n  other.toml:1: strict: is a whole number (expected true or false)\n" + NEXT,
    )


def test_variables(run: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(run)
    (tmp_path / "x.toml").write_text("[environments.a]\n[environments.b]\n", encoding="utf-8")
    monkeypatch.setenv("DEPLOYCHECK_CONFIG", "x.toml")
    monkeypatch.setenv("DEPLOYCHECK_ENV", "b")
    assert run("config", "--check") == (0, "DIR/x.toml: no mistakes (environment b)\n", "")


def test_no_file(run: object) -> None:
    assert callable(run)
    assert run("config") == (
        4,
        "",
        (
            "1 mistake in the configuration\n"
            "  DIR: configuration file: there is no deploycheck.toml here or in a directory above "
            "(expected a deploycheck.toml, or the option --config FILE)\n"
            "  next: write one; docs/configuration.md begins with an example\n"
        ),
    )


def test_schema_command(run: object, tmp_path: Path) -> None:
    assert callable(run)
    code, out, err = run("schema")
    assert (code, json.loads(out), err) == (0, schema(), "")
    assert run("schema", "--output", "s.json") == (0, "", "")
    assert json.loads((tmp_path / "s.json").read_text(encoding="utf-8")) == schema()
    assert run("schema", "--output", "no/such/s.json") == (
        4,
        "",
        (
            "1 mistake in the configuration\n"
            "  option --output: no/such/s.json: cannot be written: No such file or directory\n"
            "  next: name a file in a directory that exists and may be written to\n"
        ),
    )
