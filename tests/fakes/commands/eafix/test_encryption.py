"""Certificates of the cluster, and backups as they lie there."""

from __future__ import annotations

import base64
import gzip
import io
import os
import shutil
import socket
import ssl
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.services import certificates
from fakes.services.certificates import Key
from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import EPOCH_S, NOW_S, FakeCluster

CHECK = "eafix-cli certificates check --expiring-within=30d"
VERIFY = "eafix-cli backup verify-encryption --latest"


@pytest.fixture
def objects(cluster: FakeCluster) -> list[dict[str, Any]]:
    """The cluster's other objects, to be filled by a test."""
    found: list[dict[str, Any]] = []

    def answer(query: str, _body: Any) -> tuple[int, Any]:
        kind = query.removeprefix("kind=")
        return 200, {"objects": [each for each in found if not query or each["kind"] == kind]}

    cluster.answers["GET", "/objects"] = answer
    return found


def _certificate(name: str, ends: str | None) -> dict[str, Any]:
    return {"kind": "Certificate", "metadata": {"name": name}, "status": {"notAfter": ends} if ends else {}}


def test_a_stack_without_certificates_says_so(objects: list[dict[str, Any]], run: Run) -> None:
    """That is no failure; a senseless time is a usage error."""
    assert run(CHECK) == Ended(0, "no certificate in this stack\n", "")
    assert run("eafix-cli certificates check --expiring-within=a month").code == 2


def test_certificates_near_their_end_are_told(objects: list[dict[str, Any]], run: Run) -> None:
    """Past it, within the time, beyond it, and never issued."""
    objects += [_certificate("old", "2026-11-20T11:10:00Z"), _certificate("near", "2026-12-21T11:09:00Z")]
    objects += [_certificate("far", "2027-11-21T11:10:00Z"), _certificate("new", None), _certificate("odd", "tomorrow")]
    assert run(CHECK) == Ended(
        1,
        "FAIL  certificate default/old: ends 2026-11-20T11:10:00Z, 1.0 days ago\n"
        "FAIL  certificate default/near: ends 2026-12-21T11:09:00Z, in 30.0 days\n"
        "ok    certificate default/far: ends 2027-11-21T11:10:00Z, in 365.0 days\n"
        "FAIL  certificate default/new: not issued: no notAfter\n"
        "FAIL  certificate default/odd: its end can't be read\n",
        "",
    )
    objects[:] = [_certificate("near", "2026-12-21T11:09:00Z")]
    assert run("eafix-cli certificates check --expiring-within=29d").code == 0


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
def test_the_certificate_in_a_secret_is_read(objects: list[dict[str, Any]], run: Run, tmp_path: Path) -> None:
    """A real one, by openssl; what is none is told, and so is an ingress whose secret is missing."""
    made = [str(tmp_path / "key"), str(tmp_path / "crt")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-days", "10", "-subj", "/CN=eafix", "-keyout"]
    subprocess.run([*command, made[0], "-out", made[1]], check=True, capture_output=True)
    data = {"tls.crt": base64.b64encode(Path(made[1]).read_bytes()).decode()}
    objects.append({"kind": "Secret", "metadata": {"name": "tls", "namespace": "web"}, "data": data})
    ended = run(CHECK)
    days = (time.time() + 10 * 86400 - EPOCH_S - NOW_S) / 86400
    assert (ended.code, ended.out.startswith("FAIL  secret web/tls: ends 20")) == (0 if days > 30 else 1, days <= 30)
    objects.append({"kind": "Secret", "metadata": {"name": "bad"}, "data": {"tls.crt": "!"}})
    objects.append({"kind": "Ingress", "metadata": {"name": "www"}, "spec": {"tls": [{"secretName": "tls"}]}})
    ended = run(CHECK)
    assert "FAIL  secret default/bad: its tls.crt is no certificate\n" in ended.out
    assert "FAIL  ingress default/www: its certificate is missing: there is no secret tls\n" in ended.out


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
def test_the_certificate_that_the_ingress_shows_is_read(
    cluster: FakeCluster, objects: list[dict[str, Any]], run: Run, tmp_path: Path
) -> None:
    """Over TLS, for each host name; an ingress that is down shows none, and that isn't well."""
    key = Key.new()
    (tmp_path / "key").write_text(key.pem())
    (tmp_path / "crt").write_text(certificates.server(["api.example.com"], key, issuer="CA", issuer_key=Key.new(), days=90))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    now_s = time.time()
    cluster.services["ingress"] = {**cluster.services["gui-gateway"]}
    ingress = {"name": "www", "namespace": "web", "hosts": {"api.example.com": "gui-gateway"}}
    cluster.answers["GET", "/state"] = lambda _query, _body: (
        200,
        cluster.state() | {"ingress": ingress, "now_s": 0.0, "epoch_s": now_s},
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        cluster.services["ingress"]["port"] = listener.getsockname()[1]
        serving = threading.Thread(target=_shake_hands, args=(listener, context, 2))
        serving.start()
        ended = run(CHECK)
        assert (ended.code, ended.out.startswith("ok    ingress api.example.com: ends 2")) == (0, True)
        assert run("eafix-cli certificates check --expiring-within=91d").code == 1
        serving.join()
    ended = run(CHECK)
    assert (ended.code, ended.out) == (1, "FAIL  ingress api.example.com: shows none: Connection refused\n")


def _shake_hands(listener: socket.socket, context: ssl.SSLContext, times: int) -> None:
    for _ in range(times):
        connection, _ = listener.accept()
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(1)


@pytest.fixture
def backups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: FakeCluster) -> Callable[[str, bytes], Path]:
    """Adds a backup that is newer than those before."""
    folder = tmp_path / "backups"
    folder.mkdir()
    monkeypatch.setenv("GAMEDAY_BACKUPS", str(folder))
    made: list[Path] = []

    def add(name: str, content: bytes) -> Path:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        made.append(path)
        os.utime(path, (1000 + len(made), 1000 + len(made)))
        return path

    return add


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("a"))
    return buffer.getvalue()


