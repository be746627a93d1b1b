"""Records to be graded, whatever their documents are: hub records, phenopackets, FHIR resources by patient.

The first document that shows its format decides for all; one that shows another is no record.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from harmonize.checks.document_files import Entry, documents_of
from harmonize.checks.fhir_references import is_bundle
from harmonize.checks.fhir_subjects import SubjectResources
from harmonize.checks.foreign_records import PartialRecords
from harmonize.datasets.specification import Dataset
from harmonize.errors import InputError


class RecordSource(Protocol):
    """Gives records and says what they can hold: None stands for everything."""

    format: str
    """What the documents are."""
    items: frozenset[str] | None
    """Ids of the items that the records can hold."""
    whole: frozenset[str] | None
    """Ids of the items that are missing where the records do not hold them."""
    elements: Mapping[str, str] | None
    """Id of an item -> the element that holds it, of records of another format than the hub's."""

    def entries(self, files: list[Path]) -> Iterator[Entry]:
        """The records of *files*; what is no record has its problem."""
        ...

    def notes(self) -> list[str]:
        """What could not be looked at; complete when all entries have been."""
        ...


def document_format(document: Any) -> str | None:
    """What a document shows that it is: `fhir-r4`, `phenopackets` or `hub`; None where it shows nothing.

    >>> document_format({"resourceType": "Patient"}), document_format({"id": "a", "metaData": {}}), document_format({})
    ('fhir-r4', 'phenopackets', None)
    """
    if not isinstance(document, dict):
        return None
    if isinstance(document.get("resourceType"), str):
        return "fhir-r4"
    if "schema_version" in document or "subject_id" in document:
        return "hub"
    is_packet = not {"metaData", "phenotypicFeatures", "meta_data", "phenotypic_features"}.isdisjoint(document)
    return "phenopackets" if is_packet else None


def record_source(files: list[Path], dataset: Dataset) -> RecordSource:
    """The source for the format that the documents of *files* are of; hub records where none shows another.

    Raises NotAvailableError where *dataset* has no crosswalk with the format, InputError for phenopackets with names in snake_case.
    """
    for file in files:
        for entry in documents_of(file):
            match document_format(entry.document):
                case None:
                    continue
                case "fhir-r4":
                    return _FhirResources(dataset)
                case "phenopackets":
                    _refuse_snake_case(entry)
                    return _Phenopackets(dataset)
                case _:
                    return _HubRecords()
    return _HubRecords()


def _refuse_snake_case(entry: Entry) -> None:
    if not {"meta_data", "phenotypic_features"}.isdisjoint(entry.document):
        raise InputError(
            "these are phenopackets with the field names of protobuf (meta_data), not the JSON names (metaData)",
            file=entry.file,
            fix="write them as canonical JSON of protobuf, as phenopacket-tools does",
        )


def _of_one_format(entry: Entry, format_name: str) -> Entry:
    """*entry*, with a problem where it shows another format."""
    shown = document_format(entry.document)
    if shown is None or shown == format_name:
        return entry
    return entry._replace(
        document=None, problem=f"it is of another format ({shown}) than the first one ({format_name})"
    )


class _HubRecords:
    """Hub records, one a document."""

    format = "hub"
    items: frozenset[str] | None = None
    whole: frozenset[str] | None = None
    elements: Mapping[str, str] | None = None

    def entries(self, files: list[Path]) -> Iterator[Entry]:
        for file in files:
            for entry in documents_of(file, of_any_depth=True):
                yield _of_one_format(entry, "hub")

    def notes(self) -> list[str]:
        return []


class _Phenopackets:
    """Phenopackets as partial records, one a document."""

    format = "phenopackets"

    def __init__(self, dataset: Dataset) -> None:
        self._partial = PartialRecords(dataset, "phenopackets")
        self.items: frozenset[str] | None = self._partial.items
        self.whole: frozenset[str] | None = self._partial.whole
        self.elements: Mapping[str, str] | None = self._partial.elements

    def entries(self, files: list[Path]) -> Iterator[Entry]:
        for file in files:
            for read in documents_of(file):
                entry = _of_one_format(read, "phenopackets")
                readable = entry.problem is None and isinstance(entry.document, dict)
                yield entry._replace(document=self._partial.of([entry.document])) if readable else entry

    def notes(self) -> list[str]:
        return [_only_paths("phenopackets")]


class _FhirResources:
    """FHIR resources as partial records, one a patient. Resources wait on disk until all files are read."""

    format = "fhir-r4"

    def __init__(self, dataset: Dataset) -> None:
        self._partial = PartialRecords(dataset, "fhir-r4")
        self.items: frozenset[str] | None = self._partial.items
        self.whole: frozenset[str] | None = self._partial.whole
        self.elements: Mapping[str, str] | None = self._partial.elements
        self._without_patient = 0

    def entries(self, files: list[Path]) -> Iterator[Entry]:
        """What is unreadable, then a partial record for each patient of *files*."""
        with tempfile.TemporaryDirectory(prefix="harmonize-") as folder:
            resources = SubjectResources(Path(folder))
            for file in files:
                for read in documents_of(file):
                    entry = _with_entries(_of_one_format(read, "fhir-r4"))
                    if entry.problem is not None or not isinstance(entry.document, dict):
                        yield entry
                    else:
                        self._without_patient += resources.add(entry)
            for entry, gathered in resources.subjects():
                yield entry._replace(document=self._partial.of(gathered))

    def notes(self) -> list[str]:
        number = self._without_patient
        return [
            _only_paths("fhir-r4"),
            *([f"{number} resources are about no patient and are not graded"] if number else []),
        ]


def _with_entries(entry: Entry) -> Entry:
    if is_bundle(entry.document) and not isinstance(entry.document.get("entry", []), list):
        return entry._replace(document=None, problem="it is a Bundle whose entry is no list")
    return entry


def _only_paths(target: str) -> str:
    return f"items are graded as far as the crosswalk of the data set with {target} says where they stand; others are not checked"
