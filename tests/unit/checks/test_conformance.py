"""Data sets over files: what is broken is said once with item, path, level and mend, and the rest of the record is judged."""

from __future__ import annotations

import copy
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from harmonize.checks.catalogue import rule
from harmonize.checks.conformance import Conformance, conformance
from harmonize.errors import CallError, UnknownNameError
from harmonize.hub import hub_schema
from tests.unit.datasets.test_grading import coded, day

PERSON: dict[str, Any] = {
    "schema_version": hub_schema().version,
    "subject_id": "a1",
    "birth_date": day("1990-02"),
    "sex_at_birth": coded("BIRTHSEX:F"),
    "country_of_birth": coded("ISO3166:NO"),
    "country_of_origin": coded("ISO3166:NO"),
    "samples": [{"sample_id": "s1", "age_at_collection": "P30Y"}],
}


def changed(*changes: tuple[str, Any]) -> dict[str, Any]:
    """PERSON with something else at some JSON Pointers."""
    record = copy.deepcopy(PERSON)
    for pointer, value in changes:
        *way, last = pointer.strip("/").split("/")
        holder: Any = record
        for step in way:
            holder = holder[int(step) if isinstance(holder, list) else step]
        holder[int(last) if isinstance(holder, list) else last] = value
    return record


def written(folder: Path, *documents: Any) -> Path:
    path = folder / "subjects.ndjson"
    path.write_bytes(b"".join(d if isinstance(d, bytes) else json.dumps(d).encode() + b"\n" for d in documents))
    return path


def words(result: Conformance) -> dict[str, dict[str, int]]:
    return {c.item.id: {word: n for word, n in c.records.items() if n} for c in result.items}


BAD = [
    # what is wrong, the rule, the path, the item; every other item of the record stays as it is
    ([("/sex_at_birth", coded("BIRTHSEX:X"))], "dataset.code", "/sex_at_birth", "goe:sex"),
    ([("/sex_at_birth", {"null_flavor": "UNK"})], "dataset.null-flavor", "/sex_at_birth", "goe:sex"),
    ([("/sex_at_birth", "female")], "dataset.type", "/sex_at_birth", "goe:sex"),
    ([("/sex_at_birth", {"codings": [{"code": 7}]})], "dataset.type", "/sex_at_birth", "goe:sex"),
    ([("/sex_at_birth", {"null_flavor": "NOSUCH"})], "dataset.type", "/sex_at_birth", "goe:sex"),
    ([("/samples/0/age_at_collection", 30)], "dataset.type", "/samples/0/age_at_collection", "goe:age_at_sampling"),
    ([("/samples/0/colour", "red")], "dataset.unknown-slot", "/samples/0/colour", None),
    ([("/shoe_size", "41")], "dataset.unknown-slot", "/shoe_size", None),
    ([("/sex_at_birth/codings/0/shade", "x")], "dataset.unknown-slot", "/sex_at_birth/codings/0/shade", None),
    ([("/birth_date", day("2019-02"))], None, None, None),
    ([("/birth_date", {"value": "31.02.2019", "precision": "day"})], "hub.structure", "/birth_date/value", None),
    ([("/consents", "yes")], "hub.structure", "/consents", None),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "rule_id", "path", "item"), BAD)
def test_what_is_broken_is_said_once_and_the_rest_is_judged(
    tmp_path: Path, changes: list[tuple[str, Any]], rule_id: str | None, path: str | None, item: str | None
) -> None:
    whole = words(conformance(written(tmp_path, PERSON), "goe"))
    result = conformance(written(tmp_path, changed(*changes)), "goe", level="optional")
    findings = [f for f in result.findings if f.severity.value != "info"]
    assert [(f.rule, f.path, f.item) for f in findings] == ([(rule_id, path, item)] if rule_id else [])
    for finding in findings:
        assert finding.fix == rule(finding.rule).mend
        assert finding.item is None or finding.level in ("mandatory", "recommended", "optional", "conditional")
    graded = words(result)
    assert {key: word for key, word in graded.items() if key != item} == {k: w for k, w in whole.items() if k != item}
    assert item is None or graded[item] == {"invalid": 1}
    assert result.conforms is (rule_id is None)


def test_a_date_that_is_none_is_said_at_its_item(tmp_path: Path) -> None:
    for text in ("2019-02-31", "2019-00-00", "31.02."):
        record = changed(("/birth_date", {"value": text, "precision": "day"}))
        result = conformance(written(tmp_path, record), "erdri-cds")
        assert [(f.rule, f.path) for f in result.findings if f.item == "erdri:2.1"] == [("dataset.date", "/birth_date")]


