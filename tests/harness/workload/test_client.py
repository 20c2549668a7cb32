"""What an answer says about whether an order was done."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from harness.workload.client import Answer, Client, classify
from harness.workload.ledger import Outcome
from tests.harness.workload.fake_stack import observer_config


@pytest.mark.parametrize(
    ("status", "said", "outcome"),
    [
        (201, {"client_order_id": "o-1", "status": "filled"}, Outcome.OK),
        (200, {"client_order_id": "o-1", "status": "filled"}, Outcome.OK),
        (409, {"error": "risk limit", "reason": "position"}, Outcome.FAIL),
        (409, {"error": "id used twice", "outcome": "unknown"}, Outcome.INFO),
        (400, {"error": "symbol"}, Outcome.FAIL),
        (503, {"error": "no database", "outcome": "failed"}, Outcome.FAIL),
        (503, {"error": "no database", "outcome": "unknown"}, Outcome.INFO),
        (503, {"error": "no database", "dependency": "postgres"}, Outcome.INFO),
        (500, {"error": "crashed"}, Outcome.INFO),
        (502, {}, Outcome.INFO),
        (201, {"client_order_id": "o-2"}, Outcome.INFO),
    ],
)
def test_only_a_certain_answer_counts_as_success_or_failure(status: int, said: dict[str, str], outcome: Outcome) -> None:
    """A success must name the order; a refusal must exclude that it was done; anything else is unknown."""
    assert classify(status, json.dumps(said).encode(), "client_order_id", "o-1").outcome is outcome


def test_a_success_whose_body_is_cut_off_is_unknown() -> None:
    """A status line alone is no acknowledgement of this order."""
    assert classify(201, b'{"client_order', "client_order_id", "o-1").outcome is Outcome.INFO


def test_a_refusal_says_why() -> None:
    """Error, dependency and reason of the answer stand in the ledger."""
    assert classify(503, b'{"error": "down", "dependency": "postgres"}', "client_order_id", "o-1").error == "down: postgres"
    assert classify(502, b"<html>", "client_order_id", "o-1").error == "HTTP 502"


def test_a_connection_reset_after_the_order_was_sent_is_unknown(tmp_path: Path) -> None:
    """The order was read by the other side, which then vanished: it may have been done."""

    async def placed() -> Answer:
        async def vanish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(10)
            writer.transport.abort()

        server = await asyncio.start_server(vanish, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, Client(observer_config(tmp_path, url)) as client:
            return await client.order("o-1", "EURUSD", "buy", 1000, within_s=5)

    assert asyncio.run(placed()).outcome is Outcome.INFO


def test_signals_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    """Nobody listens: the canary's record can quote it."""

    async def look() -> None:
        async with Client(observer_config(tmp_path, "http://127.0.0.1:9")) as client:
            await client.signalled_ticks()

    with pytest.raises(OSError, match="signals could not be read"):
        asyncio.run(look())
