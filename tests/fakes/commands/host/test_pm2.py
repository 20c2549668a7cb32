"""`pm2` on the stack's services."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import FakeCluster

FILE = """
// what pm2 runs
module.exports = {
  apps: [
    { name: "risk-manager", script: 'risk.py', env: { LIMIT: 5, MODE: "live", }, env_staging: { MODE: 'test' } },
    { name: "signal-generator", script: "signals.py" },
  ],
};
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("USER", "ops")
    monkeypatch.setenv("PM2_HOME", "/home/ops/.pm2")
    (tmp_path / "ecosystem.config.cjs").write_text(FILE)
    return tmp_path


def test_status_is_the_table_of_pm2(cluster: FakeCluster, run: Run) -> None:
    """004:33, and without colours 004:222: in pm2's columns, with what is true; 0 for what has ended."""
    cluster.kill("signal-generator")
    assert run("pm2 status --no-color") == Ended(
        0,
        "┌────┬─────────────────────┬─────────────┬─────────┬─────────┬──────────┬────────┬──────┬───────────┬──────────┬──────────┬──────────┬──────────┐\n"
        "│ id │ name                │ namespace   │ version │ mode    │ pid      │ uptime │ ↺    │ status    │ cpu      │ mem      │ user     │ watching │\n"
        "├────┼─────────────────────┼─────────────┼─────────┼─────────┼──────────┼────────┼──────┼───────────┼──────────┼──────────┼──────────┼──────────┤\n"
        "│ 1  │ risk-manager        │ default     │ 1.0.0   │ fork    │ 1003     │ 5m     │ 0    │ online    │ 0%       │ 0b       │ ops      │ disabled │\n"
        "│ 0  │ signal-generator    │ default     │ 1.0.0   │ fork    │ 0        │ 0      │ 0    │ errored   │ 0%       │ 0b       │ ops      │ disabled │\n"
        "└────┴─────────────────────┴─────────────┴─────────┴─────────┴──────────┴────────┴──────┴───────────┴──────────┴──────────┴──────────┴──────────┘\n",
        "",
    )


