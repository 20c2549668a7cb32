"""Reads any Markdown runbook into a model that static rules and the executor share. `read_runbook(path)` never fails on what it reads.

    Runbook               a document: path, text, sections, procedures, tables, alert rules, links, contacts, dates, notes
      Section             a heading and what stands below it up to the next heading: Prose, Item, Fence, Table (`blocks.py`)
      Procedure           a section with commands of its own: severities and timings of its headings, purpose, steps
        Step              a numbered comment in a fence, a list item, a heading or a whole fence: title, commands, prose
          Command         what bash reads as one (a loop, a here-document, an && list ...), or SQL, a crontab line, prose in a fence
            Script        its parse (`shell.py`): simple commands with words, redirections, variables, pipes, substitutions
            Comment       above it, behind it or inside it
            Typed         what is typed into the program that it starts: SQL after `psql`, commands after `redis-cli`
            Placeholder   `<service-name>`, `[REVISION]`, `$INCIDENT_ID`, `YYYYMMDD`, `NEW_SECRET`: kind, name, place

Lines and columns count from 1 in the file as it lies on the disk; columns count characters. `classify(command)` says whether a command
can be executed, `bind(command, values)` fills placeholders, `reach(simple)` looks through `sudo`, `kubectl exec ... --` and the like,
`embedded(command)` gives the SQL and Redis commands that a command carries.
"""

from scenarios.reading.bindings import Bindings, Bound, Wish, bind, load_bindings
from scenarios.reading.blocks import Cell, Fence, Item, Prose, Row, Section, Table
from scenarios.reading.classify import Class, Classified, classify
from scenarios.reading.commands import Command, Comment, Procedure, Step, Typed
from scenarios.reading.embedded import embedded
from scenarios.reading.placeholders import Placeholder
from scenarios.reading.reach import Reach, reach
from scenarios.reading.runbook import Note, Runbook, find_runbooks, parse_runbook, read_runbook
from scenarios.reading.shell import Assignment, Redirection, Script, Simple, Variable, Word

__all__ = [
    "Assignment", "Bindings", "Bound", "Cell", "Class", "Classified", "Command", "Comment", "Fence", "Item", "Note", "Placeholder", "Procedure",
    "Prose", "Reach", "Redirection", "Row", "Runbook", "Script", "Section", "Simple", "Step", "Table", "Typed", "Variable", "Wish", "Word", "bind",
    "classify", "embedded", "find_runbooks", "load_bindings", "parse_runbook", "reach", "read_runbook",
]  # fmt: skip
