"""The client: what it makes of answers, good and bad. The servers themselves are held to account in tests/fakes/toxiproxy."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from harness.errors import ProxyError
from harness.toxiproxy import ProxySpec, Toxic, Toxiproxy
from tests.fakes.toxiproxy.conftest import Wires, embedded_command, is_cut, receive, running, wires

__all__ = ["wires"]  # the fixture of that name

NOWHERE = "127.0.0.1:9"
SLOW = Toxic("slow", "latency", "upstream", 0.5, {"latency": 7, "jitter": 1})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """An embedded server's."""
    with running(embedded_command(), "embedded", 0) as server:
        yield server.port


@pytest.fixture
def toxiproxy(port: int) -> Iterator[Toxiproxy]:
    client = Toxiproxy("127.0.0.1", port)
    yield client
    for name in client.names():
        client.destroy(name)


def test_tells_the_servers_version(toxiproxy: Toxiproxy) -> None:
    """As plain text."""
    assert toxiproxy.version() == "2.12.0"


def test_creates_what_was_asked_for(toxiproxy: Toxiproxy) -> None:
    """With the address that it really listens on; names may hold what they like."""
    created = toxiproxy.create(ProxySpec("execution-engine -> postgres", "127.0.0.1:0", NOWHERE))
    assert created.upstream == NOWHERE
    assert not created.listen.endswith(":0")
    assert toxiproxy.proxies() == {created.name: created}
    assert toxiproxy.proxy(created.name) == created


def test_populates_in_one_request(toxiproxy: Toxiproxy) -> None:
    """Enabled or not, as each is wanted."""
    specs = [ProxySpec("a", "127.0.0.1:0", NOWHERE), ProxySpec("b", "127.0.0.1:0", NOWHERE, enabled=False)]
    assert list(toxiproxy.populate(specs)) == ["a", "b"]
    assert toxiproxy.enabled() == {"a": True, "b": False}
    assert toxiproxy.populate([]) == {}


def test_disables_enables_and_re_points(toxiproxy: Toxiproxy, wires: Wires) -> None:
    """Each is safe to repeat; the rest of the proxy stays as it is."""
    created = toxiproxy.create(ProxySpec("a/b", "127.0.0.1:0", NOWHERE))
    for _ in range(2):
        toxiproxy.disable("a/b")
    assert toxiproxy.enabled() == {"a/b": False}
    for _ in range(2):
        toxiproxy.enable("a/b")
    assert is_cut(wires.dial(created.listen))
    assert toxiproxy.set_upstream("a/b", wires.address).listen == created.listen
    client, upstream = wires.dial(created.listen), wires.accept()
    client.sendall(b"there")
    assert receive(upstream, 5) == b"there"


def test_puts_changes_and_removes_toxics(toxiproxy: Toxiproxy) -> None:
    """They come back as they were sent."""
    toxiproxy.create(ProxySpec("a", "127.0.0.1:0", NOWHERE))
    assert toxiproxy.add_toxic("a", SLOW) == SLOW
    assert toxiproxy.toxics() == {"a": {"slow": SLOW}}
    faster = Toxic("slow", "latency", "upstream", 1.0, {"latency": 3, "jitter": 1})
    assert toxiproxy.change_toxic("a", faster) == faster
    toxiproxy.remove_toxic("a", "slow")
    assert toxiproxy.toxics() == {"a": {}}


