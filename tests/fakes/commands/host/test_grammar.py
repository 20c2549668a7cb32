"""The stand-ins' grammars against what the real tools say of themselves, recorded with their versions in tests/fakes/commands/grammar."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fakes.commands import docker, nginx, pm2, systemctl, ufw, wscat
from fakes.commands.containers import compose

RECORDED = Path(__file__).parents[1] / "grammar"


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text())


def test_docker_has_exactly_the_recorded_commands() -> None:
    """Beside them only `help`, which docker has and doesn't list."""
    assert set(docker.REAL) - {"help"} == set(recorded("docker")["commands"])
    for group, names in recorded("docker")["groups"].items():
        assert set(names) <= {*docker._GROUPS.get(group, {}), *docker._GROUPS_REAL[group]}
    assert {flag.name for flag in docker._GLOBAL} - {"help"} == set(recorded("docker")["global"]) - {"help"}


@pytest.mark.parametrize("verb", sorted(docker.VERBS))
def test_dockers_verbs_have_exactly_the_recorded_flags(verb: str) -> None:
    """With their letters, and whether a value follows. `build` has those of BuildKit beside."""
    real = recorded("docker")["verbs"][verb]
    ours = {flag.name: [flag.short, flag.kind == "switch"] for flag in docker.VERBS[verb].flags}
    buildkit = {"load", "push", "progress", "secret", "ssh"} if verb == "build" else set()
    assert {name: facts for name, facts in ours.items() if name not in buildkit} == {
        name: [short, not kind] for name, (short, kind) in real["flags"].items()
    }
    assert docker.VERBS[verb].usage == real["usage"]


def docker_here() -> str | None:
    """The docker of this machine, when it is one of the version that was recorded or later."""
    found = shutil.which("docker")
    if found:
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
        version = re.search(r"version (\d+)", said)
        return found if version and int(version[1]) >= 28 else None
    return None


@pytest.mark.skipif(docker_here() is None, reason="no docker 28 or later on this machine")
@pytest.mark.parametrize("verb", ["ps", "logs", "exec", "restart", "inspect", "stats", "images", "push"])
def test_the_docker_of_this_machine_still_has_our_flags(verb: str) -> None:
    """The record has not gone stale. No engine is asked: an older one would hide flags that it does not know."""
    alone = {**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock"}
    said = subprocess.run([str(docker_here()), verb, "--help"], capture_output=True, text=True, check=False, env=alone).stdout
    assert {flag.name for flag in docker.VERBS[verb].flags} <= set(re.findall(r"--([\w-]+)", said))


@pytest.mark.parametrize("verb", sorted(recorded("compose")["verbs"]))
def test_composes_verbs_have_the_recorded_flags(verb: str) -> None:
    """At least those: releases since have added some, and none was taken away."""
    ours = {flag.name: (flag.short, flag.kind == "switch") for flag in compose.VERBS[verb].flags}
    for text in recorded("compose")["verbs"][verb].split():
        names, equals, _ = text.partition("=")
        short, _, name = names.rpartition(",")
        assert (name, ours.get(name)) == (name, (short, not equals))


def test_compose_knows_every_command() -> None:
    """What it does not do it says is real."""
    assert set(recorded("compose")["commands"]) <= {*compose.VERBS, *compose._REAL, "version"}


def test_pm2_has_exactly_the_recorded_options_and_commands() -> None:
    """Names, and whether a value follows."""
    real = recorded("pm2")
    assert {name: kind for name, kind in pm2.OPTIONS.items() if name != "--help"} == {
        name: kind for name, kind in real["options"].items() if name != "--help"
    }
    assert real["logs"] == pm2.LOGS_OPTIONS
    assert set(real["verbs"]) <= {*pm2.OFFERED, *pm2.REAL}
    long_ones = {"autoinstall", "deepUpdate", "startOrGracefulReload"}  # pm2's own help leaves some out
    assert {*pm2.OFFERED, *pm2.REAL} - long_ones <= set(real["verbs"])


def test_wscat_has_exactly_the_recorded_options() -> None:
    """Names, letters, and what follows."""
    real = {name: (letter, value) for name, (letter, value) in recorded("wscat")["options"].items()}
    assert {name: (letter, value) for name, (letter, value, _) in wscat.OPTIONS.items()} == real


def test_ufw_and_nginx_say_of_themselves_what_the_real_ones_say() -> None:
    """Their help texts, to the letter; and ufw offers or knows every command in its own."""
    assert ufw._USAGE.strip() == (RECORDED / "ufw.txt").read_text().strip()
    assert nginx._HELP.strip() == (RECORDED / "nginx.txt").read_text().strip()
    commands = {row.split()[0] for row in ufw._USAGE.splitlines() if row.startswith(" ")}
    assert commands <= {*ufw._ACTIONS, *ufw.REAL, "delete", "status", "show", "disable", "reload", "version"}


def test_systemctl_knows_every_command_and_option_of_the_recorded_one() -> None:
    """What it does not offer it says is real."""
    assert set(recorded("systemctl")["verbs"]) <= {*systemctl._OFFERED, *systemctl.REAL}
    assert set(recorded("systemctl")["options"]) <= {*systemctl._SWITCHES, *systemctl._REAL_OPTIONS}
