"""The Python of an operator's workstation, and the real programs that come with it: `python`, `aws`, `alembic`.

It is an environment of its own: all that this project's own one has installed, and nothing of the project itself.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import sys
from pathlib import Path

_OURS = ("scenarios", "fakes", "harness", "sim", "reports", "gameday")
_ANCHORS = ("psycopg", "redis", "httpx", "alembic", "awscli")  # where these are installed, there the others are
_ENTRIES = {
    "aws": "import sys; from awscli.clidriver import main; sys.exit(main())",
    "alembic": "import sys; sys.argv[0] = 'alembic'; from alembic.config import main; sys.exit(main(prog='alembic'))",
}
_PACKAGES = {"aws": "awscli", "alembic": "alembic"}


def install_python(commands: Path, folder: Path, python: str) -> None:
    """Make the environment in `folder`, anew if it is there, and its launchers in `commands`. Raises OSError."""
    shutil.rmtree(folder, ignore_errors=True)
    real = Path(python).resolve()
    packages = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (folder / "bin").mkdir(parents=True)
    packages.mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text(f"home = {real.parent}\ninclude-system-site-packages = false\n", encoding="utf-8")
    interpreter = folder / "bin" / "python"
    interpreter.symlink_to(real)
    _link_packages(packages)
    for command in ("python", "python3"):
        write_launcher(commands / command, f'exec {shlex.quote(str(interpreter))} "$@"')
    for command, code in _ENTRIES.items():
        if importlib.util.find_spec(_PACKAGES[command]) is not None:
            write_launcher(commands / command, f'exec {shlex.quote(str(interpreter))} -I -c {shlex.quote(code)} "$@"')


def _link_packages(packages: Path) -> None:
    places = {
        Path(spec.origin).parents[1] for name in _ANCHORS if (spec := importlib.util.find_spec(name)) is not None and spec.origin
    }
    for place in places:
        for package in place.iterdir():
            if _allowed(package.name) and not os.path.lexists(packages / package.name):
                (packages / package.name).symlink_to(package)


def _allowed(name: str) -> bool:
    return not (
        name in _OURS or name.startswith(("gameday-", "__editable__", "_editable_impl")) or name.endswith((".pth", ".egg-link"))
    )


def write_launcher(path: Path, line: str) -> None:
    """A command that is one line of sh."""
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)
