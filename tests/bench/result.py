"""A measured figure and its gate, and how times are taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple


class Result(NamedTuple):
    """A measured figure and its gate."""

    name: str
    figure: str
    gate: str
    holds: bool


def best(work: Callable[[], object], rounds: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """The shortest time of *rounds* rounds, in seconds."""
    times = []
    for _ in range(rounds):
        start = clock()
        work()
        times.append(clock() - start)
    return min(times)


def in_turns(*works: Callable[[], object], rounds: int, clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """The shortest time of each of *works*, which take turns, so that a busy machine hurts all alike.

    `time.process_time` as *clock* does not count what others do meanwhile, nor processes of one's own.
    """
    times = [float("inf")] * len(works)
    for _ in range(rounds):
        for place, work in enumerate(works):
            times[place] = min(times[place], best(work, 1, clock))
    return times
