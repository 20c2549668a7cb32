"""What the scripts for sites say of the control API's answers, and how they end."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PLATFORM = Path(__file__).parents[3] / "fakes/workstation/eafix"
SITE = {"active": False, "fenced": True, "reachable": False, "database": "postgres-primary", "running": []}
DR = {"active": True, "fenced": False, "reachable": True, "database": "postgres-dr", "running": ["postgres-dr", "redis-dr"]}
ANSWERS: dict[str, tuple[int, object]] = {
    "GET /sites": (200, {"primary": SITE, "dr": DR}),
    "POST /sites/primary/fence": (200, {**SITE, "done": None}),
    "POST /sites/primary/stop": (503, {"error": "no answer from the site primary"}),
    "POST /sites/primary/switch": (200, {**SITE, "done": "0/5000148"}),
    "POST /sites/mars/fence": (404, {"error": "no site mars; there are primary and dr"}),
    "POST /sites/dr/activate": (200, {**DR, "done": "postgres-dr takes writes"}),
    "POST /sites/dr/restore": (200, {**DR, "done": {"last_commit": "2026-11-21T09:30:00+00:00"}}),
}


class Api(BaseHTTPRequestHandler):
    """Answers as above; a platform at one place answers 409 to everything."""

    alone = False

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = ANSWERS.get(f"{self.command} {self.path}", (404, {"error": "not found"}))
        status, body = (409, {"error": "no second site"}) if self.alone else found
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = _answer

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(params=["two", "one"])
def control(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Api,), {"alone": request.param == "one"}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield request.param, f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("script", "arguments", "code", "said"),
    [
        ("checkout/scripts/site.sh", "status", 0, "dr: in charge, answers; runs: postgres-dr, redis-dr"),
        ("checkout/scripts/site.sh", "status primary", 1, "primary: not in charge, does not answer, fenced; runs: nothing"),
        ("checkout/scripts/site.sh", "status mars", 1, "no site mars; there are primary, dr"),
        ("checkout/scripts/site.sh", "fence primary", 0, "primary is fenced"),
        ("checkout/scripts/site.sh", "fence mars", 1, "no site mars; there are primary and dr"),
        ("checkout/scripts/site.sh", "stop primary", 1, "no answer from the site primary"),
        ("checkout/scripts/site.sh", "switch primary", 0, "primary is in charge: all up to 0/5000148"),
        ("checkout/scripts/activate-dr-site.sh", "", 0, "the site dr is up: postgres-dr takes writes"),
        (
            "root/scripts/restore-from-backup.sh",
            "--latest --site=dr",
            0,
            "its newest transaction is of 2026-11-21T09:30:00+00:00",
        ),
    ],
)
def test_a_site_that_answers_and_a_platform_that_has_one(
    control: tuple[str, str], tmp_path: Path, script: str, arguments: str, code: int, said: str
) -> None:
    """Where there is one place alone every verb says that there is no second site, with the exit code of what is not offered."""
    sites, address = control
    (tmp_path / "scripts").symlink_to(PLATFORM / "root/scripts")
    environment = {**os.environ, "GAMEDAY_CONTROL": address, "GAMEDAY_MACHINE": str(tmp_path)}
    ran = subprocess.run(
        ["bash", str(PLATFORM / script), *arguments.split()],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    expected = (code, said) if sites == "two" else (3, "no second site")
    assert (ran.returncode, expected[1] in ran.stdout + ran.stderr) == (expected[0], True), ran.stdout + ran.stderr


def test_bad_usage_is_one_sentence() -> None:
    """Exit code 2, and nothing is asked."""
    environment = {**os.environ, "GAMEDAY_CONTROL": "127.0.0.1:1", "GAMEDAY_MACHINE": str(PLATFORM / "root")}
    for arguments in ((), ("burn", "primary"), ("fence",), ("fence", "a", "b")):
        command = ["bash", str(PLATFORM / "checkout/scripts/site.sh"), *arguments]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
        assert (ran.returncode, "usage: site.sh status" in ran.stderr) == (2, True), ran.stderr
