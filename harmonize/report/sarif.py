"""`results.sarif`: SARIF 2.1.0 (OASIS), a rule for each rule, a result for each rule that found something.

A result is about a rule, not about a finding: `occurrenceCount` is the number of findings, its locations are the first places that the
report holds. The line of a location is the row of the table, whose header is row 1; where cells hold line breaks it is not the line of the
file. Cited: sections 3.11 (messages), 3.27 (results), 3.49 (rules).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson

import harmonize
from harmonize.checks.catalogue import rule, rules
from harmonize.report.comparison import GROWN, NEW, PERSISTING, RESOLVED, SHRUNK, Change
from harmonize.report.places import Place, places
from harmonize.report.totals import number_of_findings, severities_text, sites_of, worst_severity
from harmonize.safe_text import plain

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {"fatal": "error", "error": "error", "warning": "warning", "info": "note"}
BASELINE_STATES = {NEW: "new", GROWN: "updated", SHRUNK: "updated", PERSISTING: "unchanged", RESOLVED: "absent"}
"""What a change since the baseline is called (3.27.24). Where one of the two reports did not look, results have no state."""


def sarif(report: Mapping[str, Any], changes: Sequence[Change] = ()) -> bytes:
    """The report as a SARIF log of one run, with the states of *changes* since a baseline."""
    states = {change.name: BASELINE_STATES.get(change.change) for change in changes if change.kind == "rule"}
    names = [check["rule"] for check in report["checks"]]
    results = [
        _result(check, number, states.get(check["rule"]))
        for number, check in enumerate(report["checks"])
        if number_of_findings(check) or states.get(check["rule"]) == "absent"
    ]
    run = {
        "tool": {
            "driver": {
                "name": "harmonize",
                "version": harmonize.__version__,
                "rules": [_rule(name) for name in names],
            }
        },
        "automationDetails": {"id": "harmonize/" + quote(",".join(sites_of(report)), safe=",")},
        "invocations": [_invocation(one) for one in report["runs"]],
        "artifacts": _artifacts(report),
        "results": results,
    }
    return orjson.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, option=orjson.OPT_INDENT_2) + b"\n"


def _rule(name: str) -> dict[str, Any]:
    if name not in rules():  # of a later version of harmonize
        return {"id": name}
    known = rule(name)
    help_text = f"Why: {known.why} How: {known.how} To mend it: {known.mend} For users of the data: {known.means}"
    return {
        "id": name,
        "shortDescription": {"text": _text(known.title)},
        "fullDescription": {"text": _text(known.what)},
        "help": {"text": _text(help_text)},
        "defaultConfiguration": {"level": LEVELS[known.severity.value]},
        "properties": {"tags": [known.family]},
    }


def _result(check: Mapping[str, Any], number: int, state: str | None) -> dict[str, Any]:
    severity = worst_severity(check)
    counts = severities_text(check) or "nothing found any more"
    text = f"{check['title']}: {counts}; {check['subjects']} subjects of {check['checked']} checked"
    result: dict[str, Any] = {
        "ruleId": check["rule"],
        "ruleIndex": number,
        "level": LEVELS[severity],
        "message": {"text": _text(text)},
        "locations": [_location(place) for place in places(check)],
        # One result a rule: the rule is what makes it the same result in the next run.
        "partialFingerprints": {"harmonizeRule/v1": check["rule"]},
        "properties": {"findings": check["findings"], "subjects": check["subjects"], "checked": check["checked"]},
    }
    if found := number_of_findings(check):
        result["occurrenceCount"] = found
    return {**result, "baselineState": state} if state else result


def _location(place: Place) -> dict[str, Any]:
    location: dict[str, Any] = {"message": {"text": _text(place.message)}}
    if place.file:
        physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(place.file)}}
        if place.row:
            physical["region"] = {"startLine": place.row}
        location["physicalLocation"] = physical
    logical = [{"name": plain(place.column), "kind": "member"}] if place.column else []
    if place.path:
        logical.append({"fullyQualifiedName": plain(f"{place.format}{place.path}"), "kind": "object"})
    return {**location, "logicalLocations": logical} if logical else location


def _invocation(run: Mapping[str, Any]) -> dict[str, Any]:
    properties = {"site": plain(run["site"]), "recorded": run["recorded"], "status": run["status"]}
    return {"executionSuccessful": run["status"] == "complete", "properties": properties}


def _artifacts(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The files that were read, each once."""
    files = {(file["file"], file["sha256"]): None for run in report["runs"] for file in run["inputs"]}
    return [
        {"location": {"uri": _uri(file)}, "roles": ["analysisTarget"], "hashes": {"sha-256": sha256}}
        for file, sha256 in sorted(files)
    ]


def _uri(file: str) -> str:
    """The name of a file as a relative URI, that no colon makes an absolute one of.

    >>> _uri("my data.csv"), _uri("javascript:x")
    ('my%20data.csv', 'javascript%3Ax')
    """
    return quote(file, safe="/").lstrip("/") or "."


def _text(text: str) -> str:
    """Text for a message: braces are doubled (3.11.5, placeholders), and nothing is a link (3.11.6)."""
    return plain(text).replace("{", "{{").replace("}", "}}").replace("](", "] (")
