"""What the embedded API makes of HTTP that is large, cut off, odd or none."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator

import pytest

from tests.fakes.toxiproxy.conftest import Server, receive_all

PROXY = b'{"name":"sent","upstream":"127.0.0.1:9","listen":"127.0.0.1:0"}'


@pytest.fixture
def client(embedded: Server) -> Iterator[socket.socket]:
    embedded.proxies.append("sent")
    with socket.create_connection(("127.0.0.1", embedded.port), timeout=15) as connection:
        yield connection


def test_reads_a_body_in_chunks(embedded: Server, client: socket.socket) -> None:
    """Some clients know the length only at the end."""
    client.sendall(b"POST /proxies HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
    for part in (PROXY[:20], PROXY[20:], b""):
        client.sendall(f"{len(part):x}\r\n".encode() + part + b"\r\n")
    assert receive_all(client).startswith(b"HTTP/1.1 201 Created\r\n")
    assert "sent" in embedded.done("GET", "/proxies")


def test_reads_a_body_that_comes_byte_by_byte(client: socket.socket) -> None:
    """And answers a client that has closed its side."""
    for byte in f"POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: {len(PROXY)}\r\n\r\n".encode() + PROXY:
        client.sendall(bytes([byte]))
    client.shutdown(socket.SHUT_WR)
    assert receive_all(client).startswith(b"HTTP/1.1 201 Created\r\n")


def test_tells_a_waiting_client_to_go_on(client: socket.socket) -> None:
    """`Expect: 100-continue`, as curl sends it with larger bodies."""
    header = (
        f"POST /proxies HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: {len(PROXY)}\r\n\r\n"
    )
    client.sendall(header.encode())
    assert client.recv(100).startswith(b"HTTP/1.1 100")
    client.sendall(PROXY)
    assert receive_all(client).startswith(b"HTTP/1.1 201 Created\r\n")


def test_answers_requests_sent_in_one_go_in_their_order(client: socket.socket) -> None:
    """Pipelined requests, the last one closing."""
    get = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
    client.sendall(get % b"version" + get % b"nope" + get.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") % b"proxies")
    assert re.findall(rb"HTTP/1.1 (\d+)", receive_all(client)) == [b"200", b"404", b"200"]


@pytest.mark.parametrize(
    "sent", [b"\x16\x03\x01\x02\x00\x01\x00 not HTTP\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"POST /reset HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"]
)  # fmt: skip
def test_refuses_what_is_not_http(embedded: Server, client: socket.socket, sent: bytes) -> None:
    """400, the connection is closed, and the server goes on."""
    client.sendall(sent)
    head, _, body = receive_all(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert json.loads(body)["status"] == 400
    assert embedded.call("GET", "/version").status == 200


def test_refuses_a_body_without_end(embedded: Server, client: socket.socket) -> None:
    """After 16 MiB it is cut off, and the server goes on."""
    client.sendall(b"POST /populate HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
    with pytest.raises(ConnectionError):
        client.sendall(bytes(64 << 20))
    assert embedded.call("GET", "/version").status == 200


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"name": NaN}', b"\xff\xfe", b"1" * 5000, b'{"name":"\\ud800","upstream":"127.0.0.1:9"}'],
    ids=["deep", "nan", "not utf-8", "huge number", "lone surrogate"],
)  # fmt: skip
def test_json_that_upsets_a_parser_is_refused(embedded: Server, body: bytes) -> None:
    """400 where it can't be read; in no case a 500 or the end of the server."""
    assert embedded.call("POST", "/populate", body).status == 400
    assert embedded.call("GET", "/version").status == 200


def test_a_client_that_leaves_in_the_middle_is_no_matter(embedded: Server) -> None:
    """Half a request, and one whose answer nobody awaits."""
    for sent in (b"POST /proxies HT", b"GET /proxies HTTP/1.1\r\nHost: x\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", embedded.port), timeout=15) as client:
            client.sendall(sent)
    assert embedded.call("GET", "/version").status == 200
