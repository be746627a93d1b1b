"""Physical tables brought together subject by subject, in flat memory: what every reader of tables hands on."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.input.log import ReadLog
from harmonize.input.row_order import sorted_rows
from harmonize.profiles.assembly import BadRow, RawRow, RawSubject
from harmonize.profiles.specification import Assembly
from harmonize.terminology.patterns import compile_pattern, fits


@dataclass(frozen=True)
class PhysicalTable:
    """An opened physical table: its columns are known, its rows are read when they are asked for."""

    name: str
    file: str
    header: tuple[str, ...]
    subject_index: int
    in_order: bool
    """Whether the rows stand in the order of the subject's identifier, so that they can be streamed."""
    rows: Callable[[], Iterator[RawRow]]
    keys: tuple[int, ...] = ()
    """Indexes of the columns that number the rows of a subject: no two rows have the same texts there."""


@dataclass
class TableSource:
    """The opened physical tables of one source."""

    assembly: Assembly
    tables: tuple[PhysicalTable, ...]
    work: Path
    log: ReadLog
    digests: dict[str, str]
    headers: dict[str, tuple[str, ...]] = field(init=False)
    files: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.headers = {table.name: table.header for table in self.tables}
        self.files = {table.name: table.file for table in self.tables}

    def subjects(self) -> Iterator[RawSubject]:
        """The subjects in the order of their identifiers, each with its rows by physical table."""
        pattern = compile_pattern(self.assembly.subject_pattern) if self.assembly.subject_pattern else None
        merged = heapq.merge(*(self._keyed(order) for order in range(len(self.tables))), key=itemgetter(0, 1))
        for key, entries in groupby(merged, key=itemgetter(0)):
            rows: dict[str, list[RawRow]] = {}
            seen: set[tuple[str, ...]] = set()
            for _, order, name, row in entries:
                if not self.tables[order].keys or self._is_new(self.tables[order], row, seen):
                    rows.setdefault(name, []).append(row)
            if pattern is not None and not fits(pattern, key):
                self._reject_subject(rows)
                continue
            yield RawSubject(key, rows)

    def _is_new(self, table: PhysicalTable, row: RawRow, seen: set[tuple[str, ...]]) -> bool:
        """Whether no row of the subject that was *seen* has the numbers of *row*; one that has is rejected."""
        key = (table.name, *(row.cells[index].strip() for index in table.keys))
        numbered = key[-1] or not any(key[1:])  # an instrument that repeats without numbers cannot be compared
        if numbered and key in seen:
            names = ", ".join(table.header[index] for index in table.keys)
            message = f"another row of the same subject has the same {names}"
            self._reject_row(
                table, row, "source.duplicate-row", message, "keep one of the rows; is the export there twice?"
            )
            return False
        seen.add(key)
        return True

    def _keyed(self, order: int) -> Iterator[tuple[str, int, str, RawRow]]:
        table = self.tables[order]
        index, rows = table.subject_index, table.rows()
        if not table.in_order:
            rows = sorted_rows(rows, index, self.work / f"{table.name}.runs")
        for row in rows:
            key = row.cells[index].strip()
            if key and key not in self.assembly.blank:
                yield key, order, table.name, row
            else:
                self._reject_row(table, row, "source.no-subject-id", "the row names no subject", "fill the identifier")

    def _reject_row(self, table: PhysicalTable, row: RawRow, rule: str, message: str, fix: str) -> None:
        cell = Cell(table.file, row.number, table.header[table.subject_index])
        finding = Finding(rule, Severity.ERROR, message, Outcome.REJECTED, cell=cell, fix=fix)
        self.log.rejected.append(BadRow(table.name, row, finding))

    def _reject_subject(self, rows: dict[str, list[RawRow]]) -> None:
        by_name = {table.name: table for table in self.tables}
        self.log.rejected_subjects += 1
        for name, bad in rows.items():
            for row in bad:
                message = "the subject's identifier is not of the form that the profile states"
                self._reject_row(by_name[name], row, "source.subject-id", message, "correct the identifier")


def in_order(keys: Iterator[str]) -> bool:
    """Whether *keys* ascend; empty ones do not count.

    >>> in_order(iter(["a", "", "b", "b"])), in_order(iter(["10", "9", "1"]))
    (True, False)
    """
    last, ascends = "", True
    for key in keys:  # read to the end: the pass is also the one that checks the file
        if key:
            ascends = ascends and key >= last
            last = key
    return ascends
