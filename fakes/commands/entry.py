"""How every stand-in starts and fails: one message on stderr, one exit code, and no traceback for the operator."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

NOT_MODELLED = 3  # exit code: the real tool can, this stand-in can't


class Failure(Exception):
    """The command ends here: `message` goes to stderr as it is, `code` is the exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def not_modelled(tool: str, what: str) -> Failure:
    """The real tool has this and the stand-in has not: say so, rather than invent a result."""
    return Failure(f"{tool}: {what} exists in the real tool, but gameday's stand-in does not offer it", NOT_MODELLED)


def run(body: Callable[[list[str]], int], argv: list[str]) -> int:
    """Exit code of `body`, or of the Failure it raised. A reader that went away (`| head`) ends it quietly."""
    try:
        code = body(argv)
        sys.stdout.flush()
        return code
    except Failure as failure:
        sys.stdout.flush()
        if failure.message:
            print(failure.message, file=sys.stderr)
        return failure.code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except KeyboardInterrupt:
        return 130
