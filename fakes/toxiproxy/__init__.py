"""An embedded server that speaks Toxiproxy's HTTP API (2.12) and does what its toxics do, in one asyncio process.

    python -m fakes.toxiproxy --host 127.0.0.1 --port 8474 [--seed N] [--config proxies.json]

The way of a byte: `connection.py` (two sockets) -> `link.py` (one direction) -> `stages.py` (one toxic each) -> the other socket.
The way of a request: `http.py` -> `api.py` -> `proxy.py`. Where the real server breaks, this one answers 400 or goes on:
see `docs/decisions` and `tests/fakes/toxiproxy`, whose contract runs against both.
"""

VERSION = "2.12.0"  # of the API that is spoken
