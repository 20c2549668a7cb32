"""Two sites, booted: fencing, taking over, rewinding and handing back, and the invariant that sees two writers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from fakes.clock import PageClock
from harness.dns import names_of, zone_of
from harness.errors import FaultError, HarnessError
from harness.history import Event, History, Recorder
from harness.stack.postgres import PostgresServer
from harness.stack.sites import SiteControl
from harness.workload.check import Check
from harness.workload.one_writer import one_writer
from harness.writers import Writers
from tests.fakes.services.live import eventually
from tests.fakes.services.platforms import Platform
from tests.harness.faults.struck import fault_of, trading

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with trading("eafix-two-sites") as found:
        yield found


@pytest.fixture(scope="module")
def sites(platform: Platform) -> SiteControl:
    return SiteControl(platform.stack)


def database(platform: Platform, name: str) -> PostgresServer:
    found = platform.stack.datastores[name]
    assert isinstance(found, PostgresServer)
    return found


def book(platform: Platform, name: str, order: str) -> None:
    """A booking straight into a database, as its own services write it."""
    with psycopg.connect(database(platform, name).dsn(), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO orders (client_order_id, symbol, side, quantity, source, price_at_s, placed_at_s)"
            " VALUES (%s, 'EURUSD', 'buy', 1, 'client', %s, %s)",
            (order, platform.clock.now(), platform.clock.now()),
        )
        connection.execute(
            "INSERT INTO executions (execution_id, client_order_id, fill_id, symbol, side, quantity, price, executed_at_s, booked_at_s)"
            " VALUES (%s, %s, %s, 'EURUSD', 'buy', 1, 1.1, %s, %s)",
            (f"E-{order}", order, f"F-{order}", platform.clock.now(), platform.clock.now()),
        )


def orders(platform: Platform, name: str) -> set[str]:
    with psycopg.connect(database(platform, name).dsn()) as connection:
        return {str(row[0]) for row in connection.execute("SELECT client_order_id FROM executions").fetchall()}


def answers(platform: Platform, service: str) -> bool:
    try:
        return platform.get(service, "/healthz").status_code == 200
    except httpx.HTTPError:
        return False


class Watch:
    """Who was seen to take writes, told as a drill's history tells it."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        self.events: list[Event] = []
        clock = PageClock(platform.stack.folders.clock)
        self.recorder = Recorder(folder / "history.jsonl", clock)
        self.recorder.listen(self.events.append)
        self._platform, self._writers = platform, Writers(platform.stack, clock, self.recorder)

    def look(self) -> None:
        self._platform.call(self._writers.look())

    def judged(self) -> Check:
        return one_writer(History.of(self.events))


@pytest.fixture(scope="module")
def watch(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    found = Watch(platform, tmp_path_factory.mktemp("watch"))
    yield found
    found.recorder.close()


def test_clients_are_told_where_each_sites_doors_are(platform: Platform) -> None:
    """By the hosts that the name may lead to; a name that lies in no zone can't be led anywhere."""
    names = names_of(platform.stack)
    assert names is not None
    assert names.zone == "Z123456789"
    assert names.doors["dr.trading.eafix.example"].gateway.endswith(str(platform.stack.ports[8180]))
    sites = platform.stack.model.sites
    assert sites is not None
    with pytest.raises(HarnessError, match="no hosted zone of eafix holds the name"):
        zone_of("eafix", sites.model_copy(update={"name": "trading.example.org"}))


def test_the_second_site_takes_over_and_the_old_one_comes_back_fenced(
    platform: Platform, sites: SiteControl, watch: Watch
) -> None:
    """Nothing is asked of a site that is cut off; when it is back it reaches nobody, until whatever could write there is stopped."""
    call, stack = platform.call, platform.stack
    assert not answers(platform, "gui-gateway-dr")
    watch.look()
    book(platform, "postgres-primary", "before")
    watch.look()
    eventually(lambda: "before" in orders(platform, "postgres-dr") or None)
    cut = fault_of(platform, "site.cut", site="primary")
    call(cut.inject())
    assert not answers(platform, "gui-gateway")
    assert platform.client.post(f"{platform.control}/services/gui-gateway/stop").status_code == 503
    with pytest.raises(HarnessError, match="no answer from the site primary"):
        call(sites.stop("primary"))
    call(sites.fence("primary"))
    assert call(sites.activate("dr")) == "postgres-dr takes writes"
    assert stack.serving("postgres").name == "postgres-dr"
    eventually(lambda: answers(platform, "gui-gateway-dr") or None, within_s=20)
    watch.look()
    book(platform, "postgres-dr", "after")
    watch.look()
    call(cut.heal())
    assert sites.reachable("primary")
    assert not answers(platform, "gui-gateway")
    assert watch.judged().ok is True, watch.judged()
    with pytest.raises(HarnessError, match="still run: behind the fence they do no harm"):
        call(sites.unfence("primary"))


def test_a_booking_at_the_old_primary_is_seen_as_a_split_brain(platform: Platform, watch: Watch) -> None:
    """Planted: it is taken back later, and was seen all the same."""
    book(platform, "postgres-primary", "split")
    watch.look()
    found = watch.judged()
    assert (found.ok, "split brain: postgres-primary (timeline 1)" in found.detail) == (False, True), found


def test_the_old_primary_is_rewound_follows_and_takes_over_again(platform: Platform, sites: SiteControl) -> None:
    """What only it has is gone; what the second site has booked is there; then the second site follows again."""
    call = platform.call
    with pytest.raises(HarnessError, match="primary is fenced"):
        call(sites.follow("primary"))
    call(sites.stop("primary"))
    call(sites.unfence("primary"))
    with pytest.raises(HarnessError, match="let it follow first"):
        call(sites.switch("primary"))
    call(sites.follow("primary"))
    eventually(lambda: "after" in orders(platform, "postgres-primary") or None)
    assert "split" not in orders(platform, "postgres-primary")
    call(sites.switch("primary"))
    assert {"before", "after"} <= orders(platform, "postgres-primary")
    assert not database(platform, "postgres-dr").running
    with pytest.raises(HarnessError, match="primary is in charge: without it nobody is served"):
        call(sites.stop("primary"))
    eventually(lambda: answers(platform, "gui-gateway") or None, within_s=20)
    call(sites.follow("dr"))
    book(platform, "postgres-primary", "home again")
    eventually(lambda: "home again" in orders(platform, "postgres-dr") or None)
    assert [facts["active"] for facts in sites.facts().values()] == [True, False]


def test_a_lost_site_leaves_nothing_and_comes_back_by_nobody(platform: Platform) -> None:
    """Its processes are gone and so are its data; what the second site has stays, and healing brings nothing back."""
    with pytest.raises(FaultError, match="has no site moon"):
        fault_of(platform, "site.lost", site="moon")
    call, lost = platform.call, fault_of(platform, "site.lost", site="primary")
    data = database(platform, "postgres-primary").data
    assert data.exists()
    assert call(lost.bitten()) is None
    call(lost.inject())
    call(lost.inject())
    assert "of primary are gone, with their data" in str(call(lost.bitten()))
    assert not data.exists()
    assert not answers(platform, "gui-gateway")
    assert "home again" in orders(platform, "postgres-dr")
    call(lost.heal())
    call(lost.heal())
    assert "of primary are gone, with their data" in str(call(lost.bitten()))
    with pytest.raises(FaultError, match="so there was nothing to lose"):
        call(fault_of(platform, "site.lost", site="primary").inject())
