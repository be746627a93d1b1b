"""How a data set becomes sheets that a person fills: one for each class, with a column for each item.

What nests in the hub is brought together by keys: a sheet has the key of what its rows belong to. Where the rows of a sheet may
stand in several slots of the hub, the column `used_for` says in which. The layout is the one thing that the template, the
profile that reads it back and the tests share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from harmonize.datasets.hub_paths import HubPath, is_value
from harmonize.datasets.specification import Dataset, DatasetClass, Item, PermittedValue, ValueSet
from harmonize.datasets.value_set_words import systems_of
from harmonize.hub import Slot, hub_json_schema, hub_schema
from harmonize.profiles.labelled_codes import labelled

SUBJECT_KEY = "subject_id"
USED_FOR = "used_for"
NULL_FLAVORS = {
    "NI": "no information",
    "UNK": "unknown",
    "ASKU": "asked but unknown",
    "NAV": "temporarily unavailable",
    "NASK": "not asked",
    "NA": "not applicable",
    "OTH": "other",
    "MSK": "masked",
}
"""HL7 NullFlavor -> its words."""
YES_NO = ("yes", "no")


class Kind(StrEnum):
    """What the cells of a column hold."""

    KEY = "key"
    REFERENCE = "reference"
    USED_FOR = "used for"
    CODE = "code"
    DATE = "date"
    TRUTH = "truth"
    NUMBER = "number"
    WHOLE = "whole number"
    DURATION = "duration"
    UNIT = "unit"
    CODE_SYSTEM = "code system"
    WORDS = "words"


class Column(NamedTuple):
    """A column of a sheet. `path` are hub slots from the object of the row; `item` is None for keys and what helps to write."""

    name: str
    kind: Kind
    path: tuple[str, ...]
    item: Item | None = None
    value_set: ValueSet | None = None
    multivalued: bool = False
    lines: bool = False
    """Whether several values stand on a line of their own each; otherwise ` | ` is between them."""
    of: str = ""
    """Of a key or reference: the class whose rows it names. Of a unit: the column of the number."""


class Role(NamedTuple):
    """A slot that rows of a nested sheet fill: of the rows of which sheet, joined by which key."""

    slot: str
    holder: str
    key: str


@dataclass(frozen=True)
class Sheet:
    """A sheet: the class of the data set, its columns, and the slots its rows may fill; none where they hang at the subject."""

    name: str
    dataset_class: DatasetClass
    columns: tuple[Column, ...]
    roles: tuple[Role, ...]

    @property
    def hub_class(self) -> str:
        """The hub class of what a row says."""
        return self.dataset_class.hub_class

    @property
    def slot(self) -> str:
        """The slot of the subject that the rows fill; empty for the subject itself and for nested sheets."""
        steps = self.dataset_class.paths[0].steps
        return steps[0].slot if len(steps) == 1 else ""

    def column(self, name: str) -> Column:
        """The column *name*."""
        return next(column for column in self.columns if column.name == name)


def sheets_of(dataset: Dataset) -> tuple[Sheet, ...]:
    """The sheets of *dataset*, in the order of its classes."""
    return tuple(_sheet(dataset, name) for name in dataset.classes)


def items_without_column(dataset: Dataset) -> dict[str, str]:
    """Item -> why it has no column of its own: what it holds stands on a sheet of its own."""
    made = {}
    for item in dataset.items_of(dataset.version):
        if not is_value(item.slots[0].range):
            target = next(
                (n for n, c in dataset.classes.items() if c.hub_class == item.slots[0].range), item.slots[0].range
            )
            made[item.id] = f"a row of the sheet {target} names what it belongs to"
    return made


def entry(value: PermittedValue) -> str:
    """A permitted value as it is chosen from a list: the code in parentheses is what is read back.

    >>> entry(PermittedValue("NCIT:C8509", "primary tumour", ""))
    'primary tumour (NCIT:C8509)'
    """
    return labelled(value.label, value.code)


def null_flavor_entry(flavor: str) -> str:
    """A NullFlavor as it is chosen from a list.

    >>> null_flavor_entry("UNK")
    'unknown (NullFlavor:UNK)'
    """
    return labelled(NULL_FLAVORS[flavor], f"NullFlavor:{flavor}")


def entries_of(column: Column, sheet: Sheet) -> list[str]:
    """What the drop-down list of *column* shows; nothing where there is none."""
    if column.kind is Kind.USED_FOR:
        return [role.slot for role in sheet.roles]
    if column.kind is Kind.TRUTH:
        return list(YES_NO)
    values = [entry(value) for value in column.value_set.values] if column.value_set else []
    flavors = column.item.null_flavors if column.item else frozenset()
    return values + [null_flavor_entry(flavor) for flavor in NULL_FLAVORS if flavor in flavors]


def is_closed(column: Column) -> bool:
    """Whether nothing but the entries of the list may stand in *column*."""
    if column.kind in (Kind.USED_FOR, Kind.TRUTH):
        return True
    known = column.value_set
    return (
        not column.multivalued and known is not None and bool(known.values) and not systems_of(known) and not known.text
    )


# --- sheets ---------------------------------------------------------------------------------------------------------


def _sheet(dataset: Dataset, name: str) -> Sheet:
    known = dataset.classes[name]
    roles = tuple(_roles(dataset, known))
    columns: dict[str, Column] = {}
    for column in (*_keys(dataset, known, roles), *_items(dataset, known)):
        columns.setdefault(column.name, column)
    return Sheet(name, known, tuple(columns.values()), roles)


def _class_at(dataset: Dataset, slot: str) -> str:
    """The class of the data set whose objects stand in *slot* of the subject."""
    return next(n for n, c in dataset.classes.items() if any(p.slots == (slot,) for p in c.paths))


def _roles(dataset: Dataset, known: DatasetClass) -> Iterator[Role]:
    for path in known.paths:
        if len(path.steps) == 2:
            holder = _class_at(dataset, path.steps[0].slot)
            yield Role(path.steps[1].slot, holder, key_of(holder))


def key_of(class_name: str) -> str:
    """The column that names a row of a class.

    >>> key_of("Sample")
    'sample_id'
    """
    return f"{class_name.lower()}_id"


def _keys(dataset: Dataset, known: DatasetClass, roles: tuple[Role, ...]) -> Iterator[Column]:
    """The subject, the row's own key, the keys of what it belongs to and refers to, and what it is used for."""
    slots = hub_schema().classes[known.hub_class]
    subject = next(i for i in dataset.items if i.slots[0].text == SUBJECT_KEY)
    yield Column(SUBJECT_KEY, Kind.KEY, (SUBJECT_KEY,), subject if not known.paths[0].steps else None, of="Subject")
    for name in dataset.classes:
        key = key_of(name)
        if key == SUBJECT_KEY:
            continue
        held = (key,) if key in slots else ()
        if name == known.name and (held or _holds(dataset, name)):
            item = next((i for i in dataset.items if i.class_name == name and i.slots[0].slots == held), None)
            yield Column(key, Kind.KEY, held, item, of=name)
        elif name in {role.holder for role in roles} or held:
            yield Column(key, Kind.REFERENCE, held, of=name)
    if len(roles) > 1:
        yield Column(USED_FOR, Kind.USED_FOR, ())


