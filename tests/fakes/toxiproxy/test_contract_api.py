"""The HTTP API, held against the real server and the embedded one."""

from __future__ import annotations

import socket

import pytest

from tests.fakes.toxiproxy.conftest import Server, Wires, path

NOWHERE = "127.0.0.1:9"
DEFAULTS = {
    "latency": {"latency": 0, "jitter": 0},
    "bandwidth": {"rate": 0},
    "slow_close": {"delay": 0},
    "timeout": {"timeout": 0},
    "reset_peer": {"timeout": 0},
    "limit_data": {"bytes": 0},
}


def without_log(shown: dict[str, object]) -> dict[str, object]:
    """A proxy as shown, less the empty `Logger` that 2.12 lets slip."""
    return {name: value for name, value in shown.items() if name != "Logger"}


def test_says_its_version_in_json(server: Server) -> None:
    """GET /version is JSON, as from 2.5 on."""
    reply = server.call("GET", "/version")
    assert (reply.status, reply.json) == (200, {"version": "2.12.0"})
    assert reply.content_type.startswith("application/json")


@pytest.mark.parametrize(("method", "target"), [("GET", "/nope"), ("GET", "/proxies/"), ("GET", "/proxies/a/b/c/d")])
def test_unknown_paths_are_not_found(server: Server, method: str, target: str) -> None:
    """What is no route is 404 in plain text."""
    reply = server.call(method, target)
    assert (reply.status, reply.body) == (404, b"404 page not found\n")


@pytest.mark.parametrize(
    ("method", "target"), [("PUT", "/proxies"), ("GET", "/reset"), ("DELETE", "/version"), ("GET", "/populate")]
)
def test_wrong_methods_are_refused(server: Server, method: str, target: str) -> None:
    """A known path with a wrong method is 405 without a body."""
    reply = server.call(method, target)
    assert (reply.status, reply.body) == (405, b"")


def test_browsers_are_refused(server: Server) -> None:
    """A web page can't steer the server."""
    reply = server.call("GET", "/version", **{"User-Agent": "Mozilla/5.0"})
    assert (reply.status, reply.body) == (403, b"User agent not allowed\n")


# --- proxies ----------------------------------------------------------------------------------------------------


def test_creates_a_proxy(server: Server) -> None:
    """201, with the port that was chosen in place of 0; shown alike alone and in the list."""
    shown = server.create(NOWHERE, name="one")
    host, _, port = shown["listen"].rpartition(":")
    assert host == "127.0.0.1"
    assert int(port) > 0
    assert without_log(shown) == {"name": "one", "listen": shown["listen"], "upstream": NOWHERE, "enabled": True, "toxics": []}
    assert server.done("GET", "/proxies/one") == shown
    assert server.done("GET", "/proxies")["one"] == shown


def test_creates_a_disabled_proxy(server: Server) -> None:
    """A disabled proxy keeps its address as it was written: nothing has been listened on yet."""
    shown = server.create(NOWHERE, listen="localhost:0", enabled=False)
    assert (shown["listen"], shown["enabled"]) == ("localhost:0", False)


def test_field_names_are_read_in_any_case(server: Server) -> None:
    """As Go's decoder has it."""
    server.proxies.append("shouting")
    assert (
        server.done("POST", "/proxies", {"NAME": "shouting", "Upstream": NOWHERE, "listen": "127.0.0.1:0"})["name"] == "shouting"
    )


@pytest.mark.parametrize("name", ["execution-engine -> postgres", "a b", "ü", "100%"])
def test_any_name_can_be_addressed(server: Server, name: str) -> None:
    """A name is escaped in the path and comes back as it was."""
    assert server.create(NOWHERE, name=name)["name"] == name
    assert server.done("GET", path(name))["name"] == name
    assert server.call("DELETE", path(name)).status == 204


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "bad request body: EOF"),
        (b"{", "bad request body: unexpected EOF"),
        ([], "bad request body: "),
        (b"null", "missing required field: name"),
        ({}, "missing required field: name"),
        ({"name": "a"}, "missing required field: upstream"),
        ({"name": 1, "upstream": "x"}, "bad request body: "),
        ({"name": "a", "upstream": "x", "enabled": "yes"}, "bad request body: "),
    ],
)
def test_refuses_a_proxy_that_is_not_one(server: Server, body: object, message: str) -> None:
    """400 with the reason, and nothing is created."""
    reply = server.call("POST", "/proxies", body)
    assert reply.status == 400
    assert reply.error.startswith(message)
    assert "a" not in server.done("GET", "/proxies")


