"""`docker compose` on the stack: what it shows, what it does, and its words when it can't."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fakes.commands.containers.project import long_age, size
from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import NOW_S, FakeCluster


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder whose .env names a compose file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "docker-compose.yml").touch()
    (tmp_path / ".env").write_text("COMPOSE_FILE=deploy/docker-compose.yml\n")


def small(cluster: FakeCluster) -> None:
    """Two containers, on ports that do not change."""
    cluster.services = {"risk-manager": cluster.services["risk-manager"] | {"port": 8084}}
    cluster.datastores = {"redis": cluster.datastores["redis"]}


def test_ps_shows_what_runs(cluster: FakeCluster, run: Run) -> None:
    """Names, ages, health and ports as compose shows them; what has ended is left out."""
    small(cluster)
    assert run("docker compose ps") == Ended(
        0,
        "NAME                   IMAGE                      COMMAND          SERVICE        CREATED             STATUS                       PORTS\n"
        'eafix-redis-1          redis                      "redis-server"   redis          About an hour ago   Up About an hour (healthy)   127.0.0.1:16379->16379/tcp\n'
        'eafix-risk-manager-1   eafix/risk-manager:1.0.0   "risk-manager"   risk-manager   About an hour ago   Up 5 minutes (healthy)       127.0.0.1:8084->8084/tcp\n',
        "",
    )
    cluster.kill("risk-manager")
    assert run("docker compose ps --services").out == "redis\n"


def test_ps_all_shows_how_a_container_ended(cluster: FakeCluster, run: Run) -> None:
    """Exit code and age, as far as the stack knows them."""
    cluster.kill("risk-manager")
    rows = [json.loads(line) for line in run("docker compose ps -a --format json risk-manager").out.splitlines()]
    assert [(row["State"], row["Status"]) for row in rows] == [("exited", "Exited (137) 5 seconds ago")]


def test_a_container_that_is_not_ready_is_unhealthy(cluster: FakeCluster, run: Run) -> None:
    """Up, and no use."""
    cluster.services["risk-manager"]["ready"] = False
    assert "Up 5 minutes (unhealthy)" in run("docker compose ps risk-manager").out


def test_restart_waits_and_reports_on_stderr(cluster: FakeCluster, run: Run) -> None:
    """As compose does: it returns when the container is back."""
    assert run("docker compose -f deploy/docker-compose.yml restart risk-manager") == Ended(
        0, "", " Container eafix-risk-manager-1  Restarting\n Container eafix-risk-manager-1  Started\n"
    )
    assert cluster.posts() == [("/services/risk-manager/restart", {"wait": True})]


def test_stop_and_start_leave_alone_what_is_there_already(cluster: FakeCluster, run: Run) -> None:
    """A container that has ended is not stopped again, one that runs is not started again."""
    run("docker compose stop risk-manager")
    run("docker compose stop risk-manager")
    run("docker compose start risk-manager")
    run("docker compose start risk-manager")
    assert [path for path, _ in cluster.posts()] == ["/services/risk-manager/stop", "/services/risk-manager/start"]


def test_down_and_up_stop_and_start_everything(cluster: FakeCluster, run: Run) -> None:
    """Runbook 000: `make docker-down && make docker-up` restarts all services; datastores come first."""
    small(cluster)
    assert run("docker compose down").err == (
        " Container eafix-redis-1  Stopping\n Container eafix-redis-1  Stopped\n"
        " Container eafix-risk-manager-1  Stopping\n Container eafix-risk-manager-1  Stopped\n"
        " Container eafix-redis-1  Removing\n Container eafix-redis-1  Removed\n"
        " Container eafix-risk-manager-1  Removing\n Container eafix-risk-manager-1  Removed\n"
    )
    assert run("docker compose up -d").code == 0
    assert [path for path, _ in cluster.posts()][2:] == ["/datastores/redis/start", "/services/risk-manager/start"]


def test_up_starts_all_services_before_it_awaits_one(cluster: FakeCluster, run: Run) -> None:
    """The gateway is healthy only when the risk manager is: waiting for it first would wait for ever."""
    run("docker compose stop gui-gateway risk-manager")
    before = len(cluster.posts())
    assert run("docker compose up -d gui-gateway risk-manager").code == 0
    assert cluster.posts()[before:] == [
        ("/services/gui-gateway/start", {"wait": False}),
        ("/services/risk-manager/start", {"wait": False}),
        ("/services/gui-gateway/start", {"wait": True}),
        ("/services/risk-manager/start", {"wait": True}),
    ]


def test_up_starts_what_is_missing_only(cluster: FakeCluster, run: Run) -> None:
    """What runs is reported as running; scaling to more than one says what the stack can't do."""
    small(cluster)
    cluster.kill("risk-manager")
    assert run("docker compose up -d --scale risk-manager=3").err == (
        "Warning: this stack runs one process for risk-manager: 1 of 3\n"
        " Container eafix-redis-1  Running\n"
        " Container eafix-risk-manager-1  Starting\n Container eafix-risk-manager-1  Started\n"
    )


