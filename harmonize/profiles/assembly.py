"""`assemble`: how the rows of one subject become ONE source record.

The vocabulary is small and closed (profile.schema.json): tables, in-subject joins, groups of rows that share a key,
tables that hold one row a subject. It works on text cells and knows no physical format.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harmonize.errors import SpecificationError, UnknownNameError
from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.profiles.source_record import SourceObject, Table, row_object, shared_object
from harmonize.profiles.specification import Group, Profile, SourceSchema, TableAssembly


class RawRow(NamedTuple):
    """A physical row: its number in the file and its cells as text."""

    number: int
    cells: Sequence[str]


class RawSubject(NamedTuple):
    """All physical rows of one subject, by table, and the subject's identifier in the source."""

    key: str
    rows: Mapping[str, Sequence[RawRow]]


class BadRow(NamedTuple):
    """A row that could not be used, and why."""

    table: str
    row: RawRow
    finding: Finding


class BadCell(NamedTuple):
    """A cell that could not be used, and why."""

    cell: Cell
    finding: Finding


class Assembled(NamedTuple):
    """The source record of one subject, and the rows and cells that did not get into it."""

    record: SourceObject
    rejected: tuple[BadRow, ...]
    bad_cells: tuple[BadCell, ...]


@dataclass(frozen=True)
class _TablePlan:
    spec: TableAssembly
    table: Table
    pairs: tuple[tuple[str, int], ...]
    """(slot, index of its column) of the columns that the record needs."""


class Assembler:
    """Turns raw subjects into source records. Made for one set of headers; picklable."""

    def __init__(self, profile: Profile, headers: Mapping[str, Sequence[str]], files: Mapping[str, str]) -> None:
        """*headers* gives the column names of every table that is there, *files* its file as findings name it."""
        self.subject = profile.assembly.subject
        self.blank = frozenset(profile.assembly.blank)
        self.plans = {
            spec.name: _table_plan(spec, headers[spec.name], files[spec.name], profile.source)
            for spec in profile.assembly.tables
            if spec.name in headers
        }

    def assemble(self, raw: RawSubject) -> Assembled:
        """The source record of *raw*."""
        rejected: list[BadRow] = []
        bad_cells: list[BadCell] = []
        rows = {name: self._row_objects(self.plans[name], raw.rows[name]) for name in raw.rows if raw.rows[name]}
        members = [row for table in rows.values() for row in table]
        record = shared_object({self.subject: raw.key}, members)
        for name in rows:
            plan = self.plans[name]
            remaining = rows[name]
            if plan.spec.join:
                remaining = _join(plan, remaining, rows.get(plan.spec.join.into, []), raw, rejected)
            if plan.spec.group:
                remaining = _group(plan.spec, remaining, bad_cells)
            if not remaining:
                continue
            if plan.spec.repeats:
                record.setdefault(plan.spec.slot, []).extend(remaining)
            else:
                record[plan.spec.slot] = remaining[0]
                rejected += [_second_row(plan, remaining[0], extra, raw) for extra in remaining[1:]]
        return Assembled(record, tuple(rejected), tuple(bad_cells))

    def _row_objects(self, plan: _TablePlan, rows: Sequence[RawRow]) -> list[SourceObject]:
        pairs, table, blank = plan.pairs, plan.table, self.blank
        if blank:
            return [
                row_object({s: v for s, i in pairs if (v := cells[i]) and v not in blank}, table, number)
                for number, cells in rows
            ]
        return [row_object({s: v for s, i in pairs if (v := cells[i])}, table, number) for number, cells in rows]


def _table_plan(spec: TableAssembly, header: Sequence[str], file: str, source: SourceSchema) -> _TablePlan:
    slots = source.classes[spec.row_class]
    index = {spec.slot_of(name): position for position, name in enumerate(header)}
    pairs = tuple((slot, index[slot]) for slot in slots if slot in index)
    return _TablePlan(spec, Table(spec.name, file, {slot: header[position] for slot, position in pairs}), pairs)


def _raw_row(table: str, row: SourceObject, raw: RawSubject) -> RawRow:
    return next(r for r in raw.rows[table] if r.number == row.number)


def _bad_row(plan: _TablePlan, row: SourceObject, raw: RawSubject, rule: str, message: str, fix: str) -> BadRow:
    cell = Cell(plan.table.file, row.number, None)
    finding = Finding(rule, Severity.ERROR, message, Outcome.REJECTED, cell=cell, fix=fix)
    return BadRow(plan.spec.name, _raw_row(plan.spec.name, row, raw), finding)


