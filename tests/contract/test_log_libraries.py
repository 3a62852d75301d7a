"""What logging libraries write, in the versions installed here and in many of their options, against our presets.

Each writer logs the same four events; nothing is recorded: the libraries themselves run.
"""

from __future__ import annotations

import io
import json
import logging
import time
from typing import TYPE_CHECKING, Any

import ecs_logging
import orjson
import pytest
import structlog
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from pythonjsonlogger.json import JsonFormatter
from pythonjsonlogger.msgspec import MsgspecFormatter
from pythonjsonlogger.orjson import OrjsonFormatter

from pytest_deploycheck.clients.logs.presets import preset
from pytest_deploycheck.clients.logs.reading import Plan
from pytest_deploycheck.clients.logs.window import Window
from tests.unit.logs.reading import summarised

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_deploycheck.model.logs import LogSummary

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
LINES = 4


def fail() -> None:
    """Raise what the fourth event is about."""
    raise ValueError("amount 17 is negative\nor too large")


def read(data: str | bytes, schema: str, *, seconds: float | None = 600) -> LogSummary:
    """Read what was written just now.

    Args:
        data: the log.
        schema: the preset.
        seconds: how far to look back; None = all of it, which counts lines without a time, too.
    """
    raw = data.encode() if isinstance(data, str) else data
    now = time.time()
    window = Window(since=None if seconds is None else now - seconds, until=None, now=now, tolerance=5.0)
    how = Plan(schema=preset(schema), fields={}, wrapping="auto", window=window)
    slow, fast = summarised(raw, how, slowly=True), summarised(raw, how)
    assert (fast.lines, fast.invalid, fast.levels) == (slow.lines, slow.invalid, slow.levels)
    assert fast.offenders == slow.offenders
    return fast


# --- the standard library's logging, with a formatter -----------------------------------------------------------------


