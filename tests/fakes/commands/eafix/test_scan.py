"""What a scan finds and removes: really there before, really gone after."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.eafix.conftest import Books
from tests.fakes.commands.fake_cluster import FakeCluster

pytestmark = [pytest.mark.real, pytest.mark.skipif(shutil.which("git") is None, reason="no git here")]
CLEAN = (
    "".join(f"ok    {place}: nothing found\n" for place in ("programs", "processes", "users", "sessions", "key files"))
    + "clean\n"
)


def _git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=olga", "-c", "user.email=olga@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working copy with one program, where the operator is; the home folder is beside it."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "deploy.sh").write_text("true\n")
    (folder / "deploy.sh").chmod(0o755)
    (folder / "readme").write_text("password: none here\n")
    _git(folder, "init")
    _git(folder, "add", ".")
    _git(folder, "commit", "-m", "all")
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def services(cluster: FakeCluster) -> FakeCluster:
    """Each service is one process, as the control API tells."""
    for row in cluster.services.values():
        _runs(cluster, row["pid"], 1)
    return cluster


def _runs(cluster: FakeCluster, pid: int, processes: int) -> None:
    cluster.answers["GET", f"/usage/{pid}"] = (200, {"usage": [0.1, 1000, 0, 0, processes]})


def test_a_clean_platform_is_clean(services: FakeCluster, run: Run, books: Books, checkout: Path) -> None:
    """A file that git doesn't know is no finding unless it is a program."""
    (checkout / "notes").write_text("text")
    assert run("eafix-cli security scan") == Ended(0, CLEAN, "")
    assert run("eafix-cli security scan --everything").code == 2


def test_programs_that_git_does_not_know_are_left_to_people(
    services: FakeCluster, run: Run, books: Books, checkout: Path
) -> None:
    """Changed ones and new ones; nothing of the working copy is deleted."""
    (checkout / "deploy.sh").write_text("false\n")
    (checkout / "new prog.sh").write_text("true\n")
    (checkout / "new prog.sh").chmod(0o755)
    ended = run("eafix-cli security scan --remove-threats")
    assert (ended.code, ended.out.splitlines()[:2]) == (
        1,
        [
            "FAIL  programs: deploy.sh is a program that was changed: left: a person has to judge",
            "FAIL  programs: new prog.sh is a program that git does not know: left: a person has to judge",
        ],
    )
    assert (checkout / "new prog.sh").exists()


def test_what_cannot_be_looked_at_is_not_clean(
    cluster: FakeCluster, run: Run, books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No working copy, or processes that can't be seen: NOT scanned, exit code 1."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    cluster.services["gui-gateway"]["pid"] = None
    ended = run("eafix-cli security scan")
    assert ended.code == 1
    assert "FAIL  programs: NOT scanned: fatal: not a git repository" in ended.out
    assert "FAIL  processes: NOT scanned: the process of gui-gateway can't be seen from here\n" in ended.out
    assert ended.out.endswith("2 findings left\n")


def test_a_process_under_a_service_is_found(services: FakeCluster, run: Run, books: Books, checkout: Path) -> None:
    """A service is one process. It is not an operator's to end, so it is left to people."""
    _runs(services, services.services["gui-gateway"]["pid"], 3)
    ended = run("eafix-cli security scan --remove-threats")
    said = "FAIL  processes: gui-gateway is one process, and 2 more run under it: left: a person has to judge\n"
    assert (ended.code, said in ended.out) == (1, True)


def test_users_and_tokens_from_nowhere_are_shut_out(services: FakeCluster, run: Run, books: Books, checkout: Path) -> None:
    """What the trail knows nothing of: a user, a role, a token; afterwards they are locked, revoked, and written down."""
    books.sql("INSERT INTO users (user_id, role, password_hash, created_at_s) VALUES ('eve', 'operator', '!', 9)")
    books.sql("UPDATE users SET role = 'operator' WHERE user_id = 'trader-1'")
    tokens = "('eves', 'eve', 'a', 9), ('trader-2s', 'trader-2', 'b', 9), ('trader-1s', 'trader-1', 'c', 9)"
    books.sql(f"INSERT INTO api_tokens (name, user_id, token_hash, issued_at_s) VALUES {tokens}")
    books.sql("INSERT INTO audit_log (at_s, event_type, actor, address, action, target, outcome) SELECT 9, 'login_succeeded', 'trader-1', 'a', 'log in', token_id::text, 'ok' FROM api_tokens WHERE name = 'trader-1s'")  # fmt: skip
    ended = run("eafix-cli security scan")
    assert ended.code == 1
    assert [line for line in ended.out.splitlines() if line.startswith("FAIL")] == [
        "FAIL  users: user eve was created by nobody that the audit trail knows: found",
        "FAIL  users: user trader-1 has the role operator, and was given: role trader: found",
        "FAIL  sessions: token eves of eve was issued by nobody that the audit trail knows: found",
        "FAIL  sessions: token trader-2s of trader-2 was issued by nobody that the audit trail knows: found",
    ]
    assert books.sql("SELECT count(*) FROM users WHERE locked_at_s IS NOT NULL") == [(0,)]
    ended = run("eafix-cli security scan --remove-threats")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "clean")
    assert books.sql("SELECT user_id FROM users WHERE locked_at_s IS NOT NULL ORDER BY 1") == [("eve",), ("trader-1",)]
    assert books.sql("SELECT name FROM api_tokens WHERE revoked_at_s IS NULL") == [("nightly-export",)]
    found = books.sql("SELECT action, target FROM audit_log WHERE event_type = 'threat_removed' ORDER BY entry")
    assert [row[0] for row in found] == ["lock user", "lock user", "revoke token"]
    assert run("eafix-cli security scan") == Ended(0, CLEAN, "")


def test_secrets_that_everybody_may_read_are_closed(services: FakeCluster, run: Run, books: Books, checkout: Path) -> None:
    """By what they hold, not by their names alone; closed means for the owner alone."""
    (checkout / ".env").write_text("COMPOSE_FILE=a.yml\n")
    (checkout / "tls.key").write_text("-----BEGIN RSA PRIVATE KEY-----\n")
    (checkout / "tls.key").chmod(0o644)
    (checkout / ".env.production").write_text("# of the database\nexport DB_PASSWORD=x\n")
    (checkout / ".env.production").chmod(0o640)
    (checkout.parent / "home/.pgpass").write_text("localhost:5432:eafix_prod:eafix:x\n")
    (checkout.parent / "home/.pgpass").chmod(0o600)
    ended = run("eafix-cli security scan")
    assert (ended.code, "FAIL  key files: tls.key holds a secret, and everybody may read it: found\n" in ended.out) == (1, True)
    assert ".env" not in ended.out
    assert ".pgpass" not in ended.out
    (checkout.parent / "home/.pgpass").chmod(0o644)
    (checkout / ".env.production").chmod(0o644)
    ended = run("eafix-cli security scan --remove-threats")
    assert ended.out.splitlines()[-4:] == [
        "ok    key files: .env.production holds a secret, and everybody may read it: for its owner alone now",
        "ok    key files: tls.key holds a secret, and everybody may read it: for its owner alone now",
        "ok    key files: ../home/.pgpass holds a secret, and everybody may read it: for its owner alone now",
        "clean",
    ]
    assert [oct(path.stat().st_mode)[-3:] for path in (checkout / "tls.key", checkout.parent / "home/.pgpass")] == ["600", "600"]
