"""What the tests of the stand-ins share: a cluster to act on, and a command line to do it with."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import pytest

from fakes.commands import docker, eafix_cli, helm, kubectl
from tests.fakes.commands.fake_cluster import FakeCluster, fake_cluster


class Ended(NamedTuple):
    """A command's exit code and what it printed."""

    code: int
    out: str
    err: str


Run = Callable[[str], Ended]
_MAINS = {"kubectl": kubectl.main, "docker": docker.main, "eafix-cli": eafix_cli.main, "helm": helm.main}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCluster]:
    with fake_cluster() as found:
        monkeypatch.setenv("GAMEDAY_CONTROL", found.address)
        yield found


def runs(mains: Mapping[str, Callable[[list[str]], int]], captured: pytest.CaptureFixture[str]) -> Run:
    """What runs a command line in this process: the entry of its first word."""

    def ended(line: str) -> Ended:
        tool, *arguments = shlex.split(line)
        code = mains[tool](arguments)
        printed = captured.readouterr()
        return Ended(code, printed.out, printed.err)

    return ended


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line in this process."""
    return runs(_MAINS, capsys)
