"""Where the embedded server is to be better than the real one: it refuses, goes on or tells where that one breaks."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from tests.fakes.toxiproxy.conftest import (
    PATIENCE_S,
    Ends,
    Server,
    Wires,
    embedded_command,
    is_cut,
    is_silent,
    path,
    receive,
    receive_all,
    running,
)  # fmt: skip

NOWHERE = "127.0.0.1:9"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


# --- impossible values ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "attributes", "message"),
    [
        ("bandwidth", {"rate": -1}, "rate of bandwidth must be from 0"),
        ("slicer", {}, "average_size of slicer must be from 1"),
        ("slicer", {"average_size": 5, "size_variation": 5}, "size_variation of slicer must be less than its average_size"),
        ("slicer", {"average_size": 5, "delay": -1}, "delay of slicer must be from 0"),
        ("latency", {"latency": -5}, "latency of latency must be from 0"),
        ("latency", {"jitter": 2**62}, "jitter of latency must be from 0 to 9223372036854, not 4611686018427387904"),
        ("timeout", {"timeout": 10**400}, "timeout of timeout must be from 0"),
        ("limit_data", {"bytes": -1}, "bytes of limit_data must be from 0"),
        ("latency", {"latancy": 5}, "latency has no attribute latancy; did you mean latency?"),
        ("bandwidth", {"zzz": 5}, "bandwidth has no attribute zzz; it has rate"),
        ("latency", {"latency": True}, "bad request body: json: cannot read bool true as latency.attributes.latency"),
    ],
)  # fmt: skip
def test_refuses_what_no_toxic_can_be(embedded: Server, kind: str, attributes: dict[str, int], message: str) -> None:
    """400 with the reason, when it is added and when it is changed; nothing has changed then."""
    name = embedded.create(NOWHERE)["name"]
    reply = embedded.call("POST", path(name, "toxics"), {"type": kind, "attributes": attributes})
    assert (reply.status, reply.error.startswith(message)) == (400, True), reply.error
    toxic = embedded.poison(name, kind, average_size=2) if kind == "slicer" else embedded.poison(name, kind)
    before = embedded.done("GET", path(name, "toxics", toxic))
    if attributes:
        assert embedded.call("POST", path(name, "toxics", toxic), {"attributes": attributes}).status == 400
    assert embedded.done("GET", path(name, "toxics", toxic)) == before


@pytest.mark.parametrize("toxicity", [-0.1, 1.5])
def test_refuses_a_toxicity_that_is_no_probability(embedded: Server, toxicity: float) -> None:
    """400."""
    name = embedded.create(NOWHERE)["name"]
    reply = embedded.call("POST", path(name, "toxics"), {"type": "latency", "toxicity": toxicity})
    assert (reply.status, reply.error) == (400, f"toxicity is a probability from 0 to 1, not {toxicity:g}")


def test_a_name_with_a_slash_can_be_addressed(embedded: Server) -> None:
    """Escaped in the path."""
    embedded.create(NOWHERE, name="a/b")
    assert embedded.done("GET", "/proxies/a%2Fb")["name"] == "a/b"


def test_reset_heals_what_it_can(embedded: Server, wires: Wires) -> None:
    """One proxy whose port is taken does not keep the others from being enabled and cleaned."""
    stuck = embedded.create(NOWHERE, listen=wires.address, enabled=False)
    other = embedded.create(NOWHERE)
    embedded.poison(other["name"], "latency")
    embedded.update(other["name"], enabled=False)
    assert embedded.call("POST", "/reset").status == 500
    assert embedded.done("GET", path(other["name"])) == other
    assert embedded.done("GET", path(stuck["name"]))["enabled"] is False


# --- connections end as they would without a proxy --------------------------------------------------------------


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
@pytest.mark.parametrize("toxic", [None, "latency", "slicer"])
def test_a_half_close_is_passed_on(embedded: Server, wires: Wires, stream: str, toxic: str | None) -> None:
    """One side has finished sending; the other may still answer. The real server closes both."""
    shown = embedded.create(wires.address)
    if toxic:
        attributes = {"latency": {"latency": 5}, "slicer": {"average_size": 2}}[toxic]
        embedded.poison(shown["name"], toxic, stream, 1.0, "", **attributes)
    sender, receiver = wires.connect(shown).towards(stream)
    sender.sendall(b"question")
    sender.shutdown(socket.SHUT_WR)
    assert receive_all(receiver) == b"question"
    receiver.sendall(b"answer")
    receiver.close()
    assert receive_all(sender) == b"answer"


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_a_reset_is_passed_on_as_a_reset(embedded: Server, wires: Wires, stream: str) -> None:
    """The real server makes an orderly end of it."""
    sender, receiver = wires.connect(embedded.create(wires.address)).towards(stream)
    sender.sendall(b"x")
    assert receive(receiver, 1) == b"x"
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    sender.close()
    with pytest.raises(ConnectionResetError):
        receiver.recv(1)


def test_reset_peer_resets_live_connections(embedded: Server, wires: Wires) -> None:
    """The real server only ends those in order that were there before the toxic."""
    shown = embedded.create(wires.address)
    ends = wires.connect(shown)
    embedded.poison(shown["name"], "reset_peer", "downstream")
    ends.upstream.sendall(b"lost")
    with pytest.raises(ConnectionResetError):
        ends.client.recv(1)


def test_a_toxic_that_spared_a_connection_spares_it_when_it_goes(embedded: Server, wires: Wires) -> None:
    """Removing a timeout closes the connections that it acted on, and only those."""
    shown = embedded.create(wires.address)
    ends = wires.connect(shown)
    toxic = embedded.poison(shown["name"], "timeout", toxicity=0)
    embedded.cure(shown["name"], toxic)
    ends.upstream.sendall(b"!")
    assert receive(ends.client, 1) == b"!"


def test_toxicity_can_be_changed_on_live_connections(embedded: Server, wires: Wires) -> None:
    """Each connection keeps its draw: at 1 the toxic acts on it, at 0 it does not."""
    shown = embedded.create(wires.address)
    ends = wires.connect(shown)
    toxic = embedded.poison(shown["name"], "latency", "upstream", 0, latency=60_000)
    embedded.done("PATCH", path(shown["name"], "toxics", toxic), {"toxicity": 1})
    ends.client.sendall(b"held ")
    assert is_silent(ends.upstream)
    embedded.done("PATCH", path(shown["name"], "toxics", toxic), {"toxicity": 0})
    ends.client.sendall(b"free")
    assert receive(ends.upstream, 9) == b"held free"


def test_nobody_is_refused_while_a_proxy_is_re_pointed(embedded: Server, wires: Wires) -> None:
    """The listener stays; the real server's is closed for a moment."""
    shown = embedded.create(wires.address)
    done = threading.Event()

    def repoint() -> None:
        for number in range(40):
            embedded.update(shown["name"], upstream=f"127.0.0.1:{9 - number % 2}")
        done.set()

    pointing = threading.Thread(target=repoint)
    pointing.start()
    try:
        while not done.is_set():
            assert is_cut(wires.dial(shown["listen"]))  # by an upstream that is not there, or by the change
    finally:
        pointing.join()


