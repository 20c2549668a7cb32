"""Tells chat and other systems of each drill that is over: only where a file says so, with secrets only from the environment.

A secret is taken out of the environment before a drill starts, so whatever a drill starts is not given it; it is in no message, no
log and no history. A notice that could not be sent is told on standard error and changes no exit code.
"""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from time import sleep
from typing import Any, Literal
from urllib.parse import urlsplit

import click
from pydantic import Field

from reports.notices import Ending, Notice, as_json, as_pagerduty, as_slack, notice_of
from reports.rehearsal import Rehearsal
from scenarios.errors import InvalidInput, Problem
from scenarios.fields import FileModel
from scenarios.validation import read_model
from scenarios.yaml_source import Location, Source

VARIABLE = "GAMEDAY_NOTICES"  # the file, where --notices names none
_PAGERDUTY = {"us": "https://events.pagerduty.com/v2/change/enqueue", "eu": "https://events.eu.pagerduty.com/v2/change/enqueue"}
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_WITHIN_S = 10.0
_AGAIN_AFTER_S = 1.0
_ALWAYS: tuple[Ending, ...] = ("pass", "fail", "unknown", "broken", "stopped")


class _Receiver(FileModel):
    when: tuple[Ending, ...] = Field(_ALWAYS, min_length=1, description="Only of drills that end so.")


class Slack(_Receiver):
    """An incoming webhook of Slack, or of what takes its messages."""

    url_from: str = Field(description="The environment variable that holds its URL.")


class PagerDuty(_Receiver):
    """A change event of PagerDuty."""

    routing_key_from: str = Field(description="The environment variable that holds the integration's routing key.")
    region: Literal["us", "eu"] = "us"


class Webhook(_Receiver):
    """Any other system that takes JSON."""

    url_from: str = Field(description="The environment variable that holds its URL.")
    token_from: str | None = Field(None, description="The environment variable of a token, sent as `Authorization: Bearer`.")


