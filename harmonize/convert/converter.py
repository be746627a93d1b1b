"""Records that a caller holds in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from harmonize.checks.catalogue import rule
from harmonize.checks.violations import Violation
from harmonize.convert.batch_result import with_advice
from harmonize.convert.consent import consent_answer
from harmonize.convert.engine import CONSENT_MODES, Engine, Settings
from harmonize.convert.frames import open_frames, write_references
from harmonize.convert.row_findings import RowFindings, refused_identifiers, without_subject
from harmonize.convert.run import default_instant
from harmonize.errors import CallError
from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.hub.objects import HubObject
from harmonize.input.subjects import TableSource
from harmonize.profiles.assembly import Assembler, RawSubject
from harmonize.profiles.notes import Feed, SubjectLog
from harmonize.profiles.source_record import SourceObject, source_object
from harmonize.profiles.specification import Profile
from harmonize.safe_messages import safe_message
from harmonize.terminology.patterns import compile_pattern, fits
from harmonize.writers import Document, Loss, TargetLog, support_of


class Subject(NamedTuple):
    """One converted subject: the hub record, the documents of every target, the findings.

    `status` is converted, skipped (consent was refused) or rejected. What `convert_frames` finds on whole tables, and on
    rows that name no subject, comes as an item of status no-subject, without record and documents.
    """

    record: HubObject | None
    documents: dict[str, list[Document]]
    findings: list[Finding]
    status: str


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

    def convert_frames(self, frames: Mapping[str, object]) -> Iterator[Subject]:
        """One `Subject` for every subject of the tables *frames*, in the order of their identifiers.

        *frames* holds tables of the profile by name: pyarrow Tables, RecordBatchReaders or Datasets, Polars frames, DuckDB
        relations, or anything with `__arrow_c_stream__`. Their rows may stand in any order; they are brought together
        and judged as those of files are, and each frame is read once. More rows than fit into memory are sorted in a
        private temporary folder. Bad rows and cells are findings, with the table's name as file.

        Raises CallError or InputError, before anything is converted, where a name, a frame or its columns cannot be used.

        >>> import pyarrow as pa
        >>> from harmonize import Converter
        >>> converter = Converter("eu/ern-cde", key=bytes(32), site="demo")
        >>> frame = pa.table({"pid": [2, 1], "valueIRI": ["http://purl.obolibrary.org/obo/NCIT_C16576", None]})
        >>> [subject.status for subject in converter.convert_frames({"Sex": frame}) if subject.record]
        ['converted', 'converted']
        """
        profile = self.engine.profile
        looked_up = {name: frame for name, frame in frames.items() if name in profile.assembly.references}
        tables = {name: frame for name, frame in frames.items() if name not in looked_up}
        return self._convert_source(open_frames(profile, tables), looked_up)

    def _convert_source(self, source: TableSource, looked_up: Mapping[str, object]) -> Iterator[Subject]:
        with TemporaryDirectory(prefix="harmonize-") as work:
            source.work = Path(work)
            references = write_references(self.engine.profile, looked_up, source.work)
            if references:
                self._engine = Engine(self.settings, references)
            assembler = Assembler(self.engine.profile, source.held, source.files)
            of_rows = RowFindings(self.engine.plan, source, assembler)
            for raw in source.subjects():
                yield from _set_aside(source)
                yield self._convert_rows(raw, assembler, of_rows)
            yield from _set_aside(source)
            run_notes = dict(self.engine.environment.run_notes)
            if references:
                self._engine = None  # what it looked codes up in is gone with the folder
        notes = [
            Finding(rule_id, note.severity, note.message, fix=note.fix)
            for (rule_id, _), note in sorted(run_notes.items())
        ]
        yield from _no_subject(notes)

    def _convert_rows(self, raw: RawSubject, assembler: Assembler, of_rows: RowFindings) -> Subject:
        log = SubjectLog()
        try:
            assembled = assembler.assemble(raw)
            subject = self._convert_object(assembled.record, log)
            if subject.record is None:
                return subject
            said = of_rows.of(raw, assembled, log, subject.record["subject_id"])
            return subject._replace(findings=[*map(with_advice, said), *subject.findings])
        except Exception as error:  # noqa: BLE001 - one bad record never stops the others
            pseudonym = self.settings.key.pseudonym(self.settings.site, "subject", raw.key)
            return _failed(error, [], pseudonym)

    def _convert(self, plain: Mapping[str, Any]) -> Subject:
        problems = record_problems(plain, self.engine.profile)
        if any(finding.outcome is Outcome.REJECTED for finding in problems):
            return Subject(None, {}, problems, "rejected")
        try:
            source, left_out = as_read(plain, self.engine.profile)
            problems += left_out
            subject = self._convert_object(source_object(source), SubjectLog())
        except Exception as error:  # noqa: BLE001 - one bad record never stops the others
            return _failed(error, problems)
        return subject._replace(findings=[*map(with_advice, problems), *subject.findings])

    def _convert_object(self, source: SourceObject, log: SubjectLog) -> Subject:
        """The subject of a source record, with what is said on the way from it to the documents."""
        record = self.engine.derive(source, log)
        answer = consent_answer(record, log)
        if answer.withholds and self.settings.consent == "require":
            return Subject(None, {}, _of_rule(answer.rule, record, Outcome.SKIPPED), "skipped")
        documents, logs = self.engine.write(record)
        violations = self.engine.judge(record)
        findings = [*_of_rule(answer.rule, record, None), *self._findings(record, log, logs, violations)]
        return Subject(record, documents, [with_advice(finding) for finding in findings], "converted")

    def _findings(
        self, record: HubObject, log: SubjectLog, logs: Mapping[str, TargetLog], violations: list[Violation]
    ) -> Iterator[Finding]:
        """What the profile, the checks and the writers say of one record. Declared losses name the hub slot."""
        subject = record["subject_id"]
        filled = sorted(_filled(record).items())
        yield from _of_notes(log, subject)
        for violation in violations:
            severity, cell = rule(violation.rule).severity, _violating_cell(violation)
            yield Finding(violation.rule, severity, violation.message, None, subject, cell, "hub", violation.path)
        for target, target_log in logs.items():
            for loss in target_log.losses:
                name = "target.coarsened" if loss.outcome is Outcome.COARSENED else "target.not-held"
                severity, cell = rule(name).severity, _lost_cell(loss)
                yield Finding(name, severity, loss.message, loss.outcome, subject, cell, target, loss.path)
            for element in target_log.defaulted:
                given = self.engine.writers[target].defaults[element]
                message = f"{element} is demanded by {target} and stated by no source: {given!r} is written"
                yield Finding(
                    "target.defaulted", Severity.INFO, message, Outcome.DEFAULTED, subject, None, target, element
                )
            declaration = self.engine.writers[target].declaration
            for slot, feed in filled:
                outcome, reason = support_of(declaration, feed)
                if outcome is not Outcome.CARRIED:
                    name = "target.declared-loss"
                    yield Finding(name, rule(name).severity, reason, outcome, subject, None, target, slot)


def _filled(value: Any) -> dict[str, Feed]:
    """`Class.slot` of every slot that an object of the hub fills, with a feed by which it may have been filled."""
    found: dict[str, Feed] = {}
    if isinstance(value, HubObject) and value.derivation is not None:
        for slot, item in value.items():
            if slot in value.derivation.feeds:
                found[f"{value.derivation.hub_class}.{slot}"] = value.derivation.feeds[slot]
            found.update(_filled(item))
    elif isinstance(value, list):
        for item in value:
            found.update(_filled(item))
    return found


def _of_notes(log: SubjectLog, subject: str) -> Iterator[Finding]:
    """What the profile said on the way: of the cell where it is known, else of the hub slot; of a cell once a rule."""
    said: set[tuple[str, Cell]] = set()
    for noted, cells, slot in log.notes:
        cell = cells[0] if cells else None
        if cell is None:
            place: tuple[str | None, str | None] = ("hub", slot)
        elif (noted.rule, cell) in said:
            continue
        else:
            place = (None, None)
            said.add((noted.rule, cell))
        yield Finding(noted.rule, noted.severity, noted.message, noted.outcome, subject, cell, *place, noted.fix)


def _violating_cell(violation: Violation) -> Cell | None:
    at = violation.at
    if at is None or at.derivation is None or violation.slot is None:
        return None
    return next(iter(at.derivation.cells(at, violation.slot)), None)


def _lost_cell(loss: Loss) -> Cell | None:
    lineage = loss.hub_object.derivation
    if lineage is None:
        return None
    slots = lineage.feeds if loss.slot == "*" else (loss.slot,)
    return next((cell for slot in slots for _, cell in lineage.fed_cells(loss.hub_object, slot)), None)


def _set_aside(source: TableSource) -> Iterator[Subject]:
    """What the source has said since the last call: subjects of unusable identifiers, then what concerns no subject."""
    log = source.log.drain()
    for findings in refused_identifiers(log, source):
        yield Subject(None, {}, [with_advice(finding) for finding in findings], "rejected")
    yield from _no_subject(without_subject(log))


def _no_subject(findings: Sequence[Finding]) -> Iterator[Subject]:
    if findings:
        yield Subject(None, {}, [with_advice(finding) for finding in findings], "no-subject")


def _failed(error: Exception, problems: list[Finding], subject: str | None = None) -> Subject:
    """A record on which we failed ourselves."""
    finding = Finding("internal.error", Severity.FATAL, safe_message(error), Outcome.REJECTED, subject)
    return Subject(None, {}, [*problems, with_advice(finding)], "rejected")


def _of_rule(rule_id: str | None, record: HubObject, outcome: Outcome | None) -> list[Finding]:
    if rule_id is None:
        return []
    known = rule(rule_id)
    return [Finding(known.id, known.severity, known.title, outcome, record["subject_id"], fix=known.fix)]


def record_problems(record: Any, profile: Profile) -> list[Finding]:
    """Where a record does not have the shape of `source.yaml`: unknown slots are said, a wrong type rejects the record."""
    if not isinstance(record, Mapping):
        return [_rejects("source.record-shape", "", "the record is no mapping of slots")]
    key = record.get(profile.assembly.subject)
    path = f"/{profile.assembly.subject}"
    if not isinstance(key, str) or not key.strip() or key.strip() in profile.assembly.blank:
        return [_rejects("source.no-subject-id", path, "the record has no text as the subject's identifier")]
    pattern = profile.assembly.subject_pattern
    if pattern and not fits(compile_pattern(pattern), key.strip()):
        message = "the subject's identifier is not of the form that the profile states"
        return [_rejects("source.subject-id", path, message)]
    return list(_shape_problems(record, profile, profile.source.root, ""))


def as_read(record: Mapping[str, Any], profile: Profile) -> tuple[dict[str, Any], list[Finding]]:
    """*record* as rows of a file would give it, and the texts that say nothing by the profile.

    Texts that stand for no value are gone, and the identifier has no blanks around it: the same person has the same
    pseudonym, whichever way the record came.
    """
    subject = profile.assembly.subject
    left_out: list[Finding] = []
    made = _without_blanks(record, profile, profile.source.root, "", left_out)
    return {**made, subject: str(record[subject]).strip()}, left_out


def _without_blanks(
    value: Mapping[str, Any], profile: Profile, source_class: str, path: str, left_out: list[Finding]
) -> dict[str, Any]:
    slots, says_nothing = profile.source.classes[source_class], profile.left_out_values(source_class)
    made: dict[str, Any] = {}
    for name, item in value.items():
        slot = slots.get(name)
        here = f"{path}/{name}"
        if slot is None or item in profile.assembly.blank:
            continue
        if isinstance(item, str) and item in says_nothing.get(name, {}):
            known = rule("mapping.left-out")
            reason = says_nothing[name][item]
            left_out.append(Finding(known.id, known.severity, reason, Outcome.DROPPED, target="source", path=here))
        elif slot.range not in profile.source.classes or item is None:
            made[name] = item
        elif isinstance(item, list):
            made[name] = [_without_blanks(o, profile, slot.range, f"{here}/{i}", left_out) for i, o in enumerate(item)]
        else:
            made[name] = _without_blanks(item, profile, slot.range, here, left_out)
    return made


def _shape_problems(value: Mapping[str, Any], profile: Profile, source_class: str, path: str) -> Iterator[Finding]:
    slots = profile.source.classes[source_class]
    for name, item in value.items():
        slot = slots.get(name)
        here = f"{path}/{name}"
        if slot is None:
            known = rule("source.unknown-column")
            message = f"{source_class} has no slot of this name"
            yield Finding(
                known.id, known.severity, message, Outcome.DROPPED, target="source", path=path or "/", fix=known.fix
            )
        elif item is None:
            continue
        elif slot.multivalued != isinstance(item, list):
            yield _rejects(
                "source.record-shape", here, "a list is expected" if slot.multivalued else "one value is expected"
            )
        else:
            for index, single in enumerate(item if slot.multivalued else [item]):
                at = f"{here}/{index}" if slot.multivalued else here
                if slot.range not in profile.source.classes:
                    if not isinstance(single, str):
                        yield _rejects(
                            "source.record-shape", at, "a text is expected: numbers and dates are written as texts"
                        )
                    elif not single.isascii() and any("\ud800" <= character <= "\udfff" for character in single):
                        yield _rejects("source.record-shape", at, "the text holds half a character, which no file can")
                elif isinstance(single, Mapping):
                    yield from _shape_problems(single, profile, slot.range, at)
                else:
                    yield _rejects("source.record-shape", at, f"an object of {slot.range} is expected")


def _rejects(rule_id: str, path: str, message: str) -> Finding:
    known = rule(rule_id)
    return Finding(known.id, known.severity, message, Outcome.REJECTED, target="source", path=path, fix=known.fix)
