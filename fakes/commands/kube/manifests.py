"""Manifests from files, folders and standard input, as `-f` reads them, with kubectl's words for what is wrong in them."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, NamedTuple

from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Parsed
from fakes.commands.kube import kinds
from fakes.commands.kube.cluster import DEFAULT
from fakes.commands.kube.kinds import Kind

_EXTENSIONS = (".json", ".yaml", ".yml")


class Manifest(NamedTuple):
    """One object of a file, its namespace settled."""

    kind: Kind
    object: dict[str, Any]
    source: str  # as kubectl names the file

    @property
    def name(self) -> str:
        return str(self.object["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.object["metadata"].get("namespace", ""))


def read(line: Parsed) -> list[Manifest]:
    """All objects of `-f`. Raises Failure."""
    found = []
    for name in [part for text in line.texts("filename") for part in text.split(",")]:
        for source, text in _texts(name, recursive=line.on("recursive")):
            found += [_manifest(each, source, line) for each in _documents(source, text)]
    return found


def _texts(name: str, *, recursive: bool) -> list[tuple[str, str]]:
    if name == "-":
        return [("STDIN", sys.stdin.read())]
    if name.startswith(("http://", "https://")):
        raise not_modelled("kubectl", "a manifest from a URL")
    if not os.path.exists(name):
        raise Failure(f'error: the path "{name}" does not exist')
    if not os.path.isdir(name):
        return [(name, _contents(name))]
    paths = []
    for folder, folders, files in os.walk(name):
        folders[:] = sorted(folders) if recursive else []
        paths += [os.path.join(folder, file) for file in sorted(files) if file.endswith(_EXTENSIONS)]
    if not paths:
        raise Failure(f"error: error reading [{name}]: recognized file extensions are [{' '.join(_EXTENSIONS)}]")
    return [(path, _contents(path)) for path in paths]


def _contents(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise Failure(f"error: open {path}: {(error.strerror or '').lower()}") from error
    except ValueError as error:
        raise Failure(f"error: error parsing {path}: error converting YAML to JSON: yaml: invalid leading UTF-8 octet") from error


def _documents(source: str, text: str) -> list[Any]:
    if source.endswith(".json"):
        try:
            found = [json.loads(text)] if text.strip() else []
        except ValueError as error:
            raise Failure(f"error: error parsing {source}: {error}") from error
    else:
        from fakes.commands.yaml_text import load_all

        try:
            found = load_all(text)
        except ValueError as error:
            raise Failure(f"error: error parsing {source}: error converting YAML to JSON: {error}") from error
    return [
        item for each in found for item in (each["items"] if isinstance(each, dict) and each.get("kind") == "List" else [each])
    ]


def _manifest(found: Any, source: str, line: Parsed) -> Manifest:
    if not isinstance(found, dict):
        raise Failure(
            f'error: error validating "{source}": error validating data: invalid object to validate; if you choose to ignore these errors, turn validation off with --validate=false'
        )
    unset = [f"{key} not set" for key in ("apiVersion", "kind") if not found.get(key)]
    if unset:
        text = unset[0] if len(unset) == 1 else f"[{', '.join(unset)}]"
        raise Failure(
            f'error: error validating "{source}": error validating data: {text}; if you choose to ignore these errors, turn validation off with --validate=false'
        )
    version, word = str(found["apiVersion"]), str(found["kind"])
    metadata = dict(found.get("metadata") or {})
    kind = kinds.of_manifest(word, version)
    if kind is None:
        raise Failure(
            f'error: resource mapping not found for name: "{metadata.get("name", "")}" namespace: "{metadata.get("namespace", "")}" '
            f'from "{source}": no matches for kind "{word}" in version "{version}"\nensure CRDs are installed first'
        )
    if not metadata.get("name"):
        raise Failure("error: resource name may not be empty")
    if kind.namespaced:
        said, asked = metadata.get("namespace"), line.text("namespace")
        if said and asked and said != asked:
            raise Failure(
                f'error: the namespace from the provided object "{said}" does not match the namespace "{asked}". '
                f"You must pass '--namespace={said}' to perform this operation."
            )
        metadata["namespace"] = said or asked or DEFAULT
    else:
        metadata.pop("namespace", None)
    return Manifest(kind, {**found, "metadata": metadata}, source)
