"""What the command line asks of checkpoints: one long run that makes them all, or one scheduled run that makes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest

from pytest_deploycheck.gate import checkpoints as rules
from pytest_deploycheck.model.checkpoint import Planned
from pytest_deploycheck.model.duration import format_duration, parse_duration
from pytest_deploycheck.session.checkpoints import EXIT_CODES, Observation
from pytest_deploycheck.session.run import run_of
from pytest_deploycheck.session.statefile import StateError, StateFile, subject_of

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_deploycheck.session.controller import ControllerSide
    from pytest_deploycheck.settings.models import Effective


def observe(
    config: pytest.Config, controller: ControllerSide, settings: Effective, *, reports: Path
) -> Observation | None:
    """Return the observation that this run is to make or to be a part of; None if it is an ordinary run.

    Raises:
        pytest.UsageError: if the options do not go together, the deployment's finish is not known, or the state of
            earlier checkpoints cannot be used.
        pytest.exit.Exception: if no checkpoint is due, with the exit code of the checkpoints so far.
    """
    option = config.option
    if not (option.deploycheck_checkpoint or option.deploycheck_at):
        _refuse_alone(config)
        return None
    clock = run_of(config).clock
    finished = settings.deployment.finished_at
    if finished is None:
        _usage(
            "checkpoints are counted from the deployment's finish, which is not known: give "
            "--deployment-finished-at (or DEPLOYMENT_FINISHED_AT, or deployment.finished_at in the configuration)"
        )
    finish = finished.timestamp()
    try:
        plan = rules.parse_plan(option.deploycheck_checkpoint) if option.deploycheck_checkpoint else ()
        tolerance = _tolerance(option.deploycheck_checkpoint_tolerance)
        if option.deploycheck_at:
            plan = _with_this_one(plan, option.deploycheck_at, clock.now() - finish)
    except ValueError as error:
        _usage(str(error))
    state = _state(config, settings, reports)
    try:
        known = state.open() if state is not None else []
    except StateError as error:
        _usage(str(error))
    if state is not None:
        config.add_cleanup(state.close)
    observation = Observation(
        plan,
        finish=finish,
        clock=clock,
        known=known,
        go_on=option.deploycheck_checkpoint_continue,
        scheduled=bool(option.deploycheck_at),
        state=state,
    )
    if observation.scheduled:
        _take_the_due_one(observation, option.deploycheck_at, tolerance)
    else:
        from pytest_deploycheck.session.longrun import LongRun

        if config.pluginmanager.has_plugin("dsession"):
            _usage(
                "--deploycheck-checkpoint makes all checkpoints in one process: run it with -n 0, or let each be a "
                "run of its own with --deploycheck-at now, which may use -n"
            )
        config.pluginmanager.register(LongRun(config, controller, observation), "deploycheck-checkpoints")
    return observation


def _refuse_alone(config: pytest.Config) -> None:
    option = config.option
    for given, name in (
        (option.deploycheck_state, "--deploycheck-state"),
        (option.deploycheck_checkpoint_tolerance, "--deploycheck-checkpoint-tolerance"),
        (option.deploycheck_checkpoint_continue, "--deploycheck-checkpoint-continue"),
    ):
        if given:
            _usage(
                f"{name} is about checkpoints, and none is asked for: add --deploycheck-checkpoint or --deploycheck-at"
            )


def _usage(text: str) -> NoReturn:
    raise pytest.UsageError(f"deploycheck: {text}")


def _tolerance(text: str | None) -> float:
    if text is None:
        return rules.TOLERANCE
    try:
        return parse_duration(text)
    except ValueError:
        raise ValueError(f"--deploycheck-checkpoint-tolerance {text!r} is no duration: write it as 30m or 1h") from None


def _with_this_one(plan: tuple[Planned, ...], at: str, elapsed: float) -> tuple[Planned, ...]:
    """Return the plan that a scheduled run is a part of.

    Raises:
        ValueError: if the run says that it is a checkpoint which is not planned.
    """
    if at == "now":
        if plan:
            return plan
        # by the minute, so that the label tells when and no two of a minute are different ones
        offset = max(0.0, elapsed // 60 * 60)
        return (Planned(rules.label_of(offset), offset),)
    try:
        this = rules.parse_offset(at)
    except ValueError as error:
        raise ValueError(f"--deploycheck-at: {error}; or `now`") from None
    if plan and this not in plan:
        planned = ", ".join(it.label for it in plan)
        raise ValueError(f"--deploycheck-at {at}: it is not one of the planned checkpoints {planned}")
    return plan or (this,)


def _state(config: pytest.Config, settings: Effective, reports: Path) -> StateFile | None:
    option = config.option
    subject = subject_of(settings.environment_name, settings.deployment, settings.only)
    if option.deploycheck_state:
        return StateFile(config.invocation_params.dir / option.deploycheck_state, subject)
    if option.deploycheck_at:
        return StateFile(reports / "checkpoints" / subject.file_name(), subject)
    return None


def _take_the_due_one(observation: Observation, at: str, tolerance: float) -> None:
    """Make the checkpoint that is due the current one.

    Raises:
        pytest.UsageError: if the run says that it is a checkpoint whose time has not come.
        pytest.exit.Exception: if none is due.
    """
    asked = None if at == "now" else rules.parse_offset(at)
    if asked is not None and observation.elapsed < asked.offset - rules.slack(asked):
        early = format_duration(max(1, round(asked.offset - observation.elapsed)))
        _usage(
            f"checkpoint {asked.label} is due at {observation.moment(asked)}, in {early}: what is measured now would "
            "tell of another time"
        )
    if observation.stopped:
        _nothing_due(observation, f"{observation.stopped}; --deploycheck-checkpoint-continue goes on")
    if asked is not None:
        observation.forget_hold(asked, tolerance=tolerance)
    found = observation.look(tolerance=tolerance)
    observation.save()
    if found.now is None or (asked is not None and found.now != asked):
        following = found.following
        if following is None:
            _nothing_due(observation, "all of them have been made or missed")
        _nothing_due(observation, f"the next one is {following.label} at {observation.moment(following)}")
    observation.current = found.now


def _nothing_due(observation: Observation, why: str) -> NoReturn:
    verdict, so_far = observation.together()
    pytest.exit(f"deploycheck: no checkpoint is due: {why}; so far: {so_far}", returncode=EXIT_CODES[verdict])
