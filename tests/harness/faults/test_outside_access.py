"""Claims about wrong names, expired certificates, wrong clocks, a silent object store and intruders, on a booted trading engine."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from harness.errors import FaultError
from harness.stack.cloud import Cloud
from harness.stack.topology import CLOUD_PORT
from tests.fakes.services.live import eventually
from tests.fakes.services.platforms import Platform
from tests.harness.faults.struck import buy, fault_of, in_force, trading

pytestmark = [pytest.mark.real, pytest.mark.slow]
HOST = "api.trading-engine.com"
EXPIRES = f'nginx_ingress_controller_ssl_expire_time_seconds{{host="{HOST}"}}'
TOKEN = "svc-reporting-nightly-export-token"


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with trading("trading-engine") as found:
        yield found


def from_outside(platform: Platform, path: str = "/health") -> int:
    """The status that a client gets which trusts the authority and checks the certificate."""
    trusted = ssl.create_default_context(cadata=platform.get("ingress", "/ca.pem").text)
    with httpx.Client(verify=trusted, trust_env=False, timeout=10) as client:
        url = f"https://127.0.0.1:{platform.port('ingress')}{path}"
        return client.get(url, headers={"Host": HOST}, extensions={"sni_hostname": HOST}).status_code


def reached(platform: Platform, name: str) -> str | None:
    """Who answers at a service's address."""
    try:
        return str(platform.get(name, "/healthz").json()["service"])
    except httpx.HTTPError:
        return None


def test_a_wrong_name_leads_to_nobody(platform: Platform) -> None:
    """Nobody answers at the gateway's address, while the gateway itself is well; afterwards it does."""
    with in_force(platform, "dns.wrong", address="gui-gateway"):
        assert reached(platform, "gui-gateway") is None
        assert from_outside(platform) == 502
        assert platform.metric("gui-gateway", 'dependency_up{dependency="postgres"}') == 1
    assert reached(platform, "gui-gateway") == "gui-gateway"
    eventually(lambda: from_outside(platform) == 200 or None)


def test_a_wrong_name_leads_to_somebody_else(platform: Platform) -> None:
    """What was meant for the risk manager arrives at the broker, which knows nothing of it: orders fail, certainly not done."""
    with in_force(platform, "dns.wrong", address="risk-manager", to="broker"):
        assert reached(platform, "risk-manager") == "broker"
        failed = buy(platform)
        assert (failed.status_code, failed.json()["dependency"]) == (503, "risk-manager")
    eventually(lambda: buy(platform).status_code == 201 or None)


def test_a_wrong_name_of_a_datastore_is_put_right_to_the_current_instance(platform: Platform) -> None:
    """Orders cannot be booked while the address of Postgres leads nowhere."""
    with in_force(platform, "dns.wrong", address="postgres"):
        assert buy(platform).status_code == 503
    eventually(lambda: buy(platform).status_code == 201 or None)
    assert platform.sql("SELECT 1") == [(1,)]


def test_whoever_leads_a_name_elsewhere_meanwhile_is_left_alone(platform: Platform) -> None:
    """Healing puts right what the fault did, and nothing else."""
    with in_force(platform, "dns.wrong", address="websocket") as fault:
        elsewhere = f"127.0.0.1:{platform.stack.services['pager'].port}"
        platform.stack.toxiproxy.set_upstream("any -> websocket", elsewhere)
        assert platform.call(fault.bitten()) is None
    assert platform.stack.toxiproxy.proxy("any -> websocket").upstream == elsewhere
    platform.stack.toxiproxy.set_upstream("any -> websocket", f"127.0.0.1:{platform.stack.services['websocket'].port}")


def test_clients_refuse_an_expired_certificate(platform: Platform) -> None:
    """Told by the handshake, by the ingress's metric and by the Certificate object; the certificate before is served again."""

    def ready() -> str:
        url = f"{platform.control}/objects?kind=Certificate&namespace=production"
        [found] = platform.client.get(url).json()["objects"]
        return str(found["status"]["conditions"][0]["status"])

    eventually(lambda: from_outside(platform) == 200 or None)
    before = platform.metric("ingress", EXPIRES)
    with in_force(platform, "certificate.expired") as fault:
        with pytest.raises(httpx.ConnectError, match="certificate has expired"):
            from_outside(platform)
        assert (platform.metric("ingress", EXPIRES) or 0) < (before or 0)
        assert ready() == "False"
        assert "clients say: certificate has expired" in str(platform.call(fault.bitten()))
    assert (from_outside(platform), platform.metric("ingress", EXPIRES), ready()) == (200, before, "True")


