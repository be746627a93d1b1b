"""The one place where all meet: `open_run` plans, `Worker` converts batches of subjects, `convert_files` moves them.

Whatever becomes of a value is counted here, once per target: a cell flows by its feeds into hub slots; a feed may be
exceptional (a note of the profile, a loss of a writer); the best of a cell's feeds is the cell's outcome.
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, NamedTuple

import jsonschema_rs
import orjson

import harmonize
from harmonize.checks.catalogue import rule
from harmonize.checks.hub_records import check_record
from harmonize.checks.violations import Violation
from harmonize.engines import local
from harmonize.errors import CallError, TooManyRejectsError
from harmonize.findings import Accounting, Cell, Finding, Outcome, Severity, best_outcome
from harmonize.hub import hub_json_schema, hub_schema
from harmonize.hub.objects import HubObject
from harmonize.output_folder import OutputFolder
from harmonize.profiles.assembly import Assembler, BadRow, RawRow, RawSubject, require_assembly
from harmonize.profiles.compiler import Plan, compile_profile
from harmonize.profiles.functions import Environment
from harmonize.profiles.lint import require_accounted
from harmonize.profiles.notes import Feed, RunNote, SubjectLog
from harmonize.profiles.source_record import SourceObject, rows_of, source_object
from harmonize.profiles.specification import Profile, load_profile
from harmonize.pseudonyms import PseudonymKey
from harmonize.readers import Source, open_source
from harmonize.report.summary import RuleCounts, report_document
from harmonize.safe_messages import safe_message
from harmonize.terminology.notation import load_systems
from harmonize.terminology.sssom import read_mapping_set
from harmonize.terminology.store import Terminologies
from harmonize.writers import Document, Loss, TargetLog, Writer, WriterContext, load_writer

BATCH_SUBJECTS = 500
CONSENT_MODES = ("require", "record")


@dataclass(frozen=True)
class Settings:
    """What a conversion is told. Picklable."""

    profile: str
    targets: tuple[str, ...]
    key: PseudonymKey
    site: str = "site"
    consent: str = "require"
    recorded: str = "1970-01-01T00:00:00Z"
    include_values: bool = False


class Subject(NamedTuple):
    """One converted subject: the hub record, the documents of every target, the findings."""

    record: HubObject | None
    documents: dict[str, list[Document]]
    findings: list[Finding]
    status: str


@dataclass
class Batch:
    """Raw subjects for a worker; `skip` tells that they are past `--limit` and are only counted."""

    subjects: list[RawSubject]
    skip: bool = False


@dataclass
class BatchResult:
    """What a worker gives back for a batch: bytes for files, exact counts, notes."""

    lines: dict[str, list[bytes]] = field(default_factory=dict)
    account: Accounting = field(default_factory=Accounting)
    counts: RuleCounts = field(default_factory=RuleCounts)
    run_notes: dict[tuple[str, str], RunNote] = field(default_factory=dict)

    def write(self, name: str, line: bytes) -> None:
        """Add a whole line to the file *name*."""
        self.lines.setdefault(name, []).append(line)

    def find(self, finding: Finding) -> None:
        """Count *finding* and put it into the private list."""
        finding = _with_advice(finding)
        self.counts.add(finding)
        self.write("private/findings.ndjson", finding.line())


def _with_advice(finding: Finding) -> Finding:
    """Every finding says what to do: where it does not itself, its rule does."""
    return finding if finding.fix is not None else replace(finding, fix=rule(finding.rule).fix)


def make_environment(profile: Profile, key: PseudonymKey, site: str) -> Environment:
    """Terminologies, code systems and code maps for *profile*."""
    systems = load_systems()
    return Environment(
        systems=systems,
        terminologies=Terminologies.installed(),
        code_maps={name: read_mapping_set(path) for name, path in profile.code_maps.items()},
        predicates=profile.predicates,
        key=key,
        site=site,
    )


class Engine:
    """A compiled profile with its writers: turns source records into hub records and target documents.

    It holds no state of a record. Built once per process, from picklable `Settings`.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.profile = load_profile(settings.profile)
        require_assembly(self.profile)
        self.environment = make_environment(self.profile, settings.key, settings.site)
        self.plan: Plan = compile_profile(self.profile, self.environment)
        require_accounted(self.profile, self.plan)
        context = WriterContext(
            site=settings.site,
            recorded=settings.recorded,
            profile_id=self.profile.id,
            profile_version=self.profile.version,
            key=settings.key,
            systems=self.environment.systems,
            editions=self.environment.terminologies.editions(),
            software_version=harmonize.__version__,
        )
        self.writers: dict[str, Writer] = {name: load_writer(name, context) for name in settings.targets}
        self.hub_validator = jsonschema_rs.validator_for(hub_json_schema())

    def derive(self, source: SourceObject, log: SubjectLog) -> HubObject:
        """The hub record of a source record."""
        derived = self.plan.derive(source, log)
        record = HubObject(schema_version=hub_schema().version)
        record.source, record.derivation = source, derived.derivation if derived is not None else None
        record.update(derived or {})
        return record

    def judge(self, record: HubObject) -> list[Violation]:
        """Violations of the hub's structure and of the rules on single records."""
        violations = []
        if not self.hub_validator.is_valid(record):
            for error in self.hub_validator.iter_errors(record):
                path = "".join(f"/{part}" for part in error.instance_path)
                kind = str(error.schema_path[-1]) if error.schema_path else "schema"
                violations.append(Violation("hub.structure", path, f"breaks the hub schema ({kind})", None, None))
        return violations + check_record(record, self.environment.terminologies)

    def write(self, record: HubObject) -> tuple[dict[str, list[Document]], dict[str, TargetLog]]:
        """The documents of every target, and what the writers say."""
        documents, logs = {}, {}
        for name, writer in self.writers.items():
            log = logs[name] = TargetLog(name)
            documents[name] = writer.documents(record, log)
        return documents, logs

    def consent_refused(self, record: HubObject) -> bool:
        """Whether the record says that its data must not be reused, or that the person opted out."""
        status = record.get("participation_status", {}).get("status", {})
        if any(coding["code"] == "ERDRISTATUS:opted-out" for coding in status.get("codings", ())):
            return True
        consents = record.get("consents", ())
        return any(c.get("purpose") == "data_reuse" and c.get("decision") == "deny" for c in consents)


