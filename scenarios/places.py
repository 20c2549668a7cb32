"""Where the data of the project lies, and what a reference in a file means."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

DATA = Path(__file__).resolve().parent
CATALOGUE = DATA / "catalogue"
STACKS = DATA / "stacks"
TARGETS = DATA / "targets.yaml"


def locate(reference: str, beside: Path | None = None) -> Path:
    """The file that a reference means: relative to the folder of the file that names it, else to `scenarios/`.

    What is nowhere is given relative to `scenarios/`, so that the message of its reader names a place.
    """
    if beside is not None and (near := beside.parent / reference).is_file():
        return near
    return DATA / reference


def siblings(reference: str, beside: Path | None = None) -> Iterator[str]:
    """References to the files that lie where this one was looked for: what may have been meant."""
    folder = Path(reference).parent
    roots = [DATA] if beside is None else [beside.parent, DATA]
    for root in roots:
        if (root / folder).is_dir():
            yield from (
                str(folder / path.name) for path in sorted((root / folder).iterdir()) if path.suffix == Path(reference).suffix
            )
