"""`eafix-cli incident`, `postmortem` and `training`: what operators write down, kept in the platform's database."""

from __future__ import annotations

import os

from fakes.commands.eafix import incident_report
from fakes.commands.eafix.platform import Platform
from fakes.commands.eafix.trail import Incident, changed, incident, literal, moment, operator, rows, span
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed
from fakes.commands.wire import Unreachable

CREATE_FLAGS = (Flag("title"), Flag("severity"), Flag("type"), Flag("description"))
SHOW_FLAGS = (Flag("incident-id"),)
REPORT_FLAGS = (Flag("incident-id"), Flag("format"))
TRAINING_FLAGS = (Flag("type"), Flag("mandatory", "", "switch"), Flag("within"))
RESPONSE_S = {"critical": 900, "high": 3600, "medium": 4 * 3600, "low": 24 * 3600}  # 002:651-656
_TRAININGS = ("security", "operations", "compliance")
_ABOUT = ("operations", "security", "trading", "data")
_FORMATS = ("text", "markdown", "json", "pdf")


def create(line: Parsed, platform: Platform) -> int:
    """Open an incident; its id comes first. How the platform is at that moment is kept with it."""
    title, description = line.text("title"), line.text("description")
    if not title and not description:
        raise Failure("eafix-cli: incident create needs --title or --description", 2)
    severity = _one_of(line, "severity", tuple(RESPONSE_S), "medium")
    kind = _one_of(line, "type", _ABOUT, "operations")
    now_s = platform.state.now_s
    given = (title or description.splitlines()[0][:80], severity, kind, description, operator())
    number = "SELECT coalesce(max(number), 0) + 1 FROM incidents"  # no sequence: that of a promoted replica may skip some
    [row] = changed(
        platform,
        opened="INSERT INTO incidents (number, title, severity, kind, description, opened_by, opened_at_s, found)"
        f" VALUES (({number}), {', '.join(map(literal, given))}, {now_s!r}, {literal(_found(platform))}) RETURNING *",
    )
    opened = Incident(**row)
    due = moment(platform.state, now_s + RESPONSE_S[severity])
    print(f"{opened.name} opened: {severity}, {kind}: {opened.title}; to be answered by {due}")
    return 0


def _found(platform: Platform) -> str:
    try:
        alerts = incident_report.firing()
        said = f"alerts firing: {', '.join(alerts)}" if alerts else "no alert firing"
    except (Unreachable, Failure) as error:
        said = f"alerts unknown: {getattr(error, 'message', error)}"
    ill = incident_report.not_ready(platform.state)
    return ("not ready: " + ", ".join(ill) if ill else "all ready") + f"; {said}"


def listed(_line: Parsed, platform: Platform) -> int:
    """All incidents, the newest first."""
    found = [Incident(**row) for row in rows(platform, "SELECT * FROM incidents ORDER BY number DESC")]
    for each in found:
        print(f"{each.name}  {moment(platform.state, each.opened_at_s)}  {each.severity}, {each.kind}: {each.title}")
    print(f"{len(found)} incidents")
    return 0


def show(line: Parsed, platform: Platform) -> int:
    """One incident as it was opened."""
    found = incident(line, platform)
    written = rows(platform, f"SELECT * FROM postmortems WHERE number = {found.number}")
    print(f"{found.name}: {found.title}")
    for title, value in (
        ("severity", found.severity),
        ("type", found.kind),
        ("description", found.description or "none"),
        ("opened", f"{moment(platform.state, found.opened_at_s)} by {found.opened_by}"),
        ("found", found.found),
        ("post-mortem", f"begun {moment(platform.state, written[0]['created_at_s'])}" if written else "none"),
    ):
        print(f"{title:<16}{value}")
    return 0


def report(line: Parsed, platform: Platform) -> int:
    """What the platform knows of an incident. A PDF is written into the current folder."""
    form = _one_of(line, "format", _FORMATS, "text")
    found = incident(line, platform)
    gathered = incident_report.gather(platform, found)
    if form != "pdf":
        print(incident_report.rendered(gathered, form))
        return 0
    from fakes.commands.eafix.pdf import document

    path = os.path.abspath(f"incident-{found.name}.pdf")
    _write(path, document(incident_report.rendered(gathered, "text").splitlines(), title=f"{found.name}: {found.title}"), "wb")
    print(path)
    return 0


def postmortem(line: Parsed, platform: Platform) -> int:
    """Begin a post-mortem: a Markdown draft in the current folder with all that is known, and what people have to say left open."""
    found = incident(line, platform)
    path = os.path.abspath(f"postmortem-{found.name}.md")
    if rows(platform, f"SELECT 1 FROM postmortems WHERE number = {found.number}"):
        raise Failure(f"eafix-cli: there is a post-mortem of {found.name} already")
    facts = incident_report.rendered(incident_report.gather(platform, found), "markdown")
    questions = "".join(
        f"\n## {title}\n\n_To be written._\n" for title in ("Root cause", "What went well", "What went badly", "Actions")
    )
    _write(path, f"# Post-mortem of {found.name}\n\n{facts.replace('# ', '## ', 1)}\n{questions}".encode(), "xb")
    changed(
        platform,
        begun="INSERT INTO postmortems (number, created_by, created_at_s)"
        f" VALUES ({found.number}, {literal(operator())}, {platform.state.now_s!r}) RETURNING number",
    )
    print(path)
    return 0


def training(line: Parsed, platform: Platform) -> int:
    """Schedule a training for every user who is a person and not locked; due in --within, 30 days if it isn't said."""
    kind = _one_of(line, "type", _TRAININGS, "")
    within_s = span(line, "within", "30d") or 0.0
    now_s = platform.state.now_s
    mandatory = str(line.on("mandatory")).lower()
    given = f"{literal(kind)}, {mandatory}, {literal(operator())}, {now_s!r}, {now_s + within_s!r}"
    [made] = changed(
        platform,
        made=f"INSERT INTO trainings SELECT coalesce(max(number), 0) + 1, {given} FROM trainings RETURNING number, due_at_s",
    )
    who = "SELECT user_id FROM users WHERE role <> 'service' AND locked_at_s IS NULL"
    placed = changed(
        platform,
        placed=f"INSERT INTO training_places SELECT {made['number']}, user_id FROM ({who}) AS people RETURNING user_id",
    )
    names = ", ".join(sorted(row["user_id"] for row in placed)) or "nobody"
    must = "mandatory" if line.on("mandatory") else "voluntary"
    print(f"TRN-{made['number']} scheduled: {kind}, {must}, due {moment(platform.state, made['due_at_s'])}, for {names}")
    return 0 if placed else 1


def _one_of(line: Parsed, flag: str, known: tuple[str, ...], default: str) -> str:
    text = line.text(flag, default)
    if text not in known:
        raise Failure(f"eafix-cli: --{flag}={text}: expected {', '.join(known[:-1])} or {known[-1]}", 2)
    return text


def _write(path: str, content: bytes, mode: str) -> None:
    try:
        with open(path, mode) as file:
            file.write(content)
    except OSError as error:
        raise Failure(f"eafix-cli: {path} can't be written: {error.strerror}") from error