def consent_stated(record: HubObject) -> bool:
    """Whether the record says anything of the reuse of data."""
    return any(c.get("purpose") == "data_reuse" and "decision" in c for c in record.get("consents", ()))


# --- one subject of a file run --------------------------------------------------------------------------------------


class Worker:
    """Converts batches of raw subjects. Pickles as settings and headers; compiles in the process that first uses it."""

    def __init__(self, settings: Settings, headers: Mapping[str, Sequence[str]], files: Mapping[str, str]) -> None:
        self.settings, self.headers, self.files = settings, dict(headers), dict(files)
        self._engine: Engine | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_engine": None}

    @property
    def engine(self) -> Engine:
        """The compiled plan and writers of this process."""
        if self._engine is None:
            self._engine = Engine(self.settings)
            self._assembler = Assembler(self._engine.profile, self.headers, self.files)
            self._columns = _columns(self._engine.plan, self.headers, self.files)
            self._defaults = _default_outcomes(self._engine, self._columns)
        return self._engine

    def default_outcomes(self) -> dict[tuple[str, str], Outcome]:
        """(target, `file/column`) -> outcome of a value of which nothing else is said."""
        self.engine  # noqa: B018 - compiles
        return self._defaults

    def columns(self) -> dict[str, tuple[Feed, ...]]:
        """`file/column` -> the hub slots that it may flow into."""
        self.engine  # noqa: B018 - compiles
        return self._columns

    def __call__(self, batch: Batch) -> BatchResult:
        """Convert *batch*."""
        engine = self.engine
        result = BatchResult()
        self._count_rows(batch, result)
        for raw in batch.subjects:
            result.account.subjects["read"] += 1
            if batch.skip:
                self._set_aside(raw, Outcome.SKIPPED, result)
                continue
            try:
                self._convert(engine, raw, result)
            except Exception as error:  # noqa: BLE001 - the batch boundary: one bad record never stops a run
                self._fail(raw, error, result)
        result.run_notes = engine.environment.run_notes.copy()
        return result

    def _count_rows(self, batch: Batch, result: BatchResult) -> None:
        """Rows read, and per column the cells that are not blank."""
        blank = self._engine.profile.assembly.blank if self._engine else ()
        by_table: dict[str, list[Sequence[str]]] = {}
        for raw in batch.subjects:
            for table, rows in raw.rows.items():
                by_table.setdefault(table, []).extend(row.cells for row in rows)
        for table, cells in by_table.items():
            file = self.files[table]
            result.account.row(file, "read", len(cells))
            for name, column in zip(self.headers[table], zip(*cells, strict=True), strict=True):
                filled = len(column) - column.count("") - sum(column.count(b) for b in blank)
                key = f"{file}/{name}"
                result.account.read[key] = result.account.read.get(key, 0) + filled

    def _convert(self, engine: Engine, raw: RawSubject, result: BatchResult) -> None:
        assembled = self._assembler.assemble(raw)
        log = SubjectLog()
        record = engine.derive(assembled.record, log)
        subject_id = record["subject_id"]
        if self.settings.consent == "require" and engine.consent_refused(record):
            self._set_aside(raw, Outcome.SKIPPED, result)
            self._say(
                result, "privacy.consent-refused", subject_id, Outcome.SKIPPED, "the record refuses the reuse of data"
            )
            return
        documents, target_logs = engine.write(record)
        for target, lines in documents.items():
            for document in lines:
                result.write(f"{target}/{document.stem}.ndjson", document.line + b"\n")
        if not consent_stated(record):
            self._say(
                result, "privacy.consent-not-stated", subject_id, None, "the record says nothing of the reuse of data"
            )
        self._report_rows(assembled.rejected, subject_id, result)
        for bad in assembled.bad_cells:
            result.find(replace(bad.finding, subject=subject_id))
            self._lose_cell(bad.cell, Outcome.REJECTED, result)
        self._report_notes(log, subject_id, result)
        self._report_violations(engine.judge(record), record, result)
        self._account(record, log, target_logs, result)
        self._lineage(raw, record, result)
        result.account.subjects["converted"] += 1
        rejected = {id(bad.row) for bad in assembled.rejected}
        for table, rows in raw.rows.items():
            result.account.row(self.files[table], "used", sum(id(row) not in rejected for row in rows))

    def _say(self, result: BatchResult, rule_id: str, subject: str, outcome: Outcome | None, message: str) -> None:
        known = rule(rule_id)
        result.find(Finding(rule_id, known.severity, message, outcome, subject=subject, fix=known.fix))

    def _set_aside(self, raw: RawSubject, outcome: Outcome, result: BatchResult) -> None:
        """Count a whole subject as skipped or rejected."""
        result.account.subjects[outcome.value] += 1
        for table, rows in raw.rows.items():
            result.account.row(self.files[table], outcome.value, len(rows))
            for row in rows:
                self._lose_row(table, row, outcome, result)

    def _fail(self, raw: RawSubject, error: Exception, result: BatchResult) -> None:
        subject = self.settings.key.pseudonym(self.settings.site, "subject", raw.key)
        self._set_aside(raw, Outcome.REJECTED, result)
        finding = Finding("internal.error", Severity.FATAL, safe_message(error), Outcome.REJECTED, subject=subject)
        result.find(finding)
        result.write("private/rejects.ndjson", self._reject_line(finding, None))

    def _lose_row(self, table: str, row: RawRow, outcome: Outcome, result: BatchResult) -> None:
        blank = self.engine.profile.assembly.blank
        for name, value in zip(self.headers[table], row.cells, strict=False):
            if value and value not in blank:
                self._lose_cell(Cell(self.files[table], row.number, name), outcome, result)

    def _lose_cell(self, cell: Cell, outcome: Outcome, result: BatchResult) -> None:
        for target in self.settings.targets:
            result.account.lose(target, f"{cell.file}/{cell.column}", outcome)

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
            document["values"] = dict(zip(self.headers[bad.table], bad.row.cells, strict=False))
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
        self, record: HubObject, log: SubjectLog, target_logs: Mapping[str, TargetLog], result: BatchResult
    ) -> None:
        cells = log.exceptional_cells()
        for target, target_log in target_logs.items():
            exceptional = {cell: {feed: said[0] for feed, said in feeds.items()} for cell, feeds in cells.items()}
            for loss in target_log.losses:
                self._report_loss(target, loss, record["subject_id"], exceptional, result)
            for element, number in target_log.defaulted.items():
                result.account.default(target, element, number)
            self._count_exceptions(target, exceptional, result)
        self._report_unsaid(log, record["subject_id"], result)

    def _report_loss(
        self, target: str, loss: Loss, subject: str, exceptional: dict[Cell, dict[Feed, Outcome]], result: BatchResult
    ) -> None:
        """One finding per loss; every cell that made the lost slot is exceptional for this target."""
        lineage = loss.hub_object.derivation
        first: Cell | None = None
        if lineage is not None:
            slots = lineage.feeds if loss.slot == "*" else (loss.slot,)
            for slot in slots:
                for feed, cell in lineage.fed_cells(loss.hub_object, slot):
                    first = first or cell
                    feeds = exceptional.setdefault(cell, {})
                    if feeds.get(feed, Outcome.CARRIED) in (Outcome.CARRIED, Outcome.COARSENED):
                        feeds[feed] = loss.outcome
        name = "target.coarsened" if loss.outcome is Outcome.COARSENED else "target.not-held"
        result.find(
            Finding(
                name, rule(name).severity, loss.message, loss.outcome, subject, first, target, loss.path, rule(name).fix
            )
        )

    def _count_exceptions(
        self, target: str, exceptional: Mapping[Cell, Mapping[Feed, Outcome]], result: BatchResult
    ) -> None:
        declaration = self.engine.writers[target].declaration
        for cell, feeds in exceptional.items():
            column = f"{cell.file}/{cell.column}"
            outcome = best_outcome(
                feeds.get(feed, declaration[f"{feed.hub_class}.{feed.slot}"].outcome) for feed in self._columns[column]
            )
            if outcome is not self._defaults[(target, column)]:
                result.account.lose(target, column, outcome)

    def _report_unsaid(self, log: SubjectLog, subject: str, result: BatchResult) -> None:
        """A filled cell that made nothing anywhere and of which nothing was said: a gap of the map, reported."""
        for cell, feeds in log.exceptional_cells().items():
            column = f"{cell.file}/{cell.column}"
            known = self._columns[column]
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

    def _lineage(self, raw: RawSubject, record: HubObject, result: BatchResult) -> None:
        """The rows of the subject, and of every object of its record: what `harmonize trace` needs."""
        rows = {self.files[table]: [row.number for row in rows] for table, rows in raw.rows.items()}
        objects = {
            f"/{slot}/{index}": rows_of(item.source)
            for slot, value in record.items()
            if isinstance(value, list)
            for index, item in enumerate(value)
        }
        line = {"subject": record["subject_id"], "rows": rows, "objects": objects}
        result.write("private/lineage.ndjson", orjson.dumps(line) + b"\n")


