"""`eafix-cli security scan`: looks where something that doesn't belong here could be, and removes what can safely be removed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from typing import NamedTuple

from fakes.commands.eafix.platform import Check, Platform
from fakes.commands.eafix.trail import changed, entry, literal, rows
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed
from fakes.commands.processes import capture, usage

SCAN_FLAGS = (Flag("remove-threats", "", "switch"),)
_SECRET_NAMES = re.compile(
    r"(^\.env(\..*)?|\.(pem|key|p12|pfx)|^id_[a-z0-9]+|^\.pgpass|^\.netrc|^kubeconfig|secret[^/]*\.ya?ml)$"
)
_SECRET = re.compile(
    rb"PRIVATE KEY-----|(?im:^\s*(export\s+)?[\w.-]*(password|passwd|secret|token|api_?key)[\w.-]*[\"']?\s*[=:]\s*[\"']?\S)"
)
_MOST_BYTES = 65536
_SKIPPED = {".git", "node_modules", "__pycache__"}


class Threat(NamedTuple):
    """Something that doesn't belong here. `remove` says what was done, None where a person has to judge."""

    what: str
    remove: Callable[[], str] | None = None


def run(line: Parsed, platform: Platform) -> int:
    """0 when nothing was found, or all of it removed, and everything could be looked at."""
    left = 0
    for name, look in _PLACES.items():
        try:
            threats = look(platform)
        except _Unseen as unseen:
            print(f"FAIL  {name}: NOT scanned: {unseen}")
            left += 1
            continue
        if not threats:
            print(f"ok    {name}: nothing found")
        for threat in threats:
            done = threat.remove() if threat.remove and line.on("remove-threats") else None
            left += done is None
            kept = "left: a person has to judge" if line.on("remove-threats") else "found"
            print(f"{'FAIL' if done is None else 'ok  '}  {name}: {threat.what}: {done or kept}", flush=True)
    print("clean" if not left else f"{left} findings left")
    return 1 if left else 0


def examined(platform: Platform) -> Iterator[Check]:
    """Each place that is scanned, as one check. Nothing is removed."""
    for name, look in _PLACES.items():
        try:
            found = [threat.what for threat in look(platform)]
        except _Unseen as unseen:
            yield Check(name, False, f"NOT scanned: {unseen}")
            continue
        yield Check(name, not found, "; ".join(found) or "nothing found")


class _Unseen(Exception):
    """A place can't be looked at from here."""


def _checkout(_platform: Platform) -> list[Threat]:
    """Programs of the working copy that were changed, or that git doesn't know."""
    ran = capture(["git", "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames"], os.environ, within_s=20.0)
    if ran.code:
        raise _Unseen((ran.err.strip().splitlines() or ["git can't be run"])[0])
    top = capture(["git", "rev-parse", "--show-toplevel"], os.environ, within_s=20.0).out.strip()
    found = []
    for item in filter(None, ran.out.split("\0")):
        state, path = item[:2], item[3:]
        if _executable(os.path.join(top, path)):
            found.append(Threat(f"{path} is a program that {'git does not know' if state == '??' else 'was changed'}"))
    return found


