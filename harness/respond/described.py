"""Files of a checkout that describe the stack: made from it, so that they never disagree with what runs."""

from __future__ import annotations

import json

from scenarios.model import Datastore, Service, Stack

EAFIX_COMPOSE = "deploy/compose/docker-compose.yml"
_EARLIER_MEMORY, _MEMORY = "512M", "1G"


def described(stack: Stack) -> dict[str, bytes]:
    """The files, by path, as they are now."""
    if stack.checkout == "eafix":
        return {EAFIX_COMPOSE: compose_file(stack, context="../..").encode()}
    files = {"docker-compose.yml": compose_file(stack, context=".").encode()} if _in_compose(stack) else {}
    if any(service.pm2 for service in stack.services.values()):
        files["ecosystem.config.cjs"] = ecosystem_file(stack, _MEMORY).encode()
    return files


def described_earlier(stack: Stack) -> dict[str, bytes]:
    """Those of them that were different before."""
    files = described(stack)
    return {"ecosystem.config.cjs": ecosystem_file(stack, _EARLIER_MEMORY).encode()} if "ecosystem.config.cjs" in files else {}


def ecosystem_file(stack: Stack, memory: str) -> str:
    """What pm2 is given: one app for each service that it knows."""
    apps = [
        {
            "name": service.pm2, "script": f"services/{name}.js", "instances": 1, "exec_mode": "fork",
            "max_memory_restart": memory, "env": {"NODE_ENV": "production", "PORT": service.port},
            "log_file": "logs/combined.log",
        }
        for name, service in stack.services.items()
        if service.pm2
    ]  # fmt: skip
    return f"module.exports = {json.dumps({'apps': apps}, indent=2)};\n"


def _in_compose(stack: Stack) -> bool:
    return any(store.compose for store in stack.datastores.values()) or any(each.compose for each in stack.services.values())


def compose_file(stack: Stack, *, context: str) -> str:
    """The stack as a compose file: what an operator reads and `docker compose -f` is given.

    `context` is the checkout, relative to the file: its Dockerfile is what the platform's own images are built from.
    """
    known = {name: store.compose for name, store in stack.datastores.items()} | {
        name: each.compose for name, each in stack.services.items()
    }
    lines = [f"name: {stack.prefix}", "services:"]
    for store in stack.datastores.values():
        if store.compose:
            lines += _compose_entry(store.compose, store.kind, store.port, _datastore_probe(store), ())
    for service in stack.services.values():
        if service.compose:
            needs = tuple(there for name in service.depends_on if (there := known.get(name)))
            image = f"{service.image or f'{stack.prefix}/{service.compose}'}:{service.version}"
            own = context if image.startswith(f"{stack.prefix}/") else ""  # whatever else is somebody else's image
            lines += _compose_entry(service.compose, image, service.port, _service_probe(service), needs, own)
    return "\n".join(lines) + "\n"


def _compose_entry(name: str, image: str, port: int, probe: str, needs: tuple[str, ...], context: str = "") -> list[str]:
    lines = [
        f"  {name}:",
        *([f"    build: {context}"] if context else []),
        f"    image: {image}",
        f'    ports: ["127.0.0.1:{port}:{port}"]',
        f"    healthcheck: {{test: {probe}}}",
    ]
    return [*lines, f"    depends_on: [{', '.join(needs)}]"] if needs else lines


def _datastore_probe(store: Datastore) -> str:
    return (
        f'["CMD", "pg_isready", "-p", "{store.port}"]'
        if store.kind == "postgres"
        else f'["CMD", "redis-cli", "-p", "{store.port}", "ping"]'
    )


def _service_probe(service: Service) -> str:
    return f'["CMD", "curl", "-fsS", "http://localhost:{service.port}/healthz"]'
