"""The places of elements in the source record: under which object, merged or apart, and in which order. ADR 0011."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, NamedTuple

import orjson

from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.profiles.assembly import BadCell
from harmonize.profiles.source_record import SourceObject, row_object, shared_object
from harmonize.profiles.tree_elements import Element, Said, changed, date_order, superseded
from harmonize.profiles.xml_assembly import WHAT, XmlAssembly, XmlTable

NOTHING_APART = "The value describes others of its element, of which none is stated."
"""Why a value is left out whose element states nothing of what stands apart."""
_DAY_FIRST = re.compile(rb'"([0-9]{2})[.]([0-9]{2})[.]([0-9]{4})"')


class Lending(NamedTuple):
    """Slots that are there for the objects of other tables to take."""

    of_tables: Sequence[tuple[str, frozenset[str] | None]]
    """Table -> its slots that are only lent; None where its objects stand in no slot and all are."""
    keys: frozenset[str | None]
    """Slots by which rows are merged and dated: they have done their work where nobody takes them."""


def lending(xml: XmlAssembly, only_lent: Mapping[str, frozenset[str]]) -> Lending:
    """What the tables of *xml* lend; *only_lent*: table -> the slots of it that nothing but that is done with."""
    tables = xml.tables.values()
    keys = frozenset(slot for table in tables for slot in (*(table.by or ()), table.newest))
    lends_all = {t.name for t in tables if not t.slot or t.without_parts}
    of_tables = [
        (t.name, None if t.name in lends_all else only_lent[t.name])
        for t in tables
        if t.name in lends_all or only_lent[t.name]
    ]
    return Lending(of_tables, keys)


class Placing:
    """Puts the objects of elements into the record, table by table."""

    def __init__(
        self,
        xml: XmlAssembly,
        lending: Lending,
        record: SourceObject,
        elements: list[Element],
        said: Said,
    ) -> None:
        self.lending = lending
        self.xml, self.record, self.said = xml, record, said
        self.made: dict[str, list[tuple[Element, SourceObject]]] = {}
        """Table -> its objects with the elements that they are of, in the order of the documents."""
        for element in elements:
            for name, made in element.objects.items():
                self.made.setdefault(name, []).append((element, made))
        self.merged: dict[str, dict[Any, SourceObject]] = defaultdict(dict)
        """Table that merges -> key -> object."""
        self.opened: set[int] = set()
        """ids of objects that say nothing themselves and stand in the record for what is in them."""
        self.taken: set[tuple[int, str]] = set()
        """(id of an object that stands in no slot, slot of it that another object has taken)."""
        self.alone: set[int] = set()
        """ids of objects that stand in the record because no parts of their elements do."""

    def say_what_has_no_place(self) -> None:
        """Slots that are there for others to take, as all of objects that stand in no slot are: what nobody took is lost."""
        for name, lent in self.lending.of_tables:
            for _, made in self.made.get(name, ()):
                if id(made) in self.alone:
                    continue
                for slot in made:
                    is_lent = slot not in self.lending.keys if lent is None else slot in lent
                    if is_lent and (id(made), slot) not in self.taken:
                        self.said.no_place(made, slot)

    def place(self, table: XmlTable) -> None:
        """Put the objects of one table where they belong."""
        objects = self.made.get(table.name)
        if objects is None or not table.slot:
            return
        groups: dict[Any, tuple[SourceObject, list[tuple[Element, SourceObject]]]] = {}
        for element, made in objects:
            if table.without_parts:
                if any(name in part.objects for part in element.parts for name in table.without_parts):
                    continue
                self.alone.add(id(made))
            self._inherit(table, element, made)
            if not made:
                continue
            if table.kind:
                made[WHAT] = table.kind
            holder = self._holder(table, element)
            if holder is None:
                orphan(made, self.said)
            elif table.merges:
                key = (id(holder), self._key(table, element))
                groups.setdefault(key, (holder, []))[1].append((element, made))
            elif table.apart:
                self._append(holder, table, _apart(table, made), made)
            else:
                holder.setdefault(table.slot, []).append(made)
        known = self.merged[table.name]
        for (_, key), (holder, rows) in groups.items():
            merged = known[key] = merge(table, rows, self.said)
            if table.repeats:
                holder.setdefault(table.slot, []).append(merged)
            else:
                holder[table.slot] = merged

    def _append(self, holder: SourceObject, table: XmlTable, objects: list[SourceObject], made: SourceObject) -> None:
        if objects:
            holder.setdefault(table.slot, []).extend(objects)
        for slot in made:
            if not any(slot in one for one in objects):
                self.said.left_out.update((cell, NOTHING_APART) for cell in made.cells(slot))

    def _holder(self, table: XmlTable, element: Element) -> SourceObject | None:
        """The object that takes the objects of *element*."""
        if table.into is None:
            return self.record
        into = self.xml.tables[table.into]
        if into.merges:
            return self.merged[into.name].get(self._key(into, element))
        above: Element | None = element
        while above is not None and into.name not in above.objects:
            above = above.holder
        if above is None:
            return None
        made = above.objects[into.name]
        if made or id(made) in self.opened or self._open(into, above, made):
            return made
        return None

    def _open(self, table: XmlTable, element: Element, made: SourceObject) -> bool:
        """Put an object down that says nothing itself, for what is in it; whether it has a place."""
        holder = self._holder(table, element)
        if holder is not None:
            self.opened.add(id(made))
            holder.setdefault(table.slot, []).append(made)
        return holder is not None

    def _key(self, table: XmlTable, element: Element) -> Any:
        """The key of *element* among the objects of a table that merges: what it states or, without that, where it stands."""
        key = tuple(element.stated(slot) for slot in table.by or ())
        if any(key) or not key or table.without is None:
            return key
        above: Element | None = element
        while above is not None and table.without not in above.objects:
            above = above.holder
        return id(above)

    def _inherit(self, table: XmlTable, element: Element, made: SourceObject) -> None:
        """Give *made* the slots that it takes from what holds it; their cells are those of the holder."""
        if element.holder is None:
            return
        for slot in table.inherit:
            stating = element.holder.stating(slot) if slot not in made else None
            if stating is not None:
                made.members = [*(made.members or ()), _only(stating, (slot,))]
                made[slot] = stating[slot]
                self.taken.add((id(stating), slot))


def orphan(made: SourceObject, said: Said) -> None:
    """Say that nothing holds *made*."""
    for slot in made:
        for cell in made.cells(slot):
            message = "what this belongs to is not stated in any message of the subject"
            fix = "send the message that states it"
            finding = Finding("source.orphan-row", Severity.ERROR, message, Outcome.REJECTED, cell=cell, fix=fix)
            said.bad_cells.setdefault(cell, BadCell(cell, finding))


def _only(source: SourceObject, slots: Iterable[str]) -> SourceObject:
    """*source* with some of its slots."""
    made = row_object({slot: source[slot] for slot in slots}, source.table, source.number)
    made.members = source.members
    return made


def _apart(table: XmlTable, made: SourceObject) -> list[SourceObject]:
    """An object for each filled group of slots that stand apart; none where none is filled: the others describe them."""
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


def merge(table: XmlTable, rows: list[tuple[Element, SourceObject]], said: Said) -> SourceObject:
    """One object of *rows*, each slot from the newest row that states it. Rows that say otherwise are said."""
    if len(rows) == 1:
        return rows[0][1]
    dated = [(date_order(e.stated(table.newest)) if table.newest else "", canonical(made), made) for e, made in rows]
    dated.sort(key=lambda item: item[:2], reverse=True)
    values, dates, contradicted = _newest_values(table, dated)
    members = []
    for date, _, made in dated:
        for slot in made:
            if slot in contradicted:
                _contradict(made, slot, said)
        kept = [slot for slot in made if slot not in contradicted and slot in values and made[slot] == values[slot]]
        members.append(_only(made, kept))
        older = [slot for slot in made if slot not in contradicted and slot != table.newest and slot not in kept]
        if older:
            cells = tuple(cell for slot in older for cell in made.cells(slot))
            said.replaced.append((_replaced(table, made, values, dates, date, older), cells))
    return shared_object({slot: value for slot, value in values.items() if slot not in contradicted}, members)


def _newest_values(
    table: XmlTable, dated: Iterable[tuple[str, bytes, SourceObject]]
) -> tuple[dict[str, Any], dict[str, str], set[str]]:
    """Of objects from the newest to the oldest: the values that stand, the date of each, and the slots in which objects of one day
    contradict one another."""
    values: dict[str, Any] = {}
    dates: dict[str, str] = {}
    contradicted: set[str] = set()
    for describing in (False, True):
        for date, _, made in dated:
            for slot, value in made.items():
                if (slot in table.lead) is not describing or (slot == table.newest and slot in values):
                    continue
                if describing and table.lead[slot] in values and made.get(table.lead[slot]) != values[table.lead[slot]]:
                    continue  # it describes what was replaced
                if slot not in values:
                    values[slot], dates[slot] = value, date
                elif values[slot] != value and date == dates[slot] and slot in table.agree:
                    contradicted.add(slot)
    return values, dates, contradicted


def _replaced(
    table: XmlTable,
    made: SourceObject,
    values: Mapping[str, Any],
    dates: Mapping[str, str],
    date: str,
    older: list[str],
) -> Finding:
    """What is said of the slots of *made* that are *older* than those that stand."""
    for slot in older:
        if slot in table.constant and date_order(made[slot]) != date_order(values.get(slot)):
            return changed(next(made.cells(slot), None), slot)
    cell = next((cell for slot in older for cell in made.cells(slot)), None)
    return superseded(cell, doubtful=any(date == dates.get(slot) for slot in older))


def _contradict(made: SourceObject, slot: str, said: Said) -> None:
    message = f"statements of the same day contradict one another in {slot}; none of them is used"
    fix = "check whether it is one person, and correct the messages"
    for cell in made.cells(slot):
        finding = Finding("source.group-conflict", Severity.ERROR, message, Outcome.REJECTED, cell=cell, fix=fix)
        said.bad_cells[cell] = BadCell(cell, finding)


# --- one order ------------------------------------------------------------------------------------------------------


def canonical(value: SourceObject) -> bytes:
    """The contents in one spelling: dates are written day first by some dialects."""
    return _DAY_FIRST.sub(_year_first, contents(value))


def contents(value: SourceObject) -> bytes:
    """The contents as JSON, in one order."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _year_first(found: re.Match[bytes]) -> bytes:
    return b'"%b-%b-%b"' % found.group(3, 2, 1)


