"""Items for others: nothing small is shown, nothing large is changed, and no small count follows from the rest."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from harmonize.datasets.statuses import COUNTED
from harmonize.errors import CallError
from harmonize.report.disclosed_items import COLUMNS, as_csv, disclosed_items
from harmonize.report.disclosure import DisclosureControl


def counts(*numbers: int) -> dict[str, int]:
    return dict(zip(COUNTED, (*numbers, *[0] * (len(COUNTED) - len(numbers))), strict=True))


def report(sites: dict[str, list[dict[str, int]]]) -> dict[str, Any]:
    """Two items at some sites."""
    whole = [{word: sum(site[item][word] for site in sites.values()) for word in COUNTED} for item in (0, 1)]
    items = [
        {"id": f"x:{item}", "class": "C", "item": f"=item {item}", "level": "mandatory", "records": whole[item]}
        for item in (0, 1)
    ]
    groups = [
        {"kind": "site", "name": name, "records": sum(made[0].values()), "items": {"x:0": made[0], "x:1": made[1]}}
        for name, made in sites.items()
    ]
    records = sum(group["records"] for group in groups)
    found = {"dataset": "x", "version": "1", "records": records, "unreadable": 0, "items": items, "groups": groups}
    return {"datasets": [found]}


REPORT = report({"one": [counts(90, 0, 10), counts(97, 3)], "two": [counts(40, 2, 8), counts(50)]})


def test_small_counts_are_nowhere_and_large_ones_unchanged() -> None:
    exact = {(item["item"], "*"): list(item["records"].values()) for item in REPORT["datasets"][0]["items"]}
    rows = list(csv.DictReader(io.StringIO(as_csv(disclosed_items(REPORT, by="site")))))
    assert tuple(rows[0]) == COLUMNS and len(rows) == 6
    suppressed = 0
    for row in rows:
        for word in COUNTED:
            suppressed += row[word] == "suppressed"
            assert row[word] == "suppressed" or int(row[word]) == 0 or int(row[word]) >= 5
        shown = [row[word] for word in COUNTED]
        known = exact.get((row["item"].lstrip("'"), row["group"]))
        assert known is None or all(
            text in ("suppressed", str(number)) for text, number in zip(shown, known, strict=True)
        )
        assert shown.count("suppressed") != 1, "one alone follows from the records"
    assert suppressed >= 6
    assert all(row["item"].startswith("'=") for row in rows), "a formula is text"


def test_the_threshold_and_rounding_are_those_of_the_call() -> None:
    rounded = [one.records for one in disclosed_items(REPORT, DisclosureControl(threshold=3, rounding=10))]
    assert {str(one) for one in rounded} == {"about 150"}


def test_what_cannot_be_protected_is_refused() -> None:
    with pytest.raises(CallError, match="site or year"):
        list(disclosed_items(REPORT, by="petal"))
    many = report({f"site {number}": [counts(9), counts(9)] for number in range(600)})
    with pytest.raises(CallError, match="more than"):
        list(disclosed_items(many, by="site"))
