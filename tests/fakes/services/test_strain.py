"""Claims about services under strain, as their orders have it."""

from __future__ import annotations

import json
import signal

import pytest

from fakes.services.strain import ORDER
from tests.fakes.services.live import eventually
from tests.fakes.services.stack import Stack

pytestmark = pytest.mark.real


def order(stack: Stack, name: str, **orders: dict[str, float]) -> None:
    """Write it into the service's folder."""
    folder = stack.folder / name
    folder.mkdir(exist_ok=True)
    (folder / ORDER).write_text(json.dumps(orders), encoding="utf-8")


def test_sigterm_ends_a_start_that_is_under_way(stack: Stack) -> None:
    """Whoever stops a service that has not begun to listen doesn't wait for it."""
    order(stack, "broker", start={"takes_s": 3600})
    stack.start_unready("broker")
    eventually(lambda: "starts, which takes 3600 s" in stack.log("broker") or None)
    stack.kill("broker", signal.SIGTERM)
    assert stack.ended("broker") == 0
    assert "listens" not in stack.log("broker")


def test_an_order_for_another_run_is_none(stack: Stack) -> None:
    """What ended with the process before is over."""
    order(stack, "broker", descriptors={"pid": 1}, cpu={"pid": 1, "threads": 1})
    stack.start("broker")
    stack.kill("broker", signal.SIGUSR2)
    assert stack.healthy("broker")
    assert "Too many open files" not in stack.log("broker")


def test_an_order_holds_from_the_start_and_until_it_is_taken_back(stack: Stack) -> None:
    """Without a signal for the first, with one for the second."""
    stack.start("broker")
    before = stack.metric("broker", "process_resident_memory_bytes")
    stack.stop("broker")
    order(stack, "broker", memory={"mb_per_s": 100, "most_mb": 40})
    stack.start("broker")
    eventually(lambda: stack.metric("broker", "process_resident_memory_bytes") > before + 35e6 or None)
    order(stack, "broker")
    stack.kill("broker", signal.SIGUSR2)
    eventually(lambda: stack.metric("broker", "process_resident_memory_bytes") < before + 15e6 or None)


def test_descriptors_are_counted_as_the_kernel_does(stack: Stack) -> None:
    """Those open, and how many there may be."""
    stack.start("broker")
    assert 5 < stack.metric("broker", "process_open_fds") < stack.metric("broker", "process_max_fds")