def test_a_file_that_is_no_certificate_is_not_served(platform: Platform) -> None:
    """The ingress goes on with what it has and says so."""
    served = Path(platform.stack.services["ingress"].config["state_dir"]) / "server.pem"
    good = served.read_bytes()
    served.write_text("no certificate")
    try:
        assert from_outside(platform) == 200
        log = platform.logs / "ingress.log"
        eventually(lambda: "the new certificate cannot be used" in log.read_text() or None)
    finally:
        served.write_bytes(good)
    assert from_outside(platform) == 200


def test_a_clock_that_is_ahead_makes_every_price_stale(platform: Platform) -> None:
    """The risk manager refuses all orders, says what time it thinks it is, and does so too after a restart."""
    with in_force(platform, "clock.skew", process="risk-manager", by="10m") as fault:
        refused = buy(platform)
        assert (refused.status_code, refused.json()["reason"]) == (409, "stale_market_data")
        platform.call(platform.stack.services["risk-manager"].restart())
        eventually(lambda: platform.call(fault.bitten()))
    eventually(lambda: buy(platform).status_code == 201 or None)


def test_a_clock_that_is_behind_hides_how_old_data_are(platform: Platform) -> None:
    """The ingestor believes that its ticks come from the future."""
    age = "market_data_age_seconds"
    with in_force(platform, "clock.skew", process="data-ingestor", by="2m", direction="behind"):
        assert (platform.metric("data-ingestor", age) or 0) < -100
    assert abs(platform.metric("data-ingestor", age) or 0) < 10


@contextmanager
def object_store(platform: Platform, folder: Path) -> Iterator[str]:
    """A cloud with one object, at the stack's port; that object's address."""
    (folder / "seeds/trading-engine-backups").mkdir(parents=True)
    (folder / "seeds/trading-engine-backups/key").write_text("its content")
    cloud = Cloud(platform.stack.ports[CLOUD_PORT], "trading-engine", seeds=folder / "seeds", log=folder / "cloud.log")
    platform.call(cloud.start())
    try:
        yield f"http://127.0.0.1:{cloud.port}/trading-engine-backups/key"
    finally:
        platform.call(cloud.stop())


def fetched(url: str, within_s: float) -> str | None:
    """An object as a client of S3 asks for it; None when nothing comes."""
    scope = "Credential=a/20260101/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    with httpx.Client(trust_env=False, timeout=within_s, headers={"Authorization": f"AWS4-HMAC-SHA256 {scope}"}) as client:
        try:
            return client.get(url).text
        except httpx.ReadTimeout:
            return None


@pytest.mark.parametrize("asked_before", [False, True])
def test_a_silent_object_store_keeps_what_it_holds(platform: Platform, tmp_path: Path, *, asked_before: bool) -> None:
    """Nothing comes, whether its server was started already or not; afterwards the object is there."""
    with object_store(platform, tmp_path) as url:
        if asked_before:
            assert fetched(url, 30) == "its content"
        with in_force(platform, "object-store.down"):
            assert fetched(url, 0.5) is None
        assert fetched(url, 30) == "its content"


def test_a_drill_without_an_object_store_says_so(platform: Platform) -> None:
    """Healing is nothing then, injecting an error in words."""
    fault = fault_of(platform, "object-store.down")
    platform.call(fault.heal())
    with pytest.raises(FaultError, match="nothing here has an object store"):
        platform.call(fault.inject())


def failed_logins(platform: Platform) -> float:
    return platform.metric("gui-gateway", "failed_login_attempts") or 0.0


def test_guessed_passwords_are_counted_and_written_down(platform: Platform) -> None:
    """The metric of the alert rises, the trail names the address; healed, nothing more comes."""
    before = failed_logins(platform)
    with in_force(platform, "logins.brute-force", user="ops-1", every="20ms", address="203.0.113.7"):
        eventually(lambda: failed_logins(platform) > before + 10 or None)
        [(count,)] = platform.sql(
            "SELECT count(*) FROM audit_log WHERE event_type = 'login_failed' AND actor = 'ops-1' AND address = '203.0.113.7'"
        )
        assert count > 5
    healed = failed_logins(platform)
    assert buy(platform).status_code == 201
    assert failed_logins(platform) == healed


