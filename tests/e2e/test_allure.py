"""What Allure gets: our words, our labels, the observations, and no secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.bad_servers import answering, http

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Ran

pytest.importorskip("allure_pytest")

ONE = '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"a"},"value":[1795264075.1,"3"]}]}}'
SUITE = """
import pytest

@pytest.mark.blocker(owner="sre", runbook="https://example.invalid/up")
@pytest.mark.requirement("MF1")
@pytest.mark.freshness
def test_bad(prometheus):
    assert prometheus("up") == 1

@pytest.mark.warning
def test_warned(prometheus):
    assert prometheus("up") == 1

@pytest.mark.blocker
@pytest.mark.within("4s", since="start", every="500ms")
def test_late(prometheus):
    assert prometheus("up") == 1

def test_secret(prometheus):
    raise RuntimeError("the token is s3cr3t-Tok-9f8e7d")
"""


def results(directory: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for path in directory.glob("*-result.json"):
        result = json.loads(path.read_text())
        found.setdefault(result["name"], []).append(result)
    return found


@pytest.mark.parametrize("workers", ["0", "2"])
def test_allure_says_what_we_say(
    run: Callable[..., Ran], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setenv("TOKEN", "s3cr3t-Tok-9f8e7d")
    with answering(http(200, ONE, Content_Type="application/json")) as server:
        (pytester.path / "deploycheck.toml").write_text(
            f'[environments.test.prometheus]\nurl = "{server.url}"\nauth = {{ bearer = {{ env = "TOKEN" }} }}\n'
        )
        ran = run("--alluredir=allure", f"-n{workers}", test_it=SUITE)
    assert ran.code == 1, ran.text
    found = results(pytester.path / "allure")
    (bad,) = found["test_bad"]
    assert bad["status"] == "failed"
    assert bad["statusDetails"]["message"].startswith('failed: up: 1 of 1 series is not == 1 ({job="a"}: 3)')
    assert "AssertionError: assert <" not in json.dumps(bad)
    labels = [(label["name"], label["value"]) for label in bad["labels"]]
    for label in (("severity", "blocker"), ("tag", "blocker"), ("tag", "freshness"), ("tag", "MF1"), ("owner", "sre")):
        assert labels.count(label) == 1, labels
    assert [link["url"] for link in bad["links"]] == ["https://example.invalid/up"]
    names = [attachment["name"] for attachment in bad["attachments"]]
    assert names[0].startswith("failed: up: 1 of 1 series")
    observed = next(it for it in bad["attachments"] if it["name"] == "observed (call)")
    (exchange,) = json.loads((pytester.path / "allure" / observed["source"]).read_text())
    assert json.loads(exchange["answer"]) == json.loads(ONE)
    (warned,) = found["test_warned"]
    assert warned["status"] == "broken"
    assert ("severity", "minor") in [(label["name"], label["value"]) for label in warned["labels"]]
    # each attempt is a result of its own with the same history, which Allure shows as retries
    late = found["test_late"]
    assert len(late) > 1
    assert len({result["historyId"] for result in late}) == 1
    assert {result["status"] for result in late} == {"failed"}
    for path in (pytester.path / "allure").iterdir():
        assert "s3cr3t-Tok" not in path.read_text(errors="replace"), path
