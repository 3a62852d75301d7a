"""From a file, options and environment variables to what holds in one run, or to one message per mistake.

Precedence, highest first: option, environment variable, the environment's table, the top-level table, the default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from pytest_deploycheck.errors import ConfigError, Mistake
from pytest_deploycheck.settings.merge import (
    NO_ENVIRONMENT,
    chosen,
    doubts,
    environment_mistakes,
    file_mistakes,
    merged,
    place_secrets,
    provenance,
)
from pytest_deploycheck.settings.mistakes import did_you_mean, in_file_order, one_of, translate
from pytest_deploycheck.settings.models import Deployment, Effective, Settings
from pytest_deploycheck.settings.overrides import PLAIN, Overrides
from pytest_deploycheck.settings.places import narrowed_to, uneven
from pytest_deploycheck.settings.source import FILE_NAME, dotted, find_config, read
from pytest_deploycheck.settings.values import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_deploycheck.settings.lines import KeyPath
    from pytest_deploycheck.settings.models import Environment
    from pytest_deploycheck.settings.overrides import Layer
    from pytest_deploycheck.settings.source import Source

__all__ = ["find_config", "load"]


def load(
    path: Path | None,
    *,
    environment: str | None,
    overrides: Mapping[str, str],
    environ: Mapping[str, str],
    cwd: Path,
    targets: str | None = None,
) -> Effective:
    """Return what holds in one run.

    Args:
        path: the configuration file (`find_config` finds it); None if there is none.
        environment: the environment that an option asks for; None if none does.
        overrides: dotted key (one of `overrides.OVERRIDABLE`) → the text of the option that sets it.
        environ: the environment variables: DEPLOYCHECK_ENV, DEPLOYCHECK_TARGET and DEPLOYMENT_VERSION, _IMAGE_DIGEST,
            _STARTED_AT, _FINISHED_AT, _CHANGE_TICKET. Those set to nothing count as not set: pipelines do that.
        cwd: the working directory; paths in options, and the reports of a run without a file, are relative to it.
        targets: the targets that an option narrows the run to, with commas between them; None if none does.

    Raises:
        ConfigError: with every mistake that could be found.
    """
    source = read(path, cwd=cwd) if path is not None else None
    settings = _validated(source) if source is not None else Settings()
    mistakes = list(file_mistakes(settings, source)) if source is not None else []
    name, problem = _environment_name(settings, source, environment, environ)
    mistakes += [problem] if problem else []
    if source is not None and problem is None:
        mistakes += environment_mistakes(settings, name, source)
    only, narrowed_by, unknown = narrowed_to(chosen(settings, name), name, targets, environ)
    over = Overrides(environ=environ, options=overrides, cwd=cwd)
    over.apply(_layers(settings, name, source))
    if unknown is not None and problem is None:
        over.mistakes.append(unknown)
    if mistakes or over.mistakes:
        raise ConfigError([*in_file_order(mistakes), *over.mistakes])

    effective_environment, tables = merged(settings, name)
    found = provenance(settings, name, tables, source) if source is not None else {}
    if source is not None:
        place_secrets(effective_environment, name, source)
    base = source.path.parent if source is not None else cwd
    plain = {key: getattr(settings, key) for key in PLAIN} | over.plain
    plain["reports"] = base / plain["reports"]
    return Effective.model_construct(  # every part was validated above
        source=source.path if source is not None else None,
        environment_name=name,
        environment=effective_environment.model_copy(update={"deployment": over.deployment}),
        deployment=over.deployment,
        only=only,
        provenance={**found, **over.origins, **({"only": narrowed_by} if only else {})},
        warnings=(*doubts(tables, source), *_uneven(effective_environment, name, source)) if source else (),
        **plain,
    )


def _uneven(environment: Environment, name: str, source: Source) -> Iterator[str]:
    """Yield a warning for what some targets of an environment have and another lacks."""
    for target, what in uneven(environment):
        path = ("environments", name, "targets", target)
        yield f"{source.where(path)}: {dotted(path)}: {what}"


def _layers(settings: Settings, name: str, source: Source | None) -> list[Layer]:
    """Return the file's deployment tables, the lowest first."""
    if source is None:
        return []
    layers: list[tuple[KeyPath, Deployment]] = [(("deployment",), settings.deployment)]
    if name in settings.environments:
        layers.append((("environments", name, "deployment"), settings.environments[name].deployment))
    return [
        {field: (getattr(table, field), source.where((*path, field))) for field in table.model_fields_set}
        for path, table in layers
    ]


def _validated(source: Source) -> Settings:
    try:
        return Settings.model_validate(source.data, context={"base": source.path.parent})
    except ValidationError as error:
        raise ConfigError(translate(error, source.data, Settings, source.where)) from None


def _environment_name(
    settings: Settings, source: Source | None, option: str | None, environ: Mapping[str, str]
) -> tuple[str, Mistake | None]:
    """Return the name of the environment to use, and what is wrong with the choice."""
    known = list(settings.environments)
    variable = environ.get("DEPLOYCHECK_ENV", "").strip()
    if option is not None:
        name, where, key = option.strip(), "option --deploycheck-env", "environment"
    elif variable:
        name, where, key = variable, "environment variable DEPLOYCHECK_ENV", "environment"
    elif source is not None and settings.default_environment is not None:
        name, where = settings.default_environment, source.where(("default_environment",))
        key = "default_environment"
    elif len(known) > 1 and source is not None:
        problem = f"is not given, and the file has {len(known)} environments"
        expected = f"{one_of(known)}, or the option --deploycheck-env"
        return NO_ENVIRONMENT, Mistake(
            where=f"{source.shown}:1", key="default_environment", problem=problem, expected=expected
        )
    else:
        return (known[0] if known else NO_ENVIRONMENT), None
    if name in settings.environments:
        return name, None
    if source is None:
        problem, expected = f"{quoted(name)} is asked for, but there is no {FILE_NAME}", "a file that defines it"
    elif not known:
        problem = f"{quoted(name)} is asked for, but {source.shown} defines no environment"
        expected = f"a table [{dotted(('environments', name))}]"
    else:
        problem, expected = f"unknown environment {quoted(name)}{did_you_mean(name, known)}", one_of(known)
    return NO_ENVIRONMENT, Mistake(where=where, key=key, problem=problem, expected=expected)
