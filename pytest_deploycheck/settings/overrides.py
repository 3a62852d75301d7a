"""What options and environment variables say, laid over what the file says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pytest_deploycheck.errors import Mistake
from pytest_deploycheck.settings.mistakes import did_you_mean, one_of, translate
from pytest_deploycheck.settings.models import Deployment, Settings
from pytest_deploycheck.settings.source import dotted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_deploycheck.settings.lines import KeyPath

Layer = dict[str, tuple[Any, str]]
"""Field of the deployment → its value, and where it came from."""

PLAIN = ("reports", "waivers", "waiver_max_days", "unmarked", "strict", "default_tier")
"""The keys outside of the deployment that an option may set."""

_DEPLOYMENT = tuple(f"deployment.{field}" for field in Deployment.model_fields)
OVERRIDABLE = (*_DEPLOYMENT, *PLAIN)
"""The dotted keys that options may set."""

_MOST_DIGITS = 9


class Overrides:
    """Options over environment variables over the file's layers.

    Args:
        environ: the environment variables; those set to nothing count as not set, because pipelines do that.
        options: dotted key → the option's text; one that is empty is a mistake, mostly of an unset shell variable.
        cwd: what relative paths in options are relative to.

    Attributes:
        deployment: the result of all layers.
        plain: key of `PLAIN` → value, only those that an option sets.
        origins: dotted key → where its value came from; of all that is explicitly set here.
        mistakes: what could not be used.
    """

    def __init__(self, *, environ: Mapping[str, str], options: Mapping[str, str], cwd: Path) -> None:
        """Keep the sources."""
        self._environ = environ
        self._options = options
        self._cwd = cwd
        self.deployment = Deployment.model_construct()
        self.plain: dict[str, Any] = {}
        self.origins: dict[str, str] = {}
        self.mistakes: list[Mistake] = []

    def apply(self, layers: Sequence[Layer]) -> None:
        """Lay everything over each other and judge the result.

        Args:
            layers: of the file, the lowest first.
        """
        deployment: Layer = {}
        for layer in (*layers, self._variables()):
            deployment |= layer
        plain: dict[str, tuple[Any, str]] = {}
        for key, raw in self._options.items():
            option = _option(key)
            text = raw.strip()
            if key not in OVERRIDABLE:
                problem = f"cannot be set by an option{did_you_mean(key, OVERRIDABLE)}"
                self.mistakes.append(Mistake(where=option, key=key, problem=problem, expected=one_of(OVERRIDABLE)))
            elif not text:
                expected = "a value, or no such option"
                self.mistakes.append(Mistake(where=option, key=key, problem="is empty", expected=expected))
            elif key in _DEPLOYMENT:
                deployment[key.removeprefix("deployment.")] = (text, option)
            else:
                plain[key] = (_typed(text), option)
        self.origins = {f"deployment.{field}": origin for field, (_, origin) in deployment.items()}
        self.origins |= {key: origin for key, (_, origin) in plain.items()}
        data = {key: value for key, (value, _) in plain.items()}
        data["deployment"] = {field: value for field, (value, _) in deployment.items()}
        try:
            settings = Settings.model_validate(data, context={"base": self._cwd})
        except ValidationError as error:
            self.mistakes += translate(error, data, Settings, self._where)
            return
        self.deployment = settings.deployment
        self.plain = {key: getattr(settings, key) for key in plain}

    def _variables(self) -> Layer:
        layer: Layer = {}
        for field in Deployment.model_fields:
            variable = f"DEPLOYMENT_{field.upper()}"
            if text := self._environ.get(variable, "").strip():
                layer[field] = (text, f"environment variable {variable}")
        return layer

    def _where(self, path: KeyPath) -> str:
        # A mistake of the deployment as a whole is one of the order of its times.
        return self.origins.get(dotted(path)) or self.origins["deployment.finished_at"]


def _option(key: str) -> str:
    name = key if key.startswith("deployment.") else f"deploycheck-{key}"
    return "option --" + name.replace(".", "-").replace("_", "-")


def _typed(text: str) -> str | int | bool:
    """Return the text of an option as TOML would have it: options are texts, settings have types."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else text