def test_reset_heals_everything(toxiproxy: Toxiproxy) -> None:
    """Enabled and without toxics."""
    toxiproxy.populate([ProxySpec("a", "127.0.0.1:0", NOWHERE), ProxySpec("b", "127.0.0.1:0", NOWHERE, enabled=False)])
    toxiproxy.add_toxic("a", SLOW)
    toxiproxy.reset()
    assert (toxiproxy.enabled(), toxiproxy.toxics()) == ({"a": True, "b": True}, {"a": {}, "b": {}})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.proxy("x"), "could not look at proxy x: Toxiproxy refused: proxy not found"),
        (lambda t: t.disable("x"), "could not disable proxy x: Toxiproxy refused: proxy not found"),
        (lambda t: t.enable("x"), "could not enable proxy x: Toxiproxy refused: proxy not found"),
        (lambda t: t.set_upstream("x", "y:1"), "could not point proxy x at y:1: Toxiproxy refused: proxy not found"),
        (lambda t: t.destroy("x"), "could not destroy proxy x: Toxiproxy refused: proxy not found"),
        (lambda t: t.add_toxic("x", SLOW), "could not put toxic slow (latency) on proxy x: Toxiproxy refused: proxy not found"),
        (lambda t: t.remove_toxic("a", "x"), "could not remove toxic x from proxy a: Toxiproxy refused: toxic not found"),
        (lambda t: t.add_toxic("a", Toxic("x", "nope")), "could not put toxic x (nope) on proxy a: Toxiproxy refused: invalid toxic type"),
        (lambda t: t.create(ProxySpec("a", "", NOWHERE)), "could not create proxy a: Toxiproxy refused: proxy already exists"),
        (lambda t: t.create(ProxySpec("b", "bad", NOWHERE)),
         "could not create proxy b: Toxiproxy failed: listen tcp: address bad: missing port in address"),
        (lambda t: t.populate([ProxySpec("", "", "")]), "could not create the proxies: Toxiproxy refused: missing required field: name at proxy 1"),
    ],
)  # fmt: skip
def test_says_what_failed_and_why(toxiproxy: Toxiproxy, call: Callable[[Toxiproxy], object], message: str) -> None:
    """In the server's own words, whatever the status: the library takes a 500 for a success."""
    toxiproxy.create(ProxySpec("a", "127.0.0.1:0", NOWHERE))
    with pytest.raises(ProxyError) as caught:
        call(toxiproxy)
    assert str(caught.value) == message


def test_says_when_nobody_answers() -> None:
    """And where it asked."""
    with pytest.raises(ProxyError, match=r"could not reset the proxies: no Toxiproxy answers at 127\.0\.0\.1:9\."):
        Toxiproxy("127.0.0.1", 9).reset()


def test_asks_no_http_proxy_of_the_environment(toxiproxy: Toxiproxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the caller's shell has set."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert toxiproxy.version() == "2.12.0"


def test_can_be_called_from_many_threads(toxiproxy: Toxiproxy) -> None:
    """A fault is put on many links at once."""
    names = [f"link-{number}" for number in range(24)]
    toxiproxy.populate(ProxySpec(name, "127.0.0.1:0", NOWHERE) for name in names)
    threads = [threading.Thread(target=toxiproxy.add_toxic, args=(name, SLOW)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert toxiproxy.toxics() == {name: {"slow": SLOW} for name in names}


# --- a server that misbehaves -----------------------------------------------------------------------------------


@pytest.fixture
def answering() -> Iterator[Callable[[int, object], Toxiproxy]]:
    """Makes a client of a server that gives one answer to everything."""
    servers = []

    def make(status: int, body: object) -> Toxiproxy:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Location", self.path)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *arguments: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return Toxiproxy("127.0.0.1", server.server_port)

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("status", [301, 401, 405, 500, 503])
@pytest.mark.parametrize(
    "call", [lambda t: t.reset(), lambda t: t.disable("a"), lambda t: t.remove_toxic("a", "b"), lambda t: t.names()]
)
def test_an_answer_that_is_no_success_is_an_error(
    answering: Callable[[int, object], Toxiproxy], call: Callable[[Toxiproxy], object], status: int
) -> None:
    """Also where the library does not look at it."""
    with pytest.raises(ProxyError, match="upset"):
        call(answering(status, {"error": "upset", "status": status}))


@pytest.mark.parametrize("body", [b"", b"<html>", [1], {"a": {}}, {"a": 5}], ids=repr)
def test_an_answer_that_is_no_toxiproxys_is_an_error(answering: Callable[[int, object], Toxiproxy], body: object) -> None:
    """Somebody else listens on the port."""
    with pytest.raises(ProxyError, match="is no Toxiproxy"):
        answering(200, body).proxies()


def test_an_attribute_that_the_server_passes_over_is_an_error(answering: Callable[[int, object], Toxiproxy]) -> None:
    """The real server drops a misspelt attribute in silence, and the toxic does nothing."""
    shown = {"name": "slow", "type": "latency", "stream": "upstream", "toxicity": 1, "attributes": {"latency": 0, "jitter": 0}}
    with pytest.raises(
        ProxyError, match=r"put toxic slow \(latency\) on proxy a: it has no attribute latancy; it has latency, jitter\."
    ):
        answering(200, shown).add_toxic("a", Toxic("slow", "latency", attributes={"latancy": 5}))
