"""`gameday runbook outline`: what the reader makes of a document, for people."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BOOK = b"""\
# Book

## Restart it (0-5 minutes)

```bash
# 1. Look
docker compose ps

# 2. Restart
docker compose restart <service-name>
vim x
# 3. Call them
```
\xff
"""


def outline(path: Path | str) -> tuple[int, str]:
    """The exit code and all that was printed."""
    command = [sys.executable, "-m", "gameday.cli", "runbook", "outline", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.returncode, run.stdout + run.stderr


def test_an_outline_names_every_command_and_what_can_be_done_with_it(tmp_path: Path) -> None:
    """Procedures, steps, commands with their lines, notes of the reader, counts, coverage."""
    path = tmp_path / "book.md"
    path.write_bytes(BOOK)
    code, printed = outline(tmp_path)
    assert code == 0
    lines = [line.strip() for line in printed.splitlines()]
    for said in (
        "3  Restart it (0-5 minutes)  (0-5 minutes)", "6    1. Look", "7      run  docker compose ps", "12    3. Call them  (for people)",
        "10      bind docker compose restart <service-name>  # <service-name> must be given a value",
        "11      no   vim x  # vim opens an editor: a person changes a file", "14:1: undecodable: byte 0xff is not UTF-8",
        "2 of 3 commands can be executed, 1 of them once bound: 66.7%",
    ):  # fmt: skip
        assert said in lines


def test_what_is_no_runbook_is_one_message_and_exit_code_2(tmp_path: Path) -> None:
    """A path that is not there, and a folder without any."""
    assert outline("nosuch.md") == (2, "nosuch.md: there is no such file or folder\n")
    code, printed = outline(tmp_path)
    assert code == 2
    assert printed.strip().endswith("there is no runbook (*.md, *.markdown, *.txt) in this folder")
