"""Claims about faults of links, seen by clients on both sides of them."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import psycopg
import pytest

from harness.errors import FaultError
from tests.fakes.services.live import eventually
from tests.fakes.services.platforms import Platform
from tests.harness.faults.struck import fault_of, in_force, living

pytestmark = [pytest.mark.real, pytest.mark.slow]
LINK = "gui-gateway -> risk-manager"
STATUS = 'http_requests_total{method="GET",path="/api/risk/status",status="200"}'


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with living() as found:
        yield found


@dataclass(frozen=True)
class Exchange:
    """One request over a connection of its own: what came back, and when, in seconds from the request."""

    received: bytes
    pieces: int
    first_s: float
    last_s: float  # of the data
    ended_s: float  # the connection was closed


def exchange(platform: Platform, *, path: str = "/metrics", keep: bool = False, within_s: float = 5.0) -> Exchange:
    """A request to the risk manager over the gateway's link to it, which closes after its answer or keeps open. Raises OSError."""
    host, port = platform.stack.topology.links_of("gui-gateway")["risk-manager"].split(":")
    with socket.create_connection((host, int(port)), within_s) as connection:
        began = time.monotonic()
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: there\r\nConnection: {'keep-alive' if keep else 'close'}\r\n\r\n".encode()
        )
        received, times = b"", [0.0]
        while piece := connection.recv(65536):
            received += piece
            times.append(time.monotonic() - began)
        return Exchange(received, len(times) - 1, times[min(1, len(times) - 1)], times[-1], time.monotonic() - began)


def whole(found: Exchange) -> bool:
    """The page came, all of it, and at once."""
    return found.received.startswith(b"HTTP/1.1 200") and b"process_max_fds" in found.received and found.ended_s < 0.3


@pytest.mark.parametrize(
    ("toxic", "attributes", "struck"),
    [
        ("latency", {"latency": 400, "jitter": 50}, lambda found: found.first_s >= 0.35),
        ("bandwidth", {"rate": 1}, lambda found: found.ended_s >= len(found.received) / 1000 * 0.7 >= 0.5),
        ("slow_close", {"delay": 500}, lambda found: found.last_s < 0.3 and found.ended_s - found.last_s >= 0.45),
        ("slicer", {"average_size": 100, "delay": 2000}, lambda found: found.pieces >= len(found.received) / 200 >= 4),
        ("limit_data", {"bytes": 100}, lambda found: len(found.received) == 100),
    ],
)  # fmt: skip
def test_a_toxic_on_a_link_bites_and_heals(
    platform: Platform, toxic: str, attributes: dict[str, int], struck: Callable[[Exchange], bool]
) -> None:
    """Late, thin, slow to close, silent, in slices, cut short: each in its own way, and not at all afterwards."""
    assert not struck(exchange(platform))
    with in_force(platform, "link.toxic", links=[LINK], toxic=toxic, attributes=attributes):
        found = exchange(platform)
        assert struck(found), found
        assert whole(direct(platform))
    assert eventually(lambda: whole(exchange(platform)) or None)


def direct(platform: Platform) -> Exchange:
    """The same page by another way, which no fault of the link concerns."""
    began = time.monotonic()
    page = platform.get("risk-manager", "/metrics")
    took_s = time.monotonic() - began
    return Exchange(f"HTTP/1.1 {page.status_code}\r\n{page.text}".encode(), 1, took_s, took_s, took_s)


def test_a_time_out_is_silence_and_then_an_end(platform: Platform) -> None:
    """Nothing comes; after its time the connection is closed."""
    with in_force(platform, "link.toxic", links=[LINK], toxic="timeout", attributes={"timeout": 400}):
        found = exchange(platform, keep=True)
        assert found.received == b""
        assert found.ended_s >= 0.35
    assert eventually(lambda: whole(exchange(platform)) or None)


def test_a_reset_is_a_reset(platform: Platform) -> None:
    """The client hears ECONNRESET, not an end."""
    with (
        in_force(platform, "link.toxic", links=[LINK], toxic="reset_peer", attributes={"timeout": 0}),
        pytest.raises(ConnectionResetError),
    ):
        exchange(platform)
    assert eventually(lambda: whole(exchange(platform)) or None)


def test_a_toxic_strikes_a_share_of_the_connections(platform: Platform) -> None:
    """Half of them, drawn for each."""
    with in_force(platform, "link.toxic", links=[LINK], toxic="limit_data", attributes={"bytes": 100}, toxicity=0.5):
        cut = [len(exchange(platform).received) == 100 for _ in range(40)]
    assert 5 <= cut.count(True) <= 35


