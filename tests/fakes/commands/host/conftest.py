"""Commands of the operator's own machine, on a cluster that keeps objects, with services in pm2 and a datastore in systemd."""

from __future__ import annotations

import pytest

from fakes.commands import grafana_cli, nginx, ping, pm2, sudo, systemctl, ufw, wscat
from tests.fakes.commands.conftest import Run, runs
from tests.fakes.commands.fake_cluster import FakeCluster
from tests.fakes.commands.host_cluster import as_host

_MAINS = {
    "pm2": pm2.main, "systemctl": systemctl.main, "nginx": nginx.main, "ufw": ufw.main, "sudo": sudo.main, "wscat": wscat.main,
    "grafana-cli": grafana_cli.main, "ping": ping.main,
}  # fmt: skip


@pytest.fixture
def cluster(cluster: FakeCluster) -> FakeCluster:
    for name in ("risk-manager", "signal-generator"):
        cluster.services[name] |= {"pm2": name}
    cluster.datastores["redis"] |= {"systemd": "redis"}
    return as_host(cluster)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line in this process, and sees also what its children print."""
    return runs(_MAINS, capfd)
