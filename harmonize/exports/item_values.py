"""A hub record as the items of a data set: what the generated pydantic models hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harmonize.datasets.grading_code import holds
from harmonize.datasets.hub_paths import HubPath
from harmonize.datasets.specification import Dataset, DatasetClass, Item, ValueSet
from harmonize.datasets.value_set_words import forms_of
from harmonize.exports.python_names import distinct, field_name


def field_names(dataset: Dataset, version: str) -> dict[str, str]:
    """Item id -> the name of its field in the model of its class."""
    made: dict[str, str] = {}
    for owner in dataset.classes:
        items = [item for item in dataset.items_of(version) if item.class_name == owner]
        made |= dict(zip((item.id for item in items), distinct(field_name(item.item) for item in items), strict=True))
    return made


def class_fields(dataset: Dataset, version: str) -> dict[str, str]:
    """Class -> the name of its field in the model of the record; of classes that have items."""
    with_items = {item.class_name for item in dataset.items_of(version)}
    names = [name for name in dataset.classes if name in with_items]
    return dict(zip(names, distinct(map(field_name, names)), strict=True))


def is_repeated(owner: DatasetClass) -> bool:
    """Whether a record may have several objects of the class."""
    return len(owner.paths) > 1 or any(step.multivalued for step in owner.paths[0].steps)


def item_values(record: Mapping[str, Any], dataset: Dataset, version: str | None = None) -> dict[str, Any]:
    """The values of all items in *record*: coded values as CURIEs, NullFlavors or texts, dates as texts.

    Several values of an item that has one stay a list, so that its model refuses them.
    """
    chosen = dataset.version if version is None else version
    names = field_names(dataset, chosen)
    items = dataset.items_of(chosen)
    made: dict[str, Any] = {}
    for class_name, field in class_fields(dataset, chosen).items():
        owner = dataset.classes[class_name]
        own = [item for item in items if item.class_name == class_name]
        objects = [
            _object(dataset, own, names, *found) for path in owner.paths for found in _at(path, record, record, None)
        ]
        if is_repeated(owner):
            made[field] = objects
        elif objects:
            made[field] = objects[0]
    return made


def _object(
    dataset: Dataset, items: list[Item], names: Mapping[str, str], value: Any, holder: Any, record: Any
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for item in items:
        if (
            item.otherwise == "ignore"
            and item.condition is not None
            and not holds(item.condition, value, holder, record)
        ):
            continue
        values = dataset.value_sets.get(item.value_set or "")
        found = [
            _plain(one, path.range, values)
            for path in item.slots
            for one, _, _ in _at(path, record if path.from_record else value, record, holder)
        ]
        if found:
            made[names[item.id]] = found[0] if item.at_most == 1 and len(found) == 1 else found
    return made


def _at(path: HubPath, start: Any, record: Any, holder: Any) -> Iterator[tuple[Any, Any, Any]]:
    """What stands at the end of *path*, each with its holder and the record."""
    level = [(start, holder)]
    for step in path.steps:
        following = []
        for owner, _ in level:
            found = owner.get(step.slot)
            several = found if isinstance(found, list) else [] if found is None else [found]
            following += [
                (one, owner) for one in several if step.where is None or holds(step.where, one, owner, record)
            ]
        level = following
    for one, owner in level:
        yield one, owner, record


def _plain(value: Any, range_name: str, values: ValueSet | None) -> Any:
    if range_name == "PartialDate":
        return value["value"]
    if range_name != "CodedValue":
        return value
    codes = [coding["code"] for coding in value.get("codings", ())]
    if codes:
        return next((code for code in codes if _permits(values, code)), codes[0])
    return value.get("null_flavor") or value.get("text")


def _permits(values: ValueSet | None, code: str) -> bool:
    """Whether *values* takes *code*, as far as its form tells."""
    if values is None:
        return True
    forms, (system, _, local) = forms_of(values), code.partition(":")
    in_pattern = system in forms.patterned and re.fullmatch(forms.code_pattern, local) is not None
    return forms.any_code or system in forms.systems or in_pattern or code in forms.listed
