from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.expectation import Expectation
from scenarios.runbook import Step, load_procedure, read_document
from tests.scenarios.files import said, write

BOOK = """\
# Book

## Restart it

Words.

```bash name="look" expect="exit nonzero" on-failure=continue
curl http://localhost:8084/healthz
```

```console
$ not a step
```

```bash name="restart <service-name>" budget=90s
docker compose restart <service-name> &&
docker compose logs <service-name> --tail=<lines>
```

### Rollback

```bash name="stop"
true
```

## Nothing
"""


def load(folder: Path, text: str, anchor: str = "restart-it") -> object:
    return load_procedure(f"book.md#{anchor}", write(folder, text, "book.md"))


def test_a_section_becomes_a_procedure(tmp_path: Path) -> None:
    """Its bash blocks in their order; neither other blocks nor those of its subsections."""
    procedure = load_procedure("book.md#restart-it", write(tmp_path, BOOK, "book.md"))
    assert (procedure.reference, procedure.title, procedure.line) == ("book.md#restart-it", "Restart it", 3)
    assert procedure.path == ("Book", "Restart it")
    look, restart = procedure.steps
    assert look == Step(
        "look", 8, "curl http://localhost:8084/healthz\n", Expectation("nonzero"), 60.0, "continue", verification=False
    )
    assert (restart.line, restart.budget_s, restart.on_failure) == (16, 90.0, "stop")
    assert restart.command.count("\n") == 2


def test_placeholders_are_found_and_filled(tmp_path: Path) -> None:
    """Those without a binding stay, and comparisons and redirections are none."""
    procedure = load_procedure("book.md#restart-it", write(tmp_path, BOOK + "", "book.md"))
    assert procedure.placeholders == {"service-name", "lines"}
    command = procedure.bound({"service-name": "redis"}).steps[1].command
    assert command == "docker compose restart redis &&\ndocker compose logs redis --tail=<lines>\n"
    text = '# A\n\n```bash name="x"\nsort <in >out; cat <<EOF; diff <(a) <(b); [[ 1 < 2 && 3 > 2 ]]\nEOF\n```\n'
    assert load_procedure("b.md#a", write(tmp_path, text, "b.md")).placeholders == frozenset()


def test_a_runbook_of_the_project_is_found_from_anywhere() -> None:
    """References are relative to scenarios/ when there is nothing beside the file that names them."""
    assert load_procedure("runbooks/incident-response.md#redis-outage").document == "runbooks/incident-response.md"


@pytest.mark.parametrize(
    ("fence", "message"),
    [
        ('```bash nam="x"\ntrue\n```', "3:9: unknown attribute 'nam'; did you mean 'name'?"),
        ("```bash\ntrue\n```", '3:1: a step needs a name: ```bash name="promote the replica"'),
        ('```bash name="x" expect="exit zero"\ntrue\n```', "3:18: expect: 'exit zero' is no expectation; write exit 0, exit nonzero, exit any, output ~ REGEX or output !~ REGEX"),
        ('```bash name="x"\n```', "3:1: the step 'x' has no command"),
        ('```bash name="x"\ntrue\n```\n\n```bash name="x"\ntrue\n```', "7:9: the step 'x' stands here again; the first is in line 3"),
        ("```sh\ntrue\n```", "1:1: the section 'Restart it' has no steps; a step is a block that begins with ```bash name=\"...\""),
    ],
)  # fmt: skip
def test_what_is_no_step_is_told_at_its_line(tmp_path: Path, fence: str, message: str) -> None:
    """An empty procedure would succeed at nothing; a block without a name was meant to be a step."""
    assert said(lambda: load(tmp_path, f"## Restart it\n\n{fence}\n")) == [f"book.md:{message}"]


def test_all_broken_steps_are_told(tmp_path: Path) -> None:
    """At once, in their order."""
    text = "## Restart it\n\n```bash a\n1\n```\n\n```bash b\n2\n```\n"
    assert [each.partition(" ")[0] for each in said(lambda: load(tmp_path, text))] == ["book.md:3:9:", "book.md:7:9:"]


def test_an_unknown_section_is_told_with_the_nearest(tmp_path: Path) -> None:
    """By its anchor."""
    assert said(lambda: load(tmp_path, BOOK, "restart")) == ["book.md: there is no section 'restart'; did you mean 'restart-it'?"]
    with pytest.raises(KeyError):
        read_document("book.md", tmp_path / "book.md").procedure("restart")
