"""Which of Postgres's own programs each job of the backups runs on, and why: a folder of them may lack one, or hold one that crashes."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_INCREMENTAL_FROM = 17  # pg_basebackup --incremental, pg_combinebackup
_SAYS_WITHIN_S = 10.0  # wall


@dataclass(frozen=True, slots=True)
class Job:
    """One job of the backups: what it runs on here, or None where it is not done; and why."""

    name: str
    runs_on: str | None
    why: str


@dataclass(frozen=True, slots=True)
class BackupPrograms:
    """What a folder of Postgres's programs can do for backups."""

    folder: Path
    major: int
    verifies: bool  # its own pg_verifybackup starts; else the manifest is read by `backup_manifest`
    unverified: str  # why it does not; "" when it does
    incremental: bool
    only_full: str  # why there are no incremental backups; "" when there are

    @classmethod
    def of(cls, folder: Path) -> BackupPrograms:
        """Look at a folder of programs, once: each one that matters is started with --version. Blocks."""
        return _look(folder)

    def jobs(self) -> tuple[Job, ...]:
        """Each job, as `gameday doctor` tells it."""
        verifying = "pg_verifybackup" if self.verifies else "our own reader of the manifest (SHA-256), and pg_waldump for the log"
        return (
            Job("full", f"pg_basebackup of Postgres {self.major}", ""),
            Job("incremental", f"pg_basebackup --incremental and pg_combinebackup of Postgres {self.major}", "")
            if self.incremental
            else Job("incremental", None, self.only_full),
            Job("log", "archive_command of the server", ""),
            Job("verify", verifying, self.unverified),
            Job(
                "encrypt",
                shutil.which("openssl"),
                "" if shutil.which("openssl") else "there is no openssl: apt-get install openssl",
            ),
        )


@functools.cache
def _look(folder: Path) -> BackupPrograms:
    version, trouble = _says(folder / "pg_basebackup")
    major = int(version.split(".")[0]) if version else 0
    verifier, crashed = _says(folder / "pg_verifybackup")
    if major < _INCREMENTAL_FROM:
        only_full = f"incremental backups take Postgres {_INCREMENTAL_FROM}, this is {major or trouble}"
    else:
        combining, cannot = _says(folder / "pg_combinebackup")
        only_full = "" if combining else f"pg_combinebackup {cannot}"
    return BackupPrograms(
        folder, major, bool(verifier), f"pg_verifybackup {crashed}" if crashed else "", not only_full, only_full
    )


def _says(program: Path) -> tuple[str, str]:
    """Its version, and why there is none: one of the two is empty."""
    try:
        ran = subprocess.run([str(program), "--version"], capture_output=True, text=True, timeout=_SAYS_WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", f"does not start: {getattr(error, 'strerror', None) or error}"
    if ran.returncode < 0:
        return "", f"ends with signal {-ran.returncode} even when it is asked for its version"
    found = re.search(r"\d+(\.\d+)*", ran.stdout)
    return (found.group(), "") if found and ran.returncode == 0 else ("", f"ends with exit code {ran.returncode}")
