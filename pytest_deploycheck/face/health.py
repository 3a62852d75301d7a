"""The `health` fixture: services with health, functional and metrics endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_deploycheck.checks import expositions, http, versions
from pytest_deploycheck.clients.exposition import scrape
from pytest_deploycheck.clients.http import HttpClient
from pytest_deploycheck.errors import Malformed, NoData
from pytest_deploycheck.face.judged import Answer, Judged, System, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import timedelta

    from pytest_deploycheck.checks.asked import Asked
    from pytest_deploycheck.face.ledger import Ledger
    from pytest_deploycheck.model.http import Exposition, HttpAnswer
    from pytest_deploycheck.settings.checks import EndpointCheck, ExpositionCheck, TransactionCheck, VersionCheck
    from pytest_deploycheck.settings.models import Deployment
    from pytest_deploycheck.settings.systems import Service as ServiceSettings
    from pytest_deploycheck.transport.wire import Wire

__tracebackhide__ = True

_HEAD = 80
_SUCCESS = range(200, 300)


class Reply(Answer):
    """One answer of a service: whatever its status is, it is for the check to judge.

    Attributes:
        answer: as it came.
    """

    def __init__(self, answer: HttpAnswer, ledger: Ledger, asked: Asked, *, version_header: str | None) -> None:
        """Note that somebody has to look at it."""
        super().__init__(ledger, asked)
        self.answer = answer
        self._version_header = version_header

    @property
    def status(self) -> int:
        """The HTTP status."""
        self._read()
        return self.answer.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The response headers, names in lower case."""
        self._read()
        return self.answer.headers

    @property
    def text(self) -> str:
        """The body as text."""
        self._read()
        return self.answer.text

    @property
    def json(self) -> Any:
        """The body as JSON.

        Raises:
            Malformed: if it is none (an HTML login page, say).
        """
        self._read()
        try:
            return self.answer.parsed()
        except ValueError as error:
            problem = f"not complete JSON: {error}"
            if not self.answer.body:
                problem = "expected JSON, got an empty body"
            elif self.answer.text.lstrip().startswith("<"):
                problem = "expected JSON, got a page"
            kind = self.answer.headers.get("content-type", "(none)")
            raise Malformed(
                f"{self._asked.system.rpartition(' ')[0]}: {problem}",
                where=self.answer.url,
                details=[
                    f"HTTP {self.answer.status}, content type {kind}, {len(self.answer.body)} bytes",
                    f"it begins: {self.answer.head}",
                ],
                evidence=self.answer.evidence,
                next_step="open the URL: is it the service, or a login or error page in front of it?",
            ) from None

    @property
    def elapsed(self) -> float:
        """Seconds from sending the request to the last byte, connecting included."""
        self._read()
        return self.answer.elapsed

    @property
    def version(self) -> str:
        """The version that answered: the configured header, or `version` in the JSON body.

        Raises:
            NoData: if it tells none.
        """
        self._read()
        if self._version_header is not None and (told := self.answer.headers.get(self._version_header.lower())):
            return told
        found = self.json
        if isinstance(found, dict) and isinstance(found.get("version"), str):
            return str(found["version"])
        raise NoData(
            f"{self._asked.asked}: the answer tells no version",
            where=self.answer.url,
            evidence=self.answer.evidence,
            next_step="set version_header of the service, or judge the right key of `.json`",
        )

    def __repr__(self) -> str:
        head = self.answer.head[:_HEAD]
        return (
            f"<{self.answer.method} {self.answer.url} → {self.answer.status} in {self.answer.elapsed * 1000:.0f} ms, "
            f"evidence {self.answer.evidence}: {head!r}>"
        )


