"""What the sections of the page show of a report, worked out before it is laid out: problems, heat maps, sites, accounts.

Every list is cut where a page becomes too long to read; each knows how many there are, and the page says so. `report.json` has all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Generic, NamedTuple, TypeVar

from harmonize.checks.catalogue import FAMILIES, Rule, rules
from harmonize.report.comparison import ORDER, RESOLVED, UNKNOWN, Change, side_of_item
from harmonize.report.dataset_report import UNDATED
from harmonize.report.run_report import CONVERSION, status_of, unit_of
from harmonize.report.totals import left_out_of, number_of_findings, values_of, worst_first, worst_severity

Json = Mapping[str, Any]
T = TypeVar("T")
STATUSES = ("failed", "warned", "noted", "passed", "not-checked")
MOST = {
    "reasons": 12,
    "changes": 60,
    "items": 160,
    "years": 15,
    "sites": 24,
    "rows": 150,
    "columns": 200,
    "inputs": 150,
    "notes": 5,
    "gaps": 3,
    "targets": 5,
}
"""How many of a list the page shows."""
MOST_DETAILS = 400_000
"""Letters that the details of checks may take; the worst come first."""
_LEVELS = ("mandatory", "recommended", "optional")
FEW = 10
"""Fewer records than that say little: their shares are marked."""


@dataclass(frozen=True)
class Cut(Generic[T]):
    """The first of a list, and how many there are in all."""

    shown: Sequence[T]
    all: int

    @property
    def is_cut(self) -> bool:
        """Whether some are not shown."""
        return self.all > len(self.shown)


def cut(items: Iterable[T], most: int) -> Cut[T]:
    """The first *most* of *items*."""
    everything = list(items)
    return Cut(everything[:most], len(everything))


@dataclass(frozen=True)
class CheckLine:
    """A check as the page shows it."""

    number: int
    """Its place in the report: the page's anchors are made of it, never of text that others wrote."""
    check: Json
    status: str
    severity: str
    findings: int
    texts: Rule | None
    """What the catalogue says of the rule; None where another version wrote the report."""
    unit: str = "subjects"
    """What its numbers count: `subjects` or `documents`."""

    @property
    def of_nobody(self) -> bool:
        """Whether it found something, and nothing of a subject or document: what is said of the run or of a file has no share of them."""
        return bool(self.findings) and not self.check["subjects"]

    @property
    def places(self) -> list[Json]:
        """Where its first findings stand, and what they say: file, row, column, target, path; of no person."""
        notes = map(_place_of_note, self.check["notes"][: MOST["notes"]])
        places: list[Json] = []
        for place in (*notes, *map(_place, self.check["examples"])):
            if place not in places:  # without its subject, one may say the same as another
                places.append(place)
        return places


def _place_of_note(note: Json) -> Json:
    return {**note, "row": None, "path": ""}


def _place(example: Json) -> Json:
    source, target = example.get("source") or {}, example.get("target") or {}
    return {
        "message": example["message"],
        "file": source.get("file") or "",
        "row": source.get("row"),
        "column": source.get("column") or "",
        "target": target.get("format") or "",
        "path": target.get("path") or "",
        "count": 0,
    }


def check_lines(report: Json) -> list[CheckLine]:
    """All checks: those that found something first, the worst of them first, then by family."""
    known = rules()
    numbers = {check["rule"]: number for number, check in enumerate(report["checks"])}
    found = worst_first(report)
    quiet = [check for check in report["checks"] if not number_of_findings(check)]
    quiet.sort(key=lambda check: (not check["checked"], FAMILIES.index(check["family"]), check["rule"]))
    return [
        CheckLine(
            numbers[check["rule"]],
            check,
            status_of(check),
            worst_severity(check),
            number_of_findings(check),
            known.get(check["rule"]),
            unit_of(report, check),
        )
        for check in (*found, *quiet)
    ]


def why_not_checked(report: Json, lines: Sequence[CheckLine]) -> list[tuple[str, int]]:
    """Reason -> how many checks did not run for it, the most frequent first."""
    reasons = Counter(_why_not_checked(report, line) for line in lines if line.status == "not-checked")
    return reasons.most_common()


