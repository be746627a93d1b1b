"""Where the slots of a row class stand in the rows of a table, so that a plan reads cells by their index.

Rows that are objects of the record one by one are not turned into source objects at all: the compiled function takes the row
as it was read. Where something is to be said of a row, and only there, its source object is made after all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harmonize.profiles.source_record import RawRow, SourceObject, Table, row_object
from harmonize.profiles.specification import Profile, TableAssembly


@dataclass(frozen=True, slots=True)
class Place:
    """A slot in a row: the index of its cell, the texts that are no value there, and those that say nothing by the profile."""

    index: int
    blank: frozenset[str]
    says_nothing: Mapping[str, str]


@dataclass(frozen=True)
class RowLayout:
    """A table whose rows are read by index."""

    spec: TableAssembly
    table: Table
    places: Mapping[str, Place]

    def whole_source_of(self, row: RawRow) -> SourceObject:
        """The source object of *row*, texts that say nothing among its values."""
        values = {
            slot: text for slot, place in self.places.items() if (text := row.cells[place.index]) not in place.blank
        }
        return row_object(values, self.table, row.number)

    def source_of(self, row: RawRow) -> SourceObject:
        """The source object of *row*."""
        values = {
            slot: text
            for slot, place in self.places.items()
            if (text := row.cells[place.index]) not in place.blank and text not in place.says_nothing
        }
        return row_object(values, self.table, row.number)


def row_layouts(
    profile: Profile, headers: Mapping[str, Sequence[str]], files: Mapping[str, str]
) -> dict[str, RowLayout]:
    """The layouts of the tables whose rows are objects of a list of the record, each by itself, by name of the table."""
    return {
        spec.name: _layout(profile, spec, headers[spec.rows_of], files[spec.rows_of])
        for spec in profile.assembly.tables
        if spec.rows_of in headers and all(_is_plain(profile, other) for other in _of_slot(profile, spec.slot))
    }


def _of_slot(profile: Profile, slot: str) -> list[TableAssembly]:
    return [spec for spec in profile.assembly.tables if spec.slot == slot]


def _is_plain(profile: Profile, spec: TableAssembly) -> bool:
    """Whether the rows are neither selected, joined, grouped nor shared, nor asked for by the logic of a form."""
    tables = profile.assembly.tables
    mapped = any(derivation.source_class == spec.row_class for derivation in profile.derivations)
    alone = not any(other.rows_of == spec.rows_of for other in tables if other is not spec)
    joined = spec.join is not None or any(t.join is not None and spec.name in t.join.into for t in tables)
    branching = any(slot.branching for slots in profile.source.classes.values() for slot in slots.values())
    objects = any(slot.range in profile.source.classes for slot in profile.source.classes[spec.row_class].values())
    return (
        mapped
        and spec.repeats
        and alone
        and not (joined or spec.group or spec.where or spec.unless or branching or objects)
    )


def _layout(profile: Profile, spec: TableAssembly, header: Sequence[str], file: str) -> RowLayout:
    slots = profile.source.classes[spec.row_class]
    says_nothing = profile.left_out_values(spec.row_class)
    places, columns = {}, {}
    for index, name in enumerate(header):
        slot = spec.slot_of(name)
        if slot in slots:
            places[slot] = Place(index, profile.assembly.blank_texts(name), says_nothing.get(slot, {}))
            columns[slot] = name
    return RowLayout(spec, Table(spec.rows_of, file, columns), places)
