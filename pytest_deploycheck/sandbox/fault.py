"""What a fault of the demo stack is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_deploycheck.model.outcome import Verdict
from pytest_deploycheck.sandbox.symptoms import SYMPTOMS, Symptom

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox.effects import Effect

FEDERATION = "federation"
PUSHGATEWAY = "pushgateway"
GO, NO_GO, HOLD = Verdict.GO, Verdict.NO_GO, Verdict.HOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault.

    Attributes:
        name: as it is given to `--fault`.
        summary: what is broken, in one line.
        verdict: what `pytest suites/post_deploy -m blocker` must come to.
        check: the requirement whose check must find it, such as `MF2`: that check FAILED if the verdict is NO-GO; it is
            INCONCLUSIVE or ERROR if the verdict is HOLD.
        effect: whether it shows in the raw answers by now.
        switches: of the demo service.
        changes: of the configuration.
        actions: on the stack's processes.
        needs: parts of the stack that are started only for it.
        lingers: whether counters remember it for a minute after it was mended.
        extra: the package's extra without which nobody can find it; empty if it takes none.
    """

    name: str
    summary: str
    verdict: Verdict
    check: str
    effect: Effect
    switches: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    lingers: bool = False
    extra: str = ""

    @property
    def live(self) -> bool:
        """Whether it can be switched on and off quickly on any running stack; else a stack of its own is better."""
        return not self.needs and not self.lingers

    @property
    def symptom(self) -> Symptom:
        """What a verification run says of it."""
        return SYMPTOMS[self.name]
