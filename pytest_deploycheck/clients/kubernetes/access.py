"""The way into a cluster, found by the official client: kubeconfig with its contexts and plugins, or a pod's own."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_deploycheck.errors import ConfigError, Mistake, TimedOut
from pytest_deploycheck.transport.endpoint import Endpoint, Retries, Timeouts, Tls
from pytest_deploycheck.transport.reply import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

READ_POSTS = ("/selfsubjectaccessreviews", "/selfsubjectrulesreviews", "/selfsubjectreviews")
"""POST endpoints that only tell the asker about himself: Kubernetes's API has no GET for them."""
PLUGIN_SECONDS = 60.0
"""A credential plugin may open a browser; nobody sits before a pipeline."""
_EXTRA = "pip install 'pytest-deploycheck[kubernetes]'"
_UNUSABLE = "cannot be used"


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """A way in.

    Attributes:
        endpoint: where the API is, without the credential: that may be renewed in the middle of a run.
        configuration: the official client's `Configuration`.
        source: where it comes from, such as `context prod of /home/ci/.kube/config`.
        by_certificate: whether the client's certificate is the credential.
    """

    endpoint: Endpoint
    configuration: Any
    source: str
    by_certificate: bool

    def headers(self) -> list[tuple[str, str]]:
        """Return the credential's header as it is now; a plugin is run again, or a file read, if it has expired.

        Raises:
            ConfigError: if it cannot be had any more.
        """
        try:
            settings = self.configuration.auth_settings()
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises must not end as a traceback
            raise _mistake(self.source, "credential", f"cannot be renewed ({type(error).__name__})") from None
        return [(one["key"], one["value"]) for one in settings.values() if one["in"] == "header" and one["value"]]

    def __repr__(self) -> str:
        """Tell nothing secret."""
        return f"<Access to {self.endpoint.base_url} by {self.source}>"


def find_access(  # noqa: PLR0913 - the settings of the system
    *,
    name: str = "kubernetes",
    kubeconfig: Path | None = None,
    context: str | None = None,
    in_cluster: bool = False,
    environ: Mapping[str, str] | None = None,
    timeouts: Timeouts | None = None,
    retries: Retries | None = None,
    max_body: int = 64 * 2**20,
    give_up_after: int = 2,
    writes: bool = False,
) -> Access:
    """Find the way into a cluster. Nothing is asked of it yet, but a credential plugin may run.

    Args:
        name: what messages and evidence call the cluster.
        kubeconfig: the file; `KUBECONFIG` (several files are merged) or `~/.kube/config` if it is None.
        context: the context; the file's current one if it is None.
        in_cluster: use the service account of the pod that this runs in.
        environ: the environment variables.
        timeouts: in seconds.
        retries: of reads.
        max_body: the largest answer in bytes.
        give_up_after: see `Endpoint`.
        writes: whether the run may change something.

    Raises:
        ConfigError: if the official client is not installed, the configuration cannot be used, or holds no credential
            (the official client goes on without one when a plugin is missing: everything would be asked as nobody).
        TimedOut: if a credential plugin does not end.
    """
    configuration, source = _loaded(kubeconfig, context, environ or os.environ, in_cluster=in_cluster)
    tls = Tls(
        verify=bool(configuration.verify_ssl),
        ca=Path(configuration.ssl_ca_cert) if configuration.ssl_ca_cert else None,
        cert=Path(configuration.cert_file) if configuration.cert_file else None,
        key=Path(configuration.key_file) if configuration.key_file else None,
        server_name=getattr(configuration, "tls_server_name", None) or None,
    )
    endpoint = Endpoint(
        name=name,
        base_url=configuration.host,
        tls=tls,
        proxy=configuration.proxy or None,
        timeouts=timeouts or Timeouts(),
        retries=retries or Retries(),
        max_body=max_body,
        give_up_after=give_up_after,
        read_posts=READ_POSTS,
        writes_allowed=writes,
    )
    return Access(endpoint=endpoint, configuration=configuration, source=source, by_certificate=tls.cert is not None)


def official() -> Any:
    """Return the official client's module.

    Raises:
        ConfigError: if it is not installed.
    """
    try:
        import kubernetes
    except ImportError:
        raise ConfigError(
            [Mistake(where="this Python", key="kubernetes", problem="the official client is not installed")],
            next_step=_EXTRA,
        ) from None
    return kubernetes


def _loaded(
    kubeconfig: Path | None, context: str | None, environ: Mapping[str, str], *, in_cluster: bool
) -> tuple[Any, str]:
    library = official()
    configuration = library.client.Configuration()
    configuration.proxy = None  # of the environment: its proxies are never used
    if in_cluster:
        source = "the pod's service account"
        _run(lambda: library.config.load_incluster_config(client_configuration=configuration), source, [])
    else:
        files = str(kubeconfig) if kubeconfig else environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
        source = f"context {context} of {files}" if context else f"the current context of {files}"
        said: list[str] = []
        _run(
            lambda: library.config.load_kube_config(
                config_file=files, context=context, client_configuration=configuration, persist_config=False
            ),
            source,
            said,
        )
        if not configuration.auth_settings() and not configuration.cert_file:
            raise _mistake(
                source,
                "credential",
                f"gives none{': ' + '; '.join(said) if said else ''}: every question would be asked as nobody",
                "a token, a client certificate, or a plugin that is installed and succeeds",
            )
    if not configuration.host or configuration.host == library.client.Configuration().host:
        raise _mistake(source, "server", "is not given", "the URL of the API server")
    return configuration, source


class _Overheard(logging.Handler):
    """Keeps what the official client only logs: that a plugin is missing, for one."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(one_line(record.getMessage()))


def _run(load: Any, source: str, said: list[str]) -> None:
    """Load a configuration, within a time limit: it may start a program that waits for somebody.

    Raises:
        ConfigError: if it cannot be used.
        TimedOut: if it does not end.
    """
    failure: list[BaseException] = []

    def work() -> None:
        try:
            load()
        except BaseException as error:  # noqa: BLE001 - it is raised in the other thread
            failure.append(error)

    overheard = _Overheard(said)
    logging.getLogger().addHandler(overheard)
    thread = threading.Thread(target=work, name="kubernetes-credential", daemon=True)
    try:
        thread.start()
        thread.join(PLUGIN_SECONDS)
    finally:
        logging.getLogger().removeHandler(overheard)
    if thread.is_alive():
        raise TimedOut(
            f"kubernetes: its credential plugin did not end within {PLUGIN_SECONDS:g} s",
            where=source,
            next_step="run `kubectl version` by hand: does the plugin wait for somebody to log in?",
        )
    if failure:
        if not isinstance(failure[0], Exception):
            raise failure[0]
        text = one_line(str(failure[0]), 300) or type(failure[0]).__name__
        raise _mistake(source, "kubeconfig" if "context" in source else "in_cluster", f"{_UNUSABLE}: {text}") from None


def _mistake(source: str, key: str, problem: str, expected: str = "") -> ConfigError:
    return ConfigError(
        [Mistake(where=source, key=f"kubernetes.{key}", problem=problem, expected=expected)],
        next_step="`kubectl config view --minify` and `kubectl version` show what is configured",
    )
