"""Physical tables brought together subject by subject, in flat memory: what every reader of tables hands on.

A table that looks as if it stood in the order of the subjects is streamed as it is. Where a row proves the look wrong, the
reading is given up with `RowsOutOfOrder` and has to begin anew with that table sorted: what was made of it until then is not
right. `RowsOutOfOrder` is no error of the user's, so it has no message for anybody.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

from harmonize.extensions import extension
from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.input.log import ReadLog
from harmonize.input.row_order import Sorting, sorted_rows
from harmonize.profiles.assembly import BadRow, RawSubject
from harmonize.profiles.source_record import RawRow
from harmonize.profiles.specification import Assembly
from harmonize.terminology.patterns import compile_pattern, fits

_BLOCK_ROWS = 1_000
OrderKey = tuple[int, str]


class RowsOutOfOrder(Exception):  # noqa: N818 - a turn of the reading, not an error
    """A table that was streamed is not in the order of the subjects."""

    def __init__(self, table: str) -> None:
        super().__init__(table)
        self.table = table


def order_key(key: str, order: str) -> OrderKey:
    """What subjects are ordered by: whole numbers by length and digits, texts as they are.

    >>> sorted(["10", "9"], key=lambda key: order_key(key, "numeric")), sorted(["10", "9"], key=lambda key: order_key(key, "text"))
    (['9', '10'], ['10', '9'])
    """
    return (len(key), key) if order == "numeric" else (0, key)


class RowBlock(NamedTuple):
    """Rows of one table that follow one another, and for every column of it how many of their cells hold a value."""

    rows: list[RawRow]
    filled: Sequence[int]


@dataclass(frozen=True)
class PhysicalTable:
    """An opened physical table: its columns are known, its rows are read when they are asked for."""

    name: str
    file: str
    header: tuple[str, ...]
    subject_index: int
    """Index of the subject's identifier among the cells of a row."""
    in_order: bool
    """Whether the rows seem to stand in the order of the subjects, so that they can be streamed."""
    blocks: Callable[[], Iterator[RowBlock]]
    """The usable rows, some at a time; what cannot be used is said in the log meanwhile."""
    kept: tuple[int, ...]
    """Indexes of the columns whose cells the rows hold."""
    keys: tuple[int, ...] = ()
    """Indexes of the columns that number the rows of a subject: no two rows have the same texts there."""


class _Group(NamedTuple):
    """The rows of one table that follow one another with one key."""

    order: OrderKey
    table: int
    key: str
    rows: list[RawRow]