# --- the API never waits for data -------------------------------------------------------------------------------


@pytest.fixture
def stuck(embedded: Server, wires: Wires) -> tuple[str, Ends]:
    """A proxy, and a connection through it whose upstream does not read and whose buffers are all full."""
    shown = embedded.create(wires.address)
    ends = wires.connect(shown)
    fill(ends.client)
    return str(shown["name"]), ends


def fill(sender: socket.socket) -> int:
    """Send until nothing more is taken; how much was."""
    sent = 0
    sender.settimeout(0.2)
    with contextlib.suppress(TimeoutError):
        while sent < 1 << 29:
            sent += sender.send(bytes(1 << 20))
    return sent


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("latency", {"latency": 1000}), ("bandwidth", {"rate": 1}), ("slow_close", {"delay": 1000}), ("timeout", {}),
        ("reset_peer", {"timeout": 60_000}), ("slicer", {"average_size": 1}), ("limit_data", {"bytes": 1}),
    ],
)  # fmt: skip
def test_toxics_come_and_go_while_nobody_reads(
    embedded: Server, stuck: tuple[str, Ends], kind: str, attributes: dict[str, int]
) -> None:
    """The real server's API hangs for 25 s."""
    name, _ = stuck
    toxic = embedded.poison(name, kind, "upstream", 1.0, "", **attributes)
    embedded.change(name, toxic, **attributes)
    embedded.cure(name, toxic)


def test_a_connection_that_nobody_reads_can_be_cut(embedded: Server, stuck: tuple[str, Ends]) -> None:
    """Disabling does not wait for buffers to drain."""
    name, ends = stuck
    embedded.update(name, enabled=False)
    receive_all(ends.upstream)
    assert is_cut(ends.client)


def test_a_reset_that_waits_can_be_taken_back(embedded: Server, wires: Wires) -> None:
    """It resets at once then: data is missing already. The real server's API waits for the timeout."""
    shown = embedded.create(wires.address)
    toxic = embedded.poison(shown["name"], "reset_peer", "downstream", timeout=3_600_000)
    ends = wires.connect(shown)
    ends.upstream.sendall(b"lost")
    assert is_silent(ends.client)
    embedded.cure(shown["name"], toxic)
    with pytest.raises(ConnectionResetError):
        ends.client.recv(1)


def test_the_largest_values_are_taken(embedded: Server, wires: Wires) -> None:
    """The longest delays that the real server can count do not upset any timer."""
    shown = embedded.create(wires.address)
    most = 9_223_372_036_854
    for kind, attributes in {
        "latency": {"latency": most, "jitter": most},
        "timeout": {"timeout": most},
        "slow_close": {"delay": most},
    }.items():
        embedded.poison(shown["name"], kind, "upstream", 1.0, "", **attributes)
    embedded.poison(shown["name"], "bandwidth", "downstream", rate=2**62)
    ends = wires.connect(shown)
    ends.client.sendall(b"never")
    assert is_silent(ends.upstream)
    ends.upstream.sendall(b"fast")
    assert receive(ends.client, 4) == b"fast"


