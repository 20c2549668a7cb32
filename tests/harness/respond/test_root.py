"""Where documented paths lead."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.respond.platform import read_platform
from harness.respond.root import link_root, make_root, mapped_paths


def test_a_sandboxs_root_leads_to_the_workstation(tmp_path: Path) -> None:
    """What is missing there is linked, whole folders where that is possible; what is there stays, and a second time changes nothing."""
    root, machine, redis = tmp_path / "root", tmp_path / "machine", tmp_path / "redis-data"
    nginx = tmp_path / "nginx.conf"
    make_root(root, read_platform("ai-trading"), {"/var/lib/redis": redis, "/etc/nginx/nginx.conf": nginx}, lambda text: text)
    (machine / "var/log").mkdir(parents=True)
    (machine / "etc").mkdir()
    (machine / "var/log/syslog").write_text("kept")
    link_root(root, machine)
    link_root(root, machine)
    assert (machine / "etc/nginx/nginx.conf").readlink() == nginx
    assert (machine / "var/lib").readlink() == root / "var/lib"
    assert (machine / "var/lib/redis").readlink() == redis
    assert (machine / "var/log/postgres-backup.log").readlink() == root / "var/log/postgres-backup.log"
    assert (machine / "var/log/syslog").read_text() == "kept"


def test_a_root_that_cannot_be_written_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names both ends."""

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    make_root(tmp_path / "root", read_platform("eafix"), {}, lambda text: text)
    monkeypatch.setattr(Path, "symlink_to", refuse)
    with pytest.raises(HarnessError, match=r"backups could not be made to lead to .*root/backups: Read-only file system"):
        link_root(tmp_path / "root", tmp_path)


@pytest.mark.parametrize(
    ("command", "mapped"),
    [
        ("ls /backups/x.tar.gz", "ls /w/backups/x.tar.gz"),
        ('F="/backups/eafix-full-${D}.tar.gz"', 'F="/w/backups/eafix-full-${D}.tar.gz"'),
        ("0 2 * * * /scripts/backup-full.sh", "0 2 * * * /w/scripts/backup-full.sh"),
        ("./scripts/backup-postgres.sh", "./scripts/backup-postgres.sh"),
        ("echo x >> /logs/dr-drill-results.log", "echo x >> /w/logs/dr-drill-results.log"),
        ("tail -50 /var/log/postgres-backup.log", "tail -50 /w/var/log/postgres-backup.log"),
        ("tail /var/log/syslog", "tail /var/log/syslog"),
        ("cp a /var/lib/redis/", "cp a /w/var/lib/redis/"),
        ("ls /backups-old /srv/backups https://x/logs", "ls /backups-old /srv/backups https://x/logs"),
        ("aws s3 cp a s3://b/logs", "aws s3 cp a s3://b/logs"),
    ],
)
def test_documented_paths_in_commands_are_mapped(command: str, mapped: str) -> None:
    """Whole paths only; what merely ends or begins alike stays."""
    assert mapped_paths(command, Path("/w")) == mapped
