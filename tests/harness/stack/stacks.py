"""A small stack for tests of what is built upon one."""

from __future__ import annotations

from scenarios.model import Stack


def small_stack() -> Stack:
    """A gateway on a primary with a replica, and a Redis."""
    return Stack.model_validate(
        {
            "title": "Small",
            "services": {"gui-gateway": {"program": "gui-gateway", "port": 8080}, "broker": {"program": "broker", "port": 9500}},
            "datastores": {
                "postgres-primary": {"kind": "postgres", "port": 15432, "role": "writer"},
                "postgres-replica": {"kind": "postgres", "port": 15433, "role": "replica", "replica-of": "postgres-primary"},
                "redis": {"kind": "redis", "port": 16379, "role": "primary"},
            },
            "addresses": {
                "postgres": {"port": 5432, "selector": {"app": "eafix-postgres", "role": "writer"}},
                "redis": {"port": 6379, "selector": {"app": "eafix-redis"}},
            },
            "links": [
                {"from": "gui-gateway", "to": "postgres"},
                {"from": "gui-gateway", "to": "redis"},
                {"from": "gui-gateway", "to": "broker"},
                {"from": "postgres-replica", "to": "postgres-primary"},
            ],
            "monitoring": {"rules": [], "scrape": ["gui-gateway"]},
        }
    )
