"""OperationOutcomes: every finding once, together by subject, valid for two judges of FHIR, private, and in bounded memory."""

from __future__ import annotations

import json
import stat
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.operationoutcome import OperationOutcome

from harmonize.checks.catalogue import FAMILIES
from harmonize.checks.documents import validate
from harmonize.errors import CallError
from harmonize.report.operation_outcome import ISSUE_TYPES, fhirpath, operation_outcomes, write_operation_outcomes
from tests.registry import Run
from tests.unit.report.conftest import PAYLOADS


@pytest.fixture(scope="module")
def written(flawed_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_operation_outcomes(flawed_run.folder, tmp_path_factory.mktemp("outcomes"))


def outcomes(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_every_finding_stands_at_its_subject(flawed_run: Run, written: Path) -> None:
    findings = flawed_run.findings(info=True)
    found = [
        (one.get("id"), issue["details"]["coding"][0]["code"]) for one in outcomes(written) for issue in one["issue"]
    ]
    assert found == [(finding["subject"], finding["rule"]) for finding in findings]
    ids = [one["id"] for one in outcomes(written) if "id" in one]
    assert len(ids) == len(set(ids)) == len({finding["subject"] for finding in findings} - {None}) > 3
    patients = {patient["id"] for patient in flawed_run.lines("fhir-r4/Patient.ndjson")}
    assert patients & set(ids)
    severities = Counter(issue["severity"] for one in outcomes(written) for issue in one["issue"])
    expected = Counter(finding["severity"] for finding in findings)
    assert severities == Counter({{"info": "information"}.get(name, name): number for name, number in expected.items()})


def test_judges_of_fhir_find_nothing(written: Path) -> None:
    for one in outcomes(written):
        OperationOutcome.model_validate(one)
    judged = validate(written, "fhir-r4")
    assert judged.records == len(outcomes(written))
    assert not [f for f in judged.findings if f.severity != "info"], judged.findings[:3]


def test_only_its_owner_reads_it(written: Path) -> None:
    assert stat.S_IMODE(written.stat().st_mode) == 0o600 and stat.S_IMODE(written.parent.stat().st_mode) == 0o700


def test_every_family_has_a_code_of_the_value_set() -> None:
    assert set(ISSUE_TYPES) == set(FAMILIES)
    # All codes of http://hl7.org/fhir/ValueSet/issue-type, FHIR 4.0.1.
    known = (
        "invalid structure required value invariant security login unknown expired forbidden suppressed processing not-supported duplicate "
        "multiple-matches not-found deleted too-long code-invalid extension too-costly business-rule conflict transient lock-error no-store "
        "exception timeout incomplete throttled informational"
    )
    assert len(known.split()) == 31 and set(ISSUE_TYPES.values()) <= set(known.split())


@pytest.mark.parametrize(
    ("path", "expression"),
    [
        ("/Patient/ab/deceasedBoolean", "Patient.deceasedBoolean"),
        ("/Patient/ab", "Patient"),
        ("/Observation/ab/component/12/valueQuantity/value", "Observation.component[12].valueQuantity.value"),
        ("/Observation/ab/component/x y", ""),
        ("/patient/ab/name", ""),
        ("Patient.name", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_expressions_are_simple_fhirpath(path: str | None, expression: str) -> None:
    assert fhirpath({"format": "fhir-r4", "path": path}) == expression
    assert fhirpath({"format": "phenopackets", "path": path}) == ""


def test_text_of_others_is_valid_fhir(tmp_path: Path) -> None:
    for text in PAYLOADS:
        finding = {
            "rule": "source.code",
            "severity": "error",
            "subject": text,
            "message": text,
            "fix": text,
            "source": {"file": text, "row": 1, "column": text},
        }
        (made,) = operation_outcomes([finding])
        OperationOutcome.model_validate(made)
        assert "\x00" not in json.dumps(made, ensure_ascii=False)


def test_a_million_findings_are_not_held(tmp_path: Path) -> None:
    line = {"rule": "source.no-subject-id", "severity": "error", "subject": None, "message": "the row names no subject"}
    number = 30_000
    tracemalloc.start()
    issues = sum(len(one["issue"]) for one in operation_outcomes(dict(line) for _ in range(number)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert issues == number and peak < 8_000_000


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"rule": "x"}', '{"rule":"x","severity":"bad","subject":null,"message":"m"}']
)
def test_what_is_no_finding_is_refused_and_nothing_is_left(tmp_path: Path, text: str) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "findings.ndjson").write_text(text + "\n")
    with pytest.raises(CallError, match=r"line 1: no finding"):
        write_operation_outcomes(tmp_path, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.*"))


def test_findings_that_are_gone_are_not_taken_for_none(tmp_path: Path) -> None:
    def write(files: dict[str, Any]) -> Path:
        (tmp_path / "manifest.json").write_text(json.dumps({"status": "complete", "files": files}))
        return write_operation_outcomes(tmp_path, tmp_path / "out")

    assert write({}).read_bytes() == b""
    with pytest.raises(CallError, match="cannot be read"):
        write({"private/findings.ndjson": {}})
