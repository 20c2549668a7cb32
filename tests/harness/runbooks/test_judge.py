"""From a recorded check to findings and coverage."""

from __future__ import annotations

import pytest

from scenarios.reading.bindings import Wish
from tests.harness.runbooks.made_up import PATH, made


def test_a_finding_stands_at_its_command_with_what_it_printed() -> None:
    """File, line, column, message, evidence."""
    check = (
        made("date\n# then\n  kubectl get podz")
        .begins()
        .ran(1)
        .ran(2, 1, 'error: the server doesn\'t have a resource type "podz"')
        .ends()
    )
    (finding,) = check.judged().findings
    assert (finding.file, finding.line, finding.column) == (PATH, 8, 1)
    assert finding.message.startswith("kubectl ended with exit code 1: error: the server doesn't have")
    assert finding.evidence.endswith("exit code 1")


def test_a_message_is_the_same_in_the_next_run() -> None:
    """Or a baseline would not know it: figures that change stay in the evidence."""

    def message(output: str) -> str:
        return made("x").begins().ran(1, 1, output).ends().judged().findings[0].message

    assert message("error: pid 47110 failed") == message("error: pid 81500 failed")


@pytest.mark.parametrize(
    ("first", "then", "output"),
    [
        ("git clone https://host/eafix.git", "cd eafix", "bash: cd: eafix: No such file or directory"),
        ("pg_dump x > /backups/x.dump", "pg_restore /backups/x.dump", "pg_restore: error: could not open input file"),
        ("aws s3 cp s3://b/backup-1.dump .", "gunzip backup-*.dump", "gzip: backup-*.dump: No such file or directory"),
        ("ID=$(broken-tool)", "kubectl get pod $ID", "error: resource name may not be empty"),
        ("cd /nowhere/at/all", "make smoke", "make: *** No rule to make target 'smoke'.  Stop. No such file or directory"),
    ],
)
def test_what_fails_because_of_an_earlier_failure_is_told_with_it(first: str, then: str, output: str) -> None:
    """One finding, and the other place beside it."""
    check = made(f"{first}\n{then}").begins().ran(1, 1, "it failed").ran(2, 1, output).ends()
    (finding,) = check.judged().findings
    assert finding.line == 6
    assert [each.line for each in finding.related] == [7]


def test_two_failures_that_share_nothing_are_two() -> None:
    """Neither are two looks at one thing of the platform a file."""
    check = made("kubectl get deployment/x\nkubectl describe deployment/x").begins()
    assert check.ran(1, 1, "NotFound").ran(2, 1, "NotFound").ends().rules() == ["command-failed", "command-failed"]


def test_what_builds_upon_something_that_was_not_run_tells_nothing() -> None:
    """A file of a command that still needs a value, or that our stand-in does not offer."""
    assert made("dump <name> > a.sql\npsql -f a.sql").begins().ran(2, 1, "a.sql: No such file").ends().rules() == []
    said = "helm: get values exists in the real tool, but gameday's stand-in does not offer it"
    assert (
        made("helm get values x > v.yaml\nhelm upgrade -f v.yaml").begins().ran(1, 3, said).ran(2, 1, "no v.yaml").ends().rules()
        == []
    )


def test_coverage_counts_what_was_run_and_nothing_else() -> None:
    """Each command with its reason."""
    text = "date\nkubectl drain n\ndocker restart <name>\nvim x\nsleep 5\ndate"
    said = "kubectl: drain exists in the real tool, but gameday's stand-in does not offer it"
    check = made(text).begins().ran(1).ran(2, 3, said).at("command.unreached", "5", phase="first")
    found = [(each.line, each.status, each.reason) for each in check.judged("its time was up").carried]
    assert found == [
        (6, "executed", ""),
        (7, "not judged", said),
        (8, "needs a binding", "<name> must be given a value"),
        (9, "cannot be executed", "vim opens an editor: a person changes a file"),
        (10, "not reached", "the procedure, or its script, ended before it"),
        (11, "unknown", "its time was up"),
    ]


def test_a_procedure_that_the_bindings_leave_out() -> None:
    """Counts as not executed, with their reason."""
    judged = made("date", wish=Wish(skip="the other data centre")).judged()
    assert [(each.status, each.reason) for each in judged.carried] == [("not executed", "the other data centre")]
    assert judged.broken is None


def test_a_check_that_broke_is_no_pass() -> None:
    """Without any command nothing can be said; after some, they count, and the place at which it broke is named."""
    before = made("date").judged("the sandbox ended")
    assert (before.broken is not None, before.findings, before.carried[0].status) == (True, (), "unknown")
    check = made("date\nboom\ndate").begins().ran(1).at("command.started", "2", phase="first")
    during = check.judged("the sandbox ended")
    assert during.broken is not None
    assert (during.broken.line, during.broken.reason) == (7, "the sandbox ended while line 7 was carried out")


def test_a_second_run_that_fails_is_unsafe() -> None:
    """Once, for what changes something and had worked, unless it is declared."""

    def rules(text: str, wish: Wish | None = None) -> list[str]:
        check = made(text, wish=wish).begins().ran(1).ends().begins("again")
        return check.ran(1, 1, "already exists", phase="again").ends("again").rules()

    assert rules("createdb eafix_restored") == ["unsafe-again"]
    assert rules("kubectl get pods") == []
    assert rules("createdb eafix_restored", Wish(again="unsafe")) == []


def test_what_failed_the_first_time_is_not_told_again() -> None:
    """It is one failure."""
    check = made("kubectl delete pod x").begins().ran(1, 1, "NotFound").ends().begins("again")
    assert check.ran(1, 1, "NotFound", phase="again").ends("again").rules() == ["command-failed"]


def test_a_command_that_nobody_saw_run_is_no_pass() -> None:
    """A check that says it came to its end, and whose record lacks a command, is broken: it tested less than it says."""
    whole = made("date\nhostname").begins().ran(1).ran(2).ends().judged()
    assert whole.broken is None
    lacking = made("date\nhostname").begins().ran(1).ends().judged()
    assert lacking.broken is not None
    assert lacking.broken.reason == "its record does not tell what became of 1 of 2 commands"
