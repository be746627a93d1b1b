"""Rows brought into the order of the subject's identifier, in flat memory: in runs on disk that are merged."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

from harmonize.profiles.assembly import RawRow

RUN_ROWS = 200_000
"""Rows that are sorted in memory at a time."""


def sorted_rows(rows: Iterator[RawRow], index: int, folder: Path) -> Iterator[RawRow]:
    """*rows* in the order of the subject's identifier, equal ones as they stand in the file, through runs on disk."""
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    runs: list[Path] = []
    buffer: list[RawRow] = []
    key: Callable[[RawRow], tuple[str, int]] = lambda row: (row.cells[index].strip(), row.number)  # noqa: E731
    for row in rows:
        buffer.append(row)
        if len(buffer) >= RUN_ROWS:
            runs.append(_write_run(sorted(buffer, key=key), folder / f"{len(runs):06}.ndjson"))
            buffer = []
    streams = [_read_run(path) for path in runs]
    yield from heapq.merge(*streams, sorted(buffer, key=key), key=key)
    for path in runs:
        path.unlink()


def _write_run(rows: list[RawRow], path: Path) -> Path:
    with path.open("wb") as file:
        file.writelines(orjson.dumps([row.number, list(row.cells)]) + b"\n" for row in rows)
    return path


def _read_run(path: Path) -> Iterator[RawRow]:
    with path.open("rb") as file:
        for line in file:
            number, cells = orjson.loads(line)
            yield RawRow(number, cells)
