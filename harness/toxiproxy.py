"""The client of a Toxiproxy server: speaks through the library `toxiproxy-python`, and never in silence.

The library keeps the server's address in a global, so one process speaks to one server. It takes an answer of 500 for a
success and asks the environment for HTTP proxies; the session that is put in its place does neither. Every method blocks
for about a millisecond, may be called from several threads, and raises ProxyError, which says what failed.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import requests
import toxiproxy.api
from requests.adapters import HTTPAdapter
from toxiproxy.api import APIConsumer
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from harness.errors import ProxyError

_TIMEOUT_S = 5.0
_THREADS = 64  # connections kept for calls side by side
_TRANSLATED = (400, 404, 409)  # the library raises for these
_FIRST_REDIRECT = 300

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Toxic:
    """One toxic to put on a proxy, or one that is there. Its attributes are Toxiproxy's, whole numbers."""

    name: str
    type: str  # latency, bandwidth, slow_close, timeout, reset_peer, slicer, limit_data
    stream: str = "downstream"
    toxicity: float = 1.0
    attributes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProxySpec:
    """A proxy that is wanted. Addresses are `host:port`; port 0 listens on any free one."""

    name: str
    listen: str
    upstream: str
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy as the server has it, `listen` in numbers."""

    name: str
    listen: str
    upstream: str
    enabled: bool
    toxics: Mapping[str, Toxic]


class Toxiproxy:
    """A Toxiproxy server at an address. Making one connects to nothing."""

    def __init__(self, host: str = "127.0.0.1", port: int = 8474) -> None:
        self.address = f"{host}:{port}"
        APIConsumer.host, APIConsumer.port = host, port
        toxiproxy.api.requests = _Session()

    def version(self) -> str:
        return self._get("ask Toxiproxy for its version", "/version", lambda answer: str(answer["version"]))

    # --- proxies ----------------------------------------------------------------------------------------------

    def proxies(self) -> dict[str, Proxy]:
        """All proxies by name."""
        return self._get("list the proxies", "/proxies", _by_name)

    def names(self) -> list[str]:
        return list(self.proxies())

    def enabled(self) -> dict[str, bool]:
        """Which proxies let anything pass, by name."""
        return {name: proxy.enabled for name, proxy in self.proxies().items()}

    def toxics(self) -> dict[str, Mapping[str, Toxic]]:
        """The toxics of each proxy, by the proxy's name and their own."""
        return {name: proxy.toxics for name, proxy in self.proxies().items()}

    def proxy(self, name: str) -> Proxy:
        return self._get(f"look at proxy {name}", _path(name), _proxy)

    def create(self, spec: ProxySpec) -> Proxy:
        return self._post(f"create proxy {spec.name}", "/proxies", _fields(spec), _proxy)

    def populate(self, specs: Iterable[ProxySpec]) -> dict[str, Proxy]:
        """Create or replace many proxies in one request. One that is there as wished is left alone, enabled or not."""
        wanted = [_fields(spec) for spec in specs]
        return self._post("create the proxies", "/populate", wanted, lambda answer: _by_name(answer["proxies"] or []))

    def destroy(self, name: str) -> None:
        with self._telling(f"destroy proxy {name}"):
            APIConsumer.delete(_path(name))

    def enable(self, name: str) -> None:
        self.set_enabled(name, enabled=True)

    def disable(self, name: str) -> None:
        """Cut the proxy's connections and refuse new ones."""
        self.set_enabled(name, enabled=False)

    def set_enabled(self, name: str, enabled: bool) -> None:  # noqa: FBT001 - the value is the whole message
        """Safe to repeat."""
        self._post(f"{'enable' if enabled else 'disable'} proxy {name}", _path(name), {"enabled": enabled}, _proxy)

    def set_upstream(self, name: str, upstream: str) -> Proxy:
        """Re-point the proxy; its connections are cut. The library has no verb for it."""
        return self._post(f"point proxy {name} at {upstream}", _path(name), {"upstream": upstream}, _proxy)

    def reset(self) -> None:
        """Enable every proxy and remove every toxic."""
        with self._telling("reset the proxies"):
            APIConsumer.post("/reset")

    # --- toxics -----------------------------------------------------------------------------------------------

    def add_toxic(self, name: str, toxic: Toxic) -> Toxic:
        """Put a toxic on a proxy. An attribute that the server passes over in silence is an error, too."""
        what = f"put toxic {toxic.name} ({toxic.type}) on proxy {name}"
        added = self._post(what, f"{_path(name)}/toxics", _fields(toxic), _toxic)
        if ignored := sorted(toxic.attributes.keys() - added.attributes.keys()):
            self.remove_toxic(name, toxic.name)
            raise ProxyError(
                f"could not {what}: it has no attribute {ignored[0]}; it has {', '.join(added.attributes) or 'none'}."
            )
        return added

    def change_toxic(self, name: str, toxic: Toxic) -> Toxic:
        """Give a toxic that is there these attributes and this toxicity."""
        changes = {"attributes": dict(toxic.attributes), "toxicity": toxic.toxicity}
        return self._post(f"change toxic {toxic.name} of proxy {name}", _path(name, toxic.name), changes, _toxic)

    def remove_toxic(self, name: str, toxic: str) -> None:
        with self._telling(f"remove toxic {toxic} from proxy {name}"):
            APIConsumer.delete(_path(name, toxic))

    # --- the way through the library --------------------------------------------------------------------------

    def _get(self, what: str, path: str, read: Callable[[Any], T]) -> T:
        with self._telling(what):
            return read(APIConsumer.get(path).json())

    def _post(self, what: str, path: str, body: object, read: Callable[[Any], T]) -> T:
        with self._telling(what):
            return read(APIConsumer.post(path, json=body).json())

    @contextlib.contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """Translate what requests and the library raise."""
        try:
            yield
        except (InvalidToxic, NotFound, ProxyExists) as error:
            body = error.args[0] if error.args else b""
            raise ProxyError(f"could not {what}: Toxiproxy refused: {_said(body)}") from error
        except requests.HTTPError as error:
            raise ProxyError(f"could not {what}: Toxiproxy failed: {_said(error.response.content)}") from error
        except requests.Timeout as error:
            raise ProxyError(f"could not {what}: Toxiproxy at {self.address} gave no answer within {_TIMEOUT_S:g} s.") from error
        except requests.ConnectionError as error:
            raise ProxyError(
                f"could not {what}: no Toxiproxy answers at {self.address}. Has it ended? See toxiproxy.log."
            ) from error
        except (requests.RequestException, ValueError, LookupError, TypeError, AttributeError) as error:  # of `read`
            raise ProxyError(f"could not {what}: what answers at {self.address} is no Toxiproxy: {error}") from error


