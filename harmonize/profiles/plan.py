"""A compiled profile: what makes hub records, and by which paths each of their slots came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harmonize.findings import Cell
from harmonize.hub.objects import HubObject
from harmonize.profiles.notes import Feed, SubjectLog
from harmonize.profiles.row_layout import RowLayout
from harmonize.profiles.source_record import cells_at
from harmonize.profiles.specification import Profile

Derive = Callable[[Any, SubjectLog], "HubObject | None"]


@dataclass(frozen=True, slots=True)
class Lineage:
    """One class derivation after compilation: which paths make which hub slot, and which derivations nest in it."""

    name: str
    hub_class: str
    source_class: str
    paths: Mapping[str, tuple[tuple[str, ...], ...]]
    feeds: Mapping[str, Feed]
    layout: RowLayout | None = None
    """Where the objects are made of rows as they were read, and not of source objects."""

    def source_of(self, hub_object: HubObject) -> Any:
        """The source object that *hub_object* was made of."""
        return hub_object.source if self.layout is None else self.layout.source_of(hub_object.source)

    def cells(self, hub_object: HubObject, slot: str) -> list[Cell]:
        """The source cells that made *slot* of *hub_object*; of an object or list in the slot, all that made it."""
        return [cell for _, cell in self.fed_cells(hub_object, slot)]

    def fed_cells(self, hub_object: HubObject, slot: str) -> list[tuple[Feed, Cell]]:
        """The cells together with the feed by which each came."""
        fed: list[tuple[Feed, Cell]] = []
        value = hub_object.get(slot)
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, HubObject) and item.derivation is not None:
                for nested in item.derivation.feeds:
                    fed += item.derivation.fed_cells(item, nested)
        paths = self.paths.get(slot)
        if paths:
            fed += [(self.feeds[slot], cell) for cell in cells_at(self.source_of(hub_object), paths)]
        return fed


@dataclass(frozen=True)
class Plan:
    """A compiled profile: `derive(source_record, log)` gives the hub record."""

    profile: Profile
    derive: Derive
    lineages: Mapping[str, Lineage]
    fed_by: Mapping[tuple[str, str], tuple[Feed, ...]]
    """(source class, slot) -> every hub slot that it may flow into."""
    source: str
    """The generated Python, for those who want to read what runs."""

    @property
    def filled(self) -> frozenset[str]:
        """`Class.slot` of every hub slot that the profile derives."""
        return frozenset(f"{known.hub_class}.{slot}" for known in self.lineages.values() for slot in known.feeds)
