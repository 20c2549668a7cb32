"""`python -m harness.workload CONFIG.json`: the observer, as a process of its own.

Ends with 0 after SIGTERM, when what was in flight has ended; with 1 when the ledger can't be written; with 2 for a
configuration that can't be used.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from harness.workload.config import ObserverConfig
from harness.workload.observer import main as observe


def run(arguments: list[str]) -> int:
    """Observe, and return the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m harness.workload CONFIG.json\n")
        return 2
    try:
        config = ObserverConfig.model_validate_json(Path(arguments[0]).read_bytes())
    except (OSError, ValidationError) as error:
        sys.stderr.write(f"{arguments[0]} is no configuration of an observer: {error}\n")
        return 2
    try:
        observe(config)
    except OSError as error:
        sys.stderr.write(f"{config.ledger} could not be written: {error}. Free some space, then run the drill again.\n")
        return 1
    return 0


def main() -> NoReturn:
    """Observe as the command line says, and end."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
