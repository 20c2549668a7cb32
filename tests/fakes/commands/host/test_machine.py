"""`systemctl`, `ufw`, `sudo`, `grafana-cli` and `ping` on the operator's machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fakes.commands import ping as pinging
from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import FakeCluster


def test_a_datastore_is_stopped_and_started_as_a_unit(cluster: FakeCluster, run: Run) -> None:
    """004:360 and 004:368; what is so already is left alone."""
    assert run("systemctl stop redis") == Ended(0, "", "")
    assert run("systemctl is-active redis.service") == Ended(3, "inactive\n", "")
    assert run("systemctl status redis").code == 3
    run("systemctl stop redis")
    assert run("systemctl start redis").code == 0
    assert [path for path, _ in cluster.posts()] == ["/datastores/redis/stop", "/datastores/redis/start"]


def test_status_tells_what_is_true(cluster: FakeCluster, run: Run) -> None:
    """Running since, or failed, with systemd's marks and exit codes."""
    cluster.datastores["redis"]["pid"] = None
    assert run("systemctl status redis").out.splitlines() == [
        "● redis.service - Advanced key-value store",
        "     Loaded: loaded (/lib/systemd/system/redis.service; enabled; preset: enabled)",
        "     Active: active (running) since Sat 2026-11-21 10:10:00 UTC; 1h 0min ago",
        "   Main PID: 0 (redis-server)",
    ]
    cluster.kill("redis")
    ended = run("systemctl status redis")
    assert (ended.code, ended.out[0]) == (3, "×")
    assert run("systemctl is-failed redis") == Ended(0, "failed\n", "")