def test_down_with_volumes_destroys_the_data(cluster: FakeCluster, run: Run) -> None:
    """Runbook 004:378: the datastores' volumes are deleted, and their containers are gone until they are brought up again."""
    small(cluster)
    run("docker compose down -v")
    assert [path for path, _ in cluster.posts()][-1] == "/datastores/redis/wipe"
    assert run("docker compose ps -a -q").out == ""
    run("docker compose up -d")
    assert run("docker compose ps -a --services").out == "redis\nrisk-manager\n"


def test_scaling_past_a_fixed_port_of_the_host_fails(cluster: FakeCluster, run: Run, tmp_path: Path) -> None:
    """Runbook 001:196: two containers can't have the port that the file gives to the first."""
    file = tmp_path / "deploy" / "docker-compose.yml"
    file.write_text('services:\n  risk-manager:\n    image: x\n    ports: ["127.0.0.1:8084:8084"]\n')
    ended = run("docker compose up -d --scale risk-manager=3")
    assert (ended.code, ended.err.splitlines()[-1].endswith("Bind for 127.0.0.1:8084 failed: port is already allocated")) == (
        1,
        True,
    )
    assert cluster.posts() == []


def test_build_builds_what_the_file_says(cluster: FakeCluster, run: Run, tmp_path: Path) -> None:
    """Nothing without a `build`; with one the image is there afterwards, and a missing Dockerfile fails with 17."""
    assert run("docker compose build") == Ended(0, "", "No services to build\n")
    (tmp_path / "deploy" / "docker-compose.yml").write_text("services:\n  risk-manager:\n    build: ../api  # ours\n")
    (tmp_path / "api").mkdir()
    assert run("docker compose up -d --build").code == 17
    (tmp_path / "api" / "Dockerfile").write_text("FROM python:3.11-slim\n")
    assert run("docker compose build") == Ended(0, "", " risk-manager  Built\n")
    assert "eafix-risk-manager" in run("docker images --format '{{.Repository}}'").out.splitlines()


def test_another_project_has_no_containers(cluster: FakeCluster, run: Run) -> None:
    """`-p` names a project that nobody started: nothing is stopped."""
    assert run("docker compose -p other stop") == Ended(0, "", "")
    assert run("docker compose -p other down").err == 'Warning: No resource found to remove for project "other".\n'
    assert run("docker compose -p other ps").out.split()[0] == "NAME"
    assert cluster.posts() == []


def test_time_stamps_come_before_the_lines(cluster: FakeCluster, run: Run) -> None:
    """A line without a time came with the one before it."""
    small(cluster)
    cluster.logs["redis"] = ["2026-11-21T11:09:10.25Z ready", "and on"]
    assert run("docker compose logs -t --no-log-prefix redis").out == (
        "2026-11-21T11:09:10.250000000Z 2026-11-21T11:09:10.25Z ready\n2026-11-21T11:09:10.250000000Z and on\n"
    )


