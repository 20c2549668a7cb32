"""Claims about the metrics of a service."""

from __future__ import annotations

from fakes.services.metrics import Registry


def test_a_counter_without_labels_is_there_from_the_start() -> None:
    """An alert on a counter needs its series before the first event."""
    registry = Registry()
    failed = registry.counter("trading_orders_failed_total")
    assert registry.render() == "# TYPE trading_orders_failed_total counter\ntrading_orders_failed_total 0\n"
    failed.add()
    failed.add(amount=0.5)
    assert "trading_orders_failed_total 1.5\n" in registry.render()


def test_a_counter_has_a_series_for_each_labels() -> None:
    """Labels stand in the order in which they were named, and their values are escaped."""
    registry = Registry()
    requests = registry.counter("http_requests_total", "path", "status")
    requests.add("/a", "200")
    requests.add("/a", "200")
    requests.add('/"\\\n', "500")
    assert registry.render().splitlines()[1:] == [
        'http_requests_total{path="/a",status="200"} 2',
        r'http_requests_total{path="/\"\\\n",status="500"} 1',
    ]


def test_a_gauge_is_asked_at_each_scrape() -> None:
    """Its value is the one of the moment; without a value there is no series, not an old one."""
    values: list[float | None] = [1.25, None]
    registry = Registry()
    registry.gauge("age_seconds", lambda: values.pop(0))
    assert registry.render() == "# TYPE age_seconds gauge\nage_seconds 1.25\n"
    assert registry.render() == "\n"


def test_gauges_may_have_a_series_without_labels() -> None:
    """The series over all symbols stands beside those of each."""
    registry = Registry()
    registry.gauges("age_seconds", ("symbol",), lambda: {(): 1.0, ("EURUSD",): 2.0})
    assert registry.render().splitlines()[1:] == ["age_seconds 1", 'age_seconds{symbol="EURUSD"} 2']


def test_a_histogram_is_cumulative() -> None:
    """Each bucket counts what is at most its bound; sum and count are exact."""
    registry = Registry()
    durations = registry.histogram("seconds", "path")
    for seconds in (0.004, 0.005, 0.3, 20.0):
        durations.observe(seconds, "/a")
    lines = registry.render().splitlines()
    assert 'seconds_bucket{path="/a",le="0.005"} 2' in lines
    assert 'seconds_bucket{path="/a",le="0.5"} 3' in lines
    assert 'seconds_bucket{path="/a",le="10"} 3' in lines
    assert 'seconds_bucket{path="/a",le="+Inf"} 4' in lines
    assert lines[-2:] == ['seconds_sum{path="/a"} 20.309', 'seconds_count{path="/a"} 4']
