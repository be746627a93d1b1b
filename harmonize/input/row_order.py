"""Rows brought into the order of the subjects, out of core: DuckDB sorts them and spills to the run's private folder.

What is sorted is the cells as our own reading of the file gave them, so that the grammar of the format, the numbers of the
rows and what is said of bad ones do not depend on whether a table had to be sorted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from harmonize.input.database import sorting_session
from harmonize.profiles.source_record import RawRow

_FETCH_ROWS = 1_000
_LEAST_LINE = 2_000_000
"""What DuckDB takes for the longest line by itself."""
_COLUMNS = {"k": "VARCHAR", "n": "BIGINT", "cells": "VARCHAR"}


class Sorting(NamedTuple):
    """How rows are sorted: the place of the identifier among their cells, and its order (`order_key`: `text` or `numeric`)."""

    place: int
    order: str


def sorted_rows(
    blocks: Iterable[Sequence[RawRow]], sorting: Sorting, folder: Path, name: str, memory: int | None = None
) -> Iterator[list[RawRow]]:
    """The rows of *blocks* in the order of the subjects, equal ones as they stand in the file.

    *folder* is a private folder in which the file *name* and DuckDB's own are written, *memory* the bytes that DuckDB may take.
    """
    path = unsorted_file(folder, name)
    longest = _write(blocks, sorting.place, path)
    for rows in sorted_lines(path, sorting.order, folder, memory, longest):
        yield [RawRow(number, *orjson.loads(cells)) for number, cells in rows]
    path.unlink()


def unsorted_file(folder: Path, name: str) -> Path:
    """The file *name* in the private *folder*, for lines (`line_of`) that are to be sorted."""
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    return folder / f"{name}.unsorted.tsv"


def line_of(key: str, number: int, document: bytes) -> bytes:
    """A line to be sorted: the identifier in hexadecimal digits, so that no character of it is a delimiter; number; JSON.

    There are eight digits a character, so that texts are as long, and in the order, as Python has them.
    """
    return b"%s\t%d\t%s\n" % (key.encode("utf-32-be", "surrogatepass").hex().encode(), number, document)


def sorted_lines(
    path: Path, order: str, folder: Path, memory: int | None, longest: int
) -> Iterator[list[tuple[int, str]]]:
    """(number, JSON) of the lines of *path* in the order of the identifiers, those of one identifier by number.

    *longest* is the length of the longest line: DuckDB reads in pieces that are a multiple of it, which must fit into the memory.
    """
    keys = "length(k), k, n" if order == "numeric" else "k, n"  # of hexadecimal digits: the same order
    with sorting_session(folder, memory) as session:
        columns = ", ".join(f"'{column}': '{kind}'" for column, kind in _COLUMNS.items())
        found = session.execute(
            f"SELECT n, cells FROM read_csv(?, columns={{{columns}}}, delim='\t', quote='', escape='', header=false, "  # noqa: S608
            f"auto_detect=false, max_line_size={max(longest, _LEAST_LINE) + 1}) ORDER BY {keys}",
            [str(path)],
        )
        while rows := found.fetchmany(_FETCH_ROWS):
            yield rows


def _write(blocks: Iterable[Sequence[RawRow]], index: int, path: Path) -> int:
    """One line a row; the length of the longest."""
    longest = 0
    with path.open("wb") as file:
        for block in blocks:
            lines = [
                line_of(cells[index].strip(), number, orjson.dumps([cells, whole])) for number, cells, whole in block
            ]
            longest = max(longest, max(map(len, lines), default=0))
            file.writelines(lines)
    return longest
