"""The host's commands on a live stack: what they say they did is done."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.commands import docker, pm2, systemctl
from harness.errors import MissingTool
from harness.tools import find_tools
from tests.fakes.services.live import eventually
from tests.fakes.services.platforms import Platform, booted

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    try:
        find_tools()
    except MissingTool as missing:
        pytest.skip(str(missing))
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None, prefix="gameday-test-") as folder:
        Path(folder).chmod(0o755)
        with booted("ai-trading", Path(folder)) as made:
            yield made


@pytest.fixture(autouse=True)
def workstation(platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout with the two files that the commands go by."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAMEDAY_CONTROL", platform.control.removeprefix("http://"))
    (tmp_path / "docker-compose.yml").write_text("name: ats\nservices:\n")
    (tmp_path / "ecosystem.config.cjs").write_text(
        "module.exports = { apps: [{ name: 'rate-gate', script: 'gate.py', env: { LEVEL: 'debug' } }] };\n"
    )


def pid(platform: Platform, name: str) -> int | None:
    return platform.stack.services[name].pid


def test_docker_restarts_the_container(platform: Platform) -> None:
    """004:92: another process serves Loki's port afterwards."""
    before = pid(platform, "loki")
    assert docker.main(["restart", "loki"]) == 0
    assert pid(platform, "loki") not in (None, before)
    assert platform.get("loki", "/ready").status_code == 200


def test_pm2_gives_the_process_its_new_environment(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """004:333: the key that was rotated and the file's variables are the process's, and the process is a new one."""
    monkeypatch.setenv("ALPHAVANTAGE_API_KEY", "rotated")
    before = pid(platform, "rate-gate")
    assert pm2.main(["restart", "ecosystem.config.cjs", "--update-env"]) == 0
    row = platform.client.get(f"{platform.control}/state").json()["services"]["rate-gate"]
    assert row["environment"].items() >= {"ALPHAVANTAGE_API_KEY": "rotated", "LEVEL": "debug"}.items()
    eventually(lambda: pid(platform, "rate-gate") not in (None, before) or None, within_s=20)


def test_systemd_stops_and_starts_redis_with_its_data(platform: Platform) -> None:
    """004:360-368: gone, and back from its folder."""
    platform.redis().set("kept", "yes")
    assert systemctl.main(["stop", "redis"]) == 0
    assert systemctl.main(["is-active", "--quiet", "redis"]) == 3
    assert not platform.stack.datastores["redis"].running
    assert systemctl.main(["start", "redis"]) == 0
    assert platform.redis().get("kept") == "yes"


def test_down_with_volumes_loses_the_database(platform: Platform) -> None:
    """004:378: what was written before is gone when the stack is up again."""
    platform.sql("CREATE TABLE kept (value integer)")
    assert docker.main(["compose", "down", "-v"]) == 0
    assert not platform.stack.datastores["postgres-primary"].running
    assert docker.main(["compose", "up", "--build", "-d"]) == 0
    assert platform.sql("SELECT count(*) FROM pg_tables WHERE tablename = 'kept'") == [(0,)]
