"""Each fault of the demo stack, found by the shipped suite: the right verdict, the right check, the right reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.model.outcome import Verdict
from pytest_deploycheck.sandbox.faults import FAULTS
from pytest_deploycheck.sandbox.symptoms import SYMPTOMS, B
from tests.e2e.shipped_suites import Verified, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_deploycheck.sandbox.fault import Fault
    from pytest_deploycheck.sandbox.stack import Sandbox

CODES = {Verdict.NO_GO: 1, Verdict.HOLD: 6}
OUTCOMES = {Verdict.NO_GO: {"failed"}, Verdict.HOLD: {"inconclusive", "error"}}
CHECKS = 123


@pytest.fixture(scope="module", autouse=True)
def _go_again(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """When everything is mended again, the stack that the faults shared is GO."""
    shared: Sandbox = request.getfixturevalue("sandbox")
    yield
    verified = verify(shared, tmp_path_factory.mktemp("mended"))
    assert verified.verdict == ("GO", 0), verified.told()


def found_by(fault: Fault, verified: Verified, address: str) -> list[str]:
    """The one line of each check that must have found the fault and names it."""
    says = [text.replace(B, address) for text in fault.symptom.says]
    return [
        check["nodeid"]
        for check in verified.red
        if check["requirement"] == fault.check
        and check["result"]["outcome"] in OUTCOMES[fault.verdict]
        and all(text in check["result"]["summary"] for text in says)
    ]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_for_the_right_reason(
    broken_sandbox: Callable[..., Sandbox], tmp_path: Path, name: str
) -> None:
    fault = FAULTS[name]
    sandbox = broken_sandbox(name)
    verified = verify(sandbox, tmp_path / "reports")
    told = verified.told()
    assert verified.verdict == (fault.verdict.value, CODES[fault.verdict]), told
    assert found_by(fault, verified, sandbox.scene.ports.address("b")), f"{fault.symptom.says} is not in\n{told}"
    # What has nothing to do with it stays green; replica a is well whatever happens to b.
    assert len(verified.record["checks"]) >= CHECKS
    assert {check["requirement"] for check in verified.red} <= {fault.check, *fault.symptom.others}, told
    assert [check["nodeid"] for check in verified.red if "[mcp-a:" in check["nodeid"]] == [], told
    if fault.verdict is Verdict.HOLD:
        assert all(check["result"]["outcome"] != "failed" for check in verified.red), told
    # What decides is on the screen, and nobody has to read a traceback of ours.
    assert f"\n{fault.verdict.value}: " in verified.text
    assert "pytest_deploycheck/" not in verified.text


def test_every_fault_has_its_symptom() -> None:
    assert list(SYMPTOMS) == list(FAULTS)
    assert all(symptom.says and all(symptom.says) for symptom in SYMPTOMS.values())
    assert all(fault.check not in fault.symptom.others for fault in FAULTS.values())
