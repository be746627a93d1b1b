"""`harmonize validate --as hmd|mdc|...`: how well records hold a data set, item by item.

Hub records are graded by compiled functions; phenopackets and FHIR resources as far as the crosswalks in mappings/items say where an
item stands in them (`harmonize.checks.foreign_records`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from harmonize.checks.catalogue import rule
from harmonize.checks.document_files import MAX_DEPTH, Entry, document_files, documents_of, is_deep
from harmonize.checks.foreign_records import PartialRecords, SubjectResources, document_format, resources_of
from harmonize.checks.hub_structure import StructureBreach, mend
from harmonize.datasets.grading import Grade, Grader, ItemCounts
from harmonize.datasets.specification import Dataset, dataset_names, load_dataset
from harmonize.errors import CallError
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
    records: int = 0
    unreadable: int = 0
    items: list[ItemCounts] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def conforms(self) -> bool:
        """Whether no item of the level that was asked for is missing and none is invalid."""
        return not any(number for name, number in self.counts.items() if name not in _NOTES)


_NOTES = ("dataset.not-checked",)


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
) -> Conformance:
    """Grade the records of *path* by the data set *name* (`hmd`, or a release of it: `hmd@1.0`).

    *records_file* takes one line of JSON for each record, with the word for each item. Raises CallError where nothing is at *path*,
    UnknownNameError for a data set, release, level or petal that is not there, InputError for an unreadable file.
    """
    dataset_name, _, version = name.partition("@")
    dataset = load_dataset(dataset_name)
    files = document_files(path, "hub")
    source = _source(files, dataset)
    grader = Grader(
        dataset,
        version=version or None,
        level=level,
        petals=petals,
        only=source.items,
        terminologies=Terminologies.installed(),
    )
    judge = _Judge(grader, is_whole=source.items is None)
    result = Conformance(dataset, grader.version, level)
    with _lines_to(records_file) as write:
        for entry in source.entries(files):
            result.records += 1
            grade = judge.judge(entry, result)
            if write is not None:
                write(_record_line(entry, grader, grade))
    result.items = grader.counts()
    result.counts = {**judge.counts, **grader.rule_counts()}
    for message in [
        *(f"codes of {system} are not looked up in the value set {name}" for name, system in grader.unchecked),
        *source.notes(),
    ]:
        _add(result, Finding("dataset.not-checked", rule("dataset.not-checked").severity, message, target=dataset.name))
        result.counts["dataset.not-checked"] = result.counts.get("dataset.not-checked", 0) + 1
    return result


class _HubRecords:
    """Hub records, one a document."""

    items: frozenset[str] | None = None

    def entries(self, files: list[Path]) -> Iterator[Entry]:
        """The records of *files*."""
        for file in files:
            yield from documents_of(file, of_any_depth=True)

    def notes(self) -> list[str]:
        """What could not be looked at."""
        return []


class _Phenopackets:
    """Phenopackets as partial records, one a document."""

    def __init__(self, dataset: Dataset) -> None:
        self._partial = PartialRecords(dataset, "phenopackets")
        self.items: frozenset[str] | None = self._partial.items

    def entries(self, files: list[Path]) -> Iterator[Entry]:
        """A partial record for each packet of *files*."""
        for file in files:
            for entry in documents_of(file):
                readable = entry.problem is None and isinstance(entry.document, dict)
                yield entry._replace(document=self._partial.of([entry.document])) if readable else entry

    def notes(self) -> list[str]:
        """What could not be looked at."""
        return [_only_paths("phenopackets")]


class _FhirResources:
    """FHIR resources as partial records, one a patient. Resources wait on disk until all files are read."""

    def __init__(self, dataset: Dataset) -> None:
        self._partial = PartialRecords(dataset, "fhir-r4")
        self.items: frozenset[str] | None = self._partial.items
        self._without_patient = 0

    def entries(self, files: list[Path]) -> Iterator[Entry]:
        """What is unreadable, then a partial record for each patient of *files*."""
        with tempfile.TemporaryDirectory(prefix="harmonize-") as folder:
            resources = SubjectResources(Path(folder))
            for file in files:
                for entry in documents_of(file):
                    if entry.problem is not None or not isinstance(entry.document, dict):
                        yield entry
                        continue
                    for resource in resources_of(entry.document):
                        self._without_patient += not resources.add(entry, resource)
            for entry, gathered in resources.subjects():
                yield entry._replace(document=self._partial.of(gathered))

    def notes(self) -> list[str]:
        """What could not be looked at."""
        number = self._without_patient
        return [
            _only_paths("fhir-r4"),
            *([f"{number} resources are about no patient and are not graded"] if number else []),
        ]


def _only_paths(target: str) -> str:
    return f"items are graded as far as the crosswalk of the data set with {target} says where they stand; others are not checked"


def _source(files: list[Path], dataset: Dataset) -> _HubRecords | _Phenopackets | _FhirResources:
    """What the documents of *files* are, by the first one that can be read."""
    documents = (entry.document for file in files for entry in documents_of(file) if entry.problem is None)
    match document_format(next(documents, None)):
        case "fhir-r4":
            return _FhirResources(dataset)
        case "phenopackets":
            return _Phenopackets(dataset)
    return _HubRecords()


class _Judge:
    """Judges records one by one; `counts` holds what is broken beside the items."""

    def __init__(self, grader: Grader, *, is_whole: bool) -> None:
        self._grader, self._is_whole = grader, is_whole
        self._validator: Any = jsonschema_rs.validator_for(hub_json_schema())
        self._covered = grader.covered()
        self.counts: dict[str, int] = {}

    def judge(self, entry: Entry, result: Conformance) -> Grade | None:
        """The grade of a record; None where it is no record at all."""
        record, problem = entry.document, entry.problem
        is_valid = problem is None and (not self._is_whole or self._validator.is_valid(record))
        if not isinstance(record, dict):
            problem = problem or "it is no JSON object"
        elif not is_valid and is_deep(record):
            problem = f"it is nested deeper than {MAX_DEPTH}"
        if problem is not None:
            result.unreadable += 1
            self._count("dataset.unreadable")
            _add(result, _finding(self._grader, entry, "dataset.unreadable", "", problem))
            return None
        if not is_valid:
            for breach in mend(record, self._validator.iter_errors(record)):
                self._say(breach, entry, result)
        grade = self._grader.grade(record)
        if len(result.findings) < KEPT_FINDINGS and self._grader.is_flagged(grade):
            for violation in self._grader.violations(record, grade):
                found = _finding(self._grader, entry, violation.rule, violation.path, violation.message)
                item = violation.item.id if violation.item else violation.class_name
                _add(result, _with_item(found, item, violation.level))
        return grade

    def _say(self, breach: StructureBreach, entry: Entry, result: Conformance) -> None:
        """A breach that an item covers is said by the item, once."""
        if breach.owner in self._covered:
            return
        self._count(breach.rule)
        _add(result, _finding(self._grader, entry, breach.rule, breach.path, breach.message))

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


def _with_item(finding: Finding, item: str, level: str) -> Finding:
    return Finding(
        finding.rule, finding.severity, finding.message, cell=finding.cell, target=finding.target, path=finding.path,
        fix=finding.fix, item=item, level=level,
    )  # fmt: skip


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
