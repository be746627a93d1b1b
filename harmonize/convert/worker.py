"""What is done with a batch of subjects: assemble, derive, write, judge, and account for every cell.

Whatever becomes of a value is counted here, once per target: a cell flows by its feeds into hub slots; a feed may be
exceptional (a note of the profile, a loss of a writer); the best of a cell's feeds is the cell's outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from harmonize.checks.catalogue import rule
from harmonize.checks.violations import Violation
from harmonize.convert.batches import Batch, PackedBatch, TableColumns
from harmonize.convert.consent import ConsentAnswer, consent_answer
from harmonize.convert.engine import Engine, Settings
from harmonize.findings import (
    Accounting,
    Cell,
    Finding,
    Outcome,
    Severity,
    add_counts,
    best_outcome,
    file_of,
    shown_row,
)
from harmonize.hub.objects import HubObject
from harmonize.profiles.assembly import Assembled, Assembler, BadRow, RawSubject
from harmonize.profiles.branching import HiddenFields
from harmonize.profiles.notes import Feed, RunNote, SubjectLog
from harmonize.profiles.plan import Plan
from harmonize.profiles.source_record import RawRow, rows_of
from harmonize.profiles.specification import Profile
from harmonize.profiles.tree_assembly import TreeAssembler
from harmonize.report.rule_counts import RuleCounts
from harmonize.safe_messages import safe_message
from harmonize.writers import Document, Loss, TargetLog, support_of

TOGETHER = 40
"""Subjects that take each step one after the other, before they take the next one: the code of a step, and what it asks for each
of them, stay near in the processor, and so do the few records between two steps."""


@dataclass
class BatchResult:
    """What a worker gives back for a batch: bytes for files, exact counts, notes."""

    lines: dict[str, list[bytes]] = field(default_factory=dict)
    account: Accounting = field(default_factory=Accounting)
    counts: RuleCounts = field(default_factory=RuleCounts)
    run_notes: dict[tuple[str, str], RunNote] = field(default_factory=dict)
    declared: dict[tuple[str, str, Outcome], int] = field(default_factory=dict)
    """(target, `file/column`, outcome) -> cells that the target cannot hold by declaration, where others of the column are held."""
    left_out: dict[tuple[str, str], int] = field(default_factory=dict)
    """(`file/column`, reason) -> cells whose text says nothing by the profile."""

    def absorb(self, other: BatchResult) -> None:
        """Take over what one subject made."""
        for name, lines in other.lines.items():
            self.lines.setdefault(name, []).extend(lines)
        self.account.add(other.account)
        self.counts.merge(other.counts)
        add_counts(self.declared, other.declared)
        add_counts(self.left_out, other.left_out)

    def write(self, name: str, line: bytes) -> None:
        """Add a whole line to the file *name*."""
        self.lines.setdefault(name, []).append(line)

    def find(self, finding: Finding) -> None:
        """Count *finding* and put it into the private list."""
        finding = with_advice(finding)
        self.counts.add(finding)
        self.write("private/findings.ndjson", finding.line())

    def say(self, rule_id: str | None, subject: str, outcome: Outcome | None) -> None:
        """Find what a rule on the whole record says, in the words of its title."""
        if rule_id is not None:
            known = rule(rule_id)
            finding = Finding(rule_id, known.severity, known.title, outcome, subject=subject, fix=known.fix)
            self.counts.add(finding)
            self.write("private/findings.ndjson", finding.line())


_Unusual = tuple[int, str, Mapping[str, Outcome]]
"""(index of a column, its name, target -> outcome of its values in the rows of certain tables)."""


class _Derived(NamedTuple):
    """A subject with its hub record: what it was made of, what the plan said, and what it says of the reuse of its data."""

    raw: RawSubject
    assembled: Assembled
    log: SubjectLog
    record: HubObject
    answer: ConsentAnswer
    is_withheld: bool


_Written = tuple[Mapping[str, Sequence[Document]], Mapping[str, TargetLog]]


class _SharedRows(NamedTuple):
    """What a subject's rows are of that several tables of the profile are made of."""

    tables: Mapping[tuple[str, int | None], tuple[str, ...]]
    """(file, row) -> the tables that select it."""
    unusual: Mapping[Cell, Mapping[str, Outcome]]
    """Cells in rows of tables that do something else with the column than the column's other tables: target -> outcome."""


