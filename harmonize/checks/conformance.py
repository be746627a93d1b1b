"""`harmonize validate --as hmd|mdc|...`: how well records hold a data set, item by item.

Hub records are graded by compiled functions; phenopackets and FHIR resources as far as the crosswalks in mappings/items say where an
item stands in them (`harmonize.checks.foreign_records`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from harmonize.checks.catalogue import rule
from harmonize.checks.document_files import MAX_DEPTH, Entry, document_files, is_deep
from harmonize.checks.hub_structure import MAX_BREACHES, StructureBreach, mend
from harmonize.checks.record_marks import RecordMarks
from harmonize.checks.record_sources import RecordSource, record_source
from harmonize.datasets.explanation import ItemViolation
from harmonize.datasets.grading import Grade, Grader, ItemCounts
from harmonize.datasets.specification import Dataset, dataset_names, load_dataset
from harmonize.errors import CallError, InputError
from harmonize.findings import Cell, Finding
from harmonize.hub import hub_json_schema
from harmonize.terminology.store import Terminologies
from harmonize.whole_files import whole_file

KEPT_FINDINGS = 10_000


@dataclass
class Conformance:
    """The result. Counts are exact; of the findings themselves the first 10,000 are kept.

    `items` counts each item once a record: filled + null_flavor + missing + not_applicable + invalid + not_checked =
    records - unreadable. Hub records can hold every item: of them none is not checked.
    """

    dataset: Dataset
    version: str
    level: str
    format: str
    records: int = 0
    unreadable: int = 0
    items: list[ItemCounts] = field(default_factory=list)
    groups: dict[str, list[ItemCounts]] = field(default_factory=dict)
    """The same for each group of records, where groups were asked for."""
    records_of: dict[str, int] = field(default_factory=dict)
    """Group -> its records."""
    counts: dict[str, int] = field(default_factory=dict)
    """Rule -> how often it is broken."""
    broken: dict[str, RecordMarks] = field(default_factory=dict)
    """Rule -> the records that break it."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def conforms(self) -> bool:
        """Whether no item of the level that was asked for is missing and none is invalid."""
        return not any(number for name, number in self.counts.items() if name not in NOTES)


NOTES = ("dataset.not-checked",)
"""Rules that are about the grading, not about the records."""


def is_dataset(name: str) -> bool:
    """Whether `--as` *name* is a data set, with or without the release behind an @."""
    return name.partition("@")[0] in dataset_names()


def conformance(
    path: Path,
    name: str,
    *,
    level: str = "mandatory",
    petals: Collection[str] | None = None,
    records_file: Path | None = None,
    group_of: Callable[[Mapping[str, Any]], str] | None = None,
) -> Conformance:
    """Grade the records of *path* by the data set *name* (`hmd`, or a release of it: `hmd@1.0`).

    *records_file* takes one line of JSON for each record, with the word for each item; *group_of* tells the group of a record that sums
    are kept for. Raises CallError where nothing is at *path*
    and where *records_file* is one of the files to be read, UnknownNameError for a data set, release, level or petal that is not
    there, InputError for an unreadable file and where there is no record at all.
    """
    dataset_name, _, version = name.partition("@")
    dataset = load_dataset(dataset_name)
    files = document_files(path, "hub")
    _refuse_to_overwrite(records_file, files)
    source = record_source(files, dataset)
    grader = Grader(
        dataset,
        version=version or None,
        level=level,
        petals=petals,
        reached=source.items,
        whole=source.whole,
        terminologies=Terminologies.installed(),
    )
    judge = _Judge(grader, source, group_of or (lambda record: ""))
    result = Conformance(dataset, grader.version, level, source.format)
    with _lines_to(records_file) as write:
        for entry in source.entries(files):
            result.records += 1
            grade = judge.judge(entry, result)
            if write is not None:
                write(_record_line(entry, grader, grade))
        notes = source.notes()
        if not result.records:
            raise InputError(
                "there is no record in it", file=path.name, fix="; ".join(notes) or "give a file with records"
            )
    result.items = grader.counts()
    if group_of is not None:
        result.records_of = dict(grader.records_of)
        result.groups = {group: grader.counts(group) for group in grader.records_of}
    result.counts = {**judge.counts, **grader.rule_counts()}
    result.broken = judge.broken
    _add_notes(result, grader, notes)
    return result


def _add_notes(result: Conformance, grader: Grader, notes: list[str]) -> None:
    """What was not checked; it is said however many findings there are."""
    known = rule("dataset.not-checked")
    messages = [f"codes of {system} are not looked up in the value set {name}" for name, system in grader.unchecked]
    for message in [*messages, *notes]:
        result.findings.append(Finding(known.id, known.severity, message, target=result.dataset.name))
        result.counts[known.id] = result.counts.get(known.id, 0) + 1


