"""The pool of processes is ready before its work is, and does not wait for ever, whenever it is that one of them dies."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from harmonize.engines.local import Pool

RUN = """
import multiprocessing, sys
from multiprocessing import resource_tracker
from harmonize.engines.local import Pool, WorkerLostError

class Work:
    def __init__(self, size):
        self.held = b"x" * size

    def __call__(self, batch):
        return len(batch)

if __name__ == "__main__":
    resource_tracker.ensure_running()  # it is a process too, and not one of those that die
    multiprocessing.get_context("spawn").set_executable(sys.argv[1])
    try:
        with Pool(jobs=2) as pool:
            list(pool.run(Work(int(sys.argv[2])), [b"x" * 100_000] * 500))
    except WorkerLostError as error:
        print(error)
"""
DIES = """#!/bin/sh
if mkdir {folder}/first 2>/dev/null; then sleep {seconds}; kill -9 $$; fi
exec {python} "$@"
"""


@pytest.mark.parametrize("seconds", [0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1])
def test_the_first_process_dies_while_the_others_start(tmp_path: Path, seconds: float) -> None:
    interpreter = tmp_path / "python"
    interpreter.write_text(DIES.format(folder=tmp_path, seconds=seconds, python=sys.executable))
    assert "a worker process was killed" in _said(tmp_path, interpreter, 1)


def test_no_process_reads_work_that_is_longer_than_a_pipe_holds(tmp_path: Path) -> None:
    """As where the limit of memory is under what Python needs to start: 64 KiB go into a pipe, and the writer would wait."""
    interpreter = tmp_path / "python"
    interpreter.write_text("#!/bin/sh\nexit 1\n")
    assert "a worker process was killed" in _said(tmp_path, interpreter, 1_000_000)


def _said(folder: Path, interpreter: Path, size: int) -> str:
    interpreter.chmod(0o755)
    script = folder / "run.py"
    script.write_text(RUN)
    call = [sys.executable, str(script), str(interpreter), str(size)]
    return subprocess.run(call, capture_output=True, text=True, timeout=60, check=True).stdout


def _prepared(folder: Path) -> None:
    (folder / str(os.getpid())).touch()


def _fails() -> None:
    raise OSError("nothing to be prepared")


def _waits(folder: Path) -> None:
    time.sleep(30)
    _prepared(folder)


def test_processes_are_prepared_before_there_is_work(tmp_path: Path) -> None:
    with Pool(2, partial(_prepared, tmp_path)) as pool:
        for _ in range(600):
            if len(list(tmp_path.iterdir())) == 2:
                break
            time.sleep(0.1)
        prepared = {path.name for path in tmp_path.iterdir()}
        assert prepared == {str(child.pid) for child in multiprocessing.active_children()} and len(prepared) == 2
        assert list(pool.run(len, ["a", "bc", ""])) == [1, 2, 0]
        assert not multiprocessing.active_children()  # what comes after the last batch needs the memory


def test_what_cannot_be_prepared_is_left_to_the_work() -> None:
    with Pool(2, _fails) as pool:
        assert list(pool.run(len, ["a", "bc"])) == [1, 2]


def test_processes_end_with_an_error_whatever_they_are_at(tmp_path: Path) -> None:
    with pytest.raises(KeyError), Pool(2, partial(_waits, tmp_path)):
        raise KeyError
    assert not multiprocessing.active_children() and not list(tmp_path.iterdir())


def test_a_process_of_somebody_else_goes_on(tmp_path: Path) -> None:
    other = multiprocessing.get_context("spawn").Process(target=_waits, args=(tmp_path,))
    with pytest.raises(KeyError), Pool(2):
        other.start()
        raise KeyError
    assert multiprocessing.active_children() == [other]
    other.kill()
    other.join()
