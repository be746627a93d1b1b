"""Counts that add up: the cells of one or several tables, and which of them is the sum of which.

One form serves all groups of numbers of a report: an item's states add up to the records, a table has margins, two tables share a
margin, a report and the one before it share what persists. Cells are the same cell where they have the same key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from harmonize.errors import CallError

CellKey = tuple[str, ...]
"""The name of a cell, as `("site A", "missing")`. It is shown: no value of a patient may stand in it."""

TOTAL = "*"
"""Stands in a key where all are meant."""


class Sum(NamedTuple):
    """*total* is the sum of *parts*."""

    total: CellKey
    parts: tuple[CellKey, ...]


@dataclass(frozen=True, slots=True)
class CountTable:
    """Counts by cell, and the sums that everybody knows to hold among them.

    `impossible`: cells that are known to be zero, whatever the data (no pregnancies of men): they are shown and tell nothing.
    `published`: cells whose number is already known, from an earlier report: they can no more be suppressed.
    `withheld`: cells that an earlier report suppressed: they stay so.

    Raises CallError where a count is negative, a sum does not hold or is a part of itself, or a key is not there.
    """

    counts: Mapping[CellKey, int]
    sums: tuple[Sum, ...] = ()
    impossible: frozenset[CellKey] = field(default_factory=frozenset)
    published: frozenset[CellKey] = field(default_factory=frozenset)
    withheld: frozenset[CellKey] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        for key, count in self.counts.items():
            if count < 0:
                raise _wrong(key, "is negative")
        for one in self.sums:
            self._check(one)
        for key in (*self.impossible, *self.published, *self.withheld):
            if key not in self.counts:
                raise _wrong(key, "is not in the table")
        for key in self.impossible:
            if self.counts[key]:
                raise _wrong(key, "is said to be impossible and is not zero")
        for key in self.withheld & (self.published | self.impossible):
            raise _wrong(key, "is said to be withheld and known")
        nesting(self)

    def _check(self, one: Sum) -> None:
        if not one.parts or len(set(one.parts)) != len(one.parts):
            raise _wrong(one.total, "is a sum of nothing, or of one cell twice")
        for key in (one.total, *one.parts):
            if key not in self.counts:
                raise _wrong(key, "is in a sum and not in the table")
        if self.counts[one.total] != sum(self.counts[part] for part in one.parts):
            raise _wrong(one.total, "is not the sum of its parts")


def _wrong(key: CellKey, what: str) -> CallError:
    return CallError(f"the count of {' / '.join(key)} {what}. To mend it: give the counts as they were counted")


def nesting(table: CountTable) -> dict[CellKey, int]:
    """How many cells stand in each cell and below it: 1 where it is no total. Raises CallError where sums go round in a circle."""
    below: dict[CellKey, list[tuple[CellKey, ...]]] = {}
    for one in table.sums:
        below.setdefault(one.total, []).append(one.parts)
    known: dict[CellKey, int] = {}
    open_cells: set[CellKey] = set()

    for key in table.counts:
        stack = [key]
        while stack:
            cell = stack[-1]
            missing = [part for parts in below.get(cell, ()) for part in parts if part not in known]
            if cell not in known and missing:
                if cell in open_cells:
                    raise _wrong(cell, "is part of itself")
                open_cells.add(cell)
                stack.extend(missing)
                continue
            stack.pop()
            open_cells.discard(cell)
            known[cell] = 1 + max((sum(known[part] for part in parts) for parts in below.get(cell, ())), default=0)
    return known


def one_way(name: CellKey, counts: Mapping[str, int], *, total: CellKey | None = None) -> CountTable:
    """A list of counts and its total, which is the cell *total*: tables that share it are linked.

    >>> one_way(("sex",), {"filled": 7, "missing": 2}, total=("records",)).counts
    {('records',): 9, ('sex', 'filled'): 7, ('sex', 'missing'): 2}
    """
    total = (*name, TOTAL) if total is None else total
    cells = {(*name, word): count for word, count in counts.items()}
    return CountTable({total: sum(counts.values()), **cells}, (Sum(total, tuple(cells)),))


def two_way(name: CellKey, rows: Mapping[str, Mapping[str, int]]) -> CountTable:
    """A table with the totals of its rows and columns and its grand total; a cell that a row does not name is 0.

    >>> table = two_way((), {"A": {"filled": 7, "missing": 2}, "B": {"filled": 1, "missing": 0}})
    >>> table.counts[("*", "filled")], table.counts[("A", "*")], table.counts[("*", "*")]
    (8, 9, 10)
    """
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    cells = {(*name, row, column): counts.get(column, 0) for row, counts in rows.items() for column in columns}
    grand = (*name, TOTAL, TOTAL)
    row_totals = {(*name, row, TOTAL): tuple((*name, row, column) for column in columns) for row in rows}
    column_totals = {(*name, TOTAL, column): tuple((*name, row, column) for row in rows) for column in columns}
    margins = {**row_totals, **column_totals}
    counts = {**cells, **{key: sum(cells[part] for part in parts) for key, parts in margins.items()}}
    counts[grand] = sum(cells.values())
    sums = [Sum(key, parts) for key, parts in margins.items()]
    return CountTable(counts, (*sums, Sum(grand, tuple(row_totals)), Sum(grand, tuple(column_totals))))


def compared(name: CellKey, *, persisting: int, resolved: int, appeared: int) -> CountTable:
    """A count before and after, which share what persists: before = persisting + resolved, after = persisting + appeared.

    >>> compared(("terms.obsolete",), persisting=40, resolved=2, appeared=0).counts[("terms.obsolete", "before")]
    42
    """
    parts = {"persisting": persisting, "resolved": resolved, "appeared": appeared}
    cells = {(*name, word): count for word, count in parts.items()}
    sums = (
        Sum((*name, "before"), ((*name, "persisting"), (*name, "resolved"))),
        Sum((*name, "after"), ((*name, "persisting"), (*name, "appeared"))),
    )
    return CountTable({**cells, **{one.total: sum(cells[part] for part in one.parts) for one in sums}}, sums)


def linked(tables: Iterable[CountTable]) -> CountTable:
    """*tables* as one: cells with the same key are the same. Raises CallError where they have different counts.

    >>> records = ("records",)
    >>> both = linked([one_way((item,), {"filled": 7, "missing": 2}, total=records) for item in ("sex", "birth")])
    >>> len(both.counts), len(both.sums)
    (5, 2)
    """
    counts: dict[CellKey, int] = {}
    several = list(tables)
    for table in several:
        for key, count in table.counts.items():
            if counts.setdefault(key, count) != count:
                raise _wrong(key, "is not the same in two tables")
    return CountTable(
        counts,
        tuple(dict.fromkeys(one for table in several for one in table.sums)),
        frozenset[CellKey]().union(*(table.impossible for table in several)),
        frozenset[CellKey]().union(*(table.published for table in several)),
        frozenset[CellKey]().union(*(table.withheld for table in several)),
    )
