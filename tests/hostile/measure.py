"""Run a function of the tests in a process of its own, with a limit of time and memory, and measure what it takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
MAX_SECONDS = 1.0
"""The bar of the design for a hostile input. Machines that are shared with others are slow at times: see SLACK."""
SLACK = 3.0
MAX_MEGABYTES = 200.0

_MEASURED = """
import importlib, json, resource, sys, time
module, name, arguments = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
function = getattr(importlib.import_module(module), name)
warm_up = getattr(importlib.import_module(module), "warm_up_" + name, None)
if warm_up is not None:
    warm_up(*arguments)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.process_time()
answer = function(*arguments)
seconds = time.process_time() - started
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"answer": answer, "seconds": seconds, "megabytes": (after - before) / 1024}))
"""


class Measured(NamedTuple):
    """What a function answered, and the processor time and memory beyond the start that it took."""

    answer: Any
    seconds: float
    megabytes: float
    said: str


def measured(module: str, name: str, *arguments: Any, timeout: float = 60) -> Measured:
    """Call *name* of *module* with JSON-able *arguments* in a process of its own; `warm_up_<name>` is called first."""
    command = [sys.executable, "-c", _MEASURED, module, name, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    return Measured(told["answer"], told["seconds"], told["megabytes"], done.stdout + done.stderr)


def assert_contained(result: Measured) -> None:
    """Fail where *result* took more than the bar."""
    assert result.seconds <= MAX_SECONDS * SLACK, f"{result.seconds:.2f} s"
    assert result.megabytes <= MAX_MEGABYTES, f"{result.megabytes:.0f} MB"
