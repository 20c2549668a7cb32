"""The server as a program. It says on standard output where its API answers, and ends on SIGINT and SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import http
import logging
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from fakes.toxiproxy import VERSION
from fakes.toxiproxy.addresses import listen
from fakes.toxiproxy.api import Api
from fakes.toxiproxy.errors import CannotListen
from fakes.toxiproxy.log import LogThread
from fakes.toxiproxy.proxy import Proxies
from fakes.toxiproxy.web import HttpConnection

logger = logging.getLogger("server")


def main(arguments: list[str] | None = None) -> None:
    """Serve until told to stop. Exits with code 1 when the API's address or the file of proxies is no good."""
    options = _parser().parse_args(arguments)
    log = LogThread()
    logging.basicConfig(level=logging.INFO, handlers=[log])
    _allow_many_sockets()
    try:
        with asyncio.Runner(loop_factory=_loop_factory(options.loop)) as runner:
            runner.run(_serve(options))
    finally:
        log.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fakes.toxiproxy", description="A Toxiproxy-compatible server.", allow_abbrev=False
    )
    parser.add_argument("-host", "--host", default="localhost", help="where the API listens")
    parser.add_argument("-port", "--port", default="8474", help="port of the API; 0 for any free one")
    parser.add_argument("-seed", "--seed", type=int, help="makes toxicity, jitter and slices repeatable")
    parser.add_argument(
        "-config", "--config", type=Path, help="JSON file with proxies to begin with, as POST /populate takes them"
    )
    parser.add_argument(
        "--loop", choices=("auto", "asyncio", "uvloop"), default="auto", help="event loop; auto: uvloop where it is installed"
    )
    parser.add_argument("-version", "--version", action="version", version=f"toxiproxy-server version {VERSION} (embedded)")
    return parser


def _loop_factory(wanted: str) -> Callable[[], asyncio.AbstractEventLoop]:
    if wanted != "asyncio":
        try:
            import uvloop  # noqa: PLC0415 - it is a choice
        except ImportError:
            if wanted == "uvloop":
                raise
        else:
            return uvloop.new_event_loop
    return asyncio.new_event_loop


def _allow_many_sockets() -> None:
    """Each connection takes two."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_exception)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    proxies = Proxies(options.seed)
    api = Api(proxies)
    try:
        listener, address = await listen(f"{options.host}:{options.port}")
        if options.config is not None:
            await _populate(api, options.config)
    except (CannotListen, OSError) as error:
        sys.exit(f"toxiproxy: {error}")
    server = await loop.create_server(lambda: HttpConnection(api), sock=listener)
    logger.info("API listens on %s", address)
    gc.collect()
    gc.freeze()  # what is there now stays: collections need not look at it while data flows
    await stopped.wait()
    server.close()
    proxies.stop()


async def _populate(api: Api, file: Path) -> None:
    created = await api.answer("POST", "/populate", file.read_bytes())
    if created.status != http.HTTPStatus.CREATED:
        sys.exit(f"toxiproxy: {file}: {created.body.decode()}")


def _log_exception(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:  # noqa: ARG001 - asyncio's signature
    """A peer that vanishes is no news; anything else is a fault of ours, and the server goes on."""
    error = context.get("exception")
    if not isinstance(error, OSError):
        logger.error("%s", context.get("message"), exc_info=error if isinstance(error, BaseException) else None)


if __name__ == "__main__":
    main()
