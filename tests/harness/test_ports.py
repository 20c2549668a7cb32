"""Ports of a stack without a network of its own are free, stay what they are, and are nobody else's."""

from __future__ import annotations

import socket
from pathlib import Path

from harness.ports import Ports


def test_with_a_network_of_its_own_every_port_is_the_documented_one() -> None:
    """So the commands of a runbook go where they say."""
    ports = Ports(own_network=True)
    assert (ports[5432], ports.mapped()) == (5432, {})


def test_elsewhere_each_is_a_free_one_of_its_own() -> None:
    """Also among many: one that was given is not given again."""
    ports = Ports(own_network=False)
    actual = [ports[documented] for documented in range(1, 300)]
    assert len(set(actual)) == len(actual)
    assert [ports[documented] for documented in range(1, 300)] == actual
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", ports[5432]))


def test_no_outgoing_connection_takes_one_by_chance() -> None:
    """They lie below those that the kernel gives to whoever connects."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = Ports(own_network=False)
    assert max(ports[documented] for documented in range(1, 300)) < lowest


def test_one_that_somebody_listens_on_is_not_given() -> None:
    """Whoever it is."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        ports = Ports(own_network=False)
        assert listener.getsockname()[1] not in [ports[documented] for documented in range(1, 100)]
