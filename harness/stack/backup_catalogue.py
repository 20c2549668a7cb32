"""What backups there are, and how often they are taken."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from harness.errors import HarnessError
from harness.stack.backup_store import STORE_KINDS, StoreKind

Source = Literal["on-site", "off-site"]
SOURCES: tuple[Source, ...] = get_args(Source)
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_SEGMENT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """What a scenario may set of backups (`backup.*` in a stack's settings). Cadences are documented seconds."""

    enabled: bool
    log_every_s: float = 300.0  # 002:438
    full_every_s: float = 86_400.0  # 002:432
    incremental_every_s: float = 3600.0  # 002:435, and a drill is in trading hours
    redis_every_s: float = 86_400.0  # ours: 004 speaks of last night's, 004:392
    verify_every_s: float = 86_400.0  # 002:444
    off_site: StoreKind = "folder"

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> BackupSettings:
        """Raises HarnessError."""
        every = {name: float(settings[f"backup.{name}"]) for name in _CADENCES if f"backup.{name}" in settings}
        for name, every_s in every.items():
            if every_s <= 0:
                raise HarnessError(f"backup.{name}: {_CADENCES[name]} can't be done all the time; use a number above 0")
        off_site = settings.get("backup.off_site", "folder")
        found = next((kind for kind in STORE_KINDS if kind == off_site), None)
        if found is None:
            raise HarnessError(f"backup.off_site: {off_site!r} is neither {' nor '.join(STORE_KINDS)}")
        return cls(enabled=bool(settings.get("backup.enabled")), off_site=found, **every)


_CADENCES = {
    "log_every_s": "shipping the log", "full_every_s": "a full backup", "incremental_every_s": "an incremental backup",
    "redis_every_s": "a backup of Redis", "verify_every_s": "reading the backups back",
}  # fmt: skip


@dataclass(slots=True)
class BaseBackup:
    """A base backup. `copies` says for each place that it lies at whether it could be read when it was looked at last."""

    name: str
    server: str
    at_s: float  # documented: when it was begun
    finished: datetime  # of Postgres's own time of day: what is restored from it reaches at least so far
    size_mb: float
    copies: dict[Source, bool] = field(default_factory=dict)
    first_log: str = ""  # the first segment of log that it needs
    upon: BaseBackup | None = None  # an incremental one: the full one that it is put together with

    @property
    def chain(self) -> tuple[BaseBackup, ...]:
        """What a restore of it needs, the full one first."""
        return (self,) if self.upon is None else (self.upon, self)

    def lies(self, source: Source) -> bool:
        """Whether all of it is at that place."""
        return all(source in each.copies for each in self.chain)

    def needs(self, name: str) -> bool:
        """Whether a restore of it needs what lies off site under that name: itself, what it stands upon, the log from there on."""
        log = name.removeprefix("wal/")
        if log != name:  # whatever timeline it is of
            return log[8:24] >= self.first_log[8:24]
        return name in {each.name for each in self.chain}

    def to_json(self) -> dict[str, Any]:
        """What the control API says of it."""
        return {
            "name": self.name, "kind": "incremental" if self.upon else "full", "server": self.server, "at_s": self.at_s,
            "finished": self.finished.isoformat(timespec="milliseconds"), "size_mb": self.size_mb, "verified": dict(self.copies),
            "shipped": "off-site" in self.copies, **({"upon": self.upon.name} if self.upon else {}),
        }  # fmt: skip


def usable(bases: Sequence[BaseBackup], source: Source, until: datetime | None) -> list[BaseBackup]:
    """Those at a place that were finished by then, the newest first: what a restore tries in turn. Raises HarnessError without any."""
    held = [base for base in bases if base.lies(source)]
    early = [base for base in held if until is None or base.finished <= until]
    if not early:
        oldest = f"; the oldest there was finished at {held[0].finished.isoformat(timespec='milliseconds')}" if held else ""
        raise HarnessError(f"there is no base backup {source}{' of before that time' if until else ''}{oldest}")
    return early[::-1]


def moment(text: str) -> datetime:
    """A time of day as an operator writes it. Raises HarnessError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise HarnessError(f"'{text}' is no time; write it as 2026-11-21T09:30:00Z, or latest") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def complete(path: Path) -> bool:
    """Whether a file of the archive is there as a whole: they are copied into it under their own names."""
    return path.stat().st_size == _SEGMENT_BYTES or (not _SEGMENT.match(path.name[:24]) and path.stat().st_size > 0)


def size_mb(folder: Path) -> float:
    """How much the files below a folder hold."""
    return round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1024 / 1024, 1)
