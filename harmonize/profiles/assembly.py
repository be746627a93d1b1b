"""`assemble`: how the rows of one subject become ONE source record.

The vocabulary is small and closed (profile.schema.json): tables, selections of the rows of a physical table, in-subject
joins, groups of rows that share a key, tables that hold one row a subject. It works on text cells and knows no physical
format. A *physical table* is what a file holds; a table of the profile is one, or selects rows and columns of one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import NamedTuple

from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.profiles.row_layout import RowLayout
from harmonize.profiles.source_record import RawRow, SourceObject, Table, row_object, shared_object
from harmonize.profiles.specification import Group, Join, Profile, TableAssembly


class RawSubject(NamedTuple):
    """All physical rows of one subject, by physical table in the order of the file, and its identifier in the source."""

    key: str
    rows: Mapping[str, Sequence[RawRow]]


class BadRow(NamedTuple):
    """A row of the physical table *table* that could not be used, and why."""

    table: str
    row: RawRow
    finding: Finding
    counted: bool = False
    """Whether the row was counted among those that have the shape of the header."""


class BadCell(NamedTuple):
    """A cell that could not be used, and why."""

    cell: Cell
    finding: Finding


class Assembled(NamedTuple):
    """The source record of one subject, and the rows and cells that did not get into it."""

    record: SourceObject
    rejected: tuple[BadRow, ...]
    bad_cells: tuple[BadCell, ...]
    left_out: tuple[tuple[Cell, str], ...]
    """Cells whose text says nothing by the profile, and why."""
    said: tuple[Finding, ...] = ()
    """What is said of rows that got into it all the same."""
    replaced: tuple[tuple[Finding, tuple[Cell, ...]], ...] = ()
    """What is said of rows that newer ones replace, each with all cells that are not carried for it."""


@dataclass(frozen=True)
class _TablePlan:
    spec: TableAssembly
    table: Table
    cells: tuple[tuple[str, int, frozenset[str]], ...]
    """(slot, index of its column, texts that are no value there) of the columns that the record needs."""
    where: tuple[tuple[int, frozenset[str]], ...]
    unless: tuple[tuple[int, frozenset[str]], ...]
    """(index of a column, texts without blanks around them) of the selections; an absent column is blank everywhere and has index -1."""
    shared: bool
    """Whether other tables are made of the same rows."""
    says_nothing: Mapping[str, Mapping[str, str]]
    """Slot -> text that says nothing by the profile -> why."""

    def selects(self, cells: Sequence[str], blank: frozenset[str]) -> bool:
        """Whether a row of the physical table is one of this table's."""
        return all(_text(cells, i, blank) in texts for i, texts in self.where) and not any(
            _text(cells, i, blank) in texts for i, texts in self.unless
        )


