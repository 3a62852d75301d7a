"""A large file read on all cores: by a process of its own, which shares the file out, and adds up what came of it.

The process is a fresh one: it may fork, for it has no threads, and its children share its hashes, by which ids are
sampled. It runs `main`, is given a `Job` on its standard input, and answers with the outcome, both pickled.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pytest_deploycheck.clients.logs.batch import Meter, batches
from pytest_deploycheck.clients.logs.reading import Form, Plan, Reading, read
from pytest_deploycheck.clients.logs.sources.file import Part, opened
from pytest_deploycheck.errors import CannotMeasure, DeploycheckError

if TYPE_CHECKING:
    from pytest_deploycheck.clients.logs.tally import Tally

WORTHWHILE = 96 * 2**20
"""Bytes from which on a process of its own pays."""
_SEAM = 1 << 20
_PACKAGES = Path(__file__).resolve().parents[3]


class Job(msgspec.Struct, frozen=True):
    """What is to be read.

    Attributes:
        part: of a plain file.
        plan: how.
        form: how its lines look.
        number: lines before it.
        workers: how many processes read.
    """

    part: Part
    plan: Plan
    form: Form
    number: int
    workers: int


class Outcome(msgspec.Struct, frozen=True):
    """What came of it.

    Attributes:
        reading: the counts.
        size: bytes that were read.
        digests: SHA-256 of each share of the file, in order.
    """

    reading: Reading
    size: int
    digests: tuple[str, ...]


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_on_all_cores(job: Job) -> Outcome:
    """Read a part of a file.

    Raises:
        CannotMeasure: if the file cannot be read, or the process dies.
    """
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_PACKAGES), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-c", f"from {__name__} import main; main()"],
        input=pickle.dumps(job),
        capture_output=True,
        env=environ,
        check=False,
    )
    if done.returncode != 0:
        told = done.stderr.decode("utf-8", "replace").strip().splitlines()[-3:]
        raise CannotMeasure(
            f"reading {job.part.path.name} on several cores ended with exit code {done.returncode}",
            where=str(job.part.path),
            details=told,
            next_step="is there memory enough? A smaller window is read by one process",
        )
    found = pickle.loads(done.stdout)  # noqa: S301 - of our own child
    if isinstance(found, DeploycheckError):
        raise found
    outcome: Outcome = found
    return outcome


def shares(part: Part, amount: int) -> list[Part]:
    """Share a part out at line ends, into as many parts or fewer."""
    ends = [part.start + (part.size - part.start) * number // amount for number in range(1, amount)]
    seams = [part.start]
    with part.path.open("rb") as file:
        for end in ends:
            file.seek(end)
            found = file.read(_SEAM).find(b"\n")
            if found >= 0 and end + found + 1 > seams[-1]:
                seams.append(end + found + 1)
    return [
        msgspec.structs.replace(part, start=begin, size=end)
        for begin, end in zip(seams, [*seams[1:], part.size], strict=True)
        if end > begin
    ]


def _read(job: Job) -> tuple[Tally, int, int, str]:
    """Return the counts of a share, how many lines it has, its size and its SHA-256."""
    meter = Meter()
    with opened(job.part) as reading:
        found = read(batches(reading, meter), job.plan, form=job.form, begun=job.number < 0)
    return found.tally, found.physical, meter.size, meter.digest


def _added_up(job: Job) -> Outcome:
    # A share that is not the first begins within the window, whatever its first line says: its number is negative.
    jobs = [
        msgspec.structs.replace(job, part=share, number=-index)
        for index, share in enumerate(shares(job.part, job.workers))
    ]
    with multiprocessing.get_context("fork").Pool(len(jobs)) as pool:
        found = pool.map(_read, jobs, chunksize=1)
    whole, number = None, job.number
    for tally, physical, _, _ in found:
        tally.move(number)
        number += physical
        if whole is None:
            whole = tally
        else:
            whole.merge(tally, job.plan.window.tolerance)
    assert whole is not None  # noqa: S101 - there is at least one share
    reading = Reading(whole, job.form.wrapping, job.form.fields, number - job.number)
    return Outcome(reading, sum(size for *_, size, _ in found), tuple(digest for *_, digest in found))


def main() -> None:
    """Read the job from standard input, do it, and write what came of it."""
    job: Job = pickle.load(sys.stdin.buffer)  # noqa: S301 - of our own parent
    try:
        found: Outcome | DeploycheckError = _added_up(job)
    except DeploycheckError as error:
        found = error
    sys.stdout.buffer.write(pickle.dumps(found))
