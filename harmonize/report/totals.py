"""Sums over a report that several pages show: values by target, findings by severity, shares in percent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harmonize.findings import SEVERITIES

OUTCOMES = ("carried", "coarsened", "dropped", "unmapped", "rejected", "skipped")


def values_of(report: Mapping[str, Any], target: str, *, mapped_only: bool = False) -> dict[str, int]:
    """Values of *target* by outcome, over all columns; `left_out` is the part of `dropped` that the profile leaves out on purpose.

    With *mapped_only* the columns that the profile leaves out are not counted.
    """
    account = report["accounting"]
    left_out = set(account["left_out"])
    total = dict.fromkeys(("read", *OUTCOMES, "left_out"), 0)
    for column, counts in account["values"].get(target, {}).items():
        if mapped_only and column in left_out:
            continue
        for name, number in counts.items():
            total[name] += number
        if column in left_out:
            total["left_out"] += counts["dropped"]
    return total


def left_out_of(report: Mapping[str, Any], target: str) -> int:
    """Values in columns that the profile leaves out on purpose, whatever became of their subjects."""
    return values_of(report, target)["read"] - values_of(report, target, mapped_only=True)["read"]


def rows_of(report: Mapping[str, Any]) -> dict[str, int]:
    """Rows over all files: read, used, rejected, skipped."""
    names = ("read", "used", "rejected", "skipped")
    return {name: sum(counts[name] for counts in report["accounting"]["rows"].values()) for name in names}


def findings_by_severity(report: Mapping[str, Any]) -> dict[str, int]:
    """Findings over all rules."""
    return {s.value: sum(check["findings"][s.value] for check in report["checks"]) for s in SEVERITIES}


def sites_of(report: Mapping[str, Any]) -> list[str]:
    """The sites whose runs the report is about."""
    return sorted({run["site"] for run in report["runs"]})


def status_of_runs(report: Mapping[str, Any]) -> str:
    """`partial` where one of the runs is, else `complete`."""
    return "partial" if any(run["status"] != "complete" for run in report["runs"]) else "complete"


_WITHHOLDING = ("privacy.consent-refused", "privacy.consent-unreadable")


def skipped_by_consent(report: Mapping[str, Any]) -> int:
    """Subjects that were skipped because they refused, or because their consent cannot be read."""
    strict = {run["site"] for run in report["runs"] if run["consent"] == "require"}
    sites = [check["sites"] for check in report["checks"] if check["rule"] in _WITHHOLDING]
    withheld = sum(int(counts["subjects"]) for of_check in sites for site, counts in of_check.items() if site in strict)
    return min(withheld, int(report["accounting"]["subjects"].get("skipped", 0)))


def skipped_by_limit(report: Mapping[str, Any]) -> int:
    """Subjects that `--limit` left out: those that were skipped for no word of theirs."""
    return int(report["accounting"]["subjects"].get("skipped", 0)) - skipped_by_consent(report)


def number_of_findings(check: Mapping[str, Any]) -> int:
    """All findings of a check, of whatever severity."""
    return sum(check["findings"].values())


def worst_severity(check: Mapping[str, Any]) -> str:
    """The worst severity that a check found something of, else that of its rule.

    >>> worst_severity({"severity": "info", "findings": {"fatal": 0, "error": 0, "warning": 1, "info": 3}})
    'warning'
    """
    return next((s.value for s in SEVERITIES if check["findings"][s.value]), str(check["severity"]))


def severities_text(check: Mapping[str, Any]) -> str:
    """The findings of a check by severity, in words.

    >>> severities_text({"findings": {"fatal": 0, "error": 0, "warning": 1, "info": 8}})
    '1 warning, 8 info'
    """
    found = ((check["findings"][severity.value], severity.value) for severity in SEVERITIES)
    return ", ".join(f"{number} {name}" for number, name in found if number)


def worst_first(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The checks that found something: the worst first, then by subjects, then by findings."""
    order = {severity.value: index for index, severity in enumerate(SEVERITIES)}
    found = [check for check in report["checks"] if number_of_findings(check)]
    return sorted(found, key=lambda c: (order[worst_severity(c)], -c["subjects"], -number_of_findings(c), c["rule"]))


def percent(part: int, whole: int) -> str:
    """*part* of *whole* in percent, rounded to a tenth as a spreadsheet does, but never up to 100 or down to 0.

    >>> percent(4, 60), percent(999_999, 1_000_000), percent(3, 3)
    ('6.7 %', '99.9 %', '100 %')
    """
    if whole == 0:
        return "-"
    if part == whole:
        return "100 %"
    tenths = min((2000 * part + whole) // (2 * whole), 999)
    return f"{tenths / 10} %" if tenths or not part else "< 0.1 %"
