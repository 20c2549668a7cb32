"""A block of shell, command by command, and what in it is no shell."""

from __future__ import annotations

import pytest

from scenarios.reading import embedded
from tests.scenarios.reading.books import command, commands


def test_a_command_is_what_bash_reads_as_one() -> None:
    """Loops, here-documents, continued lines, lists over several lines, texts over several lines."""
    found = commands(
        "a; b\nfor i in 1; do\n  c\ndone\nd \\\n  --e\ncat <<X\nnot # a command\nX\nf &&\n\n  g\necho 'h\ni'\n",
    )
    assert [(each.text.partition("\n")[0], each.line, each.end_line) for each in found] == [
        ("a; b", 4, 4), ("for i in 1; do", 5, 7), ("d \\", 8, 9), ("cat <<X", 10, 12), ("f &&", 13, 15), ("echo 'h", 16, 17),
    ]  # fmt: skip


def test_one_broken_line_breaks_no_other() -> None:
    """The error is told at its place, and reading goes on behind it."""
    first, broken, last = commands("true\ndocker ps )\nmake smoke")
    assert (first.text, last.text, last.line) == ("true", "make smoke", 6)
    assert broken.script is not None
    assert [(each.line, each.column) for each in broken.script.errors] == [(5, 11)]


def test_comments_belong_to_commands() -> None:
    """Above, behind and inside; what stands above an empty line is about something else."""
    first, second = commands("# loose\n\n# one\n# two\na # three\nif b; then\n  # 2. four\n  c\nfi # five\n")
    assert [(each.place, each.text, each.line) for each in first.comments] == [
        ("above", "one", 6), ("above", "two", 7), ("trailing", "three", 8),
    ]  # fmt: skip
    assert [(each.place, each.number, each.text) for each in second.comments] == [
        ("inside", 2, "four"),
        ("trailing", None, "five"),
    ]
    assert (first.title, second.title) == ("two", "if b; then")


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        ("a # All healthy", "All healthy"),
        ("a\n# Expected: 200", "Expected: 200"),
        ("a\n# Should print ok", "Should print ok"),
        ("# All services restart\na", ""),
        ("a # GUI gateway", ""),
    ],
)
def test_an_expectation_in_a_comment_is_known(shell: str, expected: str) -> None:
    """From a comment behind the command, or below it."""
    assert command(shell).expected == expected


def test_sql_after_psql_is_typed_into_it() -> None:
    """Statement by statement, up to the next line that is none; its comments are no commands."""
    psql, after = commands("psql $URL\n\n-- look\nSELECT 1,\n  2;\n\\dt\nselect 3;\n\\q\n\nmake smoke")
    assert [(each.language, each.text, each.line, each.end_line) for each in psql.input] == [
        ("sql", "SELECT 1,\n  2;", 7, 8), ("sql", "\\dt", 9, 9), ("sql", "select 3;", 10, 10), ("sql", "\\q", 11, 11),
    ]  # fmt: skip
    assert (psql.text, after.text, after.line) == ("psql $URL", "make smoke", 13)


@pytest.mark.parametrize(
    "client",
    [
        "psql -c 'select 1'",
        "psql -f x.sql",
        "psql < x",
        "cat x | psql",
        "psql -l",
        "redis-cli ping",
        "psql -XAtc 'select 1'",
        "psql -qtAX1f x.sql",
        "psql -Xl",
        "psql -Atc'select 1'",
        "mysql -uroot -BNe 'select 1'",
        "sqlite3 a.db 'select 1'",
    ],
)
def test_a_client_that_is_given_its_commands_opens_no_session(client: str) -> None:
    """What follows is a command like any other."""
    assert [each.input for each in commands(f"{client}\nset -e")] == [(), ()]


@pytest.mark.parametrize("client", ["psql -U c", "psql -Uc", "psql -d abc", "psql -h c -X", "mysql -uroote", "sqlite3 a.db"])
def test_an_option_with_a_value_gives_no_commands(client: str) -> None:
    """Its letters are a name, and SQL follows."""
    (found,) = commands(f"{client}\nselect 1;")
    assert [each.text for each in found.input] == ["select 1;"]


def test_redis_commands_after_redis_cli_are_typed_into_it() -> None:
    """Also through `kubectl exec`."""
    first, last = commands("kubectl exec -it pod -- redis-cli -h x -p 1\nINFO replication\nget a\nmake smoke")
    assert [(each.language, each.text, each.line) for each in first.input] == [
        ("redis", "INFO replication", 5),
        ("redis", "get a", 6),
    ]
    assert last.text == "make smoke"