def by_logging(formatter: logging.Formatter, **extra: Any) -> str:
    """Return what the four events become by a formatter."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    logger = logging.Logger("orders")  # noqa: LOG001 - outside of the tree, where nobody else listens
    logger.addHandler(handler)
    logger.info("GET %s %d", "/orders", 200, extra={"trace_id": TRACE, **extra})
    logger.warning("queue is %d long", 42)
    logger.debug("cache miss: ☃")
    try:
        fail()
    except ValueError:
        logger.exception("payment %d failed", 17)
    return out.getvalue()


TIMED = "%(asctime)s %(levelname)s %(name)s %(message)s"
JSON_LOGGER: dict[str, logging.Formatter] = {
    "named in a format": JsonFormatter(TIMED),
    "named in a list": JsonFormatter(["asctime", "levelname", "message"]),
    "braces": JsonFormatter("{asctime} {levelname} {message}", style="{"),
    "dollars": JsonFormatter("${asctime} ${levelname} ${message}", style="$"),
    "timestamp=True": JsonFormatter("%(levelname)s %(message)s", timestamp=True),
    "timestamp by another name": JsonFormatter("%(levelname)s %(message)s", timestamp="time"),
    "renamed": JsonFormatter(TIMED, rename_fields={"levelname": "level", "asctime": "timestamp"}),
    "static fields": JsonFormatter(TIMED, static_fields={"service": "orders", "version": "1.4.2"}),
    "not ASCII": JsonFormatter(TIMED, json_ensure_ascii=False),
    "a traceback as an array": JsonFormatter(TIMED, exc_info_as_array=True),
    "orjson": OrjsonFormatter(TIMED),
    "msgspec": MsgspecFormatter(TIMED),
    "a date without fraction": JsonFormatter(TIMED, datefmt="%Y-%m-%dT%H:%M:%S%z"),
    "Unix time": JsonFormatter("%(created)f %(levelname)s %(message)s", rename_fields={"created": "timestamp"}),
}


@pytest.mark.parametrize("options", JSON_LOGGER)
def test_python_json_logger(options: str) -> None:
    found = read(by_logging(JSON_LOGGER[options]), "python-json-logger")
    assert (found.lines, found.invalid, found.timeless, found.unlevelled) == (LINES, 0, 0, 0), found.offenders
    assert found.levels == {"DEBUG": 1, "INFO": 1, "WARN": 1, "ERROR": 1}
    assert (found.ids["trace"].present, found.ids["trace"].malformed) == (1, 0)
    assert [one.template for one in found.signatures] == ["payment <number> failed"]
    assert found.outside == found.disordered == 0


JSON_LOGGER_LESS: dict[str, tuple[logging.Formatter, str]] = {
    "its default": (JsonFormatter(), "{'message': 'GET /orders 200'"),
    "no level": (JsonFormatter("%(asctime)s %(message)s"), "{'asctime': "),
    "no time": (JsonFormatter("%(levelname)s %(message)s"), "{'levelname': 'INFO'"),
    "the message renamed": (JsonFormatter(TIMED, rename_fields={"message": "msg"}), "'message' is a required property"),
}


@pytest.mark.parametrize("options", JSON_LOGGER_LESS)
def test_options_of_python_json_logger_that_leave_something_out(options: str) -> None:
    formatter, reason = JSON_LOGGER_LESS[options]
    found = read(by_logging(formatter), "python-json-logger", seconds=None)
    assert (found.lines, found.parsed, found.invalid) == (LINES, LINES, LINES)
    assert found.offenders[0].reason.startswith(reason), found.offenders[0].reason


def test_lines_of_python_json_logger_that_are_no_json() -> None:
    indented = read(by_logging(JsonFormatter(TIMED, json_indent=2)), "python-json-logger", seconds=None)
    assert indented.parsed == 0
    assert indented.offenders[0].reason == "not JSON: Input data was truncated"
    nan = read(by_logging(JsonFormatter(TIMED), ratio=float("nan")), "python-json-logger", seconds=None)
    assert (nan.lines, nan.invalid) == (LINES, 1)
    assert nan.offenders[0].reason == "not JSON: a bare NaN"


ECS: dict[str, logging.Formatter] = {
    "its default": ecs_logging.StdlibFormatter(),
    "without a stack trace": ecs_logging.StdlibFormatter(stack_trace_limit=0),
    "fields left out": ecs_logging.StdlibFormatter(exclude_fields=["process", "log.original", "log.origin"]),
    "more fields": ecs_logging.StdlibFormatter(extra={"service.name": "orders", "service": {"version": "1.4.2"}}),
    "not ASCII": ecs_logging.StdlibFormatter(ensure_ascii=False),
}


@pytest.mark.parametrize("options", ECS)
def test_ecs_logging(options: str) -> None:
    found = read(by_logging(ECS[options], **{"trace.id": TRACE}), "ecs")
    assert (found.lines, found.invalid, found.timeless, found.unlevelled) == (LINES, 0, 0, 0), found.offenders
    assert found.levels == {"DEBUG": 1, "INFO": 1, "WARN": 1, "ERROR": 1}
    assert found.ids["trace"].malformed == 0
    assert found.ids["trace"].present == 1
    assert [one.template for one in found.signatures] == ["payment <number> failed"]
    assert set(found.services) == ({"orders"} if options == "more fields" else set())


def test_options_of_ecs_logging_that_leave_something_out() -> None:
    found = read(by_logging(ecs_logging.StdlibFormatter(exclude_fields=["@timestamp"])), "ecs", seconds=None)
    assert (found.lines, found.invalid, found.timeless) == (LINES, LINES, LINES)
    assert found.offenders[0].reason == "'@timestamp' is a required property"


# --- structlog -------------------------------------------------------------------------------------------------------


def by_structlog(*processors: Any, serialised: Any = None) -> bytes:
    """Return what the four events become by a chain of processors."""
    out = io.BytesIO() if serialised is orjson.dumps else io.StringIO()
    factory = structlog.BytesLogger if isinstance(out, io.BytesIO) else structlog.PrintLogger
    logger: Any = structlog.wrap_logger(
        factory(out),  # type: ignore[arg-type]
        processors=list(processors),
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        context_class=dict,
    )
    logger.info("GET /orders", trace_id=TRACE, status=200)
    logger.warning("queue is 42 long")
    logger.debug("cache miss: ☃")
    try:
        fail()
    except ValueError:
        logger.exception("payment 17 failed")
    written = out.getvalue()
    return written.encode() if isinstance(written, str) else written


LEVEL, STAMP = structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso")
RENDER = structlog.processors.JSONRenderer()
STRUCTLOG: dict[str, Callable[[], bytes]] = {
    "usual": lambda: by_structlog(LEVEL, STAMP, structlog.processors.format_exc_info, RENDER),
    "Unix time": lambda: by_structlog(LEVEL, structlog.processors.TimeStamper(), RENDER),
    "a date of one's own": lambda: by_structlog(
        LEVEL, structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S.%f"), RENDER
    ),
    "exceptions as objects": lambda: by_structlog(LEVEL, STAMP, structlog.processors.dict_tracebacks, RENDER),
    "orjson, bytes": lambda: by_structlog(
        LEVEL,
        STAMP,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=orjson.dumps),
        serialised=orjson.dumps,
    ),
    "sorted keys, not ASCII": lambda: by_structlog(
        LEVEL, STAMP, structlog.processors.JSONRenderer(sort_keys=True, ensure_ascii=False)
    ),
    "where it was called, level's number": lambda: by_structlog(
        LEVEL, structlog.stdlib.add_log_level_number, STAMP, structlog.processors.CallsiteParameterAdder(), RENDER
    ),
}


@pytest.mark.parametrize("options", STRUCTLOG)
def test_structlog(options: str) -> None:
    found = read(STRUCTLOG[options](), "structlog")
    assert (found.lines, found.invalid, found.timeless, found.unlevelled) == (LINES, 0, 0, 0), found.offenders
    assert found.levels == {"DEBUG": 1, "INFO": 1, "WARN": 1, "ERROR": 1}
    assert (found.ids["trace"].present, found.ids["trace"].malformed) == (1, 0)
    assert [one.template for one in found.signatures] == ["payment <number> failed"]
    assert found.outside == found.disordered == 0


STRUCTLOG_LESS: dict[str, tuple[Callable[[], bytes], str]] = {
    "no level": (lambda: by_structlog(STAMP, RENDER), "'level' is a required property"),
    "no time": (lambda: by_structlog(LEVEL, RENDER), "'timestamp' is a required property"),
    "the event renamed": (
        lambda: by_structlog(LEVEL, STAMP, structlog.processors.EventRenamer("message"), RENDER),
        "'event' is a required property",
    ),
    "as logfmt": (lambda: by_structlog(LEVEL, STAMP, structlog.processors.LogfmtRenderer()), "not JSON"),
    # `<time> [info     ] GET /orders`: the time looks like one that `kubectl logs --timestamps` puts before a line
    "for people": (
        lambda: by_structlog(LEVEL, STAMP, structlog.dev.ConsoleRenderer(colors=True)),
        "not JSON: invalid character (byte 1)",
    ),
}


@pytest.mark.parametrize("options", STRUCTLOG_LESS)
def test_options_of_structlog_that_leave_something_out(options: str) -> None:
    write, reason = STRUCTLOG_LESS[options]
    found = read(write(), "structlog", seconds=None)
    assert found.lines >= LINES
    assert found.invalid == found.lines
    assert found.offenders[0].reason == reason


def test_structlog_in_the_elastic_common_schema() -> None:
    found = read(by_structlog(LEVEL, STAMP, ecs_logging.StructlogFormatter()), "ecs")
    assert (found.lines, found.invalid, found.timeless, found.unlevelled) == (LINES, 0, 0, 0), found.offenders


# --- OpenTelemetry's SDK ---------------------------------------------------------------------------------------------


def by_opentelemetry(indent: int | None = None, **more: Any) -> str:
    """Return what the four events become by the console's exporter."""
    out = io.StringIO()
    provider = LoggerProvider(resource=Resource.create({"service.name": "orders"}), shutdown_on_exit=False)
    exporter = ConsoleLogRecordExporter(out=out, formatter=lambda record: record.to_json(indent=indent) + "\n")
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = provider.get_logger("orders")
    for severity, body in (
        (SeverityNumber.INFO, "GET /orders 200"),
        (SeverityNumber.WARN2, "queue is 42 long"),
        (SeverityNumber.DEBUG4, "cache miss: ☃"),
        (SeverityNumber.ERROR, "payment 17 failed"),
    ):
        told: dict[str, Any] = {
            "timestamp": time.time_ns(), "severity_number": severity, "severity_text": severity.name, "body": body,
        }  # fmt: skip
        logger.emit(LogRecord(**{**told, **more}))
    return out.getvalue()


