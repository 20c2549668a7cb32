"""A sandbox shows nothing of its caller, reaches nothing, and leaves nothing running."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from harness.errors import SandboxError
from harness.sandbox import launch

pytestmark = pytest.mark.namespaces
_OWN_NETWORK = [pytest.param(True, id="namespaces"), pytest.param(False, id="ports")]


def _run(
    script: str, *, own_network: bool = True, writable: list[Path] | None = None, read_only: list[Path] | None = None
) -> tuple[int, str]:
    process = launch.start(
        ["/bin/bash", "-c", script], own_network=own_network, writable=writable or [], read_only=read_only or [],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    printed, _ = process.communicate(timeout=30)
    return process.returncode, printed.decode()


def _is_gone(pid: int) -> bool:
    """Ended, or a zombie that nobody has reaped yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def _wait_gone(pids: list[int]) -> list[int]:
    """Those still running after 2 s."""
    deadline = time.monotonic() + 2
    while (left := [pid for pid in pids if not _is_gone(pid)]) and time.monotonic() < deadline:
        time.sleep(0.005)  # polling for what must become true; the assertion is on the outcome
    return left


def test_this_machine_permits_namespaces() -> None:
    """Where this fails, `gameday doctor` says why and drills use free ports."""
    assert launch.namespaces_refused() is None


@pytest.mark.parametrize("own_network", _OWN_NETWORK)
def test_the_exit_code_of_the_command_comes_out(own_network: bool) -> None:
    """A failing drill is not taken for a good one."""
    assert _run("exit 7", own_network=own_network)[0] == 7


def test_only_the_loopback_exists_and_nothing_of_the_host_listens_there() -> None:
    """A service of the host on the loopback cannot be reached from a drill."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = f"(exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo reached; cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' '; echo end"
        code, printed = _run(script)
    assert code == 0
    assert "reached" not in printed
    assert "lo" in printed.split()
    assert _run("(exec 3<>/dev/tcp/192.0.2.1/80) 2>&1 | grep -om1 unreachable")[1].split()[0] == "unreachable"


def test_the_callers_home_files_and_environment_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, kubeconfig or credential of the caller can be read or used."""
    secret = tmp_path / "credentials"
    secret.write_text("top secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "top-secret-key")
    _, printed = _run(f"cat {secret} ~/.ssh/* ~/.kube/config {Path.home()}/.bashrc; env; ls /root /home/*; ls /sys /run")
    assert "top secret" not in printed
    assert "top-secret-key" not in printed
    assert "No such file" in printed


def test_only_writable_folders_can_be_written(tmp_path: Path) -> None:
    """The drill's folder takes its files; system folders and what is shown read-only do not."""
    (shown := tmp_path / "shown").mkdir()
    (out := tmp_path / "out").mkdir()
    _, printed = _run(f"echo kept > {out}/file; touch {shown}/x /usr/x /etc/ld.so.cache 2>&1", writable=[out], read_only=[shown])
    assert (out / "file").read_text() == "kept\n"
    assert list(shown.iterdir()) == []
    assert printed.count("Read-only file system") == 3


def test_a_writable_folder_may_lie_in_shared_memory() -> None:
    """The sandbox has shared memory of its own, and the host's folder is shown in it; nothing else of the host's is."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as beside, tempfile.TemporaryDirectory(dir="/dev/shm") as out:
        _, printed = _run(f"echo kept > {out}/file; ls /dev/shm", writable=[Path(out)])
        assert (Path(out, "file").read_text(), printed.split()) == ("kept\n", [Path(out).name])
        assert Path(beside).name not in printed


def test_the_caller_is_an_ordinary_user_inside_without_capabilities() -> None:
    """Postgres runs although root called, and nobody inside can mount or gain rights."""
    _, printed = _run("id -u; grep -E 'CapEff|NoNewPrivs' /proc/self/status; mount -t tmpfs none /mnt 2>&1; true")
    assert printed.split()[:5] == ["1000", "CapEff:", "0000000000000000", "NoNewPrivs:", "1"]


@pytest.mark.parametrize("own_network", _OWN_NETWORK)
def test_a_signal_reaches_the_command(own_network: bool) -> None:
    """SIGTERM to the sandbox lets the drill heal and close its history."""
    process = launch.start(
        ["/bin/bash", "-c", "trap 'echo healed; exit 3' TERM; echo ready; while :; do sleep 1 & wait; done"],
        own_network=own_network, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == b"healed\n"
    process.stdout.close()
    assert process.wait(30) == 3


@pytest.mark.parametrize("own_network", _OWN_NETWORK)
def test_what_the_command_left_in_the_background_ends_with_it(own_network: bool) -> None:
    """Daemons that detached themselves are ended too."""
    marker = str(60_000 + os.getpid() % 10_000)
    _run(f"setsid sleep {marker} & sleep {marker} & exit 0", own_network=own_network)
    assert _wait_gone(_sleepers(marker)) == []


def test_everything_ends_when_the_caller_is_killed(tmp_path: Path) -> None:
    """kill -9 of the caller leaves no process, not even one that detached itself."""
    marker = str(70_000 + os.getpid() % 10_000)
    script = f"setsid sleep {marker} & echo ready; sleep {marker}"
    caller = subprocess.Popen(
        [sys.executable, "-c", f"from harness.sandbox.launch import start; start(['/bin/bash', '-c', '{script}'], own_network=True).wait()"],
        stdout=subprocess.PIPE, cwd=launch.PROJECT,
    )  # fmt: skip
    assert caller.stdout is not None
    ready = caller.stdout.readline()
    deadline = time.monotonic() + 10
    while len(inside := _sleepers(marker)) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)  # polling: the shell has yet to start its second child
    caller.kill()
    caller.wait()
    caller.stdout.close()
    assert (ready, len(inside)) == (b"ready\n", 2)
    assert _wait_gone(inside) == []


def _sleepers(marker: str) -> list[int]:
    """The pids of `sleep <marker>`, wherever they run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[:2] == [b"sleep", marker.encode()]:
                found.append(int(entry.name))
    return found


def test_an_unknown_kind_of_sandbox_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt wish is not taken for another one."""
    monkeypatch.setenv("GAMEDAY_SANDBOX", "docker")
    with pytest.raises(SandboxError, match="GAMEDAY_SANDBOX=docker is not known; write auto, namespaces or ports"):
        launch.choose_own_network()


def test_free_ports_come_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody runs without namespaces unawares."""
    monkeypatch.setenv("GAMEDAY_SANDBOX", "ports")
    assert launch.choose_own_network() == (
        False,
        "GAMEDAY_SANDBOX=ports: no namespaces; free ports are used, and addresses in commands are mapped.",
    )
