"""Lists, read page by page from the raw bytes into the few fields that are judged."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from pytest_deploycheck.clients.kubernetes.refusal import refusal
from pytest_deploycheck.clients.refusal import UNREADABLE, refuse
from pytest_deploycheck.errors import CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_deploycheck.clients.kubernetes.access import Access
    from pytest_deploycheck.clients.kubernetes.refusal import Resource
    from pytest_deploycheck.transport.reply import Reply

T = TypeVar("T")

PAGE = 500
"""Objects a page, as kubectl asks for: 5,000 pods are ten answers of some 4 MB."""
_EXPIRED = 410
_RESTARTS = 2
_MOST_PAGES = 10_000


class ListMeta(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a list tells of itself; `continue_` is empty on the last page."""

    continue_: str = msgspec.field(name="continue", default="")
    resource_version: str = ""


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list. `items` may be null; a page without `kind` or `metadata` is none."""

    kind: str
    metadata: ListMeta
    items: tuple[T, ...] | None = None


@cache
def decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """Return the decoder of a type, made once."""
    return msgspec.json.Decoder(kind)


def list_all(
    ask: Callable[[Mapping[str, str]], Reply],
    kind: type[T],
    resource: Resource,
    access: Access,
    *,
    params: Mapping[str, str],
) -> tuple[T, ...]:
    """Read a list to its end.

    A page that comes too late (410: the list's revision is gone) starts the list anew, for going on with the token that
    comes along would mix two revisions; the third time everything is asked for at once.

    Args:
        ask: sends the question with these parameters, and returns whatever status comes.
        kind: of an item.
        resource: what is listed.
        access: who asks.
        params: selectors.

    Raises:
        CannotMeasure: if there is no usable answer.
    """
    for _ in range(_RESTARTS):
        found = _paged(ask, kind, resource, access, {**params, "limit": str(PAGE)})
        if found is not None:
            return found
    found = _paged(ask, kind, resource, access, params)
    if found is None:
        raise CannotMeasure(
            "kubernetes: the list was too old before it was read, again and again",
            where=resource.path,
            next_step="is etcd compacted every few seconds, or the API server overloaded?",
        )
    return found


def _paged(
    ask: Callable[[Mapping[str, str]], Reply],
    kind: type[T],
    resource: Resource,
    access: Access,
    params: Mapping[str, str],
) -> tuple[T, ...] | None:
    """Return all pages' items; None if the list's revision was gone before its end."""
    pages: list[tuple[T, ...]] = []
    token = ""
    for _ in range(_MOST_PAGES):
        reply = ask({**params, "continue": token} if token else params)
        if reply.status == _EXPIRED:
            return None
        page = read(reply, Page[kind], resource, access)  # type: ignore[valid-type]
        if not page.kind.endswith("List"):
            raise reply.malformed(f"a {page.kind} where a list of {resource.name} was asked for")
        pages.append(page.items or ())
        if not page.metadata.continue_:
            return pages[0] if len(pages) == 1 else tuple(item for items in pages for item in items)
        if page.metadata.continue_ == token:
            raise reply.malformed("its next page is itself")
        token = page.metadata.continue_
    raise CannotMeasure(
        f"kubernetes: a list of more than {_MOST_PAGES:,} pages", where=resource.path, next_step="give a selector"
    )


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
