"""The one client of Grafana's HTTP API."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec

from pytest_deploycheck.clients.decoders import decoder
from pytest_deploycheck.clients.grafana import answers, frames
from pytest_deploycheck.clients.grafana.refusal import message_of, refusal
from pytest_deploycheck.clients.grafana.sources import SourceAnswer
from pytest_deploycheck.clients.refusal import UNREADABLE, refuse
from pytest_deploycheck.errors import CannotMeasure, NotFound, NotSupported
from pytest_deploycheck.model.grafana import (
    Annotation,
    DataSource,
    DataSourceHealth,
    GrafanaRule,
    Health,
    PanelResult,
    SearchHit,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_deploycheck.clients.grafana.planning import Planned
    from pytest_deploycheck.clients.grafana.templating import LabelQuestion
    from pytest_deploycheck.transport.reply import Reply
    from pytest_deploycheck.transport.wire import Wire

T = TypeVar("T")

IN_FLIGHT = 16
"""How many queries one Grafana is asked at the same time, at most."""
PAGE = 1000
"""Hits a page of the search: Grafana's own default."""
_MOST_PAGES = 1000
_OK, _BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _NOT_IMPLEMENTED = 200, 400, 401, 403, 404, 501
_UNAVAILABLE = 503


def read(reply: Reply, kind: type[T]) -> T:
    """Decode an answer into a type.

    Raises:
        Malformed: if it is not what Grafana answers.
    """
    reply.require_json()
    try:
        wanted: Any = kind
        found: T = decoder(wanted).decode(reply.body)
    except UNREADABLE as error:
        raise refuse(reply, "Grafana", str(error)) from None
    return found