class Assembler:
    """Turns raw subjects into source records. Made for one set of headers; picklable."""

    def __init__(
        self,
        profile: Profile,
        headers: Mapping[str, Sequence[str]],
        files: Mapping[str, str],
        layouts: Mapping[str, RowLayout] | None = None,
    ) -> None:
        """*headers* gives the column names of every table that is there, *files* its file as findings name it.

        Rows of tables that have *layouts* enter the record as they are, with the name of their table.
        """
        self.layouts = layouts or {}
        self.subject = profile.assembly.subject
        self.blank = frozenset(profile.assembly.blank)
        self._assembly = profile.assembly
        self._blank_texts: dict[str, frozenset[str]] = {}
        shared = {name for name, tables in profile.assembly.physical_tables().items() if len(tables) > 1}
        self.plans = {
            spec.name: _table_plan(spec, headers[spec.rows_of], files[spec.rows_of], profile, spec.rows_of in shared)
            for spec in profile.assembly.tables
            if spec.rows_of in headers and spec.name not in self.layouts
        }
        self.selective = {
            name: tuple(self.plans[t.name] for t in tables)
            for name, tables in profile.assembly.physical_tables().items()
            if name in headers and any(t.where or t.unless for t in tables)
        }
        """Physical tables of which some table selects: a row that none selects is of a kind that nobody knows."""
        self.sharing = {
            name: tuple(self.plans[t.name] for t in profile.assembly.physical_tables()[name])
            for name in sorted(shared & set(headers))
        }
        """Physical tables of which several tables are made."""
        self._strays: dict[tuple[str, ...], tuple[tuple[int, str], ...]] = {}

    def blank_texts(self, column: str) -> frozenset[str]:
        """The texts that are no value in *column*."""
        known = self._blank_texts.get(column)
        if known is None:
            known = self._blank_texts[column] = self._assembly.blank_texts(column)
        return known

    def assemble(self, raw: RawSubject) -> Assembled:
        """The source record of *raw*."""
        rejected = [bad for name in self.selective if name in raw.rows for bad in self._unselected(name, raw)]
        bad_cells = {
            bad.cell: bad for name in self.selective if name in raw.rows for bad in self._stray_cells(name, raw)
        }
        surplus: dict[Cell, BadCell] = {}
        said: dict[Cell | None, Finding] = {}
        left_out: dict[Cell, str] = {}
        rows = {
            name: self._row_objects(plan, raw.rows[plan.spec.rows_of], left_out)
            for name, plan in self.plans.items()
            if raw.rows.get(plan.spec.rows_of)
        }
        members = [row for table in rows.values() for row in table]
        record = shared_object({self.subject: raw.key}, members)
        for name, layout in self.layouts.items():
            if found := raw.rows.get(name):
                record.setdefault(layout.spec.slot, []).append((name, found))
        for name, made in rows.items():
            plan, remaining = self.plans[name], made
            if plan.spec.join:
                held_by = (row for into in plan.spec.join.into for row in rows.get(into, []))
                partners = _by_key(held_by, plan.spec.join.on.values())
                said.update((finding.cell, finding) for finding in _doubled_keys(plan.spec.join, partners))
                remaining = _join(plan, remaining, partners, raw, rejected, surplus)
            if plan.spec.group:
                remaining = _group(plan.spec, remaining, bad_cells)
            if not remaining:
                continue
            if plan.spec.repeats:
                record.setdefault(plan.spec.slot, []).extend(remaining)
            else:
                record[plan.spec.slot] = remaining[0]
                for extra in remaining[1:]:
                    _surplus_row(plan, remaining[0], extra, raw, rejected, surplus)
        if surplus or left_out:  # what another table of the same rows holds is not lost
            held = frozenset(_cells_in(record)) if self.sharing else frozenset()
            bad_cells.update((cell, bad) for cell, bad in surplus.items() if cell not in held)
            left_out = {c: reason for c, reason in left_out.items() if c not in held and c not in bad_cells}
        return Assembled(
            record, tuple(rejected), tuple(bad_cells.values()), tuple(left_out.items()), tuple(said.values())
        )

    def kinds(self, raw: RawSubject) -> Iterator[tuple[str, RawRow, tuple[str, ...]]]:
        """(physical table, row, names of the tables that are made of it), for tables that share rows."""
        for physical, plans in self.sharing.items():
            for row in raw.rows.get(physical, ()):
                yield physical, row, tuple(p.spec.name for p in plans if p.selects(row.cells, self.blank))

    def _row_objects(self, plan: _TablePlan, rows: Sequence[RawRow], left_out: dict[Cell, str]) -> list[SourceObject]:
        table, places = plan.table, plan.cells
        if plan.where or plan.unless:
            rows = [row for row in rows if plan.selects(row.cells, self.blank)]
        if plan.shared or plan.says_nothing:
            return self._filled_objects(plan, rows, left_out)
        return [
            row_object({s: v for s, i, blank in places if (v := cells[i]) not in blank}, table, number)
            for number, cells, _ in rows
        ]

    def _filled_objects(
        self, plan: _TablePlan, rows: Sequence[RawRow], left_out: dict[Cell, str]
    ) -> list[SourceObject]:
        """The objects of rows that several tables share: a row that fills nothing of this one makes no object."""
        made = []
        for number, cells, _ in rows:
            values = {s: v for s, i, blank in plan.cells if (v := cells[i]) not in blank}
            row = row_object(values, plan.table, number)
            for slot, texts in plan.says_nothing.items():
                reason = texts.get(values.get(slot, ""))
                if reason is not None:
                    left_out.update((cell, reason) for cell in row.cells(slot))
                    del row[slot]
            if not plan.shared or row.keys() - {self.subject}:
                made.append(row)
        return made

    def _unselected(self, physical: str, raw: RawSubject) -> Iterator[BadRow]:
        plans = self.selective[physical]
        for row in raw.rows[physical]:
            if not any(plan.selects(row.cells, self.blank) for plan in plans):
                cell = Cell(plans[0].table.file, row.number, None)
                message = "the row is of a kind that no table of the profile selects"
                fix = "add a table with its `where` to profile.yaml, or leave such rows out of the export"
                yield BadRow(
                    physical,
                    row,
                    Finding(
                        "source.unknown-kind-of-row", Severity.ERROR, message, Outcome.REJECTED, cell=cell, fix=fix
                    ),
                )

    def _stray_cells(self, physical: str, raw: RawSubject) -> Iterator[BadCell]:
        """Filled cells of columns that some table reads, in rows of which no selecting table reads them."""
        plans = self.selective[physical]
        for row in raw.rows[physical]:
            names = tuple(plan.spec.name for plan in plans if plan.selects(row.cells, self.blank))
            strays = self._strays.get(names) if names else ()
            if strays is None:
                read = {
                    (i, plan.table.columns[slot]) for plan in plans for slot, i, _ in plan.cells if slot != self.subject
                }
                taken = {
                    (i, self.plans[name].table.columns[slot]) for name in names for slot, i, _ in self.plans[name].cells
                }
                strays = self._strays[names] = tuple(sorted(read - taken))
            for index, column in strays:
                if row.cells[index] not in self.blank_texts(column):
                    yield _stray_cell(Cell(plans[0].table.file, row.number, column))


