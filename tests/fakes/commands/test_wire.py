"""HTTP and Redis over a bare socket: answers, and the words for a missing one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fakes.commands.wire import Redis, Reply, Unreachable, request
from tests.fakes.commands.fake_cluster import Answering


@contextmanager
def saying(*answers: bytes) -> Iterator[str]:
    """A server that says one of these to each line or request it gets, then closes."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            for answer in answers:
                connection.recv(65536)
                connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        thread.join()
        server.close()


def test_a_request_carries_its_body_and_brings_the_answer() -> None:
    """Method, path and JSON body arrive; status and JSON come back."""
    server = Answering()
    server.answers["POST", "/things"] = (201, {"made": True})
    try:
        reply = request(server.address, "POST", "/things?now=1", {"a": 1})
    finally:
        server.close()
    assert (reply.status, reply.json()) == (201, {"made": True})
    assert server.asked == [("POST", "/things?now=1", {"a": 1})]


def test_an_answer_without_length_ends_with_the_connection() -> None:
    """HTTP/1.0 servers need not say how long an answer is."""
    with saying(b"HTTP/1.0 200 OK\r\n\r\nhello") as address:
        assert request(address, "GET", "/") == Reply(200, "hello")


def test_a_body_that_is_not_json_is_none() -> None:
    """Whoever reads it decides what that means."""
    assert Reply(200, "<html>").json() is None


def test_nobody_listening_is_told_in_plain_words() -> None:
    """The address and the reason, not an exception's name."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(Unreachable) as caught:
        request(address, "GET", "/")
    assert str(caught.value) == f"{address}: connection refused"


def test_a_silent_server_is_given_up_in_time() -> None:
    """The time-out bounds the whole exchange."""
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(Unreachable, match=r"no answer within 0\.05 s"):
        request(f"127.0.0.1:{server.getsockname()[1]}", "GET", "/", timeout_s=0.05)


def test_an_answer_that_breaks_off_is_none() -> None:
    """Half a head is no answer."""
    with saying(b"HTTP/1.0 2") as address, pytest.raises(Unreachable, match="the answer broke off"):
        request(address, "GET", "/")


def test_redis_answers_of_every_kind_are_read() -> None:
    """Status, number, text, nothing and lists of them."""
    with (
        saying(b"+OK\r\n", b":3\r\n", b"$5\r\nhello\r\n", b"$-1\r\n", b"*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n") as address,
        Redis(address) as redis,
    ):
        assert [redis.call("PING") for _ in range(5)] == ["OK", 3, "hello", None, ["0", ["a"]]]


def test_a_redis_error_and_a_lost_connection_are_told() -> None:
    """Redis's own words, or those of the connection."""
    with saying(b"-READONLY You can't write\r\n") as address, Redis(address) as redis:
        with pytest.raises(Unreachable, match="READONLY You can't write"):
            redis.call("SET", "a", "1")
        with pytest.raises(Unreachable, match=r"the connection was closed|broken pipe|connection reset"):
            redis.call("PING")
