"""The pytest plugin on live parts: a stack for tests of one's own. Its drills are in `tests/drills/test_side_by_side.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
pytestmark = [pytest.mark.real, pytest.mark.slow]


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
