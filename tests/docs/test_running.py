"""The examples of the documents run, against the demo stack, and end as the documents say."""

from __future__ import annotations

import ast
import json
import math
import re
import shutil
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.docs.blocks import ROOT, Block, blocks

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox.stack import Sandbox

PYTHON = blocks("python")


def of(name: str) -> list[Block]:
    return [block for block in PYTHON if block.document.name == name]


def run(pytester: pytest.Pytester, *arguments: str) -> dict[str, Any]:
    """Run pytest where the example would be run, and return the record."""
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)
    record = pytester.path / "reports" / "latest" / "signoff.json"
    assert record.is_file(), result.stdout.str() + result.stderr.str()
    found: dict[str, Any] = json.loads(record.read_text())
    return found


def outcomes(record: dict[str, Any]) -> dict[str, str]:
    return {
        check["nodeid"].split("::", 1)[1]: check["result"]["outcome"] + ": " + check["result"]["summary"]
        for check in record["checks"]
    }


def settled_since(sandbox: Sandbox) -> str:
    """Return the second from which on each replica was scraped twice; before, other tests may have broken them."""
    reply = httpx.get(f"{sandbox.urls.prometheus}/api/v1/query", params={"query": 'up{job="mcp"}[10m]'}).json()
    return str(math.ceil(max(series["values"][-3][0] for series in reply["data"]["result"])))


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_every_example_is_python(block: Block) -> None:
    assert ast.parse(block.text).body


def test_every_example_of_a_check_passes(sandbox: Sandbox, pytester: pytest.Pytester) -> None:
    config = (
        sandbox.config_path.read_text() + f'\n[environments.sandbox.services.mcp]\nurl = "{sandbox.urls.service}"\n'
    )
    (pytester.path / "deploycheck.toml").write_text(re.sub(r"(?m)^reports = .*$", 'reports = "reports"', config))
    expected = 0
    folder = pytester.path
    for number, block in enumerate(of("checks.md") + of("waits.md") + of("prefetch.md") + of("README.md")):
        name = f"test_{number}.py"
        if block.text.startswith("# conftest.py"):
            folder = pytester.mkdir(f"folder_{number}")
            name = "conftest.py"
        (folder / name).write_text(block.text)
        if name != "conftest.py":
            folder = pytester.path
            expected += block.text.count("def test_")
    record = run(
        pytester,
        "--deploycheck-allow-writes=all",
        "--import-mode=importlib",
        *("--deployment-finished-at", settled_since(sandbox)),  # windows begin at the deployment
    )
    found = outcomes(record)
    assert set(found.values()) == {"passed: "}, found
    assert len({name.partition("[")[0] for name in found}) >= expected - 5  # some names are used twice


def test_the_readmes_configuration_and_the_suite_are_enough_for_a_go(
    sandbox: Sandbox, pytester: pytest.Pytester
) -> None:
    (text,) = (block.text for block in blocks("toml") if block.document.name == "README.md")
    urls = {"9090": sandbox.urls.prometheus, "9093": sandbox.urls.alertmanager, "8000": sandbox.urls.service}
    for port, url in urls.items():
        assert text.count(f"http://127.0.0.1:{port}") == 1
        text = text.replace(f"http://127.0.0.1:{port}", url)
    (pytester.path / "deploycheck.toml").write_text(text)
    shutil.copytree(ROOT / "suites", pytester.path / "suites")
    record = run(pytester, "suites/post_deploy", "-m", "blocker", "--deploycheck-env", "prod")
    assert (record["verdict"], record["reasons"]) == ("GO", [])
    assert len(record["checks"]) == record["coverage"]["passed"] > 0


def test_the_examples_on_records_and_evidence_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_one="def test_one(deploycheck): deploycheck.record('seen', 1)\n")
    assert run(pytester)["verdict"] == "GO"
    for block in of("signoff.md") + of("evidence.md"):
        result = pytester.run(sys.executable, "-c", block.text)
        assert result.ret == 0, f"{block}: {result.stderr.str()}"