def test_the_newest_backup_decides(backups: Callable[[str, bytes], Path], run: Run) -> None:
    """Whatever it is called and in whatever folder: only what it begins with counts."""
    assert run(VERIFY).err.startswith("eafix-cli: no backup in ")
    for name, content, code, seen in (
        ("eafix-full-1.tar.gz", gzip.compress(b"x"), 1, "NOT encrypted: a gzip archive"),
        ("eafix-full-2.tar.gz", b"Salted__12345678", 0, "encrypted by openssl enc"),
        ("postgres/dump.enc", b"PGDMP\x01", 1, "NOT encrypted: a dump of pg_dump"),
        ("full.age", b"age-encryption.org/v1\n", 0, "encrypted by age"),
        ("full.tar", _tar(), 1, "NOT encrypted: a tar archive"),
        ("empty", b"", 1, "NOT encrypted: it is empty"),
        ("odd", b"\x01\x02", 1, "NOT encrypted: it does not begin as openssl, age or gpg begin an encrypted file"),
    ):
        path = backups(name, content)
        assert run(VERIFY) == Ended(code, f"{'FAIL' if code else 'ok  '}  {path}: {seen}\n", "")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
def test_what_openssl_encrypts_is_recognised(backups: Callable[[str, bytes], Path], run: Run) -> None:
    """The real program's own file."""
    made = subprocess.run(["openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-pass", "pass:x"], input=b"data", capture_output=True, check=True)  # fmt: skip
    backups("full.enc", made.stdout)
    assert run(VERIFY).code == 0


def test_all_backups_are_not_offered(cluster: FakeCluster, run: Run) -> None:
    """Said, rather than answered for the newest alone."""
    assert run("eafix-cli backup verify-encryption").code == 3
