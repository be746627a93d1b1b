"""What a worker gives back for a batch of subjects."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from harmonize.checks.catalogue import rule
from harmonize.findings import Accounting, Finding, Outcome, add_counts
from harmonize.profiles.notes import RunNote
from harmonize.report.rule_counts import RuleCounts


@dataclass
class BatchResult:
    """What a worker gives back for a batch: bytes for files, exact counts, notes."""

    lines: dict[str, list[bytes]] = field(default_factory=dict)
    account: Accounting = field(default_factory=Accounting)
    counts: RuleCounts = field(default_factory=RuleCounts)
    run_notes: dict[tuple[str, str], RunNote] = field(default_factory=dict)
    declared: dict[tuple[str, str, Outcome], int] = field(default_factory=dict)
    """(target, `file/column`, outcome) -> cells that the target cannot hold by declaration, where others of the column are held."""
    left_out: dict[tuple[str, str], int] = field(default_factory=dict)
    """(`file/column`, reason) -> cells whose text says nothing by the profile."""

    def absorb(self, other: BatchResult) -> None:
        """Take over what one subject made."""
        for name, lines in other.lines.items():
            self.lines.setdefault(name, []).extend(lines)
        self.account.add(other.account)
        self.counts.merge(other.counts)
        add_counts(self.declared, other.declared)
        add_counts(self.left_out, other.left_out)

    def write(self, name: str, line: bytes) -> None:
        """Add a whole line to the file *name*."""
        self.lines.setdefault(name, []).append(line)

    def find(self, finding: Finding) -> None:
        """Count *finding* and put it into the private list."""
        finding = with_advice(finding)
        self.counts.add(finding)
        self.write("private/findings.ndjson", finding.line())

    def say(self, rule_id: str | None, subject: str, outcome: Outcome | None) -> None:
        """Find what a rule on the whole record says, in the words of its title."""
        if rule_id is not None:
            known = rule(rule_id)
            finding = Finding(rule_id, known.severity, known.title, outcome, subject=subject, fix=known.fix)
            self.counts.add(finding)
            self.write("private/findings.ndjson", finding.line())


def with_advice(finding: Finding) -> Finding:
    """Every finding says what to do: where it does not itself, its rule does."""
    return finding if finding.fix is not None else replace(finding, fix=rule(finding.rule).fix)
