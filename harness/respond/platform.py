"""What `fakes/workstation` holds of a platform: the files and commits of its repository, and what else its operators have."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fakes.workstation
from harness.errors import HarnessError

PLACE = Path(fakes.workstation.__file__).parent
Files = dict[str, bytes]  # by path, relative and with slashes


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit. `add` are patterns of paths; their content is that of the folder `earlier/<earlier>` where it has them."""

    hours_ago: float
    author: str  # Name <address>
    message: str
    add: tuple[str, ...]
    earlier: str = ""
    tag: str = ""
    branch: str = ""  # empty: main; otherwise a branch of its own, from what main is by then


@dataclass(frozen=True, slots=True)
class Platform:
    """What stands in a platform's `platform.toml`."""

    name: str
    origin: str  # where the repository is cloned from
    commits: tuple[Commit, ...]
    folders: tuple[str, ...] = ()  # at the root of the machine
    first_night: str = ""  # what ran before the drill began: bash
    combined_log: str = ""  # of the checkout: the lines of all services
    buckets: tuple[str, ...] = ()
    zones: Mapping[str, str] | None = None  # id to domain

    def checkout(self) -> Files:
        """The files of the repository as they are now."""
        return files_below(PLACE / self.name / "checkout")

    def earlier(self, name: str) -> Files:
        """Files as they were at the commits that name this folder."""
        return files_below(PLACE / self.name / "earlier" / name)

    def root(self) -> Files:
        """Files that lie at the root of the machine."""
        return files_below(PLACE / self.name / "root")


def read_platform(name: str) -> Platform:
    """Raises HarnessError when there is none of that name."""
    path = PLACE / name / "platform.toml"
    if not path.is_file():
        known = ", ".join(sorted(found.parent.name for found in PLACE.glob("*/platform.toml")))
        raise HarnessError(f"there is no checkout {name!r} for an operator; there are: {known}")
    given: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    cloud = given.get("cloud", {})
    return Platform(
        name=name, origin=given["origin"],
        commits=tuple(Commit(**{**row, "add": tuple(row["add"])}) for row in given["commit"]),
        folders=tuple(given.get("folders", ())), first_night=given.get("first-night", ""),
        combined_log=given.get("combined-log", ""), buckets=tuple(cloud.get("buckets", ())), zones=cloud.get("zones", {}),
    )  # fmt: skip


def files_below(folder: Path) -> Files:
    """All files below a folder, by their real names: `dot.env` is `.env`, `env.py.in` is `env.py`."""
    return {_real(path.relative_to(folder).as_posix()): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _real(path: str) -> str:
    parent, _, name = path.rpartition("/")
    name = name.removesuffix(".in")
    name = name.removeprefix("dot") if name.startswith("dot.") else name
    return f"{parent}/{name}" if parent else name


def write_files(folder: Path, files: Files) -> None:
    """Write them; a script can be executed."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        if is_script(content):
            (folder / path).chmod(0o755)


def is_script(content: bytes) -> bool:
    return content.startswith(b"#!")
