from __future__ import annotations

import math

import pytest

from pytest_deploycheck.clients.text_format import BadLine, SampleLine, parse_text_format

GOOD = r"""# HELP requests_total All requests.
# TYPE requests_total counter
requests_total{code="200",path="/a\"b\\c\nd"} 1027 1395066363000
requests_total{code="500",} 3
# TYPE oddly_named counter
oddly_named 1
# TYPE latency_seconds histogram
latency_seconds_bucket{le="+Inf"} 2
latency_seconds_sum 0.5
latency_seconds_count 2
# TYPE rpc summary
rpc{quantile="0.5"} NaN
rpc_sum 1e-3
rpc_count 7
	no_type	 +Inf

# a comment
#TYPE is no TYPE
{"utf8.name", a="1"} -Inf
hex 0x1p4
"""


def test_good() -> None:
    samples = list(parse_text_format(GOOD))
    assert [
        (s.family, s.type, s.name, dict(s.labels), s.value, s.timestamp) for s in samples if s.value == s.value
    ] == [
        (
            "requests",
            "counter",
            "requests_total",
            {"code": "200", "path": '/a"b\\c\nd'},
            1027.0,
            1395066363.0,
        ),
        ("requests", "counter", "requests_total", {"code": "500"}, 3.0, None),
        ("oddly_named", "counter", "oddly_named", {}, 1.0, None),
        ("latency_seconds", "histogram", "latency_seconds_bucket", {"le": "+Inf"}, 2.0, None),
        ("latency_seconds", "histogram", "latency_seconds_sum", {}, 0.5, None),
        ("latency_seconds", "histogram", "latency_seconds_count", {}, 2.0, None),
        ("rpc", "summary", "rpc_sum", {}, 0.001, None),
        ("rpc", "summary", "rpc_count", {}, 7.0, None),
        ("no_type", "unknown", "no_type", {}, math.inf, None),
        ("utf8.name", "unknown", "utf8.name", {"a": "1"}, -math.inf, None),
        ("hex", "unknown", "hex", {}, 16.0, None),
    ]
    (nan,) = (sample for sample in samples if math.isnan(sample.value))
    assert (nan.name, nan.labels) == ("rpc", {"quantile": "0.5"})


def test_the_same_series_at_two_times_is_no_repetition() -> None:
    assert list(parse_text_format("x 1 1000\nx 2 2000\n")) == [
        SampleLine("x", "unknown", "x", {}, 1.0, 1.0),
        SampleLine("x", "unknown", "x", {}, 2.0, 2.0),
    ]


SAMPLE = 'a sample is `name{label="value"} number`, and a time in milliseconds if need be'


@pytest.mark.parametrize(
    ("text", "number", "reason"),
    [
        ("x 1", 1, "the last line does not end with a line feed: the answer may be cut off"),
        ("x 1\ny 2\nz", 3, "the last line does not end with a line feed: the answer may be cut off"),
        ("x\n", 1, SAMPLE),
        ("x 1\r\n", 1, "'1\\r' is no number"),
        ("a-b 1\n", 1, SAMPLE),
        ("1x 1\n", 1, SAMPLE),
        ("x 1\n<html>\n", 2, SAMPLE),
        ("x one\n", 1, "'one' is no number"),
        ("x 1_000\n", 1, "'1_000' is no number"),
        ("x 1 2 3\n", 1, SAMPLE),
        ("x 1 1.5\n", 1, SAMPLE),
        ('x{a="1" 1\n', 1, SAMPLE),
        ('x{a="1} 1\n', 1, SAMPLE),
        ("x{a=1} 1\n", 1, 'labels are `name="value"`, with commas between them'),
        ('x{a="1" b="2"} 1\n', 1, 'labels are `name="value"`, with commas between them'),
        ('x{a="1",a="2"} 1\n', 1, "the label a stands there twice"),
        ("x{a} 1\n", 1, "the label a has no value"),
        ('{a="1"} 1\n', 1, "a sample without a name"),
        ('x{a="1"} 1\ny 1\nx{a="1"} 2\n', 3, "the same sample stands there twice"),
        ("# TYPE x counter\n# TYPE x gauge\n", 2, "a second TYPE line for x"),
        ("# TYPE x number\n", 1, "there is no type 'number'"),
        ("# TYPE x\n", 1, "a TYPE line is `# TYPE name type`"),
        ("x 0x\n", 1, "'0x' is no number"),
        ("x 0x.\n", 1, "'0x.' is no number"),
        ("x .\n", 1, "'.' is no number"),
    ],
)
def test_bad(text: str, number: int, reason: str) -> None:
    with pytest.raises(BadLine) as caught:
        list(parse_text_format(text))
    assert (caught.value.number, caught.value.reason) == (number, reason)
    assert str(caught.value) == f"line {number}: {reason}"