def _columns(plan: Plan, headers: Mapping[str, Sequence[str]], files: Mapping[str, str]) -> dict[str, tuple[Feed, ...]]:
    """`file/column` -> feeds. The subject's identifier feeds the subject's id in every table."""
    profile = plan.profile
    root_feeds = plan.fed_by.get((profile.source.root, profile.assembly.subject), ())
    result = {}
    for spec in profile.assembly.tables:
        for name in headers.get(spec.name, ()):
            slot = spec.slot_of(name)
            feeds = plan.fed_by.get((spec.row_class, slot), ())
            if spec.group is not None and slot in spec.group.lift:
                feeds += plan.fed_by.get((spec.group.row_class, slot), ())
            if name == profile.assembly.subject:
                feeds += root_feeds
            result[f"{files[spec.name]}/{name}"] = tuple(dict.fromkeys(feeds))
    return result


def _default_outcomes(engine: Engine, columns: Mapping[str, tuple[Feed, ...]]) -> dict[tuple[str, str], Outcome]:
    return {
        (target, column): best_outcome(writer.declaration[f"{f.hub_class}.{f.slot}"].outcome for f in feeds)
        if feeds
        else Outcome.DROPPED
        for target, writer in engine.writers.items()
        for column, feeds in columns.items()
    }


