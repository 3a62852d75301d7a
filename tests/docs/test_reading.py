"""What can be read in the documents without running a check: settings, waivers, commands, options, links."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.gate.waivers import parse_waivers
from pytest_deploycheck.settings.load import load
from tests.docs.blocks import DOCUMENTS, ROOT, Block, anchors, blocks, links, prose

if TYPE_CHECKING:
    from pathlib import Path

WAIVERS = "waivers.md"
TOML = [block for block in blocks("toml") if block.document.name != WAIVERS]
COMMANDS = [
    (block, line.removeprefix("$ ").split("  #", 1)[0].strip())
    for block in blocks("sh", "console")
    for line in block.text.replace("\\\n", " ").splitlines()
    if line.strip() and not line.startswith("#")
]
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


@cache
def options_of(*program: str) -> frozenset[str]:
    """Return the long options that a program's help names."""
    modules = {"pytest": ["pytest"], "deploycheck": ["pytest_deploycheck.cli"]}
    done = subprocess.run(
        [sys.executable, "-m", *modules[program[0]], *program[1:], "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=ROOT,
    )
    return frozenset(OPTION.findall(done.stdout)) | {"--help"}


@pytest.mark.parametrize("block", TOML, ids=str)
def test_every_configuration_loads_in_each_of_its_environments(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "deploycheck.toml"
    file.write_text(block.text, encoding="utf-8")
    for name in tomllib.loads(block.text).get("environments", {}) or [None]:
        assert load(file, environment=name, overrides={}, environ={}, cwd=tmp_path).warnings == ()


@pytest.mark.parametrize("block", [block for block in blocks("toml") if block.document.name == WAIVERS], ids=str)
def test_every_waiver_file_can_be_read(block: Block) -> None:
    moment = datetime(2026, 11, 25, tzinfo=UTC).timestamp()
    found = parse_waivers(block.text.encode(), source="waivers.toml", now=moment, max_days=90)
    assert len(found.entries) == block.text.count("[[waiver]]") > 0


@pytest.mark.parametrize(("block", "line"), COMMANDS, ids=str)
def test_every_command_and_its_options_exist(block: Block, line: str) -> None:
    own, _, inner = line.partition(" -- ")
    for command in filter(None, (own, inner)):
        program, *arguments = shlex.split(command)
        if program.startswith("scripts/"):
            assert (ROOT / program).is_file(), f"{block}: {program}"
            continue
        assert program in {"pytest", "deploycheck", "pip", "grep"}, f"{block}: {program}"
        if program not in {"pytest", "deploycheck"}:
            continue
        sub = arguments[:1] if program == "deploycheck" else []
        unknown = set(OPTION.findall(command)) - options_of(program, *sub)
        assert not unknown, f"{block}: {command}"
        for path in (argument for argument in arguments if argument.startswith("suites/")):
            assert (ROOT / path.partition("::")[0]).exists(), f"{block}: {path}"


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_the_pipeline_uses_options_that_exist(block: Block) -> None:
    found = set(OPTION.findall(block.text))
    assert found
    assert found <= options_of("pytest")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_option_of_ours_in_the_prose_exists(document: Path) -> None:
    ours = {name for name in OPTION.findall(prose(document)) if name.startswith(("--deploycheck", "--deployment-"))}
    assert {name for name in ours if not name.endswith("-")} <= options_of("pytest")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    broken = []
    for target in links(document):
        path, _, anchor = target.partition("#")
        there = (document.parent / path).resolve() if path else document
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


def test_every_document_is_reached_from_the_index_and_the_readme() -> None:
    pages = {path.name for path in DOCUMENTS if path.parent.name == "docs"}
    for page in (ROOT / "README.md", ROOT / "docs" / "index.md"):
        assert pages - {target.partition("#")[0].rpartition("/")[2] for target in links(page)} - {page.name} == set()