def test_refuses_a_name_that_is_taken(server: Server) -> None:
    """409."""
    name = server.create(NOWHERE)["name"]
    reply = server.call("POST", "/proxies", {"name": name, "upstream": NOWHERE})
    assert (reply.status, reply.error) == (409, "proxy already exists")


@pytest.mark.parametrize(
    ("listen", "message"),
    [
        ("bad", "listen tcp: address bad: missing port in address"),
        ("127.0.0.1:99999", "listen tcp: address 99999: invalid port"),
        ("192.0.2.1:1", "listen tcp 192.0.2.1:1: bind: cannot assign requested address"),
    ],
)
def test_an_address_that_cannot_be_listened_on_is_an_error(server: Server, listen: str, message: str) -> None:
    """500 with the reason, and nothing is created."""
    reply = server.call("POST", "/proxies", {"name": "nowhere", "upstream": NOWHERE, "listen": listen})
    assert (reply.status, reply.error) == (500, message)
    assert server.call("GET", "/proxies/nowhere").status == 404


def test_a_port_in_use_is_an_error(server: Server, wires: Wires) -> None:
    """500 naming the address."""
    reply = server.call("POST", "/proxies", {"name": "late", "upstream": NOWHERE, "listen": wires.address})
    assert (reply.status, reply.error) == (500, f"listen tcp {wires.address}: bind: address already in use")


@pytest.mark.parametrize(
    ("method", "rest"),
    [("GET", ""), ("POST", ""), ("DELETE", ""), ("GET", "/toxics"), ("POST", "/toxics"), ("PATCH", "/toxics/x")],
)
def test_a_proxy_that_is_not_there_is_not_found(server: Server, method: str, rest: str) -> None:
    """404, whatever was wanted of it."""
    reply = server.call(method, f"/proxies/nobody{rest}", {} if method in ("POST", "PATCH") else None)
    assert (reply.status, reply.error) == (404, "proxy not found")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_updates_only_what_is_given(server: Server, method: str) -> None:
    """POST and PATCH alike; the name can't be changed."""
    shown = server.create(NOWHERE)
    assert server.done(method, path(shown["name"]), {"name": "other"}) == shown
    assert server.done(method, path(shown["name"]), {"enabled": False}) == {**shown, "enabled": False}
    assert server.done(method, path(shown["name"]), {"upstream": "127.0.0.1:10"}) == {
        **shown,
        "enabled": False,
        "upstream": "127.0.0.1:10",
    }
    assert server.done(method, path(shown["name"]), {"enabled": True})["listen"] == shown["listen"]


def test_a_failed_move_leaves_the_proxy_disabled(server: Server) -> None:
    """500; what it was asked to be is shown, and it can be moved again."""
    shown = server.create(NOWHERE)
    reply = server.call("POST", path(shown["name"]), {"listen": "192.0.2.1:1"})
    assert (reply.status, reply.error) == (500, "listen tcp 192.0.2.1:1: bind: cannot assign requested address")
    assert server.done("GET", path(shown["name"]))["enabled"] is False
    assert server.update(shown["name"], listen=shown["listen"], enabled=True) == shown


def test_a_deleted_proxy_is_gone(server: Server) -> None:
    """204 without a body; its name and its port are free again."""
    shown = server.create(NOWHERE)
    reply = server.call("DELETE", path(shown["name"]))
    assert (reply.status, reply.body) == (204, b"")
    assert server.call("GET", path(shown["name"])).status == 404
    assert server.create(NOWHERE, name=shown["name"], listen=shown["listen"]) == shown


# --- many at once -----------------------------------------------------------------------------------------------


def test_populates_many_in_one_request(server: Server) -> None:
    """201 and the proxies in the order in which they were given."""
    wanted = [
        {"name": f"many-{number}", "upstream": NOWHERE, "listen": "127.0.0.1:0", "enabled": number != 1} for number in range(3)
    ]
    server.proxies += ["many-0", "many-1", "many-2"]
    reply = server.call("POST", "/populate", wanted)
    assert reply.status == 201
    assert [(each["name"], each["enabled"]) for each in reply.json["proxies"]] == [
        ("many-0", True),
        ("many-1", False),
        ("many-2", True),
    ]


