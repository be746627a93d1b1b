"""What a profile says, as frozen values: the source and its assembly, the derivations, what is left out. `loading` reads it from files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from harmonize.profiles.expressions import Expression, paths_of
from harmonize.profiles.xml_assembly import XmlAssembly, below, default_slot
from harmonize.terminology.map_policy import MapPolicy


@dataclass(frozen=True, slots=True)
class SourceSlot:
    """A slot of a source class."""

    name: str
    range: str
    multivalued: bool
    required: bool
    description: str
    branching: str | None = None
    """The condition under which a form shows the field."""


class Meaning(NamedTuple):
    """The code that a permissible value means, as a CURIE, and the label that the source has for it."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class SourceSchema:
    """The classes of `source.yaml`; the value of `root` is the class of one subject's record."""

    name: str
    version: str
    root: str
    classes: Mapping[str, Mapping[str, SourceSlot]]
    enums: Mapping[str, frozenset[str]]
    meanings: Mapping[str, Mapping[str, Meaning]] = field(default_factory=dict)
    """Enumeration -> text of a permissible value -> the code that it means, for values that state one."""

    def text_slots(self, name: str) -> tuple[str, ...]:
        """The slots of a class that columns fill: those that hold texts, and no objects of other rows."""
        return tuple(slot.name for slot in self.classes[name].values() if slot.range not in self.classes)


