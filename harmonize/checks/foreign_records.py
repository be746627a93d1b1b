"""Phenopackets and FHIR resources as far as a data set asks for them: hub records of nothing but the items that a path reaches.

What a path does not reach is not missing but not checked. The records that are made here are for grading alone: a code keeps
its system where `mappings/systems` knows it, a date its digits; nothing is translated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from harmonize.datasets.conditions import Compare
from harmonize.datasets.hub_paths import HubPath, Step
from harmonize.datasets.item_paths import DATA_ABSENT_SYSTEM, ItemPath, item_paths
from harmonize.datasets.judges import Broken
from harmonize.datasets.specification import Dataset, ValueSet
from harmonize.datasets.statuses import Status
from harmonize.hub import hub_schema
from harmonize.terminology.notation import load_systems

_PRECISIONS = {4: "year", 7: "month", 10: "day"}


class PartialRecords:
    """Makes records for grading out of documents of one format, by the paths of a data set."""

    def __init__(self, dataset: Dataset, target: str) -> None:
        self._dataset, self._paths = dataset, item_paths(dataset, target)
        self._by_resource: dict[str, list[ItemPath]] = {}
        for path in self._paths:
            self._by_resource.setdefault(path.resource, []).append(path)
        self._depths = _depths(self._paths)

    @property
    def items(self) -> frozenset[str]:
        """The ids of the items that a path reaches."""
        return frozenset(path.item.id for path in self._paths)

    @property
    def whole(self) -> frozenset[str]:
        """The ids of the items that a path holds as they are meant: where it has no value, the item is missing."""
        return frozenset(path.item.id for path in self._paths if path.is_exact)

    @property
    def elements(self) -> Mapping[str, str]:
        """Id of an item -> the element of the format that holds it, by the first row of the crosswalk."""
        return {path.item.id: path.element for path in reversed(self._paths)}

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
        last = slot.steps[-1]
        made = _made(value, last, path.words, self._dataset.value_sets.get(path.item.value_set or ""))
        holder = record
        if not slot.from_record:
            steps = self._dataset.classes[path.item.class_name].paths[0].steps
            for depth, step in enumerate(steps):
                holder = objects.at(holder, step, owner if depth == len(steps) - 1 else None)
        for step in slot.steps[:-1]:
            holder = objects.at(holder, step, element)
        if made is None:
            return
        if last.multivalued:
            holder.setdefault(last.slot, []).append(made)
        else:
            holder[last.slot] = _joined(holder.get(last.slot), made)


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


def _joined(first: Any, second: Any) -> Any:
    """Two values of one slot: codes stand side by side, of others the first counts. What nobody can compare hides no other value."""
    if first is None or (isinstance(first, Broken) and first.status == Status.NOT_CHECKED):
        return second
    if isinstance(first, Broken) or not isinstance(second, dict) or isinstance(second, Broken):
        return second if isinstance(second, Broken) and second.status != Status.NOT_CHECKED else first
    if not isinstance(first, dict) or "codings" not in second:
        return first
    return {**first, "codings": [*first.get("codings", ()), *second["codings"]]}


# --- values ---------------------------------------------------------------------------------------------------------

_NOT_COMPARED = Broken(Status.NOT_CHECKED, "nobody has said what this value means for the item")


def _made(value: Any, step: Step, words: Mapping[str, str] | None, values: ValueSet | None) -> Any:
    """*value* as the hub holds what `step` is for; `Broken` where it is nothing of the kind, None where it says nothing."""
    if value is None or isinstance(value, Broken):
        return value
    if isinstance(value, dict) and step.range != "CodedValue" and _null_flavor(value) is not None:
        return None  # only a coded value can say why there is none
    match step.range:
        case "CodedValue":
            return _coded(value, words, values)
        case "PartialDate":
            return _date(value)
        case "Quantity":
            return _number(value)
        case "boolean":
            return value if isinstance(value, bool) else _yes_or_no(value, words)
        case "integer":
            is_whole = isinstance(value, int) and not isinstance(value, bool)
            return value if is_whole else _wrong("a whole number")
        case "string":
            return _words_of(value)
        case name if name in hub_schema().enums:
            return _enumerated(value, words, hub_schema().enums[name])
    return {}  # an object of the hub of which only its presence is said


def _wrong(kind: str) -> Broken:
    return Broken(Status.WRONG_TYPE, f"it is not {kind}")


def _date(value: Any) -> Any:
    if not isinstance(value, str):
        return _wrong("a date")
    text = value[:10]
    return {"value": text, "precision": _PRECISIONS.get(len(text), "day")}


def _number(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {"value": str(value)} if is_number or isinstance(value, str) else _wrong("a number")


def _yes_or_no(value: Any, words: Mapping[str, str] | None) -> Any:
    """A code that means yes or no, as the answers present and absent of LOINC."""
    word = value.get("code") if isinstance(value, dict) else value
    if not isinstance(word, str):
        return _wrong("yes or no")
    meaning = _meaning(word, words)
    return (
        {"true": True, "false": False, "": None}.get(meaning, _NOT_COMPARED) if meaning is not None else _NOT_COMPARED
    )


_SAYING = ("value", "code", "id", "text", "display", "label")
"""The elements that hold what an Expression, a Coding, an OntologyClass or a CodeableConcept says, as one text."""


def _words_of(value: Any) -> Any:
    """The text that *value* is, or says."""
    if isinstance(value, dict):
        codings = value.get("coding")
        inner = codings[0] if isinstance(codings, list) and codings else value
        said = (inner[name] for name in _SAYING if isinstance(inner, dict) and isinstance(inner.get(name), str))
        return next(said, _wrong("a text"))
    return str(value) if isinstance(value, str | int | float) else _wrong("a text")


def _enumerated(value: Any, words: Mapping[str, str] | None, allowed: Mapping[str, Any] | Any) -> Any:
    if not isinstance(value, str):
        return _wrong("a word")
    meaning = _meaning(value, words)
    if meaning is not None:
        return _NOT_COMPARED if meaning == "?" else meaning or None
    return value.casefold() if value.casefold() in allowed else _NOT_COMPARED


def _coded(value: Any, words: Mapping[str, str] | None, values: ValueSet | None) -> Any:
    if isinstance(value, bool | str):
        return _of_word(value if isinstance(value, str) else str(value).lower(), words, values)
    if not isinstance(value, dict):
        return _wrong("a code")
    if isinstance(value.get("coding"), list):  # CodeableConcept
        made: Any = None
        for one in value["coding"]:
            coded = _coded(one, words, values)
            made = made if coded is None else _joined(made, coded)
        return made or _text(value)
    if isinstance(value.get("code"), str):
        return _coding(value, words, values)
    if isinstance(value.get("id"), str):  # OntologyClass of Phenopackets
        return _one_code(value["id"])
    return _text(value)


def _text(value: Mapping[str, Any]) -> Any:
    text = value.get("text", value.get("label"))
    return {"text": text} if isinstance(text, str) and text.strip() else _wrong("a code")


def _coding(value: Mapping[str, Any], words: Mapping[str, str] | None, values: ValueSet | None) -> Any:
    """A Coding: a code, why there is none, or, without its system, a word."""
    flavor = _null_flavor(value)
    if flavor is not None:
        own = _spelt_so(flavor, values)  # value sets of US Core list NullFlavors among their codes
        return _one_code(own) if own else {"null_flavor": flavor}
    if not value.get("system"):
        return _of_word(value["code"], words, values)
    system, code = load_systems().by_fhir_uri.get(str(value["system"]), "UNKNOWN"), value["code"]
    return _one_code(f"{system}:{code.removeprefix(f'{system}:')}")


def _one_code(code: str) -> dict[str, Any]:
    return {"codings": [{"system": code.partition(":")[0], "code": code, "origin": "stated"}]}


_NULL_FLAVORS = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
_REASONS = MappingProxyType(
    {
        "unknown": "UNK",
        "asked-unknown": "ASKU",
        "temp-unknown": "NAV",
        "not-asked": "NASK",
        "masked": "MSK",
        "not-applicable": "NA",
    }
)
"""Reasons of absence of FHIR (CodeSystem data-absent-reason 4.0.1) as NullFlavors of HL7 version 3; all others are NI."""


def _null_flavor(value: Mapping[str, Any]) -> str | None:
    """The NullFlavor that a Coding states; None where it states none."""
    system, code = value.get("system"), value.get("code")
    if system == _NULL_FLAVORS:
        return str(code)
    return _REASONS.get(str(code), "NI") if system == DATA_ABSENT_SYSTEM else None


def _of_word(word: str, words: Mapping[str, str] | None, values: ValueSet | None) -> Any:
    """What a word means: by the crosswalk, or the code of the value set that is spelt so in any case, or a text where the item takes
    one. Another word is a wrong one where the crosswalk lists them; elsewhere nobody can compare it."""
    meaning = _meaning(word, words)
    if meaning is not None:
        return _NOT_COMPARED if meaning == "?" else _one_code(meaning) if meaning else None
    own = _spelt_so(word, values)
    if own:
        return _one_code(own)
    if words is not None:
        return Broken(Status.WRONG_CODE, "it is none of the words of its element")
    return {"text": word} if values is None or values.text else _NOT_COMPARED


def _spelt_so(word: str, values: ValueSet | None) -> str:
    """The code of the value set that is spelt as *word*, in any case; empty where there is none."""
    listed = values.values if values else ()
    return next((value.code for value in listed if value.code.partition(":")[2].casefold() == word.casefold()), "")


def _meaning(word: str, words: Mapping[str, str] | None) -> str | None:
    return words.get(word, words.get("*")) if words else None


# --- alternatives of an item ----------------------------------------------------------------------------------------

_TIMES = (("timestamp", "PartialDate"), ("age", "string"), ("ontologyClass", "CodedValue"))
"""The kinds of a TimeElement of Phenopackets that the hub has a place for."""
_OTHER_TIMES = frozenset({"ageRange", "interval", "gestationalAge"})
_DURATIONS = MappingProxyType({"a": "P{}Y", "mo": "P{}M", "wk": "P{}W", "d": "P{}D"})
"""ISO 8601 of the units (UCUM) that an Age of FHIR has."""
_DATE = re.compile(r"\d{4}(-|$)")


def _fitting(slots: tuple[HubPath, ...], value: Any) -> tuple[HubPath, Any]:
    """The alternative of an item that *value* is for, and the value itself: a time may be a moment, an age, a term or a range."""
    if isinstance(value, dict):
        return _fitting_time(slots, value) or (slots[0], value)
    if len(slots) == 1 or not isinstance(value, str):
        return slots[0], value
    wanted = ("PartialDate", "string", "CodedValue") if _DATE.match(value) else ("string", "CodedValue")
    return next((path for kind in wanted for path in slots if path.range == kind), slots[0]), value


def _fitting_time(slots: tuple[HubPath, ...], value: Mapping[str, Any]) -> tuple[HubPath, Any] | None:
    """As _fitting, of a TimeElement of Phenopackets or an Age of FHIR; None where *value* is neither."""
    by_range = {path.range: path for path in reversed(slots)}
    for key, range_name in _TIMES:
        if key in value:
            inner = value[key]
            if key == "age" and isinstance(inner, dict):
                inner = inner.get("iso8601duration", "")
            return (by_range[range_name], inner) if range_name in by_range else (slots[0], _NOT_COMPARED)
    if not _OTHER_TIMES.isdisjoint(value):
        return slots[0], _NOT_COMPARED
    unit, number = value.get("code", value.get("unit")), value.get("value")
    if "string" in by_range and isinstance(unit, str) and isinstance(number, int | float):
        return by_range["string"], _DURATIONS[unit].format(number) if unit in _DURATIONS else _NOT_COMPARED
    return None


# --- objects --------------------------------------------------------------------------------------------------------


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