def _join(
    plan: _TablePlan, rows: list[SourceObject], partners: list[SourceObject], raw: RawSubject, rejected: list[BadRow]
) -> list[SourceObject]:
    """Put each row into its partner; the rows that stay are returned. A row that should join and cannot is an orphan."""
    join = plan.spec.join
    assert join is not None
    index: dict[tuple[str | None, ...], SourceObject] = {}
    for partner in partners:
        index.setdefault(tuple(partner.get(slot) for slot in join.on.values()), partner)
    staying = []
    for row in rows:
        if join.when is not None and join.when not in row:
            staying.append(row)
            continue
        partner_found = index.get(tuple(row.get(slot) for slot in join.on))
        if partner_found is None:
            keys = " and ".join(join.on)
            message = f"no row of {join.into} of the same subject has this {keys}"
            rejected.append(
                _bad_row(plan, row, raw, "source.orphan-row", message, f"correct {keys}, or add the row to {join.into}")
            )
        elif join.slot in partner_found:
            message = f"a second row for the same row of {join.into}"
            rejected.append(_bad_row(plan, row, raw, "source.duplicate-row", message, "keep one row"))
        else:
            partner_found[join.slot] = row
    return staying


def _group(spec: TableAssembly, rows: list[SourceObject], bad_cells: list[BadCell]) -> list[SourceObject]:
    """Rows that share the keys become one object; lifted slots move up where all rows that have them agree."""
    group = spec.group
    assert group is not None
    groups: dict[tuple[str | None, ...], list[SourceObject]] = {}
    for position, row in enumerate(rows):
        key = tuple(row.get(slot) for slot in group.by)
        groups.setdefault(key if None not in key else (*key, str(position)), []).append(row)
    return [_group_object(members, group, bad_cells) for members in groups.values()]


def _group_object(members: list[SourceObject], group: Group, bad_cells: list[BadCell]) -> SourceObject:
    made = shared_object({group.rows: members}, members)
    for slot in group.lift:
        values = {row[slot] for row in members if slot in row}
        if len(values) == 1:
            made[slot] = values.pop()
        elif values:
            bad_cells += [_contradiction(cell, slot, group) for cell in made.cells(slot)]
    return made


def _contradiction(cell: Cell, slot: str, group: Group) -> BadCell:
    message = f"rows with the same {' and '.join(group.by)} contradict one another in {slot}; none of them is used"
    fix = f"correct {slot}, or give the rows keys of their own"
    return BadCell(
        cell, Finding("source.group-conflict", Severity.ERROR, message, Outcome.REJECTED, cell=cell, fix=fix)
    )


def _second_row(plan: _TablePlan, first: SourceObject, extra: SourceObject, raw: RawSubject) -> BadRow:
    same = dict(first) == dict(extra)
    what = "repeats" if same else "contradicts"
    message = f"{plan.spec.name} holds one row a subject; this row {what} row {first.number}, which is used"
    return _bad_row(plan, extra, raw, "source.duplicate-subject", message, "keep one row a subject")


def check_assembly(profile: Profile) -> list[str]:
    """What of `assemble` does not fit `source.yaml`, one sentence each."""
    problems = []
    classes, root = profile.source.classes, profile.source.root
    names = {table.name for table in profile.assembly.tables}
    if profile.assembly.subject not in classes[root]:
        problems.append(f"assemble.subject: {root} has no slot {profile.assembly.subject!r}")
    for table in profile.assembly.tables:
        where = f"assemble.tables.{table.name}"
        if table.row_class not in classes:
            problems.append(f"{where}: {UnknownNameError('source class', table.row_class, classes)}")
            continue
        wanted = table.group.row_class if table.group else table.row_class
        slot = classes[root].get(table.slot)
        if slot is None or slot.range != wanted or slot.multivalued != table.repeats:
            problems.append(
                f"{where}: slot {table.slot!r} of {root} must take {'many' if table.repeats else 'one'} {wanted}"
            )
        unknown = sorted(set(table.columns.values()) - set(classes[table.row_class]))
        problems += [f"{where}.columns: {table.row_class} has no slot {slot!r}" for slot in unknown]
        if table.join:
            problems += _check_join(where, table, profile, names)
        if table.group:
            inner = classes.get(table.group.row_class, {}).get(table.group.rows)
            if inner is None or inner.range != table.row_class or not inner.multivalued:
                problems.append(
                    f"{where}.group: {table.group.row_class}.{table.group.rows} must take many {table.row_class}"
                )
    return problems


def _check_join(where: str, table: TableAssembly, profile: Profile, names: set[str]) -> list[str]:
    join, classes = table.join, profile.source.classes
    assert join is not None
    if join.into not in names:
        return [f"{where}.join: {UnknownNameError('table', join.into, names)}"]
    partner = next(t for t in profile.assembly.tables if t.name == join.into).row_class
    problems = []
    slot = classes[partner].get(join.slot)
    if slot is None or slot.range != table.row_class or slot.multivalued:
        problems.append(f"{where}.join: {partner}.{join.slot} must take one {table.row_class}")
    problems += [
        f"{where}.join: {table.row_class} has no slot {s!r}" for s in join.on if s not in classes[table.row_class]
    ]
    problems += [f"{where}.join: {partner} has no slot {s!r}" for s in join.on.values() if s not in classes[partner]]
    return problems


def require_assembly(profile: Profile) -> None:
    """Raise SpecificationError where `check_assembly` finds anything."""
    problems = check_assembly(profile)
    if problems:
        raise SpecificationError("; ".join(problems), file=str(profile.folder / "profile.yaml"))
