"""Names, ports and upstreams of a stack's proxies."""

from __future__ import annotations

import pytest

from harness.errors import FaultError
from harness.ports import Ports
from harness.stack.topology import Topology
from tests.harness.stack.stacks import small_stack


def _topology(*, own_network: bool = True) -> Topology:
    return Topology(small_stack(), Ports(own_network=own_network))


def test_documented_ports_are_service_addresses_in_front_of_the_processes() -> None:
    """Clients use 8080 and 5432; behind them are the process and the instance that the selector chooses."""
    shown = {proxy.name: (proxy.listen, proxy.upstream) for proxy in _topology().proxies if proxy.is_address}
    assert shown == {
        "any -> gui-gateway": ("127.0.0.1:8080", "127.0.0.1:18080"),
        "any -> broker": ("127.0.0.1:9500", "127.0.0.1:19500"),
        "any -> postgres": ("127.0.0.1:5432", "127.0.0.1:15432"),
        "any -> redis": ("127.0.0.1:6379", "127.0.0.1:16379"),
    }


def test_each_link_has_a_proxy_of_its_own_that_leads_to_the_service_address() -> None:
    """A fault on one link leaves the others alone, and a failover re-points them all; replication goes straight to its primary."""
    shown = {proxy.name: (proxy.listen, proxy.upstream) for proxy in _topology().proxies if not proxy.is_address}
    assert shown == {
        "gui-gateway -> postgres": ("127.0.0.1:21000", "127.0.0.1:5432"),
        "gui-gateway -> redis": ("127.0.0.1:21001", "127.0.0.1:6379"),
        "gui-gateway -> broker": ("127.0.0.1:21002", "127.0.0.1:9500"),
        "postgres-replica -> postgres-primary": ("127.0.0.1:21003", "127.0.0.1:15432"),
    }


def test_a_service_is_told_the_listening_end_of_its_own_links() -> None:
    """It never learns an address that goes past its proxies."""
    assert _topology().links_of("gui-gateway") == {
        "postgres": "127.0.0.1:21000", "redis": "127.0.0.1:21001", "broker": "127.0.0.1:21002",
    }  # fmt: skip


def test_without_an_own_network_free_ports_stand_in_for_documented_ones() -> None:
    """No two proxies listen on one port, and none on a documented one by chance of habit."""
    ports = Ports(own_network=False)
    topology = Topology(small_stack(), ports)
    listening = [proxy.listen for proxy in topology.proxies]
    assert len(set(listening)) == len(listening)
    assert topology.links_of("gui-gateway")["postgres"] == f"127.0.0.1:{ports[21000]}"
    assert ports.mapped()[5432] == ports[5432]


@pytest.mark.parametrize(
    ("pattern", "with_addresses", "found"),
    [
        ("* -> redis", True, ["any -> redis", "gui-gateway -> redis"]),
        ("* -> redis", False, ["gui-gateway -> redis"]),
        ("gui-gateway -> postgres", True, ["gui-gateway -> postgres"]),
    ],
)
def test_patterns_name_links_and_if_asked_service_addresses(pattern: str, with_addresses: bool, found: list[str]) -> None:
    """Cutting off a datastore cuts its address as well; a toxic must not act twice on one way."""
    assert [proxy.name for proxy in _topology().matching([pattern], with_addresses=with_addresses)] == found


def test_a_pattern_that_names_nothing_is_an_error() -> None:
    """A fault on no link at all would be a drill that tests nothing."""
    with pytest.raises(FaultError, match=r"no link matches gui-gateway -> postgre$"):
        _topology().matching(["gui-gateway -> postgre"], with_addresses=True)


def test_a_selector_chooses_by_kind_and_role() -> None:
    """After a promotion the role label decides; Redis is a primary too, and never chosen for Postgres."""
    topology = _topology()
    promoted = {**topology.roles(), "postgres-replica": "primary"}
    assert topology.selected("postgres", promoted, {"app": "eafix-postgres", "role": "primary"}) == "postgres-replica"
    with pytest.raises(FaultError, match="no datastore instance matches"):
        topology.selected("postgres", topology.roles(), {"app": "eafix-postgres", "role": "primary"})
