"""The report as Markdown, at most 64 KB, for summaries of pipelines. Nothing that comes from data can break out of a cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harmonize.datasets.statuses import COUNTED
from harmonize.report.comparison import UNKNOWN, Change
from harmonize.report.run_report import status_of
from harmonize.report.totals import (
    OUTCOMES,
    severities_text,
    sites_of,
    skipped_by_limit,
    status_of_runs,
    values_of,
    worst_first,
    worst_severity,
)
from harmonize.report.verdict import Verdict
from harmonize.safe_text import markdown_text

MAX_BYTES = 64_000
_CUT = "\n\n(cut at 64 KB: all of it is in report.json)\n"


def markdown(report: Mapping[str, Any], verdict: Verdict | None = None, changes: Sequence[Change] = ()) -> str:
    """The report, with the *verdict* on it and the *changes* since a baseline where they are given."""
    text = "\n".join(_lines(report, verdict, changes)) + "\n"
    if len(text.encode()) <= MAX_BYTES:
        return text
    return text.encode()[: MAX_BYTES - len(_CUT)].decode(errors="ignore").rpartition("\n")[0] + _CUT


def _lines(report: Mapping[str, Any], verdict: Verdict | None, changes: Sequence[Change]) -> Iterator[str]:
    if status_of_runs(report) == "partial":
        yield "**PARTIAL: the input of a run was not read whole; these numbers are about a part of it.**\n"
    if by_limit := skipped_by_limit(report):
        yield f"**NOT ALL: --limit left out {by_limit} of {report['accounting']['subjects']['read']} subjects.**\n"
    yield f"# Conformance report: {_cell(', '.join(sites_of(report)) or 'an unnamed site')}\n"
    for run in report["runs"]:
        profile = run["profile"]
        made_by = f"profile {profile['id']} {profile['version']}" if profile else "documents of others"
        when = f"recorded {_cell(run['recorded'] or '-')}, harmonize {run['harmonize']}"
        yield f"- {_cell(run['site'])}: {_cell(made_by)}, {run['status']}, {when}"
    if verdict is not None:
        yield from _verdict(verdict)
    subjects = report["accounting"]["subjects"]
    if subjects:
        yield from _section(
            "Subjects",
            ("read", "converted", "rejected", "skipped"),
            [[subjects[name] for name in ("read", "converted", "rejected", "skipped")]],
        )
        yield from _values(report)
        names = ("read", "used", "rejected", "skipped")
        rows = [[file, *(counts[n] for n in names)] for file, counts in report["accounting"]["rows"].items()]
        yield from _section("Rows", ("file", *names), rows)
    if changes:
        known = [c for c in changes if c.change != UNKNOWN]
        rows = [[c.change, c.kind, c.name, c.before.findings, c.after.findings, c.title] for c in known]
        yield from _section("Since the baseline", ("change", "kind", "name", "before", "now", "what"), rows)
    found = [[worst_severity(c), c["rule"], severities_text(c), c["subjects"], c["title"]] for c in worst_first(report)]
    yield from _section("Findings", ("severity", "rule", "findings", "subjects", "what"), found)
    yield from _datasets(report)
    unchecked = [check["rule"] for check in report["checks"] if status_of(check) == "not-checked"]
    yield f"\n## Not checked\n\n{', '.join(map(_cell, unchecked)) or 'nothing'}"
    editions = {(t["system"], t["version"]) for run in report["runs"] for t in run["terminologies"]}
    yield from _section("Terminologies", ("system", "edition"), [list(pair) for pair in sorted(editions)])


def _verdict(verdict: Verdict) -> Iterator[str]:
    yield f"\n**{'Passes' if verdict.passes else 'Fails'}.**\n"
    for heading, reasons in (("Fails", verdict.failures), ("Warns", verdict.warnings), ("Waived", verdict.waived)):
        yield from (f"- {heading}: {_cell(reason)}" for reason in reasons)


def _values(report: Mapping[str, Any]) -> Iterator[str]:
    names = ("read", "carried", "coarsened", "dropped", "left_out", "unmapped", "rejected", "skipped")
    assert set(OUTCOMES) < set(names)
    totals = {target: values_of(report, target) for target in report["accounting"]["values"]}
    head = tuple("of these left out by the profile" if name == "left_out" else name for name in names)
    rows = [[target, *(total[name] for name in names)] for target, total in totals.items()]
    yield from _section("What became of every value", ("target", *head), rows)


def _datasets(report: Mapping[str, Any]) -> Iterator[str]:
    for found in report["datasets"]:
        rows = [
            [item["level"], f"{item['class']}, {item['item']}", *(item["records"][word] for word in COUNTED)]
            for item in found["items"]
            if item["records"]["missing"] or item["records"]["invalid"]
        ]
        head = ("level", "item", "filled", "NullFlavor", "missing", "not applicable", "invalid", "not checked")
        title = f"{found['title']} {found['version']}: items that are missing or invalid"
        yield from _section(title, head, rows)


def _section(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"\n## {_cell(title)}\n"
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(_cell(cell) for cell in row)} |"


def _cell(value: object) -> str:
    return markdown_text(str(value))
