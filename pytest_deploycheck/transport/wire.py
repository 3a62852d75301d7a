"""The wire to one system: asks, under all the rules, and puts every attempt on the tape."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, Self

from pytest_deploycheck.errors import CannotMeasure, WriteNotAllowed
from pytest_deploycheck.transport.attempt import Attempt
from pytest_deploycheck.transport.endpoint import Timeouts, is_loopback
from pytest_deploycheck.transport.failures import Failure
from pytest_deploycheck.transport.library import httpx
from pytest_deploycheck.transport.logs import mask_logs
from pytest_deploycheck.transport.outgoing import Composer
from pytest_deploycheck.transport.pool import DeadlineTransport
from pytest_deploycheck.transport.question import Question
from pytest_deploycheck.transport.refusals import redirect_refused, refusal
from pytest_deploycheck.transport.reply import Reply, looks_like_login
from pytest_deploycheck.transport.retrying import RETRIED_STATUSES, backoff, wait_after_status
from pytest_deploycheck.transport.silence import PROBE_SECONDS, Silence

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from pytest_deploycheck.clock import Clock
    from pytest_deploycheck.model.exchange import Effect, Exchange
    from pytest_deploycheck.model.read import Read
    from pytest_deploycheck.transport.endpoint import Endpoint
    from pytest_deploycheck.transport.outgoing import Outgoing, Params
    from pytest_deploycheck.transport.prefetch import Prefetch
    from pytest_deploycheck.transport.redaction import Redactor
    from pytest_deploycheck.transport.streaming import Stream
    from pytest_deploycheck.transport.tape import Tape

MAX_REDIRECTS = 5


def refuse_write(endpoint: Endpoint, method: str, url: str) -> None:
    """Refuse a request that may change something; the guard of a wire to which nobody gave another.

    Args:
        endpoint: who would be asked.
        method: the HTTP method.
        url: redacted.

    Raises:
        WriteNotAllowed: always.
    """
    run = "allows" if endpoint.writes_allowed else "does not allow"
    raise WriteNotAllowed(
        f"{endpoint.name}: {method} may change something; nothing was sent",
        where=url,
        details=[f"the run {run} writing to {endpoint.name}", "the check has to say that it writes, too"],
        next_step=(
            f'mark the check `@pytest.mark.writes("{endpoint.short_name}")` and allow it for the run with '
            "`--deploycheck-allow-writes` or `writes = true` on that system in deploycheck.toml"
        ),
    )


class Wire:
    """Asks one system. Safe to use from several threads.

    Args:
        endpoint: who is asked, and how.
        tape: gets every attempt.
        redactor: learns the endpoint's secrets, and keeps them out of everything that is kept or shown.
        clock: for the time of day and for the waits between attempts. Sockets are timed by the machine's own clock.

    Attributes:
        endpoint: as given.
        warnings: what a reader of the evidence must know about this wire.
        write_guard: called with the endpoint, the method and the redacted URL before a request that may change
            something; raises `WriteNotAllowed` unless the running check may do so.
        prefetch: holds answers that were asked ahead, and is told of everything that may change them.

    Raises:
        ConfigError: if a secret, a header, a TLS file or the proxy cannot be used.
    """

    def __init__(self, endpoint: Endpoint, *, tape: Tape, redactor: Redactor, clock: Clock) -> None:
        """Prepare everything; nothing is sent yet."""
        self.endpoint = endpoint
        self.warnings = _warnings(endpoint)
        self.write_guard: Callable[[Endpoint, str, str], None] = refuse_write
        self.prefetch: Prefetch | None = None
        self._tape = tape
        self._redactor = redactor
        self._clock = clock
        mask_logs(redactor)
        self._composer = Composer(endpoint, redactor)
        self._transport = DeadlineTransport(endpoint)
        self._silence = Silence(endpoint, clock)
        self._closed = False

    def close(self) -> None:
        """Close all connections; nothing can be asked any more."""
        self._closed = True
        self._transport.close()

    def __repr__(self) -> str:
        """Tell whom it asks."""
        return f"<Wire to {self.endpoint!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def request(  # noqa: PLR0913 - each is a choice of the caller's
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        form: Params | None = None,
        json: Any = None,
        content: bytes | str | None = None,
        headers: Params | None = None,
        timeouts: Timeouts | None = None,
        redirects: Literal["refuse", "return", "follow"] = "refuse",
        statuses: Literal["ok", "any"] = "ok",
        expect: Literal["json", "any"] = "any",
        effect: Effect | None = None,
    ) -> Reply:
        """Ask, and return the answer.

        Args:
            method: any HTTP method.
            path: below the base URL, or an absolute URL of the same scheme, host and port.
            params: for the query; a sequence as a value repeats the parameter, None leaves it out.
            form: for a form-encoded body, in the same way.
            json: for a JSON body.
            content: a body as it is.
            headers: further ones; they replace those of the endpoint.
            timeouts: instead of the endpoint's.
            redirects: `refuse` raises; `return` returns the 3xx; `follow` follows up to five within the same origin,
                but never to a login page.
            statuses: `ok` raises for everything but 2xx; `any` returns every status (redirects as above).
            expect: `json` raises if a 2xx body cannot be JSON. Parsing it is the caller's (see `Reply.malformed`).
            effect: what is known of the effect; None = GET, HEAD, OPTIONS and `read_posts` read, all else writes.

        Raises:
            CannotMeasure: of the kind that fits (see `pytest_deploycheck.errors`); a system that answers nothing at
                all is not waited for by every request (see `Silence`).
            AuthorMistake: if the arguments make no request.
        """
        if self._closed:
            raise CannotMeasure(
                f"{self.endpoint.name}: its connections are closed already", where=self.endpoint.base_url
            )
        outgoing = self._composer.compose(
            method, path, params=params, form=form, json=json, content=content, headers=headers, effect=effect
        )
        if outgoing.effect == "write":
            if not self.endpoint.writes_allowed:
                refuse_write(self.endpoint, outgoing.method, outgoing.shown_url)
            self.write_guard(self.endpoint, outgoing.method, outgoing.shown_url)
        limits = timeouts or self.endpoint.timeouts
        with self._changing(outgoing):
            reply = self._asked_ahead(outgoing, limits)
            question = Question(limits=limits, clock=self._clock)
            if reply is None:
                reply = self._ask(outgoing, question)
            hops = 0
            while 300 <= reply.status < 400 and redirects != "return":  # noqa: PLR2004 - redirects
                outgoing = self._next_hop(outgoing, reply, redirects, hops)
                hops += 1
                reply = self._ask(outgoing, question)
        if 200 <= reply.status < 300:  # noqa: PLR2004 - success
            if expect == "json":
                reply.require_json()
        elif statuses == "ok" and not 300 <= reply.status < 400:  # noqa: PLR2004 - redirects
            raise refusal(reply, self.endpoint, attempts=question.told)
        return reply

    def stream(
        self,
        path: str,
        *,
        params: Params | None = None,
        headers: Sequence[tuple[str, str]] = (),
        timeouts: Timeouts | None = None,
    ) -> Stream:
        """GET, once, an answer of any status that is read piece by piece; arguments and errors as for `request`."""
        from pytest_deploycheck.transport.streaming import Stream

        if self._closed:
            raise CannotMeasure(
                f"{self.endpoint.name}: its connections are closed already", where=self.endpoint.base_url
            )
        plain = [("Accept-Encoding", "identity"), *headers]
        outgoing = self._composer.compose(
            "GET", path, params=params, form=None, json=None, content=None, headers=plain, effect="read"
        )
        self._silence.heed(outgoing.shown_url, self._probe)
        return Stream(
            outgoing,
            endpoint=self.endpoint,
            transport=self._transport,
            question=Question(limits=timeouts or self.endpoint.timeouts, clock=self._clock),
            tape=self._tape,
            redactor=self._redactor,
            clock=self._clock,
        )

    def _next_hop(self, outgoing: Outgoing, reply: Reply, redirects: str, hops: int) -> Outgoing:
        """Return the request that follows a redirect, or raise because it is not to be followed."""
        location = reply.headers.get("location", "")
        if redirects == "refuse" or not location or looks_like_login(location):
            raise redirect_refused(reply, self.endpoint)
        if hops >= MAX_REDIRECTS:
            raise redirect_refused(reply, self.endpoint, f"{MAX_REDIRECTS} redirects were followed already")
        following = self._composer.redirected(outgoing, reply.status, location)
        if following is None:
            raise redirect_refused(reply, self.endpoint, "it leads to another scheme, host or port: not followed")
        return following

    def _ask(self, outgoing: Outgoing, question: Question) -> Reply:
        """Attempt it until there is an answer, or no reason to go on."""
        self._silence.heed(outgoing.shown_url, self._probe)
        retries = self.endpoint.retries
        question.waits.clear()
        attempts = retries.attempts if outgoing.effect == "read" else 1
        attempt = 1
        while True:
            result = self._attempt(outgoing, question, attempt)
            if isinstance(result, Failure):
                again, wait = result.again, backoff(retries, attempt)
            else:
                again = result.status in RETRIED_STATUSES
                wait = wait_after_status(retries, attempt, result.headers, now=self._clock.now()) if again else 0.0
            # a wait that would outlast the deadline helps nobody: say now what is known now
            if not again or attempt >= attempts or wait >= question.left():
                break
            question.waits.append(wait)
            self._clock.sleep(wait)
            attempt += 1
        self._note(result, question.limits)
        if isinstance(result, Failure):
            result.error.details += question.told
            raise result.error
        return result

    def _note(self, result: Reply | Failure, limits: Timeouts) -> None:
        """Remember whether the system gave a sign of life."""
        own = self.endpoint.timeouts
        if not isinstance(result, Failure) or not result.silent:
            self._silence.heard()
        # who was given less time than is usual here has not shown that he is silent
        elif limits.read >= own.read and limits.total >= own.total:
            self._silence.unheard()

    def _probe(self) -> str | None:
        """Ask for the base URL itself; return None if anything at all comes back, else the exchange's id."""
        plain = self._composer.compose(
            "GET", "/", params=None, form=None, json=None, content=None, headers=None, effect="read"
        )
        own = self.endpoint.timeouts
        limits = Timeouts(
            connect=min(own.connect, PROBE_SECONDS),
            read=min(own.read, PROBE_SECONDS),
            total=min(own.total, PROBE_SECONDS),
        )
        result = self._attempt(plain, Question(limits=limits, clock=self._clock), 1)
        return result.error.evidence if isinstance(result, Failure) and result.silent else None

    def _attempt(self, outgoing: Outgoing, question: Question, number: int) -> Reply | Failure:
        """Send it once, and record what came of it."""
        attempt = Attempt(outgoing, self.endpoint, self._redactor, number=number)
        try:
            attempt.send(self._transport, question, self._clock)
        finally:
            exchange = self._record(attempt)
        return self._result(attempt, exchange)

    def _result(self, attempt: Attempt, exchange: Exchange) -> Reply | Failure:
        if attempt.failure is not None:
            attempt.failure.error.evidence = exchange.id
            return attempt.failure
        response = attempt.response
        assert response is not None  # noqa: S101 - for the type checker: no failure means an answer
        return Reply(
            system=self.endpoint.name,
            status=response.status_code,
            headers=dict(response.headers),
            body=attempt.body,
            elapsed=attempt.elapsed,
            started=attempt.started,
            url=attempt.outgoing.shown_url,
            evidence=exchange.id,
            redactor=self._redactor,
        )

    def _record(self, attempt: Attempt, *, age: float | None = None, unused: str = "") -> Exchange:
        redactor, outgoing, response = self._redactor, attempt.outgoing, attempt.response
        answered: tuple[tuple[str, str], ...] = ()
        if response is not None:
            answered = redactor.headers(
                (name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw
            )
        body = attempt.body
        kept = redactor.body(body)
        return self._tape.record(
            system=self.endpoint.name,
            method=outgoing.method,
            url=outgoing.shown_url,
            request_headers=outgoing.shown_headers,
            request_body=outgoing.shown_body,
            effect=outgoing.effect,
            started=attempt.started,
            elapsed=attempt.elapsed,
            attempt=attempt.number,
            status=None if response is None else response.status_code,
            response_headers=answered,
            body=None if response is None else kept,
            digest=attempt.digest if kept is body else None,
            error=attempt.ended or None,
            age=age,
            unused=unused,
        )

    # --- asked ahead --------------------------------------------------------------------------------------------------

    def compose_ahead(self, read: Read) -> Outgoing:
        """Return the request that a check is going to make.

        Raises:
            AuthorMistake: if its parts make no request.
        """
        return self._composer.compose(
            read.method,
            read.path,
            params=read.params,
            form=read.form or None,
            json=None,
            content=None,
            headers=None,
            effect="read",
        )

    def send_ahead(self, outgoing: Outgoing) -> Attempt | None:
        """Send it once, in whatever thread; nothing is recorded, and nothing concluded from how it ends.

        Returns:
            What came of it; None if the system is not to be asked ahead, as it has not answered others.
        """
        if self._closed or self._silence.suspected:
            return None
        attempt = Attempt(outgoing, self.endpoint, self._redactor)
        attempt.send(self._transport, Question(limits=self.endpoint.timeouts, clock=self._clock), self._clock)
        return attempt

    def use(self, attempt: Attempt, age: float | None) -> Reply | Failure:
        """Record an answer that was asked ahead as that of the check that runs, and return it.

        Args:
            attempt: of `send_ahead`.
            age: seconds since it had come.
        """
        return self._result(attempt, self._record(attempt, age=age))

    def discard(self, attempt: Attempt, why: str) -> None:
        """Record what was asked ahead and nobody used."""
        self._record(attempt, unused=why)

    def abort(self) -> None:
        """End everything that is under way now, in whatever thread: it fails as if the connection had broken."""
        self._transport.abort()

    def _asked_ahead(self, outgoing: Outgoing, limits: Timeouts) -> Reply | None:
        if self.prefetch is None or outgoing.effect == "write":
            return None
        # whoever has less patience, or more, than is usual here has not declared this question
        return self.prefetch.take(self, outgoing if limits == self.endpoint.timeouts else None)

    @contextmanager
    def _changing(self, outgoing: Outgoing) -> Generator[None, None, None]:
        """Tell of a write before it is sent and when it is over: what was asked before or meanwhile is used no more."""
        if self.prefetch is None or outgoing.effect != "write":
            yield
            return
        self.prefetch.changed()
        try:
            yield
        finally:
            self.prefetch.changed()


def _warnings(endpoint: Endpoint) -> tuple[str, ...]:
    """Return what a reader of the evidence must know."""
    url = httpx.URL(endpoint.base_url)
    secure = url.scheme == "https"
    found = []
    if secure and not endpoint.tls.verify:
        found.append(f"{endpoint.name}: the server's certificate is not verified (tls.verify = false)")
    if not secure and endpoint.auth is not None and not is_loopback(url.host):
        found.append(f"{endpoint.name}: the credential travels unencrypted (the base URL is http)")
    return tuple(found)
