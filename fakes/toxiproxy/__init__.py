"""An embedded server that speaks Toxiproxy's HTTP API (2.12) and does what its toxics do, in one asyncio process.

    python -m fakes.toxiproxy --host 127.0.0.1 --port 8474 [--seed N] [--config proxies.json] [--loop asyncio|uvloop]

The way of a byte: `connection.py` (two sockets) -> `link.py` (one direction) -> `stages.py`, `delays.py` (one toxic
each) -> the other socket. The way of a request: `web.py` -> `api.py` -> `proxy.py`.

One contract, `tests/fakes/toxiproxy/test_contract_*.py`, runs against this server and the real one. Where they differ on
purpose (`test_better.py`):

- Values that no toxic can have, toxicities outside 0..1 and attributes that a toxic does not have are answered with 400.
  The real server takes them, and dies of some. A change that is refused changes nothing.
- A half-close and a reset are passed on as what they are; the real server closes both sides in order.
- The API never waits for data: toxics come and go, and proxies are disabled, while a peer does not read.
- `reset_peer` resets connections that were there before it, too. A toxic that spares a connection leaves no trace on it.
  A connection keeps its draw when a toxic's toxicity changes; `--seed` makes the draws repeatable.
- Re-pointing a proxy cuts its connections and does not close its listener.
- POST /reset heals all it can before it reports a proxy that can't listen.
- A proxy is shown without the empty `Logger` that 2.12 lets slip; errors are sent as application/json.
- There is no /metrics. A log that nobody reads stops nothing.
"""

VERSION = "2.12.0"  # of the API that is spoken
