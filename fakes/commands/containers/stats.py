"""`docker stats` and `docker exec`: what the containers use, from /proc, and a client inside one."""

from __future__ import annotations

import json
import re
import time

from fakes.commands.containers import project
from fakes.commands.control import Control, Unit
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed
from fakes.commands.inside import missing_program, run_inside
from fakes.commands.processes import memory_total, usage

STATS_FLAGS = (Flag("no-stream", "", "switch"), Flag("all", "a", "switch"), Flag("format"), Flag("no-trunc", "", "switch"))
EXEC_FLAGS = (Flag("interactive", "i", "switch"), Flag("tty", "t", "switch"))
_HEADS = {
    "ID": "CONTAINER ID", "Name": "NAME", "CPUPerc": "CPU %", "MemUsage": "MEM USAGE / LIMIT", "MemPerc": "MEM %", "NetIO": "NET I/O",
    "BlockIO": "BLOCK I/O", "PIDs": "PIDS",
}  # fmt: skip
_FIELD = re.compile(r"\{\{\s*\.(\w+)\s*\}\}")
_SAMPLE_S = 0.3


def stats(line: Parsed, control: Control) -> int:
    while True:
        state = control.state()
        units = [project.find_container(state, name) for name in line.words] or project.containers(state)
        rows = _sample(units, with_stopped=line.on("all"))
        _print(rows, line.text("format", "table"))
        if line.on("no-stream"):
            return 0


def _sample(units: list[Unit], *, with_stopped: bool) -> list[dict[str, str]]:
    before = {unit.name: usage(unit.pid) for unit in units if unit.running and unit.pid}
    time.sleep(_SAMPLE_S)
    total, rows = memory_total(), []
    for unit in units:
        first, last = before.get(unit.name), usage(unit.pid) if unit.running and unit.pid else None
        row = {"ID": project.container_id(unit), "Container": project.container_id(unit), "Name": project.container_name(unit)}
        if first and last:
            row["CPUPerc"] = f"{max(last.cpu_s - first.cpu_s, 0.0) / _SAMPLE_S * 100:.2f}%"
            row["MemUsage"] = f"{project.size(last.memory, binary=True)} / {project.size(total, binary=True)}"
            row["MemPerc"] = f"{last.memory / total * 100:.2f}%"
            row["NetIO"] = "0B / 0B"  # what docker says of a container on the host's network
            row["BlockIO"] = f"{project.size(last.read, binary=False)} / {project.size(last.written, binary=False)}"
            row["PIDs"] = str(last.processes)
        elif with_stopped:
            row |= {"CPUPerc": "--", "MemUsage": "-- / --", "MemPerc": "--", "NetIO": "--", "BlockIO": "--", "PIDs": "--"}
        else:
            continue
        rows.append(row)
    return rows


def _print(rows: list[dict[str, str]], form: str) -> None:
    if form == "json":
        for row in rows:
            print(json.dumps(row, separators=(",", ":")))
        return
    kind, _, template = form.partition(" ")
    if kind != "table":
        for row in rows:
            print(_filled(form, row))
        return
    template = _unescaped(template) or "\t".join("{{." + name + "}}" for name in _HEADS)
    heads = _HEADS | {"Container": "CONTAINER"}
    project.print_columns([_filled(template, row).split("\t") for row in (heads, *rows)])


def _filled(template: str, row: dict[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        if found[1] not in row:
            place = found.start() + 2
            raise Failure(
                f'template: :1:{place}: executing "" at <.{found[1]}>: can\'t evaluate field {found[1]} in type *container.statsContext'
            )
        return row[found[1]]

    return _FIELD.sub(value, _unescaped(template))


def _unescaped(text: str) -> str:
    return text.replace("\\t", "\t").replace("\\n", "\n")


def execute(line: Parsed, control: Control) -> int:
    if not line.words[1:]:
        raise Failure(
            "docker: 'docker exec' requires at least 2 arguments\n\nUsage:  docker exec [OPTIONS] CONTAINER COMMAND [ARG...]\n\nSee 'docker exec --help' for more information"
        )
    unit = project.find_container(control.state(), line.words[0])
    if not unit.running:
        raise Failure(f"Error response from daemon: container {project.container_id(unit)} is not running")
    if missing := missing_program(unit, line.words[1:]):
        raise Failure(missing, 127)
    return run_inside(unit, line.words[1:], stdin=line.on("interactive"))
