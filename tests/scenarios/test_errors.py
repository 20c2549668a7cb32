from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from scenarios.errors import InvalidInput, Problem, shown


def test_a_problem_reads_like_a_compilers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Editors and people click on file:line:column; a path below the current folder is shown from there."""
    monkeypatch.chdir("/usr")
    assert str(Problem(Path("/usr/bin/a.yaml"), 3, 7, "unknown key 'x'")) == "bin/a.yaml:3:7: unknown key 'x'"
    assert str(Problem(Path("/etc/a.yaml"), 0, 0, "there is no such file")) == "/etc/a.yaml: there is no such file"
    assert shown(Path("a.yaml")) == "a.yaml"


def test_invalid_input_says_all_problems_and_survives_pickling() -> None:
    """One line each; a drill is prepared in one process and carried out in another."""
    error = InvalidInput([Problem(Path("a"), 1, 2, "x"), Problem(Path("b"), 3, 4, "y")])
    assert str(error) == "a:1:2: x\nb:3:4: y"
    assert pickle.loads(pickle.dumps(error)).problems == error.problems
