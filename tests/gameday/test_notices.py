"""Notices: who is told what, and that no secret is ever written or printed."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gameday.cli import cli
from gameday.notices import receivers, tell_all
from reports.notices import as_json, as_pagerduty, as_slack, notice_of
from reports.rehearsal import Rehearsal
from scenarios.errors import InvalidInput
from tests.gameday.drilled import FAIL, MISSED, load, nothing_drawn, rehearsed, runner

__all__ = ["nothing_drawn"]
SECRET = "T0PSECRET-hooks-abcdef"
FILE = """slack:
  - {url-from: GAMEDAY_SLACK_URL, when: [fail, broken]}
pagerduty:
  - routing-key-from: GAMEDAY_PAGERDUTY_KEY
webhooks:
  - {url-from: GAMEDAY_HOOK_URL, token-from: GAMEDAY_HOOK_TOKEN}
"""


class Inbox:
    """Takes what is posted. `answers` are its status codes, one after another, then 200."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], Any]] = []
        self.answers: list[int] = []


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, str]]:
    """A server of its own, and its address."""
    found = Inbox()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.heard.append((self.path, dict(self.headers), body))
            self.send_response(found.answers.pop(0) if found.answers else 200)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield found, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def written(folder: Path, text: str = FILE) -> Path:
    path = folder / "notices.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def secrets(url: str) -> dict[str, str]:
    return {
        "GAMEDAY_SLACK_URL": f"{url}/slack/{SECRET}", "GAMEDAY_PAGERDUTY_KEY": f"key-{SECRET}",
        "GAMEDAY_HOOK_URL": f"{url}/hook/{SECRET}", "GAMEDAY_HOOK_TOKEN": f"token-{SECRET}",
    }  # fmt: skip


def test_nobody_is_told_unless_a_file_says_so() -> None:
    """However full of secrets the environment is."""
    assert receivers(None, secrets("http://127.0.0.1:1")) == []


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    """For a CI that sets it once; and the secrets are gone from the environment then."""
    environment = {**secrets("http://127.0.0.1:1"), "GAMEDAY_NOTICES": str(written(tmp_path)), "PATH": "/bin"}
    found = receivers(None, environment)
    assert [each.name for each in found] == [
        "slack (GAMEDAY_SLACK_URL)",
        "pagerduty (GAMEDAY_PAGERDUTY_KEY)",
        "webhook (GAMEDAY_HOOK_URL)",
    ]
    assert environment.keys() == {"GAMEDAY_NOTICES", "PATH"}
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            f"slack: [{{url-from: 'https://hooks.slack.com/{SECRET}'}}]\n",
            "notices.yaml:1:20: url-from names an environment variable",
        ),
        ("slack: [{url-from: GAMEDAY_NO_URL}]\n", "notices.yaml:1:20: the environment variable GAMEDAY_NO_URL is not set"),
        ("slack: [{url-from: GAMEDAY_ODD_URL}]\n", "notices.yaml:1:20: GAMEDAY_ODD_URL holds no URL that begins with https://"),
        (f"slack: [{{url: 'https://hooks.slack.com/{SECRET}'}}]\n", "did you mean 'url-from'"),
        ("slack: [{url-from: GAMEDAY_SLACK_URL, when: [failed]}]\n", "notices.yaml:1:46: "),
        ("slack: []\n", "nobody is told"),
    ],
)
def test_what_is_wrong_in_the_file_is_told_without_the_secret(tmp_path: Path, text: str, told: str) -> None:
    """With its line; a URL that stands there by mistake is not repeated."""
    environment = {**secrets("http://127.0.0.1:1"), "GAMEDAY_ODD_URL": f"ftp://{SECRET}"}
    with pytest.raises(InvalidInput) as caught:
        receivers(written(tmp_path, text), environment)
    assert told in str(caught.value)
    assert SECRET not in str(caught.value)


def test_each_is_told_in_its_own_way(tmp_path: Path, inbox: tuple[Inbox, str]) -> None:
    """And only of the endings that it wants to hear of; PagerDuty's address is its own."""
    found, url = inbox
    to = [each for each in receivers(written(tmp_path), secrets(url)) if "pagerduty" not in each.name]
    assert tell_all(to, rehearsed(tmp_path / "1", service_failure_rto=MISSED), "https://ci.example/job/7") == []
    assert [path for path, _, _ in found.heard] == [f"/slack/{SECRET}", f"/hook/{SECRET}"]
    (_, _, slack), (_, headers, hook) = found.heard
    assert slack["text"] == "FAIL redis-outage: Redis cannot be reached, then it can again"
    assert "target: service-failure-rto: time to recover (RTO) 6 min 2 s, target 5 min" in slack["attachments"][0]["text"]
    assert headers["Authorization"] == f"Bearer token-{SECRET}"
    assert (hook["schema"], hook["ending"], hook["link"], hook["result"]["seed"]) == (
        "gameday.notice/1",
        "fail",
        "https://ci.example/job/7",
        42,
    )
    found.heard.clear()
    tell_all(to, rehearsed(tmp_path / "2"))
    assert [path for path, _, _ in found.heard] == [f"/hook/{SECRET}"]


