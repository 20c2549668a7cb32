"""Judges runbooks: reads them, asks every rule, leaves out what is silenced, and gives each finding its fingerprint."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from scenarios.errors import InvalidInput, Problem
from scenarios.lint.context import Context
from scenarios.lint.executed import THEME as EXECUTED
from scenarios.lint.finding import Finding, fingerprint
from scenarios.lint.ignores import Ignore, ignore_unused, ignores, rule_crashed
from scenarios.lint.report import Report, covered, parts_of
from scenarios.lint.rule import NEVER_SILENT, Rule, all_rules
from scenarios.reading import Runbook, find_runbooks, read_runbook
from scenarios.suggestions import hint

# Without a stack these have little to go by: a comment that silences one of them may be right all the same.
_KNOW_MORE_BY_THE_STACK = ("unknown-service", "wrong-port", "failover-leaves-clients")


def lint(paths: Sequence[Path], context: Context, rules: Sequence[Rule] | None = None) -> Report:
    """Judges files and folders by all rules, or by those given. Raises InvalidInput when a path cannot be read."""
    return lint_runbooks(tuple(read_runbook(path) for path in find_runbooks(paths)), context, rules)


def lint_runbooks(runbooks: Sequence[Runbook], context: Context, rules: Sequence[Rule] | None = None) -> Report:
    """The same for documents that are read already."""
    chosen = tuple(all_rules() if rules is None else rules)
    asked = tuple(each for each in chosen if each.theme != EXECUTED)
    return report_of(runbooks, found_by(runbooks, context, asked), chosen, told_enough(asked, context))


def told_enough(rules: Sequence[Rule], context: Context) -> tuple[Rule, ...]:
    """Those of the rules whose silence means that nothing is there."""
    return tuple(each for each in rules if context.stack is not None or each.id not in _KNOW_MORE_BY_THE_STACK)


def found_by(runbooks: Sequence[Runbook], context: Context, rules: Sequence[Rule]) -> list[Finding]:
    """What these rules find by reading, silenced or not."""
    context = replace(context, runbooks=tuple(runbooks))
    return [each for rule in rules for each in _asked(rule, context)]


def report_of(runbooks: Sequence[Runbook], found: Sequence[Finding], chosen: Sequence[Rule], asked: Sequence[Rule]) -> Report:
    """Leaves out what the documents silence, and gives each finding its fingerprint. `asked` are the chosen rules that could have spoken."""
    spoken: list[Finding] = []
    for book in runbooks:
        comments = tuple(ignores(book))
        own = [each for each in found if each.file == book.path]
        spoken += [each for each in own if not _silenced(each, comments)]
        if ignore_unused in asked:
            spoken += _unused(book, comments, own, asked)
    texts = {book.path: book.source for book in runbooks}
    findings = [replace(each, fingerprint=fingerprint(each, texts[each.file].line(each.line))) for each in dict.fromkeys(spoken)]
    return Report(
        tuple(sorted(findings, key=lambda each: each.order)), tuple(chosen), tuple(book.path for book in runbooks),
        parts_of(runbooks), covered(runbooks),
    )  # fmt: skip


def chosen_rules(select: Collection[str], ignore: Collection[str], *, asked_by: str = "--select, --ignore") -> tuple[Rule, ...]:
    """All rules, or those selected, without those ignored. Raises InvalidInput for a name that no rule has; `asked_by` gave it."""
    names = [each.id for each in all_rules()]
    unknown = [each for each in (*select, *ignore) if each not in names]
    if unknown:
        raise InvalidInput([Problem(Path(asked_by), 0, 0, f"there is no rule {each}{hint(each, names)}") for each in unknown])
    return tuple(each for each in all_rules() if (not select or each.id in select) and each.id not in ignore)


def _asked(rule: Rule, context: Context) -> Iterator[Finding]:
    """What a rule finds. One that breaks down is a finding too, not a pass."""
    groups = [context.runbooks] if rule.across is not None else [(book,) for book in context.runbooks]
    for group in groups:
        try:
            yield from list(rule.among(context, group))
        except Exception as error:  # noqa: BLE001 - whatever it is: the other rules go on, and this one did not pass
            message = f"the rule {rule.id} broke down: {type(error).__name__}: {error}"
            yield from (rule_crashed.finding(book, (1, 1), message) for book in group)


def _silenced(finding: Finding, comments: Sequence[Ignore]) -> bool:
    return any(each.silences(finding) for each in comments)


def _unused(book: Runbook, comments: Sequence[Ignore], found: Sequence[Finding], rules: Sequence[Rule]) -> Iterator[Finding]:
    names = [each.id for each in all_rules()]
    for comment in comments:
        if comment.rule and comment.rule not in names:
            yield ignore_unused.finding(book, comment, f"there is no rule {comment.rule}{hint(comment.rule, names)}")
        elif comment.rule in NEVER_SILENT:
            yield ignore_unused.finding(book, comment, f"{comment.rule} cannot be silenced")
        elif any(each.id == comment.rule for each in rules) and not any(comment.silences(each) for each in found):
            yield ignore_unused.finding(book, comment, f"{comment.rule} finds nothing in lines {comment.first}-{comment.last}")
