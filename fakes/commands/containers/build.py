"""`docker build`: reads the Dockerfile as BuildKit does, copies what it names out of the context, and keeps the image.

RUN and base images are taken as done: a drill has neither a registry nor a builder. What is wrong in the Dockerfile itself, or
missing in the context, fails.
"""

from __future__ import annotations

import glob
import os
import re
import zlib

from fakes.commands.containers.objects import Image, new_image
from fakes.commands.entry import Failure

_KNOWN = (
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "RUN", "SHELL",
    "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
)  # fmt: skip


def build_image(context: str, dockerfile: str) -> Image:
    """The image without a reference. Raises Failure in the builder's words."""
    if not os.path.isdir(context):
        raise Failure(f'ERROR: unable to prepare context: path "{context}" not found')
    try:
        with open(dockerfile, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        shown = os.path.relpath(dockerfile, context)
        raise Failure(
            f"ERROR: failed to build: failed to solve: failed to read dockerfile: open {shown}: no such file or directory"
        ) from error
    instructions = _instructions(text)
    if not any(word == "FROM" for _, word, _ in instructions):
        raise Failure("ERROR: failed to build: failed to solve: no build stage in current context" if instructions else
                      "ERROR: failed to build: failed to solve: file with no instructions")  # fmt: skip
    digest, size = zlib.crc32(text.encode()), 0
    for number, word, rest in instructions:
        if word not in _KNOWN:
            raise Failure(
                f"ERROR: failed to build: failed to solve: dockerfile parse error on line {number}: unknown instruction: {word}"
            )
        if word in ("COPY", "ADD") and "--from=" not in rest:
            more, count = _copied(context, rest, number)
            digest, size = zlib.crc32(more.to_bytes(4, "big"), digest), size + count
    return new_image("", f"{digest:08x}{zlib.crc32(str(digest).encode()):08x}", size)


def _instructions(text: str) -> list[tuple[int, str, str]]:
    """Line number, instruction and its arguments; continued lines are one."""
    found: list[tuple[int, str, str]] = []
    open_line = False
    for number, row in enumerate(text.splitlines(), 1):
        if not row.strip() or row.lstrip().startswith("#"):
            continue
        if open_line:
            start, word, rest = found[-1]
            found[-1] = (start, word, f"{rest} {row.strip()}".replace("\\", ""))
        else:
            word, _, rest = row.strip().partition(" ")
            found.append((number, word.upper(), rest.strip()))
        open_line = row.rstrip().endswith("\\")
    return found


def _copied(context: str, rest: str, number: int) -> tuple[int, int]:
    """Check sum and bytes of what is copied out of the context. Raises Failure."""
    words = [word for word in re.sub(r'[\[\]",]', " ", rest).split() if not word.startswith("--") and word != "\\"]
    if len(words) < 2:
        raise Failure(
            f"ERROR: failed to build: failed to solve: dockerfile parse error on line {number}: COPY requires at least two arguments, "
            f"but only {len(words)} was provided. Destination could not be determined"
        )
    digest, size = 0, 0
    for source in words[:-1]:
        if source.startswith(("http://", "https://")):
            continue
        found = glob.glob(os.path.join(context, source.lstrip("/")))
        if not found:
            shown = "/" + source.removeprefix("./").lstrip("/")
            raise Failure(
                "ERROR: failed to build: failed to solve: failed to compute cache key: failed to calculate checksum of ref: "
                f'"{shown}": not found'
            )
        for path in sorted(found):
            for name in _files(path):
                with open(name, "rb") as file:
                    data = file.read()
                digest, size = zlib.crc32(data, digest), size + len(data)
    return digest, size


def _files(path: str) -> list[str]:
    if os.path.isfile(path):
        return [path]
    return sorted(
        os.path.join(folder, name)
        for folder, below, names in os.walk(path)
        if ".git" not in folder.split(os.sep) and below is not None
        for name in names
        if os.path.isfile(os.path.join(folder, name))
    )
