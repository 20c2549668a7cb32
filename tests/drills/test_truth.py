"""The numbers are right: planted outages and planted losses are measured as what they were."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.history import History
from harness.loss import lost_orders
from harness.steady import outages
from harness.workload.ledger import Ledger
from scenarios.model import Scenario
from tests.drills.cli import gameday

pytestmark = [pytest.mark.real, pytest.mark.namespaces, pytest.mark.slow]
HERE = Path(__file__).parent
ORDERS_PER_S = 50  # as in known-outages.yaml
TOLERANCE_S = 0.05 + 1 / ORDERS_PER_S


def test_outages_of_known_length_are_measured_to_50_ms_and_one_probe(tmp_path: Path) -> None:
    """A link is cut for 0.5, 2 and 5 s; clients' outages are that long."""
    run = gameday(["run", str(HERE / "known-outages.yaml"), "--seed", "3", "--speed", "20"], tmp_path)
    history = History.read(run.folder)
    started = history.first("drill.started")
    assert started is not None, run.printed
    steady = Scenario.model_validate(started.data["scenario"]).steady_state
    cut = [event.at_s for event in history.of_kind("fault.injected")]
    mended = [event.at_s for event in history.of_kind("fault.healed")]
    found = outages(Ledger.of(history).operations, steady, after_s=cut[0] - 1)
    assert [round(end - start, 1) for start, end in zip(cut, mended, strict=True)] == [0.5, 2.0, 5.0], run.printed
    assert len(found) == 3
    for outage, start, end in zip(found, cut, mended, strict=True):
        assert outage.duration_s == pytest.approx(end - start, abs=TOLERANCE_S)
        assert outage.start_s == pytest.approx(start, abs=TOLERANCE_S)


def test_a_known_number_of_lost_writes_is_found_exactly(tmp_path: Path) -> None:
    """Seven acknowledged orders are deleted behind the stack's back: the ledger misses those seven and no other."""
    run = gameday(["run", str(HERE / "planted-loss.yaml"), "--seed", "3", "--speed", "20"], tmp_path)
    assert run.result["measures"]["lost_writes"] == 7, run.printed
    history = History.read(run.folder)
    command = next(event for event in history.of_kind("command.finished") if "DELETE" in event.data["command"])
    deleted = {line.strip() for line in command.data["output"].splitlines() if "-o-" in line}
    assert len(deleted) == 7
    assert deleted == {order.id for order in lost_orders(Ledger.of(history), next(history.of_kind("readback.orders")))}
    assert run.verdicts()["lost-acknowledged-writes"] == "fail"
    assert run.code == 1


def test_an_old_history_is_judged_the_same_again(tmp_path: Path) -> None:
    """What `judge` computes from the folder alone is what the drill said, also after the folder was moved."""
    run = gameday(["run", str(HERE / "planted-loss.yaml"), "--seed", "3", "--speed", "60"], tmp_path / "a")
    moved = tmp_path / "b" / run.folder.name
    shutil.copytree(run.folder, moved)
    before = (moved / "result.json").read_text()
    (moved / "result.json").unlink()
    again = gameday(["judge", str(moved), "--write"], tmp_path / "b")
    assert (again.code, (moved / "result.json").read_text()) == (run.code, before)
