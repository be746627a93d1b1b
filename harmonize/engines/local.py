"""Run `work(batch)` on this machine: in this process, or on a bounded pool of processes. The order is kept.

At most `2 * jobs` batches are under way, so memory does not grow with the input.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing.reduction import DupFd
from typing import IO, Any, TypeVar

from harmonize.errors import HarmonizeError

Batch = TypeVar("Batch")
Result = TypeVar("Result")


class WorkerLostError(HarmonizeError):
    """A worker process ended before its work did: killed, or by the system for want of memory. Exit code 4."""

    def __str__(self) -> str:
        return (
            "a worker process was killed, perhaps for want of memory. To mend it: give fewer --jobs or more memory, and run "
            "again with --resume"
        )


class _HandedOver:
    """Work, pickled into a file without a name that every worker process inherits.

    Python would write it into a pipe, which holds 64 KiB: a process that dies before it reads leaves the writer waiting for ever.
    """

    def __init__(self, work: object) -> None:
        self._file = _unnamed_file()
        pickle.dump(work, self._file)
        self._file.flush()

    def close(self) -> None:
        """Let go of the file; processes that took it over have it still."""
        self._file.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _taken_over, (DupFd(self._file.fileno()),)


def _taken_over(inherited: Any) -> object:
    with os.fdopen(inherited.detach(), "rb") as file:
        pickled = os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)  # the others read it too: no seek
    return pickle.loads(pickled)  # noqa: S301 - our own, from the process that started this one


def _unnamed_file() -> IO[bytes]:
    """In memory where the system can do that, for work may hold a key."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("harmonize-work"), "w+b")
    return tempfile.TemporaryFile()


_worker: Callable[[object], object] | None = None


def _set_worker(worker: Callable[[object], object]) -> None:
    """Keep the worker of this process: it compiles its plan once and is sent once, not with every batch."""
    global _worker
    _worker = worker
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    collect_rarely()


def _end_with(parent: Any) -> None:
    """A process whose parent was killed would wait for its next batch for ever: it holds both ends of the pipe."""
    parent.join()
    os._exit(1)


def _call(batch: object) -> object:
    if _worker is None:
        raise RuntimeError("the worker process was not initialised")
    return _worker(batch)


def run(work: Callable[[Batch], Result], batches: Iterable[Batch], jobs: int = 1) -> Iterator[Result]:
    """The results of *work* over *batches*, in their order, by *jobs* processes.

    >>> list(run(len, ["a", "bcd"], jobs=1))
    [1, 3]
    """
    if jobs <= 1:
        yield from map(work, batches)
        return
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with (
        closing(_HandedOver(work)) as handed_over,
        ProcessPoolExecutor(jobs, context, _set_worker, (handed_over,)) as pool,  # type: ignore[arg-type]
    ):
        try:
            yield from _in_order(pool, batches, 2 * jobs)
        except (BrokenExecutor, WorkerLostError):
            # a pool that loses one while it starts them leaves the rest waiting, and would itself wait for them at its end
            for worker in set(multiprocessing.active_children()) - others:
                worker.kill()
            raise WorkerLostError from None


def _in_order(pool: ProcessPoolExecutor, batches: Iterable[Batch], most: int) -> Iterator[Result]:
    waiting: deque[Future[object]] = deque()
    for batch in batches:
        waiting.append(_submitted(pool, batch))
        if len(waiting) >= most:
            yield waiting.popleft().result()  # type: ignore[misc]
    while waiting:
        yield waiting.popleft().result()  # type: ignore[misc]


def _submitted(pool: ProcessPoolExecutor, batch: object) -> Future[object]:
    """The batch, handed over. Work is pickled elsewhere: what fails here is a pool that closes its pipes, for it has lost a worker
    at this very moment."""
    try:
        return pool.submit(_call, batch)
    except (OSError, ValueError):
        raise WorkerLostError from None


# --- the garbage collector ------------------------------------------------------------------------------------------

_COLLECTIONS = (300_000, 50, 100)
"""Thresholds of the garbage collector. Records make no cycles, so that looking for them all the time only costs."""


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
    gc.set_threshold(*_COLLECTIONS)
