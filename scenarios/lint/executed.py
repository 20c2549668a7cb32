"""Rules that only carrying a procedure out can answer: `gameday runbook check` finds them, `gameday runbook lint` knows their names.

Each is a rule like any other, for `explain`, `--select`, `--ignore` and the outputs; asked by reading alone it finds nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding
from scenarios.lint.rule import rule
from scenarios.reading import Runbook

THEME = "executed"


@rule("command-failed", severity="error", title="A command that fails when it is carried out")
def command_failed(_context: Context, _runbook: Runbook) -> Iterator[Finding]:
    """The command was carried out against a living stand-in of the stack, and ended with an exit code that says it did not work; the evidence is what it printed.

    At 3 a.m. this is where the procedure ends.

    A search that finds nothing (`grep`), a comparison that finds differences and a look at the platform while its clients are not
    served, as in a bound incident or right after a restart, are answers and no failures. What fails only because an earlier command of
    the procedure did is told with that one.

    Bad:  `kubectl rollout restart deployment/eafix-portfolio-manager`, where no such deployment exists
    Good: the name that the platform really has
    """
    yield from ()


@rule("command-missing", severity="error", title="A command that is not there")
def command_missing(_context: Context, _runbook: Runbook) -> Iterator[Finding]:
    """The shell answered `command not found` or `No such file or directory`.

    The program or script that the document names is neither a tool of the platform nor part of its checkout.

    Bad:  `calculate-recovery-time.sh`, which nobody wrote
    Good: a script that lies in the repository, by its path from the folder in which the procedure is begun
    """
    yield from ()


@rule("command-hangs", severity="error", title="A command that does not come to an end")
def command_hangs(_context: Context, _runbook: Runbook) -> Iterator[Finding]:
    """The command was still running, printing or multiplying when its time, its output or its processes were up, and it was stopped.

    Commands that follow something until they are stopped (`top`, `logs -f`) are stopped as an operator would, and are no
    finding.

    Bad:  `while ! curl -f http://localhost:8080/health; do sleep 5; done`
    Good: `timeout 60 ...`, or a loop that gives up
    """
    yield from ()


@rule("http-error-unnoticed", severity="warning", title="An answer that refuses, and a command that says nothing of it")
def http_error_unnoticed(_context: Context, _runbook: Runbook) -> Iterator[Finding]:
    """curl ended with exit code 0 although the server answered with a status of 400 or more.

    Whoever looks at the exit code, and every script, goes on as if it had worked.

    Bad:  `curl -X POST http://localhost:8080/emergency/stop`
    Good: `curl -fsS -X POST http://localhost:8080/emergency/stop-trading`
    """
    yield from ()


@rule("failure-hidden-by-pipe", severity="warning", title="A failure that a pipe hides")
def failure_hidden_by_pipe(_context: Context, _runbook: Runbook) -> Iterator[Finding]:
    """A member of a pipeline failed, and the pipeline as a whole ended with exit code 0.

    The shell only tells of its last member. A search without a match, and a writer whose reader has seen enough, are no
    failures.

    Bad:  `curl -s http://localhost:8080/health | jq .`, when nothing answers
    Good: `set -o pipefail` first, and `curl -fsS`
    """
    yield from ()


@rule("no-stated-effect", severity="error", title="A command that succeeds without its effect")
def no_stated_effect(_context: Context, _runbook: Runbook) -> Iterator[Finding]:
    """The command said that it worked, and what it is for did not come true.

    A setting that only a restart applies is still the old one after a reload, a service address leads to nothing, the
    expectation that a step of the runbook states (`expect=`) was missed.

    Bad:  `ALTER SYSTEM SET max_connections = 200; SELECT pg_reload_conf();`
    Good: the same, and a restart in a maintenance window
    """
    yield from ()


@rule("leaves-unhealthy", severity="error", title="Clients are not served after it")
def leaves_unhealthy(_context: Context, _runbook: Runbook) -> Iterator[Finding]:
    """Orders and prices went through before this command, and did not any more when the procedure was over and its time to recover had passed.

    The finding stands at the first command after which clients were no longer served.

    Bad:  a restart of the database, and nothing that reconnects what depends on it
    Good: a procedure whose last step sees that clients are served
    """
    yield from ()


@rule("leaves-stopped", severity="info", title="It stops something on purpose, and never starts it again")
def leaves_stopped(_context: Context, _runbook: Runbook) -> Iterator[Finding]:
    """The procedure stops a service, trading or the platform, which is what it is for, and says nothing about how that ends.

    Whoever carries it out has to know. A later step or phase of the same chapter that starts it again says it.

    Bad:  a section that scales a deployment to 0, and ends there
    Good: the same with the command that undoes it, or the name of the procedure that does
    """
    yield from ()


@rule("loses-writes", severity="error", title="It loses what the stack had acknowledged")
def loses_writes(_context: Context, _runbook: Runbook) -> Iterator[Finding]:
    """Orders that clients were told are placed were not in the database any more when everything was read back.

    The ledger of the load, which lies outside the stack, tells which.

    Bad:  a restore over the living database, without stopping trading first
    Good: stop, take a last backup, restore, compare with the broker
    """
    yield from ()


@rule("breaks-invariant", severity="error", title="The data contradict themselves after it")
def breaks_invariant(_context: Context, _runbook: Runbook) -> Iterator[Finding]:
    """After the procedure the data of the stack broke one of its invariants.

    Positions that are not the sum of their executions, executions without a fill, orders executed while trading was halted,
    limits exceeded.

    Bad:  `DELETE FROM positions WHERE ...` in the running system
    Good: a correction that books what it changes
    """
    yield from ()


@rule("over-budget", severity="warning", title="It takes longer than it says")
def over_budget(_context: Context, _runbook: Runbook) -> Iterator[Finding]:
    """The commands took longer than the time that the procedure gives itself (a step's `budget=`, or the time in its heading).

    Bad:  `Rollback (< 30 seconds)`, with a rollout that takes two minutes
    Good: the time that a drill has measured
    """
    yield from ()


@rule("does-not-recover", severity="error", title="The incident is still there at its end")
def does_not_recover(_context: Context, _runbook: Runbook) -> Iterator[Finding]:
    """The procedure was carried out in the incident that it is bound to, and when it was over and its time to recover had passed clients were still not served.

    Bad:  a restart of the services, where the database is what is gone
    Good: a procedure that a drill has seen to work
    """
    yield from ()


@rule("rollback-incomplete", severity="error", title="Its rollback does not bring everything back")
def rollback_incomplete(_context: Context, _runbook: Runbook) -> Iterator[Finding]:
    """After the procedure and its rollback the stack was not what it was before.

    Services, replicas, versions, selectors, roles, objects or settings differ, as the evidence shows.

    Bad:  a rollback that patches the selector back and leaves the old version scaled to 0
    Good: one that undoes every step, the last first
    """
    yield from ()


@rule("unsafe-again", severity="warning", title="It cannot be carried out a second time")
def unsafe_again(_context: Context, _runbook: Runbook) -> Iterator[Finding]:
    """Carried out once more, a command that had worked failed, or clients were no longer served.

    A procedure is often begun twice: by two people, or after it was interrupted. Say so in the runbook (a row `Again` in the
    procedure's table) or in the bindings (`again: unsafe`), or make it safe.

    Bad:  `createdb eafix_restored`
    Good: `dropdb --if-exists eafix_restored && createdb eafix_restored`
    """
    yield from ()


@rule("destroys-workstation", severity="error", title="It deletes what it stands on")
def destroys_workstation(_context: Context, _runbook: Runbook) -> Iterator[Finding]:
    """After the command the operator's home, commands or checkout were gone.

    In the sandbox of a check that touches nothing else; where a person carries it out it does.

    Bad:  `rm -rf /$FOLDER`, where FOLDER has no value
    Good: `rm -rf "${FOLDER:?}"`
    """
    yield from ()
