"""How records hold the items of data sets, as it may be given to others: counts under disclosure control.

All items of a data set share the records that they add up to, and sites or years add up to all records: one table of linked counts, so
that nothing can be worked out by subtraction.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from harmonize.datasets.statuses import COUNTED
from harmonize.errors import CallError
from harmonize.report.count_table import TOTAL, CellKey, CountTable, Sum
from harmonize.report.disclosure import DisclosureControl, ShownCount, disclosed
from harmonize.safe_text import csv_cell

GROUPS = ("site", "year")
MAX_CELLS = 6_000
"""Counts of one data set that are protected together: 1,500 take half a second, and the time grows faster than their number."""
COLUMNS = ("dataset", "version", "class", "item", "level", "group", "records", *COUNTED)


class DisclosedItem(NamedTuple):
    """An item in a group of records (`*`: all of them): the records, and the six counts that add up to them."""

    dataset: str
    version: str
    class_name: str
    item: str
    level: str
    group: str
    records: ShownCount
    counts: tuple[ShownCount, ...]


def disclosed_items(
    report: Mapping[str, Any], control: DisclosureControl | None = None, by: str = ""
) -> Iterator[DisclosedItem]:
    """The items of all data sets of *report*, in their order; with *by* (`site`, `year`) for each group and for all together.

    Raises CallError where *by* is neither, or where there are more counts than can be protected in a reasonable time.
    """
    if by not in ("", *GROUPS):
        raise CallError(f"--by takes {' or '.join(GROUPS)}. To mend it: give one of them, or leave it out")
    for found in report["datasets"]:
        groups = [group for group in found["groups"] if group["kind"] == by]
        table = _table(found, groups)
        if len(table.counts) > MAX_CELLS:
            raise CallError(
                f"{len(table.counts)} counts of {found['dataset']} are more than {MAX_CELLS}. To mend it: leave --by out, or build the "
                "report of fewer records"
            )
        shown = disclosed(table, control)
        for item in found["items"]:
            for name in (TOTAL, *(group["name"] for group in groups)):
                yield DisclosedItem(
                    found["dataset"],
                    found["version"],
                    item["class"],
                    item["item"],
                    item["level"],
                    name,
                    shown[_records(name)],
                    tuple(shown[_cell(item["id"], name, word)] for word in COUNTED),
                )


def _records(group: str) -> CellKey:
    return ("records", group)


def _cell(item: str, group: str, word: str) -> CellKey:
    return ("item", item, group, word)


def _table(found: Mapping[str, Any], groups: list[Mapping[str, Any]]) -> CountTable:
    """All counts of a data set with everything that adds up among them."""
    counts: dict[CellKey, int] = {_records(TOTAL): found["records"] - found["unreadable"]}
    counts |= {_records(group["name"]): group["records"] for group in groups}
    sums = [Sum(_records(TOTAL), tuple(_records(group["name"]) for group in groups))] if groups else []
    for item in found["items"]:
        of_groups = {TOTAL: item["records"], **{group["name"]: group["items"].get(item["id"], {}) for group in groups}}
        for name, numbers in of_groups.items():
            cells = {_cell(item["id"], name, word): numbers.get(word, 0) for word in COUNTED}
            counts |= cells
            sums.append(Sum(_records(name), tuple(cells)))
        if groups:
            sums += [
                Sum(_cell(item["id"], TOTAL, word), tuple(_cell(item["id"], g["name"], word) for g in groups))
                for word in COUNTED
            ]
    return CountTable(counts, tuple(sums))


def as_csv(items: Iterator[DisclosedItem]) -> str:
    """The items as CSV (RFC 4180); what could be taken for a formula is none."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in items:
        words = (one.dataset, one.version, one.class_name, one.item, one.level, one.group)
        writer.writerow([*map(csv_cell, words), str(one.records), *map(str, one.counts)])
    return out.getvalue()
