"""`harmonize validate`: files of hub records, FHIR R4 resources or phenopackets, ours or others', and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema_rs

from harmonize.checks import fhir_r4, phenopackets
from harmonize.checks.catalogue import not_checked, rule
from harmonize.checks.codes import code_problem
from harmonize.checks.dates import last_day
from harmonize.checks.document_files import Entry, document_files, documents_of
from harmonize.checks.fhir_references import bundled, is_bundle, reference_key
from harmonize.checks.free_text import HUB_TEXTS, identifiers_in
from harmonize.checks.hub_records import check_record
from harmonize.checks.packet_records import packet_contribution
from harmonize.checks.structure import structure_problems
from harmonize.checks.violations import Violation
from harmonize.checks.whole_set import OF_THE_SET, Contribution, SetAccount, hub_contribution
from harmonize.datasets.specification import dataset_names
from harmonize.errors import NotAvailableError, UnknownNameError
from harmonize.findings import Cell, Finding, add_counts
from harmonize.hub import hub_json_schema
from harmonize.hub.objects import HubObject, hub_object
from harmonize.terminology.store import Terminologies

FORMATS = ("hub", "fhir-r4", "phenopackets")
PLANNED_FORMATS = ("fhir-r5", "beacon", "omop")
KEPT_FINDINGS = 10_000


@dataclass
class Validation:
    """The result. Counts are exact; of the findings themselves the first 10,000 are kept."""

    records: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    documents_by_rule: dict[str, int] = field(default_factory=dict)
    """Rule -> how many documents break it."""
    findings: list[Finding] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    """Rules that need a code system that is not installed."""

    def add(self, finding: Finding) -> None:
        """Count *finding*."""
        self.counts[finding.rule] = self.counts.get(finding.rule, 0) + finding.count
        if len(self.findings) < KEPT_FINDINGS:
            self.findings.append(finding)

    def by_severity(self) -> dict[str, int]:
        """Number of findings by severity."""
        total: dict[str, int] = {}
        for rule_id, number in self.counts.items():
            severity = rule(rule_id).severity.value
            total[severity] = total.get(severity, 0) + number
        return total


def validate(path: Path, format_name: str, recorded: str = "") -> Validation:
    """Judge the file or folder *path* as *format_name*; no date may be after the day of the instant *recorded*, if there is one.

    Raises CallError where nothing is there, NotAvailableError for a format that is planned, InputError for an unreadable file.
    """
    if format_name in PLANNED_FORMATS:
        raise NotAvailableError(f"--as {format_name}", f"Formats that are: {', '.join(FORMATS)}")
    if format_name not in FORMATS:
        raise UnknownNameError("format or data set", format_name, [*FORMATS, *dataset_names()])
    files = document_files(path, format_name)
    terminologies = Terminologies.installed()
    result = Validation(not_checked=not_checked(format_name, terminologies.paths))
    check = _checker(format_name, files, terminologies, last_day(recorded), whole_set=path.is_dir())
    once: dict[tuple[str, str], Finding] = {}
    whole = SetAccount()
    for file in files:
        of_file = SetAccount()
        for entry in documents_of(file):
            result.records += 1
            broken = set()
            for violation in _judge(entry, format_name, check):
                finding = _finding(entry, violation, format_name)
                if violation.rule == "terms.not-checked":  # said once for each system
                    once.setdefault((violation.rule, violation.message), finding)
                else:
                    result.add(finding)
                    broken.add(violation.rule)
            add_counts(result.documents_by_rule, dict.fromkeys(broken, 1))
            contribution = _contribution(entry, format_name)
            if contribution is not None:
                of_file.add(contribution)
        whole.merge(of_file)
    for finding in once.values():
        result.add(finding)
    for finding in whole.findings(terminologies):
        result.add(finding)
        if finding.rule not in OF_THE_SET:
            add_counts(result.documents_by_rule, {finding.rule: finding.count})
    return result


def _contribution(entry: Entry, format_name: str) -> Contribution | None:
    """What a document says to the rules on the set; nothing where it cannot be read, and FHIR resources, which are parts of records."""
    if format_name == "fhir-r4" or not isinstance(entry.document, dict):
        return None
    try:
        made = hub_contribution(entry.document) if format_name == "hub" else packet_contribution(entry.document)
        return made if made.is_of_texts() else None
    except (AttributeError, TypeError, KeyError, ValueError):
        return None  # the structure rules have said where it is broken


_UNREADABLE = {"hub": "hub.structure", "fhir-r4": "target.fhir-r4-type", "phenopackets": "target.phenopackets-schema"}
Check = Callable[[Any], Iterator[Violation]]


def _judge(entry: Entry, format_name: str, check: Check) -> Iterator[Violation]:
    if entry.problem is not None:
        yield Violation(_UNREADABLE[format_name], "", entry.problem)
        return
    try:
        yield from check(entry.document)
    except (AttributeError, TypeError, KeyError):
        # The structure rules have already said where it is broken; the rules on contents cannot read such a document.
        yield Violation(_UNREADABLE[format_name], "", "its structure is so broken that the other rules cannot read it")


def _checker(format_name: str, files: list[Path], terminologies: Terminologies, last: str, *, whole_set: bool) -> Check:
    if format_name == "phenopackets":
        return lambda document: phenopackets.check_packet(document, terminologies, last)
    if format_name == "hub":
        return _hub_checker(terminologies, last)
    return _fhir_checker(files if whole_set else [], terminologies)


def _fhir_checker(files: list[Path], terminologies: Terminologies) -> Check:
    """References are looked up in the whole set of *files*, those of a Bundle in the Bundle too; a lone resource has no set."""
    keys = {hash(key) for file in files for entry in documents_of(file) for key in _keys(entry.document)}

    def check(document: Any) -> Iterator[Violation]:
        if not is_bundle(document):
            yield from fhir_r4.check_resource(
                document, (lambda key: hash(key) in keys) if keys else None, terminologies
            )
            return
        inside = keys | {hash(key) for key in _keys(document)}
        yield from fhir_r4.check_resource(_without_resources(document), None, terminologies)
        for index, _, resource in bundled(document):
            for violation in fhir_r4.check_resource(resource, lambda key: hash(key) in inside, terminologies):
                yield violation._replace(path=f"/entry/{index}/resource{violation.path}")

    return check


def _without_resources(document: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(document.get("entry"), list):
        return document
    entries = [{k: v for k, v in e.items() if k != "resource"} if isinstance(e, dict) else e for e in document["entry"]]
    return {**document, "entry": entries}


def _keys(document: Any) -> Iterator[str]:
    key = reference_key(document)
    if key is not None:
        yield key
    if is_bundle(document):
        yield from filter(None, (reference_key(one.resource) for one in bundled(document)))


def _hub_checker(terminologies: Terminologies, last: str) -> Check:
    validator = jsonschema_rs.validator_for(hub_json_schema())

    def check(document: Any) -> Iterator[Violation]:
        problems = list(structure_problems(validator, document))
        yield from (Violation("hub.structure", problem.path, problem.message) for problem in problems)
        if isinstance(document, dict) and not problems:
            record: HubObject = hub_object(document)
            yield from check_record(record, terminologies, last)
            yield from _hub_codes(record, "", terminologies)
            for path, kind in identifiers_in(record, HUB_TEXTS):
                yield Violation("privacy.identifier-in-text", path, f"the text holds what looks like {kind}")

    return check


def _hub_codes(value: Any, path: str, terminologies: Terminologies) -> Iterator[Violation]:
    if isinstance(value, dict):
        beside = {coding["code"] for coding in value.get("codings", ())}
        for index, coding in enumerate(value.get("codings", ())):
            edition = coding.get("version", "")
            problem = code_problem(coding["code"], coding.get("label"), terminologies, beside, edition)
            if problem is not None:
                yield Violation(problem.rule, f"{path}/codings/{index}/code", problem.message)
        for name, item in value.items():
            if name != "codings":
                yield from _hub_codes(item, f"{path}/{name}", terminologies)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _hub_codes(item, f"{path}/{index}", terminologies)


def _finding(entry: Entry, violation: Violation, format_name: str) -> Finding:
    known = rule(violation.rule)
    cell = Cell(entry.file, entry.line, None)
    return Finding(
        violation.rule,
        known.severity,
        violation.message,
        cell=cell,
        target=format_name,
        path=violation.path,
        fix=known.fix,
    )
