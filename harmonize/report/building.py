"""Complete reports: of a run, or of documents that others wrote.

A conversion counts what it does. What it does not look at is looked at here: the data sets, and, where it is asked for, the documents
that were written. Documents of others have no account: nobody knows what they were made of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import harmonize
from harmonize.checks.catalogue import rule, rules
from harmonize.checks.document_files import document_files
from harmonize.checks.documents import FORMATS, Validation, validate
from harmonize.hub import hub_schema
from harmonize.output_folder import MANIFEST
from harmonize.report.dataset_report import dataset_reports
from harmonize.report.report_file import REPORT, read_report
from harmonize.report.rule_counts import RuleCounts
from harmonize.report.run_report import CONVERSION, SCHEMA_VERSION, checks
from harmonize.terminology.store import Terminologies

_CHUNK = 1 << 20
_ONCE = frozenset({"terms.not-checked"})


@dataclass(frozen=True)
class ReportRequest:
    """What a report is asked to look at beside what the run counted."""

    datasets: tuple[str, ...] = ("hmd",)
    level: str = "mandatory"
    judge: bool = False
    """Whether the documents that a run wrote are judged as `validate` judges them: it may take longer than the run."""
    site: str = ""
    """The site that documents of others are from."""


def is_run(path: Path) -> bool:
    """Whether *path* is the folder of a finished run."""
    return (path / MANIFEST).is_file() and (path / REPORT).is_file()


def build_report(path: Path, request: ReportRequest, format_name: str | None = None) -> dict[str, Any]:
    """The complete report of the run in *path*, or of the documents at *path*, which are of the format *format_name*.

    Raises CallError where *path* holds neither, and what `validate` and `conformance` raise.
    """
    if format_name is None:
        return _of_run(path, request)
    return _of_documents(path, request, format_name)


def _of_run(folder: Path, request: ReportRequest) -> dict[str, Any]:
    report = read_report(folder / REPORT)
    run = report["runs"][0]
    written = [name for name in FORMATS if name in run["targets"] and report["documents"].get(name)]
    counts, looked_at = RuleCounts(), dict[str, int]()
    if request.judge:
        said = _of_conversions()
        for name in written:
            judged = validate(folder / name, name)
            looked_at[name] = judged.records
            counts.merge(_of_validation(judged, said))
            said |= _of_sets(name)
    datasets: list[dict[str, Any]] = []
    if written and request.datasets and report["accounting"]["subjects"]["converted"]:
        datasets, of_datasets, looked_at["dataset"] = dataset_reports(
            folder / written[0], request.datasets, request.level, run["site"]
        )
        counts.merge(of_datasets)
    added = {check["rule"]: check for check in checks(counts, looked_at, run["site"], Terminologies.installed().paths)}
    of_run = {check["rule"]: check for check in report["checks"] if check["rule"] in _of_conversions()}
    return {**report, "checks": [of_run.get(name, added[name]) for name in sorted(added)], "datasets": datasets}


def _of_conversions() -> set[str]:
    """The rules that a run looks at itself."""
    return {known.id for known in rules().values() if CONVERSION in known.stages}


def _of_sets(format_name: str) -> set[str]:
    """The rules on a whole set that documents of *format_name* are judged by: the other documents of a run are the same set again."""
    families = ("accounting", "completeness", "privacy")
    return {known.id for known in rules().values() if known.family in families and format_name in known.stages}


def _of_documents(path: Path, request: ReportRequest, format_name: str) -> dict[str, Any]:
    judged = validate(path, format_name)
    counts, looked_at = _of_validation(judged, ()), {format_name: judged.records}
    datasets: list[dict[str, Any]] = []
    if request.datasets and judged.records:
        datasets, of_datasets, looked_at["dataset"] = dataset_reports(
            path, request.datasets, request.level, request.site
        )
        counts.merge(of_datasets)
    return {
        "schema_version": SCHEMA_VERSION,
        "runs": [_run_of_others(path, request, format_name)],
        "accounting": {"subjects": {}, "rows": {}, "values": {}, "left_out": [], "defaulted": {}},
        "documents": {format_name: {"documents": judged.records}},
        "checks": checks(counts, looked_at, request.site, Terminologies.installed().paths),
        "datasets": datasets,
    }


def _run_of_others(path: Path, request: ReportRequest, format_name: str) -> dict[str, Any]:
    """As the runs of conversions, without profile and instant: documents of others say neither."""
    return {
        "site": request.site,
        "recorded": "",
        "status": "complete",
        "harmonize": harmonize.__version__,
        "hub": hub_schema().version,
        "profile": {},
        "targets": [format_name],
        "consent": "",
        "terminologies": Terminologies.installed().digests(),
        "inputs": [{"file": file.name, "sha256": _sha256(file)} for file in document_files(path, format_name)],
    }


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _of_validation(judged: Validation, known_already: Collection[str]) -> RuleCounts:
    """What the judges found, but for rules that the run has counted: its documents say the same once for each target."""
    counts = RuleCounts()
    for finding in judged.findings:
        if finding.rule in _ONCE:  # said once for each system, wherever it was met first
            finding = replace(finding, cell=None)
        if finding.rule not in known_already:
            counts.add(finding)
    counts.findings = {  # a note is counted where it stands, and is one of them
        (name, rule(name).severity.value): number - len(counts.notes.get(name, ()))
        for name, number in judged.counts.items()
        if name not in known_already
    }
    counts.subjects = {name: number for name, number in judged.documents_by_rule.items() if name not in known_already}
    return counts