def test_since_takes_times_too(cluster: FakeCluster, run: Run) -> None:
    """A duration, a time of the day, seconds since 1970; anything else is refused."""
    small(cluster)
    cluster.logs["risk-manager"] = ["2026-11-21T11:00:00Z old", "2026-11-21T11:09:10Z new"]
    for since in ("5m", "2026-11-21T11:05:00", "1795259100"):
        assert run(f"docker compose logs --no-log-prefix --since {since} risk-manager").out == "2026-11-21T11:09:10Z new\n"
    assert run("docker compose logs --since soon").code == 1


def test_logs_of_several_services_are_put_in_order(cluster: FakeCluster, run: Run) -> None:
    """Each line after its service's name, all by time, so that the last lines are the newest."""
    small(cluster)
    cluster.logs["risk-manager"] = [
        "2026-11-21T11:09:00.000Z ERROR risk-manager redis is down",
        "Traceback",
        "2026-11-21T11:09:30.000Z INFO risk-manager redis is there",
    ]
    cluster.logs["redis"] = ["2026-11-21T11:09:10.000Z ready"]
    assert run("docker compose logs --tail=100").out.splitlines() == [
        "risk-manager-1  | 2026-11-21T11:09:00.000Z ERROR risk-manager redis is down",
        "risk-manager-1  | Traceback",
        "redis-1         | 2026-11-21T11:09:10.000Z ready",
        "risk-manager-1  | 2026-11-21T11:09:30.000Z INFO risk-manager redis is there",
    ]
    assert run("docker compose logs --no-log-prefix --tail=1 redis").out == "2026-11-21T11:09:10.000Z ready\n"


@pytest.mark.parametrize(
    ("line", "ended"),
    [
        ("docker compose restart nobody", Ended(1, "", "no such service: nobody\n")),
        ("docker compose frobnicate", Ended(16, "", 'unknown docker command: "compose frobnicate"\n')),
        ("docker compose ps --nope", Ended(16, "", "unknown flag: --nope\n")),
        ("docker compose run redis sh", Ended(3, "", "docker: compose run exists in the real tool, but gameday's stand-in does not offer it\n")),
        ("docker compose up --no-start", Ended(3, "", "docker: compose up --no-start exists in the real tool, but gameday's stand-in does not offer it\n")),
        ("docker compose down --rmi none", Ended(1, "", 'invalid value for --rmi: "none" (legal values are "local", "all")\n')),
        ("docker compose -p Eafix ps", Ended(1, "", 'invalid project name "Eafix": must consist only of lowercase alphanumeric characters, hyphens, and underscores as well as start with a letter or number\n')),
        ("docker compose exec redis ping redis", Ended(127, "", 'OCI runtime exec failed: exec failed: unable to start container process: exec: "ping": executable file not found in $PATH: unknown\n')),
        ("docker compose exec redis bash", Ended(3, "", "docker: bash in a container of redis exists in the real tool, but gameday's stand-in does not offer it\n")),
        ("docker frobnicate", Ended(1, "", "docker: unknown command: docker frobnicate\n\nRun 'docker --help' for more information\n")),
        ("docker run x", Ended(3, "", "docker: run exists in the real tool, but gameday's stand-in does not offer it\n")),
        ("docker stats --nope", Ended(125, "", "unknown flag: --nope\n\nUsage:  docker stats [OPTIONS] [CONTAINER...]\n\nRun 'docker stats --help' for more information\n")),
        ("docker stats --no-stream nobody", Ended(1, "", "Error response from daemon: No such container: nobody\n")),
    ],
)  # fmt: skip
def test_wrong_lines_are_refused_in_the_real_words(cluster: FakeCluster, run: Run, line: str, ended: Ended) -> None:
    """Docker's messages and exit codes; 3 where only the stand-in lacks it."""
    assert run(line) == ended
    assert cluster.posts() == []


