"""Commands of the host act on a cluster that keeps objects."""

from __future__ import annotations

import pytest

from tests.fakes.commands.fake_cluster import FakeCluster
from tests.fakes.commands.host_cluster import as_host


@pytest.fixture
def cluster(cluster: FakeCluster) -> FakeCluster:
    return as_host(cluster)
