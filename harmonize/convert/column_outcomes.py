"""Which hub slots a column of the source flows into, and what becomes of its values by the declarations of the targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from harmonize.convert.engine import Engine
from harmonize.findings import Cell, Outcome, best_outcome
from harmonize.profiles.assembly import Assembled, Assembler, RawSubject
from harmonize.profiles.notes import Feed
from harmonize.profiles.plan import Plan
from harmonize.profiles.specification import Profile
from harmonize.profiles.tree_assembly import TreeAssembler
from harmonize.writers import support_of

_Unusual = tuple[int, str, Mapping[str, Outcome]]
"""(index of a column, its name, target -> outcome of its values in the rows of certain tables)."""


class SharedRows(NamedTuple):
    """What a subject's rows are of that several tables of the profile are made of."""

    tables: Mapping[tuple[str, int | None], tuple[str, ...]]
    """(file, row) -> the tables that select it."""
    unusual: Mapping[Cell, Mapping[str, Outcome]]
    """Cells in rows of tables that do something else with the column than the column's other tables: target -> outcome."""


NOTHING_SHARED = SharedRows({}, {})


class ColumnOutcomes:
    """Of every column of one input the hub slots that it may flow into, and what usually becomes of its values in each target."""

    def __init__(self, engine: Engine, headers: Mapping[str, Sequence[str]], files: Mapping[str, str]) -> None:
        self._engine, self._headers, self._files = engine, headers, files
        self._names = _names(headers, files)
        self._together = next(iter(self._names), "")
        self._feeds_of_tables = _feeds_of_tables(engine.plan, headers, files)
        self.feeds_by_column = _columns(self._feeds_of_tables, headers, files)
        self.usual = _usual_outcomes(engine, self.feeds_by_column)
        """(target, `file/column`) -> outcome of a value of which nothing else is said."""
        self._unusual: dict[tuple[str, ...], tuple[_Unusual, ...]] = {}
        self._declared: dict[tuple[str, str, tuple[str, ...] | None], tuple[tuple[Feed, Outcome], ...]] = {}

    def column_of(self, cell: Cell) -> str:
        """`file/column` under which *cell* is accounted for: many documents of one format are accounted for together."""
        file = cell.file if cell.file in self._names else self._together
        return self._names[file].get(cell.column) or f"{file}/{cell.column}"

    def declared(self, target: str, column: str, tables: tuple[str, ...] | None) -> tuple[tuple[Feed, Outcome], ...]:
        """The feeds of *column*, as `feeds` gives them, each with the outcome that *target* declares for it."""
        key = (target, column, tables)
        known = self._declared.get(key)
        if known is None:
            declaration = self._engine.writers[target].declaration
            feeds = self.feeds(column, tables)
            known = self._declared[key] = tuple((feed, support_of(declaration, feed).outcome) for feed in feeds)
        return known

    def feeds(self, column: str, tables: Sequence[str] | None) -> tuple[Feed, ...]:
        """The feeds of *column*, in rows of *tables* where those share their rows with others."""
        if tables is None:
            return self.feeds_by_column[column]
        return tuple(dict.fromkeys(feed for name in tables for feed in self._feeds_of_tables[name].get(column, ())))

    def shared_rows(self, raw: RawSubject, assembled: Assembled, assembler: Assembler | TreeAssembler) -> SharedRows:
        """What tables the rows are of that several tables share, and the cells whose outcome is not that of their column."""
        if not assembler.sharing:
            return NOTHING_SHARED
        tables: dict[tuple[str, int | None], tuple[str, ...]] = {}
        unusual: dict[Cell, Mapping[str, Outcome]] = {}
        rejected = {id(bad.row) for bad in assembled.rejected}
        lost = {bad.cell for bad in assembled.bad_cells} | {cell for cell, _ in assembled.left_out}
        for physical, row, names in assembler.kinds(raw):
            if id(row) in rejected:
                continue
            file = self._files[physical]
            tables[(file, row.number)] = names
            for index, column, outcomes in self._unusual_columns(physical, names):
                cell = Cell(file, row.number, column)
                if row.cells[index] not in assembler.blank_texts(column) and cell not in lost:
                    unusual[cell] = outcomes
        return SharedRows(tables, unusual)

    def _unusual_columns(self, physical: str, names: tuple[str, ...]) -> tuple[_Unusual, ...]:
        """The columns that have other outcomes in rows of the tables *names* than in most rows."""
        known = self._unusual.get((physical, *names))
        if known is None:
            made = []
            specs = [spec for spec in self._engine.profile.assembly.tables if spec.name in names]
            selecting = {s.column for spec in specs for s in (*spec.where, *spec.unless)}  # it made the row what it is
            for index, name in enumerate(self._headers[physical]):
                if name in selecting:
                    continue
                column = f"{self._files[physical]}/{name}"
                feeds = self.feeds(column, names)
                outcomes = {target: self._usual(target, feeds) for target in self._engine.writers}
                differ = {t: o for t, o in outcomes.items() if o is not self.usual[(t, column)]}
                if differ:
                    made.append((index, name, differ))
            known = self._unusual[(physical, *names)] = tuple(made)
        return known

    def _usual(self, target: str, feeds: Sequence[Feed]) -> Outcome:
        declaration = self._engine.writers[target].declaration
        outcomes = [support_of(declaration, feed).outcome for feed in feeds]
        return best_outcome(outcomes) if outcomes else Outcome.DROPPED  # left out


