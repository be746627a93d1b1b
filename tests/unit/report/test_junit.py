"""JUnit XML: what its readers count is what the report counts, in the shape that both schemas ask for."""

from __future__ import annotations

from collections import Counter
from typing import Any
from xml.etree import ElementTree

import junitparser
import pytest

from harmonize.report.junit import junit
from harmonize.report.run_report import status_of

# The constraints of two schemas together, written by hand, for neither comes with a package: that of Windy Road for Apache Ant
# (JUnit.xsd) and that of Jenkins' xUnit plugin (junit-10.xsd). Element: attributes demanded, attributes allowed, children in order.
SHAPES: dict[str, tuple[set[str], set[str], list[str]]] = {
    "testsuites": (set(), set(), ["testsuite"]),
    "testsuite": (
        {"name", "package", "id", "hostname", "tests", "failures", "errors", "time"},
        {"skipped", "timestamp"},
        ["properties", "testcase", "system-out", "system-err"],
    ),
    "properties": (set(), set(), ["property"]),
    "property": ({"name", "value"}, set(), []),
    "testcase": ({"name", "classname", "time"}, set(), ["skipped", "failure"]),
    "skipped": (set(), {"message", "type"}, []),
    "failure": ({"type"}, {"message"}, []),
    "system-out": (set(), set(), []),
    "system-err": (set(), set(), []),
}


@pytest.mark.parametrize("which", ["flawed_report", "hostile_report"])
def test_readers_count_what_the_report_counts(which: str, request: pytest.FixtureRequest) -> None:
    report: dict[str, Any] = request.getfixturevalue(which)
    statuses = Counter(map(status_of, report["checks"]))
    assert min(statuses[name] for name in ("failed", "warned", "noted", "passed", "not-checked")) > 0
    suites = junitparser.JUnitXml.fromstring(junit(report))
    results = {case.name: [type(one).__name__ for one in case.result] for suite in suites for case in suite}
    for check in report["checks"]:
        expected = {"failed": ["Failure"], "warned": ["Failure"], "not-checked": ["Skipped"]}
        assert results[check["rule"]] == expected.get(status_of(check), []), check["rule"]
    assert sum(suite.failures for suite in suites) == statuses["failed"] + statuses["warned"]
    assert sum(suite.skipped for suite in suites) == statuses["not-checked"]
    assert sum(suite.tests for suite in suites) == len(report["checks"]) == len(results)


@pytest.mark.parametrize("which", ["flawed_report", "hostile_report"])
def test_its_shape_is_that_of_both_schemas(which: str, request: pytest.FixtureRequest) -> None:
    root = ElementTree.fromstring(junit(request.getfixturevalue(which)))
    assert root.tag == "testsuites"
    for element in root.iter():
        demanded, allowed, children = SHAPES[element.tag]
        assert demanded <= set(element.keys()) <= demanded | allowed, element.tag
        order = [children.index(child.tag) for child in element]
        assert order == sorted(order), element.tag
        assert element.tag != "testcase" or len(element) <= 1
    assert [suite.get("id") for suite in root] == [str(number) for number in range(len(root))]
    stamps = {suite.get("timestamp") for suite in root}
    assert stamps == {"2026-01-31T12:00:00"}  # xs:dateTime without a zone


def test_a_failure_says_where_and_what_to_do(flawed_report: dict[str, Any]) -> None:
    text = junit(flawed_report).decode()
    assert "Phenotype.csv, row 3, column valueIRI: the value is no IRI of HP" in text
    assert "To mend it: Correct the cell" in text and "nonsense" not in text


def test_documents_of_others_have_no_timestamp(flawed_report: dict[str, Any]) -> None:
    runs = [{**run, "recorded": ""} for run in flawed_report["runs"]]
    assert b"timestamp" not in junit({**flawed_report, "runs": runs})
