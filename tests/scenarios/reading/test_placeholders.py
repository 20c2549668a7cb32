from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.errors import InvalidInput
from scenarios.reading import Class, Wish, bind, classify, load_bindings
from scenarios.reading.bindings import Bindings
from tests.scenarios.files import said, write
from tests.scenarios.reading.books import book, command, commands


def found(shell: str) -> list[tuple[str, str]]:
    return [(each.kind, each.name) for one in commands(shell) for each in one.placeholders]


@pytest.mark.parametrize(
    ("shell", "placeholders"),
    [
        ("docker stop <service-name>", [("angle", "service-name")]),
        ("docker exec <container> ping <target-container>", [("angle", "container"), ("angle", "target-container")]),
        ("docker compose up -d --scale <service>=3", [("angle", "service")]),
        ("ssh <user>@<host>:/x", [("angle", "user"), ("angle", "host")]),
        ("helm rollback ats [REVISION] -n x", [("bracket", "REVISION")]),
        ("pm2 describe [process_name]", [("bracket", "process_name")]),
        ("echo '[ADD DATE]'", [("bracket", "ADD DATE")]),
        ("a --id=$INCIDENT_ID ${WHO}", [("variable", "INCIDENT_ID"), ("variable", "WHO")]),
        ("x=1\necho $x", []),
        ("echo $x\nx=1", [("variable", "x")]),
        ("cat <<E\n$ID of <pod-name>\nE", [("variable", "ID"), ("angle", "pod-name")]),
        ("restore eafix-backup-YYYYMMDD-HHMMSS x_YYYY-MM-DD", [("date", "YYYYMMDD-HHMMSS"), ("date", "YYYY-MM-DD")]),
        ("k --from-literal=a='NEW_SECRET'", [("sample", "NEW_SECRET")]),
        (
            "k --id INC-XXXX --tag v1.x.x --zone Z123456789",
            [("sample", "INC-XXXX"), ("sample", "v1.x.x"), ("sample", "Z123456789")],
        ),
        ("scp f user@host:/x", [("sample", "user@host")]),
        ("kubectl logs deployment/eafix-service-name", [("sample", "eafix-service-name")]),
        ("k create secret \\\n  a=b \\\n  ... # (all)", [("ellipsis", "...")]),
        ("true # see [ADD DATE]", [("bracket", "ADD DATE")]),
    ],
)
def test_placeholders_are_found(shell: str, placeholders: list[tuple[str, str]]) -> None:
    """However they are written."""
    assert found(shell) == placeholders


@pytest.mark.parametrize(
    "shell",
    [
        "sort <in >out",
        "sort <in>out",
        "diff <(a) <(b) >(c)",
        "cat <<EOF > x\nEOF",
        "cat <<EOF>x\nEOF",
        "[ -f x ] && [[ $? == 0 ]] && test $# -gt 1",
        "[[ 1 < 2 && 3 > 2 ]]",
        "a=(1 2); echo ${a[0]} ${a[@]} ${#a}",
        "ls [abc].txt x[0-9] [[:alpha:]]*",
        "jq '.[] | select(.a < 1)' f",
        "grep -E '[ERROR]|[a-z]+' f",
        "eafix-cli metrics query 'rate(x[5m]) / y[name]'",
        "kubectl get pods -o jsonpath='{range .items[*]}{.metadata.name}{end}'",
        "for i in $(seq 3); do echo $i; done",
        "echo $(date) $HOME $1 $@ ${PORT:-80} $RANDOM",
        "awk '{print $1, $NF}' f",
        "psql -c \"SELECT 1 WHERE a < now() - interval '5 minutes' AND b > 1\"",
        "echo '<config><a>1</a></config>' '<html>'",
        "cmd --user-name bob --service-name-filter x",
        "date +%Y%m%d",
        "git diff main...topic",
        "docker run -v ~/x:/y ubuntu@sha256:abc",
    ],
)
def test_what_only_looks_like_one_is_none(shell: str) -> None:
    """Redirections, tests, globs, indexes, substitutions, patterns."""
    assert found(shell) == []


