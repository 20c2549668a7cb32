"""`docker` on single containers and on images: what it shows, what it does, and its words when it can't."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import FakeCluster


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loki(cluster: FakeCluster) -> None:
    """A container of something that is no part of the cluster, and nothing else."""
    cluster.services = {
        "loki": cluster.services["risk-manager"] | {"deployment": None, "compose": "loki", "port": 3100, "image": "grafana/loki"}
    }
    cluster.datastores = {}
    for verb in ("start", "stop", "restart"):
        cluster.answers["POST", f"/services/loki/{verb}"] = lambda _query, _body: (200, {})


def test_a_container_outside_the_cluster_is_restarted_by_its_plain_name(cluster: FakeCluster, run: Run) -> None:
    """Runbook 004:92; the name is printed once it is done."""
    loki(cluster)
    assert run("docker restart loki") == Ended(0, "loki\n", "")
    assert cluster.posts() == [("/services/loki/restart", {"wait": True})]


def test_what_there_is_not_doesnt_keep_the_others(cluster: FakeCluster, run: Run) -> None:
    """As docker: each is tried, and the code is 1."""
    loki(cluster)
    assert run("docker restart nobody loki") == Ended(1, "loki\n", "Error response from daemon: No such container: nobody\n")


def test_ps_shows_what_runs(cluster: FakeCluster, run: Run) -> None:
    """Docker's columns; with --all what has ended too; filters and templates."""
    loki(cluster)
    head, row = run("docker ps").out.splitlines()
    assert head.split("  ")[0] == "CONTAINER ID"
    assert row.split("   ")[-1] == "loki"
    assert run("docker ps --format '{{.Names}} {{.State}}'").out == "loki running\n"
    cluster.kill("loki")
    assert run("docker ps -q").out == ""
    assert run("docker container ls -a --filter status=exited --format '{{.Status}}'").out == "Exited (137) 5 seconds ago\n"
    assert run("docker ps --format '{{.Nope}}'") == Ended(
        1,
        "",
        'failed to execute template: template: :1:2: executing "" at <.Nope>: can\'t evaluate field Nope in type *formatter.ContainerContext\n',
    )


def test_what_is_removed_is_gone_until_it_comes_back(cluster: FakeCluster, run: Run) -> None:
    """A running container is only removed by force."""
    loki(cluster)
    assert run("docker rm loki").code == 1
    cluster.kill("loki")
    assert run("docker rm loki") == Ended(0, "loki\n", "")
    assert run("docker ps -aq").out == ""
    assert run("docker start loki").err == "Error response from daemon: No such container: loki\n"


def test_kill_needs_something_that_runs(cluster: FakeCluster, run: Run) -> None:
    """It stops what runs, and fails on what doesn't."""
    loki(cluster)
    assert run("docker kill loki").code == 0
    cluster.kill("loki")
    assert "is not running" in run("docker kill loki").err


def test_inspect_tells_the_state(cluster: FakeCluster, run: Run) -> None:
    """As JSON, or through a template."""
    loki(cluster)
    assert json.loads(run("docker inspect loki").out)[0]["Config"]["Image"] == "grafana/loki:1.0.0"
    assert run("docker inspect -f '{{.State.Status}} {{json .State.Health}}' loki").out == 'running {"Status":"healthy"}\n'
    assert run("docker inspect nobody") == Ended(1, "[]\n", "Error: No such object: nobody\n")


def test_logs_of_one_container(cluster: FakeCluster, run: Run) -> None:
    """Without a prefix; a tail that is no number means all."""
    cluster.logs["redis"] = ["2026-11-21T11:00:00Z one", "2026-11-21T11:09:10Z two"]
    assert run("docker logs -n 1 eafix-redis-1").out == "2026-11-21T11:09:10Z two\n"
    assert len(run("docker logs --tail all eafix-redis-1").out.splitlines()) == 2


def test_ping_is_not_in_a_slim_image(cluster: FakeCluster, run: Run) -> None:
    """Of a datastore, whose image is known. Runbook 001:113 asks a service: what is in its image only its platform knows."""
    asked = run("docker exec eafix-risk-manager-1 ping redis")
    assert (asked.code, "gameday's stand-in does not offer it" in asked.err) == (3, True)
    assert run("docker exec eafix-risk-manager-1 no-such-program").code == 127
    ended = run("docker exec eafix-redis-1 ping redis")
    assert (ended.code, ended.err) == (
        127,
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "ping": executable file not found in $PATH: unknown\n',
    )
    assert run("docker exec -e A=b -w /x eafix-risk-manager-1 ping").code == 3


