"""What a proxy does to its connections, held against the real server and the embedded one."""

from __future__ import annotations

import contextlib
import hashlib
import random
import socket
import threading

import pytest

from tests.fakes.toxiproxy.conftest import Ends, Server, Wires, address, is_cut, is_silent, path, receive, receive_all

STREAMS = ("upstream", "downstream")


@pytest.mark.parametrize("stream", STREAMS)
def test_passes_data_on_unchanged(server: Server, wires: Wires, stream: str) -> None:
    """Megabytes arrive whole and in order, in either direction."""
    sender, receiver = wires.connect(server.create(wires.address)).towards(stream)
    data = random.Random(1).randbytes(8_000_000)
    sending = threading.Thread(target=sender.sendall, args=(data,))
    sending.start()
    received = receive(receiver, len(data))
    sending.join()
    assert hashlib.sha256(received).digest() == hashlib.sha256(data).digest()


def test_data_sent_before_the_upstream_is_reached_arrives(server: Server, wires: Wires) -> None:
    """A client that speaks at once, and one that waits for the other to speak."""
    ends = wires.connect(server.create(wires.address))
    ends.client.sendall(b"hello")
    assert receive(ends.upstream, 5) == b"hello"
    later = wires.connect(server.create(wires.address))
    later.upstream.sendall(b"welcome")
    assert receive(later.client, 7) == b"welcome"


def test_a_client_that_closes_is_gone_for_the_upstream(server: Server, wires: Wires) -> None:
    """After what it had sent."""
    ends = wires.connect(server.create(wires.address))
    ends.client.sendall(b"last words")
    ends.client.close()
    assert receive_all(ends.upstream) == b"last words"


def test_an_upstream_that_closes_is_gone_for_the_client(server: Server, wires: Wires) -> None:
    """After what it had sent."""
    ends = wires.connect(server.create(wires.address))
    ends.upstream.sendall(b"last words")
    ends.upstream.close()
    assert receive_all(ends.client) == b"last words"