class _Session(requests.Session):
    """Takes the place of the module `requests` in the library: kept connections, a time-out, errors that are errors."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # no HTTP proxy, no .netrc of whoever runs the drill
        self.mount("http://", HTTPAdapter(pool_maxsize=_THREADS))

    def request(self, *arguments: Any, **settings: Any) -> requests.Response:
        response = super().request(*arguments, **{**settings, "timeout": _TIMEOUT_S, "allow_redirects": False})
        if not (response.ok and response.status_code < _FIRST_REDIRECT) and response.status_code not in _TRANSLATED:
            raise requests.HTTPError(response=response)
        return response


def _path(proxy: str, toxic: str | None = None) -> str:
    path = f"/proxies/{quote(proxy, safe='')}"
    return path if toxic is None else f"{path}/toxics/{quote(toxic, safe='')}"


def _fields(record: ProxySpec | Toxic) -> dict[str, Any]:
    return {name: dict(value) if isinstance(value := getattr(record, name), Mapping) else value for name in record.__slots__}


def _proxy(shown: Mapping[str, Any]) -> Proxy:
    toxics = [_toxic(each) for each in shown["toxics"]]
    where = (str(shown["name"]), str(shown["listen"]), str(shown["upstream"]), bool(shown["enabled"]))
    return Proxy(*where, {toxic.name: toxic for toxic in toxics})


def _by_name(shown: Mapping[str, Any] | list[Any]) -> dict[str, Proxy]:
    proxies = [_proxy(each) for each in (shown.values() if isinstance(shown, Mapping) else shown)]
    return {proxy.name: proxy for proxy in proxies}


def _toxic(shown: Mapping[str, Any]) -> Toxic:
    return Toxic(shown["name"], shown["type"], shown["stream"], float(shown["toxicity"]), dict(shown["attributes"]))


def _said(body: bytes | str) -> str:
    """The server's own words."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(json.loads(text)["error"])
    return text.strip() or "it did not say why"
