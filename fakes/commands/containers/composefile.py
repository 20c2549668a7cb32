"""The compose file, as far as the stand-in for compose goes by it. A reader of block style YAML: no YAML package is at hand.

The stack itself says which containers there are; the file says what the project is called, what would be built from where, and
which ports of the host a service takes.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

_KEY = re.compile(r"^( *)(?:- +)?([\w.-]+):(?:\s+(.*))?$")
_FIXED = re.compile(r"(?:[\d.]+:)?(\d+):\d+(?:/\w+)?")


class Built(NamedTuple):
    """The `build` of a service: its context and Dockerfile, as absolute paths."""

    context: str
    dockerfile: str


class ComposeFile(NamedTuple):
    """What a compose file says."""

    name: str
    services: dict[str, dict[str, str]]  # service: key (`image`, `build`, `build.context`, `ports` ...): what stands there
    folder: str

    def build(self, service: str) -> Built | None:
        keys = self.services.get(service, {})
        if "build" not in keys:
            return None
        context = os.path.normpath(os.path.join(self.folder, keys.get("build.context") or keys["build"] or "."))
        return Built(context, os.path.join(context, keys.get("build.dockerfile") or "Dockerfile"))

    def fixed_port(self, service: str) -> str | None:
        """A port of the host that only one container of the service can have."""
        found = _FIXED.search(self.services.get(service, {}).get("ports", ""))
        return found[1] if found else None


def read(paths: list[str]) -> ComposeFile:
    """Several files are laid one over the other."""
    name = ""
    services: dict[str, dict[str, str]] = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            said, more = _parsed(file.read())
        name = said or name
        for service, keys in more.items():
            services[service] = services.get(service, {}) | keys
    return ComposeFile(name, services, os.path.dirname(os.path.abspath(paths[0])) if paths else os.getcwd())


def _parsed(text: str) -> tuple[str, dict[str, dict[str, str]]]:
    name = ""
    services: dict[str, dict[str, str]] = {}
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        row = re.sub(r"(^|\s)#.*$", "", line).rstrip()
        found = _KEY.match(row)
        while above and found and above[-1][0] >= len(found[1]):
            above.pop()
        place = [key for _, key in above]
        if not found:
            if row.strip().startswith("- ") and place[:1] == ["services"] and len(place) > 2:
                services[place[1]][".".join(place[2:])] += " " + _bare(row.strip()[2:])
            continue
        key, value = found[2], _bare(found[3] or "")
        above.append((len(found[1]), key))
        if not place and key == "name":
            name = value
        elif place == ["services"]:
            services[key] = {}
        elif place[:1] == ["services"]:
            services[place[1]][".".join([*place[2:], key])] = value
    return name, services


def _bare(text: str) -> str:
    return text.strip().replace('"', "").replace("'", "")
