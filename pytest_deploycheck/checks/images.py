"""Images: which one is meant, which one is asked for, and which one really runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.checks.asked import Asked, Judgement
from pytest_deploycheck.checks.wording import count, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_deploycheck.model.finding import Finding
    from pytest_deploycheck.model.kubernetes.pods import Pod

DIGEST = "sha256:"
"""How a digest begins."""


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


def pins(found: Mapping[str, str]) -> bool:
    """Return whether a template asks for an image by its digest: otherwise only its pods tell which digest runs.

    Args:
        found: container → image.
    """
    return any(digest(image) for image in found.values())


def other_digests(pods: Iterable[Pod], wanted: str) -> list[tuple[str, str]]:
    """Return (pod, what runs in it) for the pods none of whose containers runs a digest.

    Args:
        pods: as they are.
        wanted: `sha256:…`.
    """
    found = []
    for pod in pods:
        running = {one.name: one.image_id for one in pod.status.container_statuses or () if one.image_id}
        if not any(is_image(image, wanted) for image in running.values()):
            shown = ", ".join(f"{name}: {image}" for name, image in running.items())
            found.append((pod.name, shown or "nothing runs yet"))
    return found


def runs(pods: Sequence[Pod], asked: Asked, *, wanted: str | None) -> Finding:
    """Judge whether a container of every pod runs an image; by its digest, what runs decides, else what is asked for.

    FAILED: a pod, terminating ones included, that runs another. INCONCLUSIVE: no pod, the image is not known, or a pod
    has not told what it runs.

    Args:
        pods: as they are; those that have ended are left out.
        asked: the question.
        wanted: a whole reference, `sha256:…`, or `:tag`; None if it is not known.
    """
    judgement = Judgement(asked, f"every pod runs {wanted or '(not known)'}", ("pod", "container", "image"))
    live = [pod for pod in pods if not pod.finished]
    if not wanted:
        judgement.doubtful("the deployed image is not known: nothing tells what must be found")
        return judgement.finding("")
    if not live:
        judgement.doubtful("no data: no pod matches")
        return judgement.finding("")
    other: list[tuple[str, ...]] = []
    silent: list[tuple[str, ...]] = []
    for pod in live:
        running = {one.name: one.image_id for one in pod.status.container_statuses or () if one.image_id}
        asked_for = {one.name: one.image for one in pod.spec.containers}
        found = running if wanted.startswith(DIGEST) else asked_for
        if any(is_image(image, wanted) for image in found.values()):
            continue
        if not running and any(is_image(image, wanted) for image in asked_for.values()):
            silent.append((pod.name, "", "nothing runs yet"))
        else:
            other += [(pod.name, name, image) for name, image in (found or asked_for).items()]
    if other:
        judgement.bad(f"{share(len({row[0] for row in other}), len(live), 'pod')} of another image", other)
    if silent:
        judgement.doubtful(f"{share(len(silent), len(live), 'pod')} not running yet", silent)
    return judgement.finding(f"{count(len(live), 'pod')} of {wanted}")


def is_image(image: str, wanted: str) -> bool:
    """Return whether an image is the wanted one: the whole reference, its digest, or its tag."""
    if wanted.startswith(DIGEST):
        return digest(image) == wanted
    if wanted.startswith(":"):
        return tag(image) == wanted[1:]
    return image == wanted


def digest(image: str) -> str:
    """Return the digest in a reference or an image id; empty if there is none."""
    tail = image.rpartition("@")[2]
    return tail if tail.startswith(DIGEST) else ""


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
