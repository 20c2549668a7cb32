"""Claims about faults of processes, seen by clients, in metrics, and in what the cluster tells."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
import redis

from harness.errors import FaultError
from tests.fakes.services.live import eventually
from tests.fakes.services.platforms import Platform
from tests.harness.faults.struck import fault_of, in_force, living

pytestmark = [pytest.mark.real, pytest.mark.slow]
MB = 1_000_000


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with living() as found:
        yield found


def status(platform: Platform, service: str, path: str = "/healthz", *, within_s: float = 0.5) -> int | str:
    """What a new connection gets: the status of the answer, or the kind of error."""
    try:
        url = f"http://127.0.0.1:{platform.stack.services[service].port}{path}"
        return httpx.get(url, timeout=within_s, trust_env=False).status_code
    except httpx.HTTPError as error:
        return type(error).__name__


def well(platform: Platform, service: str) -> None:
    """Wait until it answers that it is well."""
    eventually(lambda: status(platform, service) == 200 or None)


def metric(platform: Platform, series: str, service: str = "broker") -> float:
    found = platform.metric(service, series)
    assert found is not None
    return found


def restart(platform: Platform, service: str) -> None:
    """As an operator does."""
    platform.call(platform.stack.services[service].restart())


def test_a_killed_service_is_gone_until_somebody_starts_it(platform: Platform) -> None:
    """Healing starts nothing; what is dead cannot be killed."""
    fault = fault_of(platform, "process.kill", process="broker")
    platform.call(fault.inject())
    assert platform.call(fault.bitten())
    assert status(platform, "broker") == "ConnectError"
    with pytest.raises(FaultError, match="broker was not running"):
        platform.call(fault.inject())
    for _ in range(2):
        platform.call(fault.heal())
    assert status(platform, "broker") == "ConnectError"
    platform.call(platform.stack.services["broker"].start())
    well(platform, "broker")


def test_a_paused_service_keeps_its_connections_and_answers_nothing(platform: Platform) -> None:
    """A client waits in vain; afterwards it is the same process as before."""
    before = platform.stack.services["broker"].pid
    with in_force(platform, "process.pause", process="broker"):
        assert status(platform, "broker") == "ReadTimeout"
    well(platform, "broker")
    assert platform.stack.services["broker"].pid == before


def test_a_crash_loop_goes_on_by_itself_until_it_is_healed(platform: Platform) -> None:
    """The cluster starts it again and counts; nobody gets an answer. Healed, it comes up and stays."""
    service = platform.stack.services["broker"]
    before = service.restarts
    with in_force(platform, "process.crash-loop", process="broker", restart_after="200ms"):
        eventually(lambda: service.restarts >= before + 3 or None)
        assert status(platform, "broker") != 200
    well(platform, "broker")
    pid = service.pid
    until = time.monotonic() + 0.6
    while time.monotonic() < until:
        assert service.pid == pid


def test_a_crash_loop_ends_whatever_people_start(platform: Platform) -> None:
    """A datastore is started by people only, and is gone again at once."""
    store = platform.stack.datastores["redis"]

    def answers() -> bool:
        with redis.Redis(port=store.port, socket_timeout=1) as client, suppress(redis.RedisError):
            return bool(client.ping())
        return False

    assert answers()
    with in_force(platform, "process.crash-loop", process="redis", restart_after=None):
        eventually(lambda: (not answers()) or None)
        before_s = store.started_s
        asyncio.run_coroutine_threadsafe(platform.stack.start_store(store), platform._loop)
        eventually(lambda: (store.started_s > before_s and not store.running) or None)
    assert not answers()
    platform.call(platform.stack.start_store(store))
    eventually(lambda: answers() or None)
    well(platform, "risk-manager")


def test_a_crash_loop_leaves_alone_what_somebody_stopped(platform: Platform) -> None:
    """Scaled to nothing, it isn't started again, by healing neither."""
    service = platform.stack.services["broker"]
    with in_force(platform, "process.crash-loop", process="broker", restart_after="100ms"):
        platform.call(service.stop())
        count = service.restarts
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            assert service.restarts == count
    assert not service.running
    platform.call(service.start())
    well(platform, "broker")


