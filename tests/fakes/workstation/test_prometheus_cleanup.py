"""prometheus-cleanup.sh asks before it deletes, and says when it may not."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from aiohttp import web

from harness.monitor.api import Api
from harness.monitor.serving import Serving
from harness.respond.platform import PLACE
from harness.respond.shell import Ran, run_block
from tests.harness.monitor.stages import Pages, Stage, rule

pytestmark = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="no curl or jq here")
SCRIPT = PLACE / "eafix/root/scripts/prometheus-cleanup.sh"


async def cleaned(port: int, retention: str, folder: Path) -> Ran:
    """The script's run against a Prometheus on this port."""
    environment = {"PATH": "/usr/bin:/bin", "EAFIX_PROMETHEUS": f"127.0.0.1:{port}"}
    return await run_block(f"bash {SCRIPT} --retention={retention}", environment=environment, folder=folder, limit_s=20)


def after_20_s(retention: str, folder: Path) -> Ran:
    """Against the embedded monitor, 20 s after its first scrape."""

    async def play() -> Ran:
        stage = Stage([rule("up == 0")], Pages(a="x 0.25\n"))
        await stage.play(20)
        api = Api(stage.monitor, 0)
        await api.start()
        try:
            return await cleaned(api.port, retention, folder)
        finally:
            await api.stop()

    return asyncio.run(play())


def test_what_is_young_is_left_alone(tmp_path: Path) -> None:
    """A drill's metrics are minutes old."""
    ran = after_20_s("30d", tmp_path)
    assert (ran.exit_code, ran.output) == (0, "nothing is older than 30d: nothing to delete\n")


def test_a_prometheus_that_does_not_delete_is_a_failure(tmp_path: Path) -> None:
    """There are older samples, and the admin API is off, as it is unless somebody switches it on."""
    ran = after_20_s("5s", tmp_path)
    assert ran.exit_code == 1
    assert "samples older than 5s, and Prometheus does not delete them (HTTP 404): its admin API is off" in ran.output


def test_old_samples_are_deleted_up_to_the_retention(tmp_path: Path) -> None:
    """What it asks a Prometheus with an admin API: everything that is older than 30 days before its own time."""
    asked: list[tuple[str, str]] = []

    async def query(request: web.Request) -> web.Response:
        if request.query["query"] == "time()":
            return web.json_response({"status": "success", "data": {"resultType": "scalar", "result": [1, "2592100"]}})
        return web.json_response({"status": "success", "data": {"result": [{"metric": {}, "value": [1, "7"]}]}})

    async def delete(request: web.Request) -> web.Response:
        asked.append((request.query["match[]"], request.query["end"]))
        return web.Response(status=204)

    async def forget(_: web.Request) -> web.Response:
        return web.Response(status=204)

    async def run() -> Ran:
        app = web.Application()
        app.router.add_get("/api/v1/query", query)
        app.router.add_post("/api/v1/admin/tsdb/delete_series", delete)
        app.router.add_post("/api/v1/admin/tsdb/clean_tombstones", forget)
        serving = Serving("a Prometheus", "127.0.0.1", 0)
        await serving.start(app)
        try:
            return await cleaned(serving.port, "30d", tmp_path)
        finally:
            await serving.stop()

    ran = asyncio.run(run())
    assert (ran.exit_code, ran.output) == (0, "deleted samples older than 30d of 7 series\n")
    assert asked == [('{__name__=~".+"}', "100.000")]
