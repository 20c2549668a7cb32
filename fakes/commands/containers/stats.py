"""`docker stats`: what the containers use, by the figures of their processes."""

from __future__ import annotations

import time

from fakes.commands.containers import project, template
from fakes.commands.control import Control, Unit
from fakes.commands.flags import Parsed
from fakes.commands.processes import memory_total, usage

_HEADS = {
    "ID": "CONTAINER ID", "Name": "NAME", "CPUPerc": "CPU %", "MemUsage": "MEM USAGE / LIMIT", "MemPerc": "MEM %", "NetIO": "NET I/O",
    "BlockIO": "BLOCK I/O", "PIDs": "PIDS",
}  # fmt: skip
_SAMPLE_S = 0.3


def stats(line: Parsed, control: Control) -> int:
    """Endless without --no-stream: sample after sample, as where no terminal can be cleared."""
    while True:
        engine = project.Engine(control)
        units = [engine.get(name) for name in line.words] or engine.containers()
        rows = _sample(engine, units, with_stopped=line.on("all") or bool(line.words))
        form = line.text("format", "table")
        template.show(form, rows, _HEADS | {"Container": "CONTAINER"}, tuple(_HEADS), "*container.statsContext")
        if line.on("no-stream"):
            return 0


def _sample(engine: project.Engine, units: list[Unit], *, with_stopped: bool) -> list[dict[str, str]]:
    before = {unit.name: usage(unit.pid) for unit in units if unit.running and unit.pid}
    time.sleep(_SAMPLE_S)
    total, rows = memory_total(), []
    for unit in units:
        first, last = before.get(unit.name), usage(unit.pid) if unit.running and unit.pid else None
        row = {"ID": engine.identity(unit), "Container": engine.identity(unit), "Name": engine.name(unit)}
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
