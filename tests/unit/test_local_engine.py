"""The pool of processes does not wait for ever, whenever it is that one of them dies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
