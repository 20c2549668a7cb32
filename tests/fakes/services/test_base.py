"""Claims about what every service has, on live ones."""

from __future__ import annotations

import re
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fakes.services import base
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


def test_the_share_of_a_processor_is_one_of_half_a_second_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks ten times a second is told of the last half second; whoever asks each five, of those."""
    marks = iter([(0.0, 0.0), (0.1, 0.1), (0.2, 0.1), (0.4, 0.1), (0.61, 0.6), (0.75, 0.6), (5.75, 3.1), (5.75, 3.1)])
    monkeypatch.setattr(base._CpuShare, "_mark", lambda _: next(marks))
    share = base._CpuShare()
    assert [share.percent() for _ in range(5)] == pytest.approx([100.0, 50.0, 25.0, 98.04, 90.91], abs=0.01)
    assert [share.percent(), share.percent()] == pytest.approx([50.0, 50.0], abs=0.01)


def test_what_threads_have_waited_is_kept_when_they_end(tmp_path: Path) -> None:
    """The sum never goes back, and one that ends while it is read hides no other."""
    waited = base._Waited(tmp_path)

    def thread(number: int, waited_s: float) -> None:
        (tmp_path / str(number)).mkdir(exist_ok=True)
        (tmp_path / str(number) / "schedstat").write_text(f"1 {waited_s * 1e9:.0f} 1\n")

    thread(1, 2.0)
    thread(2, 3.0)
    assert waited.seconds() == pytest.approx(5.0)
    (tmp_path / "1" / "schedstat").unlink()
    thread(2, 4.0)
    thread(3, 0.5)
    assert waited.seconds() == pytest.approx(6.5)
    shutil.rmtree(tmp_path)  # as without descriptors
    assert waited.seconds() == pytest.approx(6.5)
