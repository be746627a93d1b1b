"""Data sets over files: what is broken is said once with item, path, level and mend, and the rest of the record is judged."""

from __future__ import annotations

import copy
import gzip
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from harmonize.checks.catalogue import rule
from harmonize.checks.conformance import Conformance, conformance
from harmonize.errors import CallError, InputError, UnknownNameError
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
    ([("/sex_at_birth", {"null_flavor": "NOSUCH"})], "dataset.null-flavor", "/sex_at_birth", "goe:sex"),
    ([("/samples/0/age_at_collection", {"null_flavor": "UNK"})], "dataset.type", "/samples/0/age_at_collection", "goe:age_at_sampling"),
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


@pytest.mark.parametrize(
    ("value", "rule_id"),
    [
        (day("2019-02-31"), "dataset.date"),
        (day("2019-00-00"), "dataset.date"),
        (day("31.02."), "dataset.date"),
        ({"value": "2019", "precision": "hour"}, "dataset.date"),
        ("2019-02-01", "dataset.type"),
        ({"null_flavor": "UNK"}, "dataset.null-flavor"),
    ],
)
def test_a_date_that_is_none_is_said_at_its_item(tmp_path: Path, value: Any, rule_id: str) -> None:
    result = conformance(written(tmp_path, changed(("/birth_date", value))), "erdri-cds")
    assert [(f.rule, f.path, f.item) for f in result.findings if f.path == "/birth_date"] == [
        (rule_id, "/birth_date", "erdri:2.1")
    ]
    assert result.counts[rule_id] == 1


def test_what_is_no_record_is_counted_apart(tmp_path: Path) -> None:
    deep = json.dumps(PERSON).replace('"a1"', "[" * 200 + "]" * 200).encode() + b"\n"
    result = conformance(written(tmp_path, PERSON, b"{not json\n", b"[]\n", deep), "goe")
    assert (result.records, result.unreadable, result.counts["dataset.unreadable"]) == (4, 3, 3)
    assert all(sum(c.records.values()) == 1 for c in result.items)


def test_a_record_that_breaks_everywhere_is_no_record(tmp_path: Path) -> None:
    broken = changed(("/samples", [{"colour": 1, "sample_id": 1}] * 1_100))
    result = conformance(written(tmp_path, PERSON, broken), "goe")
    assert (result.records, result.unreadable, result.counts) == (2, 1, {"dataset.unreadable": 1})


@pytest.mark.parametrize("other", [{"resourceType": "Patient", "id": "a"}, {"id": "p", "metaData": {}}])
def test_documents_of_several_formats_are_not_graded_by_the_paths_of_the_first(tmp_path: Path, other: Any) -> None:
    result = conformance(written(tmp_path, b"null\n", PERSON, other), "goe")
    assert (result.records, result.unreadable) == (3, 2)
    assert any("another format" in finding.message for finding in result.findings)


def test_the_file_of_the_answers_is_none_of_those_to_be_read(tmp_path: Path) -> None:
    path = written(tmp_path, PERSON)
    before = path.read_bytes()
    with pytest.raises(CallError, match="another file"):
        conformance(path, "goe", records_file=tmp_path / "." / path.name)
    assert path.read_bytes() == before


@pytest.mark.parametrize("documents", [(), ({"resourceType": "Group", "id": "g"},), (b"\n",)])
def test_nothing_is_not_said_to_conform(tmp_path: Path, documents: tuple[Any, ...]) -> None:
    with pytest.raises(InputError, match="no record"):
        conformance(written(tmp_path, *documents), "goe")


def test_names_that_could_be_values_are_not_quoted(tmp_path: Path) -> None:
    odd = {**PERSON, "Anna Example": 1, "19690203": 2, "Anna": 3, "x7": 4}
    result = conformance(written(tmp_path, odd), "goe")
    assert result.counts["dataset.unknown-slot"] >= 1
    assert not any(name in str(finding.as_json()) for finding in result.findings for name in ("Anna", "1969", "x7"))


def test_counts_are_exact_beyond_the_findings_that_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harmonize.checks.conformance.KEPT_FINDINGS", 3)
    broken = changed(("/sex_at_birth", coded("BIRTHSEX:X")))
    result = conformance(written(tmp_path, *[broken] * 10), "goe")
    assert len(result.findings) == 3
    assert result.counts == {"dataset.code": 10}


def test_what_was_not_checked_is_said_after_any_number_of_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harmonize.checks.conformance.KEPT_FINDINGS", 1)
    result = conformance(written(tmp_path, *[PACKET] * 3), "erdri-cds", level="optional")
    notes = [finding for finding in result.findings if finding.rule == "dataset.not-checked"]
    assert len(result.findings) - len(notes) == 1
    assert len(notes) == result.counts["dataset.not-checked"] > 0


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
    assert graded["erdri:2.1"] == graded["erdri:2.2"] == {"filled": 1}
    assert graded["erdri:5.1"] == {
        "not_checked": 1
    }  # one of two onsets is a gestational age, which the item does not know
    assert graded["erdri:6.1"] == {"invalid": 1}  # one of two diagnoses is not in the value set
    assert graded["erdri:3.1"] == {"filled": 1} and graded["erdri:3.2"] == {"missing": 1}  # DECEASED without a date
    assert {key for key, word in graded.items() if word == {"not_checked": 1}} >= {
        "erdri:4.1",
        "erdri:7.1",
        "erdri:7.2",
    }
    assert ("dataset.code", "Disease.term") in {(f.rule, f.path) for f in result.findings}


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


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "a", **more}