def _cells_in(value: SourceObject) -> Iterator[Cell]:
    """The cells whose values stand in the source object *value*."""
    for slot, item in value.items():
        if isinstance(item, str):
            if value.table is not None:
                yield from value.cells(slot)
            continue
        for inner in item if isinstance(item, list) else [item]:
            if isinstance(inner, SourceObject):  # rows that are read by index are of tables that share nothing
                yield from _cells_in(inner)


def _stray_cell(cell: Cell) -> BadCell:
    message = "the row is not of the kind that this column belongs to, so the value has no place"
    fix = "correct the row, or let a table of the profile read the column there"
    return BadCell(cell, Finding("mapping.no-place", Severity.WARNING, message, Outcome.DROPPED, cell=cell, fix=fix))


def _text(cells: Sequence[str], index: int, blank: frozenset[str]) -> str:
    text = cells[index].strip() if index >= 0 else ""
    return "" if text in blank else text


def _table_plan(spec: TableAssembly, header: Sequence[str], file: str, profile: Profile, shared: bool) -> _TablePlan:
    slots = profile.source.text_slots(spec.row_class)
    index = {spec.slot_of(name): position for position, name in enumerate(header)}
    needed = needed_slots(profile, spec)
    cells = tuple(
        (slot, index[slot], profile.assembly.blank_texts(header[index[slot]]))
        for slot in slots
        if slot in index and slot in needed
    )
    columns = {name: position for position, name in enumerate(header)}
    where, unless = (
        tuple((columns.get(column, -1), frozenset(map(str.strip, texts))) for column, texts in selections)
        for selections in (spec.where, spec.unless)
    )
    table = Table(spec.rows_of, file, {slot: header[position] for slot, position, _ in cells})
    return _TablePlan(spec, table, cells, where, unless, shared, profile.left_out_values(spec.row_class))


