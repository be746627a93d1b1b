"""The summary of a report on the terminal, for a newcomer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harmonize.findings import SEVERITIES
from harmonize.report.run_report import status_of, unit_of
from harmonize.report.totals import (
    findings_by_severity,
    left_out_of,
    percent,
    rows_of,
    sites_of,
    skipped_by_limit,
    status_of_runs,
    values_of,
    worst_first,
    worst_severity,
)

_SHOWN = 8


def summary_text(report: Mapping[str, Any]) -> str:
    """A summary that a newcomer understands."""
    profiles = sorted({run["profile"].get("id", "documents of others") for run in report["runs"]})
    lines = [f"{', '.join(profiles)} at {', '.join(sites_of(report)) or 'an unnamed site'}: {status_of_runs(report)}"]
    if report["accounting"]["subjects"]:
        lines += _account(report)
    found = findings_by_severity(report)
    lines.append("  findings   " + ", ".join(f"{found[s.value]} {s.value}" for s in SEVERITIES))
    worst = [check for check in worst_first(report) if worst_severity(check) != "info"][:_SHOWN]
    for check in worst:
        lines.append(
            f"    {worst_severity(check):<8} {check['rule']:<36} {check['findings'][worst_severity(check)]:>7} "
            f"{_of_whom(report, check)}: {check['title']}"
        )
    if not worst:
        lines.append("    no fatal finding, no error, no warning")
    unchecked = sum(status_of(check) == "not-checked" for check in report["checks"])
    lines.append(f"  rules      {len(report['checks']) - unchecked} checked, {unchecked} not checked here")
    return "\n".join(lines)


def _of_whom(report: Mapping[str, Any], check: Mapping[str, Any]) -> str:
    """In how many subjects or documents; what was found of files or of the run is in none of them."""
    return f"in {check['subjects']} {unit_of(report, check)}" if check["subjects"] else "in files or the run"


def _account(report: Mapping[str, Any]) -> list[str]:
    subjects, rows = report["accounting"]["subjects"], rows_of(report)
    lines = [
        f"  subjects   {subjects['read']} read = {subjects['converted']} converted "
        f"+ {subjects['rejected']} rejected + {subjects['skipped']} skipped"
    ]
    if by_limit := skipped_by_limit(report):
        lines.append(f"  NOT ALL: --limit left out {by_limit} subjects")
    if not subjects["converted"]:
        lines.append("  NOTHING WAS CONVERTED: the findings below say why")
    lines.append(
        f"  rows       {rows['read']} read = {rows['used']} used + {rows['rejected']} rejected + {rows['skipped']} skipped"
    )
    targets = list(report["accounting"]["values"])
    lines += [_target_line(target, values_of(report, target, mapped_only=True)) for target in targets]
    left_out = max((left_out_of(report, target) for target in targets), default=0)
    if left_out:
        lines.append(
            f"  ({left_out} more values stand in columns that the profile leaves out, each with its reason in the report)"
        )
    return lines


def _target_line(target: str, total: Mapping[str, int]) -> str:
    """Values carried, of those that the profile maps; what became of the others."""
    parts = {name: total[name] for name in ("coarsened", "unmapped", "rejected", "skipped", "dropped")}
    lost = ", ".join(f"{number} {name}" for name, number in parts.items() if number)
    share = percent(total["carried"], total["read"])
    return f"  {target:<12} {total['carried']} of {total['read']} mapped values carried ({share}); {lost or 'nothing lost'}"