# --- much data --------------------------------------------------------------------------------------------------


def test_latency_keeps_much_data_under_way(embedded: Server, wires: Wires) -> None:
    """A delay does not narrow the way: tens of megabytes are taken before the first byte has arrived."""
    shown = embedded.create(wires.address)
    toxic = embedded.poison(shown["name"], "latency", "upstream", latency=60_000)
    ends = wires.connect(shown)
    data = random.Random(2).randbytes(1 << 20) * 32
    ends.client.sendall(data)
    assert is_silent(ends.upstream, 0.05)
    embedded.cure(shown["name"], toxic)
    assert receive(ends.upstream, len(data)) == data


def test_a_bandwidth_limit_holds_the_sender_up(embedded: Server, wires: Wires) -> None:
    """What can't pass is not piled up here: beside the kernel's buffers some hundred kilobytes are taken."""
    shown = embedded.create(wires.address)
    embedded.poison(shown["name"], "bandwidth", "upstream", rate=0)
    ends = wires.connect(shown)
    assert fill(ends.client) < 32 << 20


@pytest.mark.parametrize("seed", range(3))
def test_no_byte_is_lost_or_moved_while_toxics_come_change_and_go(embedded: Server, wires: Wires, seed: int) -> None:
    """Toxics that only delay are put on, changed and removed at random under a stream of data."""
    dice = random.Random(seed)
    shown = embedded.create(wires.address)
    ends = wires.connect(shown)
    data = dice.randbytes(3_000_000)
    received: list[bytes] = []
    reading = threading.Thread(target=lambda: received.append(receive_all(ends.upstream)))
    reading.start()
    for start in range(0, len(data), 75_000):
        ends.client.sendall(data[start : start + 75_000])
        stir(embedded, shown["name"], dice)
    ends.client.shutdown(socket.SHUT_WR)
    embedded.done("POST", "/reset")
    reading.join()
    assert received[0] == data


def stir(server: Server, proxy: str, dice: random.Random) -> None:
    """Put one more harmless toxic on the proxy, change one or take one away."""
    attributes = {
        "latency": {"latency": dice.randrange(9), "jitter": dice.randrange(9)},
        "bandwidth": {"rate": dice.randrange(1, 9_000)},
        "slicer": {
            "average_size": dice.randrange(5_000, 9_000),
            "size_variation": dice.randrange(5_000),
            "delay": dice.randrange(9),
        },
        "slow_close": {"delay": dice.randrange(9)},
        "noop": {},
    }
    toxics = server.done("GET", path(proxy, "toxics"))
    if toxics and dice.random() < 0.5:
        toxic = dice.choice(toxics)
        if dice.random() < 0.5:
            server.cure(proxy, toxic["name"])
        else:
            server.change(proxy, toxic["name"], **attributes[toxic["type"]])
    else:
        kind = dice.choice(list(attributes))
        server.poison(proxy, kind, "upstream", 1.0, f"{kind}-{dice.getrandbits(32)}", **attributes[kind])


# --- nothing stays behind ---------------------------------------------------------------------------------------


def test_connections_that_ended_leave_nothing(embedded: Server, wires: Wires) -> None:
    """However they ended, their sockets are closed; only then does the server hold as few as before."""
    shown = embedded.create(wires.address)
    before = sockets_of(embedded)
    for number in range(48):
        ends = wires.connect(shown)
        end = (ends.client, ends.upstream)[number % 2]
        end.sendall(b"x")
        if number % 3 == 1:
            end.shutdown(socket.SHUT_WR)
        elif number % 3 == 2:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        toxic = embedded.poison(shown["name"], ("timeout", "reset_peer", "latency", "slow_close")[number % 4])
        end.close()
        embedded.cure(shown["name"], toxic)
        (ends.upstream, ends.client)[number % 2].close()
    deadline = time.monotonic() + PATIENCE_S
    while sockets_of(embedded) > before:
        assert time.monotonic() < deadline, f"{sockets_of(embedded)} sockets are left of {before}"


def sockets_of(server: Server) -> int:
    """How many files the server holds open."""
    return sum(1 for _ in Path(f"/proc/{server.process.pid}/fd").iterdir())


# --- repeatable -------------------------------------------------------------------------------------------------


def spared(seed: int, wires: Wires) -> list[int]:
    """Which of 24 connections a toxicity of a half spares, in a server of this seed."""
    with running(embedded_command("--seed", str(seed)), "embedded", 0) as server:
        shown = server.create(wires.address, name="drawn")
        server.poison("drawn", "limit_data", toxicity=0.5, bytes=0)
        drawn = []
        for _ in range(24):
            ends = wires.connect(shown)
            ends.upstream.sendall(b"!")
            drawn.append(len(receive(ends.client, 1)))
        return drawn


def test_a_seed_makes_the_draws_repeatable(wires: Wires) -> None:
    """The same seed spares the same connections, another one others."""
    assert spared(7, wires) == spared(7, wires) != spared(8, wires)
