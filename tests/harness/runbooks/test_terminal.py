"""The operator's terminal: what one command leaves for the next, how each ends, and that none gets out of the sandbox."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.sandbox import launch

pytestmark = [pytest.mark.namespaces, pytest.mark.slow]
SECRET = "a-secret-of-the-caller"
Rows = dict[str, dict[str, Any]]


def carry_out(cases: dict[str, dict[str, Any]]) -> Rows:
    """All of them, one after another, in one sandbox."""
    here = Path(__file__).parent
    process = launch.start(
        [sys.executable, str(here / "attacks.py"), json.dumps(list(cases.values()))], own_network=True, read_only=[here],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, workstation_mb=100, largest_mb=200,
    )  # fmt: skip
    printed, log = process.communicate(timeout=240)
    assert process.returncode == 0, log.decode()
    return dict(zip(cases, map(json.loads, printed.splitlines()), strict=True))


@pytest.fixture(scope="module")
def typed() -> Rows:
    """An ordinary session."""
    return carry_out(
        {
            "set": {"text": "x=5; f() { echo f$x; }; mkdir -p sub && cd sub"},
            "use": {"text": "f; echo $PWD"},
            "pipe": {"text": "false | grep -q x | true"},
            "input": {"text": "cat; echo end", "typed": "one\ntwo\n"},
            "no input": {"text": "read answer; echo got=$answer"},
            "missing": {"text": "no-such-tool --all"},
            "here": {"text": "cat <<EOF\nx is $x\nEOF"},
            "too long": {"text": "sleep 60", "limit_s": 0.5},
            "after": {"text": "echo $x"},
            "loop": {"text": "while true; do sleep 0.2; done", "limit_s": 0.5},
            "new": {"text": "echo x=$x"},
            "screen": {"text": "test -t 1 && echo a terminal; sleep 60", "terminal": True, "stop_after_s": 0.5},
            "broken": {"text": "set -e; false; echo not reached"},
            "long": {"text": f"echo {'y' * 100_000} | wc -c"},
            "root": {"text": "ls -d /backups && getent hosts api.example.com"},
        }
    )


@pytest.fixture(scope="module")
def host() -> Iterator[int]:
    """The port of somebody who listens on the loopback of the host."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def _accept(server: socket.socket) -> None:
    try:
        while True:
            server.accept()[0].close()
    except OSError:
        return


