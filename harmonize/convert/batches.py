"""Subjects on the way to a worker: a batch of them, the same as bytes for another process, and the columns that rows hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from harmonize.extensions import extension
from harmonize.input.element_rows import ElementRows, element_layout
from harmonize.profiles.assembly import RawSubject
from harmonize.profiles.source_record import RawRow


@dataclass
class Batch:
    """Raw subjects for a worker; `skip` tells that they are past `--limit` and are only counted."""

    subjects: list[RawSubject]
    skip: bool = False

    def packed(self) -> PackedBatch:
        """The batch as bytes for another process."""
        if self.subjects and isinstance(self.subjects[0].rows, ElementRows):
            return PackedBatch(b"\n".join(map(_line_of_documents, self.subjects)), self.skip, are_elements=True)
        subjects = [
            [
                raw.key,
                {
                    table: [[n, cells if whole is None else whole] for n, cells, whole in rows]
                    for table, rows in raw.rows.items()
                },
            ]
            for raw in self.subjects
        ]
        return PackedBatch(orjson.dumps(subjects), self.skip)


class PackedBatch(NamedTuple):
    """A batch as bytes: of every row the line or all cells, from which the process that converts it takes what it needs.

    Of elements of XML it holds the documents as the reader set them aside: a line for each subject, tabs between its identifier and them.
    """

    subjects: bytes
    skip: bool
    are_elements: bool = False

    def unpacked(self, columns: TableColumns) -> Batch:
        """The batch again."""
        if self.are_elements:
            lines = (line.split(b"\t") for line in self.subjects.split(b"\n"))
            read = [
                RawSubject(orjson.loads(key), ElementRows(documents, columns.elements)) for key, *documents in lines
            ]
            return Batch(read, self.skip)
        subjects = [
            RawSubject(key, {table: columns.rows(table, rows) for table, rows in tables.items()})
            for key, tables in orjson.loads(self.subjects)
        ]
        return Batch(subjects, self.skip)


def _line_of_documents(raw: RawSubject) -> bytes:
    assert isinstance(raw.rows, ElementRows)
    return b"\t".join((orjson.dumps(raw.key), *raw.rows.documents))


class TableColumns:
    """The columns of the physical tables: all of them, and those whose cells the rows hold."""

    def __init__(self, headers: Mapping[str, Sequence[str]], kept: Mapping[str, Sequence[int]], delimiter: str) -> None:
        self.headers = {name: tuple(header) for name, header in headers.items()}
        self.elements = element_layout(self.headers)
        self.kept = {name: tuple(indexes) for name, indexes in kept.items()}
        self.delimiter = delimiter
        self._getters = {name: _getter(indexes) for name, indexes in self.kept.items()}
        self._texts: Any = None
        """Cells that were met lately, of the compiled extension; every process has its own."""

    def held(self) -> dict[str, tuple[str, ...]]:
        """The names of the columns whose cells the rows hold, by table."""
        return {name: tuple(header[index] for index in self.kept[name]) for name, header in self.headers.items()}

    def rows(self, table: str, rows: list[tuple[int, Sequence[str] | str]]) -> list[RawRow]:
        """The rows of *table* from their numbers and their lines or all of their cells."""
        kept, delimiter = self._getters[table], self.delimiter

        def row(number: int, whole: Sequence[str] | str) -> RawRow:
            return RawRow(number, kept(whole.split(delimiter) if whole.__class__ is str else whole), whole)

        compiled = extension("harmonize.input.row_cutting")
        if compiled is None:
            return [row(number, whole) for number, whole in rows]
        if self._texts is None:
            self._texts = compiled.CellTexts()
        made: list[RawRow] = compiled.rows_of_lines(rows, delimiter, self.kept[table], self._texts, RawRow, row)
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_texts": None}


def _getter(indexes: Sequence[int]) -> Callable[[Any], Sequence[str]]:
    """What takes the cells at *indexes* out of a row."""
    if len(indexes) == 1:
        return _first_of(indexes[0])
    return itemgetter(*indexes) if indexes else _no_cells


def _no_cells(_: Sequence[str]) -> Sequence[str]:
    """The cells of an element that has none, only others in it."""
    return ()


class _first_of:  # noqa: N801 - a function that pickles
    """What takes one cell out of a row, as a row of one cell."""

    def __init__(self, index: int) -> None:
        self.index = index

    def __call__(self, cells: Sequence[str]) -> Sequence[str]:
        return (cells[self.index],)
