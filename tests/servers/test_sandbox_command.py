"""`deploycheck sandbox` as a program."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_deploycheck.sandbox.command import add_arguments, list_faults, run
from pytest_deploycheck.sandbox.faults import FAULTS

ROOT = Path(__file__).parents[2]
PROGRAM = """
import argparse, sys
sys.path.append(sys.argv.pop(1))
from pytest_deploycheck.sandbox.command import add_arguments, run
parser = argparse.ArgumentParser(prog="deploycheck")
add_arguments(parser.add_subparsers(dest="command"))
sys.exit(run(parser.parse_args()))
"""


NO_CLIENT = 'import sys; sys.modules["kubernetes"] = None\n'


def command(*arguments: str, before: str = "") -> list[str]:
    return [sys.executable, "-c", before + PROGRAM, str(ROOT), "sandbox", *arguments]


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="deploycheck")
    add_arguments(parser.add_subparsers(dest="command"))
    return parser.parse_args(["sandbox", *arguments])


def test_the_list_has_every_fault_with_its_verdict_and_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parse("--list-faults")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == list_faults().splitlines()
    assert lines[0].split() == ["fault", "verdict", "check", "what", "is", "broken"]
    assert [line.split()[0] for line in lines[1:]] == list(FAULTS)
    assert "wrong-version              NO-GO    SM3    replica b still runs the old version" in lines


def test_an_unknown_fault_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parse("--fault", "alert-strom")) == 4
    assert capsys.readouterr().err == (
        "deploycheck sandbox: there is no fault 'alert-strom'\n"
        "  at: --fault\n"
        "  did you mean alert-storm?\n"
        "  next: `deploycheck sandbox --list-faults` lists them all\n"
    )
    assert run(parse("--fault", "zzz")) == 4
    assert "did you mean" not in capsys.readouterr().err


def test_an_unknown_program_and_contradictory_options_are_usage_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parse("--", "no-such-program", "-x")) == 4
    assert capsys.readouterr().err == (
        "deploycheck sandbox: there is no program 'no-such-program' to run\n"
        "  next: give its path, or put it on PATH\n"
    )  # fmt: skip
    assert run(parse("--for", "5", "--", "true")) == 4
    assert "--for and a COMMAND exclude each other" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon"])
def test_a_bad_length_of_time_is_a_usage_error(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        parse("--for", seconds)
    assert error.value.code == 2
    assert "--for: expected a positive number of seconds" in capsys.readouterr().err


def test_a_missing_server_is_told_with_its_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(parse()) == 3
    assert "apt-get install prometheus prometheus-alertmanager" in capsys.readouterr().err


def test_a_command_runs_with_the_configuration_and_gives_its_exit_code(tmp_path: Path) -> None:
    config = tmp_path / "deploycheck.toml"
    script = 'echo "$DEPLOYCHECK_CONFIG"; grep "^reports" "$DEPLOYCHECK_CONFIG"; exit 7'
    done = subprocess.run(
        command("--fault", "health-503", "--config-out", str(config), "--", "sh", "-c", script),
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout) == (7, f'{config}\nreports = "{tmp_path / "reports"}"\n')
    assert "sandbox: broken        health-503: replica b: /health answers 503 (expect NO-GO)\n" in done.stderr
    assert config.exists()


def test_it_ends_in_order_on_sigterm_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    directory = tmp_path / "kept"
    with subprocess.Popen(
        command("--directory", str(directory), before=NO_CLIENT), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line.startswith("sandbox: run "):
                break
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""
    assert (
        "sandbox: Kubernetes    left out: it needs the extra kubernetes: pip install 'pytest-deploycheck[kubernetes]'\n"
    ) in lines
    assert "kubernetes" not in (directory / "deploycheck.toml").read_text()
    assert lines[-1] == (
        f"sandbox: run           DEPLOYCHECK_CONFIG={directory / 'deploycheck.toml'}"
        " pytest suites/post_deploy -m blocker\n"
    )
    owners = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(directory).encode() in read(path)]
    assert owners == []


def test_a_command_that_is_cut_short_is_no_success(tmp_path: Path) -> None:
    started = tmp_path / "started"
    script = f"touch {started}; exec sleep 60"
    with subprocess.Popen(command("--", "sh", "-c", script), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("sandbox: run "):
                break
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM


def test_the_documentation_lists_the_same_faults() -> None:
    text = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    rows = [f"| `{f.name}` | {f.verdict.value} | {f.check} | {f.summary} |" for f in FAULTS.values()]
    assert [line for line in text.partition("## Faults")[2].splitlines() if line.startswith("| `")] == rows


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
