"""What of a record breaks the hub schema, place by place, and the record without it, so that the rest can be judged."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, NamedTuple

from harmonize.checks.structure import ELEMENT_NAME, pointer, problem_message
from harmonize.datasets.hub_paths import is_value
from harmonize.datasets.judges import Broken
from harmonize.datasets.statuses import Status
from harmonize.hub import hub_schema

MAX_BREACHES = 1_000
"""Violations of one record that are looked at; a record with more is broken as a whole."""


class StructureBreach(NamedTuple):
    """A place that breaks the schema. `owner` is the class and slot that hold it, None for an element that the hub has not."""

    rule: str
    path: str
    message: str
    owner: tuple[str, str] | None


def mend(record: dict[str, Any], errors: Iterable[Any]) -> list[StructureBreach] | None:
    """Take out of *record* what the *errors* of jsonschema-rs name: unknown elements are removed, broken values replaced by `Broken`.

    *record* is changed. What is merely missing stays missing. None where there are more errors than anybody looks at: *record* is then
    mended in part and cannot be judged.
    """
    breaches: dict[tuple[str, str], StructureBreach] = {}
    for number, error in enumerate(errors):
        if number == MAX_BREACHES:
            return None
        for breach in _mended(record, list(error.instance_path), error):
            breaches.setdefault((breach.rule, breach.path), breach)
    return list(breaches.values())


def _mended(record: dict[str, Any], path: list[Any], error: Any) -> list[StructureBreach]:
    detail: Any = error.kind
    place = _Place.at(record, path)
    if place is None:
        return []  # an error that was mended above has taken this place with it
    is_unknown = detail.name in ("additionalProperties", "unevaluatedProperties")
    if is_unknown and not (place.slot and "null_flavor" in detail.unexpected):
        return _without_unknown(place, path, detail.unexpected)
    message = problem_message(error)
    if place.slot is None:
        owner = (place.class_name, detail.property) if detail.name == "required" else None
        return [StructureBreach("hub.structure", pointer(path), message, owner)]
    if place.is_whole_object:
        place.holder[place.slot][place.position] = {}  # an object without any slot: what it should hold is missing
    else:
        place.holder[place.slot] = _broken(place, path, message)
    return [StructureBreach("hub.structure", pointer(path), message, (place.class_name, place.slot))]


def _broken(place: _Place, path: list[Any], message: str) -> Broken:
    """What stands in the place of a value that is none, with what is wrong with it."""
    value, range_name = place.holder[place.slot], hub_schema().classes[place.class_name][str(place.slot)].range
    if range_name in ("PartialDate", "Quantity") and isinstance(value, dict) and "null_flavor" in value:
        return Broken(Status.NULL_FLAVOR_REFUSED, "a date or a number has no NullFlavor: leave it out")
    if range_name == "CodedValue" and path[-1:] == ["null_flavor"]:
        return Broken(Status.NULL_FLAVOR_REFUSED, message)
    if range_name == "PartialDate" and isinstance(value, dict):
        return Broken(Status.WRONG_DATE, message)
    return Broken(Status.WRONG_TYPE, message)


def _without_unknown(place: _Place, path: list[Any], unexpected: list[str]) -> list[StructureBreach]:
    breaches = []
    slots = hub_schema().classes.get(place.object_class, {})
    for name in unexpected:
        place.object.pop(name, None)
        if not ELEMENT_NAME.fullmatch(name):
            breaches.append(
                StructureBreach(
                    "dataset.unknown-slot", pointer(path), "it has an element that the hub does not have", None
                )
            )
            continue
        close = difflib.get_close_matches(name, slots, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        breaches.append(
            StructureBreach(
                "dataset.unknown-slot",
                pointer([*path, name]),
                f"class {place.object_class} of the hub has no slot {name}{hint}",
                None,
            )
        )
    return breaches


class _Place(NamedTuple):
    """Where an error stands: the object that is in error and its class, and the slot of the object above that holds it.

    `slot` is None where the error is about an object of the hub itself, as when a slot is missing in it.
    """

    holder: Any
    class_name: str
    slot: str | None
    object: Any
    object_class: str
    is_whole_object: bool
    position: int

    @classmethod
    def at(cls, record: Any, path: list[Any]) -> _Place | None:
        """The place of *path*; None where the way there is gone."""
        holder, class_name, rest = record, "Subject", list(path)
        while rest:
            slot = hub_schema().classes.get(class_name, {}).get(rest[0])
            if slot is None or not isinstance(holder, dict) or rest[0] not in holder:
                return None
            value = holder[rest[0]]
            if is_value(slot.range):
                return cls._of_value(holder, class_name, rest, slot.range)
            if not slot.multivalued:
                if len(rest) == 1 and not isinstance(value, dict):
                    return cls(holder, class_name, rest[0], value, slot.range, False, 0)
                holder, class_name, rest = value, slot.range, rest[1:]
                continue
            if len(rest) == 1 or not isinstance(value, list):
                return cls(holder, class_name, rest[0], value, slot.range, False, 0)
            if not isinstance(value[rest[1]], dict):
                return cls(holder, class_name, rest[0], value, slot.range, True, rest[1])
            holder, class_name, rest = value[rest[1]], slot.range, rest[2:]
        return cls(record, class_name, None, holder, class_name, False, 0)

    @classmethod
    def _of_value(cls, holder: Any, class_name: str, rest: list[Any], range_name: str) -> _Place | None:
        """A place inside of a coded value, a date or a number: the slot that holds it as a whole is broken."""
        inner: Any = holder
        object_class = range_name
        if isinstance(holder[rest[0]], Broken):
            return None
        for step in rest:
            try:
                inner = inner[step]
            except (KeyError, IndexError, TypeError):
                return None
            if step in ("codings", "unit_source"):
                object_class = "Coding" if step == "codings" else "CodedValue"
        return cls(holder, class_name, str(rest[0]), inner, object_class, False, 0)