_NOTHING_SHARED = _SharedRows({}, {})


def with_advice(finding: Finding) -> Finding:
    """Every finding says what to do: where it does not itself, its rule does."""
    return finding if finding.fix is not None else replace(finding, fix=rule(finding.rule).fix)


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
        self.parts, self._accounted = tuple(parts), frozenset(files.values())
        self.headers = columns.headers
        self.references = dict(references or {})
        self._engine: Engine | None = None

    def __getstate__(self) -> dict[str, Any]:
        made_here = ("settings", "table_columns", "headers", "files", "references", "parts", "_accounted")
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
            self._tables_of_slot: dict[str, list[str]] = {}
            for name, layout in self._engine.layouts.items():
                self._tables_of_slot.setdefault(layout.spec.slot, []).append(name)
            self._columns = _columns(self._engine.plan, self.headers, self.files)
            self._defaults = _default_outcomes(self._engine, self._columns)
            self._feeds_of_tables = _feeds_of_tables(self._engine.plan, self.headers, self.files)
            self._unusual: dict[tuple[str, ...], tuple[_Unusual, ...]] = {}
        return self._engine

    def _new_assembler(self, engine: Engine) -> Assembler | TreeAssembler:
        if engine.profile.assembly.xml is not None:
            return TreeAssembler(engine.profile, self.headers, self.parts)
        return Assembler(engine.profile, self.table_columns.held(), self.files, engine.layouts)

    def _column(self, cell: Cell) -> str:
        """`file/column` under which *cell* is accounted for: many documents of one format are accounted for together."""
        file = cell.file if cell.file in self._accounted else next(iter(self._accounted))
        return f"{file}/{cell.column}"

    def default_outcomes(self) -> dict[tuple[str, str], Outcome]:
        """(target, `file/column`) -> outcome of a value of which nothing else is said."""
        self.engine  # noqa: B018 - compiles
        return self._defaults

    def columns(self) -> dict[str, tuple[Feed, ...]]:
        """`file/column` -> the hub slots that it may flow into."""
        self.engine  # noqa: B018 - compiles
        return self._columns

    def __call__(self, packed: Batch | PackedBatch) -> BatchResult:
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
        result.lines = {name: [b"".join(lines)] for name, lines in result.lines.items()}
        result.run_notes = engine.environment.run_notes.copy()
        return result

    def _take(self, engine: Engine, subjects: Sequence[RawSubject], batch: Batch, result: BatchResult) -> None:
        if batch.skip:
            for raw in subjects:
                self._set_aside(raw, Outcome.SKIPPED, result)
        else:
            for start in range(0, len(subjects), TOGETHER):
                self._convert(engine, subjects[start : start + TOGETHER], result)
        result.account.subjects["read"] += len(subjects)

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
                made.account.subjects["read"] += 1
            result.absorb(made)
        return result

    def _convert(self, engine: Engine, subjects: Sequence[RawSubject], result: BatchResult) -> None:
        """Subjects on the whole way: assembled, derived, written, judged, accounted for; each step for all of them."""
        derived = [self._derived(engine, raw) for raw in subjects]
        written = [({}, {}) if known.is_withheld else engine.write(known.record) for known in derived]
        judged = [[] if known.is_withheld else engine.judge(known.record) for known in derived]
        for known, made, violations in zip(derived, written, judged, strict=True):
            if known.is_withheld:
                self._set_aside(known.raw, Outcome.SKIPPED, result)
                result.say(known.answer.rule, known.record["subject_id"], Outcome.SKIPPED)
            else:
                self._report(known, made, violations, result)
                result.account.subjects["converted"] += 1

    def _derived(self, engine: Engine, raw: RawSubject) -> _Derived:
        """The hub record of a subject, and whether it may be converted."""
        assembled = self._assembler.assemble(raw)
        log = SubjectLog()
        record = engine.derive(assembled.record, log)
        answer = consent_answer(record, log)
        return _Derived(raw, assembled, log, record, answer, answer.withholds and self.settings.consent == "require")

    def _report(self, subject: _Derived, written: _Written, violations: list[Violation], result: BatchResult) -> None:
        """What became of a subject: its documents, findings, counts and lineage."""
        raw, assembled, log, record, answer, _ = subject
        subject_id = record["subject_id"]
        if answer.rule is not None:
            result.say(answer.rule, subject_id, None)
        documents, target_logs = written
        lines = result.lines
        for target, made in documents.items():
            for document in made:
                lines.setdefault(f"{target}/{document.stem}.ndjson", []).append(document.line + b"\n")
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
        for cell, reason in (*assembled.left_out, *log.left_out.items()):
            place = (self._column(cell), reason)
            result.left_out[place] = result.left_out.get(place, 0) + 1
            self._lose_cell(cell, Outcome.DROPPED, result)
        for cell in self._hidden.cells(assembled.record):
            known = rule("source.hidden-field")
            result.find(Finding(known.id, known.severity, known.title, Outcome.CARRIED, subject_id, cell))
        self._report_notes(log, subject_id, result)
        self._report_violations(violations, record, result)
        shared = self._shared_rows(raw, assembled)
        self._account(record, log, target_logs, shared, result)
        self._lineage(raw, record, shared, result)

    def _shared_rows(self, raw: RawSubject, assembled: Assembled) -> _SharedRows:
        """What tables the rows are of that several tables share, and the cells whose outcome is not that of their column."""
        if not self._assembler.sharing:
            return _NOTHING_SHARED
        tables: dict[tuple[str, int | None], tuple[str, ...]] = {}
        unusual: dict[Cell, Mapping[str, Outcome]] = {}
        rejected = {id(bad.row) for bad in assembled.rejected}
        lost = {bad.cell for bad in assembled.bad_cells} | {cell for cell, _ in assembled.left_out}
        for physical, row, names in self._assembler.kinds(raw):
            if id(row) in rejected:
                continue
            file = self.files[physical]
            tables[(file, row.number)] = names
            for index, column, outcomes in self._unusual_columns(physical, names):
                cell = Cell(file, row.number, column)
                if row.cells[index] not in self._assembler.blank_texts(column) and cell not in lost:
                    unusual[cell] = outcomes
        return _SharedRows(tables, unusual)

    def _unusual_columns(self, physical: str, names: tuple[str, ...]) -> tuple[_Unusual, ...]:
        """The columns that have other outcomes in rows of the tables *names* than in most rows."""
        known = self._unusual.get((physical, *names))
        if known is None:
            made = []
            specs = [spec for spec in self.engine.profile.assembly.tables if spec.name in names]
            selecting = {s.column for spec in specs for s in (*spec.where, *spec.unless)}  # it made the row what it is
            for index, name in enumerate(self.headers[physical]):
                if name in selecting:
                    continue
                column = f"{self.files[physical]}/{name}"
                feeds = self._feeds(column, names)
                outcomes = {target: self._usual(target, feeds) for target in self.settings.targets}
                differ = {t: o for t, o in outcomes.items() if o is not self._defaults[(t, column)]}
                if differ:
                    made.append((index, name, differ))
            known = self._unusual[(physical, *names)] = tuple(made)
        return known

    def _usual(self, target: str, feeds: Sequence[Feed]) -> Outcome:
        declaration = self.engine.writers[target].declaration
        outcomes = [support_of(declaration, feed).outcome for feed in feeds]
        return best_outcome(outcomes) if outcomes else Outcome.DROPPED  # left out

    def _feeds(self, column: str, tables: Sequence[str] | None) -> tuple[Feed, ...]:
        """The feeds of *column*, in rows of *tables* where those share their rows with others."""
        if tables is None:
            return self._columns[column]
        return tuple(dict.fromkeys(feed for name in tables for feed in self._feeds_of_tables[name].get(column, ())))

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
        result.account.subjects[outcome.value] += 1
        for table, rows in raw.rows.items():
            result.account.row(self.files[table], outcome.value, len(rows))
            for row in rows:
                self._lose_row(table, row, outcome, result)

    def _lose_row(self, table: str, row: RawRow, outcome: Outcome, result: BatchResult) -> None:
        for name, value in zip(self.headers[table], row.all_cells(self.table_columns.delimiter), strict=False):
            if value not in self._assembler.blank_texts(name):
                self._lose_cell(Cell(self.files[table], row.number, name), outcome, result)

    def _lose_cell(self, cell: Cell, outcome: Outcome, result: BatchResult) -> None:
        for target in self.settings.targets:
            result.account.lose(target, self._column(cell), outcome)

    def _report_rows(self, rejected: tuple[BadRow, ...], subject: str, result: BatchResult) -> None:
        for bad in rejected:
            finding = replace(bad.finding, subject=subject)
            result.find(finding)
            result.write("private/rejects.ndjson", self._reject_line(finding, bad))
            result.account.row(self.files[bad.table], "rejected")
            self._lose_row(bad.table, bad.row, Outcome.REJECTED, result)

    def _reject_line(self, finding: Finding, bad: BadRow | None) -> bytes:
        document = finding.as_json()
        if bad is not None and self.settings.include_values:
            document["values"] = dict(
                zip(self.headers[bad.table], bad.row.all_cells(self.table_columns.delimiter), strict=False)
            )
        return orjson.dumps(document) + b"\n"

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
                result.write("private/rejects.ndjson", orjson.dumps(finding.as_json()) + b"\n")

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
        log: SubjectLog,
        target_logs: Mapping[str, TargetLog],
        shared: _SharedRows,
        result: BatchResult,
    ) -> None:
        cells = log.exceptional_cells()
        said_on_the_way = {cell for cell, feeds in cells.items() if any(said for _, said in feeds.values())}
        unplaced = self._report_unplaced(log, record["subject_id"], shared, result)
        for target, target_log in target_logs.items():
            exceptional = {cell: _outcomes(feeds) for cell, feeds in cells.items()}
            said = said_on_the_way | unplaced
            for loss in target_log.losses:
                said |= self._report_loss(target, loss, record["subject_id"], exceptional, result)
            for element, number in target_log.defaulted.items():
                result.account.default(target, element, number)
            self._count_exceptions(target, exceptional, said, shared, result)

    def _report_loss(
        self, target: str, loss: Loss, subject: str, exceptional: dict[Cell, dict[Feed, Outcome]], result: BatchResult
    ) -> set[Cell]:
        """One finding per loss; every cell that made the lost slot is exceptional for this target, and returned."""
        lineage = loss.hub_object.derivation
        first: Cell | None = None
        lost: set[Cell] = set()
        if lineage is not None:
            slots = lineage.feeds if loss.slot == "*" else (loss.slot,)
            for slot in slots:
                for feed, cell in lineage.fed_cells(loss.hub_object, slot):
                    first = first or cell
                    lost.add(cell)
                    feeds = exceptional.setdefault(cell, {})
                    if feeds.get(feed, Outcome.CARRIED) in (Outcome.CARRIED, Outcome.COARSENED):
                        feeds[feed] = loss.outcome
        name = "target.coarsened" if loss.outcome is Outcome.COARSENED else "target.not-held"
        result.find(
            Finding(
                name, rule(name).severity, loss.message, loss.outcome, subject, first, target, loss.path, rule(name).fix
            )
        )
        return lost

    def _count_exceptions(
        self,
        target: str,
        exceptional: Mapping[Cell, Mapping[Feed, Outcome]],
        said: set[Cell],
        shared: _SharedRows,
        result: BatchResult,
    ) -> None:
        """Count the cells whose outcome is not the usual one of their column; a loss that nobody spoke of is a declared one."""
        declaration = self.engine.writers[target].declaration
        outcomes = {cell: known[target] for cell, known in shared.unusual.items() if target in known}
        for cell, feeds in exceptional.items():
            known = self._feeds(self._column(cell), shared.tables.get((cell.file, cell.row)))
            outcomes[cell] = best_outcome(feeds.get(feed) or support_of(declaration, feed).outcome for feed in known)
        for cell, outcome in outcomes.items():
            column = self._column(cell)
            if outcome is not self._defaults[(target, column)]:
                result.account.lose(target, column, outcome)
                if cell not in said and outcome in (Outcome.DROPPED, Outcome.COARSENED):
                    key = (target, column, outcome)
                    result.declared[key] = result.declared.get(key, 0) + 1

    def _report_unplaced(self, log: SubjectLog, subject: str, shared: _SharedRows, result: BatchResult) -> set[Cell]:
        """Filled cells that made nothing anywhere and of which nothing was said: gaps of the map, reported."""
        unplaced: set[Cell] = set()
        for cell, feeds in log.exceptional_cells().items():
            column = self._column(cell)
            known = self._feeds(column, shared.tables.get((cell.file, cell.row)))
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

    def _made_of(self, raw: RawSubject, objects: Sequence[HubObject]) -> list[Any]:
        """The rows of each object; only the files, where every row of them made an object, in the order of the rows."""
        first = objects[0].derivation.layout
        if first is not None:
            tables = [name for name in self._tables_of_slot[first.spec.slot] if name in raw.rows]
            if len(objects) == sum([len(raw.rows[name]) for name in tables]):
                return [self.files[name] for name in tables]
        made = [rows_of(item.derivation.source_of(item)) for item in objects]
        if not self.parts:
            return made
        return [{file: sorted({shown_row(n) for n in rows}) for file, rows in one.items()} for one in made]

    def _rows(self, raw: RawSubject) -> dict[str, list[list[int]]]:
        if not self.parts:
            return {self.files[table]: _ranges(rows) for table, rows in raw.rows.items()}
        numbers: dict[str, set[int]] = {}
        for rows in raw.rows.values():
            for row in rows:
                numbers.setdefault(self.parts[file_of(row.number)], set()).add(shown_row(row.number) or 0)
        return {file: [[line, line] for line in sorted(lines)] for file, lines in sorted(numbers.items())}

    def _lineage(self, raw: RawSubject, record: HubObject, shared: _SharedRows, result: BatchResult) -> None:
        """The rows of the subject, and of every object of its record: what `harmonize trace` needs."""
        objects = {slot: self._made_of(raw, value) for slot, value in record.items() if value.__class__ is list}
        rows = self._rows(raw)
        line: dict[str, Any] = {"subject": record["subject_id"], "rows": rows, "objects": objects}
        for (_, number), names in shared.tables.items():
            for name in names:
                line.setdefault("tables", {}).setdefault(name, []).append(number)
        result.write("private/lineage.ndjson", orjson.dumps(line) + b"\n")


