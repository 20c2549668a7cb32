"""From a recorded check to findings and coverage."""

from __future__ import annotations

import pytest

from scenarios.reading.bindings import Wish
from tests.harness.runbooks.made_up import FENCE, PATH, made


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


def test_a_look_at_what_was_just_restarted_is_an_answer() -> None:
    """While clients are not served it may say so; before and after it must work, and so must what changes something."""

    def rules(look: str, *, down_from_s: float, down_to_s: float) -> list[str]:
        check = made(f"pm2 restart all\n{look}").load(0, down_from_s).load(down_from_s, down_to_s, good=False)
        check.load(down_to_s, 90).begins().ran(1)
        return check.ran(2, 22, "curl: (22) The requested URL returned error: 503").ends().rules()

    look = "curl -sSf http://localhost:8000/api/health"
    assert rules(look, down_from_s=10.3, down_to_s=11.8) == []
    assert rules(look, down_from_s=9.0, down_to_s=10.8) == []  # health comes back a little later
    assert rules(look, down_from_s=30, down_to_s=32) == ["command-failed"]
    assert rules(f"{look} && pm2 reload all", down_from_s=10.3, down_to_s=11.8) == ["command-failed"]


def test_a_restart_of_a_second_is_no_outage_and_yet_a_look_in_it_fails() -> None:
    """One order that was refused tells why the look failed; what fails long after it fails by itself."""

    def rules(refused_s: float) -> list[str]:
        check = made("pm2 restart all\ncurl -sSf http://localhost:8000/api/health").load(0, 90)
        check.refused(refused_s).begins().ran(1)
        return check.ran(2, 22, "curl: (22) The requested URL returned error: 503").ends().rules()

    assert rules(10.6) == []
    assert rules(40.0) == ["command-failed"]


def test_a_step_that_expects_what_is_not_offered_was_carried_out() -> None:
    """Our own runbooks ask whether there is a second site; any other step tells nothing then, and is not judged."""
    said = "there is no second site here: one exists in the real platform, but gameday's stand-in does not offer it"

    def status(missed: str | None) -> tuple[str, int]:
        text = f'{FENCE}bash name="ask" expect="exit nonzero"\n./activate.sh\n{FENCE}\n'
        judged = made(text).begins().ran(1, 3, said, missed=missed).ends().judged()
        return judged.carried[0].status, len(judged.findings)

    assert status(None) == ("executed", 0)
    assert status("exit code 3, expected 0") == ("not judged", 0)


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
