"""FHIR resources gathered by the patient that they are about, on disk: files of a Bulk Data export hold one type each."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from harmonize.checks.document_files import Entry
from harmonize.checks.fhir_references import RELATIVE, bundled, is_bundle, reference_key

_ABOUT = ("subject", "patient", "individual")
"""The elements of R4 that name the patient whom a resource is about."""
_PATIENT_URL = re.compile(r"https?://\S*?/(Patient/[A-Za-z0-9\-.]{1,64})(/_history/[A-Za-z0-9\-.]{1,64})?")


class SubjectResources:
    """Resources by subject. A subject is `Patient/<id>`, on whatever server; or what stands in place of that: the address of an entry of
    a Bundle, a Patient without an id, a Patient that a resource contains."""

    def __init__(self, folder: Path) -> None:
        self._database = sqlite3.connect(folder / "resources.sqlite")
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(
            "CREATE TABLE resource (subject TEXT, is_patient INTEGER, number INTEGER, file TEXT, line INTEGER, body BLOB)"
        )
        self._number = 0

    def add(self, entry: Entry) -> int:
        """Keep the resources of the document with their patients; how many of them are about none."""
        if not is_bundle(entry.document):
            return self._add(entry, entry.document, "", _NO_ADDRESSES)
        inside = [(url, resource) for _, url, resource in bundled(entry.document) if isinstance(resource, dict)]
        addresses = _Addresses.of(inside)
        return sum(self._add(entry, resource, url, addresses) for url, resource in inside)

    def _add(self, entry: Entry, resource: Mapping[str, Any], url: str, addresses: _Addresses) -> bool:
        """Whether *resource*, whose address is *url*, is about no patient; else it is kept."""
        self._number += 1
        own = f"#{self._number}"  # no id of FHIR has a number sign
        if resource.get("resourceType") == "Patient":
            self._keep(reference_key(resource) or url or own, entry, resource)
            return False
        reference = _about(resource)
        if reference.startswith("#"):
            patient = _contained_patient(resource, reference[1:])
            for kept in () if patient is None else (patient, resource):
                self._keep(own, entry, kept)
            return patient is None
        subject = addresses.subject(reference)
        if subject is None:
            return True
        self._keep(subject, entry, resource)
        return False

    def _keep(self, subject: str, entry: Entry, resource: Mapping[str, Any]) -> None:
        is_patient = resource.get("resourceType") == "Patient"
        row = (subject, is_patient, self._number, entry.file, entry.line, orjson.dumps(resource))
        self._database.execute("INSERT INTO resource VALUES (?, ?, ?, ?, ?, ?)", row)

    def subjects(self) -> Iterator[tuple[Entry, list[Mapping[str, Any]]]]:
        """Each patient: where its Patient resource stands, else the first of its resources, and all of them."""
        self._database.execute("CREATE INDEX by_subject ON resource (subject, is_patient DESC, number)")
        current: str | None = None
        first, gathered = Entry("", 0, None, None), list[Mapping[str, Any]]()
        for subject, file, line, body in self._database.execute(
            "SELECT subject, file, line, body FROM resource ORDER BY subject, is_patient DESC, number"
        ):
            if subject != current and current is not None:
                yield first, gathered
            if subject != current:
                current, first, gathered = subject, Entry(file, line, None, None), []
            gathered.append(orjson.loads(body))
        if current is not None:
            yield first, gathered
        self._database.close()


class _Addresses(NamedTuple):
    """The addresses of the entries of a Bundle: the subject that each Patient is, and what is none."""

    patients: Mapping[str, str]
    others: Collection[str]

    @classmethod
    def of(cls, inside: Sequence[tuple[str, Mapping[str, Any]]]) -> _Addresses:
        """Those of the resources *inside* of a Bundle."""
        patients = {
            url: reference_key(resource) or url
            for url, resource in inside
            if url and resource.get("resourceType") == "Patient"
        }
        return cls(patients, {url for url, _ in inside if url} - patients.keys())

    def subject(self, reference: str) -> str | None:
        """The subject that *reference* names; None where it names something else."""
        return self.patients.get(reference) or (None if reference in self.others else _subject_of(reference))


_NO_ADDRESSES = _Addresses({}, ())


def _about(resource: Mapping[str, Any]) -> str:
    """The reference by which *resource* names its subject; empty where it names none."""
    for element in _ABOUT:
        named = resource.get(element)
        if isinstance(named, dict) and isinstance(named.get("reference"), str):
            return "" if named.get("type", "Patient") != "Patient" else str(named["reference"])
    return ""


def _subject_of(reference: str) -> str | None:
    """The patient that *reference* names outside of any Bundle; None where it names something else.

    >>> _subject_of("Patient/a/_history/2"), _subject_of("https://one.example/fhir/Patient/a"), _subject_of("Group/a")
    ('Patient/a', 'Patient/a', None)
    """
    relative = RELATIVE.fullmatch(reference)
    if relative is not None:
        return f"Patient/{relative[2]}" if relative[1] == "Patient" else None
    absolute = _PATIENT_URL.fullmatch(reference)
    if absolute is not None:
        return absolute[1]
    return reference if reference.startswith("urn:") else None


def _contained_patient(resource: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    contained = resource.get("contained")
    for inner in contained if isinstance(contained, list) else ():
        if isinstance(inner, dict) and inner.get("id") == name and inner.get("resourceType") == "Patient":
            return inner
    return None
