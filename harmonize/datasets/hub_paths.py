"""Paths into the hub: `samples/relations/relation_type`, checked against the schema when they are read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harmonize.datasets.conditions import Condition, parse_condition
from harmonize.errors import SpecificationError
from harmonize.hub import VALUE_CLASSES, Slot, hub_schema

_SEGMENT = re.compile(r"([a-z][a-z0-9_]*)(?:\[(.+)\])?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Step:
    """One slot of a path. Of a list only the objects for which `where` holds are followed."""

    slot: str
    range: str
    multivalued: bool
    where: Condition | None


@dataclass(frozen=True, slots=True)
class HubPath:
    """A path from an object of `start` to values of class or type `range`. `text` is how it was written."""

    text: str
    start: str
    steps: tuple[Step, ...]
    from_record: bool = False

    @property
    def range(self) -> str:
        """Class or type of what stands at the end."""
        return self.steps[-1].range if self.steps else self.start

    @property
    def slots(self) -> tuple[str, ...]:
        """The names of the slots in order."""
        return tuple(step.slot for step in self.steps)

    @property
    def is_plain(self) -> bool:
        """Whether the path is one slot that is not selected from."""
        return len(self.steps) == 1 and self.steps[0].where is None

    @property
    def end_class(self) -> str:
        """The class that has the last slot."""
        return self.steps[-2].range if len(self.steps) > 1 else self.start


def hub_path(text: str, start: str = "Subject") -> HubPath:
    """The path *text* from the hub class *start*. Raises SpecificationError where the hub has no such slot.

    A list can be selected from: `consents[purpose == 'contact']/decision`. A path that begins with `record/` starts at the
    record, whatever *start* is.

    >>> hub_path("samples/collection_date").range
    'PartialDate'
    >>> hub_path("samples/colour")
    Traceback (most recent call last):
    harmonize.errors.SpecificationError: hub path 'samples/colour': class Sample has no slot 'colour'
    """
    steps: list[Step] = []
    from_record = text.startswith("record/")
    if from_record:
        text, start = text.removeprefix("record/"), "Subject"
    current = start
    for segment in _segments(text):
        found = _SEGMENT.fullmatch(segment)
        slot = _slots(current).get(found[1]) if found else None
        if found is None or slot is None:
            what = (
                f"class {current} has no slot {segment!r}"
                if current in hub_schema().classes
                else f"{current} holds no slots"
            )
            raise SpecificationError(f"hub path {text!r}: {what}")
        where = parse_condition(found[2], slot.range) if found[2] else None
        steps.append(Step(found[1], slot.range, slot.multivalued, where))
        current = slot.range
    return HubPath(text, start, tuple(steps), from_record)


def _slots(class_name: str) -> dict[str, Slot]:
    return hub_schema().classes.get(class_name, {})


def _segments(text: str) -> list[str]:
    """*text* cut at the slashes that stand outside of brackets and quotes."""
    if not text:
        return []
    return re.split(r"/(?![^\[]*\])", text)


def is_value(range_name: str) -> bool:
    """Whether objects of *range_name* are values: judged as one, not walked into.

    >>> is_value("PartialDate"), is_value("string"), is_value("Sample")
    (True, True, False)
    """
    return range_name in VALUE_CLASSES or range_name == "Quantity" or range_name not in hub_schema().classes
