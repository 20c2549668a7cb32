"""Stand-in for `wscat` 6.1: a real WebSocket client.

As with wscat itself, where there is no terminal nothing but messages and errors is printed, and the end of its input ends it at once,
before it has even connected when the input is empty.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from fakes.commands.entry import Failure, not_modelled, run

if TYPE_CHECKING:
    from fakes.commands.host.websocket import Message, WebSocket

# Long name: its letter, what follows it ("" nothing), and whether the stand-in has it.
OPTIONS = {
    "--version": ("-V", "", True), "--auth": ("", "<username:password>", True), "--ca": ("", "<ca>", False), "--cert": ("", "<cert>", False),
    "--host": ("", "<host>", True), "--key": ("", "<key>", False), "--max-redirects": ("", "[num]", True), "--no-color": ("", "", True),
    "--passphrase": ("", "[passphrase]", False), "--proxy": ("", "<[protocol://]host[:port]>", False), "--slash": ("", "", False),
    "--connect": ("-c", "<url>", True), "--header": ("-H", "<header:value>", True), "--listen": ("-l", "<port>", False),
    "--location": ("-L", "", True), "--no-check": ("-n", "", True), "--origin": ("-o", "<origin>", True),
    "--protocol": ("-p", "<version>", False), "--show-ping-pong": ("-P", "", True), "--subprotocol": ("-s", "<protocol>", True),
    "--wait": ("-w", "<seconds>", True), "--execute": ("-x", "<command>", True), "--help": ("-h", "", True),
}  # fmt: skip
_LETTERS = {letter: name for name, (letter, _, _) in OPTIONS.items() if letter}
_FAILED = 255  # process.exit(-1)
_WAIT_S = 2.0  # after the last -x


class _Where(NamedTuple):
    """The parts of a URL."""

    secure: bool
    host: str
    port: int
    path: str


def main(argv: list[str]) -> int:
    return run(_main, argv)


def _main(argv: list[str]) -> int:
    options = _parsed(argv)
    if "--version" in options:
        print("6.1.0")
        return 0
    for name in options:
        if not OPTIONS[name][2]:
            raise not_modelled("wscat", name)
    if "--help" in options or "--connect" not in options:
        print("Usage: wscat [options] (--listen <port> | --connect <url>)\n\nOptions:")
        print(
            "\n".join(
                f"  {f'{letter}, ' if letter else ''}{name} {value}".rstrip() for name, (letter, value, _) in OPTIONS.items()
            )
        )
        return 0
    where = _where(options["--connect"][-1])
    if _input_has_ended():
        return 0
    return _talk(options, where)


def _parsed(argv: list[str]) -> dict[str, list[str]]:
    """As commander does. Raises Failure."""
    found: dict[str, list[str]] = {}
    queue = list(argv)
    while queue:
        item = queue.pop(0)
        if item == "--":
            break
        if not item.startswith("-") or item == "-":
            continue  # wscat takes no notice of further words
        name, equals, value = item.partition("=") if item.startswith("--") else (item[:2], item[2:3], item[2:])
        name = _LETTERS.get(name, name)
        if name not in OPTIONS:
            raise Failure(f"error: unknown option '{item}'")
        letter, kind, _ = OPTIONS[name]
        if not kind:
            if equals and not item.startswith("--"):
                queue.insert(0, f"-{value}")  # letters put together
        elif not equals and (kind.startswith("<") or (queue and not queue[0].startswith("-"))):
            if not queue:
                raise Failure(f"error: option '{f'{letter}, ' if letter else ''}{name} {kind}' argument missing")
            value = queue.pop(0)
        found.setdefault(name, []).append(value)
    return found


def _where(url: str) -> _Where:
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "ws", url
    if scheme.lower() not in ("ws", "wss", "http", "https"):
        raise Failure('SyntaxError: The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"')
    place, slash, path = rest.partition("/")
    host, _, port = place.rpartition("@")[2].partition(":")
    secure = scheme.lower() in ("wss", "https")
    if not host or (port and not port.isdigit()):
        raise Failure(f"SyntaxError: Invalid URL: {url}")
    return _Where(secure, host, int(port or (443 if secure else 80)), slash + path or "/")


def _input_has_ended() -> bool:
    """Whether there is nothing to read and never will be."""
    if sys.stdin is None or sys.stdin.closed or os.isatty(0):
        return False
    readable = bool(select.select([0], [], [], 0.02)[0])
    return readable and not os.read(0, 65536)  # what was typed before the connection is open is lost, as with wscat


def _talk(options: Mapping[str, list[str]], where: _Where) -> int:
    """Until one side ends it."""
    from fakes.commands.host import websocket

    headers = dict(_pair(text) for text in options.get("--header", []))
    if "--auth" in options:
        import base64

        headers["Authorization"] = "Basic " + base64.b64encode(options["--auth"][-1].encode()).decode()
    for option, name in (("--origin", "Origin"), ("--host", "Host"), ("--subprotocol", "Sec-WebSocket-Protocol")):
        if option in options:
            headers[name] = ",".join(options[option]) if option == "--subprotocol" else options[option][-1]
    try:
        opened = websocket.connect(
            where.host, where.port, where.path, headers=headers, secure=where.secure, trusting="--no-check" in options
        )
    except websocket.Refused as error:
        raise Failure(f"error: {error}", _FAILED) from error
    commands = options.get("--execute", [])
    ends = None
    for command in commands:
        opened.send(websocket.TEXT, command.encode())
    if commands and options.get("--wait", [""])[-1] != "-1":
        ends = time.monotonic() + float(options.get("--wait", [str(_WAIT_S)])[-1] or _WAIT_S)
    if not commands and os.isatty(1):
        print("Connected (press CTRL+C to quit)", flush=True)
    return _exchange(opened, ends, pings="--show-ping-pong" in options, quiet=bool(commands))


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name, value.strip()


def _exchange(opened: WebSocket, ends: float | None, *, pings: bool, quiet: bool) -> int:
    from fakes.commands.host import websocket

    head = "< " if os.isatty(1) and not quiet else ""
    messages: list[Message] | None = opened.buffered()
    while messages is not None:
        for message in messages:
            if message.kind == websocket.CLOSE:
                return _closed(message.data, quiet=quiet)
            if message.kind == websocket.PING:
                opened.send(websocket.PONG, message.data)
                if pings:
                    print(f'{head}Received ping (data: "{message.data.decode("utf-8", "replace")}")', flush=True)
            elif message.kind != websocket.PONG:
                print(head + message.data.decode("utf-8", "replace"), flush=True)
        left = None if ends is None else ends - time.monotonic()
        if left is not None and left <= 0:
            opened.send(websocket.CLOSE, b"")
            return 0
        readable = select.select([opened.fileno(), 0], [], [], left)[0]
        messages = []
        if 0 in readable:
            typed = os.read(0, 65536)
            if not typed:
                opened.send(websocket.CLOSE, b"")
                return 0
            for row in typed.decode("utf-8", "replace").splitlines():
                opened.send(websocket.TEXT, row.encode())
        if opened.fileno() in readable:
            messages = opened.read()
    return _closed(b"", quiet=quiet)


def _closed(data: bytes, *, quiet: bool) -> int:
    code = int.from_bytes(data[:2], "big") if len(data) >= 2 else 1005
    if os.isatty(1) and not quiet:
        print(f'Disconnected (code: {code}, reason: "{data[2:].decode("utf-8", "replace")}")', flush=True)
    return 0
