"""What is said of the rows and cells behind one source record, where they are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from harmonize.checks.catalogue import rule
from harmonize.findings import Cell, Finding, Outcome
from harmonize.input.log import ReadLog
from harmonize.input.subjects import TableSource
from harmonize.profiles.assembly import Assembled, Assembler, BadRow, RawSubject
from harmonize.profiles.branching import HiddenFields
from harmonize.profiles.notes import Feed, SubjectLog
from harmonize.profiles.plan import Plan
from harmonize.profiles.specification import TableAssembly


class RowFindings:
    """Finds what became of rows and cells of the subjects of one source."""

    def __init__(self, plan: Plan, source: TableSource, assembler: Assembler) -> None:
        self.plan, self.source, self.assembler = plan, source, assembler
        columns = {name for header in source.headers.values() for name in header}
        self.hidden = HiddenFields(plan.profile, columns)
        self._specs = {
            source.files[physical]: specs
            for physical, specs in plan.profile.assembly.physical_tables().items()
            if physical in source.files
        }

    def of(self, raw: RawSubject, assembled: Assembled, log: SubjectLog, subject: str) -> Iterator[Finding]:
        """The findings on the rows of *raw*, of which *assembled* and, with *log*, a hub record was made."""
        for bad in assembled.rejected:
            yield replace(bad.finding, subject=subject)
        for bad_cell in assembled.bad_cells:
            yield replace(bad_cell.finding, subject=subject)
        for finding in assembled.said:
            yield replace(finding, subject=subject)
        for cell, reason in assembled.left_out:
            yield _of_cell("mapping.left-out", Outcome.DROPPED, subject, cell, reason)
        for cell in self.hidden.cells(assembled.record):
            yield _of_cell("source.hidden-field", Outcome.CARRIED, subject, cell)
        for cell in self._unplaced(raw, log):
            message = "the value fits none of the places that the map has for this column"
            yield _of_cell("mapping.no-place", Outcome.DROPPED, subject, cell, message)

    def _unplaced(self, raw: RawSubject, log: SubjectLog) -> Iterator[Cell]:
        """Filled cells that made nothing anywhere and of which nothing was said."""
        names: dict[tuple[str, int | None], tuple[str, ...]] = {}
        for table, row, kinds in self.assembler.kinds(raw):
            names[self.source.files[table], row.number] = kinds
        for cell, feeds in log.exceptional_cells().items():
            specs = self._specs[cell.file]
            if (cell.file, cell.row) in names:
                specs = tuple(spec for spec in specs if spec.name in names[cell.file, cell.row])
            known = [feed for spec in specs for feed in self._feeds(spec, cell.column or "")]
            if all(feed in feeds for feed in known) and not any(feeds[feed][1] for feed in known):
                yield cell

    def _feeds(self, spec: TableAssembly, column: str) -> Iterator[Feed]:
        """The hub slots that *column* of a table may flow into."""
        profile, fed_by, slot = self.plan.profile, self.plan.fed_by, spec.slot_of(column)
        if column == profile.assembly.subject:
            yield from fed_by.get((profile.source.root, column), ())
        yield from fed_by.get((spec.row_class, slot), ())
        if spec.group is not None and slot in spec.group.lift:
            yield from fed_by.get((spec.group.row_class, slot), ())


def _of_cell(rule_id: str, outcome: Outcome, subject: str, cell: Cell, message: str | None = None) -> Finding:
    known = rule(rule_id)
    return Finding(known.id, known.severity, message or known.title, outcome, subject, cell, fix=known.fix)


def without_subject(log: ReadLog) -> list[Finding]:
    """What *log* says of tables, of rows that name no subject, and of single cells."""
    rows = [bad.finding for bad in log.rejected if bad.finding.rule != "source.subject-id"]
    return [*log.findings, *rows, *(finding for _, finding in log.rejected_cells)]


def refused_identifiers(log: ReadLog, source: TableSource) -> Iterator[list[Finding]]:
    """For every subject whose identifier is not of the profile's form: the findings on its rows."""
    index = {table.name: table.subject_index for table in source.tables}
    bad_rows: Sequence[BadRow] = [bad for bad in log.rejected if bad.finding.rule == "source.subject-id"]
    for _, rows in groupby(bad_rows, key=lambda bad: bad.row.cells[index[bad.table]].strip()):
        yield [bad.finding for bad in rows]
