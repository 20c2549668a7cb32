"""What each toxic does, held against the real server and the embedded one. Times are bounded from below only."""

from __future__ import annotations

import time

import pytest

from tests.fakes.toxiproxy.conftest import Ends, Server, Wires, is_cut, is_silent, receive, receive_all

STREAMS = ("upstream", "downstream")
TICK_S = 0.002  # the real server's timers and ours may ring this much early


def poisoned(server: Server, wires: Wires, kind: str, stream: str = "downstream", **attributes: int) -> tuple[Ends, str, str]:
    """A connection that met the toxic when it was made; names of proxy and toxic."""
    shown = server.create(wires.address)
    toxic = server.poison(shown["name"], kind, stream, 1.0, "", **attributes)
    return wires.connect(shown), shown["name"], toxic


# --- latency ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", STREAMS)
def test_latency_delays_data(server: Server, wires: Wires, stream: str) -> None:
    """By its milliseconds, at least."""
    ends, _, _ = poisoned(server, wires, "latency", stream, latency=80)
    sender, receiver = ends.towards(stream)
    began = time.monotonic()
    sender.sendall(b"late")
    assert receive(receiver, 4) == b"late"
    assert time.monotonic() - began >= 0.080 - TICK_S


def test_latency_delays_each_byte_as_much_and_not_one_after_the_other(server: Server, wires: Wires) -> None:
    """Many writes are under way at once: 50 of them arrive long before 50 latencies have passed."""
    ends, _, _ = poisoned(server, wires, "latency", "upstream", latency=200)
    began = time.monotonic()
    for number in range(50):
        ends.client.sendall(bytes([number]))
    assert receive(ends.upstream, 50) == bytes(range(50))
    assert 0.200 - TICK_S <= time.monotonic() - began < 50 * 0.200 / 2


def test_jitter_keeps_the_order(server: Server, wires: Wires) -> None:
    """A later byte never overtakes an earlier one; the delay is at least latency - jitter."""
    ends, _, _ = poisoned(server, wires, "latency", "upstream", latency=30, jitter=20)
    began = time.monotonic()
    for number in range(100):
        ends.client.sendall(bytes([number]))
    assert receive(ends.upstream, 100) == bytes(range(100))
    assert time.monotonic() - began >= 0.010 - TICK_S


def test_an_end_waits_for_the_data_before_it(server: Server, wires: Wires) -> None:
    """Closing does not overtake what was sent."""
    ends, _, _ = poisoned(server, wires, "latency", "upstream", latency=60)
    began = time.monotonic()
    ends.client.sendall(b"late")
    ends.client.close()
    assert receive_all(ends.upstream) == b"late"
    assert time.monotonic() - began >= 0.060 - TICK_S


def test_latency_can_be_changed_on_a_live_connection(server: Server, wires: Wires) -> None:
    """What is held already need not wait the old time out."""
    ends, proxy, toxic = poisoned(server, wires, "latency", "upstream", latency=60_000)
    ends.client.sendall(b"a")
    assert is_silent(ends.upstream)
    server.change(proxy, toxic, latency=1)
    ends.client.sendall(b"b")
    assert receive(ends.upstream, 2) == b"ab"


# --- bandwidth --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", STREAMS)
def test_bandwidth_limits_the_rate(server: Server, wires: Wires, stream: str) -> None:
    """40 kB at 200 kB/s take 0.2 s, less what may be passed at once."""
    ends, _, _ = poisoned(server, wires, "bandwidth", stream, rate=200)
    sender, receiver = ends.towards(stream)
    data = bytes(range(256)) * 157
    began = time.monotonic()
    sender.sendall(data)
    assert receive(receiver, len(data)) == data
    assert time.monotonic() - began >= len(data) / 200_000 - 0.02


def test_a_bandwidth_of_0_lets_nothing_pass_and_loses_nothing(server: Server, wires: Wires) -> None:
    """Raising it lets through what has waited."""
    ends, proxy, toxic = poisoned(server, wires, "bandwidth", "upstream", rate=0)
    ends.client.sendall(b"patience")
    assert is_silent(ends.upstream)
    server.change(proxy, toxic, rate=1000)
    assert receive(ends.upstream, 8) == b"patience"


def test_removing_a_bandwidth_limit_loses_nothing(server: Server, wires: Wires) -> None:
    """What it held comes out in order."""
    ends, proxy, toxic = poisoned(server, wires, "bandwidth", "upstream", rate=1)
    data = bytes(range(250)) * 100
    ends.client.sendall(data)
    assert receive(ends.upstream, 1) == data[:1]
    server.cure(proxy, toxic)
    assert receive(ends.upstream, len(data) - 1) == data[1:]


# --- slow_close -------------------------------------------------------------------------------------------------


def test_slow_close_delays_the_end_and_not_the_data(server: Server, wires: Wires) -> None:
    """Data passes at once; the end comes after the delay."""
    ends, _, _ = poisoned(server, wires, "slow_close", "upstream", delay=120)
    ends.client.sendall(b"quick")
    assert receive(ends.upstream, 5) == b"quick"
    began = time.monotonic()
    ends.client.close()
    assert is_cut(ends.upstream)
    assert time.monotonic() - began >= 0.120 - TICK_S


def test_removing_slow_close_lets_the_end_through(server: Server, wires: Wires) -> None:
    """However long it would have been held."""
    ends, proxy, toxic = poisoned(server, wires, "slow_close", "upstream", delay=60_000)
    ends.client.close()
    assert is_silent(ends.upstream)
    server.cure(proxy, toxic)
    assert is_cut(ends.upstream)


