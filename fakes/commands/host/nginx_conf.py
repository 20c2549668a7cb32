"""Reads nginx's configuration as nginx 1.22 does: its syntax, which directives there are, where each may stand, and what it names.

The table beside it, `nginx_directives.txt`, was made by asking nginx 1.22.1 (Debian 12) itself: directive, the contexts that it may
stand in, how many arguments it takes, and whether a block follows.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

_TABLE = os.path.join(os.path.dirname(__file__), "nginx_directives.txt")
_FREE = frozenset(("map", "geo", "types", "split_clients", "charset_map"))  # blocks whose lines are no directives
_INSIDE = {"if": "if", "limit_except": "location"}  # the context in a block, where it isn't called as the block is
_TOKEN = re.compile(r'[ \t\r]+|\n|#[^\n]*|[;{}]|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|(?:\$\{\w+\}|\\.|[^\s;{}\\])+', re.DOTALL)
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")
_OPEN_ENDED = (
    "arg_",
    "http_",
    "cookie_",
    "sent_http_",
    "sent_trailer_",
    "upstream_http_",
    "upstream_cookie_",
    "upstream_trailer_",
)
_KNOWN = frozenset((
    "ancient_browser", "args", "binary_remote_addr", "body_bytes_sent", "bytes_sent", "connection", "connection_requests",
    "connection_time", "content_length", "content_type", "date_gmt", "date_local", "document_root", "document_uri",
    "fastcgi_path_info", "fastcgi_script_name", "gzip_ratio", "host", "hostname", "http2", "https", "invalid_referer", "is_args",
    "limit_conn_status", "limit_rate", "limit_req_status", "memcached_key", "modern_browser", "msec", "msie", "nginx_version", "pid",
    "pipe", "proxy_add_x_forwarded_for", "proxy_host", "proxy_port", "proxy_protocol_addr", "proxy_protocol_port",
    "proxy_protocol_server_addr", "proxy_protocol_server_port", "query_string", "realip_remote_addr", "realip_remote_port",
    "realpath_root", "remote_addr", "remote_port", "remote_user", "request", "request_body", "request_body_file",
    "request_completion", "request_filename", "request_id", "request_length", "request_method", "request_time", "request_uri", "scheme",
    "secure_link", "secure_link_expires", "server_addr", "server_name", "server_port", "server_protocol", "slice_range",
    "ssl_cipher", "ssl_ciphers", "ssl_client_cert", "ssl_client_fingerprint", "ssl_client_s_dn", "ssl_client_verify", "ssl_protocol",
    "ssl_server_name", "ssl_session_id", "ssl_session_reused", "status", "tcpinfo_rtt", "time_iso8601", "time_local", "uri",
    "upstream_addr", "upstream_bytes_received", "upstream_bytes_sent", "upstream_cache_status", "upstream_connect_time",
    "upstream_header_time", "upstream_response_length", "upstream_response_time", "upstream_status",
))  # fmt: skip


class Wrong(Exception):
    """The first thing that is wrong, in nginx's words."""


class _Directive(NamedTuple):
    """What a directive takes in one context."""

    least: int
    most: int | None
    block: bool


class _Token(NamedTuple):
    text: str
    quoted: bool
    place: str  # FILE:LINE


class _Statement(NamedTuple):
    """A directive with its arguments, up to `;` or `{`."""

    words: list[_Token]
    opens: bool

    @property
    def name(self) -> str:
        return self.words[0].text

    @property
    def values(self) -> list[str]:
        return [word.text for word in self.words[1:]]

    def wrong(self, message: str) -> Wrong:
        return Wrong(f"{message} in {self.words[-1].place}")


