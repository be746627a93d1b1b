"""Where a check found something: the first places that a report holds, in one shape for every export."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from harmonize.report.rule_counts import EXAMPLES, example_order


class Place(NamedTuple):
    """A place and what was found there. Empty texts and row 0: not stated."""

    file: str
    row: int
    """The row of the file, whose header is row 1."""
    column: str
    format: str
    path: str
    """The JSON Pointer of the element in a document of *format*."""
    message: str

    @property
    def words(self) -> str:
        """The place without what was found.

        >>> Place("a.csv", 3, "hpo", "hub", "/phenotypes/0", "m").words
        'a.csv, row 3, column hpo; hub /phenotypes/0'
        """
        row = f"row {self.row}" if self.row else ""
        source = ", ".join(part for part in (self.file, row, f"column {self.column}" if self.column else "") if part)
        return "; ".join(part for part in (source, f"{self.format} {self.path}".strip()) if part)


def places(check: Mapping[str, Any]) -> list[Place]:
    """The first places of a check, each once, those that are said once a run after those of records; at most EXAMPLES.

    >>> places({"examples": [], "notes": [{"file": "a.csv", "column": "x", "target": "hub", "message": "m"}]})
    [Place(file='a.csv', row=0, column='x', format='hub', path='', message='m')]
    """
    found = [place_of(example) for example in sorted(check["examples"], key=example_order)]
    notes = [Place(note["file"], 0, note["column"], note["target"], "", note["message"]) for note in check["notes"]]
    return list(dict.fromkeys([*found, *notes]))[:EXAMPLES]


def place_of(finding: Mapping[str, Any]) -> Place:
    """The place of a finding as `findings.ndjson` and the examples of a report write it."""
    source, target = finding.get("source") or {}, finding.get("target") or {}
    return Place(
        source.get("file") or "",
        source.get("row") or 0,
        source.get("column") or "",
        target.get("format") or "",
        target.get("path") or "",
        finding["message"],
    )
