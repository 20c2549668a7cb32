"""The whole catalogue, again and again: how long it takes, and whether each scenario comes to the same verdicts each time.

    python tests/bench/bench_catalogue.py [ROUNDS]

GAMEDAY_BENCH_KEEP=DIR keeps the drills there, and rounds that are there already are not run again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SPEED = 60
_DONE = "took_s"  # a file in a round's folder, written when the round is over


def _drill_all(folder: Path, seed: int) -> float:
    """Every scenario once, in an order of its own; the wall seconds of it. Raises SystemExit when the harness broke."""
    if (folder / _DONE).is_file():
        return float((folder / _DONE).read_text())
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "gameday.cli",
        "run",
        "--all",
        "--speed",
        str(SPEED),
        "--seed",
        str(seed),
        "--shuffle",
        str(seed),
    ]
    ended = subprocess.run([*command, "--no-store", "--out", str(folder)], capture_output=True, text=True, check=False)
    if ended.returncode not in (0, 1, 3):
        sys.exit(f"round {seed} ended with exit code {ended.returncode}:\n{ended.stdout[-3000:]}{ended.stderr[-3000:]}")
    took_s = time.monotonic() - began
    (folder / _DONE).write_text(f"{took_s:.1f}")
    return took_s


def _verdicts(folder: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Of each drill of a round: its scenario, and the verdict of every target and invariant by name, the drill's own as `drill`."""
    for path in sorted(folder.glob("*/result.json")):
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        rows = {row["target"] or row["name"]: row["verdict"] for row in found["verdicts"]}
        yield found["scenario"], {"drill": found["verdict"], **rows}


def main(rounds: int) -> None:
    """Run or read them, and print a line a round and a line for each verdict that was not the same in all of them."""
    with tempfile.TemporaryDirectory(prefix="gameday-bench-") as scratch:
        keep = Path(os.environ.get("GAMEDAY_BENCH_KEEP") or scratch)
        seen: dict[tuple[str, str], Counter[str]] = {}
        for number in range(1, rounds + 1):
            folder = keep / f"round-{number}"
            took_s = _drill_all(folder, number)
            drills = dict(_verdicts(folder))
            counted = Counter(each["drill"] for each in drills.values())
            print(f"round {number:2}: {took_s / 60:5.1f} min   {dict(counted)}", flush=True)
            for scenario, verdicts in drills.items():
                for name, verdict in verdicts.items():
                    seen.setdefault((scenario, name), Counter())[verdict] += 1
        differ = {key: found for key, found in seen.items() if len(found) > 1}
        scenarios = {scenario for scenario, _ in seen}
        unsteady = {scenario for scenario, _ in differ}
        print(f"{len(scenarios) - len(unsteady)} of {len(scenarios)} scenarios came to the same verdicts in all {rounds} rounds")
        for (scenario, name), found in sorted(differ.items()):
            print(f"  {scenario}: {name}: {', '.join(f'{count} {verdict}' for verdict, count in found.most_common())}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