def test_an_attack_is_bounded(platform: Platform) -> None:
    """It ends by itself after its last attempt, and can be had again after it was healed."""
    fault = fault_of(platform, "logins.brute-force", every="10ms", attempts=5)
    for _ in range(2):
        before = failed_logins(platform)
        platform.call(fault.inject())
        eventually(lambda before=before: failed_logins(platform) == before + 5 or None)  # type: ignore[misc]
        platform.call(fault.inject())
        eventually(lambda: platform.call(fault.bitten()) == "5 wrong logins as trader-1 from 203.0.113.66" or None)
        platform.call(fault.heal())
        assert failed_logins(platform) == before + 5


def test_a_leaked_token_places_orders_until_it_is_revoked(platform: Platform) -> None:
    """They are in its user's name, from an address that nobody knows; once it is revoked, the trail tells of refusals."""
    here = "address = '198.51.100.99'"
    [(before,)] = platform.sql("SELECT uses FROM api_tokens WHERE name = 'nightly-export'")
    with in_force(platform, "key.leaked", every="20ms"):
        placed = f"SELECT count(*) FROM audit_log WHERE event_type = 'order_placed' AND actor = 'svc-reporting' AND {here}"
        eventually(lambda: platform.sql(placed)[0][0] > 2 or None)
        assert platform.sql("SELECT uses FROM api_tokens WHERE name = 'nightly-export'")[0][0] > before + 2
        assert platform.sql("SELECT count(*) FROM executions WHERE client_order_id LIKE 'key.leaked-1-%'")[0][0] > 1
        platform.sql("UPDATE api_tokens SET revoked_at_s = 1 WHERE name = 'nightly-export'")
        refused = f"SELECT count(*) FROM audit_log WHERE event_type = 'token_refused' AND actor = 'svc-reporting' AND {here}"
        eventually(lambda: platform.sql(refused)[0][0] > 2 or None)
    platform.sql("UPDATE api_tokens SET revoked_at_s = NULL WHERE name = 'nightly-export'")
    healed = platform.sql(placed)
    me = {"Authorization": f"Bearer {TOKEN}"}
    assert platform.client.get(platform.url("gui-gateway", "/auth/me"), headers=me).json()["user"] == "svc-reporting"
    assert platform.sql(placed) == healed


def test_a_leaked_token_that_only_looks_leaves_its_uses(platform: Platform) -> None:
    """The token's count of uses rises, no order is placed."""
    uses = "SELECT uses FROM api_tokens WHERE name = 'nightly-export'"
    orders = "SELECT count(*) FROM audit_log WHERE event_type = 'order_placed'"
    before, placed = platform.sql(uses)[0][0], platform.sql(orders)
    with in_force(platform, "key.leaked", does="reads", every="20ms"):
        eventually(lambda: platform.sql(uses)[0][0] > before + 3 or None)
    assert platform.sql(orders) == placed


def test_a_leaked_token_that_tries_what_operators_do_is_refused_and_seen(platform: Platform) -> None:
    """Nothing is done with it; whoever watches is told."""
    with in_force(platform, "key.leaked", does="admin", every="20ms"):
        page = platform.url("gui-gateway", "/metrics")
        eventually(lambda: "\nunauthorized_admin_access 1" in platform.client.get(page).text or None)


@pytest.mark.parametrize(
    ("kind", "fields", "why"),
    [
        ("dns.wrong", {"address": "gateway"}, "no service or service address gateway"),
        ("dns.wrong", {"address": "redis", "to": "postgres-primary"}, "postgres-primary is no other service"),
        ("certificate.expired", {"process": "websocket"}, "websocket is no ingress of this stack; there is ingress"),
        ("clock.skew", {"process": "redis", "by": "5s"}, "redis is no service"),
        ("logins.brute-force", {"process": "broker"}, "broker is no gateway"),
    ],
)
def test_what_is_not_there_cannot_be_struck(platform: Platform, kind: str, fields: dict[str, str], why: str) -> None:
    """Said when the drill begins, in words."""
    with pytest.raises(FaultError, match=why):
        fault_of(platform, kind, **fields)
