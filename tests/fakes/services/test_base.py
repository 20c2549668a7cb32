"""Claims about what every service has, on live ones."""

from __future__ import annotations

import re
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes.services.live import eventually
from tests.fakes.services.stack import Stack

pytestmark = pytest.mark.real

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'execution-engine'"


def test_sigterm_finishes_what_is_in_flight(stack: Stack) -> None:
    """An order that the engine is working on when it is asked to stop is executed and answered; then it exits with 0."""
    stack.start_order_path()
    with ThreadPoolExecutor(1) as client, stack.postgres.locked(stack.database, "LOCK TABLE trading_halt IN EXCLUSIVE MODE"):
        answer = client.submit(stack.order, "o-1")
        eventually(lambda: stack.sql(WAITING) == [(1,)] or None)
        stack.kill("execution-engine", signal.SIGTERM)
        eventually(lambda: "execution-engine stops" in stack.log("execution-engine") or None)
    assert answer.result().status_code == 201
    assert stack.ended("execution-engine") == 0
    assert stack.log("execution-engine").rstrip().endswith("has stopped")


def test_sigterm_ends_a_service_that_is_stuck(stack: Stack) -> None:
    """What does not finish is answered as failed, which it is: the service ends all the same, with 0."""
    stack.settings["postgres.timeout_s"] = 60
    stack.start_order_path()
    with stack.postgres.locked(stack.database, "LOCK TABLE trading_halt IN EXCLUSIVE MODE"), ThreadPoolExecutor(1) as client:
        answer = client.submit(stack.order, "o-1")
        eventually(lambda: stack.sql(WAITING) == [(1,)] or None)
        assert stack.stop("execution-engine") == 0
        assert answer.result().json()["outcome"] == "failed"


def test_a_taken_port_ends_a_service_with_a_reason(stack: Stack) -> None:
    """It exits with 1, and its log says which address was taken."""
    stack.start("broker")
    pid = stack.pid("broker")
    stack.start_unready("broker")
    assert stack.ended("broker") == 1
    assert "CRITICAL broker Exception: the service ends" in stack.log("broker")
    assert "address already in use" in stack.log("broker")
    stack.adopt("broker", pid)
    assert stack.healthy("broker")


def test_every_record_is_one_line_that_grep_can_read(stack: Stack) -> None:
    """Stamp, level, name, message; also where there is a trace."""
    stack.start("broker")
    pid = stack.pid("broker")
    stack.start_unready("broker")
    stack.ended("broker")
    stack.adopt("broker", pid)
    line = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO|WARNING|ERROR|CRITICAL) broker \S.*")
    lines = stack.log("broker").splitlines()
    assert len(lines) >= 2
    assert all(line.fullmatch(each) for each in lines)


def test_log_stamps_are_documented_time(stack: Stack) -> None:
    """A stamp runs ahead of the calendar as documented time does."""
    stack.start("broker")
    stack.clock.set_rate(20)
    eventually(lambda: stack.clock.now() > stack.clock.wall() + 10 or None)
    stack.stop("broker")
    stamps = [line.split()[0] for line in stack.log("broker").splitlines()]
    first, last = (float(stamp[17:19]) + 60 * float(stamp[14:16]) for stamp in (stamps[0], stamps[-1]))
    assert (last - first) % 3600 >= 9


def test_requests_are_counted_and_timed_and_probes_are_not(stack: Stack) -> None:
    """By method, path as registered, and status; health checks and scrapes are no traffic."""
    stack.start("broker")
    stack.post("broker", "/orders", {"client_order_id": "x"})
    stack.post("broker", "/orders/x/cancel")
    labels = 'method="POST",path="/orders/{client_order_id}/cancel"'
    assert stack.metric("broker", f'http_requests_total{{{labels},status="200"}}') == 1
    assert stack.metric("broker", f"http_request_duration_seconds_count{{{labels}}}") == 1
    assert stack.metric("broker", 'http_requests_total{method="POST",path="/orders",status="400"}') == 1
    text = stack.client.get(stack.url("broker", "/metrics")).text
    assert "healthz" not in text
    assert 'path="/metrics"' not in text
    assert stack.metric("broker", "cpu_usage_percent") >= 0
    assert stack.metric("broker", 'service_info{version="1.0.0"}') == 1
