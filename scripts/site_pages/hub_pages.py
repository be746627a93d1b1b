"""The pages of the hub: the index, one for each class, the enumerations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml

import harmonize.hub
from harmonize.datasets.specification import Item
from harmonize.findings import Outcome
from harmonize.hub import VALUE_CLASSES, Slot, hub_schema
from scripts.site_pages.crosswalks import MODELS
from scripts.site_pages.filled_by import profiles_of_slot
from scripts.site_pages.markdown import code, counted, facts, heading, link, page_of, plain, slug, table
from scripts.site_pages.places import (
    HUB_ENUMS,
    HUB_INDEX,
    INDEX,
    class_page,
    datasets,
    hub_page,
    hub_slot_link,
    item_link,
    range_link,
    short,
    source_link,
    trail,
)
from scripts.site_pages.targets import DECLARATIONS

ITEMS_SHOWN = 12


def hub_pages() -> Iterator[tuple[str, str]]:
    """Path below docs/ and text of every page."""
    yield HUB_INDEX, _index()
    yield HUB_ENUMS, _enumerations()
    for name in hub_schema().classes:
        yield hub_page(name), _class(name)


@cache
def _written(part: str) -> Mapping[str, Mapping[str, Any]]:
    """The `classes` or `enums` of the LinkML modules of the hub, with their descriptions."""
    from pathlib import Path

    found: dict[str, Mapping[str, Any]] = {}
    for file in sorted((Path(harmonize.hub.__file__).parent / "schema").glob("*.yaml")):
        found |= yaml.safe_load(file.read_text(encoding="utf-8")).get(part) or {}
    return found


def _description(part: str, name: str) -> str:
    return plain(_written(part)[name].get("description", ""))


@cache
def _items_by_slot() -> Mapping[str, tuple[Item, ...]]:
    """`Class.slot` -> the items whose value stands there."""
    found: dict[str, list[Item]] = {}
    for dataset in datasets():
        for item in dataset.items:
            for place in {f"{path.end_class}.{path.steps[-1].slot}": None for path in item.slots}:
                found.setdefault(place, []).append(item)
    return {place: tuple(items) for place, items in found.items()}


@cache
def _used_by() -> Mapping[str, tuple[str, ...]]:
    """Class -> `Class.slot` that holds its objects."""
    found: dict[str, list[str]] = {}
    for name, slots in hub_schema().classes.items():
        for slot, spec in slots.items():
            found.setdefault(spec.range, []).append(f"{name}.{slot}")
    return {name: tuple(places) for name, places in found.items()}


def _index() -> str:
    schema = hub_schema()
    lines = ["# The hub, class by class", ""]
    lines += [
        f"Version {schema.version}: {counted(len(schema.classes), 'class', 'classes')}, "
        f"{link(counted(len(schema.enums), 'enumeration'), HUB_ENUMS, HUB_INDEX)}. A record is one "
        f"{link('Subject', hub_page('Subject'), HUB_INDEX)}. Every slot names the item or the specification that it comes from. "
        f"Which data set asks for what is said {link('there', INDEX, HUB_INDEX)}.",
        "",
    ]
    rows = [
        [link(name, hub_page(name), HUB_INDEX), str(len(slots)), _description("classes", name)]
        for name, slots in sorted(schema.classes.items(), key=lambda pair: (pair[0] != schema.root, pair[0]))
    ]
    return page_of([*lines, *table(["class", "slots", "what it is"], rows)])


def _enumerations() -> str:
    lines = [*trail(HUB_ENUMS, ("Hub", HUB_INDEX)), "# Enumerations of the hub", ""]
    for name, values in sorted(hub_schema().enums.items()):
        lines += [heading(2, name, slug(name)), "", _description("enums", name), ""]
        told = _written("enums")[name]["permissible_values"]
        assert set(told) == set(values)
        rows = [[code(value), plain((told[value] or {}).get("description", ""))] for value in told]
        lines += table(["value", "what it says"], rows)
        used = [hub_slot_link(place, HUB_ENUMS) for place in _used_by().get(name, ())]
        lines += [f"Used by {', '.join(used)}." if used else "", ""]
    return page_of(lines)


def _class(name: str) -> str:
    page, slots = hub_page(name), hub_schema().classes[name]
    lines = [*trail(page, ("Hub", HUB_INDEX)), f"# Hub: {name}", "", _description("classes", name), ""]
    lines += _class_facts(name, page)
    rows = [
        [hub_slot_link(f"{name}.{slot}", page, slot), _range(spec, page), plain(spec.description)]
        for slot, spec in slots.items()
    ]
    lines += table(["slot", "holds", "what it is"], rows)
    for slot, spec in slots.items():
        lines += _slot(name, slot, spec, page)
    return page_of(lines)


def _range(spec: Slot, page: str) -> str:
    return (
        ("list of " if spec.multivalued else "")
        + range_link(spec.range, page)
        + (", required" if spec.required else "")
    )


def _class_facts(name: str, page: str) -> list[str]:
    used = [hub_slot_link(place, page) for place in _used_by().get(name, ())]
    held = ", ".join(used[:ITEMS_SHOWN]) + (f" and {len(used) - ITEMS_SHOWN} more" if len(used) > ITEMS_SHOWN else "")
    asked = [
        link(plain(f"{short(dataset)}, {owner.name.replace('_', ' ')}"), class_page(dataset, owner.name), page)
        for dataset in datasets()
        for owner in dataset.classes.values()
        if owner.hub_class == name
    ]
    return facts([("Class", code(name)), ("Objects stand in", held), ("Classes of data sets", "; ".join(asked))])


def _slot(name: str, slot: str, spec: Slot, page: str) -> list[str]:
    place = f"{name}.{slot}"
    lines = [heading(2, plain(slot), slug(slot)), "", plain(spec.description), ""]
    items = [item_link(item.id, page) for item in _items_by_slot().get(place, ())]
    rows = [("Holds", _range(spec, page)), ("Source", source_link(spec.source, page)), ("Items", "; ".join(items))]
    rows += [(MODELS[target], _said(target, place)) for target in DECLARATIONS]
    if name not in VALUE_CLASSES and name != "Quantity":
        rows.append(("Profiles", ", ".join(map(code, profiles_of_slot(name, slot))) or "none fills it"))
    return [*lines, *facts(rows)]


def _said(target: str, place: str) -> str:
    outcome, reason = DECLARATIONS[target][place]
    return "carried" if outcome is Outcome.CARRIED else f"{outcome.value}: {plain(reason)}"
