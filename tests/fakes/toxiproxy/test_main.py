"""The embedded server as a program."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.fakes.toxiproxy.conftest import PATIENCE_S, ROOT, Wires, embedded_command, is_cut, running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_on_a_signal_and_cuts_what_is_open(wires: Wires, number: signal.Signals) -> None:
    """Exit code 0, also while connections are open."""
    with running(embedded_command(), "embedded", 0) as server:
        ends = wires.connect(server.create(wires.address))
        server.process.send_signal(number)
        assert server.process.wait(PATIENCE_S) == 0
        assert is_cut(ends.client)
        assert is_cut(ends.upstream)


def test_starts_with_the_proxies_of_a_file(tmp_path: Path) -> None:
    """The body of POST /populate, in a file."""
    file = tmp_path / "proxies.json"
    file.write_text(json.dumps([{"name": "from-file", "upstream": "127.0.0.1:9", "listen": "127.0.0.1:0"}]))
    with running(embedded_command("--config", str(file)), "embedded", 0) as server:
        assert server.done("GET", "/proxies/from-file")["enabled"] is True


@pytest.mark.parametrize("content", ["", "[{}]", None], ids=["empty", "wrong", "missing"])
def test_refuses_a_bad_file_of_proxies(tmp_path: Path, content: str | None) -> None:
    """Exit code 1 and the reason."""
    file = tmp_path / "proxies.json"
    if content is not None:
        file.write_text(content)
    done = run("--config", str(file))
    assert done.returncode == 1
    assert done.stderr.startswith("toxiproxy: ")
    assert "proxies.json" in done.stderr


@pytest.mark.parametrize("option", ["-port", "--port"])
def test_says_when_its_port_is_taken(wires: Wires, option: str) -> None:
    """Exit code 1 and the address, where the real server goes on without an API. Both ways to write an option are taken."""
    done = run(option, wires.address.rpartition(":")[2])
    assert (done.returncode, done.stderr) == (1, f"toxiproxy: listen tcp {wires.address}: bind: address already in use\n")


def test_logs_changes_and_the_first_refusal_of_an_upstream(wires: Wires) -> None:
    """A line for each change; one, not a thousand, for an upstream that is away."""
    with running(embedded_command(), "embedded", 0) as server:
        shown = server.create("127.0.0.1:9", name="logged")
        for _ in range(3):
            assert is_cut(wires.dial(shown["listen"]))
        server.process.terminate()
        assert server.process.stdout is not None
        lines = server.process.stdout.read().decode().splitlines()
    assert any(" INFO api POST /proxies 201 " in line for line in lines)
    assert len([line for line in lines if " WARNING proxy logged: 127.0.0.1:9: " in line]) == 1


def test_goes_on_when_nobody_reads_its_log() -> None:
    """The pipe of its output is full after 64 KiB; the API answers all the same, and it still ends when told."""
    with running(embedded_command(), "embedded", 0) as server:
        for _ in range(100):
            assert server.call("POST", "/populate", b" " * 100 + b"x" * 900).status == 400
        server.process.terminate()
        assert server.process.wait(PATIENCE_S) == 0


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(embedded_command(*options), capture_output=True, text=True, timeout=PATIENCE_S, cwd=ROOT, check=False)
