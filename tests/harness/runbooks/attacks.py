"""Runs inside a sandbox: gives a terminal what nobody should, and prints what came of it as JSON. `python attacks.py CASES`."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.runbooks.terminal import Place, Terminal
from harness.runbooks.watchdog import Watchdog
from harness.sandbox.launch import PROJECT
from harness.sandbox.limits import Limits
from harness.sandbox.root import WORKSTATION

LIMITS = Limits(address_space_mb=1024, file_mb=64, cpu_s=20, processes=120, memory_mb=400)


def place() -> Place:
    (WORKSTATION / "home").mkdir(exist_ok=True)
    (WORKSTATION / "root" / "backups").mkdir(parents=True, exist_ok=True)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(WORKSTATION / "home"), "TERM": "dumb"}
    shown = [Path(sys.prefix), Path(sys.base_prefix), PROJECT / "fakes"]
    return Place(
        WORKSTATION, shown, environment, WORKSTATION / "home", LIMITS, root=WORKSTATION / "root", hosts=("api.example.com",)
    )


async def main(cases: list[dict[str, Any]]) -> None:
    terminals = [Terminal(place())]
    await terminals[0].start()
    watchdog = Watchdog(LIMITS, lambda why: terminals[-1].kill(why))  # noqa: PLW0108 - the terminal of that moment
    watchdog.expect()
    watchdog.start()
    for case in cases:
        if not terminals[-1].running:
            await terminals[-1].close()
            terminals.append(Terminal(place()))
            await terminals[-1].start()
        terminal = terminals[-1]
        ran = await terminal.run(case.pop("text"), **{"limit_s": 15.0, **case})
        await terminal.calm()
        row = {**asdict(ran), "running": terminal.running, "killed_for": terminal.killed_for}
        row |= {
            "processes": len([each for each in Path("/proc").iterdir() if each.name.isdigit()]),
            "threads": threading.active_count(),
        }
        sys.stdout.write(json.dumps(row) + "\n")
    await terminals[-1].close()
    watchdog.stop()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
