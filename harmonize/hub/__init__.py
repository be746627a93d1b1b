"""The hub: one LinkML schema of the 1+MG subject record, and what is generated from it. No behaviour."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

_GENERATED = Path(__file__).parent / "generated"

VALUE_CLASSES = frozenset({"CodedValue", "Coding", "PartialDate"})
"""Classes whose objects are values: made whole by one function, carried or lost as one."""


class Slot(NamedTuple):
    """A slot of a hub class."""

    range: str
    multivalued: bool
    required: bool
    description: str
    source: str


class HubSchema(NamedTuple):
    """The hub without linkml: classes with their slots, enumerations, version."""

    version: str
    root: str
    classes: dict[str, dict[str, Slot]]
    enums: dict[str, frozenset[str]]


@cache
def hub_schema() -> HubSchema:
    """The classes and slots of the hub.

    >>> hub_schema().classes["Subject"]["diagnoses"].range
    'Diagnosis'
    """
    plain = orjson.loads((_GENERATED / "slots.json").read_bytes())
    return HubSchema(
        version=plain["version"],
        root=plain["root"],
        classes={name: {s: Slot(**v) for s, v in slots.items()} for name, slots in plain["classes"].items()},
        enums={name: frozenset(values) for name, values in plain["enums"].items()},
    )


@cache
def hub_json_schema_without_values() -> dict[str, Any]:
    """`hub_json_schema` in which coded values and dates are any objects: a conversion checks each distinct one once, by itself."""
    schema = hub_json_schema()
    return {**schema, "$defs": {**schema["$defs"], **{name: {"type": "object"} for name in VALUE_CLASSES}}}


def value_json_schema(name: str) -> dict[str, Any]:
    """JSON Schema of the objects of one of `VALUE_CLASSES`."""
    schema = hub_json_schema()
    return {"$schema": schema["$schema"], "$defs": schema["$defs"], "$ref": f"#/$defs/{name}"}


@cache
def hub_json_schema() -> dict[str, Any]:
    """JSON Schema of a hub record, generated from the LinkML schema."""
    schema: dict[str, Any] = orjson.loads((_GENERATED / "hub.schema.json").read_bytes())
    return schema