def _why_not_checked(report: Json, line: CheckLine) -> str:
    stages = set(line.texts.stages) if line.texts else set[str]()
    installed = {one["system"] for run in report["runs"] for one in run["terminologies"]}
    targets = {target for run in report["runs"] for target in run["targets"]}
    if stages == {"mappings"}:
        return "mappings"
    if line.check["family"] == "dataset":
        return "dataset"
    if line.texts and not installed.issuperset(line.texts.needs):
        return "system"
    if stages == {CONVERSION}:
        return "conversion"
    return "judge" if stages & targets else "format"


def problems(lines: Sequence[CheckLine]) -> list[CheckLine]:
    """What is more than a note, by subjects affected; of as many subjects, the worse first."""
    return sorted((line for line in lines if line.status in ("failed", "warned")), key=lambda x: -x.check["subjects"])


def with_details(lines: Sequence[CheckLine]) -> Cut[CheckLine]:
    """The checks whose details the page holds: as many of those that found something as there is room for."""
    found = [line for line in lines if line.findings]
    shown, room = [], MOST_DETAILS
    for line in found:
        room -= 900 + sum(200 + len(str(place["message"])) for place in line.places)
        if room < 0:
            break
        shown.append(line)
    return Cut(shown, len(found))


def families(lines: Sequence[CheckLine]) -> list[tuple[str, dict[str, int]]]:
    """Family -> how many of its checks have which status."""
    table = {family: dict.fromkeys(STATUSES, 0) for family in FAMILIES}
    for line in lines:
        table[line.check["family"]][line.status] += 1
    return [(family, numbers) for family, numbers in table.items() if any(numbers.values())]


# --- the change since the baseline ------------------------------------------------------------------------------------


def changes_by_kind(changes: Sequence[Change]) -> list[tuple[str, Cut[Change]]]:
    """Kind of change -> the changes, those first that weigh most."""

    def weight(change: Change) -> int:
        side = change.before if change.change == RESOLVED else change.after
        return -(side.subjects or side.findings)

    kinds = {kind: sorted((c for c in changes if c.change == kind), key=weight) for kind in (*ORDER, UNKNOWN)}
    return [(kind, cut(found, MOST["changes"])) for kind, found in kinds.items()]


# --- data sets ----------------------------------------------------------------------------------------------------------


class Cell(NamedTuple):
    """An item in a group: filled records of those that should have it."""

    filled: int
    asked: int

    @property
    def shade(self) -> str:
        """The class of its colour: h0 (none filled) to h5 (all), or `na`."""
        if not self.asked:
            return "na"
        return "h5" if self.filled == self.asked else f"h{self.filled * 5 // self.asked}"


class ItemLine(NamedTuple):
    """An item of a data set: what its records say, and how far it is filled in each group."""

    item: Json
    total: Cell
    wrong: int
    cells: Sequence[Cell]


@dataclass(frozen=True)
class HeatMap:
    """Items by group: sites, or years."""

    dataset: Json
    kind: str
    groups: Cut[Json]
    levels: Sequence[tuple[str, Cut[ItemLine]]]


class Gaps(NamedTuple):
    """How far records keep a data set, in one line: the items asked for, those that no record lacks, and what is lacking most."""

    dataset: Json
    asked: int
    kept: int
    worst: Sequence[ItemLine]


def gaps_of(report: Json) -> Iterator[Gaps]:
    """Of each data set the items that are asked for at its level, and of some record."""
    for dataset in report["datasets"]:
        levels = ("mandatory", "conditional", *_LEVELS[1 : _LEVELS.index(dataset["level"]) + 1])
        lines = [_item_line(item, ()) for item in dataset["items"] if item["level"] in levels]
        asked = [line for line in lines if line.total.asked]
        lacking = sorted((line for line in asked if line.wrong), key=lambda line: -line.wrong)
        yield Gaps(dataset, len(asked), len(asked) - len(lacking), lacking[: MOST["gaps"]])