class GrafanaClient:
    """Asks one Grafana. Thread-safe.

    Every method raises `CannotMeasure` (Unreachable, Unauthorized, Forbidden with the missing permission, Redirected to
    the login page, Malformed, …) if there is no usable answer.

    Args:
        wire: the way to the server.
    """

    def __init__(self, wire: Wire) -> None:
        """Ask nothing yet."""
        self.wire = wire
        self._places = threading.BoundedSemaphore(IN_FLIGHT)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        """What asks at the same time; kept, as starting threads for each dashboard takes longer than its queries."""
        return ThreadPoolExecutor(IN_FLIGHT, "grafana-query")

    # --- the server ---------------------------------------------------------------------------------------------------

    def health(self) -> Health:
        """Ask whether its database answers, and for its version; no right is needed for that."""
        reply = self.send("GET", "/api/health", any_status=True)
        if reply.status not in (_OK, _UNAVAILABLE):
            raise refusal(reply, self.wire.endpoint)
        found = read(reply, answers.HealthAnswer)
        return Health(database=found.database, version=found.version, evidence=reply.evidence)

    def user(self) -> answers.UserAnswer | None:
        """Ask who is signed in; None if nobody is: a credential that is ignored counts as none."""
        reply = self.send("GET", "/api/user", any_status=True)
        if reply.status == _UNAUTHORIZED and self.search_is_open():
            return None
        if reply.status in (_NOT_FOUND, _FORBIDDEN):
            return answers.UserAnswer()  # signed in, but not as somebody who has an account: newer service accounts
        return read(self._good(reply), answers.UserAnswer)

    def search_is_open(self) -> bool:
        """Return whether the search answers with the credential in use, or without any."""
        return self.send("GET", "/api/search", params={"limit": "1"}, any_status=True).status == _OK

    def has_renderer(self) -> bool | None:
        """Ask whether it can draw pictures; None if it does not say."""
        return read(self.send("GET", "/api/frontend/settings"), answers.SettingsAnswer).renderer_available

    # --- data sources -------------------------------------------------------------------------------------------------

    def data_sources(self) -> tuple[DataSource, ...]:
        """List the data sources that the asker may query.

        The list takes a permission that viewers mostly lack (`datasources:read`); the settings that Grafana gives every
        browser list those that they may query as well.

        Raises:
            Forbidden: if there are none in the settings either.
        """
        reply = self.send("GET", "/api/datasources", any_status=True)
        if reply.status == _FORBIDDEN:
            settings = self.send("GET", "/api/frontend/settings", any_status=True)
            listed = read(settings, answers.SettingsAnswer).datasources if settings.status == _OK else None
            found = [decoder(SourceAnswer).decode(one) for one in (listed or {}).values()]
            if found:
                return tuple(one.to_model() for one in found if not one.uid.startswith("-- "))
        return tuple(one.to_model() for one in read(self._good(reply), tuple[SourceAnswer, ...]))

    def source_health(self, source: DataSource) -> DataSourceHealth:
        """Ask what a data source's plugin says of it; a plugin need not have a health check."""
        reply = self.send("GET", f"/api/datasources/uid/{_part(source.uid)}/health", any_status=True)
        if reply.status in (_NOT_FOUND, _NOT_IMPLEMENTED):
            message = message_of(reply)
            if message is None:
                raise refusal(reply, self.wire.endpoint)
            return DataSourceHealth(source=source, state="unknown", message=message, evidence=reply.evidence)
        if reply.status not in (_OK, _BAD_REQUEST):
            raise refusal(reply, self.wire.endpoint)
        found = read(reply, answers.SourceHealthAnswer)
        return DataSourceHealth(
            source=source,
            state="ok" if reply.status == _OK and found.status.upper() == "OK" else "unhealthy",
            message=reply.redactor.text(found.message),
            evidence=reply.evidence,
        )

    def label_values(self, source: DataSource, question: LabelQuestion) -> tuple[str, ...] | None:
        """Ask a Prometheus data source for the values of a label; None if it does not answer that."""
        path = f"/api/datasources/uid/{_part(source.uid)}/resources/api/v1/label/{_part(question.label)}/values"
        params = {"match[]": question.selector} if question.selector else None
        reply = self.send("GET", path, params=params, any_status=True)
        if reply.status != _OK:
            return None
        return tuple(read(reply, answers.LabelAnswer).data)

    # --- dashboards ---------------------------------------------------------------------------------------------------

    def search(self, *, title: str = "", tag: str = "", folder_uid: str = "") -> tuple[SearchHit, ...]:
        """List dashboards, page by page; those that the asker may not see are left out without a word.

        Args:
            title: part of the title.
            tag: that they have.
            folder_uid: of the folder they are in.
        """
        params: list[tuple[str, str]] = [("type", "dash-db"), ("limit", str(PAGE))]
        params += [(key, value) for key, value in (("query", title), ("tag", tag), ("folderUIDs", folder_uid)) if value]
        found: dict[str, SearchHit] = {}
        for page in range(1, _MOST_PAGES + 1):
            reply = self.send("GET", "/api/search", params=[*params, ("page", str(page))])
            hits = read(reply, tuple[answers.HitAnswer, ...])
            before = len(found)
            found.update((hit.uid, hit.to_model()) for hit in hits)
            if len(hits) < PAGE:
                return tuple(found.values())
            if len(found) == before:
                raise reply.malformed(f"page {page} of the search is the one before it again")
        raise CannotMeasure(
            f"{self.wire.endpoint.name}: a search with more than {_MOST_PAGES} pages", next_step="give a tag or folder"
        )

    def library_panel(self, uid: str) -> Mapping[str, Any] | None:
        """Ask for the model of a library panel; None if there is none."""
        reply = self.send("GET", f"/api/library-elements/{_part(uid)}", any_status=True)
        if reply.status == _NOT_FOUND and message_of(reply) is not None:
            return None
        return read(self._good(reply), answers.LibraryAnswer).result.model

    # --- panels -------------------------------------------------------------------------------------------------------

    def run(
        self, questions: Sequence[Planned], *, keep: bool = False
    ) -> Iterator[tuple[PanelResult, CannotMeasure | None]]:
        """Execute the queries of panels, several at the same time, and yield what came of each, in order.

        Args:
            questions: of any number of panels.
            keep: whether the answers' bodies are kept.

        Yields:
            The result, and the error where a panel could not be measured.
        """
        some = sum(one.body is not None for one in questions)
        if some <= 1:
            yield from (self._run(one, keep) for one in questions)
            return
        yield from self._threads.map(lambda one: self._run(one, keep), questions)

    def _run(self, question: Planned, keep: bool) -> tuple[PanelResult, CannotMeasure | None]:
        panel, title = question.panel, question.title
        if question.body is None:
            found = PanelResult(
                panel=panel,
                title=title,
                skipped=question.skipped,
                refused=question.refused,
                missing=question.missing,
            )
            return found, None
        try:
            reply = self.query(question.body)
            result = PanelResult(
                panel=panel,
                title=title,
                results=frames.results(reply, question.letters, question.promql),
                evidence=(reply.evidence,),
                body=reply.body if keep else b"",
            )
        except CannotMeasure as error:
            result = PanelResult(
                panel=panel,
                title=title,
                failure=error.headline,
                missing=isinstance(error, NotFound),
                evidence=(error.evidence,) if error.evidence else (),
            )
            return result, None if result.missing else error
        return result, None

    def query(self, body: Mapping[str, Any]) -> Reply:
        """Send queries, and return the answer that tells of each of them.

        Raises:
            NotFound: if a data source that they name is not there.
            CannotMeasure: if there is no answer for single queries.
        """
        with self._places:
            reply = self.send("POST", "/api/ds/query", any_status=True, json=body, effect="read")
        if reply.status == _OK or (reply.status in (_BAD_REQUEST, 207) and frames.has_results(reply)):
            reply.require_json()
            return reply
        error = refusal(reply, self.wire.endpoint)
        if isinstance(error, NotFound) and message_of(reply) is None:
            # no data source is missing but the API itself
            raise CannotMeasure(
                error.what,
                where=error.where,
                details=error.details,
                evidence=error.evidence,
                next_step=error.next_step,
            )
        if isinstance(error, NotFound):
            raise NotFound(
                f"{self.wire.endpoint.name}: {reply.redactor.text(message_of(reply) or '')}",
                where=error.where,
                evidence=error.evidence,
                next_step="which data source does the panel name, and is it there?",
            )
        raise error

    # --- alert rules, annotations -------------------------------------------------------------------------------------

    def rules(self) -> tuple[GrafanaRule, ...]:
        """List the rules that Grafana evaluates itself; those in folders that the asker may not see are left out.

        Raises:
            NotSupported: if its alerting is switched off, or of the kind before version 9.
        """
        reply = self.send("GET", "/api/prometheus/grafana/api/v1/rules", any_status=True)
        if reply.status == _NOT_FOUND:
            raise NotSupported(
                f"{self.wire.endpoint.name}: it has no alert rules of its own",
                where=reply.url,
                evidence=reply.evidence,
                next_step="is unified alerting switched on?",
            )
        found = read(self._good(reply), answers.RulesAnswer)
        return tuple(rule for group in found.data.groups for rule in group.to_model())

    def annotate(self, annotation: Annotation, *, until: float | None = None, panel: int | None = None) -> Annotation:
        """Write an annotation: a write, which check and run must both allow.

        Args:
            annotation: what to write.
            until: its end, Unix seconds; None = a moment.
            panel: of its dashboard; None = on all of them.

        Returns:
            The same with its id.
        """
        body: dict[str, Any] = {
            "time": round(annotation.time * 1000),
            "text": annotation.text,
            "tags": list(annotation.tags),
        }
        if until is not None:
            body["timeEnd"] = round(until * 1000)
        if annotation.dashboard_uid:
            body["dashboardUID"] = annotation.dashboard_uid
        if panel is not None:
            body["panelId"] = panel
        reply = self.send("POST", "/api/annotations", json=body, effect="write", any_status=True)
        found = read(self._good(reply), answers.AnnotationAnswer)
        return msgspec.structs.replace(annotation, id=found.id, evidence=reply.evidence)

    def annotations(self, *, tags: Sequence[str] = (), start: float, end: float) -> tuple[Annotation, ...]:
        """List the annotations of a time, Unix seconds, that have all these tags."""
        params = [("from", str(round(start * 1000))), ("to", str(round(end * 1000))), ("limit", "1000")]
        params += [("tags", tag) for tag in tags]
        reply = self.send("GET", "/api/annotations", params=params)
        return tuple(
            Annotation(
                id=one.id,
                text=one.text,
                tags=one.tags or (),
                time=one.time / 1000,
                dashboard_uid=one.dashboard_uid or "",
                evidence=reply.evidence,
            )
            for one in read(reply, tuple[answers.FoundAnnotation, ...])
        )

    # --- parts --------------------------------------------------------------------------------------------------------

    def send(self, method: str, path: str, *, any_status: bool = False, **request: Any) -> Reply:
        """Ask; a status that is not 2xx raises, unless any is asked for. Redirects always do."""
        reply = self.wire.request(method, path, statuses="any", **request)
        return reply if any_status else self._good(reply)

    def _good(self, reply: Reply) -> Reply:
        if not 200 <= reply.status < 300:  # noqa: PLR2004 - success
            raise refusal(reply, self.wire.endpoint)
        return reply


def _part(text: str) -> str:
    """Return a text as one part of a path."""
    return quote(text, safe="")