@pytest.fixture(scope="module")
def attacked(host: int, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """What nobody should do."""
    mine = tmp_path_factory.mktemp("caller") / "precious"
    mine.write_text("precious")
    os.environ["AWS_SECRET_ACCESS_KEY"] = SECRET
    try:
        return carry_out(
            {
                "read": {"text": f"cat {mine} ~/.ssh/* /root/* {Path.home()}/.bashrc; env; cat /proc/*/environ | tr '\\0' '\\n'"},
                "outside": {"text": f"curl -sS -m 5 http://127.0.0.1:{host}/; curl -sS -m 5 http://192.0.2.1/; curl -sS -m 5 http://example.com"},
                "first": {"text": "kill -9 1; kill -9 -1; echo survived"},
                "others": {"text": "ls /proc | grep -c '^[0-9]'; ls /run/gameday; mount -t tmpfs none /mnt; unshare -n true; chroot / true"},
                "memory": {"text": "tail /dev/zero"},
                "more memory": {
                    "text": "for i in 1 2 3 4 5 6; do (x=$(head -c 90000000 /dev/zero | tr '\\0' y); sleep 20) & done; wait", "limit_s": 25.0
                },
                "disk": {"text": "dd if=/dev/zero of=big bs=1M count=500; for i in 1 2 3 4; do head -c 60000000 /dev/zero > $HOME/f$i; done"},
                "shared": {"text": "rm -f $HOME/f* big; head -c 900000000 /dev/zero > /dev/shm/big; head -c 900000000 /dev/zero > /big; df /dev/shm | tail -1"},
                "processor": {"text": "ulimit -t; cat /proc/sys/kernel/pid_max"},
                "endless": {"text": "yes"},
                "bomb": {"text": ":(){ :|:& };:"},
                "after": {"text": "echo well; rm -f /dev/shm/big /big"},
                "astray": {"text": "mv /run/workstation/tmp /run/workstation/t; ln -s /run/gameday /run/workstation/tmp; kill -9 $$"},
                "led": {"text": "touch /tmp/mark; stat -c %d /tmp /run/workstation | uniq | wc -l"},
                "everything": {"text": "rm -rf / --no-preserve-root 2>&1 | tail -1", "limit_s": 60.0},
                "and then": {"text": "echo still here; ls / | head -3; echo no more"},
            }
        )  # fmt: skip
    finally:
        del os.environ["AWS_SECRET_ACCESS_KEY"]
        assert mine.read_text() == "precious"


def test_what_a_command_sets_is_there_for_the_next(typed: Rows) -> None:
    """Variables, functions, the folder."""
    assert typed["use"]["output"].split() == ["f5", "/run/workstation/home/sub"]


def test_each_member_of_a_pipe_is_told(typed: Rows) -> None:
    """As PIPESTATUS has it; the exit code is the shell's own."""
    assert (typed["pipe"]["codes"], typed["pipe"]["exit_code"]) == ([1, 1, 0], 0)


def test_what_is_typed_reaches_the_program(typed: Rows) -> None:
    """And nothing hangs on a question."""
    assert typed["input"]["output"] == "one\ntwo\nend\n"
    assert typed["no input"]["output"] == "got=\n"
    assert typed["here"]["output"] == "x is 5\n"
    assert typed["long"]["output"].strip() == "100001"


def test_messages_are_those_of_an_operators_shell(typed: Rows) -> None:
    """Nothing of our own in them."""
    assert typed["missing"]["output"] == "bash: no-such-tool: command not found\n"
    assert typed["missing"]["exit_code"] == 127


def test_what_exceeds_its_time_is_stopped(typed: Rows) -> None:
    """The shell stays, if it can; a loop of its own ends it, and a new one knows nothing."""
    assert (typed["too long"]["ended_by"], typed["too long"]["running"]) == ("time", True)
    assert typed["too long"]["duration_s"] < 3
    assert typed["after"]["output"] == "5\n"
    assert (typed["loop"]["ended_by"], typed["loop"]["running"]) == ("time", False)
    assert typed["new"]["output"] == "x=\n"


def test_what_runs_until_it_is_stopped_has_a_terminal(typed: Rows) -> None:
    """And is stopped as planned."""
    assert (typed["screen"]["ended_by"], typed["screen"]["output"]) == ("stop", "a terminal\n")


def test_a_shell_that_ends_says_so(typed: Rows) -> None:
    """`set -e` ends it."""
    assert (typed["broken"]["ended_by"], typed["broken"]["exit_code"], typed["broken"]["output"]) == ("shell", 1, "")


def test_the_operators_own_root_and_names_are_there(typed: Rows) -> None:
    """/backups lies in the workstation, and the platform's host names lead to this machine."""
    assert typed["root"]["output"].split() == ["/backups", "127.0.0.1", "api.example.com"]


def test_nothing_of_the_caller_can_be_read(attacked: Rows) -> None:
    """No file, no variable, no credential."""
    printed = attacked["read"]["output"]
    assert "precious" not in printed.replace("caller0/precious", "")
    assert SECRET not in printed
    assert "No such file or directory" in printed


def test_nothing_outside_is_reached(attacked: Rows) -> None:
    """Neither the host's own loopback nor the world."""
    printed = attacked["outside"]["output"]
    assert printed.count("curl: (7)") == 2
    assert "Could not resolve host: example.com" in printed


def test_neither_the_first_process_nor_the_check_can_be_ended(attacked: Rows) -> None:
    """Whatever is killed, the shell goes on; the check's own processes are not even seen."""
    assert attacked["first"]["output"].endswith("survived\n")
    lines = attacked["others"]["output"].splitlines()
    assert int(lines[0]) < 8
    assert any("unshare failed: Operation not permitted" in each for each in lines)
    assert not any(each.endswith((".log", ".page", ".jsonl")) for each in lines)


def test_a_link_left_behind_does_not_lead_the_next_shell_astray(attacked: Rows) -> None:
    """Its /tmp lies on the workstation's file system, and never in the folder of the check."""
    assert attacked["led"]["output"] == "1\n"


def test_memory_is_limited_for_each_and_for_all(attacked: Rows) -> None:
    """Whoever takes more is ended."""
    assert attacked["memory"]["exit_code"] != 0
    assert attacked["memory"]["ended_by"] in ("", "watchdog")
    assert attacked["more memory"]["ended_by"] == "watchdog"
    assert "MB of memory" in attacked["more memory"]["killed_for"]


def test_the_disk_is_limited(attacked: Rows) -> None:
    """A file, the workstation, shared memory, the rest."""
    assert (
        "File too large" in attacked["disk"]["output"]
        or "File size limit" in attacked["disk"]["output"]
        or attacked["disk"]["exit_code"] > 0
    )
    assert "No space left on device" in attacked["disk"]["output"]
    assert (
        attacked["shared"]["output"].count("No space left")
        + attacked["shared"]["output"].count("File too large")
        + attacked["shared"]["output"].count("File size limit")
        >= 2
    )


def test_processor_time_is_limited(attacked: Rows) -> None:
    """For each process."""
    assert attacked["processor"]["output"].split()[0] == "20"


def test_the_kernel_itself_limits_the_number_of_processes(attacked: Rows) -> None:
    """Where each pid namespace has a limit of its own: the watchdog need not win a race. The host's limit stays what it was."""
    release = tuple(int(each) for each in os.uname().release.split("-")[0].split(".")[:2])
    of_the_host = int(Path("/proc/sys/kernel/pid_max").read_text())
    assert of_the_host > 1000
    assert int(attacked["processor"]["output"].split()[1]) == (300 + 2 * 120 if release >= (6, 14) else of_the_host)


def test_endless_output_is_stopped_and_cut(attacked: Rows) -> None:
    """Little of it is kept."""
    assert attacked["endless"]["ended_by"] == "output"
    assert len(attacked["endless"]["output"]) < 9000


def test_a_fork_bomb_ends_before_it_hurts(attacked: Rows) -> None:
    """And takes its whole terminal with it; the next one is well."""
    assert attacked["bomb"]["running"] is False, (attacked["bomb"], attacked["after"])
    assert attacked["bomb"]["killed_for"] == "more than 120 processes"
    assert attacked["after"]["output"] == "well\n"
    assert attacked["after"]["processes"] < 15


def test_deleting_everything_deletes_the_workstation_and_nothing_else(attacked: Rows) -> None:
    """System folders are read-only, and the check goes on."""
    assert attacked["everything"]["running"] is True
    assert attacked["and then"]["output"].startswith("still here\n")
    assert attacked["and then"]["output"].endswith("no more\n")