def needed_slots(profile: Profile, spec: TableAssembly) -> frozenset[str]:
    """The slots of the row class that the record of a table needs: those that are mapped, and those that bring rows together.

    A class with branching logic, and rows that several tables share, need all: what is asked there is asked of any field.
    """
    slots = profile.source.text_slots(spec.row_class)
    asked = any(slot.branching for slot in profile.source.classes[spec.row_class].values())
    tables = profile.assembly.tables
    if asked or any(other.rows_of == spec.rows_of and other is not spec for other in tables):
        return frozenset(slots)
    needed = {name for owner, name in profile.mapped_slots() if owner == spec.row_class}
    needed |= {selection.column for selection in (*spec.where, *spec.unless)}
    if spec.group is not None:
        needed |= {*spec.group.by, *spec.group.lift}
    for other in tables:
        if other.join is not None and other is spec:
            needed |= {*other.join.on, *((other.join.when,) if other.join.when else ())}
        if other.join is not None and spec.name in other.join.into:
            needed |= set(other.join.on.values())
    return frozenset(needed & set(slots))


def kept_columns(profile: Profile, spec: TableAssembly, header: Sequence[str]) -> tuple[int, ...]:
    """Indexes of the columns of a physical table that the record needs; all of them where several tables share the rows."""
    sharing = [table for table in profile.assembly.tables if table.rows_of == spec.rows_of]
    if len(sharing) > 1:
        return tuple(range(len(header)))
    needed = needed_slots(profile, spec)
    subject = profile.assembly.subject
    selecting = {selection.column for selection in (*spec.where, *spec.unless)}
    return tuple(
        index
        for index, name in enumerate(header)
        if name == subject or name in selecting or spec.slot_of(name) in needed
    )


def _raw_row(physical: str, row: SourceObject, raw: RawSubject) -> RawRow:
    rows = raw.rows[physical]
    return rows[bisect_left(rows, row.number, key=attrgetter("number"))]


def _bad_row(plan: _TablePlan, row: SourceObject, raw: RawSubject, rule: str, message: str, fix: str) -> BadRow:
    cell = Cell(plan.table.file, row.number, None)
    finding = Finding(rule, Severity.ERROR, message, Outcome.REJECTED, cell=cell, fix=fix)
    return BadRow(plan.spec.rows_of, _raw_row(plan.spec.rows_of, row, raw), finding)


def _set_aside(
    plan: _TablePlan, row: SourceObject, bad: BadRow, rejected: list[BadRow], surplus: dict[Cell, BadCell]
) -> None:
    """A row that has no place. Of a row that other tables share only the cells are rejected."""
    if not plan.shared:
        rejected.append(bad)
        return
    for slot in row:
        surplus.update((cell, BadCell(cell, replace(bad.finding, cell=cell))) for cell in row.cells(slot))


_Key = tuple[str | None, ...]


def _key(row: SourceObject, slots: Iterable[str]) -> _Key | None:
    """What *row* holds in *slots*, without the blanks around it; None where it holds nothing there."""
    key = tuple((row.get(slot) or "").strip() or None for slot in slots)
    return key if any(key) else None


def _by_key(rows: Iterable[SourceObject], slots: Iterable[str]) -> dict[_Key, list[SourceObject]]:
    """*rows* by what they hold in *slots*; of a row that several tables are made of the first object alone."""
    made: dict[_Key, dict[Cell, SourceObject]] = {}
    for row in rows:
        key = _key(row, slots)
        if key is not None and row.table is not None:
            made.setdefault(key, {}).setdefault(Cell(row.table.file, row.number, None), row)
    return {key: list(found.values()) for key, found in made.items()}


def _doubled_keys(join: Join, partners: Mapping[_Key, list[SourceObject]]) -> Iterator[Finding]:
    """What is said of rows that have the key of an earlier row, so that no row can be joined to either."""
    for first, *others in partners.values():
        for row in others:
            assert row.table is not None
            columns = [row.table.columns.get(slot, slot) for slot in join.on.values()]
            message = f"the {' and '.join(columns)} of row {first.number} of the same subject; no row can name either"
            cell = Cell(row.table.file, row.number, columns[0])
            fix = "give every row a key of its own, or keep one of the rows"
            yield Finding("source.duplicate-key", Severity.WARNING, message, cell=cell, fix=fix)


