"""What is told of a drill to chat and other systems: plain data, from which each of them gets its own JSON. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.verdict import ABORTED
from reports.cases import Case, cases_of
from reports.escape import plain
from reports.rehearsal import Rehearsal
from reports.verdicts import headline
from reports.words import duration_text

Ending = Literal["pass", "fail", "unknown", "broken", "stopped"]
SCHEMA = "gameday.notice/1"
_COLOURS: Mapping[Ending, str] = {
    "pass": "#2e7d32",
    "fail": "#c62828",
    "unknown": "#f9a825",
    "broken": "#6a1b9a",
    "stopped": "#616161",
}
_MOST_TOLD = 10  # failed cases in a message
_LONGEST_SUMMARY = 1024  # characters, of PagerDuty's `payload.summary`
_LONGEST_TEXT = 2900  # characters; Slack cuts a block at 3000


@dataclass(frozen=True, slots=True)
class Notice:
    """One drill, as a message tells it. `link` leads to the job that ran it; empty where nobody knows one."""

    scenario: str
    title: str
    ending: Ending
    sentence: str
    failed: tuple[str, ...]
    facts: Mapping[str, str]
    document: Mapping[str, Any]
    link: str = ""

    @property
    def headline(self) -> str:
        """`FAIL redis-outage: Redis cannot be reached`."""
        return f"{self.ending.upper()} {self.scenario}: {self.title}"


def notice_of(rehearsal: Rehearsal, link: str = "") -> Notice:
    """What there is to tell of a drill that is over, or that could not be begun. Raises BadHistory."""
    result, cases = rehearsal.result, cases_of(rehearsal)
    loaded = rehearsal.loaded
    failed = tuple(f"{each.planned.title}: {each.message}" for each in _worst_first(cases))
    document: dict[str, Any] = {
        "schema": SCHEMA, "event": "drill.finished", "scenario": loaded.name, "title": loaded.scenario.title, "ending": _ending(rehearsal),
        "failed": list(failed), "link": link or None,
    }  # fmt: skip
    if result is None:
        sentence = f"The harness broke before the drill began: {_line(rehearsal.error)}"
        return Notice(
            loaded.name,
            loaded.scenario.title,
            "broken",
            sentence,
            failed,
            {},
            {**document, "summary": sentence, "result": None},
            link,
        )
    sentence = headline(rehearsal.history, result.measures, result.judgements)
    given, measures = result.started.data, result.measures
    facts = {
        "detect": _text(measures.time_to_detect_s), "acknowledge": _text(measures.time_to_acknowledge_s),
        "recover": _text(measures.time_to_recover_s), "lost writes": "–" if measures.lost_writes is None else str(measures.lost_writes),
        "seed": str(given.get("seed", "–")), "drill": result.drill,
    }  # fmt: skip
    document |= {"summary": sentence, "result": result.to_json()}
    return Notice(loaded.name, loaded.scenario.title, _ending(rehearsal), sentence, failed, facts, document, link)


def _worst_first(cases: Sequence[Case]) -> list[Case]:
    return sorted((each for each in cases if each.bad), key=lambda each: each.state != "failed")


def _ending(rehearsal: Rehearsal) -> Ending:
    result = rehearsal.result
    if result is None or result.status not in ("completed", ABORTED):
        return "broken"
    if result.status == ABORTED:
        return "stopped"
    verdict: Ending = result.verdict.value
    return verdict


def as_slack(notice: Notice) -> dict[str, Any]:
    """A message for a Slack incoming webhook, and for whatever takes the same (Mattermost, Rocket.Chat, Discord's `/slack`)."""
    lines = [f"• {_slack(each)}" for each in notice.failed[:_MOST_TOLD]]
    if (more := len(notice.failed) - _MOST_TOLD) > 0:
        lines.append(f"… and {more} more")
    if notice.link:
        lines.append(f"<{notice.link}|The job>")
    text = "\n".join([_slack(notice.sentence), *lines])
    fields = [{"title": name, "value": _slack(value), "short": True} for name, value in notice.facts.items()]
    attachment = {
        "color": _COLOURS[notice.ending],
        "fallback": _slack(notice.sentence),
        "text": _cut(text, _LONGEST_TEXT),
        "fields": fields,
    }
    return {"text": _slack(notice.headline), "attachments": [attachment]}


def as_pagerduty(notice: Notice, routing_key: str) -> dict[str, Any]:
    """A PagerDuty change event: it wakes nobody, and stands beside the incidents of its time."""
    payload: dict[str, Any] = {
        "summary": _cut(f"gameday: {notice.headline}. {notice.sentence}", _LONGEST_SUMMARY), "source": "gameday",
        "custom_details": {**notice.facts, "failed": list(notice.failed[:_MOST_TOLD])},
    }  # fmt: skip
    links = [{"href": notice.link, "text": "The job that ran the drill"}] if notice.link else []
    return {"routing_key": routing_key, "payload": payload, "links": links}


def as_json(notice: Notice) -> dict[str, Any]:
    """For any other system: `schema`, `event`, `scenario`, `ending`, `summary`, `failed`, `link` and the whole `result.json`."""
    return dict(notice.document)


def _text(seconds: float | None) -> str:
    return "–" if seconds is None else duration_text(seconds)


def _slack(text: str) -> str:
    return _line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _line(text: str) -> str:
    return " ".join(plain(text).split())


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