def test_a_slow_start_takes_its_time(platform: Platform) -> None:
    """It runs and nobody can connect; that is so each time somebody restarts it. Healed, it listens at once."""
    with in_force(platform, "process.slow-start", process="broker", takes="10m"):
        assert platform.stack.services["broker"].running
        assert status(platform, "broker") == "ConnectError"
        restart(platform, "broker")
        eventually(lambda: "starts, which takes 600 s" in (platform.logs / "broker.log").read_text() or None)
        assert status(platform, "broker") == "ConnectError"
    well(platform, "broker")


def test_a_slow_start_ends_by_itself(platform: Platform) -> None:
    """After its documented time the service is there, and SIGTERM would have ended it before."""
    with in_force(platform, "process.slow-start", process="broker", takes="1500ms"):
        began = time.monotonic()
        restart(platform, "broker")
        well(platform, "broker")
        assert time.monotonic() - began >= 1.4


def test_a_leak_is_memory_that_grows_and_comes_back(platform: Platform) -> None:
    """The service's own metric shows it, after a restart from the beginning; healing gives it back."""
    before = metric(platform, "process_resident_memory_bytes")
    with in_force(platform, "process.memory-leak", process="broker", mb_per_s=100, most_mb=60):
        eventually(lambda: metric(platform, "process_resident_memory_bytes") > before + 50 * MB or None)
        restart(platform, "broker")
        eventually(lambda: metric(platform, "process_resident_memory_bytes") > before + 50 * MB or None)
        assert status(platform, "broker") == 200
        until = time.monotonic() + 0.8
        while time.monotonic() < until:
            assert metric(platform, "process_resident_memory_bytes") < before + 90 * MB  # it is bounded
    eventually(lambda: metric(platform, "process_resident_memory_bytes") < before + 20 * MB or None)


def test_a_hogged_processor_is_busy_until_it_is_healed(platform: Platform) -> None:
    """A core is full of it, as the service's own metric says, and it answers still."""

    def busy() -> bool:
        metric(platform, "cpu_usage_percent")  # since the question before
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            pass
        return metric(platform, "cpu_usage_percent") > 15  # on a busy machine; at rest it is 1 or 2

    eventually(lambda: not busy() or None)  # others too may have the machine for a while
    with in_force(platform, "process.cpu-hog", process="broker"):
        eventually(lambda: busy() or None)
        assert status(platform, "broker", within_s=5) == 200
    eventually(lambda: (not busy()) or None)
    with in_force(platform, "process.cpu-hog", process="broker", threads=1):
        restart(platform, "broker")
        well(platform, "broker")
        eventually(lambda: (not busy()) or None)  # the new process has no such threads


def test_without_descriptors_a_service_accepts_nobody(platform: Platform) -> None:
    """Who is connected already is served, and sees in the metrics why; others are turned away until it is healed."""
    before = metric(platform, "process_open_fds"), metric(platform, "process_max_fds")
    assert before[0] < before[1]
    with in_force(platform, "process.file-descriptors", process="broker"):
        assert metric(platform, "process_open_fds") == metric(platform, "process_max_fds")  # over the connection from before
        assert metric(platform, "process_resident_memory_bytes") > 0
        assert isinstance(status(platform, "broker"), str)
    well(platform, "broker")
    assert metric(platform, "process_max_fds") == before[1]
    with in_force(platform, "process.file-descriptors", process="broker"):
        restart(platform, "broker")
        well(platform, "broker")  # the new process has its own


