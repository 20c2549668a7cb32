"""`docker` on single containers: ps, logs, restart, stop, start, kill, rm, inspect, top, port, wait."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from fakes.commands.containers import objects, project, template
from fakes.commands.containers.logs import print_logs
from fakes.commands.containers.program import run_in_container
from fakes.commands.containers.top import print_top
from fakes.commands.control import Control, Unit
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Parsed

_HEADS = {
    "ID": "CONTAINER ID", "Image": "IMAGE", "Command": "COMMAND", "RunningFor": "CREATED", "CreatedAt": "CREATED AT", "Status": "STATUS",
    "Ports": "PORTS", "Names": "NAMES", "State": "STATE", "Networks": "NETWORKS",
}  # fmt: skip
_STANDARD = ("ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names")
_KIND = "*formatter.ContainerContext"


def ps(line: Parsed, control: Control) -> int:
    engine = project.Engine(control)
    units = sorted(engine.containers(), key=lambda unit: -unit.started_s)
    if line.on("latest") or line.number("last", -1) > 0:
        units = units[: 1 if line.on("latest") else line.number("last", -1)]
    elif not line.on("all") and not any(text.startswith("status=") for text in line.texts("filter")):
        units = [unit for unit in units if unit.running]
    for text in line.texts("filter"):
        units = [unit for unit in units if _passes(engine, unit, text)]
    if line.on("quiet"):
        print("".join(_shown_id(engine, unit, line) + "\n" for unit in units), end="")
        return 0
    if line.on("size"):
        raise not_modelled("docker", "ps --size")
    rows = [_row(engine, unit) | {"ID": _shown_id(engine, unit, line)} for unit in units]
    template.show(line.text("format", "table"), rows, _HEADS, _STANDARD, _KIND)
    return 0


def _shown_id(engine: project.Engine, unit: Unit, line: Parsed) -> str:
    return engine.long_identity(unit) if line.on("no-trunc") else engine.identity(unit)


def _row(engine: project.Engine, unit: Unit) -> dict[str, object]:
    age = project.long_age(engine.now_s)
    return {
        "ID": engine.identity(unit), "Image": engine.image(unit), "Command": f'"{project.command(unit)}"', "RunningFor": f"{age} ago",
        "CreatedAt": _stamp(engine, 0.0, " +0000 UTC"), "Status": engine.status(unit), "Ports": engine.ports(unit),
        "Names": engine.name(unit), "State": "running" if unit.running else "exited", "Networks": f"{engine.state.prefix}_default",
    }  # fmt: skip


def _passes(engine: project.Engine, unit: Unit, text: str) -> bool:
    key, equals, value = text.partition("=")
    if not equals:
        raise Failure(f'invalid argument "{text}" for "-f, --filter" flag: invalid filter \'{text}\'', 125)
    facts = {
        "name": value in engine.name(unit), "id": engine.long_identity(unit).startswith(value),
        "status": value == ("running" if unit.running else "exited"), "health": value == ("healthy" if unit.ready else "unhealthy"),
    }  # fmt: skip
    if key in (
        "ancestor",
        "before",
        "exited",
        "expose",
        "is-task",
        "isolation",
        "label",
        "network",
        "publish",
        "since",
        "volume",
    ):
        raise not_modelled("docker", f"ps --filter {key}=")
    if key not in facts:
        raise Failure(f"Error response from daemon: invalid filter '{key}'")
    return facts[key]


def logs(line: Parsed, control: Control) -> int:
    engine = project.Engine(control)
    unit = engine.get(line.words[0])
    tail = line.text("tail", "all")
    print_logs(engine, [(unit, "")], tail=int(tail) if tail.isdigit() else -1, line=line)
    return 0


def execute(line: Parsed, control: Control) -> int:
    engine = project.Engine(control)
    unit = engine.get(line.words[0])
    if not unit.running:
        raise Failure(f"Error response from daemon: container {engine.long_identity(unit)} is not running")
    if line.on("tty") and not os.isatty(0):
        raise Failure("the input device is not a TTY")
    return run_in_container(unit, line.words[1:], line, stdin=line.on("interactive"))


def restart(line: Parsed, control: Control) -> int:
    return _each(line, control, lambda engine, unit: control.act(unit, "restart", wait=True))


def start(line: Parsed, control: Control) -> int:
    if line.on("attach") or line.on("interactive"):
        raise not_modelled("docker", "start --attach")
    return _each(line, control, lambda engine, unit: None if unit.running else control.act(unit, "start", wait=True))


def stop(line: Parsed, control: Control) -> int:
    return _each(line, control, lambda engine, unit: control.act(unit, "stop", wait=True) if unit.running else None)


def kill(line: Parsed, control: Control) -> int:
    """The control API stops a process; it sends no other signals."""
    signal = line.text("signal", "KILL").removeprefix("SIG")
    if signal not in ("KILL", "9", "TERM", "15", "INT", "2"):
        raise not_modelled("docker", f"kill --signal {signal}")

    def end(engine: project.Engine, unit: Unit) -> None:
        if not unit.running:
            place = engine.long_identity(unit)
            raise Failure(f"cannot kill container: {line.words[0]}: container {place} is not running")
        control.act(unit, "stop", wait=True)

    return _each(line, control, end)


def rm(line: Parsed, control: Control) -> int:
    def end(engine: project.Engine, unit: Unit) -> None:
        if unit.running and not line.on("force"):
            raise Failure(
                f'cannot remove container "{engine.name(unit)}": container is running: stop the container before removing or force remove'
            )
        if unit.running:
            control.act(unit, "stop", wait=True)
        objects.remove(control, unit)

    return _each(line, control, end)


def _each(line: Parsed, control: Control, act: Callable[[project.Engine, Unit], None]) -> int:
    """One after another, each name printed once it is done. What fails doesn't keep the others: the code is 1 then."""
    code = 0
    for name in line.words:
        engine = project.Engine(control)
        unit = engine.find(name)
        try:
            if unit is None:
                raise Failure(f"No such container: {name}")
            act(engine, unit)
            print(name, flush=True)
        except Failure as failure:
            print(f"Error response from daemon: {failure.message}", file=sys.stderr)
            code = failure.code
    return code


