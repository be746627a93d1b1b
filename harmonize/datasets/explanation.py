"""What a graded record breaks, in words: the item, the place of the value, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from harmonize.datasets.grading_code import each, holds, plain_judge
from harmonize.datasets.hub_paths import HubPath, Step
from harmonize.datasets.judges import Broken, Judges
from harmonize.datasets.specification import CONDITIONAL, Dataset, DatasetClass, Item
from harmonize.datasets.statuses import INVALID_RULES, Status
from harmonize.datasets.value_set_words import summary


class ItemViolation(NamedTuple):
    """An item that a record breaks. `item` is None where a whole class is missing."""

    rule: str
    path: str
    message: str
    class_name: str
    item: Item | None
    level: str


class GradedObject(NamedTuple):
    """An object that is graded: its JSON Pointer in the record, itself, its holder, the record and the slot that holds it."""

    pointer: str
    value: Any
    holder: Any
    record: Any
    via: str


def missing_rule(level: str) -> str:
    """The rule that a missing item of *level* breaks; where a condition demands it, it is mandatory.

    >>> missing_rule("conditional")
    'dataset.mandatory-missing'
    """
    return f"dataset.{'mandatory' if level == CONDITIONAL else level}-missing"


class Explanation:
    """Says of items of one release of a data set what is wrong with them."""

    def __init__(self, dataset: Dataset, version: str, judges: Judges) -> None:
        self._dataset, self._version, self._judges = dataset, version, judges

    def of_missing_class(self, owner: DatasetClass) -> ItemViolation:
        """A record must have an object of the class and has none."""
        path = "/" + "/".join(owner.paths[0].slots)
        what = f"{owner.name} ({owner.definition.rstrip('.')})" if owner.definition else owner.name
        message = f"the record has none: {what}; {self._dataset.name} {self._version} demands one"
        return ItemViolation("dataset.class-missing", path, message, owner.name, None, "mandatory")

    def of_item(self, item: Item, status: Status, graded: GradedObject) -> ItemViolation:
        """An item of the object *graded* is missing or invalid."""
        level = item.levels[self._version]
        place, value = self._place(item, status, graded)
        name = f"{item.class_name}, {item.item}"
        if status == Status.MISSING:
            why = f" (demanded: {item.condition_text})" if item.condition_text and level == CONDITIONAL else ""
            return ItemViolation(missing_rule(level), place, f"{name} is missing{why}", item.class_name, item, level)
        detail = value.why if isinstance(value, Broken) else self._detail(item, status)
        message = _MESSAGES[status].format(name=name, detail=detail)
        return ItemViolation(INVALID_RULES[status], place, message, item.class_name, item, level)

    def _place(self, item: Item, status: Status, graded: GradedObject) -> tuple[str, Any]:
        """JSON Pointer of the first value with *status*, and the value; or the first place where one should stand and does not."""
        for path in item.slots[:1] if status == Status.MISSING else item.slots:
            judge = self._judges.of(item, path) or plain_judge
            start = ("", graded.record, None) if path.from_record else (graded.pointer, graded.value, graded.holder)
            for place, value in _values_at(path, start, graded.record):
                if (Status.MISSING if value is None else judge(value)) == status:
                    return place, value
        start_of_path = "" if item.slots[0].from_record else graded.pointer
        return start_of_path + "".join(f"/{slot}" for slot in item.slots[0].slots), None

    def _detail(self, item: Item, status: Status) -> str:
        values = self._dataset.value_sets.get(item.value_set or "")
        match status:
            case Status.WRONG_CODE:
                return summary(values) if values else "any code"
            case Status.NULL_FLAVOR_REFUSED:
                return f"allowed: {', '.join(sorted(item.null_flavors)) or 'none'}"
            case Status.CONDITION_BROKEN:
                return f"it is for records {item.condition_text}" if item.condition_text else "another item excludes it"
            case Status.WRONG_DATE:
                return "not of the calendar, or not cut where its precision says"
            case Status.TOO_MANY:
                return item.cardinality
            case Status.WRONG_TEXT:
                return item.pattern
        return item.slots[0].range


_MESSAGES = {
    Status.WRONG_CODE: "{name}: no code of it is in the value set: {detail}",
    Status.NULL_FLAVOR_REFUSED: "{name}: a NullFlavor that is not allowed here; {detail}",
    Status.WRONG_DATE: "{name}: no date: {detail}",
    Status.CONDITION_BROKEN: "{name} is given although it must not be; {detail}",
    Status.WRONG_TYPE: "{name}: not what the hub has there: {detail}",
    Status.TOO_MANY: "{name}: more values than {detail} allows",
    Status.WRONG_TEXT: "{name}: the text has not the form {detail}",
}


def objects_of(owner: DatasetClass, record: Mapping[str, Any]) -> Iterator[GradedObject]:
    """The objects of a class in *record*, in the order in which they are graded."""
    for path in owner.paths:
        via = path.steps[-1].slot if path.steps else ""
        for pointer, one, holder in _along(path.steps, ("", record, None), record):
            yield GradedObject(pointer, one, holder, record, via)


_Found = tuple[str, Any, Any]
"""JSON Pointer, object, and the object that holds it."""


def _along(steps: tuple[Step, ...], start: _Found, record: Any) -> list[_Found]:
    """What stands at the end of *steps* from *start*."""
    level = [start]
    for step in steps:
        following: list[_Found] = []
        for pointer, holder, _ in level:
            value = holder.get(step.slot)
            several = list(each(value)) if step.multivalued else [] if value is None else [value]
            for index, one in enumerate(several):
                if step.where is None or holds(step.where, one, holder, record):
                    suffix = f"/{index}" if step.multivalued and value.__class__ is not Broken else ""
                    following.append((f"{pointer}/{step.slot}{suffix}", one, holder))
        level = following
    return level


def _values_at(path: HubPath, start: _Found, record: Any) -> Iterator[tuple[str, Any]]:
    """The values of a path with their places; None where the last object on the way has none."""
    last = path.steps[-1:]
    for holder in _along(path.steps[:-1], start, record):
        values = _along(last, holder, record)
        yield from ((pointer, value) for pointer, value, _ in values)
        if not values:
            yield f"{holder[0]}/{path.steps[-1].slot}", None