class Checker:
    """One configuration. After `check` its syntax is known to be right; `sections` are the blocks at the top."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self.sections: set[str] = set()
        self._table = _table()
        self._upstreams: set[str] = set()
        self._variables: set[str] = set()
        self._named: list[tuple[str, _Statement]] = []  # hosts, looked up when all upstreams are known
        self._used: list[str] = []  # variables

    def check(self) -> None:
        """Raises Wrong."""
        self._file(self.path, "main", "")
        for variable in self._used:
            if variable not in _KNOWN | self._variables and not variable.startswith(_OPEN_ENDED) and not variable.isdigit():
                raise Wrong(f'unknown "{variable}" variable')
        for host, statement in self._named:
            if host not in self._upstreams and not _resolves(host):
                raise statement.wrong(f'host not found in upstream "{host}"')

    def _file(self, path: str, context: str, included_at: str) -> None:
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except OSError as error:
            raise Wrong(f'open() "{path}" failed ({error.errno}: {error.strerror}){included_at}') from error
        tokens = _tokens(text, path)
        closed = self._block(tokens, context, path, text.count("\n") + 1)
        if closed:
            raise Wrong(f'unexpected "}}" in {closed}')

    def _block(self, tokens: Iterator[_Token], context: str, path: str, last: int) -> str:
        """All statements up to the closing brace, whose place is returned, or the end."""
        while True:
            statement = _statement(tokens, path, last)
            if statement is None:
                return ""
            if statement.name == "}" and not statement.words[0].quoted:
                return statement.words[0].place
            self._statement(statement, context)
            if statement.opens:
                if statement.name in _FREE:
                    self._free(tokens, path, last)
                elif not self._block(tokens, _INSIDE.get(statement.name, statement.name), path, last):
                    raise Wrong(f'unexpected end of file, expecting "}}" in {path}:{last}')

    def _free(self, tokens: Iterator[_Token], path: str, last: int) -> None:
        while statement := _statement(tokens, path, last):
            if statement.name == "}":
                return
        raise Wrong(f'unexpected end of file, expecting "}}" in {path}:{last}')

    def _statement(self, statement: _Statement, context: str) -> None:
        contexts = self._table.get(statement.name)
        if contexts is None:
            raise statement.wrong(f'unknown directive "{statement.name}"')
        known = contexts.get(context)
        if known is None:
            raise statement.wrong(f'"{statement.name}" directive is not allowed here')
        if statement.opens and not known.block:
            raise statement.wrong(f'directive "{statement.name}" is not terminated by ";"')
        if known.block and not statement.opens:
            raise statement.wrong(f'directive "{statement.name}" has no opening "{{"')
        count = len(statement.values)
        if count < known.least or (known.most is not None and count > known.most):
            raise statement.wrong(f'invalid number of arguments in "{statement.name}" directive')
        if context == "main" and statement.opens:
            self.sections.add(statement.name)
        self._meaning(statement, context)

    def _meaning(self, statement: _Statement, context: str) -> None:
        """What a few directives name: files, ports, hosts, variables."""
        name, values = statement.name, statement.values
        if name == "include":
            path = os.path.join(os.path.dirname(self.path), values[0])
            for each in sorted(glob.glob(path)) or ([] if glob.has_magic(path) else [path]):
                self._file(each, context, f" in {statement.words[-1].place}")
        elif name == "upstream":
            self._upstreams.add(values[0])
        elif name == "listen" and (found := re.fullmatch(r"(?:.*:)?(\d+)", values[0])) and not 1 <= int(found[1]) <= 65535:
            raise statement.wrong(f'invalid port in "{values[0]}" of the "listen" directive')
        elif name == "proxy_pass":
            self._proxy(statement, values[0])
        elif name in ("ssl_certificate", "ssl_certificate_key") and "$" not in values[0]:
            path = os.path.join(os.path.dirname(self.path), values[0])
            if not os.path.isfile(path):
                what = "certificate key" if name.endswith("key") else "certificate"
                raise Wrong(
                    f'cannot load {what} "{path}": BIO_new_file() failed (SSL: error:80000002:system library::No such file or directory:'
                    f"calling fopen({path}, r) error:10000080:BIO routines::no such file)"
                )
        elif name in ("set", "auth_request_set", "map", "geo", "split_clients"):
            self._variables.add(values[1 if name in ("map", "split_clients") else -1 if name == "geo" else 0].removeprefix("$"))
        if name in ("location", "rewrite", "if", "server_name"):
            self._variables |= set(re.findall(r"\(\?P?<(\w+)>", " ".join(values)))
        elif name != "log_format":
            self._used += [variable for value in values for variable in _VARIABLE.findall(value)]

    def _proxy(self, statement: _Statement, url: str) -> None:
        found = re.match(r"(?i)https?://(\[[^\]]*\]|[^/:]+)", url)
        if "$" in url or url.lower().startswith(("http://unix:", "https://unix:")):
            return
        if not found:
            raise statement.wrong("invalid URL prefix")
        self._named.append((found[1], statement))


def _resolves(host: str) -> bool:
    import socket

    try:
        socket.getaddrinfo(host.strip("[]"), None)
    except OSError:
        return False
    return True


def _tokens(text: str, path: str) -> Iterator[_Token]:
    line, at = 1, 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:  # a quote that is never closed
            raise Wrong(f'unexpected end of file, expecting ";" or "}}" in {path}:{text.count(chr(10)) + 1}')
        part, at = found[0], found.end()
        line += part.count("\n")
        if part.strip() and not part.startswith("#"):
            if part[0] in "\"'" and (len(part) == 1 or part[-1] != part[0]):
                raise Wrong(f'unexpected end of file, expecting ";" or "}}" in {path}:{text.count(chr(10)) + 1}')
            quoted = part[0] in "\"'"
            yield _Token(part[1:-1] if quoted else part, quoted, f"{path}:{line}")


def _statement(tokens: Iterator[_Token], path: str, last: int) -> _Statement | None:
    """The next one; a closing brace is one of its own. None at the end."""
    words: list[_Token] = []
    for token in tokens:
        mark = "" if token.quoted else token.text
        if mark in (";", "{", "}") and mark:
            if mark == "}" and not words:
                return _Statement([token], False)
            if mark == "}" or not words:
                raise Wrong(f'unexpected "{mark}" in {token.place}')
            return _Statement([*words[:-1], words[-1]._replace(place=token.place)], mark == "{")
        words.append(token)
    if words:
        raise Wrong(f'unexpected end of file, expecting ";" or "}}" in {path}:{last}')
    return None


def _table() -> dict[str, dict[str, _Directive]]:
    """Directive: context: what it takes there."""
    found: dict[str, dict[str, _Directive]] = {}
    with open(_TABLE, encoding="utf-8") as file:
        for row in file:
            if row.startswith("#"):
                continue
            name, contexts, count, *block = row.split()
            least, _, most = count.partition("-")
            takes = _Directive(int(least), int(most) if most else None, bool(block))
            found.setdefault(name, {}).update(dict.fromkeys(contexts.split(","), takes))
    return found
