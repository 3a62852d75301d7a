"""How a failed judgement reads in pytest's own failure section."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.report.failure import headline, lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from pytest_deploycheck.model.finding import Finding

SECTION = "deploycheck finding"


def explain(report: pytest.TestReport, findings: Sequence[Finding]) -> None:
    """Put the findings into a failed report: the asserted one in the place of pytest's explanation, others below it.

    pytest explains `assert prometheus.alerts().none()` by the representations of everything on the way, none of which
    helps at night. The finding says what was asked, expected and observed.

    Args:
        report: of a failed call.
        findings: what was judged and found wanting, in order.
    """
    asserted = findings[-1] if findings and _is_about(report, findings[-1]) else None
    if asserted is not None and not _replace(report, asserted):
        asserted = None
    for finding in findings:
        if finding is not asserted:
            report.sections.append((SECTION, "\n".join(lines(finding))))


def _is_about(report: pytest.TestReport, finding: Finding) -> bool:
    """Tell an assertion on a judgement from one on something else that came after it."""
    crash = getattr(report.longrepr, "reprcrash", None)
    first = str(getattr(crash, "message", "")).splitlines()[:1]
    text = first[0] if first else ""
    return "<FAILED: " in text or headline(finding)[:40] in text


def _replace(report: pytest.TestReport, finding: Finding) -> bool:
    """Replace pytest's explanation; False if the report is not of the usual form (`--tb=line`, another plugin's)."""
    traceback = getattr(report.longrepr, "reprtraceback", None)
    entries = getattr(traceback, "reprentries", None)
    crash = getattr(report.longrepr, "reprcrash", None)
    if not entries or crash is None or not isinstance(getattr(entries[-1], "lines", None), list):
        return False
    last = entries[-1]
    text = [headline(finding), *lines(finding)]
    kept = [line for line in last.lines if not line.startswith("E ")]
    last.lines[:] = kept + [f"E   {line}".rstrip() for line in text]
    crash.message = "\n".join(text)
    return True
