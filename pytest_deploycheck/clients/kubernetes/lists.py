"""Lists, read page by page from the raw bytes into the few fields that are judged."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from pytest_deploycheck.clients.decoders import decoder
from pytest_deploycheck.clients.kubernetes.refusal import refusal
from pytest_deploycheck.clients.refusal import UNREADABLE, refuse
from pytest_deploycheck.collector import collector_paused
from pytest_deploycheck.errors import CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor

    from pytest_deploycheck.clients.kubernetes.access import Access
    from pytest_deploycheck.clients.kubernetes.refusal import Resource
    from pytest_deploycheck.transport.ahead import Ahead
    from pytest_deploycheck.transport.reply import Reply

T = TypeVar("T")
U = TypeVar("U")

PAGE = 500
"""Objects a page, as kubectl asks for: 5,000 pods are ten answers of some 4 MB."""
_EXPIRED = 410
_RESTARTS = 2
_MOST_PAGES = 10_000
_HEAD = 2048
_TOKEN = re.compile(rb'"metadata":\{[^{}]*"continue":"([A-Za-z0-9_=-]+)"')


class ListMeta(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a list tells of itself; `continue_` is empty on the last page."""

    continue_: str = msgspec.field(name="continue", default="")
    resource_version: str = ""


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list. `items` may be null; a page without `kind` or `metadata` is none."""

    kind: str
    metadata: ListMeta
    items: tuple[T, ...] | None = None


class Listed(Generic[T]):
    """A list that was read to its end.

    Args:
        items: of all pages.
        pages: the answers that they came in.
        resource: what was listed.
        access: who asked.
    """

    def __init__(self, items: tuple[T, ...], pages: list[Reply], resource: Resource, access: Access) -> None:
        """Keep the answers: more can be read from them."""
        self.items = items
        self._pages = pages
        self._resource = resource
        self._access = access

    def again(self, kind: type[U]) -> tuple[U, ...]:
        """Return the items as another type, in the same order, from the same answers.

        Raises:
            Malformed: if they are not what that type needs.
        """
        return _items([read(one, Page[kind], self._resource, self._access) for one in self._pages])  # type: ignore[valid-type]


def list_all(
    ask: Callable[[Mapping[str, str]], Reply],
    begin: Callable[[Mapping[str, str], Executor], Ahead],
    kind: type[T],
    resource: Resource,
    access: Access,
    *,
    params: Mapping[str, str],
) -> Listed[T]:
    """Read a list to its end.

    A page that comes too late (410: the list's revision is gone) starts the list anew, for going on with the token that
    comes along would mix two revisions; the third time everything is asked for at once.

    Args:
        ask: sends the question with these parameters, and returns whatever status comes.
        begin: sends it in another thread.
        kind: of an item.
        resource: what is listed.
        access: who asks.
        params: selectors.

    Raises:
        CannotMeasure: if there is no usable answer.
    """
    for _ in range(_RESTARTS):
        found = _paged(ask, begin, kind, resource, access, {**params, "limit": str(PAGE)})
        if found is not None:
            return found
    found = _paged(ask, begin, kind, resource, access, params)
    if found is None:
        raise CannotMeasure(
            f"{access.endpoint.name}: the list was too old before it was read, again and again",
            where=resource.path,
            next_step="is etcd compacted every few seconds, or the API server overloaded?",
        )
    return found


def _paged(
    ask: Callable[[Mapping[str, str]], Reply],
    begin: Callable[[Mapping[str, str], Executor], Ahead],
    kind: type[T],
    resource: Resource,
    access: Access,
    params: Mapping[str, str],
) -> Listed[T] | None:
    """Return all pages; None if the list's revision was gone before its end."""
    with ThreadPoolExecutor(1, "kubernetes-page") as thread, collector_paused():
        pages: list[Page[T]] = []
        replies: list[Reply] = []
        coming: Ahead | None = None
        asked: Mapping[str, str] = params
        for _ in range(_MOST_PAGES):
            # the next page comes while this one is recorded and decoded
            head, coming = coming, None
            reply = (head.reply() if head is not None else None) or ask(asked)
            if reply.status == _EXPIRED:
                return None
            if token := _early_token(reply.body):
                coming = begin({**params, "continue": token}, thread)
            try:
                page = read(reply, Page[kind], resource, access)  # type: ignore[valid-type]
                _check(page, reply, resource)
            except BaseException:
                if coming is not None:
                    coming.drop("the page before it could not be read")
                raise
            pages.append(page)
            replies.append(reply)
            following = page.metadata.continue_
            if coming is not None and following != token:
                coming.drop("it is not the next page")
                coming = None
            if not following:
                return Listed(_items(pages), replies, resource, access)
            asked = {**params, "continue": following}
    raise CannotMeasure(
        f"{access.endpoint.name}: a list of more than {_MOST_PAGES:,} pages",
        where=resource.path,
        next_step="give a selector",
    )


def _items(pages: list[Page[T]]) -> tuple[T, ...]:
    return tuple(chain.from_iterable(page.items or () for page in pages))


def _check(page: Page[T], reply: Reply, resource: Resource) -> None:
    """Refuse what is no page of a list.

    Raises:
        Malformed: if it is another kind of object, or leads to itself.
    """
    if not page.kind.endswith("List"):
        raise reply.malformed(f"a {page.kind} where a list of {resource.name} was asked for")
    if page.metadata.continue_ and f"continue={page.metadata.continue_}" in reply.url:
        raise reply.malformed("its next page is itself")


def _early_token(body: bytes) -> str:
    """Return the continue token in the head of a page, where the API server writes it; empty if it is not there."""
    found = _TOKEN.search(body, 0, _HEAD)
    return found[1].decode("ascii", "replace") if found is not None else ""


def read(reply: Reply, kind: Any, resource: Resource, access: Access) -> Any:
    """Decode an answer into a type.

    Raises:
        CannotMeasure: if its status is not 2xx, or it is not what Kubernetes answers.
    """
    if not 200 <= reply.status < 300:  # noqa: PLR2004 - success
        raise refusal(reply, resource, access)
    reply.require_json()
    try:
        return decoder(kind).decode(reply.body)
    except UNREADABLE as error:
        raise refuse(reply, "Kubernetes", str(error)) from None
