"""`gameday runbook lint` and `explain`: asks the rules, prints or writes what they found, and gives the exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from gameday import __version__
from gameday.exits import FAILED, PASSED
from gameday.grammars import grammar
from gameday.listing import make_console
from reports.findings import STYLES, as_text, totals
from reports.rules_page import as_page
from scenarios.errors import InvalidInput, Problem, shown
from scenarios.lint import Context, Report, Rule, Severity, all_rules, lint
from scenarios.lint.baseline import EMPTY, Baseline, compare, load_baseline, write_baseline
from scenarios.lint.run import chosen_rules
from scenarios.reading import Bindings, load_bindings

_FILE_WIDTH = 200
FORMATS = ("text", "json", "sarif", "junit", "markdown")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller wants to know, and how."""

    form: str = "text"
    output: Path | None = None
    baseline: Path | None = None
    update_baseline: bool = False
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: Severity = "warning"
    bindings: Path | None = None
    stack: str | None = None
    postgres_version: int = 16


def run_lint(paths: Sequence[Path], wishes: Wishes) -> int:
    """Judge runbooks; 1 when a new finding is at least as grave as the threshold. Raises InvalidInput."""
    rules = chosen_rules(wishes.select, wishes.ignore)
    before = known_before(wishes)
    report = with_baseline(lint(paths, context_of(wishes), rules), wishes, before)
    tell(report, wishes)
    return FAILED if report.graver(wishes.severity) else PASSED


def known_before(wishes: Wishes) -> Baseline:
    """The baseline as it is, before anything is judged. Raises InvalidInput."""
    if wishes.update_baseline and wishes.baseline is None:
        raise InvalidInput([Problem(Path("--update-baseline"), 0, 0, "needs --baseline FILE: the file that it writes")])
    if wishes.baseline is None or (wishes.update_baseline and not wishes.baseline.exists()):
        return EMPTY
    return load_baseline(wishes.baseline)


def with_baseline(report: Report, wishes: Wishes, before: Baseline) -> Report:
    """The report with what the baseline has marked as known; on demand the baseline is written anew first."""
    if wishes.baseline is None:
        return report
    if wishes.update_baseline:
        count = write_baseline(wishes.baseline, report, before)
        click.echo(f"{shown(wishes.baseline)}: {count} known finding{'' if count == 1 else 's'}", err=True)
        before = load_baseline(wishes.baseline)
    return compare(report, before)


def explain(rule_id: str | None, form: str) -> None:
    """What a rule looks for, or the list of all. Raises InvalidInput for a name that no rule has."""
    if rule_id is not None:
        rule = chosen_rules((rule_id,), (), asked_by="gameday runbook explain")[0]
        if form == "markdown":
            click.echo(f"## {rule.id}\n\n{rule.help}")
        else:
            _print_rule(make_console(), rule)
    elif form == "markdown":
        click.echo(as_page(all_rules()), nl=False)
    else:
        _print_rules(make_console())


def context_of(wishes: Wishes) -> Context:
    """What the rules may know. Raises InvalidInput."""
    from scenarios.stacks import load_stack

    return Context(
        today=datetime.now(tz=UTC).date(),
        bindings=Bindings() if wishes.bindings is None else load_bindings(wishes.bindings),
        stack=None if wishes.stack is None else load_stack(wishes.stack),
        postgres_version=wishes.postgres_version,
        grammar=grammar,
    )


def tell(report: Report, wishes: Wishes) -> None:
    """Print it, or write it to the file that is asked for. Raises InvalidInput."""
    if wishes.form == "text" and wishes.output is None:
        make_console().print(as_text(report, wishes.severity), soft_wrap=True)
        return
    if wishes.output is None:
        click.echo(_written(report, wishes), nl=False)
        return
    try:
        wishes.output.parent.mkdir(parents=True, exist_ok=True)
        wishes.output.write_text(_written(report, wishes), encoding="utf-8")
    except OSError as error:
        raise InvalidInput([Problem(wishes.output, 0, 0, f"cannot be written: {error.strerror}")]) from error
    click.echo(f"{shown(wishes.output)}: {totals(report)}", err=True)


def _written(report: Report, wishes: Wishes) -> str:
    from reports.findings_json import as_json
    from reports.findings_junit import as_junit
    from reports.findings_markdown import as_markdown
    from reports.findings_sarif import as_sarif

    writers: dict[str, Callable[[], str]] = {
        "text": lambda: _plain(report, wishes.severity),
        "json": lambda: as_json(report),
        "sarif": lambda: as_sarif(report, __version__),
        "junit": lambda: as_junit(report, wishes.severity),
        "markdown": lambda: as_markdown(report),
    }
    return writers[wishes.form]()


def _plain(report: Report, least: Severity) -> str:
    """The text without colours."""
    console = Console(width=_FILE_WIDTH, highlight=False, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(as_text(report, least), soft_wrap=True)
    return captured.get()


def _print_rule(console: Console, rule: Rule) -> None:
    console.print(
        Text.assemble((rule.id, "bold"), "  ", (rule.severity, STYLES[rule.severity]), f"  {rule.title}\n"), soft_wrap=True
    )
    console.print(Markdown(rule.help.replace("\nGood:", "  \nGood:")))


def _print_rules(console: Console) -> None:
    table = Table(box=None, pad_edge=False, show_edge=False)
    for column in ("rule", "severity", "theme", "what"):
        table.add_column(column, overflow="fold")
    for rule in all_rules():
        table.add_row(rule.id, Text(rule.severity, STYLES[rule.severity]), rule.theme, rule.title)
    console.print(table)