def test_a_compose_file_is_needed(cluster: FakeCluster, run: Run, tmp_path: Path) -> None:
    """Named and missing, or not to be found: exit code 14, and nothing is done."""
    missing = tmp_path / "nope.yml"
    assert run(f"docker compose -f {missing} restart") == Ended(14, "", f"open {missing}: no such file or directory\n")
    (tmp_path / ".env").unlink()
    assert run("docker compose restart") == Ended(14, "", "no configuration file provided: not found\n")
    (tmp_path / "compose.yaml").touch()
    os.chdir(tmp_path / "deploy")  # it is looked for upwards
    assert run("docker compose ps").code == 0


def test_a_daemon_that_does_not_answer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker's words for it."""
    monkeypatch.setenv("GAMEDAY_CONTROL", "127.0.0.1:1")
    assert run("docker compose ps") == Ended(
        1, "", "Cannot connect to the Docker daemon at tcp://127.0.0.1:1. Is the docker daemon running?\n"
    )


def test_an_unknown_service_is_refused_by_the_stack(cluster: FakeCluster, run: Run) -> None:
    """What the control API says is the daemon's answer."""
    cluster.answers["POST", "/services/risk-manager/restart"] = (503, {"error": "risk-manager not ready after 20 s"})
    shown = run("docker compose restart risk-manager")
    assert (shown.code, shown.err.splitlines()[-1]) == (1, "Error response from daemon: risk-manager not ready after 20 s")


def test_stats_are_those_of_the_processes(cluster: FakeCluster, run: Run) -> None:
    """Docker's columns, with what /proc says; a container on the host's network has no traffic of its own."""
    small(cluster)
    cluster.services["risk-manager"]["pid"] = os.getpid()
    cluster.kill("redis")
    head, row = run("docker stats --no-stream").out.splitlines()
    assert head.split("   ")[0] == "CONTAINER ID"
    assert row.split()[1] == "eafix-risk-manager-1"
    assert "MiB / " in row
    assert " 0B / 0B " in row


def test_stats_take_the_runbooks_template(cluster: FakeCluster, run: Run) -> None:
    """Runbook 001:327."""
    small(cluster)
    cluster.services["risk-manager"]["pid"] = os.getpid()
    cluster.kill("redis")
    shown = run(r'docker stats --no-stream --format "table {{.Container}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.NetIO}}"')
    head, row = [line.split()[0] for line in shown.out.splitlines()]
    assert (head, len(row)) == ("CONTAINER", 12)
    assert run("docker compose ps -q risk-manager").out.startswith(row)
    assert shown.out.splitlines()[0].split("   ")[-1].strip() == "NET I/O"
    assert run("docker stats --no-stream --format '{{.Name}}: {{.NetIO}}'").out == "eafix-risk-manager-1: 0B / 0B\n"
    assert run("docker stats --no-stream --format '{{.Nope}}'").code == 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "Less than a second"), (1, "1 second"), (59, "59 seconds"), (60, "About a minute"), (300, "5 minutes"), (NOW_S, "About an hour"), (90_000, "25 hours"), (300_000, "3 days")],
)  # fmt: skip
def test_ages_are_written_as_docker_writes_them(seconds: float, text: str) -> None:
    """In words, coarser the older something is."""
    assert long_age(seconds) == text


@pytest.mark.parametrize(
    ("count", "binary", "text"),
    [(0, True, "0B"), (47_500_000, True, "45.3MiB"), (1450, False, "1.45kB"), (25_287_000_000, True, "23.55GiB")],
)
def test_sizes_are_written_as_docker_writes_them(count: int, binary: bool, text: str) -> None:
    """Four digits of powers of 1024, three of powers of 1000."""
    assert size(count, binary=binary) == text
