"""Rows that are elements of XML become ONE source record: nested, merged, replaced, each in an order that their contents give.

Whatever the order of messages and documents is, the record is the same: what is newest is told by dates and, where they are equal, by
contents; equal rows of a list are one; lists stand in the order of their contents. ADR 0011.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from harmonize.findings import Cell, Finding, Outcome, Severity, file_of
from harmonize.profiles.assembly import Assembled, BadCell, RawSubject
from harmonize.profiles.source_record import RawRow, SourceObject, Table, row_object, shared_object
from harmonize.profiles.specification import Profile
from harmonize.profiles.xml_assembly import SUBJECT_ELEMENT, XmlAssembly, XmlTable, holder_of, lent_slots

WHAT = "what"
"""The slot that names, in an object that stands apart, the slot for which it does."""
_NOTHING_APART = "The value describes others of its element, of which none is stated."
_NOTHING = row_object({}, None, 0)
_DAY_FIRST = re.compile(r"([0-9]{2})[.]([0-9]{2})[.]([0-9]{4})")
_DAY_LENGTH = 10
_Key = tuple[str | None, ...]


class _Plan(NamedTuple):
    """How the rows of one path make objects of one table."""

    spec: XmlTable
    path: str
    cells: tuple[tuple[str, int, str], ...]
    """(slot, index of a column that fills it, its name); dialects have columns of their own for a slot."""
    says_nothing: Mapping[str, Mapping[str, str]]
    gathered: frozenset[str]
    """Slots whose values of several columns make one text."""


@dataclass(slots=True, eq=False)
class _Element:
    """An element on the way into the record, with the objects that its tables make of it."""

    number: int
    holder: _Element | None
    objects: dict[str, SourceObject] = field(default_factory=dict)
    """Table -> object."""
    parts: list[_Element] = field(default_factory=list)
    replaced: bool = False

    def stated(self, slot: str) -> str | None:
        """What the element, or the nearest one that holds it, states in *slot*."""
        holder = self.stating(slot)
        return holder[slot] if holder is not None else None

    def stating(self, slot: str) -> SourceObject | None:
        """The object that states *slot*: of the element itself, or of the nearest one that holds it."""
        element: _Element | None = self
        while element is not None:
            for made in element.objects.values():
                if slot in made:
                    return made
            element = element.holder
        return None

    def contents(self) -> bytes:
        """Everything that the profile reads of the element and of what is in it, in one order."""
        objects = [dict(sorted(self.objects[name].items())) for name in sorted(self.objects)]
        return orjson.dumps([objects, sorted(part.contents().decode() for part in self.parts)])


class _Said:
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


class TreeAssembler:
    """Turns raw subjects of XML into source records. Made for one set of headers; picklable. The interface of `Assembler`."""

    layouts: Mapping[str, Any] = {}
    sharing: Mapping[str, Any] = {}

    def __init__(self, profile: Profile, headers: Mapping[str, Sequence[str]], files: Sequence[str]) -> None:
        """*headers* gives the columns of every path that is there, *files* the documents by index."""
        assert profile.assembly.xml is not None
        self.subject = profile.assembly.subject
        self.xml = profile.assembly.xml
        self.files = tuple(files)
        self._tables: dict[tuple[str, ...], Table] = {}
        mapped = profile.mapped_slots()
        self.only_lent = {
            table.name: frozenset(
                slot
                for path in table.elements
                for slot, _ in lent_slots(self.xml, table, path)
                if (table.row_class, slot) not in mapped
            )
            for table in self.xml.tables.values()
        }
        self._blank = frozenset(("", *profile.assembly.blank))
        self.plans = {path: tuple(self._plans(profile, path, header)) for path, header in headers.items()}
        row_paths = self.xml.row_paths
        self.holders = {path: holder_of(path, row_paths) for path in headers}
        identifiers = {dialect.identifier for dialect in self.xml.dialects.values()}
        self.identifiers = [
            (index, name) for index, name in enumerate(headers.get(SUBJECT_ELEMENT, ())) if name in identifiers
        ]

    def _plans(self, profile: Profile, path: str, header: Sequence[str]) -> Iterator[_Plan]:
        specs = {spec.name: spec for spec in profile.assembly.physical_tables().get(path, ())}
        for table in self.xml.tables_of(path):
            spec = specs[f"{table.name} {path}"]
            slots = profile.source.classes[table.row_class]
            filled = [(spec.slot_of(name), index, name) for index, name in enumerate(header)]
            cells = tuple(cell for cell in filled if cell[0] in slots)
            gathered = frozenset(spec.slot_of(f"{path}/{below}") for below in table.gather)
            yield _Plan(table, path, cells, profile.left_out_values(table.row_class), gathered)

    def blank_texts(self, column: str) -> frozenset[str]:
        """The texts that are no value in *column*."""
        return self._blank

    def blank_words(self, column: str) -> frozenset[str]:
        """The texts but the empty one that are no value in *column*."""
        return self._blank - {""}

    def kinds(self, raw: RawSubject) -> Iterator[tuple[str, RawRow, tuple[str, ...]]]:
        """Nothing: columns of XML are paths, and tell by themselves what is made of them."""
        yield from ()

    def assemble(self, raw: RawSubject) -> Assembled:
        """The source record of *raw*."""
        said = _Said()
        elements = self._elements(raw, said)
        for table in self.xml.tables.values():
            if table.by is not None and not table.merges:
                _replace(table, elements, said)
        record = shared_object({self.subject: raw.key}, list(self._named(raw)))
        placing = _Placing(
            self.xml, self.only_lent, record, [element for element in elements if not element.replaced], said
        )
        for table in self.xml.tables.values():
            placing.place(table)
        placing.say_what_has_no_place()
        _settle(record)
        return self._assembled(record, said)

    def _elements(self, raw: RawSubject, said: _Said) -> list[_Element]:
        """The elements in the order of the documents, each in what holds it."""
        ordered = sorted(
            ((row, path) for path, rows in raw.rows.items() for row in rows), key=lambda pair: pair[0].number
        )
        last: dict[str, _Element] = {}
        made = []
        for row, path in ordered:
            holder_path = self.holders[path]
            holder = last.get(holder_path) if holder_path is not None else None
            element = last[path] = _Element(row.number, holder)
            if holder is not None:
                holder.parts.append(element)
            for plan in self.plans[path]:
                self._object(plan, row, element, said)
            made.append(element)
        return made

    def _object(self, plan: _Plan, row: RawRow, element: _Element, said: _Said) -> None:
        values: dict[str, str] = {}
        columns: dict[str, str] = {}
        for slot, index, name in plan.cells:
            text = row.cells[index]
            if text and slot not in values:
                values[slot], columns[slot] = text, name
            elif text and slot in plan.gathered:
                values[slot] = f"{values[slot]} | {text}"
            elif text and values[slot] != text:
                said.second(Cell(self.files[file_of(row.number)], row.number, name))
        made = row_object(values, self._table(plan.path, columns), row.number)
        for slot, texts in plan.says_nothing.items():
            reason = texts.get(values.get(slot, ""))
            if reason is not None:
                said.left_out.update((cell, reason) for cell in made.cells(slot))
                del made[slot]
        if made or plan.spec.inherit:
            element.objects[plan.spec.name] = made

    def _table(self, path: str, columns: dict[str, str]) -> Table:
        """The table of a row by the columns that fill its slots; rows repeat them, so there are few."""
        key = (path, *columns.values())
        known = self._tables.get(key)
        if known is None:
            known = self._tables[key] = Table(path, self.files[0], columns, self.files)
        return known

    def _named(self, raw: RawSubject) -> Iterator[SourceObject]:
        """The elements of the subject as what states its identifier."""
        for row in raw.rows.get(SUBJECT_ELEMENT, ()):
            for index, column in self.identifiers:
                if row.cells[index]:
                    table = Table(SUBJECT_ELEMENT, self.files[0], {self.subject: column}, self.files)
                    yield row_object({self.subject: raw.key}, table, row.number)

    def _assembled(self, record: SourceObject, said: _Said) -> Assembled:
        """What was lost in one table and is held by another is not lost."""
        bad_cells, left_out, replaced = said.bad_cells, said.left_out, said.replaced
        if bad_cells or left_out or replaced:
            held = frozenset(_cells_of(record))
            bad_cells = {cell: bad for cell, bad in bad_cells.items() if cell not in held}
            replaced = _without(replaced, held | set(bad_cells))
            lost = {cell for _, cells in replaced for cell in cells}
            left_out = {c: why for c, why in left_out.items() if not (c in held or c in bad_cells or c in lost)}
        return Assembled(record, (), tuple(bad_cells.values()), tuple(left_out.items()), (), tuple(replaced))


def _without(
    replaced: list[tuple[Finding, tuple[Cell, ...]]], held: Iterable[Cell]
) -> list[tuple[Finding, tuple[Cell, ...]]]:
    """*replaced* with every cell that is in it once and not in *held*."""
    known = set(held)
    made = []
    for finding, cells in replaced:
        kept = tuple(dict.fromkeys(cell for cell in cells if cell not in known))
        known.update(kept)
        made.append((finding, kept))
    return made


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


def _replace(table: XmlTable, elements: Iterable[_Element], said: _Said) -> None:
    """Of the elements with one key the newest stands; one that says the same stands beside it and is found to be equal."""
    groups: dict[_Key, list[_Element]] = {}
    for element in elements:
        if table.name in element.objects and not element.replaced:
            key = tuple(element.stated(slot) for slot in table.by or ())
            if any(key):
                groups.setdefault(key, []).append(element)
    for group in groups.values():
        if len(group) > 1:
            _replace_older(table, group, said)


def _replace_older(table: XmlTable, group: list[_Element], said: _Said) -> None:
    dated = [(date_order(e.stated(table.newest)) if table.newest else "", e.contents(), e) for e in group]
    newest = max(dated, key=lambda item: item[:2])
    for date, contents, element in dated:
        if contents != newest[1]:
            cells = tuple(_set_aside(element))
            first = next(iter(cells), None)
            said.replaced.append((_superseded(first, doubtful=date == newest[0]), cells))


def _set_aside(element: _Element) -> Iterator[Cell]:
    """Take an element and all that is in it out, and give the cells."""
    element.replaced = True
    for made in element.objects.values():
        for slot in made:
            yield from made.cells(slot)
    for part in element.parts:
        yield from _set_aside(part)


def _superseded(cell: Cell | None, *, doubtful: bool) -> Finding:
    if not doubtful:
        message = "a newer statement of the same thing replaces this one"
        return Finding("source.superseded", Severity.INFO, message, Outcome.DROPPED, cell=cell)
    message = "another statement of the same thing and the same day says otherwise; one is taken by its contents"
    return Finding("source.superseded", Severity.WARNING, message, Outcome.DROPPED, cell=cell)


# --- places in the record -------------------------------------------------------------------------------------------


class _Placing:
    """Puts the objects of elements into the record, table by table."""

    def __init__(
        self,
        xml: XmlAssembly,
        only_lent: Mapping[str, frozenset[str]],
        record: SourceObject,
        elements: list[_Element],
        said: _Said,
    ) -> None:
        self.only_lent = only_lent
        self.xml, self.record, self.elements, self.said = xml, record, elements, said
        self.merged: dict[str, dict[Any, SourceObject]] = {}
        """Table that merges -> key -> object."""
        self.taken: set[tuple[int, str]] = set()
        """(id of an object that stands in no slot, slot of it that another object has taken)."""

    def say_what_has_no_place(self) -> None:
        """Slots that are there for others to take, as all of objects that stand in no slot are: what nobody took is lost."""
        tables = self.xml.tables.values()
        keys = {slot for table in tables for slot in (*(table.by or ()), table.newest)}
        waiting = [table for table in tables if not table.slot or self.only_lent[table.name]]
        for element in self.elements:
            for table in waiting:
                made = element.objects.get(table.name, _NOTHING)
                for slot in self.only_lent[table.name] & made.keys() if table.slot else made.keys() - keys:
                    if (id(made), slot) not in self.taken:
                        self.said.no_place(made, slot)

    def place(self, table: XmlTable) -> None:
        """Put the objects of one table where they belong."""
        groups: dict[Any, tuple[SourceObject, list[tuple[_Element, SourceObject]]]] = {}
        for element in self.elements:
            made = element.objects.get(table.name)
            if made is None or not table.slot:
                continue
            self._inherit(table, element, made)
            if not made:
                continue
            holder = self._holder(table, element)
            if holder is None:
                self._orphan(made)
            elif table.merges:
                key = (id(holder), self._key(table, element))
                groups.setdefault(key, (holder, []))[1].append((element, made))
            else:
                self._append(holder, table, _apart(table, made), made)
        known = self.merged.setdefault(table.name, {})
        for (_, key), (holder, rows) in groups.items():
            merged = known[key] = _merge(table, rows, self.said)
            if table.repeats:
                holder.setdefault(table.slot, []).append(merged)
            else:
                holder[table.slot] = merged

    def _append(self, holder: SourceObject, table: XmlTable, objects: list[SourceObject], made: SourceObject) -> None:
        if objects:
            holder.setdefault(table.slot, []).extend(objects)
        taken = {slot for one in objects for slot in one}
        for slot in made:
            if slot not in taken:
                self.said.left_out.update((cell, _NOTHING_APART) for cell in made.cells(slot))

    def _holder(self, table: XmlTable, element: _Element) -> SourceObject | None:
        """The object that takes the objects of *element*."""
        if table.into is None:
            return self.record
        into = self.xml.tables[table.into]
        if into.merges:
            return self.merged[into.name].get(self._key(into, element))
        above: _Element | None = element
        while above is not None:
            if above.objects.get(into.name):
                return above.objects[into.name]
            above = above.holder
        return None

    def _key(self, table: XmlTable, element: _Element) -> Any:
        """The key of *element* among the objects of a table that merges: what it states or, without that, where it stands."""
        key = tuple(element.stated(slot) for slot in table.by or ())
        if any(key) or not key or table.without is None:
            return key
        above: _Element | None = element
        while above is not None and table.without not in above.objects:
            above = above.holder
        return id(above)

    def _inherit(self, table: XmlTable, element: _Element, made: SourceObject) -> None:
        """Give *made* the slots that it takes from what holds it; their cells are those of the holder."""
        if element.holder is None:
            return
        for slot in table.inherit:
            stating = element.holder.stating(slot) if slot not in made else None
            if stating is not None:
                made.members = [*(made.members or ()), _only(stating, (slot,))]
                made[slot] = stating[slot]
                self.taken.add((id(stating), slot))

    def _orphan(self, made: SourceObject) -> None:
        for slot in made:
            for cell in made.cells(slot):
                message = "what this belongs to is not stated in any message of the subject"
                fix = "send the message that states it"
                finding = Finding("source.orphan-row", Severity.ERROR, message, Outcome.REJECTED, cell=cell, fix=fix)
                self.said.bad_cells.setdefault(cell, BadCell(cell, finding))


def _only(source: SourceObject, slots: Iterable[str]) -> SourceObject:
    """*source* with some of its slots."""
    made = row_object({slot: source[slot] for slot in slots}, source.table, source.number)
    made.members = source.members
    return made


def _apart(table: XmlTable, made: SourceObject) -> list[SourceObject]:
    """An object for each filled group of slots that stand apart; none where none is filled: the others describe them."""
    if not table.apart:
        return [made]
    apart = {slot for group in table.apart for slot in group}
    common = [slot for slot in made if slot not in apart]
    groups = [[slot for slot in group if slot in made] for group in table.apart if group[0] in made]
    objects = []
    for stated in groups:
        if stated:
            one = _only(made, (*common, *stated))
            one[WHAT] = stated[0]
            objects.append(one)
    return objects


def _merge(table: XmlTable, rows: list[tuple[_Element, SourceObject]], said: _Said) -> SourceObject:
    """One object of *rows*, each slot from the newest row that states it. Rows that say otherwise are said."""
    dated = [(date_order(e.stated(table.newest)) if table.newest else "", _canonical(made), made) for e, made in rows]
    dated.sort(key=lambda item: item[:2], reverse=True)
    values: dict[str, Any] = {}
    dates: dict[str, str] = {}
    contradicted: set[str] = set()
    for date, _, made in dated:
        for slot, value in made.items():
            if slot == table.newest and slot in values:
                continue
            if slot not in values:
                values[slot], dates[slot] = value, date
            elif values[slot] != value and date == dates[slot] and slot in table.agree:
                contradicted.add(slot)
    members = []
    for date, _, made in dated:
        for slot in contradicted & made.keys():
            _contradict(made, slot, said)
        members.append(_only(made, [slot for slot in made if slot not in contradicted and made[slot] == values[slot]]))
        older = [s for s in made if s not in contradicted and s != table.newest and made[s] != values[s]]
        if older:
            cells = tuple(cell for slot in older for cell in made.cells(slot))
            doubtful = any(date == dates[slot] for slot in older)
            said.replaced.append((_superseded(cells[0] if cells else None, doubtful=doubtful), cells))
    return shared_object({slot: value for slot, value in values.items() if slot not in contradicted}, members)


def _contradict(made: SourceObject, slot: str, said: _Said) -> None:
    message = f"messages of the same day contradict one another in {slot}; none of them is used"
    fix = "check whether it is one person, and correct the messages"
    for cell in made.cells(slot):
        finding = Finding("source.group-conflict", Severity.ERROR, message, Outcome.REJECTED, cell=cell, fix=fix)
        said.bad_cells[cell] = BadCell(cell, finding)


# --- one order ------------------------------------------------------------------------------------------------------


def _canonical(value: Any) -> bytes:
    """The contents in one spelling: dates are written day first by some dialects."""
    return orjson.dumps(_plain(value), option=orjson.OPT_SORT_KEYS)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return date_order(value) if len(value) == _DAY_LENGTH else value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return {slot: _plain(item) for slot, item in value.items()}


def _settle(value: SourceObject) -> None:
    """Bring the lists of *value* into the order of their contents; equal objects become one that has the cells of all."""
    for slot, item in value.items():
        if isinstance(item, SourceObject):
            _settle(item)
        elif isinstance(item, list):
            known: dict[bytes, SourceObject] = {}
            for one in item:
                _settle(one)
                first = known.setdefault(_canonical(one), one)
                if first is not one:
                    first.members = [*(first.members or ()), one]
            value[slot] = [known[contents] for contents in sorted(known)]


def _cells_of(value: Any) -> Iterator[Cell]:
    """All cells whose values stand in the source object *value*."""
    for slot, item in value.items():
        if isinstance(item, str):
            yield from value.cells(slot)
        else:
            for inner in item if isinstance(item, list) else [item]:
                yield from _cells_of(inner)