def test_a_client_of_an_unreachable_upstream_is_cut(server: Server) -> None:
    """It connects, as the proxy does listen, and is cut."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    shown = server.create(f"127.0.0.1:{nobody}")
    with socket.create_connection(address(shown["listen"]), timeout=10) as client:
        assert is_cut(client)


def test_a_receiver_that_does_not_read_holds_the_sender_up(server: Server, wires: Wires) -> None:
    """The proxy does not swallow what nobody takes, and nothing is lost when somebody does."""
    ends = wires.connect(server.create(wires.address))
    ends.client.settimeout(0.3)
    sent, block = 0, bytes(1 << 20)
    with contextlib.suppress(TimeoutError):
        while sent < 1 << 29:
            sent += ends.client.send(block)
    assert sent < 1 << 29, "half a gibibyte was taken and nobody had read a byte"
    ends.client.close()
    assert len(receive_all(ends.upstream)) == sent


# --- disabling, moving, re-pointing -----------------------------------------------------------------------------


def test_disabling_cuts_connections_and_refuses_new_ones(server: Server, wires: Wires) -> None:
    """From the answer on nobody gets in."""
    shown = server.create(wires.address)
    connections = [wires.connect(shown) for _ in range(3)]
    server.update(shown["name"], enabled=False)
    with pytest.raises(ConnectionRefusedError):
        wires.dial(shown["listen"])
    assert all(is_cut(ends.client) and is_cut(ends.upstream) for ends in connections)


def test_enabling_listens_on_the_same_port(server: Server, wires: Wires) -> None:
    """From the answer on everybody gets in, although connections of before are still being laid to rest by the kernel."""
    shown = server.create(wires.address)
    ends = wires.connect(shown)
    server.update(shown["name"], enabled=False)
    assert is_cut(ends.client)
    ends.client.close()
    assert server.update(shown["name"], enabled=True) == shown
    exchanges(wires.connect(shown))


def test_disabling_and_enabling_twice_changes_nothing(server: Server, wires: Wires) -> None:
    """Both are safe to repeat, and an update that changes nothing cuts nothing."""
    shown = server.create(wires.address)
    ends = wires.connect(shown)
    server.update(shown["name"], enabled=True)
    server.update(shown["name"], listen=shown["listen"], upstream=shown["upstream"])
    exchanges(ends)
    server.update(shown["name"], enabled=False)
    assert server.update(shown["name"], enabled=False)["enabled"] is False


def test_pointing_elsewhere_cuts_connections_and_leads_elsewhere(server: Server, wires: Wires) -> None:
    """That is a failover as the clients of a service address see it."""
    shown = server.create("127.0.0.1:9")
    first = wires.dial(shown["listen"])
    assert is_cut(first)
    server.update(shown["name"], upstream=wires.address)
    ends = wires.connect(shown)
    exchanges(ends)
    server.update(shown["name"], upstream="127.0.0.1:9")
    assert is_cut(ends.client)
    assert is_cut(ends.upstream)
    assert is_cut(wires.dial(shown["listen"]))


def test_moving_cuts_connections_and_listens_elsewhere(server: Server, wires: Wires) -> None:
    """The old port is given up."""
    shown = server.create(wires.address)
    ends = wires.connect(shown)
    moved = server.update(shown["name"], listen="127.0.0.1:0")
    assert is_cut(ends.client)
    assert moved["listen"] != shown["listen"]
    with pytest.raises(ConnectionRefusedError):
        wires.dial(shown["listen"])
    exchanges(wires.connect(moved))


def test_deleting_cuts_connections(server: Server, wires: Wires) -> None:
    """And gives the port up."""
    shown = server.create(wires.address)
    ends = wires.connect(shown)
    server.done("DELETE", path(shown["name"]))
    assert is_cut(ends.client)
    assert is_cut(ends.upstream)
    with pytest.raises(ConnectionRefusedError):
        wires.dial(shown["listen"])


def test_proxies_do_not_touch_each_other(server: Server, wires: Wires) -> None:
    """One is cut and poisoned, the other goes on."""
    cut, whole = server.create(wires.address), server.create(wires.address)
    ends = wires.connect(whole)
    server.poison(cut["name"], "timeout")
    server.update(cut["name"], enabled=False)
    exchanges(ends)


def exchanges(ends: Ends) -> None:
    """Data gets through both ways."""
    for stream in STREAMS:
        sender, receiver = ends.towards(stream)
        sender.sendall(b"ping")
        assert receive(receiver, 4) == b"ping"


# --- toxics come, change and go ---------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", STREAMS)
def test_a_toxic_acts_on_its_stream_only(server: Server, wires: Wires, stream: str) -> None:
    """The other direction of the same connection is left alone."""
    shown = server.create(wires.address)
    server.poison(shown["name"], "timeout", stream)
    ends = wires.connect(shown)
    sender, receiver = ends.towards(stream)
    sender.sendall(b"lost")
    assert is_silent(receiver)
    receiver.sendall(b"found")
    assert receive(sender, 5) == b"found"


@pytest.mark.parametrize("stream", STREAMS)
def test_a_toxic_acts_on_live_connections(server: Server, wires: Wires, stream: str) -> None:
    """From the answer on."""
    shown = server.create(wires.address)
    ends = wires.connect(shown)
    exchanges(ends)
    server.poison(shown["name"], "timeout", stream)
    sender, receiver = ends.towards(stream)
    sender.sendall(b"lost")
    assert is_silent(receiver)


def test_a_removed_toxic_acts_no_more_on_live_connections(server: Server, wires: Wires) -> None:
    """What it held comes out, in order, before what is sent afterwards."""
    shown = server.create(wires.address)
    ends = wires.connect(shown)
    toxic = server.poison(shown["name"], "latency", "upstream", latency=60_000)
    ends.client.sendall(b"held ")
    assert is_silent(ends.upstream)
    server.cure(shown["name"], toxic)
    ends.client.sendall(b"free")
    assert receive(ends.upstream, 9) == b"held free"


def test_reset_frees_live_connections(server: Server, wires: Wires) -> None:
    """Connections survive it where nothing was lost."""
    shown = server.create(wires.address)
    ends = wires.connect(shown)
    server.poison(shown["name"], "latency", "upstream", latency=60_000)
    server.poison(shown["name"], "latency", "downstream", latency=60_000)
    ends.client.sendall(b"ping")
    assert is_silent(ends.upstream)
    server.done("POST", "/reset")
    assert receive(ends.upstream, 4) == b"ping"
    exchanges(ends)


def test_a_toxicity_of_0_acts_on_no_connection_and_1_on_every(server: Server, wires: Wires) -> None:
    """Live and new ones alike."""
    shown = server.create(wires.address)
    live = wires.connect(shown)
    server.poison(shown["name"], "latency", toxicity=0, name="never", latency=60_000)
    for ends in (live, wires.connect(shown)):
        ends.upstream.sendall(b"!")
        assert receive(ends.client, 1) == b"!"
    server.poison(shown["name"], "latency", toxicity=1, name="always", latency=60_000)
    for ends in (live, wires.connect(shown)):
        ends.upstream.sendall(b"!")
        assert is_silent(ends.client, 0.05)


def test_a_toxicity_between_acts_on_some_connections(server: Server, wires: Wires) -> None:
    """It is drawn for each connection. (40 draws at a half are all alike once in 5 * 10^11 runs.)"""
    shown = server.create(wires.address)
    server.poison(shown["name"], "limit_data", toxicity=0.5, bytes=0)
    spared = 0
    for _ in range(40):
        ends = wires.connect(shown)
        ends.upstream.sendall(b"!")
        spared += receive_all_of_one(ends.client)
    assert 0 < spared < 40


def receive_all_of_one(client: socket.socket) -> int:
    """1 where one byte came through, 0 where the connection was closed instead."""
    return len(receive(client, 1))


def test_toxics_act_one_after_the_other(server: Server, wires: Wires) -> None:
    """A limit behind a limit: the smaller decides, and both are in force on live connections."""
    shown = server.create(wires.address)
    ends = wires.connect(shown)
    server.poison(shown["name"], "limit_data", name="wide", bytes=20)
    server.poison(shown["name"], "limit_data", name="narrow", bytes=5)
    ends.upstream.sendall(b"0123456789")
    assert receive_all(ends.client) == b"01234"
