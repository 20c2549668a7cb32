"""bash and ShellCheck are asked, and carry nothing out."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.lint.programs import _program, ask_bash, ask_shellcheck


def test_bash_tells_the_line() -> None:
    """Of what it cannot read; nothing of what it can."""
    assert [(each.line, "unexpected token" in each.message) for each in ask_bash("echo a\nfi\n")] == [(2, True)]
    assert ask_bash("if true; then echo a; fi\n") == []


def test_shellcheck_tells_line_code_and_level() -> None:
    """As it says them."""
    (only,) = [each for each in ask_shellcheck("echo a\nif [ 5 > 3 ]; then echo b; fi\n") if each.level == "error"]
    assert (only.line, only.code) == (2, 2071)


def test_nothing_is_carried_out(tmp_path: Path) -> None:
    """Not the commands, not substitutions, not a file that the text names."""
    trap = tmp_path / "trap.sh"
    trap.write_text(f"touch {tmp_path}/sourced\n")
    script = f"touch {tmp_path}/run\necho $(touch {tmp_path}/substituted)\n# shellcheck source={trap}\nsource {trap}\n"
    ask_bash(script)
    ask_shellcheck(script)
    assert [each.name for each in tmp_path.iterdir()] == ["trap.sh"]


def test_the_environment_of_the_caller_is_not_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """BASH_ENV would be carried out before anything is read; SHELLCHECK_OPTS would change what is found."""
    (tmp_path / "env.sh").write_text(f"touch {tmp_path}/carried-out\n")
    monkeypatch.setenv("BASH_ENV", str(tmp_path / "env.sh"))
    monkeypatch.setenv("SHELLCHECK_OPTS", "--exclude=SC2071")
    ask_bash("echo a\n")
    assert not (tmp_path / "carried-out").exists()
    assert 2071 in {each.code for each in ask_shellcheck("if [ 5 > 3 ]; then echo b; fi\n")}


def test_a_program_that_is_missing_is_told() -> None:
    """The rule then breaks down, which is a finding and no pass."""
    with pytest.raises(FileNotFoundError, match="no-such-program is not on this machine"):
        _program("no-such-program")
