"""SARIF: valid against models that were generated from the schema of OASIS, with the counts and places of the report and no link or value."""

from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

from harmonize.report.comparison import compared
from harmonize.report.sarif import sarif
from harmonize.report.totals import number_of_findings


def log(report: dict[str, Any], *more: Any) -> dict[str, Any]:
    made = json.loads(sarif(report, *more))
    Sarif.model_validate(made)
    return dict(made["runs"][0])


@pytest.mark.parametrize("which", ["flawed_report", "hostile_report"])
def test_results_are_the_rules_that_found_something(which: str, request: pytest.FixtureRequest) -> None:
    report = request.getfixturevalue(which)
    run = log(report)
    expected = {check["rule"]: check for check in report["checks"] if number_of_findings(check)}
    assert [result["ruleId"] for result in run["results"]] == list(expected)
    for result in run["results"]:
        check = expected[result["ruleId"]]
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["occurrenceCount"] == number_of_findings(check)
        assert result["locations"] and len(result["locations"]) <= min(5, len(check["examples"]) + len(check["notes"]))
    levels = {result["level"] for result in run["results"]}
    assert levels == {"error", "warning", "note"}


def test_a_location_is_file_and_row(flawed_report: dict[str, Any]) -> None:
    found = next(one for one in log(flawed_report)["results"] if one["ruleId"] == "source.code")["locations"][0]
    assert found["physicalLocation"] == {"artifactLocation": {"uri": "Phenotype.csv"}, "region": {"startLine": 3}}
    assert found["logicalLocations"] == [{"name": "valueIRI", "kind": "member"}]
    assert "nonsense" not in json.dumps(found)


def test_text_of_others_is_neither_link_nor_placeholder_nor_absolute_address(hostile_report: dict[str, Any]) -> None:
    run = log(hostile_report)
    texts = [place["message"]["text"] for result in run["results"] for place in result["locations"]]
    uris = [
        place["physicalLocation"]["artifactLocation"]["uri"]
        for r in run["results"]
        for place in r["locations"]
        if "physicalLocation" in place
    ]
    assert len(texts) > 20 and len(uris) > 20
    for text in texts:
        assert "](" not in text and "\x00" not in text
        assert not text.replace("{{", "").replace("}}", "").count("{")
    assert not any(urlsplit(uri).scheme or urlsplit(uri).netloc for uri in uris)


def test_states_since_a_baseline(flawed_report: dict[str, Any]) -> None:
    def with_warnings(numbers: dict[str, int]) -> dict[str, Any]:
        made = copy.deepcopy(flawed_report)
        for check in made["checks"]:
            number = numbers.get(check["rule"], 0)
            check.update(
                findings={"fatal": 0, "error": 0, "warning": number, "info": 0},
                subjects=number,
                checked=30,
                examples=[],
                notes=[],
            )
        return made

    before = with_warnings({"source.date": 3, "source.code": 3, "source.number": 1, "terms.unknown": 2})
    after = with_warnings({"source.date": 3, "source.code": 5, "terms.unknown": 1, "terms.obsolete": 1})
    found = {result["ruleId"]: result["baselineState"] for result in log(after, compared(before, after))["results"]}
    assert found == {
        "source.date": "unchanged",
        "source.code": "updated",
        "source.number": "absent",
        "terms.unknown": "updated",
        "terms.obsolete": "new",
    }


def test_a_partial_run_was_not_successful(flawed_report: dict[str, Any]) -> None:
    assert [one["executionSuccessful"] for one in log(flawed_report)["invocations"]] == [True]
    partial = {**flawed_report, "runs": [{**run, "status": "partial"} for run in flawed_report["runs"]]}
    assert [one["executionSuccessful"] for one in log(partial)["invocations"]] == [False]