def test_strains_of_one_service_are_healed_one_by_one(platform: Platform) -> None:
    """The end of one leaves the other in force."""
    before = metric(platform, "process_resident_memory_bytes")
    with in_force(platform, "process.memory-leak", process="broker", mb_per_s=50, most_mb=50):
        eventually(lambda: metric(platform, "process_resident_memory_bytes") > before + 40 * MB or None)
        with in_force(platform, "process.file-descriptors", process="broker"):
            pass
        well(platform, "broker")
        assert metric(platform, "process_resident_memory_bytes") > before + 40 * MB


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("process.crash-loop", {}), ("process.slow-start", {"takes": "10s"}), ("process.memory-leak", {}), ("process.cpu-hog", {}),
        ("process.file-descriptors", {}), ("service.configuration", {"setting": "risk.max_position", "value": "1"}),
    ],
)  # fmt: skip
def test_what_does_not_run_cannot_be_struck(platform: Platform, kind: str, more: dict[str, str]) -> None:
    """The injection fails in words; there is nothing to heal."""
    service = platform.stack.services["broker"]
    platform.call(service.stop())
    fault = fault_of(platform, kind, process="broker", **more)
    with pytest.raises(FaultError, match="broker was not running"):
        platform.call(fault.inject())
    platform.call(fault.heal())
    assert not service.running
    platform.call(service.start())
    well(platform, "broker")


def test_a_bad_version_fails_requests_until_it_is_rolled_back(platform: Platform) -> None:
    """Every second request, though its health check is content."""
    before = platform.stack.services["gui-gateway"].releases.current.version
    with in_force(platform, "service.version", process="gui-gateway", version="6.6.6", defect="errors"):
        well(platform, "gui-gateway")
        assert {status(platform, "gui-gateway", "/api/positions", within_s=5) for _ in range(6)} == {200, 500}
    well(platform, "gui-gateway")
    assert {status(platform, "gui-gateway", "/api/positions", within_s=5) for _ in range(6)} == {200}
    assert platform.stack.services["gui-gateway"].releases.current.version == before


def limit(platform: Platform) -> float:
    [(value,)] = platform.sql("SELECT value FROM risk_settings WHERE name = 'max_order_quantity'")
    return float(value)


WRONG = {"process": "risk-manager", "setting": "risk.max_order_quantity"}


def test_a_wrong_setting_has_its_effect_and_is_taken_back(platform: Platform) -> None:
    """Orders are refused that were fine before, by a service that is well."""

    def answered() -> int:
        return platform.order(f"c-{time.monotonic_ns()}").status_code

    eventually(lambda: answered() == 201 or None)
    with in_force(platform, "service.configuration", **WRONG, value="1"):
        well(platform, "risk-manager")
        eventually(lambda: limit(platform) == 1 or None)
        eventually(lambda: answered() == 409 or None)
        assert platform.stack.services["risk-manager"].releases.current.cause == "deployment"
    eventually(lambda: limit(platform) == 1_000_000 or None)
    eventually(lambda: answered() == 201 or None)
    assert platform.stack.services["risk-manager"].releases.current.cause.startswith("rollback")


def test_a_setting_that_makes_no_sense_ends_the_service(platform: Platform) -> None:
    """Its log says which; taking the value back starts it again."""
    with in_force(platform, "service.configuration", **WRONG, value="plenty"):
        eventually(lambda: (not platform.stack.services["risk-manager"].running) or None)
        assert "setting risk.max_order_quantity of risk-manager: 'plenty' is not a number" in (
            platform.logs / "risk-manager.log"
        ).read_text(encoding="utf-8")
        assert status(platform, "risk-manager") == "ConnectError"
    well(platform, "risk-manager")


def test_what_somebody_rolled_back_is_not_rolled_back_again(platform: Platform) -> None:
    """The procedure has healed it: healing makes no further revision."""
    service = platform.stack.services["risk-manager"]
    with in_force(platform, "service.configuration", **WRONG, value="2"):
        platform.call(service.undo(None))
        made = service.releases.current.revision
    assert service.releases.current.revision == made
    well(platform, "risk-manager")


def test_what_was_deployed_since_stays(platform: Platform) -> None:
    """Only the wrong value is taken back."""
    service = platform.stack.services["risk-manager"]
    with in_force(platform, "service.configuration", **WRONG, value="3"):
        platform.call(service.configure({"environment": {"risk.max_position": "777"}}))
    assert dict(service.releases.current.environment) == {"risk.max_position": "777"}
    platform.call(service.configure({"environment": {"risk.max_position": None}}))
    well(platform, "risk-manager")