def _join(
    plan: _TablePlan,
    rows: list[SourceObject],
    partners: Mapping[_Key, list[SourceObject]],
    raw: RawSubject,
    rejected: list[BadRow],
    surplus: dict[Cell, BadCell],
) -> list[SourceObject]:
    """Put each row into its partner; the rows that stay are returned. A row that should join one row and cannot is set aside."""
    join = plan.spec.join
    assert join is not None
    staying = []
    for row in rows:
        if join.when is not None and join.when not in row:
            staying.append(row)
            continue
        key = _key(row, join.on)
        found = partners.get(key, []) if key is not None else []
        if len(found) == 1 and join.repeats:
            found[0].setdefault(join.slot, []).append(row)
        elif len(found) == 1 and join.slot not in found[0]:
            found[0][join.slot] = row
        else:
            bad = _bad_row(plan, row, raw, *_why_not_joined(join, len(found)))
            _set_aside(plan, row, bad, rejected, surplus)
    return staying


def _why_not_joined(join: Join, partners: int) -> tuple[str, str, str]:
    """(rule, message, how to mend it) of a row that names so many rows, and is not joined to one."""
    keys = " and ".join(join.on)
    if partners == 0:
        message = f"no row of {join.told} of the same subject has this {keys}"
        return "source.orphan-row", message, f"correct {keys}, or add the row to {join.told}"
    if partners == 1:
        return "source.duplicate-row", f"a second row for the same row of {join.told}", "keep one row"
    message = f"{partners} rows of {join.told} of the same subject have this {keys}: which one is meant is not known"
    return "source.ambiguous-row", message, f"give every row of {join.told} a key of its own"


def _group(spec: TableAssembly, rows: list[SourceObject], bad_cells: dict[Cell, BadCell]) -> list[SourceObject]:
    """Rows that share the keys become one object, without keys all rows; lifted slots move up where all agree."""
    group = spec.group
    assert group is not None
    groups: dict[tuple[str | None, ...], list[SourceObject]] = {}
    for position, row in enumerate(rows):
        key = tuple(row.get(slot) for slot in group.by)
        groups.setdefault((*key, str(position)) if None in key else key, []).append(row)
    return [_group_object(members, group, bad_cells) for members in groups.values()]


def _group_object(members: list[SourceObject], group: Group, bad_cells: dict[Cell, BadCell]) -> SourceObject:
    made = shared_object({group.rows: members}, members)
    for slot in group.lift:
        values = {row[slot] for row in members if slot in row}
        if len(values) == 1:
            made[slot] = values.pop()
        elif values:
            bad_cells.update((cell, _contradiction(cell, slot, group)) for cell in made.cells(slot))
    return made


def _contradiction(cell: Cell, slot: str, group: Group) -> BadCell:
    told = f"rows with the same {' and '.join(group.by)}" if group.by else "rows of one subject"
    message = f"{told} contradict one another in {slot}; none of them is used"
    fix = f"correct {slot}, or give the rows keys of their own"
    return BadCell(
        cell, Finding("source.group-conflict", Severity.ERROR, message, Outcome.REJECTED, cell=cell, fix=fix)
    )


def _surplus_row(
    plan: _TablePlan,
    first: SourceObject,
    extra: SourceObject,
    raw: RawSubject,
    rejected: list[BadRow],
    surplus: dict[Cell, BadCell],
) -> None:
    """A second row where the table holds one a subject."""
    what = "repeats" if dict(first) == dict(extra) else "contradicts"
    message = f"{plan.spec.name} holds one row a subject; this row {what} row {first.number}, which is used"
    bad = _bad_row(plan, extra, raw, "source.duplicate-subject", message, "keep one row a subject")
    _set_aside(plan, extra, bad, rejected, surplus)