def test_what_is_no_record_is_counted_apart(tmp_path: Path) -> None:
    deep = json.dumps(PERSON).replace('"a1"', "[" * 200 + "]" * 200).encode() + b"\n"
    result = conformance(written(tmp_path, PERSON, b"{not json\n", b"[]\n", deep), "goe")
    assert (result.records, result.unreadable, result.counts["dataset.unreadable"]) == (4, 3, 3)
    assert all(sum(c.records.values()) + c.not_checked == 1 for c in result.items)


def test_counts_are_exact_beyond_the_findings_that_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harmonize.checks.conformance.KEPT_FINDINGS", 3)
    broken = changed(("/sex_at_birth", coded("BIRTHSEX:X")))
    result = conformance(written(tmp_path, *[broken] * 10), "goe")
    assert len(result.findings) == 3
    assert result.counts == {"dataset.code": 10}


def test_one_line_for_each_record_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    lines = tmp_path / "records.ndjson"
    conformance(written(tmp_path, PERSON, b"7\n"), "goe", records_file=lines)
    first, second = map(json.loads, lines.read_text().splitlines())
    assert first["items"]["goe:sex"] == "filled"
    assert second == {"file": "subjects.ndjson", "line": 2, "items": None}
    assert stat.S_IMODE(lines.stat().st_mode) == 0o600


def test_a_release_is_asked_for_behind_an_at_sign(tmp_path: Path) -> None:
    result = conformance(written(tmp_path, PERSON), "hmd@1.0")
    assert (result.version, len(result.items)) == ("1.0", 120)
    with pytest.raises(UnknownNameError, match=r"1\.0, 1\.1"):
        conformance(written(tmp_path, PERSON), "hmd@9")


def test_nothing_to_grade_is_said(tmp_path: Path) -> None:
    with pytest.raises(CallError):
        conformance(tmp_path / "nowhere", "goe")


# --- other formats --------------------------------------------------------------------------------------------------

PACKET = {
    "id": "p1",
    "subject": {
        "id": "a1",
        "dateOfBirth": "1990-02-03T00:00:00Z",
        "sex": "FEMALE",
        "vitalStatus": {"status": "DECEASED"},
    },
    "diseases": [
        {"term": {"id": "ORPHA:558", "label": "Marfan syndrome"}, "onset": {"age": {"iso8601duration": "P3Y"}}},
        {"term": {"id": "OMIM:154700", "label": "Marfan syndrome"}, "onset": {"gestationalAge": {"weeks": 30}}},
    ],
    "metaData": {"created": "2026-01-01T00:00:00Z"},
}
PATIENT = {
    "resourceType": "Patient",
    "id": "a1",
    "birthDate": "1990-02-31",
    "gender": "man",
    "identifier": [{"value": "x"}],
}
CONDITION = {
    "resourceType": "Condition",
    "id": "c1",
    "subject": {"reference": "Patient/a1"},
    "code": {"coding": [{"system": "http://www.orpha.net", "code": "558"}]},
}


def test_phenopackets_are_graded_as_far_as_paths_reach(tmp_path: Path) -> None:
    result = conformance(written(tmp_path, PACKET), "erdri-cds", level="recommended")
    graded = words(result)
    assert graded["erdri:2.1"] == graded["erdri:2.2"] == graded["erdri:5.1"] == {"filled": 1}
    assert graded["erdri:6.1"] == {"invalid": 1}  # one of two diagnoses is not in the value set
    assert graded["erdri:3.2"] == {"not_applicable": 1}  # DECEASED is no code that the condition knows
    assert {c.item.id for c in result.items if c.not_checked} >= {"erdri:4.1", "erdri:7.1", "erdri:7.2"}
    assert ("dataset.code", "/diagnoses/1/disease") in {(f.rule, f.path) for f in result.findings}


@pytest.mark.parametrize("as_bundle", [False, True])
def test_resources_of_a_patient_are_graded_together(tmp_path: Path, as_bundle: bool) -> None:
    group = {"resourceType": "Group", "id": "g"}
    documents: list[Any] = [CONDITION, group, PATIENT]
    if as_bundle:
        documents = [{"resourceType": "Bundle", "entry": [{"resource": d} for d in documents]}]
    result = conformance(written(tmp_path, *documents), "hmd")
    graded = words(result)
    assert result.records == 1
    assert graded["hmd:Diagnosis.Diagnosis"] == {"filled": 1}
    assert graded["hmd:Subject.Birth_Date"] == {"invalid": 1}
    assert graded["hmd:Subject.Administrative_Gender"] == {"invalid": 1}
    assert any("1 resources are about no patient" in f.message for f in result.findings)
    line = next(f for f in result.findings if f.rule == "dataset.date").cell
    assert line is not None and line.row == (1 if as_bundle else 3)
