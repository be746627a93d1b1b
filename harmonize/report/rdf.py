"""`dqv.ttl`, `earl.ttl`, `prov.ttl`: the report as RDF, for catalogues of data. No blank nodes, the same bytes for the same report.

- `dqv.ttl`: W3C Data Quality Vocabulary; a measurement for each item and count of a data set, and one for each rule that was checked;
- `earl.ttl`: W3C EARL 1.0; an assertion for each rule. What fails or warns is `failed`; what is only noted is `passed`; a rule that nobody
  looked at is `untested`, or `inapplicable` where it is about documents that are not there;
- `prov.ttl`: W3C PROV-O; each run, the files, profile and terminologies that it used, the documents that it made.

IRIs of the report and its parts come from its bytes; what has a digest is named by it (RFC 6920, `ni:`).
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from rdflib import Graph
from rdflib.namespace import DCAT, DCTERMS, PROV, QB, RDF, XSD, Namespace
from rdflib.term import Literal, URIRef

import harmonize
from harmonize.checks.catalogue import STAGES, rules
from harmonize.datasets.statuses import COUNTED
from harmonize.report.report_file import report_bytes
from harmonize.report.run_report import CONVERSION, status_of
from harmonize.report.totals import number_of_findings, sites_of
from harmonize.safe_text import plain

REPORT = Namespace("https://w3id.org/harmonize/report/")
RULES = Namespace("https://w3id.org/harmonize/rules/")
DQV = Namespace("http://www.w3.org/ns/dqv#")
EARL = Namespace("http://www.w3.org/ns/earl#")
LDQD = Namespace("http://www.w3.org/2016/05/ldqd#")
"""The dimensions of linked data quality that the Data Quality Vocabulary brings."""
OUTCOMES = {"failed": "failed", "warned": "failed", "noted": "passed", "passed": "passed", "not-checked": "untested"}
_DOCUMENTS = frozenset(STAGES) - {CONVERSION, "dataset"}
"""Stages that are about documents, or mapping sets, which a report has or has not."""


def dqv(report: Mapping[str, Any]) -> bytes:
    """Items of data sets and findings of rules as quality measurements of the data. A rule that nobody looked at has none."""
    made = _Made(report)
    made.add(made.data, RDF.type, DCAT.Dataset)
    for word in COUNTED:
        metric = REPORT[f"metric/{word}"]
        made.add(metric, RDF.type, DQV.Metric)
        made.add(metric, DCTERMS.title, f"Records in which the item is {word.replace('_', ' ')}")
        made.add(metric, DQV.expectedDataType, XSD.integer)
        made.add(metric, DQV.inDimension, LDQD.completeness)
    for found in report["datasets"]:
        _dataset(made, found)
    for check in report["checks"]:
        if check["checked"]:
            _findings(made, check)
    return made.turtle()


def _dataset(made: _Made, found: Mapping[str, Any]) -> None:
    name = (found["dataset"], found["version"], found["level"])
    measured = made.part("dataset", *name)
    made.add(measured, RDF.type, DQV.QualityMeasurementDataset)
    made.add(measured, DCTERMS.title, f"{found['title']} {found['version']}, {found['level']}")
    made.add(measured, REPORT.records, found["records"])
    for item in found["items"]:
        for word in COUNTED:
            one = made.part("item", *name, item["id"], word)
            made.measure(one, REPORT[f"metric/{word}"], item["records"][word])
            made.add(one, QB.dataSet, measured)
            made.add(one, REPORT.item, item["id"])


def _findings(made: _Made, check: Mapping[str, Any]) -> None:
    metric, one = REPORT[f"metric/{check['rule']}"], made.part("findings", check["rule"])
    made.add(metric, RDF.type, DQV.Metric)
    made.add(metric, DCTERMS.title, f"Findings of the rule {check['rule']}: {check['title']}")
    made.add(metric, DQV.expectedDataType, XSD.integer)
    made.add(metric, DQV.inDimension, REPORT[f"family/{check['family']}"])
    made.measure(one, metric, number_of_findings(check))
    made.add(one, REPORT.rule, RULES[check["rule"]])
    made.add(one, REPORT.checked, check["checked"])
    made.add(one, REPORT.subjects, check["subjects"])


def earl(report: Mapping[str, Any]) -> bytes:
    """An assertion for each rule."""
    made = _Made(report)
    made.add(made.data, RDF.type, EARL.TestSubject)
    tool = made.software(harmonize.__version__, EARL.Assertor, EARL.Software)
    for check in report["checks"]:
        test, assertion, result = RULES[check["rule"]], *(made.part(n, check["rule"]) for n in ("check", "result"))
        made.add(test, RDF.type, EARL.TestCriterion)
        made.add(test, DCTERMS.title, check["title"])
        made.add(assertion, RDF.type, EARL.Assertion)
        for predicate, value in ((EARL.assertedBy, tool), (EARL.subject, made.data), (EARL.test, test)):
            made.add(assertion, predicate, value)
        made.add(assertion, EARL.mode, EARL.automatic)
        made.add(assertion, EARL.result, result)
        made.add(result, RDF.type, EARL.TestResult)
        made.add(result, EARL.outcome, EARL[outcome(report, check)])
        for name, number in check["findings"].items():
            made.add(result, REPORT[name], number)
        made.add(result, REPORT.checked, check["checked"])
        made.add(result, REPORT.subjects, check["subjects"])
    return made.turtle()


def outcome(report: Mapping[str, Any], check: Mapping[str, Any]) -> str:
    """The EARL outcome of *check*."""
    status, known = status_of(check), rules().get(check["rule"])
    if status == "not-checked" and known is not None and set(known.stages) <= _DOCUMENTS - set(report["documents"]):
        return "inapplicable"
    return OUTCOMES[status]


def prov(report: Mapping[str, Any]) -> bytes:
    """The runs as activities, with what they used and made. Of documents of others only the reading is known."""
    made = _Made(report)
    whole = made.part("report")
    made.add(whole, RDF.type, PROV.Entity)
    for number, run in enumerate(report["runs"]):
        activity = made.part("run", str(number))
        made.add(activity, RDF.type, PROV.Activity)
        made.add(activity, DCTERMS.title, f"{'Conversion' if run['profile'] else 'Reading'} at {run['site'] or '-'}")
        made.add(activity, REPORT.status, run["status"])
        made.add(activity, PROV.wasAssociatedWith, made.software(run["harmonize"], PROV.SoftwareAgent))
        for used in _used(made, run):
            made.add(activity, PROV.used, used)
        for target in run["targets"] if run["profile"] else ():
            written = made.part("run", str(number), target)
            made.add(written, RDF.type, PROV.Entity)
            made.add(written, DCTERMS.title, f"Documents: {target}")
            made.add(written, PROV.wasGeneratedBy, activity)
            if run["recorded"]:
                made.graph.add((written, PROV.generatedAtTime, Literal(run["recorded"], datatype=XSD.dateTime)))
        made.add(whole, PROV.wasDerivedFrom, *(_used_files(run)))
    return made.turtle()


def _used(made: _Made, run: Mapping[str, Any]) -> list[URIRef]:
    """The entities that a run used: files, profile, terminologies."""
    profile = run["profile"]
    named = [(file["file"], file["sha256"]) for file in run["inputs"]]
    if profile:
        named.append((f"profile {profile['id']} {profile['version']}", profile["sha256"]))
    named += [(f"{t['system']} {t['version']}".strip(), t["source_sha256"]) for t in run["terminologies"]]
    for title, sha256 in named:
        entity = by_digest(sha256)
        made.add(entity, RDF.type, PROV.Entity)
        made.add(entity, DCTERMS.title, title)
        made.add(entity, REPORT.sha256, sha256)
    return [by_digest(sha256) for _, sha256 in named]


def _used_files(run: Mapping[str, Any]) -> list[URIRef]:
    return [by_digest(file["sha256"]) for file in run["inputs"]]


def by_digest(sha256: str) -> URIRef:
    """The IRI of what has this SHA-256, in hexadecimal digits (RFC 6920, section 3).

    >>> str(by_digest("7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069"))
    'ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk'
    """
    text = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    return URIRef(f"ni:///sha-256;{text}")


class _Made:
    """A graph under construction, and the IRIs of the parts of its report."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        digest = hashlib.sha256(report_bytes(report)).hexdigest()
        self._base = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, REPORT + digest)}#"
        self.graph = Graph(bind_namespaces="none")
        spaces = {"report": REPORT, "dqv": DQV, "earl": EARL, "dcat": DCAT, "dct": DCTERMS, "prov": PROV, "qb": QB}
        for prefix, space in {**spaces, "xsd": XSD}.items():
            self.graph.bind(prefix, space)
        self.data = self.part("data")
        """What the report is about."""
        self.add(self.data, DCTERMS.title, f"Data of {', '.join(sites_of(report)) or 'an unnamed site'}")

    def part(self, *names: str) -> URIRef:
        """The IRI of a part of the report."""
        return URIRef(self._base + "/".join(quote(name, safe=":") for name in names))

    def add(self, subject: URIRef, predicate: URIRef, *values: URIRef | str | int) -> None:
        """Add statements; a value that is no IRI is a literal, its text `plain`."""
        for value in values:
            is_text = isinstance(value, str) and not isinstance(value, URIRef)
            term = value if isinstance(value, URIRef) else Literal(plain(value) if is_text else value)  # type: ignore[arg-type]
            self.graph.add((subject, predicate, term))

    def measure(self, measurement: URIRef, metric: URIRef, value: int) -> None:
        """Add a quality measurement of the data."""
        self.add(measurement, RDF.type, DQV.QualityMeasurement)
        self.add(measurement, DQV.isMeasurementOf, metric)
        self.add(measurement, DQV.computedOn, self.data)
        self.add(measurement, DQV.value, value)

    def software(self, version: str, *classes: URIRef) -> URIRef:
        """harmonize of a version."""
        tool = REPORT[f"software/{quote(version, safe='')}"]
        self.add(tool, RDF.type, *classes)
        self.add(tool, DCTERMS.title, f"harmonize {version}")
        return tool

    def turtle(self) -> bytes:
        """The graph as Turtle."""
        return self.graph.serialize(format="turtle").encode()
