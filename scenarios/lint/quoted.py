"""What findings quote: a line of a document, with its place."""

from __future__ import annotations

from scenarios.lint.finding import Related
from scenarios.reading import Runbook


class Quoted:
    """Something that stands in one line of a runbook."""

    __slots__ = ()
    runbook: Runbook
    line: int

    @property
    def where(self) -> str:
        return f"{self.runbook.name}:{self.line}"

    @property
    def quote(self) -> str:
        return f"{self.where}: {self.runbook.source.line(self.line).strip()}"

    @property
    def related(self) -> Related:
        return Related(self.runbook.path, self.line, self.runbook.source.line(self.line).strip())
