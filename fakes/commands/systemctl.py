"""Stand-in for `systemctl`: the units of the stack on the operator's machine, in the words and exit codes of systemd 252 and later."""

from __future__ import annotations

import os
import sys
import time
from typing import NamedTuple

from fakes.commands.control import Control, Refused, State, Unit
from fakes.commands.entry import Failure, not_modelled, run
from fakes.commands.wire import Unreachable

_NOT_RUNNING, _UNKNOWN_UNIT, _NOT_LOADED = 3, 4, 5
_OFFERED = (
    "status", "start", "stop", "restart", "try-restart", "is-active", "is-enabled", "is-failed", "enable", "daemon-reload", "reload",
    "list-units", "show",
)  # fmt: skip
REAL = (
    "list-automounts", "list-sockets", "list-timers", "cat", "help", "list-dependencies", "reload-or-restart", "try-reload-or-restart",
    "isolate", "kill", "clean", "freeze", "thaw", "set-property", "bind", "mount-image", "service-log-level", "service-log-target",
    "reset-failed", "list-unit-files", "disable", "reenable", "preset", "preset-all", "mask", "unmask", "link", "revert", "add-wants",
    "add-requires", "edit", "get-default", "set-default", "list-machines", "list-jobs", "cancel", "show-environment", "set-environment",
    "unset-environment", "import-environment", "daemon-reexec", "log-level", "log-target", "service-watchdogs", "is-system-running",
    "default", "rescue", "emergency", "halt", "poweroff", "reboot", "kexec", "exit", "switch-root", "suspend", "hibernate",
    "hybrid-sleep", "suspend-then-hibernate", "whoami", "soft-reboot", "sleep", "list-paths",
)  # fmt: skip
_SWITCHES = (
    "--no-pager",
    "--quiet",
    "-q",
    "--now",
    "--full",
    "-l",
    "--no-block",
    "--all",
    "-a",
    "--no-legend",
    "--no-ask-password",
    "--system",
)
_REAL_OPTIONS = (
    "--user", "--host", "--machine", "--type", "--state", "--property", "--output", "--lines", "--signal", "--force", "--failed",
    "--runtime", "--root", "--plain", "--wait", "--value", "--help", "--version", "--global", "--job-mode", "--recursive", "--reverse",
    "--boot-loader-entry", "--boot-loader-menu", "--check-inhibitors", "--dry-run", "--firmware-setup", "--image", "--kill-whom",
    "--legend", "--marked", "--mkdir", "--no-reload", "--no-wall", "--preset-mode", "--read-only",
    "--show-transaction", "--show-types", "--timestamp", "--what", "--with-dependencies",
)  # fmt: skip
_DESCRIPTIONS = {"redis": "Advanced key-value store", "postgres": "PostgreSQL database server"}
_NGINX = "nginx"


class _Service(NamedTuple):
    """One unit. `unit` is the process behind it; None for nginx, which is installed here but stands in front of nothing."""

    name: str
    unit: Unit | None

    @property
    def full(self) -> str:
        return f"{self.name}.service"

    @property
    def state(self) -> str:
        if self.unit and self.unit.running:
            return "active"
        return "failed" if self.unit and self.unit.wanted else "inactive"


def main(argv: list[str]) -> int:
    return run(_main, argv)


def _main(argv: list[str]) -> int:
    words, options = _parsed(argv)
    verb, names = (words[0], words[1:]) if words else ("list-units", [])
    if verb not in _OFFERED:
        if verb in REAL:
            raise not_modelled("systemctl", verb)
        raise Failure(f"Unknown command verb {verb}.")
    control = Control.from_environment()
    try:
        state = control.state()
    except Unreachable as error:
        raise Failure(
            "System has not been booted with systemd as init system (PID 1). Can't operate.\nFailed to connect to bus: Host is down"
        ) from error
    if verb in ("daemon-reload", "list-units"):
        return 0 if verb == "daemon-reload" else _list(state)
    if not names:
        if verb in ("status", "show"):
            raise not_modelled("systemctl", f"{verb} of the whole machine")
        raise Failure("Too few arguments.")
    quiet = "--quiet" in options or "-q" in options
    if verb in ("is-active", "is-failed", "is-enabled"):
        return _asked(state, verb, names, quiet=quiet)
    if verb == "status":
        return max(_status(state, name) for name in names)
    if verb == "show":
        raise not_modelled("systemctl", "show")
    return max(_change(control, state, verb, name, now="--now" in options) for name in names)


def _parsed(argv: list[str]) -> tuple[list[str], list[str]]:
    words, options = [], []
    for item in argv:
        if not item.startswith("-") or item == "-":
            words.append(item)
        elif item in _SWITCHES:
            options.append(item)
        elif item.partition("=")[0] in _REAL_OPTIONS or (len(item) == 2 and item[1] in "tpnoHMsfhr"):
            raise not_modelled("systemctl", item)
        elif item.startswith("--"):
            raise Failure(f"systemctl: unrecognized option '{item}'")
        else:
            raise Failure(f"systemctl: invalid option -- '{item[1]}'")
    return words, options