def test_a_link_that_is_down_refuses(platform: Platform) -> None:
    """Whoever is behind it notices: the gateway knows its risk manager as down, and up again afterwards."""
    with in_force(platform, "link.down", links=[LINK]):
        with pytest.raises(OSError, match="refused"):
            exchange(platform)
        eventually(lambda: "down" in known(platform, "risk-manager") or None)
    assert eventually(lambda: known(platform, "risk-manager") == "ok" or None)


def known(platform: Platform, dependency: str, service: str = "gui-gateway") -> str:
    """How a service says that one of its dependencies is, by a way past all links."""
    found = platform.client.get(f"http://127.0.0.1:{platform.stack.services[service].port}/healthz").json()
    return str(found["dependencies"][dependency])


@pytest.mark.parametrize(("stream", "arrive"), [("upstream", 0), ("downstream", 1)])
def test_a_partition_is_of_one_direction(platform: Platform, stream: str, arrive: int) -> None:
    """No answer comes either way; the request arrives, and is carried out, when only answers are lost."""
    assert whole(exchange(platform))
    before = platform.metric("risk-manager", STATUS) or 0
    with in_force(platform, "link.partition", links=[LINK], stream=stream):
        with pytest.raises(TimeoutError):
            exchange(platform, path="/api/risk/status", keep=True, within_s=0.7)
        assert (platform.metric("risk-manager", STATUS) or 0) - before == arrive
    assert eventually(lambda: whole(exchange(platform)) or None)


def reachable(platform: Platform) -> bool:
    try:
        exchange(platform)
    except OSError:
        return False
    return True


def test_a_flapping_link_is_down_and_up_and_down_again(platform: Platform) -> None:
    """And stays up once it is healed."""
    with in_force(platform, "link.flap", links=[LINK], down="300ms", up="300ms"):
        for expected in (False, True, False, True):
            eventually(lambda expected=expected: (reachable(platform) == expected) or None)  # type: ignore[misc]
    until = time.monotonic() + 1.0
    seen = set()
    while time.monotonic() < until:
        seen.add(reachable(platform))
    assert seen == {True}


def test_what_two_faults_cut_opens_when_both_are_healed(platform: Platform) -> None:
    """The end of one is not the end of the other, whichever ends first."""
    first, second = (fault_of(platform, "link.down", links=links) for links in ([LINK], ["gui-gateway -> *"]))
    second.name = "second"
    for fault in (first, second):
        platform.call(fault.inject())
    try:
        platform.call(first.heal())
        assert not reachable(platform)
    finally:
        platform.call(second.heal())
    assert reachable(platform)


def test_a_service_that_is_cut_off_reaches_nobody_and_nobody_reaches_it(platform: Platform) -> None:
    """Its own dependencies are down for it, and it is down for those who depend on it; others are well."""
    with in_force(platform, "site.cut", parts=["risk-manager"]):
        with pytest.raises(httpx.HTTPError):
            platform.get("risk-manager", "/healthz")
        for service, dependency in (("risk-manager", "postgres"), ("risk-manager", "redis"), ("gui-gateway", "risk-manager")):
            eventually(lambda service=service, dependency=dependency: "down" in known(platform, dependency, service) or None)  # type: ignore[misc]
        assert known(platform, "postgres") == "ok"
    for service, dependency in (("risk-manager", "postgres"), ("risk-manager", "redis"), ("gui-gateway", "risk-manager")):
        eventually(lambda service=service, dependency=dependency: known(platform, dependency, service) == "ok" or None)  # type: ignore[misc]


def test_an_address_that_is_led_out_of_a_site_that_is_cut_off_works_again(platform: Platform) -> None:
    """As in a failover: the primary's site is lost, the address leads to the replica, and back when the site is."""

    def in_recovery() -> bool:
        return bool(platform.sql("SELECT pg_is_in_recovery()")[0][0])

    stack = platform.stack
    assert not in_recovery()
    with in_force(platform, "site.cut", parts=["postgres-primary"]):
        with pytest.raises(psycopg.OperationalError):
            in_recovery()
        platform.call(stack.set_role("postgres-primary", "lost"))
        platform.call(stack.set_role("postgres-replica", "writer"))
        eventually(lambda: in_recovery() or None)
        platform.call(stack.set_role("postgres-replica", "replica"))
        platform.call(stack.set_role("postgres-primary", "writer"))
        eventually(lambda: _refused(in_recovery) or None)
    assert eventually(lambda: (not in_recovery()) or None)


def _refused(ask: Callable[[], bool]) -> bool:
    try:
        ask()
    except psycopg.OperationalError:
        return True
    return False


def test_a_site_has_parts_that_are_there(platform: Platform) -> None:
    """A fault on nothing would be a drill that tests nothing."""
    with pytest.raises(FaultError, match="nobody is neither a service nor a datastore"):
        fault_of(platform, "site.cut", parts=["nobody"])