def settle(value: SourceObject) -> None:
    """Bring the lists of *value* into the order of their contents; equal objects become one that has the cells of all."""
    for slot, item in value.items():
        if isinstance(item, SourceObject):
            settle(item)
        elif item.__class__ is list and len(item) == 1:
            settle(item[0])
        elif isinstance(item, list):
            equal: dict[bytes, list[SourceObject]] = {}
            for one in item:
                settle(one)
                equal.setdefault(canonical(one), []).append(one)
            value[slot] = [_one_of(equal[text]) for text in sorted(equal)]


def _one_of(equal: list[SourceObject]) -> SourceObject:
    """The first of *equal* objects, with the cells of all."""
    first = equal[0]
    others = [one for one in equal if one is not first]
    if others:
        first.members = [*(first.members or ()), *others]
    return first


def held_cells(record: SourceObject, lost: Iterable[Cell], in_several: frozenset[str]) -> set[Cell]:
    """Which of the *lost* cells, of columns whose value is *in_several* objects, hold values of *record*."""
    asked = {cell for cell in lost if cell.column in in_several}
    columns: dict[int | None, set[str | None]] = {}
    for cell in asked:
        columns.setdefault(cell.row, set()).add(cell.column)
    held: set[Cell] = set()
    if asked:
        _collect(record, columns, held)
    return held & asked


def _collect(value: SourceObject, asked: Mapping[int | None, Set[str | None]], held: set[Cell]) -> None:
    """Add the cells of *value* that may be among those that are *asked* for, as columns by row; there are many others."""
    _add_cells(value, value, asked, held)
    for item in value.values():
        if item.__class__ is SourceObject:
            _collect(item, asked, held)
        elif item.__class__ is list:
            for inner in item:
                _collect(inner, asked, held)


def _add_cells(
    row: SourceObject, stating: SourceObject, asked: Mapping[int | None, Set[str | None]], held: set[Cell]
) -> None:
    """Add the cells of *row*, and of the rows that it is made of, that hold what *stating* states."""
    if row.table is not None and row.number in asked:
        columns = asked[row.number]
        for slot, column in row.table.columns.items():
            if column in columns and stating.get(slot).__class__ is str and slot in row:
                held.add(row.table.cell(row.number, column))
    for member in row.members or ():
        _add_cells(member, stating, asked, held)
