"""`checks.csv` and `items.csv`: the counts of a report as tables, RFC 4180, UTF-8, without cells that a spreadsheet would calculate."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harmonize.datasets.statuses import COUNTED
from harmonize.findings import SEVERITIES
from harmonize.report.run_report import status_of
from harmonize.safe_text import csv_cell

CHECK_COLUMNS = (
    "rule",
    "family",
    "severity",
    "status",
    "checked",
    *(severity.value for severity in SEVERITIES),
    "subjects",
    "title",
)
ITEM_COLUMNS = ("dataset", "version", "level_graded", "format", "site", "item", "class", "name", "level", *COUNTED)


def checks_csv(report: Mapping[str, Any]) -> bytes:
    """A row for each rule."""
    return _table(CHECK_COLUMNS, map(_check, report["checks"]))


def items_csv(report: Mapping[str, Any]) -> bytes:
    """For each item of each data set a row for all records (its site is empty) and one for each site; counts are of records."""
    return _table(ITEM_COLUMNS, _items(report))


def _check(check: Mapping[str, Any]) -> list[str | int]:
    by_severity = [check["findings"][severity.value] for severity in SEVERITIES]
    head = [check["rule"], check["family"], check["severity"], status_of(check)]
    return [*head, check["checked"], *by_severity, check["subjects"], check["title"]]


def _items(report: Mapping[str, Any]) -> Iterator[list[str | int]]:
    for found in report["datasets"]:
        head = [found["dataset"], found["version"], found["level"], found["format"]]
        sites = [group for group in found["groups"] if group["kind"] == "site"]
        for item in found["items"]:
            name = [item["id"], item["class"], item["item"], item["level"]]
            yield [*head, "", *name, *(item["records"][word] for word in COUNTED)]
            for site in sites:
                counts = site["items"].get(item["id"], {})
                yield [*head, site["name"], *name, *(counts.get(word, 0) for word in COUNTED)]


def _table(columns: Sequence[str], rows: Iterable[Sequence[str | int]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([csv_cell(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue().encode()