def test_populating_again_leaves_alone_what_is_there_and_replaces_what_differs(server: Server) -> None:
    """Same place: toxics and `enabled` stay. Another upstream: a new proxy without toxics."""
    shown = server.create(NOWHERE)
    server.poison(shown["name"], "latency", latency=1)
    same = {"name": shown["name"], "listen": shown["listen"], "upstream": NOWHERE, "enabled": False}
    (kept,) = server.done("POST", "/populate", [same])["proxies"]
    assert (kept["enabled"], len(kept["toxics"])) == (True, 1)
    (replaced,) = server.done("POST", "/populate", [{**same, "upstream": "127.0.0.1:10", "enabled": True}])["proxies"]
    assert without_log(replaced) == {**without_log(shown), "upstream": "127.0.0.1:10"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "bad request body: EOF"),
        ({}, "bad request body: "),
        ([{}], "missing required field: name at proxy 1"),
        (
            [{"name": "first", "upstream": "x:1", "listen": "127.0.0.1:0"}, {"name": "b"}],
            "missing required field: upstream at proxy 2",
        ),
    ],
)
def test_populates_nothing_when_one_is_wrong(server: Server, body: object, message: str) -> None:
    """All are looked at before the first is made."""
    reply = server.call("POST", "/populate", body)
    assert reply.status == 400
    assert reply.error.startswith(message)
    assert reply.json["proxies"] is None
    assert "first" not in server.done("GET", "/proxies")


def test_populating_stops_at_one_that_cannot_listen(server: Server, wires: Wires) -> None:
    """500, with those that were made before it; they stay."""
    server.proxies += ["before", "after"]
    wanted = [{"name": name, "upstream": NOWHERE, "listen": listen} for name, listen in
              (("before", "127.0.0.1:0"), ("between", wires.address), ("after", "127.0.0.1:0"))]  # fmt: skip
    reply = server.call("POST", "/populate", wanted)
    assert (reply.status, reply.error) == (500, f"listen tcp {wires.address}: bind: address already in use")
    assert [each["name"] for each in reply.json["proxies"]] == ["before"]
    assert "before" in server.done("GET", "/proxies")
    assert not {"between", "after"} & {*server.done("GET", "/proxies")}


def test_populating_with_nothing_is_no_error(server: Server) -> None:
    """201 and no proxies."""
    reply = server.call("POST", "/populate", [])
    assert (reply.status, reply.json) == (201, {"proxies": None})


def test_reset_enables_proxies_and_removes_toxics(server: Server) -> None:
    """204; every proxy is enabled and clean."""
    shown = server.create(NOWHERE)
    server.poison(shown["name"], "latency", latency=1)
    server.poison(shown["name"], "timeout", "upstream", timeout=1)
    server.update(shown["name"], enabled=False)
    reply = server.call("POST", "/reset")
    assert (reply.status, reply.body) == (204, b"")
    assert server.done("GET", path(shown["name"])) == shown


# --- toxics -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DEFAULTS)
def test_a_toxic_has_defaults(server: Server, kind: str) -> None:
    """Named after type and stream, downstream, toxicity 1, attributes 0; shown alike everywhere."""
    name = server.create(NOWHERE)["name"]
    expected = {"name": f"{kind}_downstream", "type": kind, "stream": "downstream", "toxicity": 1, "attributes": DEFAULTS[kind]}
    reply = server.call("POST", path(name, "toxics"), {"type": kind})
    assert (reply.status, reply.json) == (200, expected)
    assert server.done("GET", path(name, "toxics", f"{kind}_downstream")) == expected
    assert server.done("GET", path(name, "toxics")) == [expected]
    assert server.done("GET", path(name))["toxics"] == [expected]


def test_a_slicer_is_shown_as_it_was_given(server: Server) -> None:
    """The one toxic whose defaults are of no use."""
    name = server.create(NOWHERE)["name"]
    attributes = {"average_size": 10, "size_variation": 5, "delay": 3}
    reply = server.call(
        "POST", path(name, "toxics"), {"type": "slicer", "stream": "upstream", "attributes": attributes, "toxicity": 0.25}
    )
    shown = {"name": "slicer_upstream", "type": "slicer", "stream": "upstream", "toxicity": 0.25, "attributes": attributes}
    assert (reply.status, reply.json) == (200, shown)


