"""Every kind of mistake, with its whole message."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pytest_deploycheck.settings.mistakes import translate
from pytest_deploycheck.settings.models import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = [
    tuple(case.strip("\n").split("\n=> "))
    for case in (Path(__file__).parent / "mistakes.txt").read_text(encoding="utf-8").split("----\n")[1:]
]


@pytest.mark.parametrize(("text", "message"), CASES, ids=[message for _, message in CASES])
def test_message(text: str, message: str, mistakes: Callable[[str], list[str]]) -> None:
    found = [each.replace("deploycheck.toml:", "f:") for each in mistakes(text)]
    assert found == [message]
    assert "hunter" not in str(found)


def test_all_mistakes_at_once_in_file_order(mistakes: Callable[[str], list[str]]) -> None:
    assert mistakes("strict = 1\n[[slos]]\nbelow = 1\n[[scrape_targets]]\n[environments.p.grafana]\n") == [
        "deploycheck.toml:1: strict: is a whole number (expected true or false)",
        "deploycheck.toml:2: slos[0].expr: is missing (expected text that is not empty)",
        "deploycheck.toml:4: scrape_targets[0].job: is missing (expected text that is not empty)",
        "deploycheck.toml:5: environments.p.grafana.url: is missing (expected text that is not empty)",
    ]


def test_a_mistake_in_an_environment_that_is_not_used_is_one(mistakes: Callable[[str], list[str]]) -> None:
    text = "default_environment = 'a'\n[environments.a]\n[[environments.b.versions]]\nservice = 's'\n"
    assert mistakes(text) == [
        (
            'deploycheck.toml:4: environments.b.versions[0].service: environment "b" has no services '
            "(expected a table [environments.b.services.s])"
        )
    ]


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        st.datetimes(),
        st.dates(),
        st.times(),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["url", "env", "known", "service", "labels", "auth", "x"]), inner, max_size=3),
    ),
    max_leaves=6,
)
ENTRY_KEYS = (
    "service",
    "metric",
    "path",
    "status",
    "json",
    "labels",
    "expr",
    "below",
    "max_age",
    "body",
    "dependencies",
    "moving",
)
SYSTEM_KEYS = ("url", "auth", "headers", "tls", "timeouts", "retries", "max_body", "proxy", "writes", "compression")
PYDANTIC = (
    "input should",
    "value error",
    "valid ",
    "type=",
    "pydantic",
    "instance of",
    "dictionary",
    "nonetype",
    "field required",
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_stands_there_the_words_are_ours(data: st.DataObject) -> None:
    table = data.draw(
        st.sampled_from(["endpoints", "versions", "metrics", "slos", "transactions", "rules", "routes", "alerts"])
    )
    entry = data.draw(st.dictionaries(st.sampled_from(ENTRY_KEYS), VALUES, max_size=4))
    system = data.draw(st.dictionaries(st.sampled_from(SYSTEM_KEYS), VALUES, max_size=4))
    kind = data.draw(st.sampled_from(["prometheus", "grafana", "kubernetes"]))
    top = data.draw(
        st.dictionaries(st.sampled_from(["reports", "strict", "deployment", "unmarked", "waiver_max_days"]), VALUES)
    )
    raw = {
        **top,
        table: entry if table == "alerts" else [entry],
        "environments": {"p": {kind: system, "services": {"s": system}}},
    }
    try:
        Settings.model_validate(raw)
    except ValidationError as error:
        for mistake in translate(error, raw, Settings, lambda _path: "f:1"):
            # What we say ourselves about PromQL and regular expressions, and what stands in quotes, is not pydantic's.
            words = (
                mistake.problem.split('"')[0].lower().replace("not a valid regular", "").replace("not valid promql", "")
            )
            assert not [word for word in PYDANTIC if word in words], mistake
            assert mistake.problem
            assert "\n" not in str(mistake)
