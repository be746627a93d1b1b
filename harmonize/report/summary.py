"""`report.json` and what is made of it: the counts behind every report, a summary on the terminal, Markdown.

Everything derives from one canonical document; the clock of the run stands under `run` and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harmonize.checks.catalogue import rules
from harmonize.findings import SEVERITIES, Finding

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
            examples.append({name: document[name] for name in ("subject", "source", "target", "message", "count") if name in document})

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


def report_document(manifest: Mapping[str, Any], counts: RuleCounts) -> dict[str, Any]:
    """`report.json` of a run."""
    entries = counts.documents()
    by_severity = {severity.value: sum(e["findings"] for e in entries if e["severity"] == severity.value) for severity in SEVERITIES}
    return {
        "schema_version": SCHEMA_VERSION,
        "run": {"recorded": manifest["recorded"], "site": manifest["site"], "status": manifest["status"]},
        "provenance": {name: manifest[name] for name in ("harmonize", "hub", "profile", "targets", "consent", "terminologies", "inputs")},
        "subjects": manifest["counts"]["subjects"],
        "rows": manifest["counts"]["rows"],
        "values": {target: _totals(columns) for target, columns in manifest["counts"]["values"].items()},
        "defaulted": manifest["counts"]["defaulted"],
        "findings": by_severity,
        "rules": entries,
        "checked": sorted(rules()),
    }


def _totals(columns: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for counts in columns.values():
        for name, number in counts.items():
            total[name] = total.get(name, 0) + number
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
        f"  subjects   {subjects['read']} read = {subjects['converted']} converted + {subjects['rejected']} rejected + {subjects['skipped']} skipped",
    ]
    rows = {name: sum(counts[name] for counts in report["rows"].values()) for name in ("read", "used", "rejected", "skipped")}
    lines.append(f"  rows       {rows['read']} read = {rows['used']} used + {rows['rejected']} rejected + {rows['skipped']} skipped")
    for target, total in report["values"].items():
        lost = ", ".join(f"{total[n]} {n}" for n in ("coarsened", "dropped", "unmapped", "rejected", "skipped") if total.get(n))
        lines.append(f"  {target:<12} {total.get('carried', 0)} of {total.get('read', 0)} values carried ({percent(total.get('carried', 0), total.get('read', 0))}); {lost or 'nothing lost'}")
    lines.append("  findings   " + ", ".join(f"{number} {severity}" for severity, number in report["findings"].items()))
    worst = [entry for entry in report["rules"] if entry["severity"] in ("fatal", "error", "warning")][:8]
    for entry in worst:
        lines.append(f"    {entry['severity']:<8} {entry['rule']:<36} {entry['findings']:>7} in {entry['subjects']} subjects: {entry['title']}")
    if not worst:
        lines.append("    no fatal finding, no error, no warning")
    return "\n".join(lines)


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
        "| target | read | carried | coarsened | dropped | unmapped | rejected | skipped |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    names = ("read", "carried", "coarsened", "dropped", "unmapped", "rejected", "skipped")
    for target, total in report["values"].items():
        lines.append(f"| {_cell(target)} | " + " | ".join(str(total.get(name, 0)) for name in names) + " |")
    lines += ["", "## Rows", "", "| file | read | used | rejected | skipped |", "|---|---:|---:|---:|---:|"]
    lines += [f"| {_cell(f)} | {c['read']} | {c['used']} | {c['rejected']} | {c['skipped']} |" for f, c in report["rows"].items()]
    lines += ["", "## Findings", "", "| severity | rule | findings | subjects | what | how to mend |", "|---|---|---:|---:|---|---|"]
    lines += [
        f"| {e['severity']} | {_cell(e['rule'])} | {e['findings']} | {e['subjects']} | {_cell(e['title'])} | {_cell(e['mend'])} |"
        for e in report["rules"]
    ]
    lines += ["", "## Terminologies", "", "| system | edition |", "|---|---|"]
    lines += [f"| {_cell(t['system'])} | {_cell(t['version'])} |" for t in report["provenance"]["terminologies"]]
    text = "\n".join(lines) + "\n"
    return text if len(text.encode()) <= 64_000 else text.encode()[:63_900].decode(errors="ignore") + "\n\n(cut at 64 KB)\n"