# --- a run over files -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunOptions:
    """What a run over files is told beside the settings of the conversion."""

    inputs: tuple[Path, ...]
    out: Path
    jobs: int = 1
    limit: int | None = None
    max_errors: str = "10%"


class RunOutcome(NamedTuple):
    """The end of a run."""

    manifest: dict[str, Any]
    report: dict[str, Any]
    rejected_too_many: TooManyRejectsError | None
    partly_read: bool


def default_instant() -> str:
    """SOURCE_DATE_EPOCH, else now: an RFC 3339 instant in UTC, whole seconds."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = dt.datetime.fromtimestamp(int(epoch), dt.UTC) if epoch else dt.datetime.now(dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def convert_files(settings: Settings, options: RunOptions) -> RunOutcome:
    """Convert *options.inputs* into the folder *options.out*. Writes the manifest last.

    Raises CallError, SpecificationError or InputError where the run cannot start or go on.
    """
    profile = load_profile(settings.profile)
    with OutputFolder(options.out) as folder:
        source = open_source(profile, options.inputs, folder.work_folder)
        worker = Worker(settings, source.headers, source.files)
        run = _Run(settings, options, folder, source, worker)
        for result in local.run(worker, run.batches(), options.jobs):
            run.take(result)
        return run.finish()


class _Run:
    """The state of one run in the main process: the account, the counts, the open folder."""

    def __init__(
        self, settings: Settings, options: RunOptions, folder: OutputFolder, source: Source, worker: Worker
    ) -> None:
        self.settings, self.options, self.folder, self.source, self.worker = settings, options, folder, source, worker
        self.account, self.counts = Accounting(), RuleCounts()
        self.account.default_outcomes = worker.default_outcomes()
        self.run_notes: dict[tuple[str, str], RunNote] = {}
        self.partly = False
        self.of_reader = RuleCounts()
        self.aside: dict[str, IO[bytes]] = {
            name: tempfile.TemporaryFile(dir=folder.work_folder)  # noqa: SIM115 - closed when brought back
            for name in ("findings", "rejects")
        }
        for target in settings.targets:
            for stem in ("subjects",) if target == "hub" else ():
                folder.write(f"{target}/{stem}.ndjson", b"")
        for name in ("findings", "rejects", "lineage"):
            folder.write(f"private/{name}.ndjson", b"")
        for table, file in source.files.items():
            self.account.row(file, "read", 0)
            self.account.read.update({f"{file}/{column}": 0 for column in source.headers[table]})

    def batches(self) -> Iterator[Batch]:
        """Raw subjects in batches; those past the limit are marked to be counted only."""
        buffer: list[RawSubject] = []
        skip, limit = False, self.options.limit
        for taken, raw in enumerate(self.source.subjects()):
            if limit is not None and taken >= limit and not skip:
                if buffer:
                    yield Batch(buffer)
                buffer, skip = [], True
            buffer.append(raw)
            if len(buffer) >= BATCH_SUBJECTS:
                yield Batch(buffer, skip)
                buffer = []
        if buffer:
            yield Batch(buffer, skip)

    def take(self, result: BatchResult) -> None:
        """Write what a batch made and add its counts."""
        for name, lines in result.lines.items():
            self.folder.write(name, b"".join(lines))
        self.account.add(result.account)
        self.counts.merge(result.counts)
        self.run_notes.update(result.run_notes)
        self._take_read_log()

    def find(self, finding: Finding) -> None:
        """Count and write a finding of the run."""
        finding = _with_advice(finding)
        self.counts.add(finding)
        self.folder.write("private/findings.ndjson", finding.line())

    def _take_read_log(self) -> None:
        """What the reader says goes aside and to the end: when it says it depends on how far it has read ahead."""
        log = self.source.log.drain()
        self.partly = self.partly or log.partly
        for finding in log.findings:
            self._set_aside(finding)
        for bad in log.rejected:
            self._take_rejected(bad)
        self.account.subjects["read"] += log.rejected_subjects
        self.account.subjects["rejected"] += log.rejected_subjects
        for column, finding in log.rejected_cells:
            self._set_aside(finding, reject=orjson.dumps(finding.as_json()))
            self.account.read[column] = self.account.read.get(column, 0) + 1
            for target in self.settings.targets:
                self.account.lose(target, column, Outcome.REJECTED)

    def _set_aside(self, finding: Finding, reject: bytes | None = None) -> None:
        finding = _with_advice(finding)
        self.of_reader.add(finding)
        self.aside["findings"].write(finding.line())
        if reject is not None:
            self.aside["rejects"].write(reject + b"\n")

    def _bring_back(self) -> None:
        """Append what was set aside."""
        self.counts.merge(self.of_reader)
        for name, file in self.aside.items():
            file.seek(0)
            for line in file:
                self.folder.write(f"private/{name}.ndjson", line)
            file.close()

    def _take_rejected(self, bad: BadRow) -> None:
        """A row that reached no subject: it was read, and all its values are rejected."""
        file = self.source.files[bad.table]
        self.account.row(file, "read")
        self.account.row(file, "rejected")
        document = _with_advice(bad.finding).as_json()
        if self.settings.include_values:
            document["values"] = dict(zip(self.source.headers[bad.table], bad.row.cells, strict=False))
        self._set_aside(bad.finding, reject=orjson.dumps(document))
        blank = self.worker.engine.profile.assembly.blank
        for name, value in zip(self.source.headers[bad.table], bad.row.cells, strict=False):
            if value and value not in blank:
                column = f"{file}/{name}"
                self.account.read[column] = self.account.read.get(column, 0) + 1
                for target in self.settings.targets:
                    self.account.lose(target, column, Outcome.REJECTED)

    def finish(self) -> RunOutcome:
        """Close the writers, say what is said once, write report and manifest."""
        self._take_read_log()
        self._bring_back()
        engine = self.worker.engine
        self.folder.flush()
        for target, writer in engine.writers.items():
            for stem, pieces in writer.close(self.account.subjects["converted"], self.folder.folder / target):
                for piece in pieces:
                    self.folder.write(f"{target}/{stem}.ndjson", piece)
        self._say_notes_of_the_run(engine)
        self._say_columns_that_are_not_carried(engine)
        too_many = _too_many(self.account, self.options.max_errors)
        problems = self.account.problems(self.settings.targets)
        if problems:
            raise AssertionError(f"the account does not add up: {', '.join(problems)}")
        status = "partial" if self.partly or too_many else "complete"
        manifest = self._manifest(engine, status)
        left_out = {column for column, feeds in self.worker.columns().items() if not feeds}
        report = report_document(manifest, self.counts, left_out)
        self.folder.finish(manifest, {"report.json": report})
        return RunOutcome(manifest, report, too_many, self.partly)

    def _say_notes_of_the_run(self, engine: Engine) -> None:
        self.run_notes.update(engine.environment.run_notes)
        for (rule_id, _), note in sorted(self.run_notes.items()):
            self.find(Finding(rule_id, note.severity, note.message, fix=note.fix))
        for target, elements in sorted(self.account.defaulted.items()):
            for element, number in sorted(elements.items()):
                given = engine.writers[target].defaults[element]
                message = f"{element} is demanded by {target} and stated by no source: {given!r} is written"
                self.find(
                    Finding(
                        "target.defaulted",
                        Severity.INFO,
                        message,
                        Outcome.DEFAULTED,
                        target=target,
                        path=None,
                        count=number,
                    )
                )

    def _say_columns_that_are_not_carried(self, engine: Engine) -> None:
        """One finding per target and column whose values are dropped or coarsened by declaration."""
        profile, columns = engine.profile, self.worker.columns()
        counts = self.account.value_counts(self.settings.targets)
        tables = {self.source.files[t.name]: t for t in profile.assembly.tables if t.name in self.source.files}
        for target in self.settings.targets:
            declaration = engine.writers[target].declaration
            for column, feeds in sorted(columns.items()):
                default = self.account.default_outcomes[(target, column)]
                number = counts[target][column][default.value]
                if default is Outcome.CARRIED or not number:
                    continue
                file, _, name = column.partition("/")
                if feeds:
                    reasons = sorted({declaration[f"{f.hub_class}.{f.slot}"].reason for f in feeds})
                    rule_id, reason = "target.declared-loss", "; ".join(filter(None, reasons))
                else:
                    rule_id = "mapping.left-out"
                    reason = (
                        profile.left_out_reason(tables[file].row_class, tables[file].slot_of(name))
                        or "the profile does not know the column"
                    )
                self.find(
                    Finding(
                        rule_id,
                        rule(rule_id).severity,
                        reason,
                        default,
                        None,
                        Cell(file, None, name),
                        target,
                        None,
                        count=number,
                    )
                )

    def _manifest(self, engine: Engine, status: str) -> dict[str, Any]:
        profile = engine.profile
        return {
            "status": status,
            "schema_version": "1.0",
            "harmonize": harmonize.__version__,
            "hub": hub_schema().version,
            "profile": {"id": profile.id, "version": profile.version, "sha256": profile.sha256},
            "targets": list(self.settings.targets),
            "site": self.settings.site,
            "consent": self.settings.consent,
            "recorded": self.settings.recorded,
            "key_id": self.settings.key.key_id,
            "terminologies": engine.environment.terminologies.digests(),
            "inputs": [{"file": name, "sha256": digest} for name, digest in sorted(self.source.digests.items())],
            "counts": {
                "subjects": self.account.subjects,
                "rows": dict(sorted(self.account.rows.items())),
                "values": self.account.value_counts(self.settings.targets),
                "defaulted": self.account.defaulted,
            },
        }


def _too_many(account: Accounting, allowed: str) -> TooManyRejectsError | None:
    """The error where more was rejected than *allowed*: a number of rows, or a share of rows or of subjects."""
    rows_read = sum(counts["read"] for counts in account.rows.values())
    rows_rejected = sum(counts["rejected"] for counts in account.rows.values())
    subjects = account.subjects
    try:
        if allowed.endswith("%"):
            share = float(allowed[:-1]) / 100
            bad = rows_rejected > share * rows_read or subjects["rejected"] > share * subjects["read"]
        else:
            bad = rows_rejected > int(allowed)
    except ValueError:
        raise CallError(f"--max-errors {allowed!r} is neither a number nor a percentage") from None
    return TooManyRejectsError(rows_rejected, rows_read, allowed) if bad else None


# --- records in memory ----------------------------------------------------------------------------------------------


class Converter:
    """Convert source records that a caller holds in memory: dicts in the shape of the profile's `source.yaml`.

    It pickles (as its settings) and can be called from many processes. Findings say what was lost.

    >>> from harmonize import Converter
    >>> converter = Converter("eu/ern-cde", targets=["hub", "phenopackets"], key=bytes(32), site="demo")
    >>> subject = next(converter.convert([{"pid": "1", "sex": {"valueIRI": "http://purl.obolibrary.org/obo/NCIT_C16576"}}]))
    >>> subject.status, sorted(subject.documents)
    ('converted', ['hub', 'phenopackets'])
    """

    def __init__(
        self,
        profile: str,
        *,
        targets: Sequence[str] = ("hub",),
        key: bytes,
        site: str = "site",
        consent: str = "require",
        recorded: str | None = None,
    ) -> None:
        """*key* holds 32 secret bytes; *recorded* is the instant that documents show, by default SOURCE_DATE_EPOCH or now."""
        from harmonize.pseudonyms import key_from_secret

        if consent not in CONSENT_MODES:
            raise CallError(f"consent is one of {', '.join(CONSENT_MODES)}")
        self.settings = Settings(
            profile, tuple(targets), key_from_secret(key), site, consent, recorded or default_instant()
        )
        self._engine: Engine | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_engine": None}

    @property
    def engine(self) -> Engine:
        """The compiled plan and writers."""
        if self._engine is None:
            self._engine = Engine(self.settings)
        return self._engine

    def convert(self, records: Iterable[Mapping[str, Any]]) -> Iterator[Subject]:
        """One `Subject` for every record, in order. A refused or failing record has status skipped or rejected."""
        for record in records:
            yield self._convert(record)

    def _convert(self, plain: Mapping[str, Any]) -> Subject:
        engine = self.engine
        log = SubjectLog()
        try:
            record = engine.derive(source_object(plain), log)
            if self.settings.consent == "require" and engine.consent_refused(record):
                known = rule("privacy.consent-refused")
                finding = Finding(known.id, known.severity, known.title, Outcome.SKIPPED, record.get("subject_id"))
                return Subject(None, {}, [finding], "skipped")
            documents, logs = engine.write(record)
            violations = engine.judge(record)
        except Exception as error:  # noqa: BLE001 - one bad record never stops the others
            return Subject(
                None, {}, [Finding("internal.error", Severity.FATAL, safe_message(error), Outcome.REJECTED)], "rejected"
            )
        return Subject(record, documents, _findings_in_memory(record, log, logs, violations), "converted")


def _findings_in_memory(
    record: HubObject, log: SubjectLog, logs: Mapping[str, TargetLog], violations: list[Violation]
) -> list[Finding]:
    subject = record.get("subject_id")
    found = [
        Finding(n.rule, n.severity, n.message, n.outcome, subject, target="hub", path=slot, fix=n.fix)
        for n, _, slot in log.notes
    ]
    found += [
        Finding(
            v.rule, rule(v.rule).severity, v.message, None, subject, target="hub", path=v.path, fix=rule(v.rule).fix
        )
        for v in violations
    ]
    for target, target_log in logs.items():
        for loss in target_log.losses:
            name = "target.coarsened" if loss.outcome is Outcome.COARSENED else "target.not-held"
            found.append(
                Finding(name, rule(name).severity, loss.message, loss.outcome, subject, None, target, loss.path)
            )
    if not consent_stated(record):
        known = rule("privacy.consent-not-stated")
        found.append(Finding(known.id, known.severity, known.title, None, subject))
    return found