def heat_maps(report: Json) -> Iterator[HeatMap]:
    """Of each data set a map by site and one by year; of a single site the years alone, and all records together where there are none."""
    for dataset in report["datasets"]:
        sites, years = ([group for group in dataset["groups"] if group["kind"] == kind] for kind in ("site", "year"))
        if len(sites) < 2 and {group["name"] for group in years} <= {UNDATED}:
            yield HeatMap(dataset, "whole", Cut((), 0), list(_levels(dataset, ())))  # one group would say it all again
            continue
        for kind, groups in (("site", sites), ("year", years)):
            if not groups if kind == "year" else len(groups) == 1 and years:
                continue
            shown = groups[-MOST["years"] :] if kind == "year" else groups[: MOST["sites"]]
            yield HeatMap(dataset, kind, Cut(shown, len(groups)), list(_levels(dataset, shown)))


def _levels(dataset: Json, groups: Sequence[Json]) -> Iterator[tuple[str, Cut[ItemLine]]]:
    for level in ("mandatory", "conditional", "recommended", "optional"):
        items = [item for item in dataset["items"] if item["level"] == level]
        if items:
            lines = (_item_line(item, groups) for item in items)
            yield level, cut((line for line in lines if line.total.asked), MOST["items"])


def _item_line(item: Json, groups: Sequence[Json]) -> ItemLine:
    cells = [_cell(group["items"].get(item["id"], {})) for group in groups]
    return ItemLine(item, _cell(item["records"]), side_of_item(item["records"]).findings, cells)


def _cell(counts: Mapping[str, int]) -> Cell:
    return Cell(counts.get("filled", 0), side_of_item(counts).checked)


# --- sites --------------------------------------------------------------------------------------------------------------


class SiteSide(NamedTuple):
    """A check at a site."""

    checked: int
    findings: int
    subjects: int

    @property
    def of_nobody(self) -> bool:
        """Whether all that was found there is of files or of the run: it has no share of the records."""
        return bool(self.findings) and not self.subjects


def names_of_sites(report: Json) -> Cut[str]:
    """The sites that the checks know, in order."""
    return cut(sorted({site for check in report["checks"] for site in check["sites"]}), MOST["sites"])


def by_site(lines: Sequence[CheckLine], sites: Sequence[str]) -> list[tuple[CheckLine, list[SiteSide]]]:
    """The greatest problems at each site."""
    return [(line, [_site_side(line.check["sites"].get(site, {})) for site in sites]) for line in lines]


def _site_side(counts: Mapping[str, int]) -> SiteSide:
    return SiteSide(counts.get("checked", 0), counts.get("findings", 0), counts.get("subjects", 0))


class Carried(NamedTuple):
    """Values that came through to a target, of those that the profile maps."""

    target: str
    carried: int
    mapped: int

    @property
    def share(self) -> Fraction:
        """To sort by."""
        return Fraction(self.carried, self.mapped)


def carried_by_target(report: Json) -> list[Carried]:
    """What came through to each target; values in columns that the profile leaves out on purpose do not count."""
    totals = {target: values_of(report, target, mapped_only=True) for target in report["accounting"]["values"]}
    return [Carried(target, total["carried"], total["read"]) for target, total in totals.items() if total["read"]]


def left_out_on_purpose(report: Json) -> int:
    """Values in columns that the profile leaves out; the same values for every target."""
    return max((left_out_of(report, target) for target in report["accounting"]["values"]), default=0)


# --- the account ----------------------------------------------------------------------------------------------------


def columns_of(report: Json) -> Cut[tuple[str, str, Mapping[str, int], bool]]:
    """Target, column, what became of its values, and whether the profile leaves it out; what lost most comes first."""
    left_out = set(report["accounting"]["left_out"])
    rows = [
        (target, column, counts, column in left_out)
        for target, columns in report["accounting"]["values"].items()
        for column, counts in columns.items()
    ]
    rows.sort(key=lambda row: (row[3], -_lost(row[2]), row[0], row[1]))
    return cut(rows, MOST["columns"])


def _lost(counts: Mapping[str, int]) -> int:
    return sum(number for name, number in counts.items() if name in ("unmapped", "rejected", "dropped", "skipped"))
