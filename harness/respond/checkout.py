"""The operator's checkout: a real git repository with a history, cloned from a bare copy that stands for its public address.

    <folder>/remotes/NAME.git   what `git clone https://github.com/...` reaches, by `insteadOf` in the operator's ~/.gitconfig
    <folder>/checkout           its clone

Without git on the machine the checkout is a plain folder.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from harness.errors import HarnessError
from harness.respond.described import described, described_earlier
from harness.respond.platform import Commit, Files, Platform, is_script, write_files
from scenarios.model import Stack

OPERATOR = ("Operator On Call", "operator@gameday.example")
_MAIN = "refs/heads/main"
_HOUR_S = 3600.0


def make_checkout(
    folder: Path, home: Path, stack: Stack, platform: Platform, *, git: Path | None, now_s: float, adapted: Callable[[str], str]
) -> None:
    """Make `folder/checkout`, anew if it is there. `adapted` is applied to its scripts. Raises OSError, HarnessError."""
    checkout = folder / "checkout"
    shutil.rmtree(checkout, ignore_errors=True)
    files = {**with_adapted_scripts(platform.checkout(), adapted), **described(stack)}
    if git is None:
        write_files(checkout, files)
        return
    bare = folder / "remotes" / platform.origin.rpartition("/")[2]
    shutil.rmtree(bare, ignore_errors=True)
    bare.parent.mkdir(parents=True, exist_ok=True)
    (home / ".gitconfig").write_text(_configuration(bare, platform.origin), encoding="utf-8")
    _git(git, home, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(bare))
    stream = b"".join(_stream(platform, files, described_earlier(stack), now_s))
    _git(git, home, "-C", str(bare), "fast-import", "--quiet", given=stream)
    _git(git, home, "clone", "--quiet", "--template=", platform.origin, str(checkout))


def with_adapted_scripts(files: Files, adapted: Callable[[str], str]) -> Files:
    """The files, each script with what `adapted` makes of it."""
    return {path: adapted(content.decode()).encode() if is_script(content) else content for path, content in files.items()}


def _configuration(bare: Path, origin: str) -> str:
    return (
        f"[user]\n\tname = {OPERATOR[0]}\n\temail = {OPERATOR[1]}\n"
        "[init]\n\tdefaultBranch = main\n[safe]\n\tdirectory = *\n"
        f'[url "{bare}"]\n\tinsteadOf = {origin}\n'
    )


def _git(git: Path, home: Path, *arguments: str, given: bytes = b"") -> None:
    """Run git with no other configuration than the operator's."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1"}
    ended = subprocess.run([str(git), *arguments], input=given, env=environment, capture_output=True, check=False, cwd=home)
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip()
        raise HarnessError(f"the operator's checkout could not be made: git {arguments[0]}: {said}. Is git installed whole?")


def _stream(platform: Platform, files: Files, earlier: Files, now_s: float) -> Iterator[bytes]:
    """All commits in the format of `git fast-import`."""
    for mark, commit in enumerate(platform.commits, start=1):
        branch = f"refs/heads/{commit.branch}" if commit.branch else _MAIN
        stamp = int(now_s - commit.hours_ago * _HOUR_S)
        yield f"commit {branch}\nmark :{mark}\nauthor {commit.author} {stamp} +0000\n".encode()
        yield f"committer {commit.author} {stamp} +0000\n".encode() + _data(f"{commit.message}\n".encode())
        if commit.branch:
            yield f"from {_MAIN}\n".encode()
        for path, content in _added(platform, commit, files, earlier).items():
            yield f"M {'100755' if is_script(content) else '100644'} inline {path}\n".encode() + _data(content)
        if commit.tag:
            yield f"reset refs/tags/{commit.tag}\nfrom :{mark}\n\n".encode()


def _added(platform: Platform, commit: Commit, files: Files, earlier: Files) -> Files:
    old = {**earlier, **platform.earlier(commit.earlier)} if commit.earlier else {}
    chosen = (path for path in files if any(fnmatchcase(path, pattern) for pattern in commit.add))
    return {path: old.get(path, files[path]) for path in chosen}


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)
