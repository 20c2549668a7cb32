"""The pytest plugin on live parts: one short drill, and a stack for tests of one's own."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytest_plugins = ["pytester"]
pytestmark = [pytest.mark.real, pytest.mark.slow]
SECRET = "T0PSECRET-hooks-abcdef"


@pytest.mark.namespaces
def test_a_scenario_of_the_catalogue_passes_and_its_files_hold_no_secret(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Carried out once for all its tests; not one warning of ours, and nothing of the caller's environment in what it leaves."""
    from scenarios.places import CATALOGUE

    monkeypatch.setenv("GAMEDAY_SLACK_URL", f"https://hooks.example/{SECRET}")
    found = pytester.runpytest_subprocess(
        "--gameday", "--gameday-speed", "60", "--gameday-seed", "2", "--gameday-monitor", "embedded", "-W", "error",
        "--junitxml", "junit.xml", str(CATALOGUE / "service-failure.yaml"), timeout=300,
    )  # fmt: skip
    outcomes = found.parseoutcomes()
    assert outcomes.keys() <= {"passed", "skipped"}, found.stdout.str()
    assert outcomes["passed"] >= 10
    (drill,) = (pytester.path / "drills").iterdir()
    files = [path for path in drill.rglob("*") if path.is_file()]
    assert {"history.jsonl", "result.json", "report.md"} <= {path.name for path in files}
    assert [path for path in (*files, pytester.path / "junit.xml") if SECRET.encode() in path.read_bytes()] == []
    properties = {each.get("name"): each.get("value") for each in ET.parse(pytester.path / "junit.xml").iter("property")}
    assert (properties["seed"], properties["speed"], properties["verdict"]) == ("2", "60.0", "pass")


def test_a_stack_and_its_toxiproxy_are_fixtures(pytester: pytest.Pytester) -> None:
    """Tests talk to its parts, cut them off, and leave no trace for the next one."""
    pytester.makepyfile(
        """
        import socket, urllib.request
        import pytest

        def answers(address):
            host, _, port = address.partition(":")
            with socket.create_connection((host, int(port)), 5) as client:
                client.settimeout(5)
                client.sendall(b"PING\\r\\n")
                return client.recv(7)

        def test_redis_answers(stack):
            assert answers(stack.address("redis")) == b"+PONG\\r\\n"

        def test_it_can_be_cut_off(stack, toxiproxy):
            toxiproxy.disable("any -> redis")
            with pytest.raises(OSError):
                answers(stack.address("redis"))

        def test_and_is_whole_again(stack, toxiproxy):
            assert answers(stack.address("redis")) == b"+PONG\\r\\n"
            with pytest.raises(KeyError, match="it has .*redis"):
                stack.address("redsi")
        """
    )
    found = pytester.runpytest_subprocess("--gameday", "-W", "error", timeout=300)
    found.assert_outcomes(passed=3)


def test_the_example_of_the_documentation_is_valid(pytester: pytest.Pytester) -> None:
    """docs/ci.md: its fixtures are there, and its names too."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")
    pytester.makepyfile(text.partition("```python\n")[2].partition("```")[0])
    pytester.runpytest_subprocess().assert_outcomes(skipped=2)
