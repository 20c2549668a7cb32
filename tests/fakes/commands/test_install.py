"""What lands on an operator's PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fakes
from fakes.commands import install
from fakes.commands.entry import Failure
from fakes.commands.install import install_commands
from fakes.commands.make import read_rules


def ran(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env={"PATH": str(folder)}, cwd="/", capture_output=True, text=True, check=False)


def test_stand_ins_start_from_anywhere_with_nothing_but_their_launcher(tmp_path: Path) -> None:
    """Also when the folder or an argument holds blanks and quotes: arguments arrive as they were given."""
    folder = tmp_path / "a folder's bin"
    install_commands(folder, sys.executable, {})
    ended = ran(folder, str(folder / "kubectl"), 'it\'s "that"')
    assert (ended.returncode, ended.stderr) == (1, 'error: unknown command "it\'s "that"" for "kubectl"\n')
    assert ran(folder, str(folder / "eafix-cli")).returncode == 2


def test_nothing_of_the_pythons_environment_gets_in(tmp_path: Path) -> None:
    """A module of the same name beside the operator, or a PYTHONPATH, changes nothing."""
    install_commands(tmp_path / "bin", sys.executable, {})
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": "/nowhere"}
    ended = subprocess.run(
        [str(tmp_path / "bin" / "docker"), "nope"], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.stderr == "docker: unknown command: docker nope\n\nRun 'docker --help' for more information\n"


def test_real_programs_are_linked_but_never_in_place_of_a_stand_in(tmp_path: Path) -> None:
    """Whatever kubectl the machine has, the operator of a drill does not get it."""
    real = tmp_path / "real"
    real.write_text("#!/bin/sh\necho real\n")
    real.chmod(0o755)
    install_commands(tmp_path / "bin", sys.executable, {"psql": real, "kubectl": real})
    assert ran(tmp_path, str(tmp_path / "bin" / "psql")).stdout == "real\n"
    assert "python" in (tmp_path / "bin" / "kubectl").read_text()


def test_a_missing_tool_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the shell's own exit code for a command that is not found."""
    monkeypatch.setattr(install, "NEEDED", ("no-such-tool",))
    install_commands(tmp_path, sys.executable, {})
    ended = ran(Path("/bin"), str(tmp_path / "no-such-tool"))
    assert (ended.returncode, ended.stderr) == (
        127,
        "no-such-tool: not found on this machine; `gameday doctor` tells how to get it\n",
    )


def test_installing_again_changes_nothing(tmp_path: Path) -> None:
    """A folder that is there already is made right."""
    install_commands(tmp_path, sys.executable, {"jq": Path("/bin/sh")})
    install_commands(tmp_path, sys.executable, {"jq": Path("/bin/true")})
    assert (tmp_path / "jq").resolve() == Path("/bin/true").resolve()
    assert os.access(tmp_path / "docker", os.X_OK)


def test_what_runs_in_a_sandbox_is_compiled_ahead_of_a_read_only_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every module of the stand-ins with those in subfolders, the services, and what carries drills out."""
    project, there = Path(fakes.__file__).parents[1], tmp_path / "project"
    for name in ("fakes/commands", "fakes/services", "harness/runbooks"):
        shutil.copytree(project / name, there / name, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(fakes, "__file__", str(there / "fakes/__init__.py"))
    install.compile_commands()
    sources = {path.relative_to(there).with_suffix("") for path in there.rglob("*.py")}
    compiled = {path.parent.parent.relative_to(there) / path.name.partition(".")[0] for path in there.rglob("*.pyc")}
    assert compiled == sources


MAKEFILE = Path(install.__file__).parents[1] / "workstation/eafix/checkout/Makefile"


def make_like(tmp_path: Path, tool: str, target: str, cli_exit: int) -> tuple[int, str, str]:
    """Runs a target with the real make or the stand-in, beside an eafix-cli that ends with this exit code."""
    folder = tmp_path / target
    folder.mkdir()
    (folder / "Makefile").write_text(MAKEFILE.read_text() + "\ntwo-steps:\n\techo one\n\t@exit 7\n")
    (folder / "eafix-cli").write_text(f'#!/bin/sh\necho "called $@"\nexit {cli_exit}\n')
    (folder / "eafix-cli").chmod(0o755)
    launcher = (
        [tool]
        if tool == "make"
        else [sys.executable, "-c", "import sys; from fakes.commands.make import main; sys.exit(main(sys.argv[1:]))"]
    )
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "PYTHONPATH": str(Path(install.__file__).parents[2])}
    ended = subprocess.run([*launcher, target], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize(
    "tool", ["stand-in", pytest.param("make", marks=pytest.mark.skipif(not shutil.which("make"), reason="no make here"))]
)
def test_make_and_its_stand_in_do_and_say_the_same(tmp_path: Path, tool: str) -> None:
    """Both read the workstation's Makefile; what they print, and how a failing recipe or an unknown target ends them, is alike."""
    assert make_like(tmp_path, tool, "smoke", 0) == (0, "called test smoke\n", "")
    line = MAKEFILE.read_text().splitlines().index("contracts-validate-full:") + 2
    assert make_like(tmp_path, tool, "contracts-validate-full", 1) == (
        2, "called contracts validate --full\n", f"make: *** [Makefile:{line}: contracts-validate-full] Error 1\n",
    )  # fmt: skip
    last = len(MAKEFILE.read_text().splitlines()) + 4
    assert make_like(tmp_path, tool, "two-steps", 0) == (
        2,
        "echo one\none\n",
        f"make: *** [Makefile:{last}: two-steps] Error 7\n",
    )
    assert make_like(tmp_path, tool, "frobnicate", 0) == (2, "", "make: *** No rule to make target 'frobnicate'.  Stop.\n")


def test_the_documents_targets_are_there() -> None:
    """Runbooks 000 and 001 call these."""
    named = {"smoke", "docker-build", "docker-up", "docker-down", "contracts-validate-full"}
    assert set(read_rules(MAKEFILE.read_text())) == named


@pytest.mark.parametrize("makefile", ["all: smoke\n\techo\n", "CC := gcc\n", "all:\n\techo $(CC)\n", "include other.mk\n"])
def test_what_the_stand_in_for_make_cannot_read_it_refuses(makefile: str) -> None:
    """Never half of a Makefile: prerequisites, variables and includes are the real tool's."""
    with pytest.raises(Failure, match="exists in the real tool, but gameday's stand-in does not offer it") as refused:
        read_rules(makefile)
    assert refused.value.code == 3