def _ranges(rows: Sequence[RawRow]) -> list[list[int]]:
    """The numbers of *rows* as ranges, first and last: mostly one, for a subject's rows stand together."""
    first, last = rows[0][0], rows[-1][0]
    if last - first == len(rows) - 1:
        return [[first, last]]
    return [[number, number] for number, _, _ in rows]


def _outcomes(feeds: Mapping[Feed, tuple[Outcome, bool]]) -> dict[Feed, Outcome]:
    """The outcome of every exceptional feed. Where something was said of a cell, a feed that only made nothing follows it."""
    said = [outcome for outcome, was_said in feeds.values() if was_said]
    silent = best_outcome(said) if said else None
    return {feed: outcome if was_said or silent is None else silent for feed, (outcome, was_said) in feeds.items()}


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


def _columns(plan: Plan, headers: Mapping[str, Sequence[str]], files: Mapping[str, str]) -> dict[str, tuple[Feed, ...]]:
    """`file/column` -> the feeds of all tables."""
    result: dict[str, tuple[Feed, ...]] = {}
    for feeds_of in _feeds_of_tables(plan, headers, files).values():
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


def _default_outcomes(engine: Engine, columns: Mapping[str, tuple[Feed, ...]]) -> dict[tuple[str, str], Outcome]:
    return {
        (target, column): best_outcome(support_of(writer.declaration, feed).outcome for feed in feeds)
        if feeds
        else Outcome.DROPPED
        for target, writer in engine.writers.items()
        for column, feeds in columns.items()
    }
