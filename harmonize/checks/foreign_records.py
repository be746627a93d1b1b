"""Phenopackets and FHIR resources as far as a data set asks for them: hub records of nothing but the items that a path reaches.

What a path does not reach is not missing but not checked. The records that are made here are for grading alone: a code keeps
its system where `mappings/systems` knows it, a date its digits; nothing is translated.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from harmonize.checks.document_files import Entry
from harmonize.datasets.conditions import Compare
from harmonize.datasets.hub_paths import HubPath, Step
from harmonize.datasets.item_paths import ItemPath, item_paths
from harmonize.datasets.judges import NOT_COMPARED
from harmonize.datasets.specification import Dataset, ValueSet
from harmonize.hub import hub_schema
from harmonize.terminology.notation import load_systems

_PRECISIONS = {4: "year", 7: "month", 10: "day"}


def document_format(document: Any) -> str:
    """What a document is: `fhir-r4`, `phenopackets`, or `hub` where it is neither.

    >>> document_format({"resourceType": "Patient"}), document_format({"id": "a", "metaData": {}}), document_format({})
    ('fhir-r4', 'phenopackets', 'hub')
    """
    if isinstance(document, dict):
        if "resourceType" in document:
            return "fhir-r4"
        if "schema_version" not in document and ("metaData" in document or "phenotypicFeatures" in document):
            return "phenopackets"
    return "hub"


class PartialRecords:
    """Makes records for grading out of documents of one format, by the paths of a data set."""

    def __init__(self, dataset: Dataset, target: str) -> None:
        self._dataset, self._paths = dataset, item_paths(dataset, target)
        self._by_resource: dict[str, list[ItemPath]] = {}
        for path in self._paths:
            self._by_resource.setdefault(path.resource, []).append(path)
        self._depths = _depths(self._paths)
        self._uris = _systems_by_uri()

    @property
    def items(self) -> frozenset[str]:
        """The ids of the items that a path reaches."""
        return frozenset(path.item.id for path in self._paths)

    def of(self, documents: list[Mapping[str, Any]]) -> dict[str, Any]:
        """The record of one subject: of its phenopacket, or of all its resources."""
        record: dict[str, Any] = {}
        objects = _Objects()
        for number, document in enumerate(documents):
            for path in self._by_resource.get(str(document.get("resourceType", "")), ()):
                depth = self._depths[_family(path)]
                for located in path.find(document):
                    owner = (number, path.lists[:depth], located.places[:depth])
                    element = (number, path.lists[:1], located.places[:1])
                    self._put(record, objects, path, owner, element, located.value)
        return record

    def _put(
        self, record: dict[str, Any], objects: _Objects, path: ItemPath, owner: Any, element: Any, value: Any
    ) -> None:
        """Put a value at the hub path of its item.

        *owner* stands for the object of the class that it belongs to, *element* for the part of the document that it is from: what
        comes from several parts stands in several objects.
        """
        slot, value = _fitting(path.item.slots, value)
        holder = record
        if not slot.from_record:
            steps = self._dataset.classes[path.item.class_name].paths[0].steps
            for depth, step in enumerate(steps):
                holder = objects.at(holder, step, owner if depth == len(steps) - 1 else None)
        for step in slot.steps[:-1]:
            holder = objects.at(holder, step, element)
        last = slot.steps[-1]
        made = self._value(value, last, self._dataset.value_sets.get(path.item.value_set or ""))
        if made is None:
            return
        if last.multivalued:
            holder.setdefault(last.slot, []).append(made)
        elif last.range == "CodedValue" and last.slot in holder:
            holder[last.slot].setdefault("codings", []).extend(made.get("codings", ()))
        else:
            holder.setdefault(last.slot, made)

    def _value(self, value: Any, step: Step, values: ValueSet | None) -> Any:
        if value is None:
            return None
        match step.range:
            case "CodedValue":
                return self._coded(value, values)
            case "PartialDate":
                text = str(value)[:10]
                return {"value": text, "precision": _PRECISIONS.get(len(text), "day")}
            case "Quantity":
                return {"value": str(value)}
            case "boolean" | "integer":
                return value
            case "string":
                return str(value)
            case name if name in hub_schema().enums:
                return str(value)
        return {}  # an object of the hub of which only its presence is said

    def _coded(self, value: Any, values: ValueSet | None) -> dict[str, Any] | None:
        if isinstance(value, bool):
            return _coding(f"{NOT_COMPARED}:{str(value).lower()}")
        if not isinstance(value, dict):
            return _of_word(str(value), values)
        if "id" in value:  # OntologyClass of Phenopackets
            return _coding(str(value["id"]))
        if "coding" in value:  # CodeableConcept
            codings = [made for one in value["coding"] for made in (self._coded(one, values) or {}).get("codings", ())]
            return {"codings": codings} if codings else {"text": str(value.get("text", "")) or "?"}
        code, system = str(value.get("code", "")), self._uris.get(str(value.get("system", "")), "UNKNOWN")
        return _coding(f"{system}:{code.removeprefix(f'{system}:')}") if code else None


def _family(path: ItemPath) -> tuple[str, str]:
    return path.item.class_name, path.lists[0] if path.lists else ""


def _depths(paths: list[ItemPath]) -> dict[tuple[str, str], int]:
    """How many lists tell the objects of a class apart: those that all paths to items of the class go through alike."""
    common: dict[tuple[str, str], tuple[str, ...]] = {}
    for path in paths:
        known = common.get(_family(path), path.lists)
        alike = [first == second for first, second in zip(known, path.lists, strict=False)]
        common[_family(path)] = known[: [*alike, False].index(False)]
    return {family: len(lists) for family, lists in common.items()}


def _fitting(slots: tuple[HubPath, ...], value: Any) -> tuple[HubPath, Any]:
    """The alternative that *value* is for: a time of Phenopackets may be a moment, an age, a term or one of several ranges."""
    if not isinstance(value, dict):
        return slots[0], value
    for key, range_name in (("timestamp", "PartialDate"), ("age", "string"), ("ontologyClass", "CodedValue")):
        fitting = [path for path in slots if path.range == range_name]
        if key in value and fitting:
            inner = value[key]
            is_age = key == "age" and isinstance(inner, dict)
            return fitting[0], inner.get("iso8601duration", "") if is_age else inner
    if not {"ageRange", "interval", "gestationalAge"}.isdisjoint(value):
        texts = [path for path in slots if path.range == "string"]
        return (texts or slots)[0], "given" if texts else None
    return slots[0], value


def _coding(code: str) -> dict[str, Any]:
    return {"codings": [{"system": code.partition(":")[0], "code": code, "origin": "stated"}]}


def _of_word(word: str, values: ValueSet | None) -> dict[str, Any]:
    """A word of an enumeration: the code of the value set that is spelt so, in any case. Other words in capitals, as Phenopackets
    writes its enumerations, cannot be compared: they count as given."""
    listed = {value.code.partition(":")[2].casefold(): value.code for value in values.values} if values else {}
    if word.casefold() in listed:
        return _coding(listed[word.casefold()])
    is_moment = word[:4].isdigit()  # as Patient.deceased, which is a date or yes or no
    return _coding(f"{NOT_COMPARED}:{word}") if word.isupper() or is_moment else {"text": word}


def _systems_by_uri() -> dict[str, str]:
    return {
        uri: name
        for name, system in load_systems().items()
        if system.fhir
        for uri in (system.fhir.uri, *system.fhir.accepted)
    }


class _Objects:
    """The objects of a record that is being made, by the part of the document that they stand for."""

    def __init__(self) -> None:
        self._known: dict[Any, dict[str, Any]] = {}

    def at(self, holder: dict[str, Any], step: Step, owner: Any) -> dict[str, Any]:
        """The object that *step* of *holder* leads to for *owner*; where it is new it is made with what the step selects by.

        Without an owner the last one will do.
        """
        if not step.multivalued:
            inner: dict[str, Any] = holder.setdefault(step.slot, {})
            return inner
        several: list[dict[str, Any]] = holder.setdefault(step.slot, [])
        selected = _selected_by(step)
        key = (id(holder), step.slot, tuple(selected.items()), owner)
        if owner is None and several:
            return several[-1]
        made = self._known.get(key)
        if made is None:
            made = self._known[key] = dict(selected)
            several.append(made)
        return made


def _selected_by(step: Step) -> dict[str, Any]:
    """The slot and the value by which *step* selects, where it selects by one."""
    where = step.where
    if isinstance(where, Compare) and not where.negated and len(where.values) == len(where.path.slots) == 1:
        return {where.path.slots[0]: where.values[0]}
    return {}


# --- the resources of one subject -----------------------------------------------------------------------------------


class SubjectResources:
    """FHIR resources by the patient that they are about, on disk: files of a Bulk Data export hold one type each."""

    def __init__(self, folder: Path) -> None:
        self._database = sqlite3.connect(folder / "resources.sqlite")
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(
            "CREATE TABLE resource (subject TEXT, is_patient INTEGER, number INTEGER, file TEXT, line INTEGER, body BLOB)"
        )
        self._number = 0

    def add(self, entry: Entry, resource: Mapping[str, Any]) -> bool:
        """Keep *resource* with its patient; False where it names none. A Patient without an id is one by itself."""
        is_patient = resource.get("resourceType") == "Patient"
        self._number += 1
        subject = _subject_of(resource) or (f"#{self._number}" if is_patient else None)
        if subject is None:
            return False
        row = (subject, is_patient, self._number, entry.file, entry.line, orjson.dumps(resource))
        self._database.execute("INSERT INTO resource VALUES (?, ?, ?, ?, ?, ?)", row)
        return True

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


def resources_of(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The resource that *document* is, or those of a Bundle."""
    if document.get("resourceType") != "Bundle":
        yield document
        return
    for entry in document.get("entry", ()):
        if isinstance(entry, dict) and isinstance(entry.get("resource"), dict):
            yield entry["resource"]


def _subject_of(resource: Mapping[str, Any]) -> str | None:
    """The id of the patient that *resource* is, or is about."""
    if resource.get("resourceType") == "Patient":
        return str(resource["id"]) if "id" in resource else None
    for element in ("subject", "patient", "individual"):
        reference = resource.get(element)
        if isinstance(reference, dict) and isinstance(reference.get("reference"), str):
            return str(reference["reference"].rpartition("/")[2].rpartition(":")[2])
    return None