def test_an_image_is_built_kept_tagged_and_not_pushed(cluster: FakeCluster, run: Run, folder: Path) -> None:
    """Runbook 003:393-394: it builds; the registry is out of reach."""
    tag = "ghcr.io/epic1st/trading-engine-api:v1.2.1-hotfix"
    assert run(f"docker push {tag}").err == "An image does not exist locally with the tag: ghcr.io/epic1st/trading-engine-api\n"
    (folder / "Dockerfile").write_text("FROM python:3.11-slim\nCOPY app /app\n")
    assert '"/app": not found' in run(f"docker build -t {tag} .").err
    (folder / "app").mkdir()
    (folder / "app" / "main.py").write_text("print()\n")
    assert run(f"docker build -t {tag} .").code == 0
    assert run(f"docker tag {tag} api:latest").code == 0
    listed = run("docker images --format '{{.Repository}}:{{.Tag}}'").out.splitlines()
    assert {tag, "api:latest"} <= set(listed)
    assert run(f"docker push {tag}") == Ended(
        1,
        "The push refers to repository [ghcr.io/epic1st/trading-engine-api]\n",
        'Get "https://ghcr.io/v2/": dial tcp: lookup ghcr.io: no such host\n',
    )
    assert run(f"docker rmi {tag}").out == f"Untagged: {tag}\n"
    assert run(f"docker rmi {tag}").code == 1


@pytest.mark.parametrize(
    ("line", "code", "first"),
    [
        ("docker ps x", 1, "docker: 'docker ps' accepts no arguments"),
        ("docker logs", 1, "docker: 'docker logs' requires 1 argument"),
        ("docker restart", 1, "docker: 'docker restart' requires at least 1 argument"),
        ("docker exec x", 1, "docker: 'docker exec' requires at least 2 arguments"),
        ("docker tag a", 1, "docker: 'docker tag' requires 2 arguments"),
        ("docker images a b", 1, "docker: 'docker images' requires at most 1 argument"),
        ("docker restart -t x y", 125, 'invalid argument "x" for "-t, --timeout" flag: strconv.ParseInt: parsing "x": invalid syntax'),
        ("docker logs -n", 125, "flag needs an argument: 'n' in -n"),
        ("docker --nope", 125, "unknown flag: --nope"),
        ("docker build -t X .", 125, 'invalid argument "X" for "-t, --tag" flag: invalid reference format: repository name (library/X) must be lowercase'),
        ("docker tag a B::", 1, 'Error parsing reference: "B::" is not a valid repository/tag: invalid reference format: repository name (library/B) must be lowercase'),
        ("docker build .", 1, "ERROR: failed to build: failed to solve: failed to read dockerfile: open Dockerfile: no such file or directory"),
        ("docker network nope", 1, "docker: unknown command: docker network nope"),
        ("docker network ls", 3, "docker: network ls exists in the real tool, but gameday's stand-in does not offer it"),
        ("docker pull redis:7", 1, 'Error response from daemon: Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host'),
    ],
)  # fmt: skip
def test_wrong_lines_are_refused_in_the_real_words(cluster: FakeCluster, run: Run, line: str, code: int, first: str) -> None:
    """Docker 28.2's messages and exit codes, taken from the program itself; 3 where only the stand-in lacks it."""
    ended = run(line)
    assert (ended.code, ended.err.splitlines()[0]) == (code, first)
    assert cluster.posts() == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "file with no instructions"),
        ("RUN true\n", "no build stage in current context"),
        ("FROM a\nFROBNICATE\n", "dockerfile parse error on line 2: unknown instruction: FROBNICATE"),
        ("FROM a\nRUN one && \\\n  two\nCOPY nothing /\n", '"/nothing": not found'),
    ],
)
def test_a_dockerfile_is_read(cluster: FakeCluster, run: Run, folder: Path, text: str, message: str) -> None:
    """What is wrong in it fails the build, and no image is kept."""
    (folder / "Dockerfile").write_text(text)
    ended = run("docker build -t api .")
    assert (ended.code, message in ended.err) == (1, True)
    assert run("docker images -q api").out == ""
