"""A run over files: batches to workers, results to the folder, manifest last."""

from __future__ import annotations

import datetime as dt
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

import harmonize
from harmonize.checks.catalogue import rule
from harmonize.convert.engine import Engine, Settings
from harmonize.convert.worker import Batch, BatchResult, Worker, left_out_reason, with_advice
from harmonize.engines import local
from harmonize.errors import CallError, TooManyRejectsError
from harmonize.findings import Accounting, Cell, Finding, Outcome, Severity
from harmonize.hub import hub_schema
from harmonize.output_folder import OutputFolder
from harmonize.profiles.assembly import BadRow, RawSubject
from harmonize.profiles.notes import Feed, RunNote
from harmonize.profiles.specification import load_profile
from harmonize.readers import Source, open_source
from harmonize.report.summary import RuleCounts, report_document

BATCH_SUBJECTS = 500


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
        self.limit = reject_limit(options.max_errors)
        self.declared: dict[tuple[str, str, Outcome], int] = {}
        self.left_out_values: dict[tuple[str, str], int] = {}
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
        for key, number in result.declared.items():
            self.declared[key] = self.declared.get(key, 0) + number
        for place, number in result.left_out.items():
            self.left_out_values[place] = self.left_out_values.get(place, 0) + number
        self._take_read_log()

    def find(self, finding: Finding) -> None:
        """Count and write a finding of the run."""
        finding = with_advice(finding)
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
        finding = with_advice(finding)
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
        document = with_advice(bad.finding).as_json()
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
        self._say_values_that_are_left_out()
        self._say_columns_that_are_not_carried(engine)
        too_many = self.limit.error(self.account)
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
        """One finding per target, column and outcome for values that are dropped or coarsened by declaration."""
        counts = self.account.value_counts(self.settings.targets)
        for target in self.settings.targets:
            for column, feeds in sorted(self.worker.columns().items()):
                default = self.account.default_outcomes[(target, column)]
                usual = 0 if default is Outcome.CARRIED else counts[target][column][default.value]
                for outcome in (Outcome.COARSENED, Outcome.DROPPED):
                    number = self.declared.get((target, column, outcome), 0)
                    if outcome is default:
                        number = usual
                    if number:
                        self._say_declared_loss(engine, target, column, feeds, outcome, number)

    def _say_values_that_are_left_out(self) -> None:
        """One finding per column and reason for texts that say nothing by the profile."""
        for (column, reason), number in sorted(self.left_out_values.items()):
            file, _, name = column.partition("/")
            known = rule("mapping.left-out")
            cell = Cell(file, None, name)
            self.find(Finding(known.id, known.severity, reason, Outcome.DROPPED, None, cell, count=number))

    def _say_declared_loss(
        self, engine: Engine, target: str, column: str, feeds: Sequence[Feed], outcome: Outcome, number: int
    ) -> None:
        file, _, name = column.partition("/")
        supports = [engine.writers[target].declaration[f"{feed.hub_class}.{feed.slot}"] for feed in feeds]
        reason = "; ".join(sorted({support.reason for support in supports if support.reason}))
        rule_id = "target.declared-loss"
        if not reason:  # nothing that the target says: the profile leaves it out, if only in the rows of some tables
            reason = left_out_reason(engine.profile, self.source.files, file, name) or ""
            rule_id = "mapping.left-out"
        message = reason or "the profile does not know the column"
        cell = Cell(file, None, name)
        self.find(Finding(rule_id, rule(rule_id).severity, message, outcome, None, cell, target, None, count=number))

    def _manifest(self, engine: Engine, status: str) -> dict[str, Any]:
        profile = engine.profile
        return {
            "status": status,
            "schema_version": "1.0",
            "harmonize": harmonize.__version__,
            "hub": hub_schema().version,
            "profile": {
                "id": profile.id,
                "version": profile.version,
                "sha256": profile.sha256,
                **({} if self.settings.profile == profile.id else {"folder": self.settings.profile}),
            },
            "targets": list(self.settings.targets),
            "site": self.settings.site,
            "consent": self.settings.consent,
            "recorded": self.settings.recorded,
            "key_id": self.settings.key.key_id,
            "terminologies": engine.environment.terminologies.digests(),
            "tables": dict(self.source.files),
            "inputs": [{"file": name, "sha256": digest} for name, digest in sorted(self.source.digests.items())],
            "counts": {
                "subjects": self.account.subjects,
                "rows": dict(sorted(self.account.rows.items())),
                "values": self.account.value_counts(self.settings.targets),
                "defaulted": self.account.defaulted,
            },
        }


class RejectLimit(NamedTuple):
    """How much may be rejected: a number of rows or of subjects, or a share of each."""

    text: str
    number: int | None
    share: float | None

    def error(self, account: Accounting) -> TooManyRejectsError | None:
        """The error where *account* holds more rejects than are allowed."""
        rows_read = sum(counts["read"] for counts in account.rows.values())
        rows_rejected = sum(counts["rejected"] for counts in account.rows.values())
        subjects = account.subjects
        if self.share is not None:
            many = rows_rejected > self.share * rows_read or subjects["rejected"] > self.share * subjects["read"]
        else:
            many = max(rows_rejected, subjects["rejected"]) > (self.number or 0)
        return TooManyRejectsError(rows_rejected, rows_read, self.text) if many else None


def reject_limit(text: str) -> RejectLimit:
    """`10%` or `25` as a limit. Raises CallError for anything else.

    >>> reject_limit("2.5%").share
    0.025
    """
    share = re.fullmatch(r"([0-9]+(?:[.][0-9]+)?)%", text)
    if share is not None and float(share[1]) <= 100:
        return RejectLimit(text, None, float(share[1]) / 100)
    if re.fullmatch(r"[0-9]{1,18}", text):
        return RejectLimit(text, int(text), None)
    raise CallError("--max-errors is neither a number nor a percentage up to 100%. To mend it: write 25 or 10%")
