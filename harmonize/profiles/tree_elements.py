"""Elements of XML on the way into a source record, and which of them newer ones replace. ADR 0011."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import orjson

from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.profiles.assembly import BadCell
from harmonize.profiles.source_record import SourceObject
from harmonize.profiles.xml_assembly import XmlTable

_DAY_FIRST = re.compile(r"([0-9]{2})[.]([0-9]{2})[.]([0-9]{4})")
_Key = tuple[str | None, ...]


@dataclass(slots=True, eq=False)
class Element:
    """An element on the way into the record, with the objects that its tables make of it."""

    number: int
    holder: Element | None
    objects: dict[str, SourceObject] = field(default_factory=dict)
    """Table -> object."""
    parts: list[Element] = field(default_factory=list)
    replaced: bool = False

    def stated(self, slot: str) -> str | None:
        """What the element, or the nearest one that holds it, states in *slot*."""
        holder = self.stating(slot)
        return holder[slot] if holder is not None else None

    def stating(self, slot: str) -> SourceObject | None:
        """The object that states *slot*: of the element itself, or of the nearest one that holds it."""
        element: Element | None = self
        while element is not None:
            for made in element.objects.values():
                if slot in made:
                    return made
            element = element.holder
        return None


def _contents(element: Element) -> bytes:
    """Everything that the profile reads of *element* and of what is in it, in one order."""
    objects = [dict(sorted(element.objects[name].items())) for name in sorted(element.objects)]
    return orjson.dumps([objects, sorted(_contents(part).decode() for part in element.parts)])


class Said:
    """What is said on the way, with the cells that are lost."""

    def __init__(self) -> None:
        self.bad_cells: dict[Cell, BadCell] = {}
        self.left_out: dict[Cell, str] = {}
        self.replaced: list[tuple[Finding, tuple[Cell, ...]]] = []

    def second(self, cell: Cell) -> None:
        """A second value where a row has one."""
        message = "the element states otherwise what another element of the same row states; the other is used"
        fix = "keep one of them"
        finding = Finding("source.duplicate-value", Severity.ERROR, message, Outcome.REJECTED, cell=cell, fix=fix)
        self.bad_cells[cell] = BadCell(cell, finding)

    def no_place(self, made: SourceObject, slot: str) -> None:
        """A value that no object of the record takes."""
        for cell in made.cells(slot):
            message = "there is nothing in the message that this value could belong to"
            finding = Finding("mapping.no-place", Severity.WARNING, message, Outcome.DROPPED, cell=cell)
            self.bad_cells.setdefault(cell, BadCell(cell, finding))


def date_order(text: str | None) -> str:
    """What dates are ordered by, written year first or day first.

    >>> date_order("2021-03-01") < date_order("11.06.2021"), date_order(None)
    (True, '')
    """
    if text is None:
        return ""
    match = _DAY_FIRST.fullmatch(text.strip())
    return "-".join(reversed(match.groups())) if match else text.strip()


# --- rows that newer ones replace -----------------------------------------------------------------------------------


def replace(table: XmlTable, elements: Iterable[Element], said: Said) -> None:
    """Of the elements with one key the newest stands; one that says the same stands beside it and is found to be equal."""
    groups: dict[_Key, list[Element]] = {}
    for element in elements:
        if table.name in element.objects and not element.replaced:
            key = tuple(element.stated(slot) for slot in table.by or ())
            if key and key[0]:  # what numbers the row; the others tell whose number it is
                groups.setdefault(key, []).append(element)
    for group in groups.values():
        if len(group) > 1:
            replace_older(table, group, said)


def replace_older(table: XmlTable, group: list[Element], said: Said) -> None:
    """Set the elements of *group* aside that say otherwise than its newest."""
    dated = [(date_order(e.stated(table.newest)) if table.newest else "", _contents(e), e) for e in group]
    newest = max(dated, key=lambda item: item[:2])
    for date, contents, element in dated:
        if contents != newest[1]:
            cells = tuple(_set_aside(element))
            first = next(iter(cells), None)
            said.replaced.append((superseded(first, doubtful=date == newest[0]), cells))


def _set_aside(element: Element) -> Iterator[Cell]:
    """Take an element and all that is in it out, and give the cells."""
    element.replaced = True
    for made in element.objects.values():
        for slot in made:
            yield from made.cells(slot)
    for part in element.parts:
        yield from _set_aside(part)


def changed(cell: Cell | None, slot: str) -> Finding:
    """That a newer statement replaced the one at *cell* in a slot that stays what it is."""
    message = (
        f"a newer statement says otherwise in {slot}, which does not change: there may be two under one identifier"
    )
    fix = "check whether it is one person, or one tumour, and correct the identifiers"
    return Finding("source.superseded", Severity.WARNING, message, Outcome.DROPPED, cell=cell, fix=fix)


def superseded(cell: Cell | None, *, doubtful: bool) -> Finding:
    """That a newer statement replaced the one at *cell*; *doubtful*: that it is newer is told by contents alone."""
    if not doubtful:
        message = "a newer statement of the same thing replaces this one"
        return Finding("source.superseded", Severity.INFO, message, Outcome.DROPPED, cell=cell)
    message = "another statement of the same thing and the same day says otherwise; one is taken by its contents"
    return Finding("source.superseded", Severity.WARNING, message, Outcome.DROPPED, cell=cell)