# --- timeout ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", STREAMS)
def test_timeout_drops_data_and_closes(server: Server, wires: Wires, stream: str) -> None:
    """Both sides, after its milliseconds; nothing gets through before."""
    began = time.monotonic()
    ends, _, _ = poisoned(server, wires, "timeout", stream, timeout=100)
    sender, receiver = ends.towards(stream)
    sender.sendall(b"lost")
    assert receive_all(receiver) == b""
    assert time.monotonic() - began >= 0.100 - TICK_S
    assert is_cut(sender)


def test_a_timeout_of_0_never_closes(server: Server, wires: Wires) -> None:
    """It drops data until it is removed, which closes the connection: there is a gap in it."""
    ends, proxy, toxic = poisoned(server, wires, "timeout", "downstream", timeout=0)
    ends.upstream.sendall(b"lost")
    assert is_silent(ends.client, 0.2)
    server.cure(proxy, toxic)
    assert receive_all(ends.client) == b""
    assert is_cut(ends.upstream)


def test_connections_after_a_timeout_was_removed_are_whole(server: Server, wires: Wires) -> None:
    """Healed is healed."""
    shown = server.create(wires.address)
    toxic = server.poison(shown["name"], "timeout")
    assert is_silent(wires.connect(shown).client)
    server.cure(shown["name"], toxic)
    ends = wires.connect(shown)
    ends.upstream.sendall(b"whole")
    assert receive(ends.client, 5) == b"whole"


def test_a_timeout_lets_the_end_through(server: Server, wires: Wires) -> None:
    """A client that gives up is gone for the upstream."""
    ends, _, _ = poisoned(server, wires, "timeout", "upstream", timeout=0)
    ends.client.sendall(b"lost")
    ends.client.close()
    assert receive_all(ends.upstream) == b""


# --- reset_peer -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", STREAMS)
def test_reset_peer_resets_at_the_first_data(server: Server, wires: Wires, stream: str) -> None:
    """The receiver sees a reset, and no data."""
    ends, _, _ = poisoned(server, wires, "reset_peer", stream, timeout=0)
    sender, receiver = ends.towards(stream)
    sender.sendall(b"lost")
    with pytest.raises(ConnectionResetError):
        receiver.recv(1)
    assert is_cut(sender)


def test_reset_peer_waits_for_its_timeout(server: Server, wires: Wires) -> None:
    """Counted from the first data."""
    ends, _, _ = poisoned(server, wires, "reset_peer", "downstream", timeout=100)
    began = time.monotonic()
    ends.upstream.sendall(b"lost")
    with pytest.raises(ConnectionResetError):
        ends.client.recv(1)
    assert time.monotonic() - began >= 0.100 - TICK_S


def test_reset_peer_leaves_an_idle_connection_alone(server: Server, wires: Wires) -> None:
    """Without data in its direction nothing happens; the other direction works."""
    ends, _, _ = poisoned(server, wires, "reset_peer", "downstream", timeout=0)
    ends.client.sendall(b"through")
    assert receive(ends.upstream, 7) == b"through"
    assert is_silent(ends.client)


# --- slicer -----------------------------------------------------------------------------------------------------


def test_slicer_cuts_data_into_slices(server: Server, wires: Wires) -> None:
    """Nothing is lost, and all of it takes at least the delays between the slices."""
    ends, _, _ = poisoned(server, wires, "slicer", "downstream", average_size=10, size_variation=0, delay=10_000)
    data = bytes(range(80))
    began = time.monotonic()
    ends.upstream.sendall(data)
    reads: list[bytes] = []
    while len(b"".join(reads)) < len(data):
        reads.append(ends.client.recv(1000))
    assert b"".join(reads) == data
    assert len(reads[0]) <= 10
    assert len(reads) >= 3
    assert time.monotonic() - began >= 7 * 0.010 - TICK_S


def test_slicer_keeps_order_with_varying_sizes(server: Server, wires: Wires) -> None:
    """As many bytes as were sent, as they were sent."""
    ends, _, _ = poisoned(server, wires, "slicer", "upstream", average_size=64, size_variation=32, delay=0)
    data = bytes(range(256)) * 40
    ends.client.sendall(data)
    ends.client.close()
    assert receive_all(ends.upstream) == data


# --- limit_data -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", STREAMS)
def test_limit_data_closes_after_its_bytes(server: Server, wires: Wires, stream: str) -> None:
    """Exactly so many get through, then both sides are closed."""
    ends, _, _ = poisoned(server, wires, "limit_data", stream, bytes=100)
    sender, receiver = ends.towards(stream)
    sender.sendall(bytes(60))
    assert receive(receiver, 60) == bytes(60)
    sender.sendall(bytes(60))
    assert receive_all(receiver) == bytes(40)
    assert is_cut(sender)


def test_a_limit_of_0_closes_at_the_first_data(server: Server, wires: Wires) -> None:
    """Nothing gets through; before any data the connection stays."""
    ends, _, _ = poisoned(server, wires, "limit_data", "downstream", bytes=0)
    assert is_silent(ends.client)
    ends.upstream.sendall(b"x")
    assert receive_all(ends.client) == b""


def test_a_limit_counts_on_when_it_is_changed(server: Server, wires: Wires) -> None:
    """Bytes that passed before the change count."""
    ends, proxy, toxic = poisoned(server, wires, "limit_data", "downstream", bytes=1000)
    ends.upstream.sendall(bytes(60))
    assert receive(ends.client, 60) == bytes(60)
    server.change(proxy, toxic, bytes=100)
    ends.upstream.sendall(bytes(60))
    assert receive_all(ends.client) == bytes(40)