def _refuse_to_overwrite(records_file: Path | None, files: list[Path]) -> None:
    if records_file is not None and records_file.resolve() in {file.resolve() for file in files}:
        raise CallError(f"{records_file.name} is one of the files to be read. To mend it: give --records another file")


class _Judge:
    """Judges records one by one; `counts` holds what is broken beside the items."""

    def __init__(self, grader: Grader, source: RecordSource, group_of: Callable[[Mapping[str, Any]], str]) -> None:
        self._grader, self._is_whole, self._elements = grader, source.items is None, source.elements
        self._group_of = group_of
        self._validator: Any = jsonschema_rs.validator_for(hub_json_schema())
        self._covered = grader.covered()
        self.counts: dict[str, int] = {}
        self.broken: dict[str, RecordMarks] = {}

    def judge(self, entry: Entry, result: Conformance) -> Grade | None:
        """The grade of a record; None where it is no record at all."""
        record, problem = entry.document, entry.problem
        is_valid = problem is None and (not self._is_whole or self._validator.is_valid(record))
        if not isinstance(record, dict):
            problem = problem or "it is no JSON object"
        elif not is_valid and is_deep(record):
            problem = f"it is nested deeper than {MAX_DEPTH}"
        if problem is not None:
            self._unreadable(entry, result, problem)
            return None
        breaches = [] if is_valid else mend(record, self._validator.iter_errors(record))
        if breaches is None:
            self._unreadable(entry, result, f"it breaks the schema of the hub at more than {MAX_BREACHES} places")
            return None
        broken = {breach.rule for breach in breaches if self._say(breach, entry, result)}
        grade = self._grader.grade(record, self._group_of(record))
        if self._grader.is_flagged(grade):
            broken |= self._grader.broken_rules(record, grade)
            if len(result.findings) < KEPT_FINDINGS:
                for violation in self._grader.violations(record, grade):
                    _add(result, self._item_finding(entry, violation))
        for name in broken:
            self._mark(name, result)
        return grade

    def _unreadable(self, entry: Entry, result: Conformance, problem: str) -> None:
        result.unreadable += 1
        self._count("dataset.unreadable")
        self._mark("dataset.unreadable", result)
        _add(result, _finding(self._grader, entry, "dataset.unreadable", "", problem))

    def _item_finding(self, entry: Entry, violation: ItemViolation) -> Finding:
        """A finding at an item. Of another format its place is the element that holds the item: the record was made for grading alone."""
        path, name = violation.path, violation.item.id if violation.item else violation.class_name
        if self._elements is not None:
            path = self._elements.get(name, "")
        found = _finding(self._grader, entry, violation.rule, path, violation.message)
        return replace(found, item=name, level=violation.level)

    def _say(self, breach: StructureBreach, entry: Entry, result: Conformance) -> bool:
        """Whether *breach* is said here: one that an item covers is said by the item, once."""
        if breach.owner in self._covered:
            return False
        self._count(breach.rule)
        _add(result, _finding(self._grader, entry, breach.rule, breach.path, breach.message))
        return True

    def _mark(self, name: str, result: Conformance) -> None:
        self.broken.setdefault(name, RecordMarks()).mark(result.records - 1)

    def _count(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1


def _add(result: Conformance, finding: Finding) -> None:
    if len(result.findings) < KEPT_FINDINGS:
        result.findings.append(finding)


def _finding(grader: Grader, entry: Entry, rule_id: str, path: str, message: str) -> Finding:
    known = rule(rule_id)
    return Finding(
        rule_id,
        known.severity,
        message,
        cell=Cell(entry.file, entry.line, None),
        target=grader.dataset.name,
        path=path,
        fix=known.fix,
    )


def _record_line(entry: Entry, grader: Grader, grade: Grade | None) -> bytes:
    """Where the record stands and the word of each item; never what the record holds."""
    statuses = {item.id: word for item, word in grader.statuses(grade)} if grade else None
    return orjson.dumps({"file": entry.file, "line": entry.line, "items": statuses}) + b"\n"


@contextmanager
def _lines_to(path: Path | None) -> Iterator[Callable[[bytes], int] | None]:
    """A function that writes lines into *path*, readable by its owner alone; None where there is no path."""
    if path is None:
        yield None
        return
    try:
        with whole_file(path, 0o600) as stream:
            yield stream.write
    except OSError as error:
        raise CallError(
            f"{path.name} cannot be written ({error.strerror}). To mend it: give --records a file in a folder that is there"
        ) from None
