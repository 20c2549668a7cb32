"""HTTP/1.1 for the API: h11 reads and writes the messages, one request of a connection at a time."""

from __future__ import annotations

import asyncio
import http
from typing import cast

import h11

from fakes.toxiproxy.api import Answer, Api
from fakes.toxiproxy.errors import ApiError, BadBody

_LARGEST_BODY = 16 * 1024 * 1024
_NO_BODY = (204, 304)


class _TooLarge(ApiError):
    status = 413


class HttpConnection(asyncio.Protocol):
    """One client of the API."""

    _transport: asyncio.Transport

    def __init__(self, api: Api) -> None:
        self._api = api
        self._http = h11.Connection(h11.SERVER)
        self._request = h11.Request(method=b"GET", target=b"/", headers=[("Host", "")])
        self._body = bytearray()
        self._answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        if self._http.our_state is h11.MUST_CLOSE:
            return
        try:
            self._http.receive_data(data)
        except h11.RemoteProtocolError as error:
            self._refuse(BadBody(str(error)))
        else:
            if self._answering is None:
                self._read()

    def eof_received(self) -> bool:
        """A client may finish sending before it reads the answer."""
        self.data_received(b"")
        return self._answering is not None

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        # A request that has been read is carried out although nobody waits for its answer.
        self._http.send_failed()

    def _read(self) -> None:
        """Take in what has arrived, up to the end of a request."""
        try:
            while (event := self._http.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.Request):
                    self._request = event
                    if self._http.they_are_waiting_for_100_continue:
                        self._send(h11.InformationalResponse(status_code=100, headers=[]))
                elif isinstance(event, h11.Data):
                    self._body += event.data
                    if len(self._body) > _LARGEST_BODY:
                        self._refuse(_TooLarge(f"request body larger than {_LARGEST_BODY} bytes"))
                        return
                elif isinstance(event, h11.EndOfMessage):
                    self._answering = asyncio.get_running_loop().create_task(self._answer())
                    return
                elif isinstance(event, h11.ConnectionClosed):
                    self._transport.close()
                    return
        except h11.RemoteProtocolError as error:
            self._refuse(BadBody(str(error)))

    async def _answer(self) -> None:
        body, self._body = bytes(self._body), bytearray()
        if _from_a_browser(self._request):
            answer = Answer(403, b"User agent not allowed\n", "text/plain; charset=utf-8")
        else:
            answer = await self._api.answer(self._request.method.decode(), self._request.target.decode(), body)
        self._answering = None
        if self._transport.is_closing():
            return
        self._respond(answer)
        if self._http.our_state is h11.MUST_CLOSE:
            self._transport.close()
        else:
            self._http.start_next_cycle()
            self._read()

    def _refuse(self, error: ApiError) -> None:
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._respond(Answer(error.status, error.body))
        self._transport.close()

    def _respond(self, answer: Answer) -> None:
        headers = [("Server", "gameday-toxiproxy")]
        if answer.status not in _NO_BODY:
            headers.append(("Content-Length", str(len(answer.body))))
        if answer.body:
            headers.append(("Content-Type", answer.content_type))
        reason = http.HTTPStatus(answer.status).phrase
        self._send(
            h11.Response(status_code=answer.status, headers=headers, reason=reason.encode()),
            h11.Data(answer.body),
            h11.EndOfMessage(),
        )

    def _send(self, *events: h11.Event) -> None:
        self._transport.write(b"".join(self._http.send(event) or b"" for event in events))


def _from_a_browser(request: h11.Request) -> bool:
    """A page in a browser of this machine must not be able to steer the server."""
    return any(name == b"user-agent" and value.startswith(b"Mozilla/") for name, value in request.headers)
