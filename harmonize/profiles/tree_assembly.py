"""Rows that are elements of XML become ONE source record: nested, merged, replaced, each in an order that their contents give.

Whatever the order of messages and documents is, the record is the same: what is newest is told by dates and, where they are equal, by
contents; equal rows of a list are one; lists stand in the order of their contents. ADR 0011.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from harmonize.extensions import extension
from harmonize.findings import Cell, Finding, file_of
from harmonize.profiles.assembly import Assembled, RawSubject
from harmonize.profiles.source_record import RawRow, SourceObject, Table, row_object, shared_object
from harmonize.profiles.specification import Profile
from harmonize.profiles.tree_elements import Element, Said, replace
from harmonize.profiles.tree_placing import Placing, held_cells, lending, settle
from harmonize.profiles.xml_assembly import SUBJECT_ELEMENT, gathered, holder_of, lent_slots

MOST_SHAPES = 10_000
_FIRST = itemgetter(0)


class _Plan(NamedTuple):
    """How the rows of one path make objects of one table."""

    name: str
    """The table."""
    path: str
    cells: Mapping[int, tuple[str, str]]
    """Index of a column -> the slot that it fills, its name; dialects have columns of their own for a slot."""
    says_nothing: Mapping[str, Mapping[str, str]]
    gathered: frozenset[str]
    """Slots whose values of several columns make one text."""


class _Shape(NamedTuple):
    """What one table makes of the rows of one path that state the same columns."""

    plan: _Plan
    picks: tuple[tuple[str, int], ...]
    """Slot -> index of its column."""
    table: Table | None
    """None where two columns fill one slot: which of them counts, their texts say."""
    judged: tuple[tuple[str, Mapping[str, str]], ...]
    """Slots that are filled -> those of their texts that say nothing, each with the reason."""


class _Path(NamedTuple):
    """What is made of the rows of one path."""

    path: str
    holder: str | None
    """The path of what holds them."""
    plans: tuple[_Plan, ...]
    shapes: dict[tuple[int, ...], tuple[_Shape, ...]]
    """Indexes of the columns that a row states -> what is made of it; rows repeat them, so there are few."""


class TreeAssembler:
    """Turns raw subjects of XML into source records. Made for one set of headers. The interface of `Assembler`."""

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
        only_lent = {
            table.name: frozenset(
                slot
                for path in table.elements
                for slot, _ in lent_slots(self.xml, table, path)
                if (table.row_class, slot) not in mapped
            )
            for table in self.xml.tables.values()
        }
        self.lending = lending(self.xml, only_lent)
        holding = {table.into for table in self.xml.tables.values() if table.into is not None}
        self.empty = {table.name for table in self.xml.tables.values() if table.inherit or table.name in holding}
        """Tables whose objects are there where they say nothing: they inherit, or hold those of others."""
        self._blank = frozenset(("", *profile.assembly.blank))
        row_paths = self.xml.row_paths
        self.paths = {
            path: _Path(path, holder_of(path, row_paths), tuple(self._plans(profile, path, header)), {})
            for path, header in headers.items()
        }
        self.placed = tuple(table for table in self.xml.tables.values() if table.slot)
        self.replaced = tuple(t for t in self.xml.tables.values() if t.by is not None and not t.merges)
        self._in_several = self._columns_in_several()
        identifiers = {dialect.identifier for dialect in self.xml.dialects.values()}
        self.identifiers = [
            (index, Table(SUBJECT_ELEMENT, self.files[0], {self.subject: name}, self.files))
            for index, name in enumerate(headers.get(SUBJECT_ELEMENT, ()))
            if name in identifiers
        ]
        compiled = extension("harmonize.profiles.tree_machine")
        self._machine = compiled.TreeMachine(self) if compiled is not None else None
        self._held_cells = compiled.HeldCells().of if compiled is not None else held_cells

    def _plans(self, profile: Profile, path: str, header: Sequence[str]) -> Iterator[_Plan]:
        specs = {spec.name: spec for spec in profile.assembly.physical_tables().get(path, ())}
        for table in self.xml.tables_of(path):
            spec = specs[f"{table.name} {path}"]
            slots = profile.source.text_slots(table.row_class)
            filled = {index: (spec.slot_of(name), name) for index, name in enumerate(header)}
            cells = {index: cell for index, cell in filled.items() if cell[0] in slots}
            gathered = frozenset(spec.slot_of(f"{path}/{below}") for below in table.gather)
            yield _Plan(table.name, path, cells, profile.left_out_values(table.row_class), gathered)

    def _columns_in_several(self) -> frozenset[str]:
        """The columns whose value several objects may hold: of several tables, or of one that lends it."""
        of_tables = Counter[str]()
        lent = set[str]()
        for path in self.paths.values():
            for plan in path.plans:
                lends = {slot for slot, _ in lent_slots(self.xml, self.xml.tables[plan.name], path.path)}
                of_tables.update(name for _, name in plan.cells.values())
                lent.update(name for slot, name in plan.cells.values() if slot in lends)
        return frozenset(lent | {name for name, tables in of_tables.items() if tables > 1})

    def blank_texts(self, column: str) -> frozenset[str]:
        """The texts that are no value in *column*."""
        return self._blank

    def kinds(self, raw: RawSubject) -> Iterator[tuple[str, RawRow, tuple[str, ...]]]:
        """Nothing: columns of XML are paths, and tell by themselves what is made of them."""
        yield from ()

    def assemble(self, raw: RawSubject) -> Assembled:
        """The source record of *raw*."""
        said = Said()
        record = shared_object({self.subject: raw.key}, self._named(raw))
        if self._machine is not None:
            elements = self._machine.elements(raw.rows, said)
            self._machine.replace(elements, said)
            self._machine.place(record, elements, said)
        else:
            self._assemble(raw, record, said)
        return self._assembled(record, said)

    def _assemble(self, raw: RawSubject, record: SourceObject, said: Said) -> None:
        elements = self._elements(raw, said)
        for table in self.replaced:
            replace(table, elements, said)
        standing = [element for element in elements if not element.replaced]
        placing = Placing(self.xml, self.lending, record, standing, said)
        for table in self.placed:
            placing.place(table)
        placing.say_what_has_no_place()
        for element in elements:
            element.parts.clear()  # they know one another: only the collector would free them
        settle(record)

    def _elements(self, raw: RawSubject, said: Said) -> list[Element]:
        """The elements in the order of the documents, each in what holds it."""
        ordered = [(row.number, row.cells, path) for path, rows in raw.rows.items() for row in rows]
        ordered.sort(key=_FIRST)
        last: dict[str | None, Element] = {}
        made = []
        for number, cells, path in ordered:
            known = self.paths[path]
            holder = last.get(known.holder)
            element = last[path] = Element(number, holder)
            if holder is not None:
                holder.parts.append(element)
            if known.plans:
                stated = tuple([index for index, text in enumerate(cells) if text])
                shapes = known.shapes.get(stated)
                if shapes is None:
                    if len(known.shapes) >= MOST_SHAPES:
                        known.shapes.clear()
                    shapes = known.shapes[stated] = self.shapes(known, stated)
                for shape in shapes:
                    self._object(shape, stated, cells, element, said)
            made.append(element)
        return made

    def _object(
        self, shape: _Shape, stated: tuple[int, ...], cells: Sequence[str], element: Element, said: Said
    ) -> None:
        """What a table makes of the cells of an element at the columns that are *stated*."""
        plan, picks, table, judged = shape
        if table is None:
            made = self.of_repeated_slots(plan, stated, cells, element.number, said)
        else:
            made = row_object({slot: cells[index] for slot, index in picks}, table, element.number)
        for slot, reasons in judged:
            reason = reasons.get(made[slot])
            if reason is not None:
                said.left_out.update((cell, reason) for cell in made.cells(slot))
                del made[slot]
        if made or plan.name in self.empty:
            element.objects[plan.name] = made

    def shapes(self, known: _Path, stated: tuple[int, ...]) -> tuple[_Shape, ...]:
        """What is made of the rows of a path that state the same columns."""
        shapes = (self._shape(plan, stated) for plan in known.plans)
        return tuple(shape for shape in shapes if shape.picks or shape.plan.name in self.empty)

    def _shape(self, plan: _Plan, stated: tuple[int, ...]) -> _Shape:
        picked = [(*plan.cells[index], index) for index in stated if index in plan.cells]
        columns = {slot: name for slot, name, _ in picked}
        table = self._table(plan.path, columns) if len(columns) == len(picked) else None
        judged = tuple((slot, plan.says_nothing[slot]) for slot in columns if slot in plan.says_nothing)
        return _Shape(plan, tuple((slot, index) for slot, _, index in picked), table, judged)

    def of_repeated_slots(
        self, plan: _Plan, stated: Sequence[int], cells: Sequence[str], number: int, said: Said
    ) -> SourceObject:
        """The object of an element of which several columns fill one slot, in the order of the columns."""
        values: dict[str, str] = {}
        columns: dict[str, str] = {}
        for index in stated:
            slot, name = plan.cells.get(index, ("", ""))
            text = cells[index]
            if not slot:
                continue
            if slot not in values:
                values[slot], columns[slot] = text, name
            elif slot in plan.gathered:
                values[slot] = gathered(values[slot], text)
            elif values[slot] != text:
                said.second(Cell(self.files[file_of(number)], number, name))
        return row_object(values, self._table(plan.path, columns), number)

    def _table(self, path: str, columns: dict[str, str]) -> Table:
        """The table of a row by the columns that fill its slots; rows repeat them, so there are few."""
        key = (path, *columns.values())
        known = self._tables.get(key)
        if known is None:
            known = self._tables[key] = Table(path, self.files[0], columns, self.files)
        return known

    def _named(self, raw: RawSubject) -> list[SourceObject]:
        """The elements of the subject as what states its identifier."""
        return [
            row_object({self.subject: raw.key}, table, row.number)
            for row in raw.rows.get(SUBJECT_ELEMENT, ())
            for index, table in self.identifiers
            if row.cells[index]
        ]

    def _assembled(self, record: SourceObject, said: Said) -> Assembled:
        """What was lost in one table and is held by another is not lost."""
        bad_cells, left_out, replaced = said.bad_cells, said.left_out, said.replaced
        if bad_cells or replaced:
            held = self._held(record, [*bad_cells, *left_out, *(cell for _, cells in replaced for cell in cells)])
            bad_cells = {cell: bad for cell, bad in bad_cells.items() if cell not in held}
            replaced = _without(replaced, held | set(bad_cells))
            lost = {cell for _, cells in replaced for cell in cells}
            left_out = {c: why for c, why in left_out.items() if not (c in held or c in bad_cells or c in lost)}
        elif left_out:
            for cell in self._held(record, left_out):
                del left_out[cell]
        return Assembled(record, (), tuple(bad_cells.values()), tuple(left_out.items()), (), tuple(replaced))

    def _held(self, record: SourceObject, lost: Iterable[Cell]) -> set[Cell]:
        """Those of the *lost* cells that the record holds all the same."""
        held: set[Cell] = self._held_cells(record, lost, self._in_several)
        return held


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
