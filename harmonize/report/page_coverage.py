"""How the page shows which codes of the source the maps cover: by code system, in codes, records and persons, and what is not mapped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from harmonize.curation.coverage import UNMAPPED, CodeOutcome

Json = Mapping[str, Any]
TOP = 25
GROUPS: Mapping[str, tuple[CodeOutcome, ...]] = {
    "exact": (CodeOutcome.EXACT,),
    "coarsened": (CodeOutcome.COARSENED,),
    "kept": (CodeOutcome.KEPT, CodeOutcome.NOT_CHECKED),
    "words": (CodeOutcome.WORDS, CodeOutcome.NO_VALUE),
    "no-target": (CodeOutcome.NO_TARGET,),
    "unmapped": UNMAPPED,
}
"""Outcomes that the page puts together."""
COVERED = frozenset({"exact", "coarsened", "kept"})


class Sums(NamedTuple):
    """Distinct codes, records (cells that state one), and persons: those of the most frequent code, for counts cannot tell who has both."""

    codes: int = 0
    records: int = 0
    persons: int = 0

    def plus(self, row: Json) -> Sums:
        """With *row* counted too."""
        return Sums(self.codes + row["distinct"], self.records + row["records"], max(self.persons, row["persons"]))


@dataclass(frozen=True)
class SystemLine:
    """A code system of a profile's source."""

    profile: str
    system: str
    groups: Mapping[str, Sums]

    @property
    def total(self) -> Sums:
        """All codes and records of the system."""
        return self._sum(GROUPS)

    @property
    def covered(self) -> Sums:
        """Those that came through as a code."""
        return self._sum(COVERED)

    def _sum(self, names: Any) -> Sums:
        sums = [self.groups[name] for name in GROUPS if name in names]
        return Sums(
            sum(one.codes for one in sums),
            sum(one.records for one in sums),
            max((one.persons for one in sums), default=0),
        )


def system_lines(report: Json) -> list[SystemLine]:
    """Every code system of every profile, most records first; words last."""
    group_of = {outcome.value: name for name, outcomes in GROUPS.items() for outcome in outcomes}
    found: dict[tuple[str, str], dict[str, Sums]] = {}
    for measured in report.get("coverage", ()):
        for row in measured["rows"]:
            sums = found.setdefault((measured["profile"], row["system"]), dict.fromkeys(GROUPS, Sums()))
            group = group_of[row["outcome"]]
            sums[group] = sums[group].plus(row)
    lines = [SystemLine(profile, system, sums) for (profile, system), sums in found.items()]
    return sorted(lines, key=lambda line: (not line.system, -line.total.records, line.profile, line.system))


@dataclass(frozen=True)
class Ranked:
    """The codes with most records of some, with the sums over all of them."""

    shown: Sequence[tuple[Json, int]]
    """Each with the records up to and with it."""
    codes: int
    records: int


def ranked(report: Json, *, mapped: bool) -> Ranked:
    """The codes that are mapped, or those that are not, most records first."""
    wanted = {CodeOutcome.EXACT, CodeOutcome.COARSENED} if mapped else set(UNMAPPED)
    rows = [row for measured in report.get("coverage", ()) for row in measured["rows"] if row["outcome"] in wanted]
    rows.sort(key=lambda row: (-row["records"], -row["persons"], row["column"], row["system"], row["code"]))
    shown, so_far = [], 0
    for row in rows[:TOP]:
        so_far += row["records"]
        shown.append((row, so_far))
    return Ranked(shown, sum(row["distinct"] for row in rows), sum(row["records"] for row in rows))
