"""What the functions of the library say beside a value, and where it is collected for one subject."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harmonize.findings import Cell, Outcome, Severity
from harmonize.profiles.source_record import cells_at


class Noted(NamedTuple):
    """A value together with what is to be said of it; `value` is None where nothing could be made.

    Of a text that holds several values, `others` is what is said of the other ones; its values are not looked at.
    """

    value: Any
    rule: str
    severity: Severity
    outcome: Outcome
    message: str
    fix: str | None = None
    others: tuple[Noted, ...] = ()


def rejected(rule: str, message: str, fix: str, severity: Severity = Severity.ERROR) -> Noted:
    """Nothing could be made of a text; *message* says why without quoting it, *fix* what to do."""
    return Noted(None, rule, severity, Outcome.REJECTED, message, fix)


class RunNote(NamedTuple):
    """What is said once per run and code, not once per record: a code without label, a system that is not installed."""

    rule: str
    severity: Severity
    message: str
    fix: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """A hub slot of one class derivation, as a place that source values flow to. A plan has one object for each."""

    derivation: str
    hub_class: str
    slot: str
    holders: tuple[str, ...] = ()
    """`Class.slot` of the slots that the object stands in, where it is made inside of another one."""


@dataclass(slots=True)
class SubjectLog:
    """Findings and exceptional cells of one subject on the way from source record to hub record."""

    notes: list[tuple[Noted, tuple[Cell, ...], str]] = field(default_factory=list)
    cells: dict[Cell, dict[Feed, tuple[Outcome, bool]]] = field(default_factory=dict)
    left_out: dict[Cell, str] = field(default_factory=dict)
    """Cells whose text says nothing by the profile, and why."""
    misses: list[tuple[Any, Feed, tuple[tuple[str, ...], ...]]] = field(default_factory=list)

    def note(self, source: Any, feed: Feed, paths: tuple[tuple[str, ...], ...], noted: Noted) -> Any:
        """Collect *noted*, which was said of the values at *paths*, and return its value."""
        cells = tuple(cells_at(source, paths))
        self.notes += [(said, cells, f"{feed.hub_class}.{feed.slot}") for said in (noted, *noted.others)]
        if noted.outcome is not Outcome.CARRIED:
            for cell in cells:
                self._record(cell, feed, noted.outcome, said=True)
        return noted.value

    def leave_out(self, source: Any, slot: str, reason: str) -> None:
        """Note that the text of *slot* says nothing by the profile."""
        self.left_out.update((cell, reason) for cell in source.cells(slot))

    def miss(self, source: Any, feed: Feed, paths: tuple[tuple[str, ...], ...]) -> None:
        """Note that the values at *paths* made nothing in this hub slot, which may be right: another slot may hold them."""
        self.misses.append((source, feed, paths))

    def exceptional_cells(self) -> dict[Cell, dict[Feed, tuple[Outcome, bool]]]:
        """The cells of which a feed is an exception: its outcome, and whether something was said of it."""
        for source, feed, paths in self.misses:
            for cell in cells_at(source, paths):
                self._record(cell, feed, Outcome.DROPPED, said=False)
        self.misses = []
        return self.cells

    def incomplete(self, source: Any, lineage: Any, made: Any, noted: Noted) -> None:
        """An object without a slot that it cannot be without is dropped; what it held is said to be lost."""
        fed = [fed for slot in made for fed in lineage.fed_cells(made, slot)]
        for feed, cell in fed:
            self.notes.append((noted, (cell,), f"{feed.hub_class}.{feed.slot}"))
            self._record(cell, feed, noted.outcome, said=True)
        if not fed:  # a record in memory has no cells
            self.notes.append((noted, (), f"{lineage.hub_class}.*"))

    def _record(self, cell: Cell, feed: Feed, outcome: Outcome, *, said: bool) -> None:
        feeds = self.cells.setdefault(cell, {})
        old = feeds.get(feed)
        if old is None or (said and not old[1]):
            feeds[feed] = (outcome, said)
