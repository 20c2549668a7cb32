"""Whatever is given to the reader, it reads."""

from __future__ import annotations

from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from scenarios.reading import classify, embedded, parse_runbook

PIECES = (
    "# ", "## A\n", "```bash\n", "```\n", "```sql\n", "```yaml\n", "```console\n", "~~~sh\n", "   ```\n", "> ", "- ", "1. ", "\t", "    ", "\n", "\r\n", "\r", "\\\n",
    "<x-y>", "[X Y]", "$X", "${", "}", "$(", ")", "`", "'", '"', "<<E\n", "E\n", "|", "&&", ";", "if ", "then ", "fi\n", "for i in ", "do ", "done\n", "case ", "esac\n",
    "psql x\n", "SELECT 1;\n", "\\dt\n", "redis-cli\n", "PING\n", "# In psql:\n", "$ ls\n", "x=# ", "0 2 * * * x\n", "| a | b |\n|---|---|\n", "**A**: 5 min\n",
    "- [ ] ", "---\n", "a: b\n", "- alert: x\n  expr: up\n", "&a", "*a", "\x00", "\x0b", "\x85", "\u2028", "é", "🚨", "\x1c", "...", "# 1. x\n", "name=", "[a](b#c)", "()", "f() {\n",
)  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=40).map("".join))


@given(TEXTS)
@example("# A\n\n> ```bash\n>\ttrue\n```\n")
@example("## A\n- ```bash\n\t\techo\n")
@example("```bash\n\x0becho\x85 a\n")
def test_any_text_is_read_and_commands_stand_where_they_say(text: str) -> None:
    """Never an exception; each line of each command is found verbatim at its line and column."""
    book = parse_runbook(text.encode(), Path("x.md"))
    for procedure in (*book.procedures, *book.manual):
        for command in procedure.commands:
            classify(command)
            embedded(command)
            lines = command.text.split("\n")
            assert command.end_line - command.line + 1 == len(lines)
            for row, said in enumerate(lines):
                source = book.source.line(command.line + row)
                assert source[command.columns[row] - 1 :][: len(said)] == said
            for each in command.placeholders:
                assert command.text[each.offset :].startswith(each.text)


@given(st.binary())
def test_any_bytes_are_read(content: bytes) -> None:
    """Also those that are no text."""
    parse_runbook(content, Path("x.md"))


@given(TEXTS.map(lambda text: f"## A\n\n```bash\n{text}\n"))
def test_any_shell_is_read(text: str) -> None:
    """Inside a block, too."""
    parse_runbook(text.encode(), Path("x.md"))
