"""What is read of a platform's data."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.respond.platform import files_below, read_platform, write_files


@pytest.mark.parametrize("name", ["eafix", "trading-engine", "ai-trading"])
def test_every_file_of_a_checkout_is_in_a_commit(name: str) -> None:
    """What no commit on main adds would be missing from the clone, and nobody would see why."""
    platform = read_platform(name)
    patterns = [pattern for commit in platform.commits if not commit.branch for pattern in commit.add]
    assert [path for path in platform.checkout() if not any(fnmatchcase(path, pattern) for pattern in patterns)] == []


@pytest.mark.parametrize("name", ["eafix", "trading-engine", "ai-trading"])
def test_commits_stand_in_the_order_in_which_they_were_made(name: str) -> None:
    """The oldest first, the newest within the last day: 001:133 looks for it."""
    hours = [commit.hours_ago for commit in read_platform(name).commits]
    assert hours == sorted(hours, reverse=True)
    assert 0 < hours[-1] < 24


def test_an_unknown_platform_is_one_sentence() -> None:
    """A stack file that names a checkout that there is not."""
    with pytest.raises(HarnessError, match=r"no checkout 'nope' .* there are: ai-trading, eafix, trading-engine"):
        read_platform("nope")


def test_names_that_the_house_cannot_have_are_given_back(tmp_path: Path) -> None:
    """A .gitignore of a checkout would be our own's, and a program of it one of our modules."""
    for name in ("dot.gitignore", "tools/run.py.in", "plain.txt", "dotted"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert sorted(files_below(tmp_path)) == [".gitignore", "dotted", "plain.txt", "tools/run.py"]


def test_scripts_can_be_executed(tmp_path: Path) -> None:
    """What begins with #!, and nothing else."""
    write_files(tmp_path, {"a/run.sh": b"#!/bin/sh\n", "b.txt": b"text"})
    assert [(tmp_path / name).stat().st_mode & 0o111 != 0 for name in ("a/run.sh", "b.txt")] == [True, False]
