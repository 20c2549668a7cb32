"""What lies at the root of an operator's machine: /scripts, /backups, /migrations, /var/lib/redis ...

It is made in `<workstation>/root`. In a sandbox, whose root is the drill's own, the documented paths are made to lead there;
elsewhere those in commands are mapped, as ports are.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from harness.errors import HarnessError
from harness.respond.checkout import with_adapted_scripts
from harness.respond.platform import Platform, write_files

# What documents write, longest first; /var and /var/log themselves are the machine's.
DOCUMENTED = (
    "/var/log/postgres-backup.log", "/var/log/redis-backup.log", "/var/backups/redis", "/var/lib/redis",
    "/migrations", "/backups", "/scripts", "/logs",
)  # fmt: skip
_IN_COMMANDS = re.compile(rf"(?<![\w.$)}}/-])({'|'.join(map(re.escape, DOCUMENTED))})(?![\w.-])")


def make_root(root: Path, platform: Platform, folders: Mapping[str, Path], adapted: Callable[[str], str]) -> None:
    """Make it, anew if it is there. `folders` are real ones of the stack by their documented path. Raises OSError."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    write_files(root, with_adapted_scripts(platform.root(), adapted))
    for name in platform.folders:
        (root / name).mkdir(parents=True, exist_ok=True)
    for documented, real in folders.items():
        link = root / documented.lstrip("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(real)
    if (logs := root / "var/log").is_dir():
        for name in ("postgres-backup.log", "redis-backup.log"):
            (logs / name).touch()


def link_root(root: Path, machine: Path = Path("/")) -> None:
    """Make the documented paths of a sandbox's own root lead to `root`: only what is missing there, nothing is replaced.

    Raises HarnessError.
    """
    for entry in sorted(root.iterdir()):
        place = machine / entry.name
        try:
            if place.is_dir() and not place.is_symlink() and entry.is_dir() and not entry.is_symlink():
                link_root(entry, place)
            elif not place.is_symlink() and not place.exists():
                place.symlink_to(entry)
        except OSError as error:
            raise HarnessError(f"{place} could not be made to lead to the operator's {entry}: {error.strerror}") from error


def mapped_paths(text: str, root: Path) -> str:
    """The text with documented paths replaced by those below `root`."""
    return _IN_COMMANDS.sub(lambda found: f"{root}{found[1]}", text)