def test_places_are_those_of_the_file() -> None:
    """Line and column, in continued lines and in indented blocks."""
    one = book("# A\n\n- x\n\n  ```bash\n  a \\\n    <b-c> $D\n  ```\n").commands[0]
    assert [(each.name, each.line, each.column, one.text[each.offset :][:2]) for each in one.placeholders] == [
        ("b-c", 7, 5, "<b"),
        ("D", 7, 11, "$D"),
    ]


def test_a_loop_in_an_earlier_block_gives_a_value() -> None:
    """A procedure is one shell; another procedure is not."""
    text = "# A\n\n```bash\nx=1\n```\n\n```bash\necho $x\n```\n\n# B\n\n```bash\necho $x\n```\n"
    assert [(each.name, each.line) for each in book(text).placeholders] == [("x", 14)]


def test_bindings_fill_placeholders() -> None:
    """Texts are replaced, variables go into the environment, the rest stays known."""
    one = command("a <x-y> [REV] $ID <x-y> <z> # <z>")
    bound = bind(one, {"x-y": "redis", "REV": "3", "ID": "INC 1; rm"})
    assert bound.text == "a redis 3 $ID redis <z> # <z>"
    assert (dict(bound.environment), [each.name for each in bound.unbound]) == ({"ID": "INC 1; rm"}, ["z"])