_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
WORDS = [
    # data set, item, document, what the record says
    ("goe", "goe:sex", patient(gender="female"), "filled"),
    ("goe", "goe:sex", patient(gender="other"), "invalid"),
    ("goe", "goe:sex", patient(gender="man"), "invalid"),
    ("goe", "goe:sex", patient(gender=7), "invalid"),
    ("goe", "goe:sex", patient(), "not_checked"),  # by rows that are nearly the item: nobody knows
    ("hmd", "hmd:Subject.Administrative_Gender", patient(gender="unknown"), "filled"),
    ("hmd", "hmd:Subject.Administrative_Gender", patient(), "missing"),
    ("goe", "goe:sex", patient(_gender={"extension": [{"url": _ABSENT, "valueCode": "masked"}]}), "invalid"),
    ("hmd", "hmd:Subject.Administrative_Gender", patient(_gender={"extension": [{"url": _ABSENT, "valueCode": "masked"}]}), "null_flavor"),
    ("erdri-cds", "erdri:3.1", patient(deceasedBoolean=False), "filled"),
    ("erdri-cds", "erdri:3.2", patient(deceasedBoolean=True), "missing"),
    ("erdri-cds", "erdri:3.2", patient(deceasedDateTime="2020-02-03T10:00:00Z"), "filled"),
    ("erdri-cds", "erdri:3.2", patient(deceasedBoolean=False), "not_applicable"),
    ("erdri-cds", "erdri:2.1", patient(birthDate=["1990"]), "filled"),  # FHIRPath takes lists apart
    ("erdri-cds", "erdri:2.1", patient(birthDate={"value": "1990"}), "invalid"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "item", "document", "word"), WORDS)
def test_words_of_a_format_mean_what_the_crosswalk_says(
    tmp_path: Path, name: str, item: str, document: Any, word: str
) -> None:
    assert words(conformance(written(tmp_path, document), name))[item] == {word: 1}


@pytest.mark.parametrize(
    ("onset", "word"),
    [
        ({"onsetDateTime": "2019"}, "filled"),
        ({"onsetDateTime": "20/19"}, "filled"),  # a text, as `prenatal`: the item takes one
        ({"onsetAge": {"value": 3, "unit": "years", "system": "http://unitsofmeasure.org", "code": "a"}}, "filled"),
        ({"onsetRange": {"low": {"value": 3}}}, "not_checked"),
        ({}, "not_checked"),
    ],
)
def test_one_of_several_kinds_of_a_value_is_enough(tmp_path: Path, onset: Any, word: str) -> None:
    graded = words(conformance(written(tmp_path, PATIENT, {**CONDITION, **onset}), "rd-cdm"))
    assert graded["rdcdm:5.3"] == {word: 1} or word == "filled"
    assert words(conformance(written(tmp_path, PATIENT, {**CONDITION, **onset}), "erdri-cds"))["erdri:5.1"] == {word: 1}


def bundle(*entries: tuple[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries]}


def about(reference: Any, **more: Any) -> dict[str, Any]:
    return {**CONDITION, "subject": {"reference": reference} if isinstance(reference, str) else reference, **more}


_URN = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"
SUBJECTS = [
    # documents; patients; resources about none
    ([patient(), about("Patient/a"), about("Patient/a/_history/2"), about("https://one.example/fhir/Patient/a")], 1, 0),
    ([patient(), about("Group/a"), about("https://one.example/fhir/Group/a"), about({"display": "x"})], 1, 3),
    ([patient(), about({"reference": "Patient/a", "type": "Device"})], 1, 1),
    ([bundle((_URN, {"resourceType": "Patient"}), ("urn:uuid:1", about(_URN)))], 1, 0),
    ([bundle((_URN, patient()), ("urn:uuid:1", about(_URN))), about("Patient/a")], 1, 0),
    ([bundle((_URN, {"resourceType": "Group"}), ("urn:uuid:1", about(_URN))), patient()], 1, 2),
    ([about("#p", contained=[{"resourceType": "Patient", "id": "p"}]), about("#p", contained=[{"resourceType": "Patient", "id": "p"}])], 2, 0),
    ([about("#p", contained=[{"resourceType": "Group", "id": "p"}]), patient()], 1, 1),
    ([{"resourceType": "Patient"}, {"resourceType": "Patient"}], 2, 0),
]  # fmt: skip


@pytest.mark.parametrize(("documents", "patients", "without"), SUBJECTS)
def test_a_subject_is_a_patient_however_it_is_named(
    tmp_path: Path, documents: list[Any], patients: int, without: int
) -> None:
    result = conformance(written(tmp_path, *documents), "erdri-cds")
    said = [f.message for f in result.findings if "about no patient" in f.message]
    assert result.records == patients
    assert said == ([f"{without} resources are about no patient and are not graded"] if without else [])


def test_a_bundle_that_is_none_and_snake_case_are_refused_by_name(tmp_path: Path) -> None:
    result = conformance(written(tmp_path, patient(), {"resourceType": "Bundle", "entry": {"a": 1}}), "erdri-cds")
    assert (result.records, result.unreadable) == (2, 1)
    with pytest.raises(InputError, match="meta_data"):
        conformance(written(tmp_path, {"id": "p", "meta_data": {}}), "erdri-cds")


def test_excluded_diseases_are_no_diagnoses(tmp_path: Path) -> None:
    excluded = {**PACKET, "diseases": [{**disease, "excluded": True} for disease in PACKET["diseases"]]}  # type: ignore[attr-defined]
    graded = words(conformance(written(tmp_path, excluded), "hmd"))
    assert "filled" not in graded["hmd:Diagnosis.Diagnosis"]


def test_one_document_in_json_gz(tmp_path: Path) -> None:
    (tmp_path / "p.json.gz").write_bytes(gzip.compress(json.dumps(PACKET, indent=1).encode()))
    assert conformance(tmp_path, "erdri-cds").records == conformance(tmp_path / "p.json.gz", "erdri-cds").records == 1
