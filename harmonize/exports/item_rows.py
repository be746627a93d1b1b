"""The items of a data set, and the slots of the hub, as rows: what `schema show`, the Markdown page and the data dictionary print."""

from __future__ import annotations

from typing import Any, TypedDict

from harmonize.datasets.hub_paths import HubPath
from harmonize.datasets.specification import CORE, Dataset, DatasetClass, Item, dataset_names, load_dataset
from harmonize.datasets.value_set_words import value_set_as_json
from harmonize.errors import UnknownNameError
from harmonize.hub import hub_schema

HUB = "hub"

ItemRow = TypedDict(
    "ItemRow",
    {
        "id": str,
        "class": str,
        "item": str,
        "slot": str,
        "range": str,
        "cardinality": str,
        "level": str,
        "levels": dict[str, str],
        "condition": str,
        "petal": str,
        "value_set": dict[str, Any] | None,
        "null_flavors": list[str],
        "pattern": str,
        "definition": str,
        "note": str,
        "source": str,
    },
)


def exported(name: str) -> Dataset | None:
    """The data set *name*, or None for the hub. Raises UnknownNameError."""
    if name == HUB:
        return None
    names = dataset_names()
    if name not in names:
        raise UnknownNameError("data set", name, [*names, HUB])
    return load_dataset(name)


def item_rows(dataset: Dataset, version: str) -> list[ItemRow]:
    """A row for each item of *version*. Raises UnknownNameError for a version that the data set does not state."""
    return [_item_row(dataset, item, version) for item in dataset.items_of(version)]


def _item_row(dataset: Dataset, item: Item, version: str) -> ItemRow:
    values = dataset.value_sets.get(item.value_set or "")
    return {
        "id": item.id,
        "class": item.class_name,
        "item": item.item,
        "slot": " | ".join(full_paths(dataset.classes[item.class_name], item)),
        "range": ", ".join(dict.fromkeys(path.range for path in item.slots)),
        "cardinality": item.cardinality,
        "level": item.levels[version],
        "levels": dict(item.levels),
        "condition": item.condition_text,
        "petal": item.petal,
        "value_set": None if values is None else value_set_as_json(values),
        "null_flavors": sorted(item.null_flavors),
        "pattern": item.pattern,
        "definition": item.definition,
        "note": item.note,
        "source": item.source,
    }


def full_paths(owner: DatasetClass, item: Item) -> list[str]:
    """Where the values of *item* stand, from the record: a path for each place of its class and each alternative."""
    paths = [_joined(place, slot) for place in owner.paths for slot in item.slots]
    return list(dict.fromkeys(paths))


def _joined(place: HubPath, slot: HubPath) -> str:
    return slot.text if slot.from_record or not place.steps else f"{place.text}/{slot.text}"


def hub_rows() -> list[ItemRow]:
    """A row for each slot of the hub."""
    return [
        {
            "id": f"{class_name}.{name}",
            "class": class_name,
            "item": name,
            "slot": f"{class_name}.{name}",
            "range": slot.range,
            "cardinality": f"{int(slot.required)}..{'n' if slot.multivalued else '1'}",
            "level": "mandatory" if slot.required else "optional",
            "levels": {hub_schema().version: "mandatory" if slot.required else "optional"},
            "condition": "",
            "petal": CORE,
            "value_set": _enumeration(slot.range),
            "null_flavors": sorted(hub_schema().enums["NullFlavor"]) if slot.range == "CodedValue" else [],
            "pattern": "",
            "definition": slot.description,
            "note": "",
            "source": slot.source,
        }
        for class_name, slots in sorted(hub_schema().classes.items(), key=_root_first)
        for name, slot in sorted(slots.items())
    ]


def _root_first(entry: tuple[str, object]) -> tuple[bool, str]:
    return entry[0] != hub_schema().root, entry[0]


def _enumeration(range_name: str) -> dict[str, Any] | None:
    values = hub_schema().enums.get(range_name)
    if values is None:
        return None
    listed = [{"code": value, "label": value.replace("_", " ")} for value in sorted(values)]
    return {"name": range_name, "title": range_name, "values": listed}
