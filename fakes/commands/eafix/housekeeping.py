"""`eafix-cli logs cleanup` and `change-request`: how old the logs are, and what is to be changed."""

from __future__ import annotations

import calendar
import re
import time

from fakes.commands.control import Refused, Unit
from fakes.commands.eafix.platform import Platform
from fakes.commands.eafix.reports import duration_of
from fakes.commands.eafix.trail import changed, literal, moment, rows
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed
from fakes.commands.processes import capture

CLEANUP_FLAGS = (Flag("older-than"),)
CREATE_FLAGS = (Flag("config-change", "", "switch"), Flag("title"))
_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)")


def cleanup(line: Parsed, platform: Platform) -> int:
    """Nothing here can shorten a log, so this tells what would have to go: 0 when that is nothing, else 1."""
    text, limit_s = duration_of(line, "older-than")
    units = [unit for unit in (*platform.state.services(), *platform.state.datastores()) if unit.present]
    files = lines = 0
    oldest_s = 0.0
    for unit in units:
        try:
            ages = _ages(platform, unit)
        except Refused as refused:  # it has never started
            print(f"{unit.name:<20}no log: {refused}")
            continue
        old = sum(age > limit_s for age in ages)
        files += bool(ages) and old == len(ages)
        lines += old
        oldest_s = max([oldest_s, *ages])
        print(f"{unit.name:<20}{len(ages)} lines, the oldest {max(ages, default=0.0):.0f} s old, {old} older than {text}")
    print(f"{files} files older than {text}, {lines} lines; the oldest line of all is {oldest_s:.0f} s old")
    if lines:
        raise Failure(
            "eafix-cli: logs cleanup: nothing was removed: this stack's logs are written by its runtime and can only be read here"
        )
    return 0


def _ages(platform: Platform, unit: Unit) -> list[float]:
    """Of the lines that have a time: the services write documented time, the datastores that of the wall."""
    now_s = platform.state.epoch_s + platform.state.now_s if unit.kind == "service" else time.time()
    found = (_STAMP.match(text) for text in platform.control.logs(unit).lines)
    return [max(now_s - calendar.timegm(tuple(map(int, each.groups()))), 0.0) for each in found if each]


def create(line: Parsed, platform: Platform) -> int:
    """Prints the new request's id. It says which commit of the checkout the change is in, where that is a git repository."""
    if not line.on("config-change"):
        raise Failure("eafix-cli: change-request create needs --config-change", 2)
    source = _source()
    title = line.text("title") or (f"configuration of {source}" if source else "configuration")
    values = f"'config-change', {literal(title)}, {literal(source)}, 'open', {platform.state.now_s!r}"
    columns = "kind, title, source, status, created_at_s"
    [row] = changed(platform, made=f"INSERT INTO change_requests ({columns}) VALUES ({values}) RETURNING number")
    print(f"CR-{row['number']} created: {title}")
    return 0


def listed(_line: Parsed, platform: Platform) -> int:
    found = rows(platform, "SELECT * FROM change_requests ORDER BY number")
    for row in found:
        print(
            f"CR-{row['number']}  {moment(platform.state, row['created_at_s'])}  {row['kind']}  {row['status']}  {row['title']}"
        )
    print(f"{len(found)} change requests")
    return 0


def show(line: Parsed, platform: Platform) -> int:
    found = re.fullmatch(r"CR-([1-9]\d{0,8})", line.words[0]) if len(line.words) == 1 else None
    if found is None:
        raise Failure("eafix-cli: change-request show needs one id, such as CR-1", 2)
    known = rows(platform, f"SELECT * FROM change_requests WHERE number = {found[1]}")
    if not known:
        raise Failure(f"eafix-cli: no change request CR-{found[1]}")
    row = known[0]
    print(f"CR-{row['number']}  {row['title']}")
    print(f"kind      {row['kind']}")
    print(f"status    {row['status']}")
    print(f"created   {moment(platform.state, row['created_at_s'])}")
    print(f"source    {row['source'] or 'no git repository'}")
    return 0


def _source() -> str:
    """Branch and commit of the folder this runs in, and whether files differ from it; empty outside a repository."""
    import os

    environment = dict(os.environ)
    branch = capture(["git", "rev-parse", "--abbrev-ref", "HEAD"], environment, within_s=5.0)
    commit = capture(["git", "rev-parse", "--short", "HEAD"], environment, within_s=5.0)
    if branch.code or commit.code:
        return ""
    files = capture(["git", "status", "--porcelain", "--untracked-files=no"], environment, within_s=5.0).out.splitlines()
    more = f", {len(files)} files not committed" if files else ""
    return f"{branch.out.strip()} at {commit.out.strip()}{more}"
