"""Claims about bad versions of services."""

from __future__ import annotations

import time

import pytest

from tests.fakes.services.stack import Stack

pytestmark = pytest.mark.real


def test_a_version_with_errors_fails_every_second_request_and_looks_healthy(stack: Stack) -> None:
    """That is what makes it a bad release rather than a dead one."""
    stack.defects["gui-gateway"] = "errors"
    stack.start_order_path()
    answers = [stack.client.get(stack.url("gui-gateway", "/api/positions")).status_code for _ in range(6)]
    assert (answers.count(500), answers.count(200)) == (3, 3)
    assert [stack.healthy("gui-gateway") for _ in range(4)] == [True] * 4
    assert 'http_requests_total{method="GET",path="/api/positions",status="500"} 3' in stack.client.get(
        stack.url("gui-gateway", "/metrics")
    ).text.replace(" 3.0", " 3")


def test_a_slow_version_answers_later(stack: Stack) -> None:
    """It answers rightly, a second and a half later."""
    stack.defects["gui-gateway"] = "slow"
    stack.start_order_path()
    began = time.monotonic()
    assert stack.client.get(stack.url("gui-gateway", "/api/positions")).status_code == 200
    assert time.monotonic() - began >= 1.5


def test_a_version_that_crashes_ends_with_a_reason(stack: Stack) -> None:
    """Its log says what it lacked."""
    stack.defects["broker"] = "crash"
    stack.start_unready("broker")
    assert stack.ended("broker") == 1
    assert "configuration of this version is missing a required key" in stack.log("broker")


def test_a_good_version_has_no_defect(stack: Stack) -> None:
    """Every request succeeds."""
    stack.start_order_path()
    assert {stack.client.get(stack.url("gui-gateway", "/api/positions")).status_code for _ in range(6)} == {200}
