"""The pytest plugin: with `--gameday` scenario files and runbooks are tests. Without it, it costs a few options and nothing else.

pytest imports this in every run of every project that has gameday installed, so nothing of ours is imported before it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gameday.pytest_drill import Drills
    from gameday.pytest_stack import RunningStack
    from harness.toxiproxy import Toxiproxy

_OFF = "needs pytest's option --gameday: without it nothing is carried out"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options; each takes what the option of the same name of `gameday run` takes."""
    group = parser.getgroup("gameday", "game days")
    add = group.addoption
    add("--gameday", action="store_true", help="Collect scenario files and runbooks as tests, and carry them out.")
    add(
        "--gameday-speed", type=float, default=20.0, metavar="N", help="How fast documented time runs while everybody waits (20)."
    )
    add("--gameday-seed", type=int, default=None, metavar="N", help="For every random draw; by default a new one for each drill.")
    add(
        "--gameday-stack",
        choices=("embedded", "containers", "compose"),
        default="embedded",
        help="Where the stack runs (embedded).",
    )
    add("--gameday-monitor", choices=("auto", "embedded", "prometheus"), default=None, help="Who detects.")
    add("--gameday-set", action="append", default=[], metavar="KEY=VALUE", help="Change a setting of the stack.")
    add("--gameday-out", default="drills", metavar="DIR", help="Where drills are kept (drills).")
    add("--gameday-no-store", action="store_true", help="Don't put the drills into the store of past drills.")
    add("--gameday-bindings", default=None, metavar="FILE", help="Values for the placeholders of runbooks.")


def pytest_configure(config: pytest.Config) -> None:
    """Bring in the rest, if it is asked for."""
    if config.getoption("gameday"):
        from gameday.pytest_collect import Collecting

        config.pluginmanager.register(Collecting(config), "gameday-collecting")


@pytest.fixture(scope="session")
def drill(request: pytest.FixtureRequest) -> Drills:
    """`drill("redis-outage", seed=2, settings={...})`: carries a scenario out; the same question gets the same finished drill."""
    _asked_for(request)
    from gameday.pytest_drill import Drills, wishes_of

    return Drills(wishes_of(request.config))


@pytest.fixture(scope="session")
def gameday_stack() -> str:
    """The stack that the fixture `stack` boots; a project that wants another one has a fixture of this name."""
    return "eafix"


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, gameday_stack: str) -> Iterator[RunningStack]:
    """A stand-in stack, up and well, on free ports of this machine, for all tests of this worker. No fault, no load."""
    _asked_for(request)
    from gameday.pytest_stack import running

    with running(gameday_stack) as found:
        yield found


@pytest.fixture
def toxiproxy(stack: RunningStack) -> Iterator[Toxiproxy]:
    """The Toxiproxy of `stack`: a proxy for each link, named `from -> to`. After the test every toxic is gone and every proxy as it was."""
    from gameday.pytest_stack import restored

    with restored(stack.toxiproxy) as found:
        yield found


def _asked_for(request: Any) -> None:
    if not request.config.getoption("gameday"):
        pytest.skip(f"the fixture {request.fixturename} {_OFF}")
