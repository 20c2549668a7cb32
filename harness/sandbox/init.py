"""The first process of a sandbox: `python -m harness.sandbox.init SPEC -- COMMAND...`.

Three processes in a row, each ended by the kernel when the one before it ends: this one (outside, waits and passes
signals on), the first process of the pid namespace (makes the root, reaps orphans) and COMMAND. When the first of the
pid namespace ends, the kernel ends everything in it: that is the whole clean-up. Exit code: COMMAND's, 128 + n when it
was ended by signal n, or 125 when the sandbox could not be made (the reason stands on stderr).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from harness.sandbox import linux
from harness.sandbox.limits import Limits
from harness.sandbox.root import INNER, UID, build_root

CANNOT = 125  # exit code: the sandbox could not be made
_PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_NAMESPACES = linux.CLONE_NEWUSER | linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS


def main(arguments: list[str]) -> NoReturn:
    command = arguments[2:]
    enter(json.loads(arguments[0]), lambda: os.execv(command[0], command))


def enter(spec: dict[str, Any], become: Callable[[], object]) -> NoReturn:
    """Make the sandbox of this specification and run `become`, which does not return, in it."""
    parent = int(spec["parent"])
    linux.die_with_parent(parent)
    if spec["plain"]:
        _run_without_namespaces(become)
    try:
        _enter(inner=bool(spec.get("inner")))
        linux.die_with_parent(parent)  # again: the kernel forgets the wish when credentials change
    except OSError as error:
        _give_up(error)
    os._exit(_stand_for(lambda: _be_first(spec, become)))


def _run_without_namespaces(become: Callable[[], object]) -> NoReturn:
    """Same chain of deaths, as far as it goes: what outlives COMMAND is handed to this process, which ends it."""
    linux.adopt_orphans()
    own = os.getpid()

    def be_command() -> None:
        linux.die_with_parent(own)
        become()

    code = _stand_for(be_command)
    while orphans := Path(f"/proc/{own}/task/{own}/children").read_text().split():
        for orphan in orphans:
            os.kill(int(orphan), signal.SIGKILL)
        os.wait()
    os._exit(code)


def _enter(*, inner: bool) -> None:
    """New namespaces; an inner sandbox stays in the network of the one that it lies in."""
    uid, gid = os.geteuid(), os.getegid()
    linux.unshare(_NAMESPACES if inner else _NAMESPACES | linux.CLONE_NEWNET)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{UID} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{UID} {gid} 1")


def _be_first(spec: dict[str, Any], become: Callable[[], object]) -> NoReturn:
    linux.die_with_parent(0)  # the parent lives in another pid namespace: it has no number here
    try:
        inner = bool(spec.get("inner"))
        if not inner:
            linux.loopback_up()
            _open_low_ports()
        linux.set_hostname("gameday")
        if spec.get("limits"):
            linux.limit_processes(2 * spec["limits"]["processes"])  # beyond what the watchdog lets be
        build_root(
            read_only=[Path(path) for path in spec["read_only"]],
            writable=[Path(path) for path in spec["writable"]],
            run=Path(spec["run"]) if spec["run"] else None,
            at=INNER if inner else None,
            temporary=Path(spec["temporary"]) if spec.get("temporary") else None,
            workstation_mb=spec.get("workstation_mb"),
            largest_mb=spec.get("largest_mb"),
            linked=Path(spec["linked"]) if spec.get("linked") else None,
            hosts=spec.get("hosts", ()),
        )
        linux.no_new_privileges()
    except OSError as error:
        _give_up(error)

    def be_command() -> None:
        linux.die_with_parent(1)
        if spec.get("limits"):
            Limits(**spec["limits"]).apply()
        become()

    os._exit(_stand_for(be_command))


def _open_low_ports() -> None:
    """Whoever runs inside may listen on 443. Where the kernel's settings cannot be written, low ports stay closed."""
    with contextlib.suppress(OSError):
        Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")


def _give_up(error: OSError) -> NoReturn:
    print(f"sandbox: {error.strerror or error}", file=sys.stderr, flush=True)
    os._exit(CANNOT)


def _stand_for(become: Callable[[], object]) -> int:
    """Fork a child that becomes something and does not return; pass signals on to it, reap whatever ends until it does. Its exit code.

    Signals are waited for, never handled: one that arrived just before a wait began would be seen only after it.
    """
    waited = {signal.SIGCHLD, *_PASSED_ON}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waited)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        become()
    while True:
        number = signal.sigwait(waited)
        if number != signal.SIGCHLD:
            os.kill(child, number)
            continue
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                code = os.waitstatus_to_exitcode(ended[1])
                return code if code >= 0 else 128 - code


if __name__ == "__main__":
    main(sys.argv[1:])
