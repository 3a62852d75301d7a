"""Command-line options. Values are builtins: xdist sends them to its workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def add_options(parser: pytest.Parser) -> None:
    """Add the plugin's options in a group of their own."""
    group = parser.getgroup("deploycheck", "post-deployment verification")
    group.addoption(
        "--deploycheck-config",
        metavar="FILE",
        help="configuration file (default: deploycheck.toml in the rootdir or above it; also DEPLOYCHECK_CONFIG)",
    )
    group.addoption(
        "--deploycheck-env",
        metavar="NAME",
        help="environment to verify (default: the file's default_environment; also DEPLOYCHECK_ENV). "
        "Makes this a verification run.",
    )
    group.addoption(
        "--deploycheck-target",
        metavar="NAMES",
        help="look only at these targets (clusters, regions) of the environment, such as eu,apac (default: all; also "
        "DEPLOYCHECK_TARGET). The verdict then speaks of these only, and says so.",
    )
    group.addoption(
        "--deploycheck-signoff",
        action="store_true",
        help="ask for a sign-off: every selected test counts, and an empty selection is HOLD",
    )
    group.addoption(
        "--deploycheck-reports",
        metavar="DIR",
        help="where the run's report folder is made (default: `reports` of the configuration)",
    )
    group.addoption(
        "--deploycheck-scope",
        metavar="TEXT",
        help="declare that this run is narrowed on purpose (-k, --lf, --deselect, node ids): the verdict then speaks "
        "for this scope only, and says so",
    )
    group.addoption(
        "--deploycheck-strict",
        action="store_true",
        help="warnings gate as blockers do",
    )
    group.addoption(
        "--deploycheck-budget",
        metavar="DURATION",
        help="how long checks may wait in all, such as 45m: what has not converged or held by then is inconclusive",
    )
    group.addoption(
        "--deploycheck-no-prefetch",
        action="store_true",
        help="ask every question when its check asks it: do not ask together what checks declare with `asks`",
    )
    group.addoption(
        "--deploycheck-checkpoint",
        metavar="OFFSETS",
        help="observe for long: repeat the whole suite so long after the deployment's finish, such as "
        "+15m,+30m,+1h,+12h,+24h,+48h. Each checkpoint has its own report with the trend; the verdict is the worst. "
        "Makes this a verification run; with --deploycheck-at it is the plan that one scheduled run is a part of.",
    )
    group.addoption(
        "--deploycheck-at",
        metavar="OFFSET",
        help="make one checkpoint and end, as a scheduled job does: `now` for the one that is due by "
        "--deploycheck-checkpoint (without it, for this moment), or its offset, such as +1h. What earlier ones saw is "
        "kept in --deploycheck-state; the exit code is that of the worst so far.",
    )
    group.addoption(
        "--deploycheck-state",
        metavar="FILE",
        help="where checkpoints are kept between runs (default for --deploycheck-at: "
        "REPORTS/checkpoints/ENVIRONMENT-DEPLOYMENT.json; a long run keeps none unless this is given)",
    )
    group.addoption(
        "--deploycheck-checkpoint-tolerance",
        metavar="DURATION",
        help="how late a scheduled run may be and still be its checkpoint (default: 1h, and never after the next one)",
    )
    group.addoption(
        "--deploycheck-checkpoint-continue",
        action="store_true",
        help="go on with later checkpoints after a NO-GO; without it the first one ends the observation",
    )
    group.addoption(
        "--deploycheck-allow-writes",
        action="append",
        default=[],
        metavar="SYSTEM",
        help="let checks marked `writes` change something in this system (`prometheus`, `alertmanager`, a service's "
        "name, or `all`); may be repeated",
    )
    for destination, metavar, text in (
        ("deployment_version", "VERSION", "version that must answer (also DEPLOYMENT_VERSION)"),
        ("deployment_image_digest", "DIGEST", "image digest that must run (also DEPLOYMENT_IMAGE_DIGEST)"),
        (
            "deployment_started_at",
            "TIME",
            "when the deployment began: RFC 3339 or Unix seconds (also DEPLOYMENT_STARTED_AT)",
        ),
        ("deployment_finished_at", "TIME", "when the deployment ended (also DEPLOYMENT_FINISHED_AT)"),
        ("deployment_change_ticket", "TICKET", "change ticket, such as CHG-2026-0121 (also DEPLOYMENT_CHANGE_TICKET)"),
    ):
        group.addoption(f"--{destination.replace('_', '-')}", dest=destination, metavar=metavar, help=text)