def test_a_change_event_of_pagerduty(tmp_path: Path) -> None:
    """As its Events API v2 wants it: a routing key, a payload with a summary of at most 1024 characters, links."""
    event = as_pagerduty(
        notice_of(rehearsed(tmp_path, service_failure_rto={**MISSED, "why": "x" * 2000}), "https://ci.example/7"), "key"
    )
    assert event.keys() == {"routing_key", "payload", "links"}
    assert event["payload"]["summary"].startswith("gameday: FAIL redis-outage: Redis cannot be reached")
    assert len(event["payload"]["summary"]) <= 1024
    assert event["links"][0]["href"] == "https://ci.example/7"
    assert as_pagerduty(notice_of(rehearsed(tmp_path / "2")), "key")["links"] == []


def test_what_a_drill_said_is_no_markup_in_chat(tmp_path: Path) -> None:
    """It notifies nobody, and is no link."""
    evil = {"verdict": FAIL, "why": "<!channel> <https://evil.example|click> & more"}
    text = json.dumps(as_slack(notice_of(rehearsed(tmp_path, duplicates=evil))))
    assert "&lt;!channel&gt; &lt;https://evil.example|click&gt; &amp; more" in text
    assert "<!channel>" not in text


def test_a_harness_that_broke_is_told_too() -> None:
    """As broken, with what it said."""
    notice = notice_of(Rehearsal(load(), error="redis-server was not found."))
    assert (notice.ending, as_json(notice)["result"]) == ("broken", None)
    assert notice.sentence == "The harness broke before the drill began: redis-server was not found."


@pytest.mark.parametrize(
    ("answers", "tries", "why"),
    [
        ([503], 2, None),
        ([503, 503], 2, "it answered 503"),
        ([404], 1, "it answered 404"),
        ([302], 1, "it answered 302"),
        ([429], 2, None),
    ],
)
def test_it_is_tried_once_more_where_that_may_help(
    tmp_path: Path, inbox: tuple[Inbox, str], capsys: pytest.CaptureFixture[str], answers: list[int], tries: int, why: str | None
) -> None:
    """Not after a refusal; a redirect is not followed; the warning holds no secret."""
    found, url = inbox
    found.answers = list(answers)
    to = [each for each in receivers(written(tmp_path), secrets(url)) if "hook" in each.name]
    waited: list[float] = []
    problems = tell_all(to, rehearsed(tmp_path / "1"), wait=waited.append)
    assert (len(found.heard), len(waited)) == (tries, tries - 1)
    assert problems == ([] if why is None else [f"notice to webhook (GAMEDAY_HOOK_URL) was not sent: {why}"])
    assert SECRET not in "".join(capsys.readouterr())


def test_nobody_there_is_a_warning_without_the_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the library says of it."""
    to = [each for each in receivers(written(tmp_path), secrets("http://127.0.0.1:1")) if "hook" in each.name]
    assert tell_all(to, rehearsed(tmp_path / "1"), wait=lambda _: None) == [
        "notice to webhook (GAMEDAY_HOOK_URL) was not sent: Connection refused"
    ]
    printed = "".join(capsys.readouterr())
    assert "Connection refused" in printed
    assert SECRET not in printed


@pytest.mark.usefixtures("nothing_drawn")
def test_a_run_tells_of_each_drill_and_no_file_of_it_holds_a_secret(
    tmp_path: Path, inbox: tuple[Inbox, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does anything that is printed; every file that the run wrote is looked at."""
    found, url = inbox
    for name, value in secrets(url).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setattr("gameday.running.run_drill", runner(service_failure_rto=MISSED))
    notices = written(tmp_path, "\n".join(line for line in FILE.splitlines() if "agerduty" not in line and "routing" not in line))
    ended = CliRunner().invoke(
        cli,
        ["run", "redis-outage", "--notices", str(notices), "--out", str(tmp_path / "drills"), "--junit", str(tmp_path / "junit.xml"), "--github", "--gitlab"],
    )  # fmt: skip
    assert ended.exit_code == 1, ended.output
    assert len(found.heard) == 2
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in files} > {
        "history.jsonl",
        "junit.xml",
        "summary.md",
        "gl-metrics.txt",
        "gl-code-quality-report.json",
    }
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
    assert SECRET not in ended.output
