"""A program that the tests of a warm start run: it does what its arguments say."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path


def main() -> None:
    """`exit N`, `raise`, `tell`, `echo` or `stay`."""
    what, *more = sys.argv[1:] or ["echo"]
    if what == "exit":
        sys.exit(int(more[0]))
    if what == "raise":
        raise ValueError("as it was told")
    if what == "tell":
        _say(dict(os.environ), os.getsid(0) == os.getpid(), sorted(each.name for each in Path("/proc/self/fd").iterdir()))
    elif what == "echo":
        processes = [each for each in Path("/proc").iterdir() if each.name.isdigit()]
        _say(sys.stdin.read(), Path(__file__).exists(), len(processes))
    else:
        _say(os.getpid())
        time.sleep(600)


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()
