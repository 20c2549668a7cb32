"""`gameday run --fail-on regression`: each drill of a run against the last ones like it in the store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from harness.side_by_side import Done
from reports.regression import LEAST, Compared, compare
from reports.verdicts import measure_name

__all__ = ["Compared", "compare_all"]


def compare_all(done: Sequence[Done], out: Path, console: Console) -> dict[str, Compared]:
    """What came of it by drill, a line for each on the console; too few drills to say is told, and fails nothing. Raises StoreError."""
    from reports.store import Store  # SQLAlchemy and pandas: only when it is asked for

    drills = Store.open(out).drills()
    found: dict[str, Compared] = {}
    for outcome in (each.outcome for each in done if each.outcome is not None):
        name, compared = outcome.result.drill, compare(drills, outcome.result.drill)
        found[name] = compared
        about = outcome.result.scenario
        if compared.too_few:
            told = f"{about}: {compared.earlier} drills before it, and {LEAST} are needed to say whether it is worse"
            console.print(Text(f"too few   {told}", "yellow"), soft_wrap=True)
        for each in compared.worse:
            console.print(Text(f"WORSE     {about}: {measure_name(each.measure)} {each.told}", "bold red"), soft_wrap=True)
        if not compared.too_few and not compared.worse:
            console.print(f"as before {about}: no measure is worse than in the last {compared.earlier} drills, beyond noise")
    return found