@dataclass
class TableSource:
    """The opened physical tables of one source."""

    assembly: Assembly
    tables: tuple[PhysicalTable, ...]
    work: Path
    log: ReadLog
    inputs: tuple[Path, ...]
    """The files that are read, for their digests and to see whether they change meanwhile."""
    memory: int | None = None
    """Bytes that sorting may take; None: a share of what the machine or the container has."""
    references: dict[str, Path] = field(default_factory=dict)
    """Tables that are looked up by key -> the file that they were brought into."""
    parts: tuple[str, ...] = ()
    """None: every table is a file."""
    headers: dict[str, tuple[str, ...]] = field(init=False)
    kept: dict[str, tuple[int, ...]] = field(init=False)
    held: dict[str, tuple[str, ...]] = field(init=False)
    """Physical table -> the columns whose cells its rows hold."""
    files: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.headers = {table.name: table.header for table in self.tables}
        self.kept = {table.name: table.kept for table in self.tables}
        self.held = {table.name: tuple(table.header[place] for place in table.kept) for table in self.tables}
        self.files = {table.name: table.file for table in self.tables}

    def subjects(self) -> Iterator[RawSubject]:
        """The subjects in the order of their identifiers, each with its rows by physical table.

        Raises RowsOutOfOrder where a table that is streamed is not in that order.
        """
        pattern = compile_pattern(self.assembly.subject_pattern) if self.assembly.subject_pattern else None
        streams = [self._groups(place) for place in range(len(self.tables))]
        heads = [group for stream in streams if (group := next(stream, None)) is not None]
        heapq.heapify(heads)
        names = [table.name for table in self.tables]
        while heads:
            order, _, key, _ = heads[0]
            rows: dict[str, list[RawRow]] = {}
            while heads and heads[0][0] == order:
                _, place, _, found = heads[0]
                if self.tables[place].keys:
                    found = list(self._new_rows(self.tables[place], found))
                if found:
                    rows[names[place]] = found
                following = next(streams[place], None)
                if following is None:
                    heapq.heappop(heads)
                else:
                    heapq.heapreplace(heads, following)
            if pattern is not None and not fits(pattern, key):
                self._reject_subject(rows)
            else:
                yield RawSubject(key, rows)

    def _new_rows(self, table: PhysicalTable, rows: Iterable[RawRow]) -> Iterator[RawRow]:
        """The rows that have no numbers that an earlier row of the subject has; one that has them is rejected."""
        seen: set[tuple[str, ...]] = set()
        for row in rows:
            key = tuple(row.cells[index].strip() for index in table.keys)
            numbered = key[-1] or not any(key)  # an instrument that repeats without numbers cannot be compared
            if numbered and key in seen:
                names = ", ".join(table.header[index] for index in table.keys)
                message = f"another row of the same subject has the same {names}"
                self._reject_row(
                    table, row, "source.duplicate-row", message, "keep one of the rows; is the export there twice?"
                )
                continue
            seen.add(key)
            yield row

    def _groups(self, place: int) -> Iterator[_Group]:
        """The rows of a table in groups of one subject. Rows that name no subject are rejected."""
        table = self.tables[place]
        index, order, blank = table.subject_index, self.assembly.subject_order, self.assembly.blank
        blocks = self._counted(table)
        if not table.in_order:
            blocks = sorted_rows(blocks, Sorting(index, order), self.work, table.name, self.memory)
        group, last = _Group((-1, ""), place, "", []), (-1, "")
        for block in blocks:
            for text, rows in runs_of(block, index):
                key = text.strip()
                if not key or key in blank:
                    for row in rows:
                        self._reject_row(
                            table, row, "source.no-subject-id", "the row names no subject", "fill the identifier"
                        )
                    continue
                if key == group.key:
                    group.rows.extend(rows)
                    continue
                if group.rows:
                    yield group
                group = _Group(order_key(key, order), place, key, rows)
                if group.order < last:
                    if not table.in_order:
                        raise RuntimeError(f"{table.name} was sorted and is not in order")  # and would be for ever
                    raise RowsOutOfOrder(table.name)
                last = group.order
        if group.rows:
            yield group

    def _counted(self, table: PhysicalTable) -> Iterator[list[RawRow]]:
        for rows, filled in table.blocks():
            self.log.count(table.file, table.header, len(rows), filled)
            yield rows

    def _reject_row(self, table: PhysicalTable, row: RawRow, rule: str, message: str, fix: str) -> None:
        cell = Cell(table.file, row.number, self.assembly.subject)
        finding = Finding(rule, Severity.ERROR, message, Outcome.REJECTED, cell=cell, fix=fix)
        self.log.reject_row(BadRow(table.name, row, finding, counted=True))

    def _reject_subject(self, rows: dict[str, list[RawRow]]) -> None:
        by_name = {table.name: table for table in self.tables}
        self.log.rejected_subjects += 1
        for name, bad in rows.items():
            for row in bad:
                message = "the subject's identifier is not of the form that the profile states"
                self._reject_row(by_name[name], row, "source.subject-id", message, "correct the identifier")


def runs_of(rows: list[RawRow], index: int) -> Iterable[tuple[str, list[RawRow]]]:
    """Rows that follow one another and hold the same text in the cell *index*, with that text."""
    cutting = extension("harmonize.input.row_cutting")
    if cutting is not None:
        made: list[tuple[str, list[RawRow]]] = cutting.runs(rows, index)
        return made
    return ((text, list(members)) for text, members in groupby(rows, key=lambda row: row.cells[index]))


def in_order(keys: Iterable[str], order: str) -> bool:
    """Whether *keys* ascend; empty ones do not count.

    >>> in_order(["a", "", "b", "b"], "text"), in_order(["9", "10"], "text"), in_order(["9", "10"], "numeric")
    (True, False, True)
    """
    last = (0, "")
    for key in keys:
        if key:
            if (here := order_key(key, order)) < last:
                return False
            last = here
    return True


def in_blocks(rows: Iterator[RawRow]) -> Iterator[list[RawRow]]:
    """*rows* some at a time."""
    while block := list(islice(rows, _BLOCK_ROWS)):
        yield block


def filled_cells(columns: Iterable[Sequence[str]], header: Sequence[str], assembly: Assembly) -> list[int]:
    """For every column how many of its cells hold a value. *columns* stand in the order of the *header*."""
    made = []
    for name, column in zip(header, columns, strict=True):
        filled = len(column) - column.count("")
        if filled:
            filled -= sum([column.count(text) for text in assembly.blank_texts(name) if text])
        made.append(filled)
    return made


def counted_block(rows: list[RawRow], header: Sequence[str], assembly: Assembly) -> RowBlock:
    """A block of rows, its cells counted."""
    if not rows:
        return RowBlock([], [0] * len(header))
    columns = zip(*(row.all_cells(assembly.delimiter) for row in rows), strict=True)
    return RowBlock(rows, filled_cells(columns, header, assembly))