OPENTELEMETRY: dict[str, dict[str, Any]] = {
    "usual": {},
    "attributes": {"attributes": {"http.request.method": "GET", "items": [1, 2], "nested": {"a": None}}},
    "only the number of the severity": {"severity_text": None},
    "only the time of observation": {"timestamp": None},
}


@pytest.mark.parametrize("options", OPENTELEMETRY)
def test_opentelemetry(options: str) -> None:
    found = read(by_opentelemetry(**OPENTELEMETRY[options]), "opentelemetry")
    assert (found.lines, found.invalid, found.timeless, found.unlevelled) == (LINES, 0, 0, 0), found.offenders
    assert found.levels == {"DEBUG": 1, "INFO": 1, "WARN": 1, "ERROR": 1}
    assert set(found.services) == {"orders"}
    assert [one.template for one in found.signatures] == ["payment <number> failed"]
    # Outside of a span the SDK writes an id of zeros: no id, and not a bad one.
    assert (found.ids["trace"].present, found.ids["trace"].malformed) == (0, 0)


def test_opentelemetry_within_a_span() -> None:
    from opentelemetry.sdk.trace import TracerProvider

    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("orders")
    with tracer.start_as_current_span("order") as span:
        data = by_opentelemetry()
        trace = f"{span.get_span_context().trace_id:032x}"
    assert json.loads(data.splitlines()[0])["trace_id"] == f"0x{trace}"
    ids = read(data, "opentelemetry").ids["trace"]
    assert (ids.present, ids.malformed, ids.distinct) == (LINES, 0, 1)


def test_a_body_that_is_an_object() -> None:
    found = read(by_opentelemetry(body={"event": "payment failed", "order": 17}), "opentelemetry")
    assert (found.lines, found.invalid) == (LINES, 0)
    assert [one.template for one in found.signatures] == ["{<quoted>:<quoted>,<quoted>:<number>}"]


def test_records_without_severity_are_told() -> None:
    found = read(by_opentelemetry(severity_number=None, severity_text=None), "opentelemetry")
    assert (found.lines, found.unlevelled, found.levels) == (LINES, LINES, {})


def test_the_exporters_default_spreads_a_record_over_lines() -> None:
    found = read(by_opentelemetry(indent=4), "opentelemetry", seconds=None)
    assert found.parsed == 0
    assert found.invalid == found.lines > LINES
    assert found.offenders[0].reason == "not JSON: Input data was truncated"