def top(line: Parsed, control: Control) -> int:
    engine = project.Engine(control)
    unit = engine.get(line.words[0])
    if line.words[1:]:
        raise not_modelled("docker", "top with options of ps")
    if not unit.running or not unit.pid:
        raise Failure(f"Error response from daemon: container {engine.long_identity(unit)} is not running")
    print_top(unit.pid)
    return 0


def port(line: Parsed, control: Control) -> int:
    unit = project.Engine(control).get(line.words[0])
    if line.words[1:] and line.words[1].partition("/")[0] != str(unit.port):
        raise Failure(f"no public port '{line.words[1]}' published for {line.words[0]}")
    if unit.running:
        print(f"127.0.0.1:{unit.port}" if line.words[1:] else f"{unit.port}/tcp -> 127.0.0.1:{unit.port}")
    return 0


def wait(line: Parsed, control: Control) -> int:
    """Until each has ended: its exit code, line by line."""
    for name in line.words:
        while (unit := project.Engine(control).get(name)).running:
            time.sleep(0.1)
        print(unit.exit_code or 0, flush=True)
    return 0


def inspect(line: Parsed, control: Control) -> int:
    """Containers, as far as the stack knows them, and images that were built here."""
    engine = project.Engine(control)
    found, missing = [], []
    for name in line.words:
        unit = engine.find(name) if line.text("type", "container") == "container" else None
        image = next((each for each in objects.images(control) if name in (each.reference, each.identity)), None)
        if unit:
            found.append(_inspected(engine, unit))
        elif image:
            found.append({"Id": f"sha256:{image.identity}", "RepoTags": [image.reference], "Size": image.size})
        else:
            missing.append(name)
    if line.has("format"):
        for each in found:
            print(template.filled(line.text("format"), each, ""))
    elif line.on("size"):
        raise not_modelled("docker", "inspect --size")
    else:
        print(json.dumps(found, indent=4))
    for name in missing:
        print(f"Error: No such {line.text('type', 'object')}: {name}", file=sys.stderr)
    return 1 if missing else 0


def _inspected(engine: project.Engine, unit: Unit) -> dict[str, Any]:
    never = "0001-01-01T00:00:00Z"
    return {
        "Id": engine.long_identity(unit),
        "Created": _stamp(engine, 0.0, "Z", "T"),
        "Path": project.command(unit),
        "State": {
            "Status": "running" if unit.running else "exited", "Running": unit.running, "Paused": False, "Restarting": False,
            "OOMKilled": False, "Dead": False, "Pid": unit.pid or 0, "ExitCode": 0 if unit.running else unit.exit_code or 0, "Error": "",
            "StartedAt": _stamp(engine, unit.started_s, "Z", "T"),
            "FinishedAt": never if unit.ended_s is None else _stamp(engine, unit.ended_s, "Z", "T"),
            "Health": {"Status": "healthy" if unit.running and unit.ready else "unhealthy"},
        },
        "Name": f"/{engine.name(unit)}",
        "RestartCount": unit.restarts,
        "Config": {
            "Image": engine.image(unit), "Env": _environment(unit.environment),
            "Labels": {"com.docker.compose.project": engine.state.prefix, "com.docker.compose.service": str(unit.compose)},
        },
        "NetworkSettings": {"Ports": {f"{unit.port}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(unit.port)}] if unit.running else None}},
    }  # fmt: skip


def _environment(variables: Any) -> Sequence[str]:
    return [f"{key}={value}" for key, value in sorted(variables.items())]


def _stamp(engine: project.Engine, at_s: float, tail: str, between: str = " ") -> str:
    """A documented time as the calendar's."""
    return time.strftime(f"%Y-%m-%d{between}%H:%M:%S", time.gmtime(engine.state.epoch_s + at_s)) + tail