def _services(state: State) -> list[_Service]:
    found = [_Service(unit.systemd.removesuffix(".service"), unit) for unit in state.units if unit.systemd]
    return [*found, _Service(_NGINX, None)] if os.environ.get("GAMEDAY_NGINX_CONF") else found


def _named(state: State, name: str) -> _Service | None:
    wanted = name.removesuffix(".service")
    return next((service for service in _services(state) if service.name == wanted), None)


def _full(name: str) -> str:
    return name if "." in name else f"{name}.service"


def _status(state: State, name: str) -> int:
    service = _named(state, name)
    if service is None:
        print(f"Unit {_full(name)} could not be found.", file=sys.stderr)
        return _UNKNOWN_UNIT
    unit = service.unit
    dot = {"active": "●", "failed": "×", "inactive": "○"}[service.state]
    print(
        f"{dot} {service.full} - {_DESCRIPTIONS.get(unit.kind, unit.kind) if unit else 'A high performance web server and a reverse proxy server'}"
    )
    print(f"     Loaded: loaded (/lib/systemd/system/{service.full}; enabled; preset: enabled)")
    if not (unit and unit.running):
        result = " (Result: exit-code)" if service.state == "failed" else " (dead)"
        since = f" since {_when(state, unit.ended_s)}" if unit and unit.ended_s is not None else ""
        print(f"     Active: {service.state}{result}{since}")
        return _NOT_RUNNING
    print(f"     Active: active (running) since {_when(state, unit.started_s)}")
    print(f"   Main PID: {unit.pid or 0} ({'redis-server' if unit.kind == 'redis' else unit.kind})")
    _print_use(unit)
    return 0


def _print_use(unit: Unit) -> None:
    from fakes.commands.processes import usage

    use = usage(unit.pid) if unit.pid else None
    if use:
        print(f"      Tasks: {use.processes}\n     Memory: {use.memory / 1024 / 1024:.1f}M\n        CPU: {use.cpu_s:.3f}s")


def _when(state: State, at_s: float) -> str:
    stamp = time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime(state.epoch_s + at_s))
    whole = int(max(state.now_s - at_s, 0))
    hours, minutes = whole // 3600, whole // 60 % 60
    ago = f"{hours}h {minutes}min" if hours else f"{minutes}min {whole % 60}s" if minutes else f"{whole}s"
    return f"{stamp}; {ago} ago"


def _asked(state: State, verb: str, names: list[str], *, quiet: bool) -> int:
    """The answers of all; 0 when one of them is yes (is-enabled, is-active, is-failed)."""
    codes = []
    for name in names:
        service = _named(state, name)
        if verb == "is-enabled":
            if service is None:
                print(f"Failed to get unit file state for {_full(name)}: No such file or directory", file=sys.stderr)
                codes.append(1)
                continue
            text, good = "enabled", True
        else:
            text = service.state if service else "inactive"
            good = text == ("active" if verb == "is-active" else "failed")
        if not quiet:
            print(text)
        bad = _NOT_RUNNING if verb == "is-active" else 1
        codes.append(0 if good else bad if service else _UNKNOWN_UNIT)
    return min(codes)


def _change(control: Control, state: State, verb: str, name: str, *, now: bool) -> int:
    """Start, stop and the like. Raises Failure; 5 for a unit that there is not."""
    service = _named(state, name)
    if service is None:
        if verb == "enable":
            raise Failure(f"Failed to enable unit: Unit file {_full(name)} does not exist.")
        wrong = "not loaded" if verb == "stop" else "not found"
        raise Failure(f"Failed to {verb} {_full(name)}: Unit {_full(name)} {wrong}.", _NOT_LOADED)
    unit = service.unit
    if unit is None:
        if verb in ("stop", "enable") and not now:
            return 0  # it doesn't run, and stays enabled
        raise not_modelled("systemctl", f"{verb} nginx: no proxy stands in front of this stack; it")
    if verb == "reload":
        raise Failure(f"Failed to reload {service.full}: Job type reload is not applicable for unit {service.full}.")
    step = {"start": "start", "stop": "stop", "restart": "restart", "try-restart": "restart", "enable": "start" if now else ""}[
        verb
    ]
    idle = (
        (step == "start" and unit.running)
        or (step == "stop" and not unit.running)
        or (verb == "try-restart" and not unit.running)
    )
    if not step or idle:
        return 0
    try:
        control.act(unit, step, wait=True)
    except Refused as error:
        raise Failure(
            f"Job for {service.full} failed because the control process exited with error code.\n"
            f'See "systemctl status {service.full}" and "journalctl -xeu {service.full}" for details.\n{error}'
        ) from error
    return 0


def _list(state: State) -> int:
    services = [service for service in _services(state) if service.state != "inactive"]
    width = max((len(service.full) for service in services), default=4)
    print(f"  {'UNIT':<{width}} LOAD   ACTIVE SUB     DESCRIPTION")
    for service in services:
        sub = "running" if service.state == "active" else "failed "
        print(
            f"{'●' if service.state == 'failed' else ' '} {service.full:<{width}} loaded {service.state:<6} {sub} {_DESCRIPTIONS.get(service.unit.kind, '') if service.unit else ''}"
        )
    return 0
