"""The reader of the Prometheus text format."""

from __future__ import annotations

import math

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from harness.monitor.errors import BadExposition
from harness.monitor.exposition import read_line, read_text
from harness.monitor.labels import make_labels, show


@pytest.mark.parametrize(
    ("line", "labels", "value"),
    [
        ("up 1", "up", 1.0),
        ("up{} 1", "up", 1.0),
        ('a{b="c"} 2.5', 'a{b="c"}', 2.5),
        ('a{b="c"}2.5', 'a{b="c"}', 2.5),
        ('a { b = "c" , d = "e" , }\t-1e-3', 'a{b="c", d="e"}', -0.001),
        (r'a{b="x \"y\" \\ z\n"} 1', r'a{b="x \"y\" \\ z\n"}', 1.0),
        ('a{b="}"} 1', 'a{b="}"}', 1.0),
        ('a{b=""} 1', "a", 1.0),
        ("a +Inf", "a", math.inf),
        ("a -Inf", "a", -math.inf),
        ('a:b{le="+Inf"} 7', 'a:b{le="+Inf"}', 7.0),
    ],
)
def test_a_line_is_read_as_labels_and_a_value(line: str, labels: str, value: float) -> None:
    """Blanks, escapes, braces inside values, empty labels and infinities mean what the format says."""
    found, number, _ = read_line(line)
    assert (show(found), number) == (labels, value)


def test_nan_is_a_value() -> None:
    """A sample may be NaN."""
    assert math.isnan(read_line("a NaN")[1])


def test_a_time_in_the_line_is_seen_and_left_out() -> None:
    """Samples have the time of their scrape, whatever the target says."""
    assert read_line("a 1 1700000000000") == (make_labels({"__name__": "a"}), 1.0, True)


@pytest.mark.parametrize(
    "line",
    [
        "<html>",
        "a",
        "a b",
        "a 1_000",
        "a{b} 1",
        'a{b="c} 1',
        'a{b="c" d="e"} 1',
        'a{b="c",b="d"} 1',
        'a{__name__="b"} 1',
        "1a 1",
        "a 1 now",
    ],
)
def test_a_line_that_is_no_sample_is_an_error_that_shows_it(line: str) -> None:
    """Nothing is guessed, and the message quotes the line."""
    with pytest.raises(BadExposition) as error:
        read_line(line)
    assert repr(line) in str(error.value)


def test_what_prometheus_client_writes_is_read_as_its_own_parser_reads_it() -> None:
    """The same samples as prometheus_client's parser, of counters and histograms with awkward label values."""
    registry = CollectorRegistry()
    Counter("orders", "Orders, by side.", ["side"], registry=registry).labels('"a\\b"\nc').inc(2.5)
    Histogram("latency_seconds", "How long.", ["path"], registry=registry).labels("/api/{id}").observe(0.3)
    text = generate_latest(registry).decode()
    theirs = {
        make_labels({**sample.labels, "__name__": sample.name}): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert dict(read_text(text)) == theirs
