"""Two reports beside one another: what is new since the baseline, what is resolved, what persists.

Numbers grow with the data, so shares are compared: the part of the records checked that has a finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from harmonize.report.totals import number_of_findings, worst_severity

NEW, GROWN, PERSISTING, SHRUNK, RESOLVED = "new", "grown", "persisting", "shrunk", "resolved"
ORDER = (NEW, GROWN, PERSISTING, SHRUNK, RESOLVED)
UNKNOWN = "not-compared"
"""One of the two reports did not look."""


class Side(NamedTuple):
    """One report: findings (or records with the item missing or invalid), subjects, and how many records were checked."""

    findings: int
    subjects: int
    checked: int


class Change(NamedTuple):
    """A rule, or an item of a data set, in both reports."""

    kind: str
    name: str
    title: str
    severity: str
    change: str
    before: Side
    after: Side

    def as_json(self) -> dict[str, Any]:
        """The change as JSON."""
        document: dict[str, Any] = self._asdict()
        return {**document, "before": self.before._asdict(), "after": self.after._asdict()}


def compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Every rule and item that one of the two reports found something of: the new first, then by subjects."""
    changes = [*_rules(before, after), *_items(before, after)]
    order = (*ORDER, UNKNOWN)
    return sorted(changes, key=lambda c: (c.kind != "rule", order.index(c.change), -c.after.subjects, c.name))


def _rules(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    old, new = ({check["rule"]: check for check in report["checks"]} for report in (before, after))
    for name in sorted(old.keys() | new.keys()):
        sides = [_side_of_check(report.get(name)) for report in (old, new)]
        known = new.get(name) or old[name]
        if sides[0].findings or sides[1].findings:
            yield Change("rule", name, known["title"], worst_severity(known), _change(*sides), *sides)


def _side_of_check(check: Mapping[str, Any] | None) -> Side:
    return Side(number_of_findings(check), check["subjects"], check["checked"]) if check else Side(0, 0, 0)


def _items(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """Items of data sets that both reports graded by at the same level."""
    old, new = (
        {
            (found["dataset"], found["version"], found["level"], item["id"]): item
            for found in report["datasets"]
            for item in found["items"]
        }
        for report in (before, after)
    )
    for key in sorted(old.keys() & new.keys()):
        sides = [side_of_item(report[key]["records"]) for report in (old, new)]
        if sides[0].findings or sides[1].findings:
            title = f"{new[key]['class']}, {new[key]['item']}"
            yield Change("item", key[3], title, "", _change(*sides), *sides)


def side_of_item(counts: Mapping[str, int]) -> Side:
    """Records in which an item is missing or invalid, of those where it is asked for or given."""
    wrong = counts.get("missing", 0) + counts.get("invalid", 0)
    asked = wrong + counts.get("filled", 0) + counts.get("null_flavor", 0)
    return Side(wrong, wrong, asked)


def _change(before: Side, after: Side) -> str:
    if not before.checked or not after.checked:
        return UNKNOWN
    if not before.findings:
        return NEW
    if not after.findings:
        return RESOLVED
    share = _affected(after) * before.checked - _affected(before) * after.checked
    return GROWN if share > 0 else SHRUNK if share < 0 else PERSISTING


def _affected(side: Side) -> int:
    """Subjects, or findings where a rule is about files or about the run."""
    return side.subjects or side.findings


def trend(reports: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The course of every rule over *reports*, oldest first: its findings, subjects and records checked in each."""
    names = sorted({check["rule"] for report in reports for check in report["checks"] if number_of_findings(check)})
    by_rule = [{check["rule"]: check for check in report["checks"]} for report in reports]
    return [
        {"rule": name, "course": [_side_of_check(known.get(name))._asdict() for known in by_rule]} for name in names
    ]


def instant_of(report: Mapping[str, Any]) -> str:
    """The latest instant of the runs of *report*; empty where none has one."""
    return max((str(run["recorded"]) for run in report["runs"]), default="")
