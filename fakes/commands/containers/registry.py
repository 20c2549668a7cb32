"""References of images, and the registries that are not within reach of a drill."""

from __future__ import annotations

import re

from fakes.commands.entry import Failure

_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
HUB = "registry-1.docker.io"


def split(reference: str) -> tuple[str, str, str]:
    """Host of the registry, repository as it is shown, tag. Raises Failure in docker's words for what is no reference."""
    rest, _, digest = reference.partition("@")
    above, slash, last = rest.rpartition("/")
    last, colon, tag = last.partition(":")
    name, tag = above + slash + last, tag if colon else "latest"
    first, slash, path = name.partition("/")
    has_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    path = path if has_host else name
    if path.lower() != path:
        shown = path if "/" in path else f"library/{path}"
        raise Failure(f"invalid reference format: repository name ({shown}) must be lowercase")
    if not _NAME.fullmatch(path) or not _TAG.fullmatch(tag) or (digest and not digest.startswith("sha256:")):
        raise Failure("invalid reference format")
    return (first if has_host else HUB), name, tag


def with_tag(reference: str) -> str:
    """REPOSITORY:TAG; `latest` when no tag is given."""
    _, name, tag = split(reference)
    return f"{name}:{tag}"


def unreachable(reference: str) -> str:
    """What the daemon says of a registry when it has no way out. The sandbox of a drill has none."""
    host = split(reference)[0]
    name, _, _ = host.partition(":")
    if name in ("localhost", "127.0.0.1"):
        port = host.partition(":")[2] or "80"
        return f'Get "http://{host}/v2/": dial tcp 127.0.0.1:{port}: connect: connection refused'
    return f'Get "https://{host}/v2/": dial tcp: lookup {name}: no such host'
