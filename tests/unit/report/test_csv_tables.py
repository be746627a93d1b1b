"""CSV: every count of the report once, RFC 4180, and no cell that a spreadsheet calculates."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import duckdb
import pytest

from harmonize.datasets.statuses import COUNTED
from harmonize.report.csv_tables import CHECK_COLUMNS, ITEM_COLUMNS, checks_csv, items_csv


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))


def test_checks_hold_the_counts_of_the_report(flawed_report: dict[str, Any]) -> None:
    found = {row["rule"]: row for row in rows(checks_csv(flawed_report))}
    assert len(found) == len(flawed_report["checks"])
    for check in flawed_report["checks"]:
        row = found[check["rule"]]
        assert {name: int(row[name]) for name in check["findings"]} == check["findings"]
        assert (int(row["checked"]), int(row["subjects"])) == (check["checked"], check["subjects"])


def test_sites_of_an_item_add_up_to_its_row(flawed_report: dict[str, Any]) -> None:
    found = rows(items_csv(flawed_report))
    whole = {row["item"]: row for row in found if not row["site"]}
    assert len(whole) == sum(len(one["items"]) for one in flawed_report["datasets"]) > 100
    for item, row in whole.items():
        of_sites = [other for other in found if other["site"] and other["item"] == item]
        assert of_sites and all(int(row[word]) == sum(int(one[word]) for one in of_sites) for word in COUNTED)


@pytest.mark.parametrize(("make", "columns"), [(checks_csv, CHECK_COLUMNS), (items_csv, ITEM_COLUMNS)])
def test_tables_are_rfc_4180_and_calculate_nothing(
    hostile_report: dict[str, Any], make: Any, columns: Any, tmp_path: Any
) -> None:
    for site in ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", 'a"b,c\r\nd', "\u202ex"):
        report = {
            **hostile_report,
            "datasets": [{**d, "groups": [{**d["groups"][0], "name": site}]} for d in hostile_report["datasets"]],
        }
        report["checks"] = [{**check, "title": site} for check in report["checks"]]
        data = make(report)
        assert data.endswith(b"\r\n") and not re.search(rb"(?<!\r)\n", data)
        read = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
        assert tuple(read[0]) == columns and {len(row) for row in read} == {len(columns)}
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in read for cell in row)
        (tmp_path / "t.csv").write_bytes(data)
        table = duckdb.read_csv(str(tmp_path / "t.csv"), header=True)
        assert tuple(table.columns) == columns and len(table) == len(read) - 1
