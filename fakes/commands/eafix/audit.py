"""`eafix-cli audit`: the platform's audit trail, as it is in the database."""

from __future__ import annotations

import re
from typing import Any

from fakes.commands.eafix.platform import Platform
from fakes.commands.eafix.trail import literal, moment, rows, since
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed

EXPORT_FLAGS = (Flag("since"), Flag("format"))
QUERY_FLAGS = (Flag("count", "", "switch"), Flag("since"))
REVIEW_FLAGS = (Flag("suspicious-only", "", "switch"), Flag("since"))
TAKEN_AFTER = 10  # failed logins of a user, after which one that succeeds is taken for somebody else's
MANY_FAILURES = 5  # of one address: a person who forgot the password gives up earlier
_FIELDS = ("event_type", "actor", "address", "action", "target", "outcome")
_TERM = re.compile(rf"\s*({'|'.join(_FIELDS)})\s*(!?=)\s*(\"[^\"]*\"|'[^']*'|[^\s,\"'=]+)\s*")
_COLUMNS = "entry, at_s, event_type, actor, address, action, target, outcome, detail"


def export(line: Parsed, platform: Platform) -> int:
    """Every entry since then, the oldest first; an empty trail is an empty list."""
    form = line.text("format", "json")
    if form not in ("json", "csv"):
        raise Failure(f"eafix-cli: --format={form}: expected json or csv", 2)
    found = entries(platform, f"at_s >= {since(line, platform)!r}")
    if form == "json":
        import json

        print(json.dumps(found, indent=2))
        return 0
    import csv
    import sys

    writer = csv.DictWriter(sys.stdout, ["time", *_COLUMNS.split(", ")], lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return 0


def entries(platform: Platform, where: str) -> list[dict[str, Any]]:
    """Entries in their order, each with its calendar time. Raises Failure."""
    found = rows(platform, f"SELECT {_COLUMNS} FROM audit_log WHERE {where} ORDER BY at_s, entry")
    return [{"time": moment(platform.state, each["at_s"]), **each} for each in found]


def query(line: Parsed, platform: Platform) -> int:
    """The entries that an expression like `event_type=login_failed` selects; with --count only how many there are."""
    if len(line.words) != 1:
        raise Failure('eafix-cli: audit query needs one expression, such as "event_type=login_failed"', 2)
    where = f"{_condition(line.words[0])} AND at_s >= {since(line, platform)!r}"
    if line.on("count"):
        print(rows(platform, f"SELECT count(*) AS number FROM audit_log WHERE {where}")[0]["number"])
        return 0
    found = entries(platform, where)
    for each in found:
        print(shown(each))
    print(f"{len(found)} entries")
    return 0


def shown(each: dict[str, Any]) -> str:
    detail = f": {each['detail']}" if each["detail"] else ""
    return (
        f"{each['time']}  {each['event_type']}  {each['actor']} from {each['address']}:"
        f" {each['action']} {each['target']} [{each['outcome']}]{detail}"
    )


def _condition(text: str) -> str:
    """`field=value` and `field!=value`, joined by AND. Raises Failure."""
    terms = []
    for part in re.split(r"\sAND\s", text, flags=re.IGNORECASE):
        found = _TERM.fullmatch(part)
        if found is None:
            raise Failure(
                f"eafix-cli: audit query: {part.strip()!r}: expected FIELD=VALUE with a field of {', '.join(_FIELDS)}", 2
            )
        field, sign, value = found.groups()
        terms.append(f"{field} {'<>' if sign == '!=' else '='} {literal(value.strip(chr(34) + chr(39)))}")
    return " AND ".join(terms)


def review(line: Parsed, platform: Platform) -> int:
    """With --suspicious-only what looks like an attack: 1 when there is any. Without it all entries, and then that."""
    since_s = since(line, platform)
    if not line.on("suspicious-only"):
        for each in entries(platform, f"at_s >= {since_s!r}"):
            print(shown(each))
    found = suspicious(platform, since_s)
    for text in found:
        print(f"SUSPICIOUS  {text}")
    reviewed = rows(platform, f"SELECT count(*) AS number FROM audit_log WHERE at_s >= {since_s!r}")[0]["number"]
    print(f"{reviewed} entries reviewed, {len(found)} suspicious findings")
    return 1 if found else 0


def suspicious(platform: Platform, since_s: float, until_s: float = float("inf")) -> list[str]:
    """In words, what in the trail of that time looks like an attack."""
    within = f"at_s >= {since_s!r}" + (f" AND at_s <= {until_s!r}" if until_s != float("inf") else "")
    found = [
        f"{row['number']} failed logins from {row['address']} as {row['users']}"
        for row in rows(
            platform,
            "SELECT address, count(*) AS number, string_agg(DISTINCT actor, ', ' ORDER BY actor) AS users FROM audit_log"
            f" WHERE event_type = 'login_failed' AND {within} GROUP BY address HAVING count(*) >= {MANY_FAILURES} ORDER BY 1",
        )
    ]
    found += [
        f"{row['user_id']} logged in from {row['address']} at {moment(platform.state, row['at_s'])} after {row['failures']} failures"
        for row in taken_over(platform, since_s, until_s)
    ]
    tried = "(actor = 'unknown' AND target IN (SELECT target FROM audit_log WHERE event_type = 'token_tried'))"  # by operators
    titles = {"token_refused": "tokens refused that came from", "admin_refused": "refused attempts at operators' actions from"}
    for row in rows(
        platform,
        "SELECT event_type, address, count(*) AS number, string_agg(DISTINCT actor, ', ' ORDER BY actor) AS users FROM audit_log"
        f" WHERE event_type IN ('token_refused', 'admin_refused') AND {within} AND NOT {tried} GROUP BY 1, 2 ORDER BY 1 DESC, 2",
    ):
        found.append(f"{row['number']} {titles[row['event_type']]} {row['address']}, as {row['users']}")
    return found


def taken_over(platform: Platform, since_s: float, until_s: float = float("inf")) -> list[dict[str, Any]]:
    """Users who logged in after many failures: the first such login of each, with the count before it."""
    until = f" AND s.at_s <= {until_s!r}" if until_s != float("inf") else ""
    failures = (
        "SELECT count(*) FROM audit_log f WHERE f.event_type = 'login_failed' AND f.actor = s.actor"
        f" AND f.at_s >= {since_s!r} AND f.entry < s.entry"
    )
    return rows(
        platform,
        "SELECT DISTINCT ON (user_id) * FROM ("
        f"SELECT s.actor AS user_id, s.address, s.at_s, ({failures}) AS failures FROM audit_log s"
        f" WHERE s.event_type = 'login_succeeded' AND s.at_s >= {since_s!r}{until}) AS logins"
        f" WHERE failures >= {TAKEN_AFTER} ORDER BY user_id, at_s",
    )
