"""Run a function in a forked process, with a limit of time, and measure the processor time and memory that it takes.

A fork starts with everything loaded and compiled that this process has, so that only the hostile input is measured.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import select
import signal
import time
from collections.abc import Callable
from typing import Any, NamedTuple

MAX_SECONDS = 1.0
"""The bar of the design for a hostile input."""
SLACK = 4.0
"""Processor time is what counts, and still it is more on a machine that is shared."""
MAX_MEGABYTES = 200.0


class Measured(NamedTuple):
    """What a function answered, and the processor time and memory beyond the start that it took."""

    answer: Any
    seconds: float
    megabytes: float


def _in_child(function: Callable[..., Any], arguments: tuple[Any, ...], pipe: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    try:
        answer: Any = function(*arguments)
    except BaseException as error:
        answer = f"raised {type(error).__name__}: {error}"
    seconds = time.process_time() - started
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1_024
    with os.fdopen(pipe, "wb") as out:
        pickle.dump(Measured(answer, seconds, megabytes), out)


def measured(function: Callable[..., Any], *arguments: Any, timeout: float = 30) -> Measured:
    """Call *function* in a process of its own. Fails where it does not end in *timeout* seconds."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os.close(read)
            _in_child(function, arguments, write)
        os._exit(0)
    os.close(write)
    try:
        ready, _, _ = select.select([read], [], [], timeout)
        if not ready:
            os.kill(child, signal.SIGKILL)
            raise AssertionError(f"not done within {timeout} s")
        with os.fdopen(read, "rb", closefd=False) as told:
            data = told.read()
    finally:
        os.close(read)
        os.waitpid(child, 0)
    assert data, "the process died"
    result: Measured = pickle.loads(data)
    if "HARMONIZE_TEST_COSTS" in COSTS:
        print(f"\n{function.__name__} {arguments!s:.60} {result.seconds:.2f} s {result.megabytes:.0f} MB")
    return result


COSTS = frozenset(name for name in os.environ if name == "HARMONIZE_TEST_COSTS")
"""Set HARMONIZE_TEST_COSTS and use `pytest -s` to see what every bomb costs."""


def assert_contained(result: Measured) -> None:
    """Fail where *result* took more than the bar."""
    assert result.seconds <= MAX_SECONDS * SLACK, f"{result.seconds:.2f} s"
    assert result.megabytes <= MAX_MEGABYTES, f"{result.megabytes:.0f} MB"
