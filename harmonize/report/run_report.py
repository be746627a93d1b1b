"""`report.json` of a conversion: what it counted, in the form that every report has.

Sections that a conversion does not look at (data sets, the documents judged) are empty here; `harmonize report build` fills them.
The clock of the run stands under `runs` and nowhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from harmonize.checks.catalogue import Rule, rules
from harmonize.findings import SEVERITIES, Severity
from harmonize.report.rule_counts import Note, RuleCounts

SCHEMA_VERSION = "2.0"
CONVERSION = "conversion"
_OF_RUN = ("site", "recorded", "status", "harmonize", "hub", "profile", "targets", "consent", "terminologies", "inputs")


def run_report(
    manifest: Mapping[str, Any], counts: RuleCounts, left_out: Collection[str], lines: Mapping[str, int]
) -> dict[str, Any]:
    """The report of a run: its *manifest*, what was found, the `file/column`s that the profile leaves out on purpose, and the
    number of lines of each file that was written."""
    read = manifest["counts"]["subjects"]["read"]
    return {
        "schema_version": SCHEMA_VERSION,
        "runs": [{name: manifest[name] for name in _OF_RUN}],
        "accounting": {
            "subjects": manifest["counts"]["subjects"],
            "rows": manifest["counts"]["rows"],
            "values": manifest["counts"]["values"],
            "left_out": sorted(left_out),
            "defaulted": manifest["counts"]["defaulted"],
        },
        "documents": _documents(manifest["targets"], lines),
        "checks": checks(
            counts, {CONVERSION: read}, manifest["site"], {t["system"] for t in manifest["terminologies"]}
        ),
        "datasets": [],
    }


def _documents(targets: Iterable[str], lines: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Target -> kind of document -> how many were written."""
    made: dict[str, dict[str, int]] = {target: {} for target in targets}
    for name, number in sorted(lines.items()):
        target, _, kind = name.removesuffix(".ndjson").partition("/")
        if target in made:
            made[target][kind] = number
    return made


def checks(
    counts: RuleCounts, looked_at: Mapping[str, int], site: str, installed: Collection[str]
) -> list[dict[str, Any]]:
    """What became of every rule. *looked_at*: stage of rules -> how many records it looked at; rules of other stages are not checked,
    nor are those that need a code system which is not *installed*.

    `checked` is the number of records that the rule looked at, 0 where nobody looked: then it has neither passed nor failed.
    """
    made = []
    for known in rules().values():
        can_be = set(known.needs) <= set(installed)
        checked = max((looked_at.get(stage, 0) for stage in known.stages), default=0) if can_be else 0
        made.append(_check(known, counts, checked, site))
    return made


def _check(known: Rule, counts: RuleCounts, checked: int, site: str) -> dict[str, Any]:
    findings = {severity.value: counts.number_of(known.id, severity.value) for severity in SEVERITIES}
    number, subjects = sum(findings.values()), counts.subjects.get(known.id, 0)
    return {
        "rule": known.id,
        "family": known.family,
        "severity": known.severity.value,
        "title": known.title,
        "checked": max(checked, subjects),
        "findings": findings,
        "subjects": subjects,
        "sites": {site: {"checked": max(checked, subjects), "findings": number, "subjects": subjects}},
        "notes": [note_document(note, number, site) for note, number in sorted(counts.notes.get(known.id, {}).items())],
        "examples": [dict(example) for example in counts.examples.get(known.id, ())],
    }


def note_document(note: Note, number: int, site: str) -> dict[str, Any]:
    """A note as the report holds it."""
    severity, message, file, column, target = note
    return {
        "severity": severity,
        "message": message,
        "file": file,
        "column": column,
        "target": target,
        "site": site,
        "count": number,
    }


def status_of(check: Mapping[str, Any]) -> str:
    """`failed`, `warned`, `noted`, `passed`, or `not-checked`.

    >>> status_of({"findings": {"fatal": 0, "error": 0, "warning": 2, "info": 1}, "checked": 10})
    'warned'
    """
    found = check["findings"]
    if found[Severity.FATAL] or found[Severity.ERROR]:
        return "failed"
    if found[Severity.WARNING]:
        return "warned"
    if found[Severity.INFO]:
        return "noted"
    return "passed" if check["checked"] else "not-checked"


def unit_of(report: Mapping[str, Any], check: Mapping[str, Any]) -> str:
    """What the numbers of *check* count: `subjects`, or `documents` where documents are judged.

    Data sets are asked of records, which are of subjects, and a run looks at subjects. All else looks at documents.
    """
    if check["family"] == "dataset":
        return "subjects"
    known = rules().get(check["rule"])
    of_run = any(run["profile"] for run in report["runs"]) and (known is None or CONVERSION in known.stages)
    return "subjects" if of_run else "documents"
