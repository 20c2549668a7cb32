"""The model registry, as much of MLflow's REST API as anybody here asks for.

    GET /health    GET /version
    GET|POST /api/2.0/mlflow/registered-models/search     GET /api/2.0/mlflow/registered-models/get?name=NAME

It has one model, the crossing of averages that the indicator engine and the signal generator work with, with its parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from fakes.services.answers import answer
from fakes.services.base import Service, run
from fakes.services.indicator_engine import FAST_TICKS, SLOW_TICKS
from fakes.services.signal_generator import MODEL

VERSION = "2.9.2"  # of the API that is spoken


async def start(service: Service) -> None:
    """Answer for the models."""
    config = service.config
    made_ms = int(service.clock.now() * 1000)
    parameters = {
        "fast_ticks": config.number("indicator.fast_ticks", FAST_TICKS),
        "slow_ticks": config.number("indicator.slow_ticks", SLOW_TICKS),
    }
    version = {
        "name": MODEL, "version": "1", "current_stage": "Production", "status": "READY", "creation_timestamp": made_ms,
        "tags": [{"key": key, "value": str(value)} for key, value in parameters.items()],
    }  # fmt: skip
    model = {"name": MODEL, "creation_timestamp": made_ms, "latest_versions": [version]}

    async def health(_: web.Request) -> web.Response:
        return web.Response(text="OK")

    async def tell_version(_: web.Request) -> web.Response:
        return web.Response(text=VERSION)

    async def search(_: web.Request) -> web.Response:
        return answer({"registered_models": [model]})

    async def get(request: web.Request) -> web.Response:
        name = request.query.get("name")
        if name != MODEL:
            message = f"Registered Model with name={name} not found"
            return answer({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": message}, 404)
        return answer({"registered_model": model})

    service.get("/health", health)
    service.get("/version", tell_version)
    service.get("/api/2.0/mlflow/registered-models/search", search)
    service.post("/api/2.0/mlflow/registered-models/search", search)
    service.get("/api/2.0/mlflow/registered-models/get", get)


def main(config: Mapping[str, Any]) -> None:
    """Be the registry."""
    run(config, start)
