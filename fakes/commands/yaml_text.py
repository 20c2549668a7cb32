"""YAML for the stand-ins. They start without the installed packages, which is twice as fast; this finds PyYAML when it is needed."""

from __future__ import annotations

import site
from typing import Any


def load_all(text: str) -> list[Any]:
    """The documents of a YAML text, empty ones left out. Raises ValueError with the words of the Go library."""
    yaml = _yaml()
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return [document for document in yaml.load_all(text, Loader=_plain(yaml, loader)) if document is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise ValueError(f"yaml: {where}{getattr(error, 'problem', None) or error}") from error


def dump(value: Any) -> str:
    """As kubectl and helm print it: keys in order, lists at the depth of their key."""
    yaml = _yaml()
    text: str = yaml.safe_dump(value, default_flow_style=False, sort_keys=True, allow_unicode=True, width=10_000)
    return text


def _plain(yaml: Any, loader: Any) -> Any:
    """Times stay text, as in JSON."""

    class Plain(loader):  # type: ignore[misc]
        """Without the tag of times."""

    Plain.yaml_implicit_resolvers = {
        first: [(tag, found) for tag, found in pairs if tag != "tag:yaml.org,2002:timestamp"]
        for first, pairs in loader.yaml_implicit_resolvers.items()
    }
    del yaml
    return Plain


def _yaml() -> Any:
    try:
        import yaml
    except ImportError:
        site.main()
        import yaml
    return yaml
