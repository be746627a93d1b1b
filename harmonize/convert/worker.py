"""What is done with a batch of subjects: assemble, derive, write, judge, and account for every cell.

Whatever becomes of a value is counted here, once per target: a cell flows by its feeds into hub slots; a feed may be
exceptional (a note of the profile, a loss of a writer); the best of a cell's feeds is the cell's outcome.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from harmonize.checks.catalogue import rule
from harmonize.checks.violations import Violation
from harmonize.convert.batch_result import BatchResult, FinishedBatch
from harmonize.convert.batches import Batch, PackedBatch, TableColumns
from harmonize.convert.column_outcomes import NOTHING_SHARED, ColumnOutcomes, SharedRows
from harmonize.convert.consent import ConsentAnswer, consent_answer
from harmonize.convert.engine import Engine, Settings
from harmonize.convert.lineage_lines import LineageLines
from harmonize.findings import (
    Cell,
    Finding,
    Outcome,
    Severity,
    best_outcome,
)
from harmonize.hub.objects import HubObject
from harmonize.profiles.assembly import Assembled, Assembler, BadRow, RawSubject
from harmonize.profiles.branching import HiddenFields
from harmonize.profiles.notes import Feed, SubjectLog
from harmonize.profiles.source_record import RawRow
from harmonize.profiles.tree_assembly import TreeAssembler
from harmonize.safe_messages import safe_message
from harmonize.writers import Loss, TargetLog

_HELD = (None, Outcome.CARRIED, Outcome.COARSENED)
"""What is said of a value that a target held so far; None: nothing."""
TOGETHER = 40
"""Subjects that take each step one after the other, before they take the next one: the code of a step, and what it asks for each
of them, stay near in the processor, and so do the few records between two steps."""


def preload(settings: Settings) -> None:
    """Load what a worker needs that depends on no input: the code, the profile and its terminologies. They are kept by their modules."""
    Engine(settings)


class _Derived(NamedTuple):
    """A subject with its hub record: what it was made of, what the plan said, and what it says of the reuse of its data."""

    raw: RawSubject
    assembled: Assembled
    log: SubjectLog
    record: HubObject
    answer: ConsentAnswer
    is_withheld: bool
    shared: SharedRows
    exceptional: Mapping[Cell, Mapping[Feed, tuple[Outcome, bool]]]


class Worker:
    """Converts batches of raw subjects. Pickles as settings and headers; compiles in the process that first uses it."""

    def __init__(
        self,
        settings: Settings,
        columns: TableColumns,
        files: Mapping[str, str],
        references: Mapping[str, Path] | None = None,
        parts: Sequence[str] = (),
    ) -> None:
        """*files* names the file under which a table is accounted for; *parts* are the documents of XML, which are many."""
        self.settings, self.table_columns, self.files = settings, columns, dict(files)
        self.parts = tuple(parts)
        self.headers = columns.headers
        self.references = dict(references or {})
        self._engine: Engine | None = None

    def __getstate__(self) -> dict[str, Any]:
        made_here = ("settings", "table_columns", "headers", "files", "references", "parts")
        return {**{name: self.__dict__[name] for name in made_here}, "_engine": None}

    @property
    def engine(self) -> Engine:
        """The compiled plan and writers of this process."""
        if self._engine is None:
            self._engine = Engine(self.settings, self.references, self.table_columns.held(), self.files)
            self._hidden = HiddenFields(
                self._engine.profile, {name for header in self.headers.values() for name in header}
            )
            self._assembler = self._new_assembler(self._engine)
            self._columns = ColumnOutcomes(self._engine, self.headers, self.files)
            self._lines = LineageLines(self._engine.layouts, self.files, self.parts)
            tables = self._engine.profile.assembly.tables
            self._of_every_subject = [t.rows_of for t in tables if t.of_every_subject and t.rows_of in self.headers]
        return self._engine

    def _new_assembler(self, engine: Engine) -> Assembler | TreeAssembler:
        if engine.profile.assembly.xml is not None:
            return TreeAssembler(engine.profile, self.headers, self.parts)
        return Assembler(engine.profile, self.table_columns.held(), self.files, engine.layouts)

    def default_outcomes(self) -> dict[tuple[str, str], Outcome]:
        """(target, `file/column`) -> outcome of a value of which nothing else is said."""
        self.engine  # noqa: B018 - compiles
        return self._columns.usual

    def columns(self) -> dict[str, tuple[Feed, ...]]:
        """`file/column` -> the hub slots that it may flow into."""
        self.engine  # noqa: B018 - compiles
        return self._columns.feeds_by_column

    def __call__(self, packed: Batch | PackedBatch) -> FinishedBatch:
        """Convert a batch. What a subject makes is taken over as a whole or not at all.

        A batch in which we fail is made anew, each subject on its own. Where memory ran out nobody is to blame but the
        machine, so MemoryError is raised: what is converted does not depend on how much there is.
        """
        engine = self.engine
        batch = packed.unpacked(self.table_columns) if isinstance(packed, PackedBatch) else packed
        try:
            result = BatchResult()
            self._take(engine, batch.subjects, batch, result)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - which subject it is shows when each is converted on its own
            result = self._one_by_one(engine, batch)
        result.tally.run_notes = engine.environment.run_notes.copy()
        return result.finished(self.settings.targets)

    def _take(self, engine: Engine, subjects: Sequence[RawSubject], batch: Batch, result: BatchResult) -> None:
        if batch.skip:
            for raw in subjects:
                self._set_aside(raw, Outcome.SKIPPED, result)
        else:
            for start in range(0, len(subjects), TOGETHER):
                self._convert(engine, subjects[start : start + TOGETHER], result)
        result.tally.account.subjects["read"] += len(subjects)

    def _one_by_one(self, engine: Engine, batch: Batch) -> BatchResult:
        """The batch again, so that a subject on which we fail costs no other."""
        result = BatchResult()
        for raw in batch.subjects:
            made = BatchResult()
            try:
                self._take(engine, [raw], batch, made)
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001 - the batch boundary: one bad record never stops a run
                made = self._failed(raw, error)
                made.tally.account.subjects["read"] += 1
            result.absorb(made)
        return result

    def _convert(self, engine: Engine, subjects: Sequence[RawSubject], result: BatchResult) -> None:
        """Subjects on the whole way: assembled, derived, written, judged, accounted for; each step for all of them."""
        derived = deque(self._derived(engine, raw, result) for raw in subjects)
        said = [{} if known.is_withheld else self._written(engine, known.record, result) for known in derived]
        judged = [[] if known.is_withheld else engine.judge(known.record) for known in derived]
        for target_logs, violations in zip(said, judged, strict=True):
            known = derived.popleft()  # what it holds goes with the next one, while it is near in the processor
            if known.is_withheld:
                self._set_aside(known.raw, Outcome.SKIPPED, result)
                result.say(known.answer.rule, known.record["subject_id"], Outcome.SKIPPED)
            else:
                self._report(known, target_logs, violations, result)
                result.tally.account.subjects["converted"] += 1

    def _derived(self, engine: Engine, raw: RawSubject, result: BatchResult) -> _Derived:
        """The hub record of a subject, and whether it may be converted. What is asked of its rows is asked while they are near."""
        assembled = self._assembler.assemble(raw)
        log = SubjectLog()
        record = engine.derive(assembled.record, log)
        answer = consent_answer(record, log)
        if answer.withholds and self.settings.consent == "require":
            return _Derived(raw, assembled, log, record, answer, True, NOTHING_SHARED, {})
        shared = self._columns.shared_rows(raw, assembled, self._assembler)
        result.write("private/lineage.ndjson", self._lines.of(raw, record, shared))
        return _Derived(raw, assembled, log, record, answer, False, shared, log.exceptional_cells())

    def _written(self, engine: Engine, record: HubObject, result: BatchResult) -> dict[str, TargetLog]:
        """Add the documents of a record, at once, for they are near in the processor; what the writers say of it."""
        documents, target_logs = engine.write(record)
        for target, made in documents.items():
            result.add_documents(target, made)
        return target_logs

    def _report(
        self,
        subject: _Derived,
        target_logs: Mapping[str, TargetLog],
        violations: list[Violation],
        result: BatchResult,
    ) -> None:
        """What became of a subject: its findings and counts."""
        raw, assembled, log, record, answer, _, shared, exceptional = subject
        subject_id = record["subject_id"]
        if answer.rule is not None:
            result.say(answer.rule, subject_id, None)
        self._report_assembling(raw, assembled, subject_id, result)
        column_of = self._columns.column_of
        result.leave_out([(column_of(cell), reason) for cell, reason in (*assembled.left_out, *log.left_out.items())])
        for cell in self._hidden.cells(assembled.record):
            known = rule("source.hidden-field")
            result.find(Finding(known.id, known.severity, known.title, Outcome.CARRIED, subject_id, cell))
        self._report_notes(log, subject_id, result)
        self._report_violations(violations, record, result)
        self._account(record, exceptional, target_logs, shared, result)

    def _report_assembling(self, raw: RawSubject, assembled: Assembled, subject_id: str, result: BatchResult) -> None:
        """What became of rows and cells before anything was derived."""
        for table in self._of_every_subject:
            if table not in raw.rows:
                cell = Cell(self.files[table], None, None)
                known = rule("source.no-subject-row")
                result.find(
                    Finding(known.id, known.severity, f"the subject has no row in {table}", None, subject_id, cell)
                )
        self._report_rows(assembled.rejected, subject_id, result)
        for bad in assembled.bad_cells:
            finding = replace(bad.finding, subject=subject_id)
            result.find(finding)
            if finding.outcome is Outcome.REJECTED:
                result.write("private/rejects.ndjson", self._reject_line(finding, None))
            self._lose_cell(bad.cell, bad.finding.outcome or Outcome.REJECTED, result)
        for said in assembled.said:
            result.find(replace(said, subject=subject_id))
        for finding, cells in assembled.replaced:
            result.find(replace(finding, subject=subject_id))
            for cell in cells:
                self._lose_cell(cell, Outcome.DROPPED, result)

    def _failed(self, raw: RawSubject, error: Exception) -> BatchResult:
        """A subject on which we failed ourselves: nothing of it is kept but the finding."""
        result = BatchResult()
        subject = self.settings.key.pseudonym(self.settings.site, "subject", raw.key)
        self._set_aside(raw, Outcome.REJECTED, result)
        finding = Finding("internal.error", Severity.FATAL, safe_message(error), Outcome.REJECTED, subject=subject)
        result.find(finding)
        result.write("private/rejects.ndjson", self._reject_line(finding, None))
        return result

    def _set_aside(self, raw: RawSubject, outcome: Outcome, result: BatchResult) -> None:
        """Count a whole subject as skipped or rejected."""
        result.tally.account.subjects[outcome.value] += 1
        for table, rows in raw.rows.items():
            result.tally.account.row(self.files[table], outcome.value, len(rows))
            for row in rows:
                self._lose_row(table, row, outcome, result)

    def _lose_row(self, table: str, row: RawRow, outcome: Outcome, result: BatchResult) -> None:
        for name, value in zip(self.headers[table], row.all_cells(self.table_columns.delimiter), strict=False):
            if value not in self._assembler.blank_texts(name):
                self._lose_cell(Cell(self.files[table], row.number, name), outcome, result)

    def _lose_cell(self, cell: Cell, outcome: Outcome, result: BatchResult) -> None:
        result.lose(self._columns.column_of(cell), outcome)

    def _report_rows(self, rejected: tuple[BadRow, ...], subject: str, result: BatchResult) -> None:
        for bad in rejected:
            finding = replace(bad.finding, subject=subject)
            result.find(finding)
            result.write("private/rejects.ndjson", self._reject_line(finding, bad))
            result.tally.account.row(self.files[bad.table], "rejected")
            self._lose_row(bad.table, bad.row, Outcome.REJECTED, result)

    def _reject_line(self, finding: Finding, bad: BadRow | None) -> bytes:
        document = finding.as_json()
        if bad is not None and self.settings.include_values:
            document["values"] = dict(
                zip(self.headers[bad.table], bad.row.all_cells(self.table_columns.delimiter), strict=False)
            )
        return orjson.dumps(document)

    def _report_notes(self, log: SubjectLog, subject: str, result: BatchResult) -> None:
        said: set[tuple[str, Cell]] = set()
        for noted, cells, _ in log.notes:
            cell = cells[0] if cells else None
            if cell is not None:
                if (noted.rule, cell) in said:
                    continue  # a cell that feeds two slots is reported once
                said.add((noted.rule, cell))
            finding = Finding(noted.rule, noted.severity, noted.message, noted.outcome, subject, cell, fix=noted.fix)
            result.find(finding)
            if noted.outcome is Outcome.REJECTED:
                result.write("private/rejects.ndjson", finding.line())

    def _report_violations(self, violations: list[Violation], record: HubObject, result: BatchResult) -> None:
        for violation in violations:
            cell = None
            at = violation.at
            if at is not None and at.derivation is not None and violation.slot is not None:
                cell = next(iter(at.derivation.cells(at, violation.slot)), None)
            result.find(
                Finding(
                    violation.rule,
                    rule(violation.rule).severity,
                    violation.message,
                    None,
                    record["subject_id"],
                    cell,
                    "hub",
                    violation.path,
                    rule(violation.rule).fix,
                )
            )

    def _account(
        self,
        record: HubObject,
        cells: Mapping[Cell, Mapping[Feed, tuple[Outcome, bool]]],
        target_logs: Mapping[str, TargetLog],
        shared: SharedRows,
        result: BatchResult,
    ) -> None:
        said_on_the_way = {cell for cell, feeds in cells.items() if any(said for _, said in feeds.values())}
        said_on_the_way |= self._report_unplaced(cells, record["subject_id"], shared, result)
        for target, target_log in target_logs.items():
            if target_log.defaulted:
                result.tally.account.default(target, target_log.defaulted)
            if not (cells or target_log.losses or shared.unusual):
                continue  # all values have the usual outcome of their column
            exceptional = {cell: _outcomes(feeds) for cell, feeds in cells.items()}
            said = said_on_the_way.copy()
            for loss in target_log.losses:
                said |= self._report_loss(target, loss, record["subject_id"], exceptional, result)
            self._count_exceptions(target, exceptional, said, shared, result)

    def _report_loss(
        self, target: str, loss: Loss, subject: str, exceptional: dict[Cell, dict[Feed, Outcome]], result: BatchResult
    ) -> set[Cell]:
        """One finding per loss; every cell that made the lost slot is exceptional for this target, and returned."""
        lineage = loss.hub_object.derivation
        fed: list[tuple[Feed, Cell]] = []
        if lineage is not None:
            for slot in lineage.feeds if loss.slot == "*" else (loss.slot,):
                fed += lineage.fed_cells(loss.hub_object, slot)
        for feed, cell in fed:
            feeds = exceptional.setdefault(cell, {})
            if feeds.get(feed) in _HELD:
                feeds[feed] = loss.outcome
        known = rule("target.coarsened" if loss.outcome is Outcome.COARSENED else "target.not-held")
        first = fed[0][1] if fed else None
        result.find(
            Finding(known.id, known.severity, loss.message, loss.outcome, subject, first, target, loss.path, known.fix)
        )
        return {cell for _, cell in fed}

    def _count_exceptions(
        self,
        target: str,
        exceptional: Mapping[Cell, Mapping[Feed, Outcome]],
        said: set[Cell],
        shared: SharedRows,
        result: BatchResult,
    ) -> None:
        """Count the cells whose outcome is not the usual one of their column; a loss that nobody spoke of is a declared one."""
        columns = self._columns
        outcomes = {cell: known[target] for cell, known in shared.unusual.items() if target in known}
        for cell, feeds in exceptional.items():
            declared = columns.declared(target, columns.column_of(cell), shared.tables.get((cell.file, cell.row)))
            outcomes[cell] = best_outcome([feeds.get(feed, outcome) for feed, outcome in declared])
        for cell, outcome in outcomes.items():
            column = columns.column_of(cell)
            if outcome is not columns.usual[(target, column)]:
                result.tally.account.lose(target, column, outcome)
                if cell not in said and outcome in (Outcome.DROPPED, Outcome.COARSENED):
                    key = (target, column, outcome)
                    result.tally.declared[key] = result.tally.declared.get(key, 0) + 1

    def _report_unplaced(
        self,
        cells: Mapping[Cell, Mapping[Feed, tuple[Outcome, bool]]],
        subject: str,
        shared: SharedRows,
        result: BatchResult,
    ) -> set[Cell]:
        """Filled cells that made nothing anywhere and of which nothing was said: gaps of the map, reported."""
        unplaced: set[Cell] = set()
        for cell, feeds in cells.items():
            column = self._columns.column_of(cell)
            known = self._columns.feeds(column, shared.tables.get((cell.file, cell.row)))
            if all(feed in feeds for feed in known) and not any(feeds[feed][1] for feed in known):
                finding = Finding(
                    "mapping.no-place",
                    rule("mapping.no-place").severity,
                    "the value fits none of the places that the map has for this column",
                    Outcome.DROPPED,
                    subject,
                    cell,
                    fix=rule("mapping.no-place").fix,
                )
                result.find(finding)
                unplaced.add(cell)
        return unplaced


def _outcomes(feeds: Mapping[Feed, tuple[Outcome, bool]]) -> dict[Feed, Outcome]:
    """The outcome of every exceptional feed. Where something was said of a cell, a feed that only made nothing follows it."""
    said = [outcome for outcome, was_said in feeds.values() if was_said]
    silent = best_outcome(said) if said else None
    return {feed: outcome if was_said or silent is None else silent for feed, (outcome, was_said) in feeds.items()}
