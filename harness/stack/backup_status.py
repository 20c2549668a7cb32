"""How the backups stand, written for whoever asks from outside: the exporter turns it into metrics, and alert rules read those.

As the collectors of text files do it: a file that is replaced after every step, so that a job that hangs or dies shows by its age.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from fakes.services.exporter import BACKUPS

Job = Literal["full", "incremental", "log", "redis", "verify"]


class Status:
    """Written to each of the folders. Times are documented seconds."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._folders = tuple(folders)
        self._exit_code: dict[str, int] = {}
        self._failures: dict[str, int] = {}
        self._reached_s: dict[str, float] = {}
        self._readable: dict[str, bool] = {}
        self._encrypted: dict[str, bool] = {}

    def succeeded(self, job: Job, reaches_s: float) -> None:
        """A job has ended well: what was committed by that time is in it."""
        self._exit_code[job], self._reached_s[job] = 0, reaches_s
        self._failures.setdefault(job, 0)
        self.write()

    def failed(self, job: Job) -> None:
        self._exit_code[job] = 1
        self._failures[job] = self._failures.get(job, 0) + 1
        self.write()

    def read(self, place: str, *, readable: bool) -> None:
        """Whether the newest backup at a place could be read when it was looked at last."""
        self._readable[place] = readable
        self.write()

    def looked(self, *, encrypted: bool) -> None:
        """Whether everything off site was encrypted when it was looked at last."""
        self._encrypted["off-site"] = encrypted
        self.write()

    def to_json(self) -> dict[str, Any]:
        return {
            "exit_code": self._exit_code, "failures": self._failures, "reached_s": self._reached_s, "readable": self._readable,
            "encrypted": self._encrypted,
        }  # fmt: skip

    def write(self) -> None:
        """Replace the files: whoever reads one sees the old one or the new one."""
        for folder in self._folders:
            part = folder / f".{BACKUPS}.part"
            part.write_text(json.dumps(self.to_json()))
            part.replace(folder / BACKUPS)