@dataclass(frozen=True, slots=True)
class SlotDerivation:
    """How one hub slot is made: exactly one of the four ways is set."""

    slot: str
    line: int | None
    populated_from: tuple[str, ...] | None = None
    expression: Expression | None = None
    value: str | None = None
    value_mappings: Mapping[str, str] | None = None
    nested: tuple[ClassDerivation, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassDerivation:
    """How objects of a hub class are made of objects of a source class."""

    hub_class: str
    source_class: str
    slots: tuple[SlotDerivation, ...]
    line: int | None


@dataclass(frozen=True, slots=True)
class Join:
    """Rows of one table that become objects inside the matching rows of other tables of the same subject.

    `into` names the tables whose rows take them; where `repeats`, one row takes many.
    """

    into: tuple[str, ...]
    slot: str
    on: Mapping[str, str]
    when: str | None
    repeats: bool = False

    @property
    def told(self) -> str:
        """The tables as messages name them."""
        return " or ".join(self.into)


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of one table that share keys become one object that holds them."""

    row_class: str
    by: tuple[str, ...]
    rows: str
    lift: tuple[str, ...]


class Selection(NamedTuple):
    """A column and the texts that select a row by it; the empty text means blank."""

    column: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableAssembly:
    """How the rows of one table enter the source record."""

    name: str
    file: str
    row_class: str
    slot: str
    columns: Mapping[str, str]
    """Column -> slot, where they are not spelt alike; the empty text: the table does not read the column."""
    repeats: bool
    expected: bool
    of_every_subject: bool
    """Whether a subject without a row of the table is worth a warning: rows of other tables name somebody of whom nothing is known."""
    join: Join | None
    group: Group | None
    rows_of: str
    """The physical table whose rows these are: the table itself, or one that several tables share."""
    where: tuple[Selection, ...] = ()
    unless: tuple[Selection, ...] = ()
    element: str | None = None
    """XML: the path of the elements whose rows these are; columns are paths as well, and `columns` names them below the element."""
    identifiers: frozenset[str] = frozenset()
    """Columns that hold the subject's identifier and are not called like its slot."""

    lent: tuple[tuple[str, str], ...] = ()
    """(slot, class) of rows of other tables that take the slot from rows of this one."""

    def slot_of(self, column: str) -> str:
        """The slot of the row class that *column* fills."""
        if self.element is None:
            return self.columns.get(column, column)
        path = below(column, self.element)
        return self.columns.get(path, default_slot(path))


@dataclass(frozen=True, slots=True)
class Reference:
    """A table that belongs to no subject and is looked up by key: a source's own list of codes (OMOP CDM 5.4, CONCEPT).

    `key`, `code`, `vocabulary`, `name` and `invalid` name its columns.
    """

    file: str
    key: str
    code: str
    vocabulary: str
    name: str
    invalid: str | None = None


@dataclass(frozen=True, slots=True)
class Assembly:
    """How physical records become one source record per subject."""

    reader: str
    subject: str
    subject_pattern: str | None
    encoding: str
    delimiter: str
    quote: str
    blank: tuple[str, ...]
    missing: Mapping[str, str]
    """Text that says why there is no value -> HL7 NullFlavor."""
    tables: tuple[TableAssembly, ...]
    subject_order: str = "text"
    """The order of identifiers: `text`, or `numeric` for whole numbers, which is by length and then as text."""
    column_blanks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Column -> texts that stand for no value in this column only."""
    references: Mapping[str, Reference] = field(default_factory=dict)
    """Name -> a table that belongs to no subject."""
    xml: XmlAssembly | None = None
    """Dialects and tables of an XML format; `tables` then has one for each table and path of its elements."""

    def blank_texts(self, column: str) -> frozenset[str]:
        """The texts that are no value in *column*, the empty one among them."""
        return frozenset(("", *self.blank, *self.column_blanks.get(column, ())))

    def physical_tables(self) -> dict[str, tuple[TableAssembly, ...]]:
        """The physical tables, each with the tables that are made of its rows."""
        made: dict[str, tuple[TableAssembly, ...]] = {}
        for table in self.tables:
            made[table.rows_of] = (*made.get(table.rows_of, ()), table)
        return made


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A source slot that is not mapped, and why. `*` stands for every class; `columns` for what is a column and no slot."""

    source_class: str
    slot: str
    reason: str
    values: frozenset[str] = frozenset()
    """Where given: only these texts say nothing, the slot itself is mapped."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A national format as data."""

    id: str
    folder: Path
    title: str
    version: str
    description: str
    licence: str
    owner: str
    specification: Mapping[str, str]
    identifiers: Mapping[str, Mapping[str, str]]
    code_maps: Mapping[str, MapPolicy]
    predicates: tuple[str, ...]
    assembly: Assembly
    left_out: tuple[LeftOut, ...]
    left_out_columns: Mapping[str, str]
    """Columns of the files that are no slots -> why they are not carried."""
    source: SourceSchema
    derivations: tuple[ClassDerivation, ...]
    sha256: str
    left_out_tables: Mapping[str, str] = field(default_factory=dict)
    """Tables that are known and not read, as stems of files in small letters -> why."""

    def mapped_slots(self) -> frozenset[tuple[str, str]]:
        """(source class, slot) of everything that map.yaml reads."""
        found: set[tuple[str, str]] = set()
        waiting = list(self.derivations)
        while waiting:
            derivation = waiting.pop()
            for slot in derivation.slots:
                waiting += slot.nested
                stated = [path.names for path in paths_of(slot.expression)] if slot.expression is not None else []
                for path in [slot.populated_from] if slot.populated_from is not None else stated:
                    owner = derivation.source_class
                    for name in path:
                        found.add((owner, name))
                        known = self.source.classes.get(owner, {}).get(name)
                        owner = known.range if known is not None else ""
        return frozenset(found)

    def left_out_reason(self, source_class: str, slot: str) -> str | None:
        """Why *slot* of *source_class* is not mapped, or None where the profile does not say."""
        for item in self.left_out:
            if item.slot == slot and item.source_class in (source_class, "*") and not item.values:
                return item.reason
        return None

    def left_out_column(self, column: str) -> str | None:
        """Why *column* is not carried though it is no slot. In XML what is left out is left out with all below it.

        `//NAME` is any element of the name.
        """
        reason = self.left_out_columns.get(column)
        if reason is not None or self.assembly.xml is None:
            return reason
        steps = column.split("/")
        for number in range(len(steps), 0, -1):
            for name in ("/".join(steps[:number]), f"//{steps[number - 1]}"):
                if name in self.left_out_columns:
                    return self.left_out_columns[name]
        return None

    def left_out_values(self, source_class: str) -> dict[str, dict[str, str]]:
        """Slot -> text that says nothing -> why, for the slots of *source_class* of which some texts are left out."""
        made: dict[str, dict[str, str]] = {}
        for item in self.left_out:
            if item.values and item.source_class in (source_class, "*"):
                made.setdefault(item.slot, {}).update(dict.fromkeys(item.values, item.reason))
        return made
