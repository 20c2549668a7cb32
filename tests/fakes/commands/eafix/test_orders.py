"""Stuck orders: what never was filled goes, at the broker first; what was filled stays."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.commands.eafix import orders
from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.eafix.conftest import Books
from tests.fakes.commands.fake_cluster import Answer, FakeCluster


def _doubt(cluster: FakeCluster, *counts: int) -> None:
    """What the engine says when it is asked, the last again and again."""
    left = list(counts)

    def metrics(_query: str, _body: Any) -> Answer:
        count = left.pop(0) if len(left) > 1 else left[0]
        return 200, f"# TYPE trading_orders_in_doubt gauge\ntrading_orders_in_doubt {count}\n"

    cluster.web.answers["GET", "/metrics"] = metrics


@pytest.mark.real
def test_what_was_never_filled_is_cancelled_and_removed(cluster: FakeCluster, run: Run, books: Books) -> None:
    """Whatever its id looks like; an executed order is not touched, and a second run finds nothing."""
    _doubt(cluster, 0)
    books.order("o-1")
    books.order("it''s 100% / a\nb", executed=False)
    cluster.web.answers["POST", "/orders/it%27s%20100%25%20%2F%20a%0Ab/cancel"] = (200, {"fill": None})
    ended = run("eafix-cli orders cleanup --stuck")
    assert ended.out.splitlines()[:2] == ["ok    orders in doubt: 0", "ok    orders without execution: 1"]
    assert (ended.code, ended.out.endswith("b: never filled: cancelled at the broker and removed\n")) == (0, True)
    assert books.sql("SELECT client_order_id FROM orders") == [("o-1",)]
    again = run("eafix-cli orders cleanup --stuck")
    assert again == Ended(0, "ok    orders in doubt: 0\nok    orders without execution: 0\n", "")


@pytest.mark.real
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((200, {"fill": {"fill_id": "F-7"}}), "the broker filled it (F-7) and it is not booked; reconcile the positions"),
        ((503, {"error": "no", "fill": None}), "the broker did not cancel it, HTTP status 503"),
    ],
)
def test_what_the_broker_filled_or_may_fill_is_left(
    cluster: FakeCluster, run: Run, books: Books, answer: Answer, why: str
) -> None:
    """Exit code 1, with what to do: removing it would lose a trade."""
    _doubt(cluster, 0)
    books.order("o-1", executed=False)
    cluster.web.answers["POST", "/orders/o-1/cancel"] = answer
    ended = run("eafix-cli orders cleanup --stuck")
    assert (ended.code, ended.out.splitlines()[-1]) == (1, f"FAIL  order o-1: left: {why}")
    assert books.sql("SELECT count(*) FROM orders") == [(1,)]


@pytest.mark.real
def test_orders_in_doubt_are_waited_for(cluster: FakeCluster, run: Run, books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine settles them; while it can't, the command fails and says what it lacks."""
    _doubt(cluster, 2, 1, 0)
    assert "ok    orders in doubt: 2 settled\n" in run("eafix-cli orders cleanup --stuck").out
    monkeypatch.setattr(orders, "SETTLE_S", 0.1)
    _doubt(cluster, 3, 1)
    cluster.web.answers["GET", "/healthz"] = (503, {"dependencies": {"broker": "down: timeout", "postgres": "ok"}})
    ended = run("eafix-cli orders cleanup --stuck")
    assert (ended.code, ended.out.splitlines()[0]) == (
        1,
        "FAIL  orders in doubt: 1 of 3 not settled in 0.1 s; broker down: timeout",
    )


def test_cleaning_up_wants_to_be_told_what(cluster: FakeCluster, run: Run) -> None:
    """Exit code 2, and nothing is asked."""
    assert run("eafix-cli orders cleanup") == Ended(2, "", "eafix-cli: orders cleanup needs --stuck\n")
    assert run("eafix-cli orders cleanup --all").code == 2
    assert cluster.web.asked == []