def _executable(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _processes(platform: Platform) -> list[Threat]:
    """A service is one process; whatever it has started is not of the stack file. Operators can't end what isn't theirs to see."""
    found = []
    for unit in platform.state.services():
        if not unit.running:
            continue
        used = usage(unit.pid) if unit.pid else None
        if used is None:
            raise _Unseen(f"the process of {unit.name} can't be seen from here")
        if used.processes > 1:
            found.append(Threat(f"{unit.name} is one process, and {used.processes - 1} more run under it"))
    return found


def _users(platform: Platform) -> list[Threat]:
    """Users that nobody created, or whose role is not the one they were given: the trail has no entry of it."""
    given = "SELECT detail FROM audit_log WHERE event_type IN ('user_created', 'role_changed') AND target = u.user_id ORDER BY entry DESC LIMIT 1"
    found = rows(
        platform,
        f"SELECT user_id, role, given FROM (SELECT u.*, ({given}) AS given FROM users u) AS known"
        " WHERE locked_at_s IS NULL AND given IS DISTINCT FROM 'role ' || role ORDER BY user_id",
    )
    return [_unknown_user(platform, **row) for row in found]


def _unknown_user(platform: Platform, user_id: str, role: str, given: str | None) -> Threat:
    def lock() -> str:
        user, now_s = literal(user_id), platform.state.now_s
        ended = changed(
            platform,
            locked=f"UPDATE users SET locked_at_s = {now_s!r} WHERE user_id = {user} RETURNING user_id",
            ended=f"UPDATE api_tokens SET revoked_at_s = {now_s!r} WHERE user_id = {user} AND revoked_at_s IS NULL RETURNING 1 AS one",
        )
        _write(platform, "lock user", user_id)
        return f"locked, {len(ended)} tokens revoked"

    why = f"has the role {role}, and was given: {given}" if given else "was created by nobody that the audit trail knows"
    return Threat(f"user {user_id} {why}", lock)


def _tokens(platform: Platform) -> list[Threat]:
    """Valid tokens that nobody issued and no login opened."""
    issued = "event_type IN ('token_issued', 'login_succeeded') AND target = t.token_id::text"
    found = rows(
        platform,
        "SELECT token_id, name, user_id FROM api_tokens t WHERE revoked_at_s IS NULL"
        f" AND NOT EXISTS (SELECT FROM audit_log WHERE {issued}) ORDER BY token_id",
    )
    return [_unknown_token(platform, **row) for row in found]


def _unknown_token(platform: Platform, token_id: int, name: str, user_id: str) -> Threat:
    def revoke() -> str:
        now_s = platform.state.now_s
        changed(platform, done=f"UPDATE api_tokens SET revoked_at_s = {now_s!r} WHERE token_id = {token_id} RETURNING token_id")
        _write(platform, "revoke token", str(token_id))
        return "revoked"

    return Threat(f"token {name} of {user_id} was issued by nobody that the audit trail knows", revoke)


def _write(platform: Platform, action: str, target: str) -> None:
    platform.sql(entry(platform.state.now_s, "threat_removed", action, target, "ok"))


def _secrets(_platform: Platform) -> list[Threat]:
    """Files of the working copy and the home folder that hold a secret, and that everybody may read."""
    found = []
    for folder in dict.fromkeys((os.getcwd(), os.environ.get("HOME", ""))):
        for path in _files(folder):
            if not _SECRET_NAMES.search(os.path.basename(path)) and not path.endswith("/.kube/config"):
                continue
            try:
                mode = os.stat(path).st_mode
                with open(path, "rb") as file:
                    held = file.read(_MOST_BYTES)
            except OSError:
                continue
            whole = os.path.basename(path) in (".pgpass", ".netrc")  # whatever is in these is secret
            if mode & stat.S_IROTH and (bool(held.strip()) if whole else bool(_SECRET.search(held))):
                found.append(_readable(path, stat.S_IMODE(mode)))
    return found


def _files(folder: str) -> Iterator[str]:
    if not folder:
        return
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        yield from (os.path.join(top, name) for name in sorted(names))


def _readable(path: str, mode: int) -> Threat:
    def close() -> str:
        try:
            os.chmod(path, mode & ~0o077)
        except OSError as error:
            raise Failure(f"eafix-cli: {path}: {error.strerror}") from error
        return "for its owner alone now"

    return Threat(f"{os.path.relpath(path)} holds a secret, and everybody may read it", close)


_PLACES: dict[str, Callable[[Platform], list[Threat]]] = {
    "programs": _checkout,
    "processes": _processes,
    "users": _users,
    "sessions": _tokens,
    "key files": _secrets,
}
