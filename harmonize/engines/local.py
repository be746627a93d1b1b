"""Run `work(batch)` on this machine: in this process, or on a pool of processes. The order is kept.

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
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import DupFd
from typing import IO, Any, Self, TypeVar

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
    """An object, pickled into a file without a name that every worker process inherits; it may be put there after they were started.

    Python would write it into a pipe, which holds 64 KiB: a process that dies before it reads leaves the writer waiting for ever.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._taken: Any = None

    def put(self, handed_over: object) -> None:
        """Hand an object over."""
        pickle.dump(handed_over, self._file)
        self._file.flush()

    def take(self) -> Any:
        """What was handed over; in a process it is one object."""
        if self._taken is None:
            size = os.fstat(self._file.fileno()).st_size
            self._taken = pickle.loads(os.pread(self._file.fileno(), size, 0))  # noqa: S301 - our own; the others read it too: no seek
        return self._taken

    def close(self) -> None:
        """Let go of the file; processes that took it over have it still."""
        self._file.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _inherited, (DupFd(self._file.fileno()),)


def _inherited(file: Any) -> _HandedOver:
    return _HandedOver(os.fdopen(file.detach(), "rb"))


def _unnamed_file() -> IO[bytes]:
    """In memory where the system can do that, for work may hold a key."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("harmonize-work"), "w+b")
    return tempfile.TemporaryFile()


_work: _HandedOver | None = None


def _begin(prepare: _HandedOver, work: _HandedOver) -> None:
    """Keep what the work of this process will be taken from, and do what can be done before it is there."""
    global _work
    _work = work
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with suppress(Exception):  # what fails here fails again with the work, where somebody hears of it
        prepare.take()()
    collect_rarely()


def _end_with(parent: Any) -> None:
    """A process whose parent was killed would wait for its next batch for ever: it holds both ends of the pipe."""
    parent.join()
    os._exit(1)


def _call(batch: object) -> object:
    if _work is None:
        raise RuntimeError("the worker process was not initialised")
    return _work.take()(batch)


def _nothing() -> None:
    """What there is to do before the work is there, where nothing is."""


class Pool:
    """Processes that work on batches, or this one alone. They are started before their work is there, so that they are ready then.

    >>> with Pool(jobs=1) as pool:
    ...     list(pool.run(len, ["a", "bcd"]))
    [1, 3]
    """

    def __init__(self, jobs: int = 1, prepare: Callable[[], object] = _nothing) -> None:
        """*prepare* is called in each process as soon as it stands, where there are several; it can be pickled."""
        self._jobs = jobs
        self._processes: set[BaseProcess] = set()
        self._executor: ProcessPoolExecutor | None = None
        if jobs > 1:
            self._prepare, self._work = _HandedOver(_unnamed_file()), _HandedOver(_unnamed_file())
            self._prepare.put(prepare)
            context = multiprocessing.get_context("spawn")
            self._executor = ProcessPoolExecutor(jobs, context, _begin, (self._prepare, self._work))

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:  # an interrupt, for which `__exit__` is not called yet
            self._end(at_once=True)
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._end(at_once=error[0] is not None)

    def run(self, work: Callable[[Batch], Result], batches: Iterable[Batch]) -> Iterator[Result]:
        """The results of *work* over *batches*, in their order. To be called once: the processes end with the last one."""
        if self._executor is None:
            yield from map(work, batches)
            return
        self._work.put(work)
        try:
            yield from self._in_order(batches, 2 * self._jobs)
        except (BrokenExecutor, WorkerLostError):
            self._kill()
            raise WorkerLostError from None
        self._executor.shutdown()

    def _start(self) -> None:
        if self._executor is None:
            return
        others = set(multiprocessing.active_children())
        try:
            with suppress(WorkerLostError):  # `run` finds the same
                for _ in range(self._jobs):  # each starts one more
                    self._started(_nothing)
        finally:
            self._processes = set(multiprocessing.active_children()) - others

    def _end(self, *, at_once: bool) -> None:
        if self._executor is None:
            return
        if at_once:
            self._kill()  # whatever they are at, nobody waits for it
        self._executor.shutdown()
        self._prepare.close()
        self._work.close()

    def _kill(self) -> None:
        """A pool that loses a process while it starts them leaves the rest waiting, and would itself wait for them at its end."""
        for process in self._processes:
            process.kill()

    def _in_order(self, batches: Iterable[Batch], most: int) -> Iterator[Result]:
        waiting: deque[Future[object]] = deque()
        for batch in batches:
            waiting.append(self._started(_call, batch))
            if len(waiting) >= most:
                yield waiting.popleft().result()  # type: ignore[misc]
        while waiting:
            yield waiting.popleft().result()  # type: ignore[misc]

    def _started(self, function: Callable[..., object], *arguments: object) -> Future[object]:
        """A call, handed over. Work is pickled elsewhere: what fails here is a pool that closes its pipes, for it has lost a worker
        at this very moment."""
        assert self._executor is not None
        try:
            return self._executor.submit(function, *arguments)
        except (BrokenExecutor, OSError, ValueError):
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