def test_restart_by_file_restarts_each_with_the_files_environment(
    cluster: FakeCluster, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """004:40, 004:333: the variables of the file, and the operator's API keys, reach the services."""
    monkeypatch.setenv("BROKER_API_KEY", "new")
    ended = run("pm2 restart ecosystem.config.cjs --update-env")
    assert (ended.code, ended.out.splitlines()[:2]) == (
        0, ["[PM2] Applying action restartProcessId on app [risk-manager](ids: [ 1 ])", "[PM2] [risk-manager](1) ✓"],
    )  # fmt: skip
    assert cluster.posts() == [
        ("/services/risk-manager/configure", {"environment": {"BROKER_API_KEY": "new", "LIMIT": "5", "MODE": "live"}, "cause": "pm2 restart"}),
        ("/services/signal-generator/configure", {"environment": {"BROKER_API_KEY": "new"}, "cause": "pm2 restart"}),
    ]  # fmt: skip


def test_what_does_not_change_is_only_restarted(cluster: FakeCluster, run: Run) -> None:
    """The second time nothing is configured; reload prints no list."""
    run("pm2 restart ecosystem.config.cjs")
    ended = run("pm2 reload ecosystem.config.cjs")
    assert [path for path, _ in cluster.posts()][-2:] == ["/services/risk-manager/restart", "/services/signal-generator/restart"]
    assert len(ended.out.splitlines()) == 4


def test_by_name_the_environment_is_left_alone_unless_it_is_asked_for(
    cluster: FakeCluster, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --update-env the variables that the process has are taken from the operator's environment."""
    cluster.services["risk-manager"]["environment"] = {"MODE": "live"}
    monkeypatch.setenv("MODE", "test")
    assert run("pm2 restart risk-manager").out.startswith("Use --update-env to update environment variables\n")
    assert cluster.posts() == [("/services/risk-manager/restart", {"wait": False})]
    run("pm2 restart risk-manager --update-env")
    assert cluster.posts()[1:] == [
        ("/services/risk-manager/configure", {"environment": {"MODE": "test"}, "cause": "pm2 restart"})
    ]


def test_another_set_of_variables(cluster: FakeCluster, run: Run) -> None:
    """`--env staging` lays env_staging over env; --only leaves the others alone."""
    run("pm2 restart ecosystem.config.cjs --env staging --only risk-manager")
    assert [body["environment"] for _, body in cluster.posts()] == [{"LIMIT": "5", "MODE": "test"}]


def test_deleted_processes_come_back_by_the_file(cluster: FakeCluster, run: Run) -> None:
    """Until then pm2 doesn't know them."""
    run("pm2 delete signal-generator")
    assert run("pm2 restart signal-generator").err == "[PM2][ERROR] Process or Namespace signal-generator not found\n"
    assert "[PM2] App [signal-generator] launched (1 instances)" in run("pm2 start ecosystem.config.cjs").out
    assert run("pm2 id signal-generator").out == "[ 0 ]\n"


def test_a_process_of_the_file_that_the_stack_has_not_fails(cluster: FakeCluster, run: Run, folder: Path) -> None:
    """Its script is looked for; one that is there is still no process of this stack."""
    (folder / "x.config.cjs").write_text("module.exports = { apps: [ { name: 'x', script: 'x.py' } ] }")
    assert run("pm2 start x.config.cjs") == Ended(
        1, "[PM2][WARN] Applications x not running, starting...\n", f"[PM2][ERROR] Error: Script not found: {folder / 'x.py'}\n"
    )
    (folder / "x.py").touch()
    assert run("pm2 start x.config.cjs").code == 3


def test_stop_and_start(cluster: FakeCluster, run: Run) -> None:
    """A stopped process is told apart from one that ended by itself."""
    assert "│ stopped   │" in run("pm2 stop risk-manager").out
    assert run("pm2 start risk-manager").out.splitlines()[2] == "[PM2] Process successfully started"
    assert [path for path, _ in cluster.posts()] == ["/services/risk-manager/stop", "/services/risk-manager/start"]


def test_describe_and_env(cluster: FakeCluster, run: Run) -> None:
    """004:37; unknown names end with 1."""
    cluster.services["risk-manager"]["environment"] = {"MODE": "live"}
    shown = run("pm2 describe risk-manager").out
    assert shown.startswith(" Describing process with id 1 - name risk-manager \n┌")
    assert "│ status         │ online " in shown
    assert run("pm2 describe nobody") == Ended(1, "", "[PM2][WARN] nobody doesn't exist\n")
    assert run("pm2 env 1").out == "MODE: live\n"
    assert run("pm2 env 99") == Ended(1, "", "[PM2][ERROR] Modules with id 99 not found\n")


def test_logs_of_all_with_their_heads(cluster: FakeCluster, run: Run) -> None:
    """004:34: the last lines of each; names are cut as pm2 cuts them."""
    cluster.logs["signal-generator"] = ["one", "two", "three"]
    shown = run("pm2 logs --nostream --lines 2").out.splitlines()
    assert shown[0] == "[TAILING] Tailing last 2 lines for [all] processes (change the value with --lines option)"
    assert shown[-4:] == [
        "0|signal-g | two",
        "0|signal-g | three",
        "",
        "/home/ops/.pm2/logs/signal-generator-error.log last 2 lines:",
    ]
    assert (
        run("pm2 logs nobody --nostream").out
        == "[TAILING] Tailing last 15 lines for [nobody] process (change the value with --lines option)\n"
    )


def test_jlist_is_json(cluster: FakeCluster, run: Run) -> None:
    """For jq."""
    cluster.services["risk-manager"]["restarts"] = 4
    assert [(row["name"], row["pm2_env"]["restart_time"]) for row in json.loads(run("pm2 jlist").out)] == [
        ("risk-manager", 4),
        ("signal-generator", 0),
    ]
    run("pm2 reset risk-manager")
    assert json.loads(run("pm2 jlist").out)[0]["pm2_env"]["restart_time"] == 0


def test_a_list_that_differs_from_the_saved_one_is_told(cluster: FakeCluster, run: Run) -> None:
    """Until it is saved again."""
    run("pm2 save")
    assert "App risk-manager differs" in run("pm2 delete risk-manager").err
    run("pm2 save")
    assert run("pm2 ls").err == ""


@pytest.mark.parametrize(
    ("line", "ended"),
    [
        ("pm2 restart nobody", Ended(1, "Use --update-env to update environment variables\n", "[PM2][ERROR] Process or Namespace nobody not found\n")),
        ("pm2 restart nope.config.cjs", Ended(1, "", "[PM2][ERROR] File nope.config.cjs not found\n")),
        ("pm2 stop nobody", Ended(1, "", "[PM2][ERROR] Process or Namespace nobody not found\n")),
        ("pm2 restart", Ended(1, "", "\n  error: missing required argument `id|name|namespace|all|json|stdin'\n\n")),
        ("pm2 status --nope", Ended(1, "", "\n  error: unknown option `--nope'\n\n")),
        ("pm2 status --lines 5", Ended(1, "", "\n  error: unknown option `--lines'\n\n")),
        ("pm2 logs --lines", Ended(1, "", "\n  error: option `--lines <n>' argument missing\n\n")),
        ("pm2 monit", Ended(3, "", "pm2: monit exists in the real tool, but gameday's stand-in does not offer it\n")),
        ("pm2 reset nobody", Ended(1, "", "Unknown process name\n")),
        ("pm2 -v", Ended(0, "5.4.3\n", "")),
    ],
)  # fmt: skip
def test_wrong_lines_are_refused_in_the_real_words(cluster: FakeCluster, run: Run, line: str, ended: Ended) -> None:
    """pm2 5.4.3's messages and exit codes, taken from the program itself; 3 where only the stand-in lacks it."""
    assert run(line) == ended
    assert cluster.posts() == []


def test_an_unknown_command_shows_the_usage(run: Run) -> None:
    """On stdout, and ends with 1."""
    ended = run("pm2 frobnicate")
    assert (ended.code, ended.out.splitlines()[0]) == (1, "[PM2][ERROR] Command not found")


def test_a_file_that_node_would_not_take(cluster: FakeCluster, run: Run, folder: Path) -> None:
    """Nothing is restarted."""
    (folder / "ecosystem.config.cjs").write_text("module.exports = {\n  apps: [ {\n")
    ended = run("pm2 restart ecosystem.config.cjs --update-env")
    assert (ended.code, ended.err.splitlines()[0], ended.err.splitlines()[-1]) == (
        1, "[PM2][ERROR] File ecosystem.config.cjs malformated", "SyntaxError: Unexpected end of input",
    )  # fmt: skip
    assert cluster.posts() == []
