"""What a worker gives back for a batch of subjects."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

from harmonize.checks.catalogue import rule
from harmonize.convert.tally import Tally
from harmonize.findings import Finding, Outcome


@dataclass
class BatchResult:
    """What a worker gives back for a batch: bytes for files, and what was counted."""

    lines: dict[str, list[bytes]] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    def absorb(self, other: BatchResult) -> None:
        """Take over what one subject made."""
        for name, lines in other.lines.items():
            self.lines.setdefault(name, []).extend(lines)
        self.tally.add(other.tally)

    def lines_of(self, target: str, stem: str) -> list[bytes]:
        """The lines of the documents of a kind, to be added to."""
        name = _file_of(target, stem)
        known = self.lines.get(name)
        if known is None:
            known = self.lines[name] = []
        return known

    def write(self, name: str, line: bytes) -> None:
        """Add a whole line to the file *name*."""
        self.lines.setdefault(name, []).append(line)

    def find(self, finding: Finding) -> None:
        """Count *finding* and put it into the private list."""
        finding = with_advice(finding)
        self.tally.counts.add(finding)
        self.write("private/findings.ndjson", finding.line())

    def say(self, rule_id: str | None, subject: str, outcome: Outcome | None) -> None:
        """Find what a rule on the whole record says, in the words of its title."""
        if rule_id is not None:
            known = rule(rule_id)
            finding = Finding(rule_id, known.severity, known.title, outcome, subject=subject, fix=known.fix)
            self.tally.counts.add(finding)
            self.write("private/findings.ndjson", finding.line())


@lru_cache(maxsize=1000)
def _file_of(target: str, stem: str) -> str:
    """The file of the documents of a kind; there are few kinds."""
    return f"{target}/{stem}.ndjson"


def with_advice(finding: Finding) -> Finding:
    """Every finding says what to do: where it does not itself, its rule does."""
    return finding if finding.fix is not None else replace(finding, fix=rule(finding.rule).fix)
