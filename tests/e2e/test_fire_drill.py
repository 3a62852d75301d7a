"""The shipped suite's fire drill: a page travels to its receiver, and every way in which it does not is said."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from tests.e2e.shipped_suites import Verified, verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_deploycheck.sandbox.stack import Sandbox

ALLOWED = "--deploycheck-allow-writes=alertmanager"


@pytest.fixture
def drill(sandbox: Sandbox, tmp_path: Path) -> Callable[..., Verified]:
    def drill(*arguments: str, bounds: str = 'max_latency = "20s"\nend_within = "20s"') -> Verified:
        config = tmp_path / "deploycheck.toml"
        config.write_text(
            f'[environments.x.alertmanager]\nurl = "{sandbox.urls.alertmanager}"\n'
            f'[environments.x.services.hooks]\nurl = "{sandbox.urls.receiver}"\n'
            f'[[fire_drills]]\nid = "page"\nlevel = "blocker"\nlabels = {{ severity = "page" }}\n'
            f'receiver = "pager"\nservice = "hooks"\npath = "/hook"\n{bounds}\n'
        )
        stack: Any = SimpleNamespace(config_path=config)
        return verify(cast("Sandbox", stack), tmp_path / "reports", *arguments)

    return drill


def left(sandbox: Sandbox) -> list[Any]:
    alerts = httpx.get(f"{sandbox.urls.alertmanager}/api/v2/alerts").json()
    return [one for one in alerts if "deploycheck_probe" in one["labels"]]


def test_a_page_travels_to_its_receiver_and_ends(sandbox: Sandbox, drill: Callable[..., Verified]) -> None:
    verified = drill(ALLOWED)
    assert verified.verdict == ("GO", 0), verified.text
    (check,) = [one for one in verified.record["checks"] if one["requirement"] == "AL5"]
    (measure,) = check["result"]["measures"]
    assert measure["name"] == "time from sending an alert to its receiver"
    assert 0 < measure["value"] < 20
    assert left(sandbox) == []


def test_without_the_runs_consent_nothing_is_sent(sandbox: Sandbox, drill: Callable[..., Verified]) -> None:
    verified = drill()
    assert verified.verdict == ("HOLD", 6), verified.text
    assert "--deploycheck-allow-writes" in verified.text
    assert left(sandbox) == []


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("silence-pages", "silenced by "),
        ("route-wrong", "routed to chat, not to pager"),
    ],
)
def test_what_stands_in_its_way(
    sandbox: Sandbox,
    broken_sandbox: Callable[..., Sandbox],
    drill: Callable[..., Verified],
    fault: str,
    says: str,
) -> None:
    broken_sandbox(fault)
    verified = drill(ALLOWED, bounds='max_latency = "1s"')
    assert verified.verdict == ("NO-GO", 1), verified.text
    assert says in verified.told()
    assert left(sandbox) == [], "ended, although the check failed"