def test_nginx_is_installed_where_it_has_a_configuration(cluster: FakeCluster, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """004:290: nothing of the stack is behind it, so that it does not run."""
    monkeypatch.delenv("GAMEDAY_NGINX_CONF", raising=False)
    assert run("systemctl status nginx") == Ended(4, "", "Unit nginx.service could not be found.\n")
    monkeypatch.setenv("GAMEDAY_NGINX_CONF", "/srv/nginx.conf")
    ended = run("systemctl status nginx")
    assert (ended.code, ended.out.splitlines()[-1]) == (3, "     Active: inactive (dead)")
    assert run("systemctl start nginx").code == 3


@pytest.mark.parametrize(
    ("line", "ended"),
    [
        ("systemctl stop nobody", Ended(5, "", "Failed to stop nobody.service: Unit nobody.service not loaded.\n")),
        ("systemctl restart nobody", Ended(5, "", "Failed to restart nobody.service: Unit nobody.service not found.\n")),
        ("systemctl enable nobody", Ended(1, "", "Failed to enable unit: Unit file nobody.service does not exist.\n")),
        ("systemctl reload redis", Ended(1, "", "Failed to reload redis.service: Job type reload is not applicable for unit redis.service.\n")),
        ("systemctl frobnicate", Ended(1, "", "Unknown command verb frobnicate.\n")),
        ("systemctl --nope", Ended(1, "", "systemctl: unrecognized option '--nope'\n")),
        ("systemctl start", Ended(1, "", "Too few arguments.\n")),
        ("systemctl mask redis", Ended(3, "", "systemctl: mask exists in the real tool, but gameday's stand-in does not offer it\n")),
        ("systemctl is-active nobody", Ended(4, "inactive\n", "")),
    ],
)  # fmt: skip
def test_wrong_units_are_refused_in_the_real_words(cluster: FakeCluster, run: Run, line: str, ended: Ended) -> None:
    """systemd's messages and exit codes."""
    assert run(line) == ended
    assert cluster.posts() == []


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMEDAY_ROOT", "1")


@pytest.mark.usefixtures("root")
def test_rules_of_a_firewall_that_is_not_enabled_are_kept_only(cluster: FakeCluster, run: Run) -> None:
    """004:313: the rule is there, and holds nothing back: the firewall is inactive, as ufw itself says."""
    assert run("ufw deny out 443") == Ended(0, "Rules updated\nRules updated (v6)\n", "")
    assert run("ufw deny out 443").out == "Skipping adding existing rule\nSkipping adding existing rule (v6)\n"
    assert run("ufw status").out == "Status: inactive\n"
    assert run("ufw show added").out == "Added user rules (see 'ufw status' for running firewall):\nufw deny out 443\n"
    assert run("ufw delete deny out 443").out == "Rules updated\nRules updated (v6)\n"
    assert run("ufw delete deny out 443").out.startswith("Could not delete non-existent rule\n")
    assert run("ufw enable").code == 3


def test_a_firewall_is_roots(cluster: FakeCluster, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without sudo ufw refuses, after it has read the line."""
    monkeypatch.delenv("GAMEDAY_ROOT", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert run("ufw deny out 443") == Ended(1, "", "ERROR: You need to be root to run this script\n")
    assert run("ufw nope").err.startswith("ERROR: Invalid syntax\n\nUsage: ufw COMMAND\n")


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ufw deny out", "ERROR: Invalid interface clause"),
        ("ufw deny 70000", "ERROR: Bad port"),
        ("ufw deny to any port", "ERROR: Wrong number of arguments"),
        ("ufw deny from 300.1.1.1", "ERROR: Bad source address"),
        ("ufw allow 10:20", "ERROR: Must specify 'tcp' or 'udp' with multiple ports"),
        ("ufw allow proto tcp", "ERROR: Need 'to' or 'from' clause"),
    ],
)
def test_wrong_rules_are_refused(cluster: FakeCluster, run: Run, line: str, message: str) -> None:
    """In ufw's words."""
    assert run(line) == Ended(1, "", message + "\n")


def test_sudo_runs_the_rest_as_root_with_little_of_the_environment(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GAMEDAY_ROOT tells ufw; what the operator exported is gone, unless -E keeps it."""
    monkeypatch.setenv("DATABASE_URL", "there")
    show = f'{sys.executable} -S -c \'import os; print(os.environ.get("GAMEDAY_ROOT"), os.environ.get("DATABASE_URL"), os.environ.get("A"))\''
    assert run(f"sudo A=1 {show}").out == "1 None 1\n"
    assert run(f"sudo -nE -u root {show}").out == "1 there None\n"
    assert run("sudo false").code == 1
    assert run("sudo no-such-command") == Ended(1, "", "sudo: no-such-command: command not found\n")
    assert run("sudo -u postgres true").code == 3
    assert run("sudo -9").err.startswith("sudo: invalid option -- '9'\nusage: sudo")


def test_grafana_has_no_such_command(run: Run) -> None:
    """002:221: there is no import-dashboard; what there is needs a Grafana."""
    ended = run("grafana-cli admin import-dashboard monitoring/dashboards/system.json")
    assert (ended.code, ended.out) == (1, "grafana: 'import-dashboard' is not a grafana command. See 'grafana --help'.\n")
    assert run("grafana-cli frobnicate").code == 1
    assert run("grafana-cli --homepath /usr/share/grafana admin reset-admin-password x").code == 3
    assert "reset-admin-password" in run("grafana-cli admin").out
    assert run("grafana-cli --nope plugins ls").out.startswith("Incorrect Usage: flag provided but not defined: -nope")


def test_ping_without_the_right_to_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As iputils does in a sandbox, before it looks the name up."""

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("socket.socket", refused)
    assert run("ping -c 1 redis") == Ended(
        2,
        "",
        "ping: socktype: SOCK_RAW\nping: socket: Operation not permitted\nping: => missing cap_net_raw+p capability or setuid?\n",
    )


def test_ping_counts_what_came_back(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of two: half is lost, and that is enough for 0; none is 1."""
    answers = iter([0.001, None, None])
    monkeypatch.setattr(pinging, "_socket", lambda: None)
    monkeypatch.setattr(pinging, "_once", lambda *_: next(answers))
    ended = run("ping -c 2 -i 0 127.0.0.1")
    assert (ended.code, "2 packets transmitted, 1 received, 50% packet loss" in ended.out) == (0, True)
    assert run("ping -c 1 127.0.0.1").code == 1
    assert run("ping").err == "ping: usage error: Destination address required\n"
    assert run("ping -Z x").code == 2
