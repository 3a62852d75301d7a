"""Images: which one is meant, which one is asked for, and which one really runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_deploycheck.model.kubernetes.pods import Pod

_DIGEST = "sha256:"


def wrong_image(found: Mapping[str, str], wanted: str) -> str:
    """Return what is wrong if no container of a template has the wanted image; empty if one has.

    Args:
        found: container → image.
        wanted: a whole reference, `sha256:…`, or `:tag`.
    """
    if any(is_image(image, wanted) for image in found.values()):
        return ""
    shown = ", ".join(f"{name} = {image}" for name, image in found.items()) or "no container"
    return f"its template does not ask for {wanted}: {shown} (rolled back, superseded, or never changed)"


def is_image(image: str, wanted: str) -> bool:
    """Return whether an image is the wanted one: the whole reference, its digest, or its tag."""
    if wanted.startswith(_DIGEST):
        return digest(image) == wanted
    if wanted.startswith(":"):
        return tag(image) == wanted[1:]
    return image == wanted


def digest(image: str) -> str:
    """Return the digest in a reference or an image id; empty if there is none."""
    tail = image.rpartition("@")[2]
    return tail if tail.startswith(_DIGEST) else ""


def tag(image: str) -> str:
    """Return the tag of a reference; empty if there is none. A registry's port is none."""
    last = image.partition("@")[0].rpartition("/")[2]
    return last.partition(":")[2]


def different_digests(pods: Iterable[Pod]) -> dict[str, dict[str, list[str]]]:
    """Return container → digest that runs → pods, for the containers that run as more than one image.

    What is asked for by digest can be one only, however the runtimes name it.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for pod in pods:
        pinned = {one.name for one in pod.spec.containers if digest(one.image)}
        for status in pod.status.container_statuses or ():
            running = digest(status.image_id) or status.image_id
            if running and status.name not in pinned:
                found.setdefault(status.name, {}).setdefault(running, []).append(pod.name)
    # the rarest first: it is the one to look at
    return {
        name: dict(sorted(digests.items(), key=lambda item: len(item[1])))
        for name, digests in found.items()
        if len(digests) > 1
    }
