"""Runs inside a drill's sandbox: has a responder carry out the steps given as JSON, confined, its history in FOLDER.

`python -m tests.harness.respond.untrusted FOLDER STEPS` prints the history that it recorded.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from contextlib import nullcontext
from pathlib import Path

from fakes.clock import ManualClock
from harness.history import HISTORY_FILE, Event, Recorder
from harness.respond.confinement import Confinement
from harness.respond.responder import AutoResponder
from harness.sandbox.launch import PROJECT
from harness.sandbox.root import RUN
from scenarios.expectation import Expectation
from scenarios.model import Response
from scenarios.runbook import Procedure, Step
from tests.harness.respond.operators import FakePager, Page, workstation

PRIVATE = RUN / "ledger-of-the-drill"
SHOWN = RUN / "clock.page"


def step(command: str) -> Step:
    return Step(
        name=command[:20], line=1, command=command, expect=Expectation.of("exit 0"), budget_s=2.0, on_failure="continue",
        verification=False, retry_s=None,
    )  # fmt: skip


def _to_stdout(event: Event) -> None:
    sys.stdout.write(event.to_line() + "\n")


def main(folder: Path, commands: list[str]) -> None:
    for path in (PRIVATE, SHOWN):
        path.write_text("the drill's", encoding="utf-8")
    station = workstation(RUN)
    clock = ManualClock()
    recorder = Recorder(folder / HISTORY_FILE, clock)
    recorder.listen(_to_stdout)
    delays = {"median": "1s", "p95": "1s"}
    responder = AutoResponder(
        procedure=Procedure("runbooks/any.md", ("Any",), "any", "Any", 1, tuple(map(step, commands))),
        response=Response.model_validate({"procedure": "runbooks/any.md#any", "acknowledge": delays, "step": delays}),
        alerts=("down",), incidents=FakePager([Page("i-1", "down: x")]), workstation=station, clock=clock, recorder=recorder,
        rng=random.Random(1), measured=lambda why: nullcontext(),
        confinement=Confinement(
            writable=[station.folder], shown=[Path(sys.prefix), Path(sys.base_prefix), PROJECT / "fakes", SHOWN], root=station.root,
            temporary=RUN / "station-tmp", hosts=("api.example.com",),
        ),
    )  # fmt: skip
    asyncio.run(responder.run(give_up_after_s=600))
    recorder.close()
    assert PRIVATE.read_text(encoding="utf-8") == SHOWN.read_text(encoding="utf-8") == "the drill's"


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
