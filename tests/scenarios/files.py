"""Files of a test, and what a loader says of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from scenarios.errors import InvalidInput
from scenarios.loader import LoadedScenario, load_scenario

WHOLE = """\
title: A test
description: For tests.
faults:
  - fault: process.kill
    process: risk-manager
detection:
  alerts: [service_down]
response:
  procedure: runbooks/incident-response.md#service-failure
  bindings: {service-name: risk-manager}
targets: [service-failure-rto]
"""


def write(folder: Path, text: str, name: str = "test.yaml") -> Path:
    """A file with this text, without its indentation."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text), encoding="utf-8")
    return path


def said(call: Callable[[], object]) -> list[str]:
    """What InvalidInput says: `file:line:column: message` of each problem, with the file's name alone."""
    with pytest.raises(InvalidInput) as caught:
        call()
    return [str(problem).replace(f"{problem.path.parent}/", "", 1) for problem in caught.value.problems]


def load(folder: Path, changed: str, *, without: str = "", **overrides: str) -> LoadedScenario:
    """Load the whole scenario above with these top-level parts in place of its own."""
    text = dedent(changed)
    replaced = {line.partition(":")[0] for line in text.splitlines() if line and not line.startswith((" ", "-", "#"))}
    kept: list[str] = []
    keep = True
    for line in WHOLE.splitlines():
        if not line.startswith(" "):
            keep = line.partition(":")[0] not in {*replaced, *without.split()}
        kept += [line] if keep else []
    return load_scenario(write(folder, text + "\n".join(kept) + "\n"), overrides=overrides)


def load_says(folder: Path, changed: str, *, without: str = "", **overrides: str) -> list[str]:
    """What is wrong with it. The changed parts stand first, so that their lines count from 1."""
    return said(lambda: load(folder, changed, without=without, **overrides))