class NoticesFile(FileModel):
    """Who is told of drills."""

    slack: tuple[Slack, ...] = ()
    pagerduty: tuple[PagerDuty, ...] = ()
    webhooks: tuple[Webhook, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Receiver:
    """One that is told. Its repr does not show what it holds; `name` says where that came from."""

    name: str
    url: str
    when: tuple[Ending, ...]
    body: Callable[[Notice], dict[str, Any]]
    token: str = ""

    def __repr__(self) -> str:
        return f"Receiver({self.name!r})"


def receivers(path: Path | None, environment: MutableMapping[str, str] | None = None) -> list[Receiver]:
    """Those of the file, or of the one that GAMEDAY_NOTICES names; none without a file. Their secrets are gone from the environment then.

    Raises InvalidInput for what is wrong in the file, and for a variable that is not set. No message quotes a secret.
    """
    environment = os.environ if environment is None else environment
    named = path or (Path(environment[VARIABLE]) if environment.get(VARIABLE) else None)
    if named is None:
        return []
    source, file = read_model(named, NoticesFile)
    asked = _Secrets(source, environment)
    found = [*_chat(file, asked), *_pages(file, asked), *_hooks(file, asked)]
    if asked.problems:
        raise InvalidInput(asked.problems)
    if not found:
        raise InvalidInput([Problem(named, 0, 0, "nobody is told: name one below slack, pagerduty or webhooks")])
    for name in asked.taken:
        environment.pop(name, None)
    return found


class _Secrets:
    """Reads secrets from the environment by the names that stand in the file, and remembers what is wrong."""

    def __init__(self, source: Source, environment: MutableMapping[str, str]) -> None:
        self._source, self._environment = source, environment
        self.problems: list[Problem] = []
        self.taken: set[str] = set()

    def value(self, name: str, *at: str | int) -> str:
        if not _NAME.fullmatch(name):
            message = f"{at[-1]} names an environment variable, such as GAMEDAY_SLACK_URL; what stands here is no such name (it is not repeated: it may be the secret)"
            return self._wrong(message, at)
        value = self._environment.get(name, "").strip()
        self.taken.add(name)
        return value or self._wrong(f"the environment variable {name} is not set; set it, or remove this entry", at)

    def url(self, name: str, *at: str | int) -> str:
        value = self.value(name, *at)
        try:
            parts = urlsplit(value)
            right = parts.scheme in ("https", "http") and bool(parts.hostname) and value.isprintable() and " " not in value
        except ValueError:
            right = False
        return value if right or not value else self._wrong(f"{name} holds no URL that begins with https:// or http://", at)

    def _wrong(self, message: str, at: Location) -> str:
        self.problems.append(self._source.problem(message, at))
        return ""


def _chat(file: NoticesFile, asked: _Secrets) -> Iterator[Receiver]:
    for number, each in enumerate(file.slack):
        url = asked.url(each.url_from, "slack", number, "url-from")
        yield Receiver(f"slack ({each.url_from})", url, each.when, as_slack)


def _pages(file: NoticesFile, asked: _Secrets) -> Iterator[Receiver]:
    for number, each in enumerate(file.pagerduty):
        key = asked.value(each.routing_key_from, "pagerduty", number, "routing-key-from")
        name = f"pagerduty ({each.routing_key_from})"
        yield Receiver(name, _PAGERDUTY[each.region], each.when, partial(as_pagerduty, routing_key=key))


def _hooks(file: NoticesFile, asked: _Secrets) -> Iterator[Receiver]:
    for number, each in enumerate(file.webhooks):
        url = asked.url(each.url_from, "webhooks", number, "url-from")
        token = asked.value(each.token_from, "webhooks", number, "token-from") if each.token_from else ""
        yield Receiver(f"webhook ({each.url_from})", url, each.when, as_json, token)


def tell_all(
    to: Sequence[Receiver], rehearsal: Rehearsal, link: str = "", wait: Callable[[float], object] = sleep
) -> list[str]:  # fmt: skip
    """Tell everybody who wants to know of such an ending; what went wrong, a line each, which is told on standard error too."""
    if not to:
        return []
    notice = notice_of(rehearsal, link)
    problems = [
        f"notice to {each.name} was not sent: {why}"
        for each in to
        if notice.ending in each.when and (why := _send(each, notice, wait)) is not None
    ]
    for problem in problems:
        click.echo(f"warning: {problem}", err=True)
    return problems


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry a token to somebody else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _send(to: Receiver, notice: Notice, wait: Callable[[float], object]) -> str | None:
    """Post it, once more where that may help; why it failed, without the address."""
    headers = {"Content-Type": "application/json", "User-Agent": "gameday"} | (
        {"Authorization": f"Bearer {to.token}"} if to.token else {}
    )
    body = json.dumps(to.body(notice), ensure_ascii=False).encode()
    why, again = _post(to.url, body, headers)
    if why is None or not again:
        return why
    wait(_AGAIN_AFTER_S)
    return _post(to.url, body, headers)[0]


def _post(url: str, body: bytes, headers: dict[str, str]) -> tuple[str | None, bool]:
    """Why it failed, and whether another try may help."""
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(urllib.request.Request(url, body, headers, method="POST"), timeout=_WITHIN_S):  # noqa: S310 - http or https
            return None, False
    except urllib.error.HTTPError as error:
        error.close()
        return (
            f"it answered {error.code}",
            error.code == HTTPStatus.TOO_MANY_REQUESTS or error.code >= HTTPStatus.INTERNAL_SERVER_ERROR,
        )
    except (OSError, ValueError) as error:  # never the text of a ValueError: it may quote the address
        reason = getattr(error, "reason", error)
        told = reason.strerror if isinstance(reason, OSError) and reason.strerror else type(reason).__name__
        return told, isinstance(error, OSError)
    except Exception as error:  # noqa: BLE001 - http.client's own errors; a notice never breaks a drill
        return type(error).__name__, False
