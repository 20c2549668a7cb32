"""The HTTP API, without the HTTP: a method, a path and a body give a status and a body."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from fakes.toxiproxy import VERSION
from fakes.toxiproxy.bodies import Fields, decode
from fakes.toxiproxy.errors import ApiError, BadBody, MissingField
from fakes.toxiproxy.proxy import Proxies

logger = logging.getLogger("api")

_JSON = "application/json"
_LOGGED = 1000  # bytes of a request's body
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the client."""

    status: int
    body: bytes = b""
    content_type: str = _JSON


@dataclass(frozen=True, slots=True)
class Request:
    """What a handler is given: the names in the path, and the body."""

    names: list[str]
    body: bytes


Handler = Callable[[Request], Awaitable[Answer]]


class Api:
    """Answers requests. Changes are made one at a time; nothing here waits for the data of a connection."""

    def __init__(self, proxies: Proxies) -> None:
        self._proxies = proxies
        self._changing = asyncio.Lock()
        change_proxy, change_toxic = self._change_proxy, self._change_toxic
        # "*" stands for a name, which the handler is given.
        self._routes: Mapping[tuple[str, ...], Mapping[str, Handler]] = {
            ("version",): {"GET": self._version},
            ("reset",): {"POST": self._reset},
            ("populate",): {"POST": self._populate},
            ("proxies",): {"GET": self._list_proxies, "POST": self._add_proxy},
            ("proxies", "*"): {
                "GET": self._show_proxy, "POST": change_proxy, "PATCH": change_proxy, "DELETE": self._remove_proxy,
            },
            ("proxies", "*", "toxics"): {"GET": self._list_toxics, "POST": self._add_toxic},
            ("proxies", "*", "toxics", "*"): {
                "GET": self._show_toxic, "POST": change_toxic, "PATCH": change_toxic, "DELETE": self._remove_toxic,
            },
        }  # fmt: skip

    async def answer(self, method: str, target: str, body: bytes) -> Answer:
        """Never raises: what goes wrong is an answer, too."""
        parts = target.partition("?")[0].split("/")[1:]
        handlers = self._routes.get(tuple(part if place % 2 == 0 else "*" for place, part in enumerate(parts)))
        if handlers is None or "" in parts:
            return Answer(404, b"404 page not found\n", _TEXT)
        if method not in handlers:
            return Answer(405)
        request = Request([unquote(part) for part in parts[1::2]], body)
        try:
            if method == "GET":
                return await handlers[method](request)
            async with self._changing:
                answer = await handlers[method](request)
        except ApiError as error:
            answer = Answer(error.status, error.body)
        except Exception as error:
            logger.exception("%s %s failed", method, target)
            answer = Answer(500, ApiError(f"{type(error).__name__}: {error}").body)
        logger.info("%s %s %d %s", method, unquote(target), answer.status, body[:_LOGGED].decode(errors="replace").strip())
        return answer

    async def _version(self, _: Request) -> Answer:
        return Answer(200, f'{{"version": "{VERSION}"}}\n'.encode(), "application/json;charset=utf-8")

    async def _reset(self, _: Request) -> Answer:
        await self._proxies.reset()
        return Answer(204)

    # --- proxies ----------------------------------------------------------------------------------------------

    async def _list_proxies(self, _: Request) -> Answer:
        return _json(self._proxies.shown())

    async def _show_proxy(self, request: Request) -> Answer:
        return _json(self._proxies[request.names[0]].shown())

    async def _add_proxy(self, request: Request) -> Answer:
        fields = Fields(decode(request.body), "proxy")
        name, upstream = _required(fields, "name"), _required(fields, "upstream")
        proxy = await self._proxies.add(name, fields.text("listen"), upstream, enabled=fields.flag("enabled", default=True))
        return _json(proxy.shown(), 201)

    async def _change_proxy(self, request: Request) -> Answer:
        proxy = self._proxies[request.names[0]]
        fields = Fields(decode(request.body), "proxy")
        listen, upstream = fields.text("listen", proxy.listen), fields.text("upstream", proxy.upstream)
        await proxy.update(listen, upstream, enabled=fields.flag("enabled", default=proxy.enabled))
        return _json(proxy.shown())

    async def _remove_proxy(self, request: Request) -> Answer:
        self._proxies.remove(request.names[0])
        return Answer(204)

    async def _populate(self, request: Request) -> Answer:
        """All are looked at before the first is made; one that can't listen ends it, and those made so far stay."""
        made: list[object] = []
        try:
            for wanted in _read_proxies(decode(request.body)):
                proxy = await self._proxies.add_or_replace(
                    wanted.text("name"),
                    wanted.text("listen"),
                    wanted.text("upstream"),
                    enabled=wanted.flag("enabled", default=True),
                )
                made.append(proxy.shown())
        except ApiError as error:
            return _json({**error.fields, "proxies": made or None}, error.status)
        return _json({"proxies": made or None}, 201)

    # --- toxics -----------------------------------------------------------------------------------------------

    async def _list_toxics(self, request: Request) -> Answer:
        return _json([toxic.shown() for toxic in self._proxies[request.names[0]].toxics])

    async def _show_toxic(self, request: Request) -> Answer:
        return _json(self._proxies[request.names[0]].toxic(request.names[1]).shown())

    async def _add_toxic(self, request: Request) -> Answer:
        return _json(self._proxies[request.names[0]].add_toxic(decode(request.body)).shown())

    async def _change_toxic(self, request: Request) -> Answer:
        proxy = self._proxies[request.names[0]]
        proxy.toxic(request.names[1])
        return _json(proxy.change_toxic(request.names[1], decode(request.body)).shown())

    async def _remove_toxic(self, request: Request) -> Answer:
        proxy = self._proxies[request.names[0]]
        proxy.remove_toxic(proxy.toxic(request.names[1]))
        return Answer(204)


def _json(value: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def _required(fields: Fields, name: str, where: str = "") -> str:
    value = fields.text(name)
    if not value:
        raise MissingField(name + where)
    return value


def _read_proxies(value: object) -> list[Fields]:
    if value is not None and not isinstance(value, list):
        raise BadBody("json: cannot read it as a list of proxies")
    wanted = [Fields(each, "proxy") for each in value or []]
    for number, fields in enumerate(wanted, 1):
        for name in ("name", "upstream"):
            _required(fields, name, f" at proxy {number}")
        fields.text("listen")
        fields.flag("enabled", default=True)
    return wanted
