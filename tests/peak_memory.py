"""Peak memory of this process alone: `ru_maxrss` would carry over that of the process that started it."""

from __future__ import annotations

from pathlib import Path


def peak_kilobytes() -> int:
    """The high-water mark of resident memory (VmHWM, Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
