"""The house's own rules: which room may import which, how long a module may be, what stands in docs/whats-here.md."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LONGEST_MODULE = 400
JUDGED = ("harness.history", "harness.measure", "harness.verdict", "harness.result")
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "scenarios": (),
    "fakes": (),
    "harness": ("scenarios", "fakes"),
    "sim": ("scenarios", *JUDGED),
    "reports": ("scenarios", "harness.errors", *JUDGED),
    "gameday": ("scenarios", "fakes", "harness", "sim", "reports"),
}
NAMED_BY_THE_RUNBOOKS = {"risk_manager"}
VAGUE = {"util", "utils", "helper", "helpers", "misc", "common", "manager", "managers"}


def modules() -> Iterator[Path]:
    """Every module of ours, relative to the project's root."""
    for room in MAY_IMPORT:
        yield from (path.relative_to(ROOT) for path in sorted((ROOT / room).rglob("*.py")))


def imports(source: str) -> set[str]:
    """The dotted names that a module imports, wherever in it; `from a import b` gives `a.b`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


def upward(room: str, source: str) -> list[str]:
    """What a module of this room imports though it may not."""
    allowed = (room, *MAY_IMPORT[room])
    ours = (name for name in imports(source) if name.split(".")[0] in MAY_IMPORT)
    return sorted(name for name in ours if not any(f"{name}.".startswith(f"{prefix}.") for prefix in allowed))


def read(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_imports_only_go_down() -> None:
    """No room imports what stands above it, nor what it has no business with (docs/whats-here.md)."""
    offences = [f"{path} imports {name}" for path in modules() for name in upward(path.parts[0], read(path))]
    assert not offences


@pytest.mark.parametrize(
    ("room", "line", "offence"),
    [
        ("scenarios", "import harness.history", ["harness.history"]),
        ("fakes", "from scenarios.model import Stack", ["scenarios.model.Stack"]),
        ("reports", "def late() -> None:\n    from harness.drill import Drill", ["harness.drill.Drill"]),
        ("reports", "from harness.history import History", []),
        ("gameday", "from harness.drill import Drill", []),
    ],
)
def test_the_guard_sees_an_import_that_goes_up(room: str, line: str, offence: list[str]) -> None:
    """An upward import is found at the top of a module and inside a function; one that goes down is not."""
    assert upward(room, line) == offence


def test_everything_imported_is_declared() -> None:
    """Whatever a module imports from elsewhere is a dependency in pyproject.toml, not something that happens to be there."""
    project = tomllib.loads(read(Path("pyproject.toml")))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    declared = {normal(re.match(r"[A-Za-z0-9_.-]+", line)[0]) for line in [*project["dependencies"], *extras]}  # type: ignore[index]
    known = packages_distributions()
    ours = MAY_IMPORT.keys() | sys.stdlib_module_names
    offences = [
        f"{path} imports {top}"
        for path in modules()
        for top in {name.split(".")[0] for name in imports(read(path))} - ours
        if not declared & {normal(name) for name in known.get(top, [top])}
    ]
    assert not offences


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_no_module_is_longer_than_a_person_reads() -> None:
    """A module over 400 lines holds two ideas: split it."""
    long = {str(path): lines for path in modules() if (lines := len(read(path).splitlines())) > LONGEST_MODULE}
    assert not long


def test_every_module_says_what_it_is() -> None:
    """Each module opens with a docstring."""
    silent = [str(path) for path in modules() if not ast.get_docstring(ast.parse(read(path)))]
    assert not silent


def test_every_test_claims_something() -> None:
    """Each test has a docstring that says what it claims."""
    silent = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert not silent


def test_no_module_has_a_vague_name() -> None:
    """A module is named for what it does: one word per idea, and none of these is an idea."""
    named = (path for path in modules() if path.stem not in NAMED_BY_THE_RUNBOOKS)
    vague = [str(path) for path in named if VAGUE & {*path.stem.split("_"), *path.parts[:-1]}]
    assert not vague


def test_whats_here_names_every_module() -> None:
    """docs/whats-here.md gives each module its line, and names none that is gone."""
    named = set(re.findall(rf"`((?:{'|'.join(MAY_IMPORT)})/[\w/]+\.py)`", read(Path("docs/whats-here.md"))))
    there = {path.as_posix() for path in modules() if path.name != "__init__.py"}
    assert {"missing": sorted(there - named), "gone": sorted(named - there)} == {"missing": [], "gone": []}
