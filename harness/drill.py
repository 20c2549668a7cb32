"""The conductor: carries one scenario out inside the sandbox. `python -m harness.drill` reads its DrillSpec from stdin.

Boot, conditions, monitor, load, steady state proven, faults, response, recovery proven, everything read back, heal, stop.
It only records; nothing is judged here. Whatever happens on the way, faults are healed, the stack is stopped and the
history is closed with how the drill ended.
"""

from __future__ import annotations

import asyncio
import pickle
import random
import signal
import sys
import traceback
from contextlib import AsyncExitStack

from fakes.clock import ClockPage
from harness.errors import HarnessError, NotReady
from harness.faults.inject import Injector
from harness.history import HISTORY_FILE, LEDGER_FILE, Event, Recorder
from harness.measured import Pace
from harness.ports import Ports
