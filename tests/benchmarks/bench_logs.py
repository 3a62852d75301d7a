"""A million log lines of 317 bytes: the whole report, against decoding and validating them only. One core, CPU time.

Then half as many in each wrapping, and under a schema with `anyOf`.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import jsonschema_rs
import msgspec
import orjson

from pytest_deploycheck.clients.logs import parallel
from pytest_deploycheck.clients.logs.batch import Meter
from pytest_deploycheck.clients.logs.reader import read_file
from pytest_deploycheck.clients.logs.reading import Plan
from pytest_deploycheck.clients.logs.window import Window
from tests.benchmarks.side_by_side import medians, table

if TYPE_CHECKING:
    from collections.abc import Callable

LINES = 1_000_000
WIDTH = 317
ROUNDS = 3
_BEGIN = 1_795_250_000.0
_HEX, _D = "[0-9a-f]", "[0-9]"
_DAY = f"{_D}{{4}}-{_D}{{2}}-{_D}{{2}}"
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["timestamp", "level", "service", "message", "trace_id", "span_id", "correlation_id", "duration_ms"],
    "properties": {
        "timestamp": {"type": "string", "pattern": f"^{_DAY}T{_D}{{2}}:{_D}{{2}}:{_D}{{2}}[.]{_D}{{3}}Z$"},
        "level": {"enum": ["DEBUG", "INFO", "WARN", "ERROR"]},
        "service": {"type": "string", "minLength": 1},
        "message": {"type": "string"},
        "trace_id": {"type": "string", "pattern": f"^{_HEX}{{32}}$"},
        "span_id": {"type": "string", "pattern": f"^{_HEX}{{16}}$"},
        "correlation_id": {
            "type": "string", "pattern": f"^{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}$",
        },
        "duration_ms": {"type": "number", "minimum": 0},
    },
}  # fmt: skip


class _Line(msgspec.Struct, gc=False):
    timestamp: str
    level: Literal["DEBUG", "INFO", "WARN", "ERROR"]
    service: str
    message: str
    trace_id: str
    span_id: str
    correlation_id: str
    duration_ms: float


def write(path: Path, lines: int) -> None:
    """Write lines as a service would: three services, 6 % errors, two lines a trace."""
    rng = random.Random(7)  # noqa: S311 - the same lines every time
    trace = correlation = ""
    with path.open("w") as file:
        for number in range(lines):
            if number % 2 == 0:
                trace, raw = f"{rng.getrandbits(128):032x}", f"{rng.getrandbits(128):032x}"
                correlation = f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"
            level = rng.choices(["INFO", "WARN", "ERROR"], [80, 14, 6])[0]
            text = "timeout after {} ms calling payments" if level == "ERROR" else "order {} accepted"
            at = datetime.fromtimestamp(_BEGIN + number / 500, UTC).isoformat(timespec="milliseconds")
            line = {
                "timestamp": at.replace("+00:00", "Z"),
                "level": level,
                "service": ("orders", "payments", "stock")[number % 3],
                "message": text.format(rng.randrange(100_000)),
                "trace_id": trace,
                "span_id": f"{rng.getrandbits(64):016x}",
                "correlation_id": correlation,
                "duration_ms": round(rng.random() * 100, 3),
                "path": "/",
            }
            line["path"] = "/" + "x" * (WIDTH - 2 - len(json.dumps(line, separators=(",", ":"))) + 1)
            file.write(json.dumps(line, separators=(",", ":")) + "\n")


NAMES = ("orders-1", "payments-1", "stock-12")


def stamp(number: int) -> str:
    """Return the time that a container runtime would write before a line."""
    return f"{datetime.fromtimestamp(_BEGIN + number / 500, UTC).isoformat(timespec='microseconds')[:-6]}123Z"


WRAPPINGS: dict[str, Callable[[int, bytes], bytes]] = {
    "docker compose logs": lambda at, line: f"{NAMES[at % 3]:<10} | ".encode() + line,
    "kubectl logs --prefix": lambda at, line: f"[pod/{NAMES[at % 3]}-7d4/app] ".encode() + line,
    "kubectl logs --prefix --timestamps": lambda at, line: (
        f"[pod/{NAMES[at % 3]}-7d4/app] {stamp(at)} ".encode() + line
    ),
    "a node's file (CRI)": lambda at, line: f"{stamp(at)} stdout F ".encode() + line,
    "Docker's json-file": lambda at, line: msgspec.json.encode(
        {"log": line.decode() + "\n", "stream": "stdout", "time": stamp(at)}
    ),
    "journalctl -o json": lambda at, line: msgspec.json.encode(
        {
            "__REALTIME_TIMESTAMP": str(int((_BEGIN + at / 500) * 1e6)),
            "_SYSTEMD_UNIT": "shop.service",
            "MESSAGE": line.decode(),
        }
    ),
}
CHOICE = {**SCHEMA, "anyOf": [{"required": ["trace_id"]}, {"required": ["correlation_id"]}]}


def wrap(plain: Path, wrapped: Path, how: Callable[[int, bytes], bytes]) -> None:
    """Write the lines of a file wrapped."""
    with plain.open("rb") as source, wrapped.open("wb") as target:
        for number, line in enumerate(source):
            target.write(how(number, line[:-1]) + b"\n")


def cpu(action: Callable[[], int], lines: int = LINES) -> Callable[[], float]:
    """Return a side that takes the CPU time of an action, which returns how many lines it found valid."""

    def side() -> float:
        start = time.process_time()
        if action() != lines:
            message = "the benchmark's lines are not all valid"
            raise RuntimeError(message)
        return time.process_time() - start

    return side


def report(path: Path, schema: dict[str, Any] = SCHEMA, *, alone: bool = True) -> int:
    """Read the whole report; return how many lines are valid.

    Args:
        path: of the log.
        schema: what every line must match.
        alone: read it in this process, on one core.
    """
    parallel.WORTHWHILE = sys.maxsize if alone else 0
    window = Window(since=_BEGIN - 60, until=None, now=_BEGIN + LINES / 500 + 1, tolerance=5.0)
    reading, _, _ = read_file(path, Plan(schema=schema, fields={}, wrapping="auto", window=window), Meter())
    tally = reading.tally
    if tally.outside or tally.disordered or not tally.signatures or tally.ids["trace"].malformed:
        message = "the benchmark's own report is wrong"
        raise RuntimeError(message)
    return tally.lines - tally.invalid


def _decoded(path: Path, decode: Callable[[bytes], object]) -> int:
    count = 0
    with path.open("rb") as file:
        for line in file:
            decode(line)
            count += 1
    return count


def _validated(path: Path, schema: dict[str, Any] = SCHEMA) -> int:
    valid = jsonschema_rs.validator_for(schema).is_valid
    count = 0
    with path.open("rb") as file:
        for line in file:
            count += valid(orjson.loads(line))
    return count


def _jq(path: Path) -> int:
    done = subprocess.run(["jq", "-c", "."], stdin=path.open("rb"), stdout=subprocess.DEVNULL, check=True)
    return LINES if done.returncode == 0 else 0


def _peak(path: Path) -> int:
    """Return the peak of resident memory of a process that reads the report, in MiB."""
    code = f"from tests.benchmarks.bench_logs import report; from pathlib import Path; report(Path({str(path)!r}))"
    code += "; import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout) // 1024


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="deploycheck-bench-") as name:
        path = Path(name, "log.jsonl")
        write(path, LINES)
        sides = {
            "ours: schema with patterns, levels, ids, signatures, times, SHA-256": cpu(lambda: report(path)),
            "orjson + jsonschema-rs: valid or not": cpu(lambda: _validated(path)),
            "msgspec structs: decoded, no patterns": cpu(lambda: _decoded(path, msgspec.json.Decoder(_Line).decode)),
            "orjson: decoded": cpu(lambda: _decoded(path, orjson.loads)),
        }
        found = medians(sides, rounds=ROUNDS)
        if shutil.which("jq"):
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            _jq(path)
            found["jq -c ."] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        start = time.perf_counter()
        report(path, alone=False)
        found[f"ours on {parallel.cores()} cores, by the wall clock"] = time.perf_counter() - start
        few = Path(name, "few.jsonl")
        write(few, LINES // 10)
        wanted = found["orjson + jsonschema-rs: valid or not"]
        rows = [("", "lines/s", "of orjson + jsonschema-rs", "peak memory")]
        for side, seconds in found.items():
            peak = f"{_peak(path)} MiB; {_peak(few)} with a tenth" if side.startswith("ours:") else ""
            rows.append((side, f"{LINES / seconds:,.0f}", f"{wanted / seconds:.2f}", peak))
        others(Path(name))
        table(f"{LINES:,} log lines of {WIDTH} bytes, one core ({ROUNDS} alternating runs, medians of CPU time)", rows)


def others(directory: Path) -> None:
    """Print the table of lines that are wrapped, and of a schema with `anyOf`."""
    lines = LINES // 2
    plain, wrapped = directory / "half.jsonl", directory / "wrapped.log"
    write(plain, lines)
    rows = [("", "lines/s", "of orjson + jsonschema-rs, not wrapped")]
    side = cpu(lambda: _validated(plain), lines)
    side()
    wanted = side()
    for name, how in WRAPPINGS.items():
        wrap(plain, wrapped, how)
        seconds = cpu(lambda: report(wrapped), lines)()
        rows.append((name, f"{lines / seconds:,.0f}", f"{wanted / seconds:.2f}"))
    wanted = cpu(lambda: _validated(plain, CHOICE), lines)()
    seconds = cpu(lambda: report(plain, CHOICE), lines)()
    rows.append(("not wrapped, a schema with anyOf", f"{lines / seconds:,.0f}", f"{wanted / seconds:.2f}"))
    table(f"{lines:,} of them in each wrapping, one core (one run)", rows)


if __name__ == "__main__":
    main()