def test_a_comment_can_say_where_things_are_typed() -> None:
    """`# In psql:` makes SQL of the lines below it, behind hashes or not."""
    first, last = commands("psql -h x\n# In psql:\n#   SELECT 1;\n#   SELECT 2;\n\ntrue")
    assert [(each.text, each.line, each.column, each.commented) for each in first.input] == [
        ("SELECT 1;", 6, 5, True), ("SELECT 2;", 7, 5, True),
    ]  # fmt: skip
    assert last.text == "true"
    alone = command("# In psql:\n   VACUUM ANALYZE;")
    assert (alone.kind, alone.text.strip()) == ("sql", "VACUUM ANALYZE;")


def test_prompts_are_no_part_of_a_command() -> None:
    """In a console block all else is what is printed; a client's prompt gives what is typed into it."""
    first, second = commands("$ psql x\nx=# SELECT 1;\n one\n$ echo \\\n  a", "console")
    assert (first.text, first.prompt, first.column, [each.text for each in first.input], first.output) == (
        "psql x", "$", 3, ["SELECT 1;"], (" one",),
    )  # fmt: skip
    assert (second.text, second.end_line) == ("echo \\\n  a", 8)
    assert command("root@db1:~# systemctl status x").text == "systemctl status x"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("- Error rate (< 0.1%)", "prose"),
        ("Check the dashboard for errors.", "prose"),
        ("2. Look at it", "prose"),
        ("https://grafana/d/x", "address"),
        ("0 2 * * 1-5 /x.sh --all", "schedule"),
        ("@daily /x.sh", "schedule"),
        ("SELECT * FROM x;", "sql"),
        ("curl https://x", "shell"),
        ("./Run me", "shell"),
        ("VACUUM=1 make", "shell"),
    ],
)
def test_what_is_no_shell_gets_its_kind(line: str, kind: str) -> None:
    """Where bash is expected, other things stand too."""
    found = command(line)
    assert (found.kind, found.text) == (kind, line)


def test_a_list_in_a_here_document_is_no_prose() -> None:
    """What belongs to a command stays with it."""
    (found,) = commands("cat > x <<E\n- one\n# two\n0 2 * * * three\nE")
    assert found.end_line == 8


def test_a_crontab_line_has_a_schedule_and_a_job() -> None:
    """The job is parsed as shell, at its place."""
    found = command("*/5 * * * * /x.sh a && b")
    assert (found.schedule, found.job) == ("*/5 * * * *", "/x.sh a && b")
    assert found.script is not None
    assert [(each.program, each.column) for each in found.script.commands] == [("x.sh", 13), ("b", 24)]


def test_sql_blocks_are_split_into_statements() -> None:
    """Semicolons in texts, comments and dollar quotes end none."""
    found = commands("-- one; two\nSELECT ';' AS a;\nDO $x$ BEGIN; END $x$;\nselect 1 /* ; */\n;", "sql")
    assert [(each.kind, each.text, each.line, each.end_line) for each in found] == [
        ("sql", "SELECT ';' AS a;", 5, 5), ("sql", "DO $x$ BEGIN; END $x$;", 6, 6), ("sql", "select 1 /* ; */\n;", 7, 8),
    ]  # fmt: skip


def test_what_a_command_carries_is_found() -> None:
    """SQL as an argument, through other commands, in a here-document; Redis commands."""
    shell = """\
        kubectl exec -it -n p statefulset/db-0 -- \\
          psql -U u -c "SELECT 1;" --command='SELECT 2' -f x
        docker compose exec db psql -c"\\dt"
        psql <<E
        SELECT 3;
        E
        redis-cli -p 1 info replication
        psql <<< "SELECT 4"
        psql -h db -XAtc 'SELECT 5' -tc'SELECT 6'
        mysql -BNe 'SELECT 7'
        """
    found = [(each.language, each.text, each.line, each.column) for one in commands(shell) for each in embedded(one)]
    assert [each[:3] for each in found] == [
        ("sql", "SELECT 1;", 5), ("sql", "SELECT 2", 5), ("sql", "\\dt", 6), ("sql", "SELECT 3;", 8), ("redis", "info replication", 10),
        ("sql", "SELECT 4", 11), ("sql", "SELECT 5", 12), ("sql", "SELECT 6", 12), ("sql", "SELECT 7", 13),
    ]  # fmt: skip
