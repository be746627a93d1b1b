"""How the records of a run, or of others, hold a data set: item by item, by site and by year.

The year of a record is that of its first diagnosis with a date, else of its registration; records without either are `undated`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harmonize.checks.catalogue import rule
from harmonize.checks.conformance import NOTES, Conformance, conformance
from harmonize.checks.record_marks import RecordMarks
from harmonize.datasets.grading import ItemCounts
from harmonize.datasets.statuses import COUNTED
from harmonize.report.rule_counts import RuleCounts

UNDATED = "undated"


def year_of(record: Mapping[str, Any]) -> str:
    """The year that a hub record is counted under.

    >>> year_of({"diagnoses": [{"date_of_diagnosis": {"value": "2019-02", "precision": "month"}}]}), year_of({})
    ('2019', 'undated')
    """
    diagnoses = record.get("diagnoses")
    dates = [one.get("date_of_diagnosis") for one in diagnoses or () if isinstance(one, dict)]
    years = [year for date in dates if (year := _year(date)) is not None]
    return min(years, default=_year(record.get("registration_date")) or UNDATED)


def _year(date: Any) -> str | None:
    value = date.get("value") if isinstance(date, dict) else None
    year = value[:4] if isinstance(value, str) else ""
    return year if len(year) == 4 and year.isascii() and year.isdigit() and "1880" <= year <= "2199" else None


def dataset_reports(
    path: Path, names: Sequence[str], level: str, site: str
) -> tuple[list[dict[str, Any]], RuleCounts, int]:
    """The section `datasets` of a report: *path* graded by each of *names*; what was found, and how many records were looked at."""
    counts, most, made = RuleCounts(), 0, []
    broken: dict[str, RecordMarks] = {}
    for name in sorted(names):
        graded = conformance(path, name, level=level, group_of=year_of)
        made.append(_document(graded, site))
        most = max(most, graded.records)
        counts.merge(_rule_counts(graded))
        for rule_id, marks in graded.broken.items():
            broken.setdefault(rule_id, RecordMarks()).join(marks)
    counts.subjects = {rule_id: len(marks) for rule_id, marks in broken.items()}
    return made, counts, most


def _document(graded: Conformance, site: str) -> dict[str, Any]:
    years = {group: {counts.item.id: _numbers(counts) for counts in items} for group, items in graded.groups.items()}
    records = {group: graded.records_of[group] for group in years}
    groups = [
        {"kind": "year", "name": group, "records": records[group], "items": years[group]} for group in sorted(years)
    ]
    of_site = {counts.item.id: _numbers(counts) for counts in graded.items}
    groups.insert(0, {"kind": "site", "name": site, "records": graded.records - graded.unreadable, "items": of_site})
    return {
        "dataset": graded.dataset.name,
        "title": graded.dataset.title,
        "version": graded.version,
        "level": graded.level,
        "format": graded.format,
        "records": graded.records,
        "unreadable": graded.unreadable,
        "rules": {name: number for name, number in sorted(graded.counts.items()) if name not in NOTES},
        "items": [
            {
                "id": counts.item.id,
                "class": counts.item.class_name,
                "item": counts.item.item,
                "level": counts.level,
                "records": {word: counts.records[word] for word in COUNTED},
                "objects": {word: counts.objects[word] for word in COUNTED},
            }
            for counts in graded.items
        ],
        "groups": groups,
    }


def _numbers(counts: ItemCounts) -> dict[str, int]:
    """The counts of an item in a group, without what is 0."""
    return {word: number for word in COUNTED if (number := counts.records[word])}


def _rule_counts(graded: Conformance) -> RuleCounts:
    """Exact numbers of findings by rule, and the first examples. Records are counted over all data sets together."""
    counts = RuleCounts()
    for finding in graded.findings:
        counts.add(finding)
    counts.findings = {
        (name, rule(name).severity.value): number for name, number in graded.counts.items() if name not in counts.notes
    }
    return counts
