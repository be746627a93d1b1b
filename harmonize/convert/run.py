"""A run over files: batches to workers, results to the folder, manifest last."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

import harmonize
from harmonize.checks.catalogue import rule
from harmonize.convert.batch_result import FinishedBatch, with_advice
from harmonize.convert.batches import Batch, PackedBatch, TableColumns
from harmonize.convert.checkpoint import require_same_call, require_same_run
from harmonize.convert.column_outcomes import left_out_reason
from harmonize.convert.engine import Engine, Settings, make_environment
from harmonize.convert.reject_limit import reject_limit
from harmonize.convert.tally import Tally
from harmonize.convert.worker import Worker, preload
from harmonize.engines import local
from harmonize.errors import CallError, TooManyRejectsError
from harmonize.findings import Accounting, Cell, Finding, Outcome, Severity
from harmonize.hub import hub_schema
from harmonize.input.files import find_files, fingerprint
from harmonize.input.opening import Opening
from harmonize.input.subjects import RowsOutOfOrder
from harmonize.input.watched_files import WatchedFiles
from harmonize.output_folder import MANIFEST, PRIVATE, OutputError, OutputFolder, read_manifest
from harmonize.profiles.assembly import BadRow, RawSubject
from harmonize.profiles.coded_values import Environment
from harmonize.profiles.loading import load_profile
from harmonize.profiles.notes import Feed
from harmonize.profiles.specification import Profile
from harmonize.readers import Source, open_source
from harmonize.report.report_file import read_report
from harmonize.report.rule_counts import RuleCounts
from harmonize.report.run_report import run_report
from harmonize.writers import support_of

BATCH_SUBJECTS = 200
SHARD_SUBJECTS = 100_000
"""Subjects of the input in one shard; a run with more writes `<name>.NNNN.ndjson`."""
CHECKPOINT_SECONDS = 10.0


@dataclass(frozen=True)
class RunOptions:
    """What a run over files is told beside the settings of the conversion."""

    inputs: tuple[Path, ...]
    out: Path
    jobs: int = 1
    limit: int | None = None
    max_errors: str = "10%"
    resume: bool = False
    """Go on from the last checkpoint of a run into the same folder that was stopped."""
    memory: int | None = None
    """Bytes that sorting may take; None: a share of what the machine or the container has."""
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    schemas: tuple[Path, ...] = ()
    """XSDs, as files or folders, by which XML documents are judged."""
    progress: Callable[[Progress], None] | None = None
    """Called in the main process after each batch."""


class Progress(NamedTuple):
    """How far a run is."""

    subjects: int
    rows: int
    rejected: int
    """Rows that were rejected."""
    share: float | None
    """The part of the input that was read, 0 to 1; None where nobody knows how much there is."""


class RunOutcome(NamedTuple):
    """The end of a run."""

    manifest: dict[str, Any]
    report: dict[str, Any]
    rejected_too_many: TooManyRejectsError | None
    partly_read: bool


def default_instant() -> str:
    """SOURCE_DATE_EPOCH, else now: an RFC 3339 instant in UTC, whole seconds."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch and not re.fullmatch("[0-9]{1,11}", epoch):
        raise CallError("SOURCE_DATE_EPOCH is no number of seconds. To mend it: unset it, or write seconds since 1970")
    moment = dt.datetime.fromtimestamp(int(epoch), dt.UTC) if epoch else dt.datetime.now(dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def convert_files(settings: Settings, options: RunOptions) -> RunOutcome:
    """Convert *options.inputs* into the folder *options.out*. Writes the manifest last.

    Raises CallError, SpecificationError or InputError where the run cannot start or go on.
    """
    profile = load_profile(settings.profile)
    reject_limit(options.max_errors)
    with OutputFolder(options.out) as folder, local.rare_collections():
        checkpoint = None
        if options.resume:
            if (options.out / MANIFEST).is_file():
                return _finished_run(settings, options, profile)
            checkpoint = folder.checkpoint()
        if checkpoint is not None:
            settings = replace(settings, recorded=checkpoint["recorded"])
        to_sort = frozenset(checkpoint["to_sort"] if checkpoint else ())
        while True:
            try:
                return _attempt(settings, options, folder, to_sort, checkpoint)
            except RowsOutOfOrder as found:  # it looked as if it were in order: begin anew with the table sorted
                to_sort, checkpoint = to_sort | {found.table}, None
                folder.start_over()


def _attempt(
    settings: Settings,
    options: RunOptions,
    folder: OutputFolder,
    to_sort: frozenset[str],
    checkpoint: Mapping[str, Any] | None,
) -> RunOutcome:
    """The run from reading to its end. Raises RowsOutOfOrder where a table has to be sorted that is not among those *to_sort*."""
    profile = load_profile(settings.profile)
    before = {path: fingerprint(path) for path in find_files(options.inputs)}  # opening a source may read it whole
    with local.Pool(options.jobs, partial(preload, settings)) as pool:
        opening = Opening(profile, options.inputs, folder.work_folder, to_sort, options.memory, options.schemas)
        source = open_source(opening)
        columns = TableColumns(source.headers, source.kept, profile.assembly.delimiter)
        worker = Worker(settings, columns, source.files, source.references, source.parts)
        watched = WatchedFiles({path: before[path] for path in source.inputs})
        run = _Run(settings, options, folder, source, worker, to_sort, watched)
        try:
            return run.go(checkpoint, pool)
        finally:
            run.close()


def _finished_run(settings: Settings, options: RunOptions, profile: Profile) -> RunOutcome:
    """The outcome of a run that has nothing left to do. Raises CallError where it is not the run that is asked for."""
    manifest = read_manifest(options.out)
    environment = make_environment(profile, settings.key, settings.site)
    require_same_run(manifest, _identity(settings, options, profile, environment), find_files(options.inputs))
    report = read_report(options.out)
    counts = manifest["counts"]
    too_many = reject_limit(options.max_errors).error(counts["rows"], counts["subjects"])
    partly = any(check["findings"]["fatal"] for check in report["checks"] if check["rule"].startswith("source."))
    if manifest["status"] == "partial" and not partly and too_many is None:
        raise CallError(
            "the finished run had another --max-errors and is partial. To mend it: convert without --resume"
        )
    return RunOutcome(manifest, report, too_many, partly)


def _identity(settings: Settings, options: RunOptions, profile: Profile, environment: Environment) -> dict[str, Any]:
    """What tells a run from another one that has the same input, as manifests say it."""
    limit = {} if options.limit is None else {"limit": options.limit}
    folder = {} if settings.profile == profile.id else {"folder": settings.profile}
    return {
        "harmonize": harmonize.__version__,
        "hub": hub_schema().version,
        "profile": {"id": profile.id, "version": profile.version, "sha256": profile.sha256, **folder},
        "targets": list(settings.targets),
        "site": settings.site,
        "consent": settings.consent,
        "key_id": settings.key.key_id,
        "terminologies": environment.terminologies.digests(),
        "code_maps": {name: code_map.digests() for name, code_map in sorted(environment.code_maps.items())},
        **limit,
    }


class _Run:
    """The state of one run in the main process: the account, the counts, the open folder."""

    def __init__(
        self,
        settings: Settings,
        options: RunOptions,
        folder: OutputFolder,
        source: Source,
        worker: Worker,
        to_sort: frozenset[str],
        watched: WatchedFiles,
    ) -> None:
        self.settings, self.options, self.folder, self.source, self.worker = settings, options, folder, source, worker
        self.to_sort = to_sort
        self.tally = Tally()
        """What the workers counted; what the reader says is counted apart, for it is read again when a run goes on."""
        self.tally.account.default_outcomes = worker.default_outcomes()
        self.of_reader = Accounting()
        for table, file in source.files.items():
            self.of_reader.row(file, "read", 0)
            self.of_reader.read.update({f"{file}/{column}": 0 for column in source.headers[table]})
        self.findings_of_reader = RuleCounts()
        self.limit = reject_limit(options.max_errors)
        self.partly = False
        self.batches_done = 0
        self.saved_at = time.monotonic()
        self.watched = watched
        source.log.when_full = self._take_read_log
        self.aside: dict[str, IO[bytes]] = {
            name: tempfile.TemporaryFile(dir=folder.work_folder)  # noqa: SIM115 - closed by `close`
            for name in ("findings", "rejects")
        }

    def go(self, checkpoint: Mapping[str, Any] | None, pool: local.Pool) -> RunOutcome:
        """Convert everything, or what is left behind *checkpoint*."""
        if checkpoint is None:
            self._start()
        else:
            require_same_call(checkpoint, self._call())
            self.folder.restore(checkpoint)
            self.tally = Tally.from_json(checkpoint["tally"], self.tally.account.default_outcomes)
            self.batches_done = checkpoint["batches"]
        batches: Iterator[Batch | PackedBatch] = islice(self.batches(), self.batches_done, None)
        if self.options.jobs > 1:
            batches = (batch.packed() for batch in batches if isinstance(batch, Batch))
        for result in pool.run(self.worker, batches):
            self.take(result)
        return self.finish()

    def close(self) -> None:
        """Let go of what was set aside, and of digests that nobody asks for any more."""
        self.watched.close()
        for file in self.aside.values():
            with contextlib.suppress(OSError):  # a full disk, which what was being written has said already
                file.close()

    def _start(self) -> None:
        """Files that every run has, and a first checkpoint: it keeps the instant that documents show."""
        for target in self.settings.targets:
            for stem in ("subjects",) if target == "hub" else ():
                self.folder.write(f"{target}/{stem}.ndjson", b"", 0)
        for name in ("findings", "rejects", "lineage"):
            self.folder.write(f"{PRIVATE}/{name}.ndjson", b"")
        self._save()

    def _save(self) -> None:
        self.folder.save(
            {
                "recorded": self.settings.recorded,
                "to_sort": sorted(self.to_sort),
                "call": self._call(),
                "batches": self.batches_done,
                "tally": self.tally.as_json(),
            }
        )
        self.saved_at = time.monotonic()

    def _call(self) -> dict[str, Any]:
        """What must be the same for a run to go on."""
        engine = self.worker.engine
        return {
            **_identity(self.settings, self.options, engine.profile, engine.environment),
            "values": self.settings.include_values,
            "input": self.watched.as_json(),
            "xsd": [path.name for path in self.options.schemas],
        }

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

    def take(self, result: FinishedBatch) -> None:
        """Write what a batch made and add its counts."""
        shard = self.batches_done * BATCH_SUBJECTS // SHARD_SUBJECTS
        for name, (text, number) in result.lines.items():
            self.folder.write(name, text, None if name.startswith(f"{PRIVATE}/") else shard, number)
        self.tally.add(result.tally)
        self.batches_done += 1
        self._take_read_log()
        if time.monotonic() - self.saved_at >= self.options.checkpoint_seconds:
            self._save()
        if self.options.progress is not None:
            self.options.progress(self._progress())

    def _progress(self) -> Progress:
        counts = [*self.tally.account.rows.values(), *self.of_reader.rows.values()]
        rows, rejected = (sum(count[name] for count in counts) for name in ("read", "rejected"))
        subjects = self.tally.account.subjects["read"] + self.of_reader.subjects["read"]
        return Progress(subjects, rows, rejected, self.watched.share_of(self.source.log.bytes_read))

    def find(self, finding: Finding) -> None:
        """Count and write a finding of the run."""
        finding = with_advice(finding)
        self.tally.counts.add(finding)
        self.folder.write(f"{PRIVATE}/findings.ndjson", finding.line() + b"\n")

    def _take_read_log(self) -> None:
        """What the reader says goes aside and to the end: when it says it depends on how far it has read ahead."""
        log = self.source.log.drain()
        self.partly = self.partly or log.partly
        for finding in log.findings:
            self._set_aside(finding)
        for bad in log.rejected:
            self._take_rejected(bad)
        for file, number in log.rows.items():
            self.of_reader.row(file, "read", number)
        for column, number in log.filled.items():
            self.of_reader.read[column] += number
        self.of_reader.subjects["read"] += log.rejected_subjects
        self.of_reader.subjects["rejected"] += log.rejected_subjects
        for column, finding in log.rejected_cells:
            self._set_aside(finding, reject=finding.line())
            self._reject_value(column)

    def _reject_value(self, column: str, read: int = 1) -> None:
        self.of_reader.read[column] = self.of_reader.read.get(column, 0) + read
        for target in self.settings.targets:
            self.of_reader.lose(target, column, Outcome.REJECTED)

    def _set_aside(self, finding: Finding, reject: bytes | None = None) -> None:
        finding = with_advice(finding)
        self.findings_of_reader.add(finding)
        self._put_aside("findings", finding.line())
        if reject is not None:
            self._put_aside("rejects", reject)

    def _put_aside(self, name: str, line: bytes) -> None:
        try:
            self.aside[name].write(line + b"\n")
        except OSError as error:
            raise OutputError(
                f"cannot write {name}: {error.strerror}. To mend it: free space or choose another --out"
            ) from None

    def _bring_back(self) -> None:
        """Append what was set aside."""
        self.tally.account.add(self.of_reader)
        for counts in self.tally.account.rows.values():
            counts["used"] = counts["read"] - counts["rejected"] - counts["skipped"]
        self.tally.counts.merge(self.findings_of_reader)
        for name, file in self.aside.items():
            file.seek(0)
            for line in file:
                self.folder.write(f"{PRIVATE}/{name}.ndjson", line)

    def _take_rejected(self, bad: BadRow) -> None:
        """A row that reached no subject: it was read, and all its values are rejected."""
        file = self.source.files[bad.table]
        self.of_reader.row(file, "read", 0 if bad.counted else 1)
        self.of_reader.row(file, "rejected")
        document = with_advice(bad.finding).as_json()
        header, assembly = self.source.headers[bad.table], self.worker.engine.profile.assembly
        if self.settings.include_values:
            document["values"] = dict(zip(header, bad.row.all_cells(assembly.delimiter), strict=False))
        self._set_aside(bad.finding, reject=orjson.dumps(document))
        for name, value in zip(header, bad.row.all_cells(assembly.delimiter), strict=False):
            if value not in assembly.blank_texts(name):
                self._reject_value(f"{file}/{name}", 0 if bad.counted else 1)

    def finish(self) -> RunOutcome:
        """Close the writers, say what is said once, write report and manifest."""
        self._say_changed_input()
        self._take_read_log()
        self._bring_back()
        engine = self.worker.engine
        for target, writer in engine.writers.items():
            parts = partial(self._parts, target)
            for stem, pieces in writer.close(self.tally.account.subjects["converted"], parts):
                for piece in pieces:
                    self.folder.write(f"{target}/{stem}.ndjson", piece)
        self._say_notes_of_the_run(engine)
        self._say_values_that_are_left_out()
        self._say_columns_without_values()
        self._say_columns_that_are_not_carried(engine)
        too_many = self.limit.error(self.tally.account.rows, self.tally.account.subjects)
        problems = self.tally.account.problems(self.settings.targets)
        if problems:
            raise AssertionError(f"the account does not add up: {', '.join(problems)}")
        status = "partial" if self.partly or too_many else "complete"
        manifest = self._manifest(engine, status)
        left_out = {column for column, feeds in self.worker.columns().items() if not feeds}
        report = run_report(manifest, self.tally.counts, left_out, self.folder.lines())
        sharded = (self.batches_done - 1) * BATCH_SUBJECTS >= SHARD_SUBJECTS
        self.folder.finish(manifest, {"report.json": report}, sharded=sharded)
        return RunOutcome(manifest, report, too_many, self.partly)

    def _parts(self, target: str, stem: str) -> list[Path]:
        return self.folder.parts(f"{target}/{stem}.ndjson")

    def _say_changed_input(self) -> None:
        """Input that changed while it was read was read neither as it was nor as it is."""
        for path in self.watched.changed():
            message = "the file changed while it was read"
            fix = "convert a copy that nobody writes to"
            self.source.log.findings.append(
                Finding("source.changed", Severity.FATAL, message, cell=Cell(path.name, None, None), fix=fix)
            )
            self.source.log.partly = True

    def _say_notes_of_the_run(self, engine: Engine) -> None:
        self.tally.run_notes.update(engine.environment.run_notes)
        for (rule_id, _), note in sorted(self.tally.run_notes.items()):
            self.find(Finding(rule_id, note.severity, note.message, fix=note.fix))
        for target, elements in sorted(self.tally.account.defaulted.items()):
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
        """One finding per target, column and outcome for values that are dropped or coarsened by declaration."""
        counts = self.tally.account.value_counts(self.settings.targets)
        for target in self.settings.targets:
            for column, feeds in sorted(self.worker.columns().items()):
                default = self.tally.account.default_outcomes[(target, column)]
                usual = 0 if default is Outcome.CARRIED else counts[target][column][default.value]
                for outcome in (Outcome.COARSENED, Outcome.DROPPED):
                    number = self.tally.declared.get((target, column, outcome), 0)
                    if outcome is default:
                        number = usual
                    if number:
                        self._say_declared_loss(engine, target, column, feeds, outcome, number)

    def _say_values_that_are_left_out(self) -> None:
        """One finding per column and reason for texts that say nothing by the profile."""
        for (column, reason), number in sorted(self.tally.left_out.items()):
            file, _, name = column.partition("/")
            known = rule("mapping.left-out")
            cell = Cell(file, None, name)
            self.find(Finding(known.id, known.severity, reason, Outcome.DROPPED, None, cell, count=number))

    def _say_columns_without_values(self) -> None:
        """One finding for each column that the map uses and no row fills."""
        known = rule("completeness.empty-column")
        read = self.tally.account.read
        for column, feeds in sorted(self.worker.columns().items()):
            if feeds and not read.get(column):
                file, _, name = column.partition("/")
                message = "no row has a value in this column, which the map uses"
                self.find(Finding(known.id, known.severity, message, cell=Cell(file, None, name)))

    def _say_declared_loss(
        self, engine: Engine, target: str, column: str, feeds: Sequence[Feed], outcome: Outcome, number: int
    ) -> None:
        file, _, name = column.partition("/")
        supports = [support_of(engine.writers[target].declaration, feed) for feed in feeds]
        reason = "; ".join(sorted({support.reason for support in supports if support.reason}))
        rule_id = "target.declared-loss"
        if not reason:  # nothing that the target says: the profile leaves it out, if only in the rows of some tables
            reason = left_out_reason(engine.profile, self.source.files, file, name) or ""
            rule_id = "mapping.left-out"
        message = reason or "the profile does not know the column"
        cell = Cell(file, None, name)
        self.find(Finding(rule_id, rule(rule_id).severity, message, outcome, None, cell, target, None, count=number))

    def _manifest(self, engine: Engine, status: str) -> dict[str, Any]:
        return {
            "status": status,
            "schema_version": "1.0",
            **_identity(self.settings, self.options, engine.profile, engine.environment),
            "recorded": self.settings.recorded,
            "tables": dict(self.source.files),
            "inputs": [{"file": name, "sha256": digest} for name, digest in sorted(self.watched.digests().items())],
            "counts": {
                "subjects": self.tally.account.subjects,
                "rows": dict(sorted(self.tally.account.rows.items())),
                "values": self.tally.account.value_counts(self.settings.targets),
                "defaulted": self.tally.account.defaulted,
            },
        }