def test_a_bindings_file_is_read_and_later_entries_win(tmp_path: Path) -> None:
    """For all procedures, and for some."""
    text = """\
        bindings: {service-name: risk-manager, ID: "a b"}
        procedures:
          - match: "x.md#restart-*"
            bindings: {service-name: redis}
        """
    bindings = load_bindings(write(tmp_path, text))
    assert bindings.of("y.md#stop") == {"service-name": "risk-manager", "ID": "a b"}
    assert bindings.of("x.md#restart-it")["service-name"] == "redis"
    assert Bindings().of("x.md#y") == {}


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("bindngs: {}", ["test.yaml:1:1: unknown key 'bindngs'; did you mean 'bindings'?"]),
        ("bindings:\n  a-b: c d", ["test.yaml:2:8: a-b: 'c d' would not stay one word in a command; use letters, digits and . _ : / @ % + , = -"]),
        ("bindings:\n  <a>: c", ["test.yaml:2:3: '<a>' is no name of a placeholder; write service-name for <service-name>, REVISION for [REVISION], ID for $ID"]),
        ('bindings:\n  A: "b\\nc"', ["test.yaml:2:6: A: 'b\nc' holds a line end or another control character"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_bindings_is_told_at_its_place(text: str, problems: list[str], tmp_path: Path) -> None:
    """Like in any other file of ours."""
    assert said(lambda: load_bindings(write(tmp_path, text))) == problems


@pytest.mark.parametrize(
    ("shell", "kind", "reason"),
    [
        ("make smoke", Class.EXECUTABLE, ""),
        ("psql $URL -c 'select 1'", Class.NEEDS_BINDING, "$URL must be given a value"),
        ("docker stop <a-b> # [ADD DATE]", Class.NEEDS_BINDING, "<a-b> must be given a value"),
        ("vim x", Class.NOT_EXECUTABLE, "vim opens an editor"),
        ("kubectl edit configmap x", Class.NOT_EXECUTABLE, "kubectl edit opens an editor"),
        ("sudo -u x nano /etc/y", Class.NOT_EXECUTABLE, "nano opens an editor"),
        ("ssh db1 uptime", Class.NOT_EXECUTABLE, "it goes to another host, db1"),
        ("- look at it", Class.NOT_EXECUTABLE, "prose in a block of shell"),
        ("https://x/y", Class.NOT_EXECUTABLE, "an address to open in a browser"),
        ("echo 'x", Class.NOT_EXECUTABLE, "bash cannot parse it"),
        ("0 2 * * * /x.sh", Class.EXECUTABLE, "a crontab line"),
        ("psql x\nSELECT 1;", Class.EXECUTABLE, "what is typed into it"),
        ("psql x", Class.EXECUTABLE, "a session in which nothing is typed"),
    ],
)
def test_commands_are_classified_with_a_reason(shell: str, kind: Class, reason: str) -> None:
    """As far as reading tells."""
    result = classify(command(shell))
    assert result.kind is kind
    assert result.reason.startswith(reason)


@pytest.mark.parametrize(
    ("shell", "endless"),
    [
        ("kubectl --context night apply -f green.yaml", False),
        ("kubectl get -f green.yaml", False),
        ("kubectl get pods -w", True),
        ("kubectl -n production logs -f api", True),
        ("docker compose -f a.yml logs", False),
        ("docker compose -f a.yml logs --follow", True),
        ("tail -f errors.log", True),
        ("journalctl -u eafix -f", True),
        ("top", True), ("top -bn1", False), ("watch kubectl get x", True), ("timeout 5 top", False), ("docker stats", True), ("docker stats --no-stream", False),
        ("kubectl logs -f x", True), ("kubectl apply -f x", False), ("docker compose -f x.yml logs", False), ("docker compose -f x logs -f", True), ("tail -f x", True),
        ("tail -50 x", False), ("pm2 logs --lines 5", True), ("pm2 status", False), ("ping -c 3 x", False),
        ("timeout 30 kubectl logs -f x || true", False), ("docker compose logs -f api | head -50", False), ("kubectl logs -f x | grep -m1 ready", False),
        ("kubectl logs -f x | grep -q ready", False), ("kubectl logs -f x | grep -i error", True), ("head -1 a | tail -f", True),
        ("kubectl port-forward svc/db 5432 & tail -f x &", False), ("tail -f x & top", True), ("head -1 a; tail -f x", True),
    ],
)  # fmt: skip
def test_commands_that_never_end_are_known(shell: str, endless: bool) -> None:
    """Whoever executes them must end them."""
    assert classify(command(shell)).endless is endless


def test_a_bound_command_can_be_executed() -> None:
    """Once each of its placeholders has a value."""
    assert classify(command("a <b> $C"), {"b", "C"}).kind is Class.EXECUTABLE
    assert classify(command("a <b> $C"), {"b"}).kind is Class.NEEDS_BINDING


def test_how_procedures_are_carried_out_comes_from_the_same_file(tmp_path: Path) -> None:
    """Later entries win, preparations add up, and what nobody says is left as it is."""
    path = tmp_path / "bindings.yaml"
    path.write_text(
        "procedures:\n"
        '  - {match: "x.md#*", stack: eafix, limit: 30s, prepare: ["mkdir a"], incident: redis-outage}\n'
        '  - {match: "x.md#restore", prepare: ["mkdir b"], incident: none, expect: recovers, again: unsafe, skip: "why"}\n'
    )
    bindings = load_bindings(path)
    wish = bindings.wish("x.md#restore")
    assert (wish.stack, wish.limit_s, wish.incident, wish.expect, wish.again, wish.skip) == (
        "eafix", 30.0, "none", "recovers", "unsafe", "why",
    )  # fmt: skip
    assert wish.prepare == ("mkdir a", "mkdir b")
    assert bindings.wish("y.md#restore") == Wish()
    assert bindings.of("x.md#restore") == {}


def test_a_wrong_key_is_told_at_its_place(tmp_path: Path) -> None:
    """With the nearest right one."""
    path = tmp_path / "bindings.yaml"
    path.write_text('procedures:\n  - match: "x.md#*"\n    incidents: redis-outage\n')
    with pytest.raises(InvalidInput, match=r"bindings.yaml:3:5: unknown key 'incidents'; did you mean 'incident'\?"):
        load_bindings(path)
