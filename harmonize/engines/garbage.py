"""The garbage collector during a run: records make no cycles, so that looking for them all the time only costs."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLDS = (100_000, 50, 100)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Let the collector run a hundred times more seldom, and never look at what is there already."""
    before = gc.get_threshold()
    collect_rarely()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def collect_rarely() -> None:
    """As `rare_collections`, for the rest of a process that does nothing else."""
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
