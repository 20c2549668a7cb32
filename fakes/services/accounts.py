"""Who comes through the gateway: logins, tokens, and what each did, in the platform's audit trail.

    POST /auth/login {user, password}                     200 {token, user, role}; 401; 403 when the password must be changed first
    POST /auth/password {user, password, new_password}    200, and all its sessions end
    POST /auth/logout      GET /auth/me                   of the token's user

A token comes as `Authorization: Bearer TOKEN`. Nobody needs one to place orders, but a token that is revoked, unknown or of a
locked user is refused with 401 on whatever it comes, and what comes with a good one is done in its user's name. Refusals are
counted in the audit trail, not in `http_requests_total`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import LiteralString, NamedTuple, TypeGuard

from aiohttp import web

from fakes.services.answers import Handler, answer, body_of, translated
from fakes.services.base import Service
from fakes.services.database import Database
from fakes.services.errors import BadRequest
from fakes.services.passwords import digest, hashed, matches, new_token

ADMIN, ADMIN_ROLE = ("/emergency/", "/admin/", "/api/maintenance"), "operator"  # whose POSTs only operators may do
LEAST_PASSWORD = 12  # characters
FINGERPRINT = 12  # letters of an unknown token's hash that are kept
_OPEN = {"/auth/login", "/auth/password", "/healthz", "/metrics"}  # where no token is looked at
_WELCOME = web.Response()
_REMEMBERED_S = 300.0  # documented: how long an attempt at what only operators may do is told of
_NOBODY_S_HASH = hashed("", salt=bytes(16))  # so that an unknown user takes as long as a wrong password

_AUDIT: LiteralString = """
    INSERT INTO audit_log (at_s, event_type, actor, address, action, target, outcome, detail)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"""
_CALLER: LiteralString = """
    UPDATE api_tokens t SET uses = uses + 1, last_used_at_s = %s FROM users u
    WHERE t.token_hash = %s AND t.revoked_at_s IS NULL AND u.user_id = t.user_id AND u.locked_at_s IS NULL
    RETURNING u.user_id, u.role, t.token_id, t.name"""
_OPEN_SESSION: LiteralString = """
    WITH opened AS (
        INSERT INTO api_tokens (name, user_id, token_hash, issued_at_s)
        SELECT 'session-' || user_id, user_id, %s, %s FROM users WHERE user_id = %s AND locked_at_s IS NULL RETURNING token_id)
    INSERT INTO audit_log (at_s, event_type, actor, address, action, target, outcome)
    SELECT %s, 'login_succeeded', %s, %s, 'log in', token_id::text, 'ok' FROM opened RETURNING target"""
_CHANGE: LiteralString = """
    WITH changed AS (UPDATE users SET password_hash = %s, must_change = false WHERE user_id = %s RETURNING user_id),
         ended AS (UPDATE api_tokens SET revoked_at_s = %s WHERE user_id IN (TABLE changed) AND revoked_at_s IS NULL RETURNING 1)
    INSERT INTO audit_log (at_s, event_type, actor, address, action, target, outcome, detail)
    SELECT %s, 'password_changed', user_id, %s, 'change password', user_id, 'ok',
           (SELECT count(*) FROM ended) || ' tokens revoked' FROM changed"""
_CLOSE_SESSION: LiteralString = "UPDATE api_tokens SET revoked_at_s = %s WHERE token_id = %s AND revoked_at_s IS NULL"

_log = logging.getLogger(__name__)


class Caller(NamedTuple):
    """Whose token came with a request."""

    user: str
    role: str
    token_id: int
    token_name: str


class Door:
    """What every request to the gateway passes, and what it answers itself under /auth."""

    def __init__(self, service: Service, database: Database) -> None:
        self._service, self._database, self._clock = service, database, service.clock
        self._failed_logins = service.metrics.counter("failed_login_attempts")
        self._last_trespass_s = float("-inf")
        service.metrics.gauge("unauthorized_admin_access", self._trespassed)

    def stand_before(self, service: Service) -> None:
        """Everything that the service offers, and what is under /auth."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guard(request, handler)

        service.around(guard)
        service.post("/auth/login", self.login)
        service.post("/auth/password", self.password)
        service.post("/auth/logout", self.logout)
        service.get("/auth/me", self.me)

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Whoever shows a token must be somebody, and is written down."""
        if "Authorization" not in request.headers or request.path in _OPEN:
            return await handler(request)
        refused = await translated(request, self._checked)
        return refused if refused is not _WELCOME else await handler(request)

    async def _checked(self, request: web.Request) -> web.StreamResponse:
        shown = request.headers["Authorization"]
        caller = await self._caller(shown)
        if caller is None:
            return await self._refused_token(request, shown)
        request["caller"] = caller
        if _is_admin(request) and caller.role != ADMIN_ROLE:
            return await self._trespasses(request, caller)
        await self._write_down(request, caller)
        return _WELCOME

    async def _caller(self, shown: str) -> Caller | None:
        found = await self._database.rows(_CALLER, (self._clock.now(), digest(_token_of(shown))))
        return Caller(*found[0]) if found else None

    async def _refused_token(self, request: web.Request, shown: str) -> web.Response:
        known: LiteralString = "SELECT user_id, token_id::text, name FROM api_tokens WHERE token_hash = %s"
        stored = digest(_token_of(shown))
        found = await self._database.rows(known, (stored,))
        user, target, detail = found[0] if found else ("unknown", stored[:FINGERPRINT], "no such token")
        await self._audit(request, "token_refused", user, _what(request), target, "refused", detail)
        return answer({"error": "the token is unknown or revoked, or its user is locked"}, 401)

    async def _trespasses(self, request: web.Request, caller: Caller) -> web.Response:
        self._last_trespass_s = self._clock.now()
        await self._audit(request, "admin_refused", caller.user, _what(request), request.path, "refused", f"role {caller.role}")
        return answer({"error": f"only a user with the role {ADMIN_ROLE} may do this"}, 403)

    def _trespassed(self) -> float:
        return float(self._clock.now() - self._last_trespass_s < _REMEMBERED_S)

    async def _write_down(self, request: web.Request, caller: Caller) -> None:
        """Before it is done, so that nothing is done in a user's name that is not in the trail."""
        if _is_admin(request):
            await self._audit(request, "admin_action", caller.user, _what(request), request.path, "asked")
        elif (request.method, request.path) == ("POST", "/api/orders"):
            order = (await body_of(request)).get("client_order_id")
            await self._audit(request, "order_placed", caller.user, _what(request), order if _is_text(order) else "", "asked")

    # --- /auth ---

    async def login(self, request: web.Request) -> web.Response:
        user, must_change = await self._proved(request, await body_of(request))
        if user is None:
            return answer({"error": "wrong user or password"}, 401)
        if must_change:
            await self._audit(request, "login_refused", user, "log in", user, "refused", "the password must be changed first")
            return answer({"error": "the password must be changed first: POST /auth/password"}, 403)
        token, now_s = new_token(), self._clock.now()
        given = (digest(token), now_s, user, now_s, user, _address(request))
        if not await self._database.rows(_OPEN_SESSION, given):  # it was locked this moment
            await self._failed(request, user, "locked")
            return answer({"error": "wrong user or password"}, 401)
        role: LiteralString = "SELECT role FROM users WHERE user_id = %s"
        return answer({"token": token, "user": user, "role": (await self._database.rows(role, (user,)))[0][0]})

    async def password(self, request: web.Request) -> web.Response:
        given = await body_of(request)
        new = given.get("new_password")
        if not _is_text(new) or len(new) < LEAST_PASSWORD or new == given.get("password"):
            raise BadRequest(f"new_password: expected another password of {LEAST_PASSWORD} characters or more")
        user, _ = await self._proved(request, given)
        if user is None:
            return answer({"error": "wrong user or password"}, 401)
        stored, now_s = await asyncio.to_thread(hashed, new), self._clock.now()
        await self._database.rows(_CHANGE, (stored, user, now_s, now_s, _address(request)))
        return answer({"status": "changed", "user": user})

    async def logout(self, request: web.Request) -> web.Response:
        caller: Caller | None = request.get("caller")
        if caller is None:
            return answer({"error": "no token"}, 401)
        await self._database.rows(_CLOSE_SESSION, (self._clock.now(), caller.token_id))
        await self._audit(request, "logout", caller.user, "log out", str(caller.token_id), "ok")
        return answer({"status": "logged out", "user": caller.user})

    async def me(self, request: web.Request) -> web.Response:
        caller: Caller | None = request.get("caller")
        if caller is None:
            return answer({"error": "no token"}, 401)
        return answer({"user": caller.user, "role": caller.role, "token": caller.token_name})

    async def _proved(self, request: web.Request, given: dict[str, object]) -> tuple[str | None, bool]:
        """The user whose password came, and whether it must be changed; None after a failed attempt, which is written down."""
        user, password = given.get("user"), given.get("password")
        if not _is_text(user) or not _is_text(password) or len(user) > 64:
            raise BadRequest("user and password: expected two texts")
        row: LiteralString = "SELECT password_hash, must_change, locked_at_s FROM users WHERE user_id = %s"
        found = await self._database.rows(row, (user,))
        stored, must_change, locked_at_s = found[0] if found else (_NOBODY_S_HASH, False, None)
        right = await asyncio.to_thread(matches, password, stored)
        if found and right and locked_at_s is None:
            return user, must_change
        await self._failed(request, user, "no such user" if not found else "locked" if right else "wrong password")
        return None, False

    async def _failed(self, request: web.Request, user: str, why: str) -> None:
        self._failed_logins.add()
        _log.warning("login of %r from %s failed: %s", user, _address(request), why)
        await self._audit(request, "login_failed", user, "log in", user, "refused", why)

    async def _audit(
        self, request: web.Request, event_type: str, actor: str, action: str, target: str, outcome: str, detail: str = ""
    ) -> None:
        given = (self._clock.now(), event_type, actor, _address(request), action, target, outcome, detail)
        await self._database.rows(_AUDIT, given)


def _token_of(shown: str) -> str:
    """Empty, which is nobody's, when it is no bearer token."""
    scheme, _, token = shown.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _is_text(value: object) -> TypeGuard[str]:
    """Whether it is a text that Postgres can keep."""
    if not isinstance(value, str) or not value or "\0" in value:
        return False
    return value.encode("utf-8", "ignore") == value.encode("utf-8", "surrogatepass")


def _address(request: web.Request) -> str:
    """Where a client is: everybody comes through a load balancer, which says it."""
    forwarded = request.headers.get("X-Forwarded-For", "").partition(",")[0].strip()
    return forwarded[:64] or request.remote or "unknown"


def _is_admin(request: web.Request) -> bool:
    return request.method == "POST" and request.path.startswith(ADMIN)


def _what(request: web.Request) -> str:
    return f"{request.method} {request.path}"
