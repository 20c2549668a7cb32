"""Which command failed only because an earlier one of the same procedure did: they share a file, a folder, a variable or the shell."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.runbooks.commands import script_of
from harness.runbooks.plan import Unit
from harness.runbooks.story import Ran
from scenarios.reading import reach

_FILE = re.compile(
    r"[\w.${}*~/-]*[\w}*]\.(?:dump|sql|gz|tar|tgz|zip|rdb|json|ya?ml|txt|csv|log|sh|py|bak|conf|env|pem|key|crt)\b|[\w.${}~-]*/[\w.${}*/-]+"
)
_COMMON = {"/dev/null", "/tmp", "/tmp/"}  # noqa: S108 - names in documents
_GONE = re.compile(
    r"No such file or directory|not found|does not exist|cannot (?:open|access|stat)|not a git repository|unbound variable",
    re.IGNORECASE,
)


class Trail:
    """The units of one run, and what each of them touches."""

    def __init__(self, units: Sequence[Unit], ran: Sequence[Ran]) -> None:
        self.units = tuple(units)
        self._ran = {each.unit.number: each for each in ran}
        self._not_run = [each for each in units if each.skip]

    def cause(self, ran: Ran, failed: Sequence[Ran]) -> Unit | None:
        """The earlier unit because of which this one failed; None when it failed by itself."""
        for before in failed:
            if before.unit.number < ran.unit.number and _because(before, ran):
                return before.unit
        for other in self._ran.values():  # what could not be judged: what builds upon it tells nothing
            if other.unit.number < ran.unit.number and (other.not_offered or other.outside) and shares(other.unit, ran.unit):
                return other.unit
        for unit in self._not_run:
            if unit.number < ran.unit.number and shares(unit, ran.unit):
                return unit
        return None

    def unreached(self, ran: Ran) -> set[int]:
        """What was left out after this one."""
        return {
            each.number for each in self.units if each.number > ran.unit.number and not each.skip and each.number not in self._ran
        }


def _because(before: Ran, after: Ran) -> bool:
    if before.gone:
        return True  # nothing works any more
    if _enters(before.unit) and _GONE.search(after.output):
        return True  # it is in the wrong folder
    if before.ended_by in ("time", "output", "watchdog", "shell") and _sets(before.unit) & _uses(after.unit):
        return True
    return shares(before.unit, after.unit)


def shares(before: Unit, after: Unit) -> bool:
    """Whether the later one is about a file or folder that the earlier one should have made, or a variable that it should have set."""
    if _sets(before) & _uses(after):
        return True
    made, used = _files(before), _files(after)
    return any(_same(one, other) for one in made for other in used)


def _sets(unit: Unit) -> set[str]:
    return {each.name for each in script_of(unit).assigns}


def _uses(unit: Unit) -> set[str]:
    return {each.name for each in script_of(unit).uses}


def _enters(unit: Unit) -> bool:
    return any(each.program in ("cd", "pushd") for each in script_of(unit).commands)


def _files(unit: Unit) -> set[str]:
    """Names of files and folders in it, without the programs that it runs, addresses and names of the platform's things."""
    script = script_of(unit)
    found: set[str] = set()
    for simple in script.commands:
        inner = reach(simple)
        words = [*inner.values, *(each.target.text for each in simple.redirections if each.target is not None and not each.body)]
        for word in words:
            said = word.strip("'\"")
            if "://" in said and inner.program != "git":
                said = said.partition("://")[2].partition("/")[2] if said.startswith("s3://") else ""
            if _RESOURCE.match(said):
                continue
            found |= {each.rstrip("/") for each in _FILE.findall(said)} - _COMMON
        if inner.program == "git" and "clone" in inner.values:
            found.add(inner.values[-1].rstrip("/").rpartition("/")[2].removesuffix(".git"))
        if inner.program in ("mkdir", "cd", "pushd", "touch", "mktemp"):
            found |= {each for each in inner.values if not each.startswith("-")}
    return {each for each in found if len(each) > 2}


_RESOURCE = re.compile(
    r"(?:deploy(?:ment)?|statefulset|sts|pod|po|service|svc|daemonset|ds|job|cronjob|configmap|cm|secret|hpa|node)s?(?:\.\w+)*/",
    re.IGNORECASE,
)


def _same(one: str, other: str) -> bool:
    """The same file: by its name, or by a pattern that it fits."""
    first, second = (each.rpartition("/")[2] or each for each in (one, other))
    if "*" in first or "*" in second:
        pattern, name = (first, second) if "*" in first else (second, first)
        return (
            re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name) is not None
            or name.partition("-")[0] == pattern.partition("-")[0] != ""
        )
    return first == second or one.startswith(f"{other}/") or other.startswith(f"{one}/")
