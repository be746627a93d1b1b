"""RDF: parsed again, its sums by SPARQL are those of the report; the same bytes whatever the seed of hashes; no text becomes an IRI."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import RDF

from harmonize.datasets.statuses import COUNTED
from harmonize.report.rdf import DQV, EARL, PROV, REPORT, RULES, by_digest, dqv, earl, outcome, prov
from harmonize.report.run_report import status_of
from harmonize.report.totals import number_of_findings

PREFIXES = f"PREFIX dqv: <{DQV}> PREFIX earl: <{EARL}> PREFIX report: <{REPORT}> PREFIX prov: <{PROV}> PREFIX qb: <http://purl.org/linked-data/cube#>\n"


def graph(data: bytes) -> Graph:
    return Graph().parse(data=data, format="turtle")


def query(of: Graph, text: str) -> list[tuple[Any, ...]]:
    return [tuple(value.toPython() for value in row) for row in of.query(PREFIXES + text)]  # type: ignore[union-attr]


def test_measurements_of_items_are_their_counts(flawed_report: dict[str, Any]) -> None:
    found = query(
        graph(dqv(flawed_report)),
        "SELECT ?metric (SUM(?v) AS ?sum) (COUNT(?m) AS ?n) { ?m a dqv:QualityMeasurement; dqv:isMeasurementOf ?metric; dqv:value ?v; report:item ?item;"
        " qb:dataSet ?set; dqv:computedOn ?data. ?set a dqv:QualityMeasurementDataset. ?metric a dqv:Metric; dqv:inDimension ?d } GROUP BY ?metric",
    )
    items = [item for one in flawed_report["datasets"] for item in one["items"]]
    expected = {
        str(REPORT[f"metric/{word}"]): (sum(item["records"][word] for item in items), len(items)) for word in COUNTED
    }
    assert {str(metric): (total, number) for metric, total, number in found} == expected
    assert expected[str(REPORT["metric/missing"])][0] > 0


def test_measurements_of_rules_are_their_findings_where_somebody_looked(flawed_report: dict[str, Any]) -> None:
    found = query(
        graph(dqv(flawed_report)),
        "SELECT ?rule ?v ?checked ?subjects { ?m a dqv:QualityMeasurement; report:rule ?rule; dqv:value ?v; report:checked ?checked; report:subjects ?subjects }",
    )
    checks = {
        str(RULES[c["rule"]]): (number_of_findings(c), c["checked"], c["subjects"])
        for c in flawed_report["checks"]
        if c["checked"]
    }
    assert {str(rule): tuple(numbers) for rule, *numbers in found} == checks
    assert len(checks) < len(flawed_report["checks"])


def test_every_rule_has_one_assertion_with_its_outcome(flawed_report: dict[str, Any]) -> None:
    made = graph(earl(flawed_report))
    found = query(
        made,
        "SELECT ?test ?outcome ?errors { ?a earl:test ?test; earl:subject ?s; earl:assertedBy ?by; earl:mode earl:automatic; earl:result ?r."
        " ?r earl:outcome ?outcome; report:error ?errors }",
    )
    kinds = Counter(made.objects(None, RDF.type))
    number = len(flawed_report["checks"])
    assert kinds == {
        EARL.Assertion: number,
        EARL.TestResult: number,
        EARL.TestCriterion: number,
        EARL.TestSubject: 1,
        EARL.Assertor: 1,
        EARL.Software: 1,
    }
    assert len(found) == len(flawed_report["checks"])
    outcomes = {str(test): str(value).removeprefix(str(EARL)) for test, value, _ in found}
    errors = {str(test): number for test, _, number in found}
    for check in flawed_report["checks"]:
        assert errors[str(RULES[check["rule"]])] == check["findings"]["error"]
        value, status = outcomes[str(RULES[check["rule"]])], status_of(check)
        assert value == outcome(flawed_report, check)
        expected = {
            "failed": {"failed"},
            "warned": {"failed"},
            "noted": {"passed"},
            "passed": {"passed"},
            "not-checked": {"untested", "inapplicable"},
        }
        assert value in expected[status]
    assert set(outcomes.values()) == {"failed", "passed", "untested", "inapplicable"}


def test_rules_on_documents_that_are_not_there_are_inapplicable(flawed_report: dict[str, Any]) -> None:
    def of(name: str, documents: dict[str, Any]) -> str:
        check = next(check for check in flawed_report["checks"] if check["rule"] == name)
        return outcome({**flawed_report, "documents": documents}, {**check, "checked": 0})

    assert of("target.fhir-r4-schema", {"hub": {}}) == "inapplicable"
    assert of("target.fhir-r4-schema", {"fhir-r4": {}}) == "untested"
    assert of("mapping.set-cycle", {"fhir-r4": {}}) == "inapplicable"
    assert of("dataset.date", {}) == "untested"


def test_runs_use_what_they_read_and_make_what_they_wrote(flawed_report: dict[str, Any]) -> None:
    made = graph(prov(flawed_report))
    (run,) = flawed_report["runs"]
    used = {str(iri) for (iri,) in query(made, "SELECT ?e { ?a a prov:Activity; prov:used ?e. ?e a prov:Entity }")}
    digests = (
        [f["sha256"] for f in run["inputs"]]
        + [t["source_sha256"] for t in run["terminologies"]]
        + [run["profile"]["sha256"]]
    )
    assert used == {str(by_digest(digest)) for digest in digests}
    written = query(
        made,
        "SELECT ?title ?when { ?e prov:wasGeneratedBy ?a; <http://purl.org/dc/terms/title> ?title; prov:generatedAtTime ?when }",
    )
    assert Counter(title for title, _ in written) == Counter(f"Documents: {target}" for target in run["targets"])
    assert {when.isoformat() for _, when in written} == {"2026-01-31T12:00:00+00:00"}
    derived = query(made, "SELECT ?e { ?r prov:wasDerivedFrom ?e }")
    assert len(derived) == len({file["sha256"] for file in run["inputs"]})


def test_documents_of_others_were_read_and_not_made(flawed_report: dict[str, Any]) -> None:
    runs = [{**run, "profile": {}, "recorded": ""} for run in flawed_report["runs"]]
    made = graph(prov({**flawed_report, "runs": runs}))
    assert query(made, "SELECT ?a { ?a a prov:Activity }") and not query(
        made, "SELECT ?e { ?e prov:wasGeneratedBy ?a }"
    )


@pytest.mark.parametrize("make", [dqv, earl, prov], ids=lambda make: make.__name__)
def test_text_of_others_stays_text(hostile_report: dict[str, Any], flawed_report: dict[str, Any], make: Any) -> None:
    hostile, usual = graph(make(hostile_report)), graph(make(flawed_report))
    assert len(hostile) == len(usual) or make is prov  # in a run that reads one file under several names, none is lost
    allowed = ("https://w3id.org/harmonize/", "http://www.w3.org/", "http://purl.org/", "urn:uuid:", "ni:///sha-256;")
    for triple in hostile:
        assert all(str(term).startswith(allowed) for term in triple if isinstance(term, URIRef))
        assert all(isinstance(term, URIRef | Literal) for term in triple)  # no blank nodes
    kinds = Counter(hostile.objects(None, RDF.type))
    assert kinds == Counter(usual.objects(None, RDF.type))


def test_bytes_do_not_depend_on_the_seed_of_hashes(flawed_report: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(flawed_report))
    code = "import json, sys; from harmonize.report.rdf import *; r = json.load(open(sys.argv[1])); sys.stdout.buffer.write(dqv(r) + earl(r) + prov(r))"
    digests = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "report.json")],
            env=environment,
            capture_output=True,
            check=True,
        )
        digests.add(hashlib.sha256(done.stdout).hexdigest())
    assert digests == {hashlib.sha256(dqv(flawed_report) + earl(flawed_report) + prov(flawed_report)).hexdigest()}
