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


def best(work: Callable[[], object], rounds: int) -> float:
    """The shortest time of *rounds* rounds, in seconds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def in_turns(*works: Callable[[], object], rounds: int) -> list[float]:
    """The shortest time of each of *works*, which take turns, so that a busy machine hurts all alike."""
    times = [float("inf")] * len(works)
    for _ in range(rounds):
        for place, work in enumerate(works):
            times[place] = min(times[place], best(work, 1))
    return times