def test_toxics_are_listed_upstream_first_then_by_age(server: Server) -> None:
    """That is also the order in which each stream's toxics act."""
    name = server.create(NOWHERE)["name"]
    for toxic, stream in (("a", "downstream"), ("b", "upstream"), ("c", "downstream"), ("d", "upstream")):
        server.poison(name, "latency", stream, name=toxic)
    assert [toxic["name"] for toxic in server.done("GET", path(name, "toxics"))] == ["b", "d", "a", "c"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "bad request body: EOF"),
        (b"{", "bad request body: unexpected EOF"),
        ({}, "invalid toxic type"),
        ({"type": "nope"}, "invalid toxic type"),
        ({"type": 5}, "bad request body: "),
        ({"type": "latency", "stream": "sideways"}, "stream was invalid, can be either upstream or downstream"),
        ({"type": "latency", "toxicity": "high"}, "bad request body: "),
        ({"type": "latency", "attributes": []}, "bad request body: "),
        ({"type": "latency", "attributes": {"latency": "long"}}, "bad request body: "),
        ({"type": "latency", "attributes": {"latency": 1.5}}, "bad request body: "),
        (b'{"type":"latency","attributes":{"latency":1e3}}', "bad request body: "),
    ],
)
def test_refuses_a_toxic_that_is_not_one(server: Server, body: object, message: str) -> None:
    """400 with the reason, and the proxy stays clean."""
    name = server.create(NOWHERE)["name"]
    reply = server.call("POST", path(name, "toxics"), body)
    assert reply.status == 400
    assert reply.error.startswith(message)
    assert server.done("GET", path(name, "toxics")) == []


def test_null_means_absent(server: Server) -> None:
    """In a toxic and in its attributes."""
    name = server.create(NOWHERE)["name"]
    toxic = {"type": "latency", "name": None, "stream": None, "toxicity": None, "attributes": {"latency": None, "jitter": 3}}
    shown = server.done("POST", path(name, "toxics"), toxic)
    assert (shown["name"], shown["toxicity"], shown["attributes"]) == ("latency_downstream", 1, {"latency": 0, "jitter": 3})


def test_refuses_a_toxics_name_that_is_taken(server: Server) -> None:
    """409, also across streams."""
    name = server.create(NOWHERE)["name"]
    server.poison(name, "latency", name="slow")
    reply = server.call("POST", path(name, "toxics"), {"type": "bandwidth", "stream": "upstream", "name": "slow"})
    assert (reply.status, reply.error) == (409, "toxic already exists")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_changes_only_what_is_given_of_a_toxic(server: Server, method: str) -> None:
    """Attributes and toxicity change; name, type and stream don't."""
    name = server.create(NOWHERE)["name"]
    toxic = server.poison(name, "latency", latency=5, jitter=2)
    target = path(name, "toxics", toxic)
    assert server.done(method, target, {})["attributes"] == {"latency": 5, "jitter": 2}
    assert server.done(method, target, {"attributes": {"latency": 9}})["attributes"] == {"latency": 9, "jitter": 2}
    shown = server.done(
        method, target, {"toxicity": 0.5, "name": "x", "type": "timeout", "stream": "upstream", "attributes": None}
    )
    assert shown == {
        "name": toxic,
        "type": "latency",
        "stream": "downstream",
        "toxicity": 0.5,
        "attributes": {"latency": 9, "jitter": 2},
    }


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("POST", {}), ("DELETE", None)])
def test_a_toxic_that_is_not_there_is_not_found(server: Server, method: str, body: object) -> None:
    """404."""
    name = server.create(NOWHERE)["name"]
    reply = server.call(method, path(name, "toxics", "nothing"), body)
    assert (reply.status, reply.error) == (404, "toxic not found")


def test_a_removed_toxic_is_gone(server: Server) -> None:
    """204 without a body; its name is free again."""
    name = server.create(NOWHERE)["name"]
    toxic = server.poison(name, "latency", latency=5)
    reply = server.call("DELETE", path(name, "toxics", toxic))
    assert (reply.status, reply.body) == (204, b"")
    assert server.done("GET", path(name, "toxics")) == []
    assert server.poison(name, "latency", latency=6) == toxic


def test_a_connection_serves_many_requests(server: Server) -> None:
    """HTTP/1.1 connections are kept."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client, client.makefile("rb") as answers:
        for _ in range(3):
            client.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
            assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
            while answers.readline() != b"\r\n":
                pass
            assert answers.readline() == b'{"version": "2.12.0"}\n'
