"""A runbook is carried out, and trusted with nothing of the drill that judges it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.history import History
from tests.drills.cli import gameday

pytestmark = [pytest.mark.real, pytest.mark.namespaces, pytest.mark.slow]
SCENARIO = """
title: A procedure that writes the drill's history
description: The risk manager dies; the procedure that mends it also tries to change what it is judged by.
tags: [test]
load: {orders-per-s: 10}
steady-state: {hold: 10s, settle: 20s}
faults:
  - {name: risk-manager-dies, fault: process.kill, process: risk-manager, at: 5s}
detection: {alerts: [service_down]}
response: {procedure: "procedure.md#mend-and-write"}
targets: [service-failure-rto]
"""
PROCEDURE = """
# Procedure

## Mend and write

```bash name="write the history" expect="exit nonzero"
echo x >> OUT/*/history.jsonl
```

```bash name="write the ledger" expect="exit nonzero"
echo x >> OUT/*/ledger.jsonl
```

```bash name="find either" expect="output ~ ^0$"
find / -name history.jsonl -o -name ledger.jsonl 2>/dev/null | wc -l
```

```bash name="restart the risk manager"
docker compose restart risk-manager
```
"""


def test_a_procedure_cannot_write_what_it_is_judged_by(tmp_path: Path) -> None:
    """Its drill's history and ledger are out of its reach, and it can be carried out all the same."""
    out = tmp_path / "drills"
    (tmp_path / "scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "procedure.md").write_text(PROCEDURE.replace("OUT", str(out)), encoding="utf-8")
    run = gameday(["run", str(tmp_path / "scenario.yaml"), "--seed", "3", "--speed", "60"], out)
    steps = {each.subject: each.data for each in History.read(run.folder).of_kind("step.finished")}
    assert {name: data["why"] for name, data in steps.items()} == dict.fromkeys(
        ("write the history", "write the ledger", "find either", "restart the risk manager"), ""
    ), run.printed
    lines = [(run.folder / name).read_text(encoding="utf-8").splitlines() for name in ("history.jsonl", "ledger.jsonl")]
    assert all(line.startswith("{") for each in lines for line in each)
