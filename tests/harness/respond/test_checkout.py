"""The operator's repository: what git itself says of it."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.respond.checkout import make_checkout
from harness.respond.platform import read_platform
from harness.respond.shell import Ran, run_block
from harness.respond.workstation import Workstation
from scenarios.model import Stack
from tests.harness.respond.operators import STACK, workstation

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="no git here")


def runs(station: Workstation, block: str) -> Ran:
    return asyncio.run(run_block(block, environment=station.environment, folder=station.checkout, limit_s=20))


def at_the_trading_system(tmp_path: Path) -> Workstation:
    """A workstation of the AI Trading System with one process under pm2."""
    services = {name: service.model_copy(update={"pm2": "api"}) for name, service in STACK.services.items() if service.inside}
    return workstation(tmp_path, stack=STACK.model_copy(update={"checkout": "ai-trading", "services": services}))


def test_the_checkout_is_clean_and_has_a_history(tmp_path: Path) -> None:
    """001:133 finds commits of the last day; nothing is changed or untracked; the operator has a name."""
    station = workstation(tmp_path)
    assert runs(station, "git status --short").output == ""
    recent = runs(station, 'git log --oneline --since="24 hours ago"').output.splitlines()
    everything = runs(station, "git log --oneline").output.splitlines()
    assert 0 < len(recent) < len(everything)
    assert runs(station, "git tag; git config user.name").output == "v0.9.0\nv1.0.0\nOperator On Call\n"


def test_the_hotfix_can_be_checked_out(tmp_path: Path) -> None:
    """001:185: a branch of its own, with another version in it."""
    station = workstation(tmp_path)
    ran = runs(station, "git checkout -q hotfix/incident-fix && cat VERSION && git checkout -q main && cat VERSION")
    assert ran.output == "1.0.1\n1.0.0\n"


def test_the_earlier_configuration_can_be_brought_back(tmp_path: Path) -> None:
    """004:189-192: a copy is kept, and the commit before the newest has other contents."""
    station = at_the_trading_system(tmp_path)
    ran = runs(
        station,
        "cp ecosystem.config.cjs ecosystem.config.backup.cjs && git checkout HEAD~1 -- ecosystem.config.cjs && "
        "diff ecosystem.config.backup.cjs ecosystem.config.cjs",
    )
    assert '<       "max_memory_restart": "1G",' in ran.output
    assert '>       "max_memory_restart": "512M",' in ran.output


def test_the_documents_clone_works_without_a_network(tmp_path: Path) -> None:
    """004:374: the public address leads to a bare copy; what is committed and pushed goes there too."""
    station = at_the_trading_system(tmp_path)
    ran = runs(
        station,
        "git clone -q https://github.com/banky420star/sb1-dapxyzdb.git recovery && cd recovery && test -x scripts/deployment-verification.sh "
        "&& echo change >>README.md && git commit -qam change && git push -q && cd .. && git pull -q && tail -1 README.md",
    )
    assert (ran.exit_code, ran.output) == (0, "change\n")


def test_a_commit_of_nothing_fails_as_it_does_anywhere(tmp_path: Path) -> None:
    """002:738 commits without adding anything."""
    ran = runs(workstation(tmp_path), 'git commit -m "Update security procedures based on incident 7"')
    assert ran.exit_code == 1
    assert "nothing to commit, working tree clean" in ran.output


def test_the_workstation_can_be_made_again(tmp_path: Path) -> None:
    """What an operator changed is gone."""
    station = workstation(tmp_path)
    (station.checkout / "VERSION").write_text("changed")
    workstation(tmp_path)
    assert (station.checkout / "VERSION").read_text() == "1.0.0\n"


def test_without_git_the_checkout_is_a_plain_folder(tmp_path: Path) -> None:
    """The files are there all the same."""
    stack: Stack = STACK
    make_checkout(tmp_path, tmp_path, stack, read_platform("eafix"), git=None, now_s=0.0, adapted=lambda text: text)
    assert (tmp_path / "checkout/Makefile").is_file()
    assert (tmp_path / "checkout/deploy/compose/docker-compose.yml").is_file()
    assert not (tmp_path / "checkout/.git").exists()


def test_a_git_that_fails_is_one_sentence(tmp_path: Path) -> None:
    """With what it said."""
    broken = tmp_path / "git"
    broken.write_text("#!/bin/sh\necho 'no templates' >&2\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(HarnessError, match=r"checkout could not be made: git init: no templates\. Is git installed whole\?"):
        make_checkout(tmp_path, tmp_path, STACK, read_platform("eafix"), git=broken, now_s=0.0, adapted=lambda text: text)
