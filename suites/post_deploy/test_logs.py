"""Logs: well formed, alive, at sane levels, with ids, and without errors nobody expects. LO1 to LO5."""

import pytest

from pytest_deploycheck.suite import LogCheck, Logs

pytestmark = pytest.mark.logging


@pytest.mark.requirement("LO1")
@pytest.mark.foreach("log_checks")
def test_lines_are_well_formed(logs: Logs, entry: LogCheck) -> None:
    """There are lines, every one is JSON and matches the schema, and their times are in order."""
    report = logs(entry.source).check(entry)
    assert report.lines >= entry.min_lines
    assert report.invalid_ratio <= entry.max_invalid
    assert report.in_window()
    assert report.ordered()


@pytest.mark.requirement("LO1")
@pytest.mark.foreach("log_checks", where=lambda entry: entry.max_age is not None or entry.max_gap is not None)
def test_log_is_alive(logs: Logs, entry: LogCheck) -> None:
    """Every service has logged lately, and the log has no hole."""
    report = logs(entry.source).check(entry)
    if entry.max_age is not None:
        assert report.alive(entry.max_age, services=entry.services, at_least=entry.min_services)
    if entry.max_gap is not None:
        assert report.gap <= entry.max_gap


@pytest.mark.requirement("LO2")
@pytest.mark.foreach("log_checks")
def test_levels_are_allowed(logs: Logs, entry: LogCheck) -> None:
    """Nobody logs at a level that production does not want, or that nobody knows."""
    assert logs(entry.source).check(entry).only_levels(*entry.levels)


@pytest.mark.requirement("LO2")
@pytest.mark.foreach("log_checks", where=lambda entry: entry.bounds_errors())
def test_errors_are_rare(logs: Logs, entry: LogCheck) -> None:
    """The share of errors, of warnings, and the errors of any minute keep their bounds; known errors do not count."""
    report = logs(entry.source).check(entry)
    if entry.max_error_rate is not None:
        assert report.rate("ERROR", known=entry.known) <= entry.max_error_rate
    if entry.max_warn_rate is not None:
        assert report.rate("WARN", known=entry.known) <= entry.max_warn_rate
    if entry.max_errors_per_minute is not None:
        assert report.per_minute("ERROR") <= entry.max_errors_per_minute


@pytest.mark.requirement("LO3")
@pytest.mark.foreach("log_checks", where=lambda entry: bool(entry.ids.given() or entry.shared))
def test_ids_are_carried(logs: Logs, entry: LogCheck) -> None:
    """Lines carry well-formed ids, and services pass them on."""
    report = logs(entry.source).check(entry)
    for kind, share in entry.ids.given().items():
        assert report.carries(kind, share)
    for kind in entry.shared:
        assert report.shares(kind)


@pytest.mark.requirement("LO5")
@pytest.mark.foreach("log_checks", level="warning", where=lambda entry: entry.new_errors is not None)
def test_no_new_errors(logs: Logs, entry: LogCheck) -> None:
    """No error is logged that was not there before the deployment."""
    log = logs(entry.source)
    before = log.before_deployment(entry.new_errors).report()
    assert log.check(entry).no_new_errors(before, known=entry.known)
