"""Reads a base backup against its manifest, where Postgres's own pg_verifybackup does not run.

Every file of the manifest must be there with its size and its SHA-256, no other file may be, and the manifest must be what was
written: the same as pg_verifybackup's, less the log, which `pg_waldump` reads. Backups are taken with
`--manifest-checksums=SHA256` for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "backup_manifest"
_NOT_LISTED = ("pg_wal/", "postgresql.auto.conf", "standby.signal", "recovery.signal", NAME)  # as pg_verifybackup leaves them out
_LAST_LINE = b'"Manifest-Checksum"'


@dataclass(frozen=True, slots=True)
class WalRange:
    """The log that a base backup needs to be consistent."""

    timeline: int
    start: str
    end: str


def problems(folder: Path) -> list[str]:
    """What is wrong with a base backup, each in a line, at most a dozen; nothing when it is whole. Blocks."""
    try:
        manifest = _read(folder / NAME)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"its manifest can't be read: {error}"]
    found: list[str] = []
    for each in _wrong(folder, manifest):
        found.append(each)
        if len(found) == 12:
            break
    return found


def ranges(folder: Path) -> list[WalRange]:
    """The log that it needs. Raises OSError, ValueError, KeyError."""
    return [WalRange(int(each["Timeline"]), each["Start-LSN"], each["End-LSN"]) for each in _read(folder / NAME)["WAL-Ranges"]]


def first_log(folder: Path) -> str:
    """The name of the first segment of log that it needs. Raises OSError, ValueError, KeyError."""
    first = ranges(folder)[0]
    high, low = (int(part, 16) for part in first.start.split("/"))
    return f"{first.timeline:08X}{high:08X}{low >> 24:08X}"  # segments of 16 MB, as initdb makes them


def _read(path: Path) -> dict[str, Any]:
    """The manifest, which ends with a checksum of everything before it. Raises ValueError when that does not agree."""
    text = path.read_bytes()
    head, mark, tail = text.rpartition(_LAST_LINE)
    said = json.loads(b"{" + mark + tail)["Manifest-Checksum"] if mark else None
    if hashlib.sha256(head).hexdigest() != said:
        raise ValueError("its own checksum does not agree")
    found: dict[str, Any] = json.loads(text)
    return found


def _wrong(folder: Path, manifest: dict[str, Any]) -> Iterator[str]:
    listed = {_name(each): each for each in manifest["Files"]}
    for name, each in listed.items():
        path = folder / name
        if not path.is_file():
            yield f"{name} is missing"
        elif (size := path.stat().st_size) != each["Size"] and not _rewritten(name):
            yield f"{name} has {size} bytes instead of {each['Size']}"
        elif _checked(each) and _digest(path) != each["Checksum"]:
            yield f"{name} is not what was backed up: its checksum differs"
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    for name in sorted(there - listed.keys()):
        if not name.startswith(_NOT_LISTED):
            yield f"{name} is there, and not in the manifest"


def _name(entry: dict[str, Any]) -> str:
    return (
        bytes.fromhex(entry["Encoded-Path"]).decode(errors="surrogateescape") if "Encoded-Path" in entry else str(entry["Path"])
    )


def _rewritten(name: str) -> bool:
    return name in _NOT_LISTED


def _checked(entry: dict[str, Any]) -> bool:
    return entry.get("Checksum-Algorithm") == "SHA256" and not _rewritten(_name(entry))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
