"""What a run has counted, and how it is kept in a checkpoint from which another run goes on.

A checkpoint holds counts, pseudonyms and places, never a value of a patient. It is JSON: a node may look into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harmonize.convert.batch_result import BatchResult
from harmonize.errors import CallError
from harmonize.findings import Accounting, Outcome, Severity, add_counts
from harmonize.profiles.notes import RunNote
from harmonize.report.rule_counts import RuleCounts

_WHAT = {
    "harmonize": "version of harmonize",
    "hub": "version of the hub",
    "profile": "profile",
    "targets": "--to",
    "site": "--site",
    "consent": "--consent",
    "key": "--pseudonym-key",
    "values": "--include-values",
    "limit": "--limit",
    "terminologies": "terminologies",
    "code_maps": "code maps",
    "input": "input",
}


@dataclass
class Tally:
    """The sums over all batches that were written."""

    account: Accounting = field(default_factory=Accounting)
    counts: RuleCounts = field(default_factory=RuleCounts)
    run_notes: dict[tuple[str, str], RunNote] = field(default_factory=dict)
    declared: dict[tuple[str, str, Outcome], int] = field(default_factory=dict)
    left_out: dict[tuple[str, str], int] = field(default_factory=dict)

    def take(self, result: BatchResult) -> None:
        """Add what a batch counted."""
        self.account.add(result.account)
        self.counts.merge(result.counts)
        self.run_notes.update(result.run_notes)
        add_counts(self.declared, result.declared)
        add_counts(self.left_out, result.left_out)

    def as_json(self) -> dict[str, Any]:
        """The sums as JSON; keys of several parts become lists."""
        account, counts = self.account, self.counts
        return {
            "subjects": account.subjects,
            "rows": account.rows,
            "read": account.read,
            "exceptions": [[*key, number] for key, number in account.exceptions.items()],
            "defaulted": account.defaulted,
            "findings": [[*key, number] for key, number in counts.findings.items()],
            "subjects_of_rules": counts.subjects,
            "examples": counts.examples,
            "notes": [[rule, *note, number] for rule, notes in counts.notes.items() for note, number in notes.items()],
            "run_notes": [[subject, *note] for (_, subject), note in self.run_notes.items()],
            "declared": [[*key, number] for key, number in self.declared.items()],
            "left_out": [[*key, number] for key, number in self.left_out.items()],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any], default_outcomes: dict[tuple[str, str], Outcome]) -> Tally:
        """The sums that `as_json` wrote. *default_outcomes* are those of the plan."""
        account = Accounting(
            subjects=document["subjects"],
            rows=document["rows"],
            read=document["read"],
            exceptions={(target, column, Outcome(o)): number for target, column, o, number in document["exceptions"]},
            default_outcomes=default_outcomes,
            defaulted=document["defaulted"],
        )
        counts = RuleCounts(
            findings={(rule, severity): number for rule, severity, number in document["findings"]},
            subjects=document["subjects_of_rules"],
            examples=document["examples"],
        )
        for rule, *note, number in document["notes"]:
            counts.notes.setdefault(rule, {})[tuple(note)] = number
        notes = {
            (rule, subject): RunNote(rule, Severity(severity), message, fix)
            for subject, rule, severity, message, fix in document["run_notes"]
        }
        declared = {(target, column, Outcome(o)): number for target, column, o, number in document["declared"]}
        left_out = {(column, reason): number for column, reason, number in document["left_out"]}
        return cls(account, counts, notes, declared, left_out)


def require_same_call(checkpoint: Mapping[str, Any], call: Mapping[str, Any]) -> None:
    """Raise CallError where *call* is not the one that the checkpoint was made by: the bytes would not be those of one run."""
    differ = [what for name, what in _WHAT.items() if checkpoint["call"].get(name) != call[name]]
    if differ:
        raise CallError(
            f"the interrupted run was another one: {', '.join(differ)} differ. To mend it: call it as it was called then, "
            "or convert without --resume"
        )
