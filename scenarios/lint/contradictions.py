"""Rules about promises that contradict each other: response, updates, escalation, recovery, drills, reviews. Within a document and a platform."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations

from scenarios.lint.claims import ANY, Claim, quotes
from scenarios.lint.claims_targets import drill_claims, recovery_claims, review_claims
from scenarios.lint.claims_times import escalation_claims, response_claims, table_responses, update_claims
from scenarios.lint.context import Context
from scenarios.lint.finding import Finding
from scenarios.lint.platforms import groups
from scenarios.lint.rule import Rule, rule
from scenarios.lint.situations import Situation, alike, severity_names, situations
from scenarios.reading import Runbook

_VERBS = {"acknowledge": "is acknowledged", "respond": "is answered", "resolve": "is resolved"}


def _all(runbooks: Iterable[Runbook], read: Callable[[Runbook], Iterator[Claim]]) -> list[Claim]:
    return [claim for runbook in runbooks for claim in read(runbook)]


def _disagree(claims: Sequence[Claim]) -> Iterator[tuple[Claim, list[Claim]]]:
    """Each claim with the later ones that give another value for the same. One about all subjects is told once, with all that differ."""
    for at, claim in enumerate(claims):
        others = [
            other
            for other in claims[at + 1 :]
            if other.quantity == claim.quantity
            and other.value != claim.value
            and (claim.subject == other.subject or ANY in (claim.subject, other.subject))
        ]
        if others:
            yield claim, list({(each.where, each.value): each for each in others}.values())


def _subject(claim: Claim) -> str:
    return "any alert" if claim.subject == ANY else f"a {claim.subject}"


@rule("contradicting-response", severity="error", title="Two different times to acknowledge, answer or resolve", across=True)
def contradicting_response(context: Context, runbooks: Sequence[Runbook]) -> Iterator[Finding]:
    """Two places give different times within which an alert or incident of the same severity must be acknowledged, answered or resolved. Whoever is on call keeps the one they happen to have read; whoever judges the incident afterwards reads the other. Pagers are configured by one of the two.

    Bad: `### P1 - High (Response: 15 minutes)` in the index and `**P1**: Acknowledge < 15 minutes, Respond < 30 minutes` in the incident runbook.
    Good: one table in one document, and a link to it everywhere else.
    """
    for group in groups(runbooks):
        for claim, others in _disagree(_all(group, response_claims)):
            said = "; ".join(f"{_subject(other)} {_in(other)} at {other.where}" for other in others)
            message = f"{_subject(claim)} {_VERBS[claim.quantity]} {_in(claim)} here, but {said}"
            yield contradicting_response.finding(
                claim.runbook, claim.place, message, quotes([claim, *others]), tuple(each.related for each in others)
            )


def _in(claim: Claim) -> str:
    return "at once" if claim.value == 0 else f"within {claim.said.removeprefix('within').strip(' <')}"


@rule("contradicting-updates", severity="warning", title="Two different promises of status updates", across=True)
def contradicting_updates(context: Context, runbooks: Sequence[Runbook]) -> Iterator[Finding]:
    """Two places promise status updates at different times or intervals: of the first update, of progress, of the resolution. The trading desk expects the one, the incident lead keeps the other, and silence is read as trouble.

    Bad: `Resolution: Immediate notification when resolved` and, below, `Resolution notification: Within 15 minutes of fix`.
    Good: one list of communication times, by severity.
    """
    for group in groups(runbooks):
        claims = _all(group, update_claims)
        for claim, others in _disagree(claims):
            first = others[0]
            said = "; ".join(_by_subjects(claims, others))
            message = f"{claim.quantity}: {claim.said}{_whose(claim)} here, but at {first.where} {said}"
            yield contradicting_updates.finding(
                claim.runbook,
                claim.place,
                message,
                quotes([claim, *others]),
                tuple({each.line: each.related for each in others}.values()),
            )


def _by_subjects(claims: Sequence[Claim], others: Sequence[Claim]) -> Iterator[str]:
    """`2 hours (P2, P3)`: what the others say, with all severities of which they say it."""
    for other in others:
        levels = [
            each.subject
            for each in claims
            if (each.where, each.value, each.quantity) == (other.where, other.value, other.quantity)
        ]
        yield other.said if ANY in levels else f"{other.said} ({', '.join(levels)})"


def _whose(claim: Claim) -> str:
    return " for every incident" if claim.subject == ANY else f" for a {claim.subject}"


@rule("contradicting-escalation", severity="error", title="Two different escalation paths", across=True)
def contradicting_escalation(context: Context, runbooks: Sequence[Runbook]) -> Iterator[Finding]:
    """Two places call the same people at different times: the on-call engineer at once or only after a quarter of an hour of self-service. In the worst case nobody is paged for the first fifteen minutes, because each reads that the other does it.

    Bad: `1. **Immediate**: Page on-call engineer` in the index and `Level 2: On-Call Engineer (15-30 minutes)` in the operations runbook.
    Good: one escalation table; the other documents link to it.
    """
    for group in groups(runbooks):
        claims = _all(group, escalation_claims)
        for role in dict.fromkeys(each.subject for each in claims):
            places = [each for each in claims if each.subject == role]
            first, others = places[0], [each for each in places if each.value != places[0].value]
            if others:
                said = "; ".join(f"{_after(each)} at {each.where}" for each in others)
                message = f"{role} {'are' if role == 'senior engineers' else 'is'} called {_after(first)} here, but {said}"
                related = tuple(each.related for each in (*others, *(each for each in places[1:] if each not in others)))
                yield contradicting_escalation.finding(first.runbook, first.place, message, quotes(places), related)


def _after(claim: Claim) -> str:
    return "at once" if claim.value == 0 else f"after {claim.value / 60:g} minutes"


@rule("contradicting-recovery", severity="error", title="Recovery targets that contradict each other", across=True)
def contradicting_recovery(context: Context, runbooks: Sequence[Runbook]) -> Iterator[Finding]:
    """A recovery target (RTO, RPO) that another place contradicts: another figure for the same kind of disaster; or an incident of the gravest severity that must be resolved before the recovery of a complete loss is due. Both promises were given to somebody, and one of them will be broken by a team that did everything right.

    Bad: `Complete Infrastructure Loss | RTO 8 hours`, and a P0, which includes a complete system outage, is resolved in `< 2 hours`.
    Good: resolution targets that name the same kinds of disaster as the recovery table, with the same figures.
    """
    for group in groups(runbooks):
        claims = _all(group, recovery_claims)
        for claim, others in _disagree(claims):
            said = "; ".join(f"{each.said} at {each.where}" for each in others)
            message = f"{claim.quantity} of {claim.subject or 'the service'}: {claim.said} here, but {said}"
            yield contradicting_recovery.finding(
                claim.runbook, claim.place, message, quotes([claim, *others]), tuple(each.related for each in others)
            )
        resolved = [each for each in _all(group, response_claims) if each.quantity == "resolve"]
        for claim in claims:
            yield from _longer_than_resolution(claim, resolved, [each for book in group for each in situations(book)])


def _longer_than_resolution(claim: Claim, resolved: Sequence[Claim], known: Sequence[Situation]) -> Iterator[Finding]:
    """An RTO that is longer than the time to resolve incidents of the severity that this kind of disaster has."""
    if claim.quantity != "RTO":
        return
    for situation in known:
        if not alike(claim.subject, situation.text):
            continue
        for target in resolved:
            if target.subject == situation.level and claim.value > target.value:
                message = (
                    f"{claim.subject}: the RTO is {claim.said} here, but it is a {situation.level} ('{situation.text}', {situation.where}) "
                    f"and those are resolved in {target.said} ({target.where})"
                )
                evidence = f"{quotes([claim, target])}\n{situation.quote}"
                yield contradicting_recovery.finding(
                    claim.runbook, claim.place, message, evidence, (target.related, situation.related)
                )
                return


@rule("contradicting-severity", severity="error", title="One situation, two severities", across=True)
def contradicting_severity(context: Context, runbooks: Sequence[Runbook]) -> Iterator[Finding]:
    """Two classifications give the same situation different severities, or answer it in different times. The severity decides who is paged; two people who classify the same incident by the book must come to the same result.

    Bad: `Security breach` is a P0 with the response "Immediate" in the index, and `Active security breach` is answered within 15 minutes in the operations runbook.
    Good: one classification; special ones (security, trading) refer to its levels and times.
    """
    for group in groups(runbooks):
        known = [each for book in group for each in situations(book)]
        for one, other in combinations(known, 2):
            if one.level != other.level and alike(one.text, other.text, exact=True):
                message = f"'{one.text}' is a {one.level} here, but '{other.text}' a {other.level} at {other.where}"
                yield contradicting_severity.finding(
                    one.runbook, (one.line, 1), message, f"{one.quote}\n{other.quote}", (other.related,)
                )
        answered = [each for each in _all(group, response_claims) if each.quantity == "respond"]
        yield from _scales(group, answered)
        for claim, about in ((each, text) for book in group for each, text in table_responses(book)):
            yield from _answered_otherwise(claim, about, known, answered)


def _scales(group: Sequence[Runbook], answered: Sequence[Claim]) -> Iterator[Finding]:
    """A table whose words for severities are those of another classification, with other times. One finding for all of its rows."""
    for book in group:
        rows = [each for each, _ in table_responses(book)]
        for other in group:
            named = severity_names(other)
            targets = [each for each in answered if each.runbook is other and each.subject in named]
            pairs = [(row, each) for row in rows for each in targets if row.subject == each.subject and row.value != each.value]
            if len(pairs) > 1:
                said = "; ".join(
                    f"'{named[each.subject]}' is answered {_in(row)} here, but a {each.subject} - {named[each.subject]} {_in(each)} ({each.where})"
                    for row, each in pairs
                )
                evidence = quotes(claim for pair in pairs for claim in pair)
                related = tuple(each.related for _, each in pairs)
                yield contradicting_severity.finding(
                    book, pairs[0][0].place, f"two scales with the same words: {said}", evidence, related, "warning"
                )


def _answered_otherwise(claim: Claim, about: str, known: Sequence[Situation], answered: Sequence[Claim]) -> Iterator[Finding]:
    for situation in known:
        for target in answered:
            if (
                target.subject == situation.level
                and target.runbook is situation.runbook
                and target.value != claim.value
                and alike(about, situation.text, exact=True)
            ):
                message = f"'{about}' is answered {_in(claim)} here, but '{situation.text}' ({situation.where}) is a {situation.level}, which is answered {_in(target)} ({target.where})"
                evidence = f"{quotes([claim, target])}\n{situation.quote}"
                yield contradicting_severity.finding(
                    claim.runbook, claim.place, message, evidence, (situation.related, target.related)
                )
                return


@rule("unreachable-target", severity="warning", title="A recovery target that passes before anybody must answer", across=True)
def unreachable_target(context: Context, runbooks: Sequence[Runbook]) -> Iterator[Finding]:
    """The documents let people answer later than the service must already be back. A recovery target that counts on people is detection, acknowledgement, response and repair together; when the time to respond alone is longer, the target is met by luck or by automation that no document describes.

    Bad: `Service Failure | RTO 5 minutes` beside `**P0**: Acknowledge < 5 minutes, Respond < 15 minutes`.
    Good: an RTO longer than detection and response together, or a procedure that says what recovers by itself.
    """
    for group in groups(runbooks):
        responses = [each for each in _all(group, response_claims) if each.quantity == "respond"]
        for book in group:
            own = sorted((each for each in responses if each.runbook is book), key=lambda each: each.value)
            for claim in _all(group, recovery_claims) if own else ():
                if claim.quantity == "RTO" and claim.value <= own[0].value:
                    message = f"{claim.subject or 'the service'} must be back in {claim.said}, but even a {own[0].subject} may be answered as late as {own[0].said} ({own[0].where})"
                    yield unreachable_target.finding(
                        claim.runbook, claim.place, message, quotes([claim, own[0]]), (own[0].related,)
                    )


@rule(
    "contradicting-schedule", severity="warning", title="Drills or reviews that are due at two different intervals", across=True
)
def contradicting_schedule(context: Context, runbooks: Sequence[Runbook]) -> Iterator[Finding]:
    """Two places say how often something is done, and differ: disaster recovery is rehearsed monthly in one document and quarterly in another; a document is reviewed monthly and gives itself three months. What is due by two calendars is done by neither.

    Bad: `Quarterly disaster recovery tests` in one document, `Monthly DR Drills` in the other.
    Good: one schedule, in one place.
    """
    for group in groups(runbooks):
        yield from _schedules(contradicting_schedule, _all(group, drill_claims))
        for book in group:
            yield from _schedules(contradicting_schedule, list(review_claims(book)))


def _schedules(found_by: Rule, claims: Sequence[Claim]) -> Iterator[Finding]:
    for at, claim in enumerate(claims):
        others = [each for each in claims[at + 1 :] if max(each.value, claim.value) > 1.5 * min(each.value, claim.value)]
        if others:
            said = "; ".join(f"{each.said} at {each.where}" for each in others)
            message = f"{claim.quantity}: {claim.said} here, but {said}"
            yield found_by.finding(
                claim.runbook, claim.place, message, quotes([claim, *others]), tuple(each.related for each in others)
            )
            return