class Service(System):
    """One service.

    Args:
        wire: the way to it.
        settings: its settings.
        ledger: of the check that runs.
        observed: grows by the id of every exchange.
    """

    def __init__(self, wire: Wire, settings: ServiceSettings, ledger: Ledger, observed: list[str]) -> None:
        """Ask nothing yet."""
        super().__init__(wire.endpoint.name, settings.external_url or settings.url, ledger, observed)
        self.wire = wire
        self._client = HttpClient(wire)
        self._version_header = settings.version_header

    def get(self, path: str, **options: Any) -> Reply:
        """GET a path below the service's URL.

        Args:
            path: such as `/health`.
            options: `params`, `headers`, `redirects` ("refuse", "return" or "follow"), `expected` (statuses; 401, 403,
                407 and 429 that are not among them could not be measured).

        Raises:
            Redirected: on a 3xx, unless `redirects` says otherwise: a login page answers 200.
            Unauthorized: on a 401 although a credential is configured: it has expired, or is wrong.
            CannotMeasure: if there is no answer.
        """
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Reply:
        """POST to a path; a write, so the check must be marked `writes` and the run must allow it.

        Args:
            path: such as `/sessions`.
            options: `json`, `content`, `params`, `headers`.

        Raises:
            WriteNotAllowed: without both.
        """
        return self.request("POST", path, **options)

    def request(self, method: str, path: str, **options: Any) -> Reply:
        """Send any request. See `get` and `post`."""
        with self._asking(f"{method} {path}", f"try: curl -i {self._url}{path}") as box:
            answer = self._client.request(method, path, **options)
        return Reply(answer, self._ledger, box[0], version_header=self._version_header)

    def metrics(self, path: str = "/metrics") -> Exposition:
        """Scrape a metrics endpoint as Prometheus would, and parse all of it.

        Raises:
            NoData: if it holds no sample.
            Malformed: if it is no exposition.
        """
        return scrape(self.wire, path)

    # --- judgements on configured entries -----------------------------------------------------------------------------

    def meets(self, entry: EndpointCheck) -> Judged:
        """Judge an endpoint against its entry (SM1, SM2)."""
        reply = self.get(entry.path, expected=entry.status)
        if entry.json_values or entry.dependencies is not None:
            _require_json(reply, entry.status)
        return reply._judge(  # noqa: SLF001 - same room
            http.endpoint(
                reply.answer,
                reply._asked,  # noqa: SLF001
                statuses=entry.status,
                json_values=entry.json_values,
                contains=entry.contains,
                content_type=entry.content_type,
                max_latency_s=_seconds(entry.max_latency),
                dependencies=entry.dependencies,
            )
        )

    def performs(self, entry: TransactionCheck) -> Judged:
        """Judge a synthetic transaction against its entry (SM6)."""
        reply = self.request(entry.method, entry.path, json=entry.body, expected=entry.status)
        if entry.json_values:
            _require_json(reply, entry.status)
        return reply._judge(  # noqa: SLF001 - same room
            http.endpoint(
                reply.answer,
                reply._asked,  # noqa: SLF001
                statuses=entry.status,
                json_values=entry.json_values,
                max_latency_s=_seconds(entry.max_latency),
            )
        )

    def runs_version(self, entry: VersionCheck, deployment: Deployment) -> Judged:
        """Judge the version that answers (SM3)."""
        reply = self.get(entry.path, expected=_SUCCESS)
        _require_json(reply, _SUCCESS)
        return reply._judge(  # noqa: SLF001 - same room
            versions.version(
                versions.answered([reply.answer], entry.key),
                reply._asked,  # noqa: SLF001
                expected=entry.expected or deployment.version,
            )
        )

    def exposes(self, entry: ExpositionCheck) -> Judged:
        """Judge a metrics endpoint against its entry (SM4)."""
        with self._asking(f"GET {entry.path}", f"try: curl -i {self._url}{entry.path}") as box:
            found = self.metrics(entry.path)
        return judge(
            expositions.exposition(
                found,
                box[0],
                prefix=entry.prefix,
                min_families=entry.min_families,
                required=entry.required,
                max_latency_s=_seconds(entry.max_latency),
            ),
            self._ledger,
        )


class Health:
    """Finds services by name: `health("mcp").get("/health")`.

    Args:
        services: settings by name.
        wire: gives the way to a service.
        ledger: of the check that runs.
        observed: grows by the id of every exchange.
        missing: makes the error for a name that is not configured.
    """

    def __init__(
        self,
        services: Mapping[str, ServiceSettings],
        *,
        wire: Callable[[str], Wire],
        ledger: Ledger,
        observed: list[str],
        missing: Callable[[str], Exception],
    ) -> None:
        """Ask nothing yet."""
        self._settings = services
        self._wire = wire
        self._ledger = ledger
        self._observed = observed
        self._missing = missing
        self._services: dict[str, Service] = {}

    def __repr__(self) -> str:
        return f"<health of {', '.join(sorted(self._settings)) or 'no services'}>"

    def __call__(self, name: str) -> Service:
        """Return a service.

        Raises:
            ConfigError: if the environment has none of that name.
        """
        if name not in self._settings:
            raise self._missing(name)
        if name not in self._services:
            self._services[name] = Service(self._wire(name), self._settings[name], self._ledger, self._observed)
        return self._services[name]


def _require_json(reply: Reply, statuses: Collection[int]) -> None:
    """Refuse an answer with a good status whose body is no JSON: it is not the service's, so nothing was measured.

    Raises:
        Malformed: if so. With another status the answer is judged as it is.
    """
    if reply.answer.status in statuses:
        reply.json  # noqa: B018 - reading it raises


def _seconds(value: timedelta | None) -> float | None:
    return None if value is None else value.total_seconds()