def _holds(dataset: Dataset, name: str) -> bool:
    """Whether rows of other sheets belong to rows of the class *name*."""
    return any(role.holder == name for other in dataset.classes.values() for role in _roles(dataset, other))


def _items(dataset: Dataset, known: DatasetClass) -> Iterator[Column]:
    """A column for each item of the class; a number without an item for its unit gets a column for it."""
    items = [item for item in dataset.items_of(dataset.version) if item.class_name == known.name]
    names: dict[tuple[str, ...], str] = {}
    for item in items:
        path = item.slots[0]
        if path.slots in ((SUBJECT_KEY,), (key_of(known.name),)) or not is_value(item.slots[0].range):
            continue
        name = column_name(item)
        if path.slots in names:
            first = names[path.slots]
            if name.endswith("_system"):
                yield Column(name, Kind.CODE_SYSTEM, path.slots, item, of=first)
                continue
            yield _column(dataset, item, name)  # two items tell one slot apart by a condition
            continue
        names[path.slots] = name
        yield _column(dataset, item, name)
        if path.range == "Quantity" and not any(i.slots[0].slots == (*path.slots, "unit") for i in items):
            yield Column(f"{name}_unit", Kind.UNIT, (*path.slots, "unit"), of=name)


def column_name(item: Item) -> str:
    """The name of an item's column: the last part of its id in small letters.

    >>> from harmonize.datasets.specification import load_dataset
    >>> [column_name(i) for i in load_dataset("hmd").items if "treatmentCode" in i.id or "ISO_15189" in i.id]
    ['iso_15189_accredited', 'treatment_code']
    """
    plain = item.id.rpartition(".")[2]
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", plain).lower()


def _column(dataset: Dataset, item: Item, name: str) -> Column:
    path = item.slots[0]
    kind = _kind(path)
    value_set = dataset.value_sets[item.value_set] if item.value_set else None
    many = path.steps[-1].multivalued and path.range != "Quantity"
    slots = (*path.slots, "value") if path.range == "Quantity" else path.slots
    of = _unit_of(path) if kind is Kind.UNIT else ""
    if kind is Kind.REFERENCE:
        of = "Sample"
    return Column(name, kind, slots, item, value_set, many, many and path.slots[-1] == "parameters", of)


def _unit_of(path: HubPath) -> str:
    return path.slots[-2]


def _kind(path: HubPath) -> Kind:
    slot = hub_slot(path.end_class, path.slots[-1])
    match slot.range:
        case "CodedValue":
            return Kind.CODE
        case "PartialDate":
            return Kind.DATE
        case "boolean":
            return Kind.TRUTH
        case "integer":
            return Kind.WHOLE
        case "Quantity":
            return Kind.NUMBER
    if path.end_class == "Quantity":
        return Kind.UNIT
    if "pseudonym" in slot.description:
        return Kind.REFERENCE
    if "ISO 8601 duration" in slot.description:
        return Kind.DURATION
    return Kind.NUMBER if _is_number(path.end_class, path.slots[-1]) else Kind.WORDS


def hub_slot(hub_class: str, name: str) -> Slot:
    """The slot *name* of *hub_class*."""
    return hub_schema().classes[hub_class][name]


def _is_number(hub_class: str, slot: str) -> bool:
    pattern = str(hub_json_schema()["$defs"][hub_class]["properties"][slot].get("pattern", ""))
    return pattern.startswith("^-?[0-9]")