def _names(headers: Mapping[str, Sequence[str]], files: Mapping[str, str]) -> dict[str, dict[str | None, str]]:
    """File -> column -> `file/column`."""
    names: dict[str, dict[str | None, str]] = {file: {} for file in files.values()}
    for table, header in headers.items():
        names[files[table]].update((column, f"{files[table]}/{column}") for column in header)
    return names


def _feeds_of_tables(
    plan: Plan, headers: Mapping[str, Sequence[str]], files: Mapping[str, str]
) -> dict[str, dict[str, tuple[Feed, ...]]]:
    """Table -> `file/column` -> feeds. The subject's identifier feeds the subject's id in every table."""
    profile = plan.profile
    root_feeds = plan.fed_by.get((profile.source.root, profile.assembly.subject), ())
    result: dict[str, dict[str, tuple[Feed, ...]]] = {}
    for spec in profile.assembly.tables:
        made = result[spec.name] = {}
        for name in headers.get(spec.rows_of, ()):
            feeds = root_feeds if name == profile.assembly.subject or name in spec.identifiers else ()
            slot = spec.slot_of(name)
            feeds += plan.fed_by.get((spec.row_class, slot), ())
            for lent, heir in spec.lent:
                feeds += plan.fed_by.get((heir, lent), ()) if lent == slot else ()
            if spec.group is not None and slot in spec.group.lift:
                feeds += plan.fed_by.get((spec.group.row_class, slot), ())
            made[f"{files[spec.rows_of]}/{name}"] = feeds
    return result


def _columns(
    of_tables: Mapping[str, Mapping[str, tuple[Feed, ...]]],
    headers: Mapping[str, Sequence[str]],
    files: Mapping[str, str],
) -> dict[str, tuple[Feed, ...]]:
    """`file/column` -> the feeds of all tables."""
    result: dict[str, tuple[Feed, ...]] = {}
    for feeds_of in of_tables.values():
        for column, feeds in feeds_of.items():
            result[column] = tuple(dict.fromkeys((*result.get(column, ()), *feeds)))
    for table, header in headers.items():  # of elements that no table reads
        for name in header:
            result.setdefault(f"{files[table]}/{name}", ())
    return result


def left_out_reason(profile: Profile, files: Mapping[str, str], file: str, column: str) -> str | None:
    """Why *column* of *file* is not carried, or None where the profile does not know it."""
    reason = profile.left_out_column(column)
    if reason is not None:
        return reason
    for physical, specs in profile.assembly.physical_tables().items():
        if files.get(physical) == file:
            for spec in specs:
                slot = spec.slot_of(column)
                reason = profile.left_out_reason(spec.row_class, slot)
                if slot in profile.source.classes[spec.row_class] and reason:
                    return reason
                if any(selection.column == column for selection in (*spec.where, *spec.unless)):
                    return "The column says which table of the profile a row belongs to."
    return None


def _usual_outcomes(engine: Engine, columns: Mapping[str, tuple[Feed, ...]]) -> dict[tuple[str, str], Outcome]:
    return {
        (target, column): best_outcome(support_of(writer.declaration, feed).outcome for feed in feeds)
        if feeds
        else Outcome.DROPPED
        for target, writer in engine.writers.items()
        for column, feeds in columns.items()
    }
