"""`report.json` and what is made of it: the counts behind every report, a summary on the terminal, Markdown.

Everything derives from one canonical document; the clock of the run stands under `run` and nowhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from harmonize.checks.catalogue import not_checked, rules
from harmonize.errors import CallError
from harmonize.findings import SEVERITIES, Finding
from harmonize.whole_files import write_whole

SCHEMA_VERSION = "1.0"
EXAMPLES = 5
"""Places that the report names for a rule. Counts are always exact; examples are always capped, and say so."""


@dataclass
class RuleCounts:
    """Findings by rule: how many, in how many subjects, and a few places. Adding is associative."""

    findings: dict[tuple[str, str], int] = field(default_factory=dict)
    subjects: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _last_subject: dict[str, str] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        """Count *finding*. Findings of one subject come together, so that subjects are counted exactly."""
        rule = finding.rule
        key = (rule, finding.severity.value)
        self.findings[key] = self.findings.get(key, 0) + 1
        if finding.subject is not None and self._last_subject.get(rule) != finding.subject:
            self._last_subject[rule] = finding.subject
            self.subjects[rule] = self.subjects.get(rule, 0) + 1
        examples = self.examples.setdefault(rule, [])
        if len(examples) < EXAMPLES:
            document = finding.as_json()
            examples.append(
                {
                    name: document[name]
                    for name in ("subject", "source", "target", "message", "count")
                    if name in document
                }
            )

    def merge(self, other: RuleCounts) -> None:
        """Add *other*, which counts other subjects."""
        for key, number in other.findings.items():
            self.findings[key] = self.findings.get(key, 0) + number
        for rule, number in other.subjects.items():
            self.subjects[rule] = self.subjects.get(rule, 0) + number
        for rule, examples in other.examples.items():
            mine = self.examples.setdefault(rule, [])
            mine.extend(examples[: EXAMPLES - len(mine)])

    def documents(self) -> list[dict[str, Any]]:
        """One entry per rule and severity, worst first, then by number of subjects."""
        known = rules()
        order = {severity.value: index for index, severity in enumerate(SEVERITIES)}
        keys = sorted(self.findings, key=lambda k: (order[k[1]], -self.subjects.get(k[0], 0), -self.findings[k], k[0]))
        return [
            {
                "rule": rule,
                "family": known[rule].family,
                "severity": severity,
                "title": known[rule].title,
                "findings": self.findings[(rule, severity)],
                "subjects": self.subjects.get(rule, 0),
                "mend": known[rule].mend,
                "examples": self.examples.get(rule, []),
            }
            for rule, severity in keys
        ]


def report_document(manifest: Mapping[str, Any], counts: RuleCounts, left_out: Collection[str]) -> dict[str, Any]:
    """`report.json` of a run. *left_out* names the `file/column`s that the profile leaves out on purpose."""
    entries = counts.documents()
    by_severity = {
        severity.value: sum(e["findings"] for e in entries if e["severity"] == severity.value)
        for severity in SEVERITIES
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "run": {"recorded": manifest["recorded"], "site": manifest["site"], "status": manifest["status"]},
        "provenance": {
            name: manifest[name]
            for name in ("harmonize", "hub", "profile", "targets", "consent", "terminologies", "inputs")
        },
        "subjects": manifest["counts"]["subjects"],
        "rows": manifest["counts"]["rows"],
        "values": {target: _totals(columns, left_out) for target, columns in manifest["counts"]["values"].items()},
        "mapped_values": {
            target: _totals({name: counts for name, counts in columns.items() if name not in left_out}, ())
            for target, columns in manifest["counts"]["values"].items()
        },
        "defaulted": manifest["counts"]["defaulted"],
        "findings": by_severity,
        "rules": entries,
        "not_checked": not_checked("convert", [installed["system"] for installed in manifest["terminologies"]]),
    }


def _totals(columns: Mapping[str, Mapping[str, int]], left_out: Collection[str]) -> dict[str, int]:
    """Sums over the columns; `left_out` is the part of `dropped` that the profile leaves out on purpose."""
    total: dict[str, int] = {}
    for column, counts in columns.items():
        for name, number in counts.items():
            total[name] = total.get(name, 0) + number
        if column in left_out:
            total["left_out"] = total.get("left_out", 0) + counts["dropped"]
    return total


def percent(part: int, whole: int) -> str:
    """*part* of *whole* in percent, never rounded up to 100 or down to 0.

    >>> percent(999_999, 1_000_000), percent(3, 3)
    ('99.9 %', '100 %')
    """
    if whole == 0:
        return "-"
    if part == whole:
        return "100 %"
    share = int(part * 1000 / whole) / 10
    return f"{share} %" if share or not part else "< 0.1 %"


def summary_text(report: Mapping[str, Any]) -> str:
    """A summary that a newcomer understands."""
    subjects, run = report["subjects"], report["run"]
    lines = [
        f"{report['provenance']['profile']['id']} at {run['site']}: {run['status']}",
        f"  subjects   {subjects['read']} read = {subjects['converted']} converted "
        f"+ {subjects['rejected']} rejected + {subjects['skipped']} skipped",
    ]
    if not subjects["converted"]:
        lines.append("  NOTHING WAS CONVERTED: the findings below say why")
    rows = {
        name: sum(counts[name] for counts in report["rows"].values())
        for name in ("read", "used", "rejected", "skipped")
    }
    lines.append(
        f"  rows       {rows['read']} read = {rows['used']} used + {rows['rejected']} rejected + {rows['skipped']} skipped"
    )
    lines += [_target_line(target, report["mapped_values"][target]) for target in report["provenance"]["targets"]]
    read = {name: [total.get("read", 0) for total in report[name].values()] for name in ("values", "mapped_values")}
    left_out = max((whole - mapped for whole, mapped in zip(*read.values(), strict=True)), default=0)
    if left_out:
        lines.append(
            f"  ({left_out} more values stand in columns that the profile leaves out, each with its reason in the report)"
        )
    lines.append("  findings   " + ", ".join(f"{report['findings'][s.value]} {s.value}" for s in SEVERITIES))
    worst = [entry for entry in report["rules"] if entry["severity"] in ("fatal", "error", "warning")][:8]
    for entry in worst:
        lines.append(
            f"    {entry['severity']:<8} {entry['rule']:<36} {entry['findings']:>7} in {entry['subjects']} subjects: {entry['title']}"
        )
    if not worst:
        lines.append("    no fatal finding, no error, no warning")
    return "\n".join(lines)


def _target_line(target: str, total: Mapping[str, int]) -> str:
    """Values carried, of those that the profile maps; what became of the others."""
    mapped = total.get("read", 0)
    parts = {name: total.get(name, 0) for name in ("coarsened", "unmapped", "rejected", "skipped", "dropped")}
    lost = ", ".join(f"{number} {name}" for name, number in parts.items() if number)
    carried = total.get("carried", 0)
    return f"  {target:<12} {carried} of {mapped} mapped values carried ({percent(carried, mapped)}); {lost or 'nothing lost'}"


def _cell(text: object) -> str:
    """Text for a Markdown table: pipes and markup cannot break out of it."""
    plain = str(text).replace("\n", " ")
    for character in "\\|<>[]`*_":
        plain = plain.replace(character, f"\\{character}")
    return plain


def markdown(report: Mapping[str, Any]) -> str:
    """The report as Markdown, at most 64 KB."""
    profile, run, subjects = report["provenance"]["profile"], report["run"], report["subjects"]
    lines = [
        f"# Conformance report: {_cell(profile['id'])} at {_cell(run['site'])}",
        "",
        f"Status **{run['status']}**, recorded {run['recorded']}, harmonize {report['provenance']['harmonize']}, "
        f"profile {profile['version']}, hub {report['provenance']['hub']}.",
        "",
        "| subjects read | converted | rejected | skipped |",
        "|---:|---:|---:|---:|",
        f"| {subjects['read']} | {subjects['converted']} | {subjects['rejected']} | {subjects['skipped']} |",
        "",
        "## What became of every value",
        "",
        "| target | read | carried | coarsened | dropped | of these left out by the profile | unmapped | rejected | skipped |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    names = ("read", "carried", "coarsened", "dropped", "left_out", "unmapped", "rejected", "skipped")
    for target, total in report["values"].items():
        lines.append(f"| {_cell(target)} | " + " | ".join(str(total.get(name, 0)) for name in names) + " |")
    lines += ["", "## Rows", "", "| file | read | used | rejected | skipped |", "|---|---:|---:|---:|---:|"]
    lines += [
        f"| {_cell(f)} | {c['read']} | {c['used']} | {c['rejected']} | {c['skipped']} |"
        for f, c in report["rows"].items()
    ]
    lines += [
        "",
        "## Findings",
        "",
        "| severity | rule | findings | subjects | what | how to mend |",
        "|---|---|---:|---:|---|---|",
    ]
    lines += [
        f"| {e['severity']} | {_cell(e['rule'])} | {e['findings']} | {e['subjects']} | {_cell(e['title'])} | {_cell(e['mend'])} |"
        for e in report["rules"]
    ]
    lines += ["", "## Terminologies", "", "| system | edition |", "|---|---|"]
    lines += [f"| {_cell(t['system'])} | {_cell(t['version'])} |" for t in report["provenance"]["terminologies"]]
    text = "\n".join(lines) + "\n"
    return (
        text
        if len(text.encode()) <= 64_000
        else text.encode()[:63_900].decode(errors="ignore") + "\n\n(cut at 64 KB)\n"
    )


def read_report(folder: Path) -> dict[str, Any]:
    """`report.json` of the run in *folder*. Raises CallError where there is none or it is of another version."""
    path = folder / "report.json"
    if not path.is_file():
        raise CallError(
            f"{folder} holds no report.json: it is no folder of a run, or the run did not end. To mend it: give the --out "
            "folder of a run that ended, or convert again"
        )
    try:
        report = orjson.loads(path.read_bytes())
        version = report["schema_version"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise CallError(f"{path} is no report of harmonize. To mend it: convert again") from None
    if version != SCHEMA_VERSION:
        raise CallError(
            f"{path} has schema_version {version!r}; this version reads {SCHEMA_VERSION}. To mend it: convert again"
        )
    return dict(report)


def write_markdown(folder: Path, report: Mapping[str, Any]) -> Path:
    """Write `report.md` into *folder*, aside and renamed."""
    path = folder / "report.md"
    write_whole(path, markdown(report).encode())
    return path
