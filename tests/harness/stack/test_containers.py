"""The containers stack, seen from inside its network."""

from __future__ import annotations

import pytest

from harness.stack.containers import ways_out

HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
OWN = "eth0\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
DEFAULT = "eth0\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
NOWHERE6 = f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 00000000 00200200       lo\n"
DEFAULT6 = f"{'0' * 32} 00 {'0' * 32} 00 fd{'0' * 29}1 00000400 00000001 00000000 00000003     eth0\n"


@pytest.mark.parametrize(
    ("ipv4", "ipv6", "found"),
    [
        (HEAD + OWN, NOWHERE6, []),
        (HEAD, "", []),
        (HEAD + DEFAULT + OWN, NOWHERE6, ["eth0"]),
        (HEAD + OWN, NOWHERE6 + DEFAULT6, ["eth0"]),
    ],
    ids=["its own network", "nothing", "a way out", "one by IPv6"],
)
def test_a_default_route_is_a_way_out(ipv4: str, ipv6: str, found: list[str]) -> None:
    """Routes as the kernel prints them; its own entry for the unreachable is none."""
    assert ways_out(ipv4, ipv6) == found
