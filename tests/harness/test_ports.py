"""Ports of a stack without a network of its own are free, stay what they are, and are nobody else's."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
from collections import deque
from pathlib import Path

import pytest

from harness.ports import Ports, free_port

PROJECT = Path(__file__).resolve().parents[2]


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


class Draws:
    """Draws these first, then at random."""

    def __init__(self, *first: int) -> None:
        self.first = list(first)

    def randrange(self, lowest: int, beyond: int) -> int:
        return self.first.pop() if self.first else random.randrange(lowest, beyond)


def test_one_that_somebody_listens_on_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever it is."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        draws = Draws(taken := listener.getsockname()[1])
        monkeypatch.setattr("harness.ports._ANY", draws)
        assert free_port() != taken
        assert draws.first == []


def test_another_process_is_not_given_the_same_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """However early it asks: nobody listens on them yet."""
    monkeypatch.setattr("harness.ports._BELOW_OUTGOING", (12_000, 12_040))
    code = (
        "import harness.ports as p; p._BELOW_OUTGOING = (12_000, 12_040)\n"
        "print(*[p.free_port() for _ in range(5)], flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT) as other:
        assert other.stdout is not None
        theirs = {int(each) for each in other.stdout.readline().split()}
        ours = {free_port() for _ in range(15)}
        other.communicate(b"\n")
    assert (len(theirs), len(ours)) == (5, 15)
    assert not theirs & ours


def test_a_process_that_is_given_very_many_lets_go_of_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    """So tests that boot stack after stack don't use them up."""
    monkeypatch.setattr("harness.ports._given", deque())
    monkeypatch.setattr("harness.ports._MOST", 3)
    ours = [free_port() for _ in range(5)]
    code = f"import harness.ports as p; print(*[p._reserved(each) for each in {ours}])"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True)
    assert asked.stdout.split() == ["True", "True", "False", "False", "False"]
