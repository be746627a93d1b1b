"""`private/operationoutcome.ndjson`: the findings of a run as FHIR R4 OperationOutcomes, one for each subject that has some.

Its id is the subject's pseudonym, which also is the id of its Patient. Findings of no subject stand in OperationOutcomes without an id.
It is made line by line of `private/findings.ndjson`, where the findings of a subject stand together, and is as private as that.
Source: FHIR 4.0.1, OperationOutcome; its value sets issue-severity and issue-type (http://hl7.org/fhir/ValueSet/issue-type).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import orjson

from harmonize.checks.catalogue import rules
from harmonize.errors import CallError
from harmonize.output_folder import PRIVATE, read_manifest
from harmonize.report.places import place_of
from harmonize.safe_text import plain
from harmonize.whole_files import whole_file

FILE = f"{PRIVATE}/operationoutcome.ndjson"
FINDINGS = f"{PRIVATE}/findings.ndjson"
RULES = "https://w3id.org/harmonize/rules"
"""The code system of rule ids."""
SEVERITIES = {"fatal": "fatal", "error": "error", "warning": "warning", "info": "information"}
ISSUE_TYPES = {
    "source": "invalid",  # content invalid against the specification or a profile
    "mapping": "code-invalid",  # the code or system could not be understood, or it was not valid
    "dataset": "invalid",
    "target": "not-supported",  # the interaction, operation, resource or profile is not supported
    "completeness": "required",  # a required element is missing
    "plausibility": "business-rule",  # the content failed to pass a business rule
    "accounting": "processing",  # processing issues
    "privacy": "suppressed",  # some information was not returned due to consent or privacy rules
}
"""Family of rules -> IssueType. What is only info is `informational`, whatever its family."""
_MOST_ISSUES = 1000
"""Of no subject, in one OperationOutcome: there may be millions."""
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


def write_operation_outcomes(run: Path, folder: Path) -> Path:
    """Write the OperationOutcomes of the run in *run* into *folder*; the file, which only its owner can read.

    Raises CallError where the findings of the run are gone or are none, OSError where the file cannot be written.
    """
    path = folder / FILE
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with whole_file(path, mode=0o600) as file:
        for outcome in operation_outcomes(_findings(run)):
            file.write(orjson.dumps(outcome) + b"\n")
    return path


def operation_outcomes(findings: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The OperationOutcomes of *findings*, as `findings.ndjson` holds them."""
    for subject, together in groupby(findings, key=lambda finding: finding["subject"]):
        if subject is None:
            while several := list(islice(together, _MOST_ISSUES)):
                yield _outcome(several)
        else:
            named = {"id": subject} if _ID.fullmatch(subject) else {}
            yield {**_outcome(together), **named}


def _outcome(findings: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [_issue(finding) for finding in findings]}


def _issue(finding: Mapping[str, Any]) -> dict[str, Any]:
    known = rules().get(finding["rule"])
    is_info = finding["severity"] == "info"
    details: dict[str, Any] = {"coding": [{"system": RULES, "code": finding["rule"]}]}
    if known is not None:
        details["text"] = known.title
    issue = {
        "severity": SEVERITIES[finding["severity"]],
        "code": "informational" if is_info or known is None else ISSUE_TYPES[known.family],
        "details": details,
        "diagnostics": _diagnostics(finding),
    }
    expression = fhirpath(finding.get("target") or {})
    return {**issue, "expression": [expression]} if expression else issue


def _diagnostics(finding: Mapping[str, Any]) -> str:
    where, count = place_of(finding).words, finding.get("count", 1)
    parts = (f"{where}: " if where else "", finding["message"], f" ({count} times)" if count != 1 else "")
    fix = f". To mend it: {finding['fix']}" if finding.get("fix") else ""
    return plain("".join(parts) + fix).strip()


def fhirpath(target: Mapping[str, Any]) -> str:
    """The element that *target* of a finding names, as the simple FHIRPath that `issue.expression` holds; empty where it is none of FHIR.

    >>> fhirpath({"format": "fhir-r4", "path": "/Observation/4f0e/component/0/code"})
    'Observation.component[0].code'
    >>> fhirpath({"format": "hub", "path": "/sex_at_birth"})
    ''
    """
    parts = (target.get("path") or "").split("/")
    if target.get("format") != "fhir-r4" or len(parts) < 3 or parts[0] or not parts[1][:1].isupper():
        return ""
    path = parts[1]
    for part in parts[3:]:  # the second part is the id of the resource
        if part.isascii() and part.isdigit():
            path += f"[{int(part)}]"
        elif re.fullmatch("[A-Za-z][A-Za-z0-9]*", part):
            path += f".{part}"
        else:
            return ""
    return path


def _findings(run: Path) -> Iterator[Mapping[str, Any]]:
    path = run / FINDINGS
    try:
        file = path.open("rb")
    except OSError as error:
        if FINDINGS not in read_manifest(run)["files"]:  # nothing was found
            return
        raise CallError(
            f"{path} cannot be read ({error.strerror}), and operation-outcome is made of it. To mend it: convert again"
        ) from None
    with file:
        for number, line in enumerate(file, start=1):
            try:
                finding = orjson.loads(line)
                is_one = {"rule", "severity", "subject", "message"} <= finding.keys()
            except (orjson.JSONDecodeError, AttributeError):
                is_one = False
            if not is_one or finding["severity"] not in SEVERITIES:
                raise CallError(f"{path}, line {number}: no finding of harmonize. To mend it: convert again")
            yield finding
