"""Source objects: the rows of one subject, as plain dicts that remember where every value stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from harmonize.findings import Cell, file_of


class Table(NamedTuple):
    """A physical table: its file as findings name it, and the column of every slot of its row class."""

    name: str
    file: str
    columns: Mapping[str, str]
    files: tuple[str, ...] = ()
    """The files of elements, by the index that is part of a row's number; empty: `file` is the only one."""

    def cell(self, number: int, column: str | None) -> Cell:
        """The cell of *column* in the row *number*."""
        return Cell(self.files[file_of(number)] if self.files else self.file, number, column)


class RawRow(NamedTuple):
    """A physical row: its number in the file, and as text the cells of the columns that the profile needs.

    `whole` holds all cells, or the line that they stand in where no cell of it is quoted; None where `cells` are all.
    """

    number: int
    cells: Sequence[str]
    whole: Sequence[str] | str | None = None

    def all_cells(self, delimiter: str) -> Sequence[str]:
        """The cells of all columns."""
        if self.whole is None:
            return self.cells
        return self.whole.split(delimiter) if isinstance(self.whole, str) else self.whole


class SourceObject(dict[str, Any]):
    """An object of the source record.

    A row knows its `table` and row `number`; an object that several rows share (the subject, a group of rows with one
    event id) knows the rows as `members`. Blank values are absent keys.
    """

    __slots__ = ("members", "number", "table")
    table: Table | None
    number: int
    members: list[SourceObject] | None

    def cells(self, slot: str) -> Iterator[Cell]:
        """The cells that hold *slot* of this object."""
        found: list[Cell] = []
        self.add_cells(slot, found)
        return iter(found)

    def add_cells(self, slot: str, found: list[Cell]) -> None:
        """Add the cells that hold *slot* of this object to those *found*."""
        if self.table is not None:
            column = self.table.columns.get(slot)
            if column is not None:
                found.append(self.table.cell(self.number, column))
        if self.members is not None:
            for member in self.members:
                if slot in member:
                    member.add_cells(slot, found)


def row_object(values: dict[str, Any], table: Table | None, number: int) -> SourceObject:
    """A source object for one row of *table*."""
    made = SourceObject(values)
    made.table, made.number, made.members = table, number, None
    return made


def shared_object(values: dict[str, Any], members: list[SourceObject] | None) -> SourceObject:
    """A source object that *members* share."""
    made = SourceObject(values)
    made.table, made.number, made.members = None, 0, members
    return made


def source_object(value: Any) -> Any:
    """Plain JSON turned into source objects without rows, for records that a caller holds in memory.

    >>> source_object({"diagnosis": [{"code": "ORPHA:558"}]})["diagnosis"][0].table is None
    True
    """
    if isinstance(value, dict):
        return shared_object({key: source_object(item) for key, item in value.items() if item not in (None, "")}, None)
    if isinstance(value, list):
        return [source_object(item) for item in value]
    return value


Rows = dict[str, list[int]]
"""File -> row numbers."""


def rows_of(source: Any) -> Rows:
    """The rows that a source object stands for: its own, those it is made of, those joined to it."""
    rows: dict[str, set[int]] = {}
    if source.__class__ is SourceObject:
        _add_rows(source, rows)
    return {file: sorted(numbers) for file, numbers in rows.items()}


def _add_rows(source: SourceObject, rows: dict[str, set[int]]) -> None:
    table, number = source.table, source.number
    if table is not None:
        file = table.files[file_of(number)] if table.files else table.file
        if file in rows:
            rows[file].add(number)
        else:
            rows[file] = {number}
    for member in source.members or ():
        _add_rows(member, rows)
    for value in source.values():
        if value.__class__ is SourceObject:
            _add_rows(value, rows)
        elif value.__class__ is list and table is not None:  # of an object that rows share, the lists hold its members
            for row in value:
                if row.__class__ is SourceObject:
                    _add_rows(row, rows)


def plain(value: Any) -> Any:
    """The source record as plain dicts, as linkml-map wants it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def cells_at(source: SourceObject, paths: Iterable[tuple[str, ...]]) -> list[Cell]:
    """The cells that *paths* of slot names reach from *source*; lists on the way are followed item by item."""
    found: list[Cell] = []
    for path in paths:
        held = source.get(path[0])
        if held is not None:  # of dozens of paths few are stated
            _add_cells_at(source, path, held, found)
    return found


def _add_cells_at(source: SourceObject, path: tuple[str, ...], held: Any, found: list[Cell]) -> None:
    """Add the cells that *path* reaches from *source*, which holds *held* in its first slot."""
    if len(path) == 1:
        source.add_cells(path[0], found)
        return
    for item in held if isinstance(held, list) else (held,):
        if isinstance(item, SourceObject) and (inner := item.get(path[1])) is not None:
            _add_cells_at(item, path[1:], inner, found)
