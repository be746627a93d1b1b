"""Three-way tests of the rules: a record in which each holds, one that breaks it, one to which it does not apply."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from harmonize.checks.catalogue import FAMILIES, rule, rules
from harmonize.checks.codes import code_problem
from harmonize.checks.documents import validate
from harmonize.checks.fhir_r4 import check_resource
from harmonize.checks.hub_records import check_record
from harmonize.checks.phenopackets import check_packet
from harmonize.convert import Converter
from harmonize.datasets.specification import LEVELS
from harmonize.errors import UnknownNameError
from harmonize.hub.objects import hub_object
from harmonize.terminology.store import Terminologies

TERMINOLOGIES = Terminologies.installed()
OBO = "http://purl.obolibrary.org/obo/"


def day(value: str) -> dict[str, str]:
    return {"value": value, "precision": {4: "year", 7: "month", 10: "day"}[len(value)]}


def feature(code: str, **more: Any) -> dict[str, Any]:
    return {"type": {"codings": [{"system": "HP", "code": code, "origin": "stated"}]}, **more}


def hub(**slots: Any) -> dict[str, Any]:
    return {"schema_version": "0.1.0", "subject_id": "a", **slots}


def features(*stated: dict[str, Any]) -> dict[str, Any]:
    return hub(phenotypic_features=list(stated))


VITAL = {
    status: {"codings": [{"system": "VITALSTATUS", "code": f"VITALSTATUS:{status}", "origin": "mapped"}]}
    for status in ("alive", "deceased")
}
OFF = {"excluded": True}
# rule: (records in which it holds, records that break it, records to which it does not apply)
HUB_RULES: dict[str, tuple[list[Any], list[Any], list[Any]]] = {
    "plausibility.date-order": (
        [
            hub(birth_date=day("1990-02-28"), first_contact_date=day("1990-02-28")),
            hub(birth_date=day("1990"), diagnoses=[{"disease": {}, "date_of_diagnosis": day("1990-01-01")}]),
            hub(vital_status={"date_of_death": day("2000-01-01")}, samples=[{"collection_date": day("2001")}]),
            hub(
                vital_status={"date_of_death": day("2000")},
                sequences=[{"sequencing_date": day("2001")}],
                biomarkers=[{"date": day("2001")}],
            ),
            hub(
                vital_status={"date_of_death": day("2000")},
                diagnoses=[{"tnm_classifications": [{"date_of_evaluation": day("2001")}]}],
            ),
        ],
        [
            hub(birth_date=day("1990-02-28"), first_contact_date=day("1990-02-27")),
            hub(birth_date=day("1991"), vital_status={"date_of_death": day("1990-12-31")}),
            hub(vital_status={"date_of_death": day("2000-01")}, phenotypic_features=[{"onset_date": day("2000-02")}]),
            hub(care_episodes=[{"start_date": day("2001-01-02"), "end_date": day("2001-01-01")}]),
            hub(sequences=[{"sequencing_date": day("2001-02"), "variant_calling_date": day("2001-01-31")}]),
            hub(birth_date=day("1990"), biomarkers=[{"date": day("1989-12-31")}]),
            hub(birth_date=day("1990"), diagnoses=[{"tnm_classifications": [{"date_of_evaluation": day("1989")}]}]),
        ],
        [hub(), hub(birth_date=day("1990"))],
    ),
    "plausibility.alive-and-dead": (
        [
            hub(vital_status={"status": VITAL["alive"]}),
            hub(vital_status={"status": VITAL["deceased"], "date_of_death": day("2000")}),
        ],
        [hub(vital_status={"status": VITAL["alive"], "date_of_death": day("2000")})],
        [hub(), hub(vital_status={"date_of_death": day("2000")})],
    ),
    "plausibility.dangling-reference": (
        [
            hub(samples=[{"sample_id": "a"}], sequences=[{"sample_id": "a", "sequence_id": "b"}]),
            hub(sequences=[{"sequence_id": "b"}], variants=[{"sequence_id": "b"}]),
            hub(samples=[{"sample_id": "a", "relations": [{"related_samples": ["of a relative"]}]}]),
        ],
        [
            hub(samples=[{"sample_id": "a"}], sequences=[{"sample_id": "b"}]),
            hub(sequences=[{}], variants=[{"sequence_id": "b"}]),
            hub(diagnoses=[{}, {"tnm_classifications": [{"sample_id": "a"}]}]),
        ],
        [hub(), hub(samples=[{}], sequences=[{}], variants=[{}])],
    ),
    "plausibility.duplicate-feature": (
        [features(feature("HP:0001250"), feature("HP:0001166"))],
        [features(feature("HP:0001250"), feature("HP:0001275"))],  # an alternative id of the same term
        [hub(), features(feature("HP:0001250"), {"type": {"null_flavor": "UNK"}})],
    ),
    "plausibility.observed-and-excluded": (
        [features(feature("HP:0001250"), feature("HP:0001166", **OFF))],
        [features(feature("HP:0001250"), feature("HP:0001250", **OFF))],
        [features(feature("HP:0001250"))],
    ),
    "plausibility.term-beside-ancestor": (
        [features(feature("HP:0002069"), feature("HP:0001166"))],
        [features(feature("HP:0002069"), feature("HP:0001250"))],
        [features(feature("HP:0002069"))],
    ),
    "plausibility.excluded-ancestor": (
        [
            features(feature("HP:0001250"), feature("HP:0002069", **OFF))
        ],  # a general term present, a special one excluded
        [features(feature("HP:0002069"), feature("HP:0001250", **OFF))],
        [features(feature("HP:0002069"))],
    ),
    "plausibility.redundant-exclusion": (
        [features(feature("HP:0001166", **OFF), feature("HP:0001250", **OFF))],
        [features(feature("HP:0002069", **OFF), feature("HP:0001250", **OFF))],
        [features(feature("HP:0002069", **OFF))],
    ),
}


@pytest.mark.parametrize("rule_id", HUB_RULES)
def test_rules_on_hub_records(rule_id: str) -> None:
    holds, broken, not_applicable = HUB_RULES[rule_id]
    for record in (*holds, *not_applicable):
        assert rule_id not in {v.rule for v in check_record(hub_object(record), TERMINOLOGIES)}, record
    for record in broken:
        found = [v for v in check_record(hub_object(record), TERMINOLOGIES) if v.rule == rule_id]
        assert len(found) == 1, record
        assert _at(record, found[0].path) is not None


def _at(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


CODE_RULES = {
    "terms.unknown": ("HP:0001250", "HP:9999999", "ATC:A01AA01"),
    "terms.obsolete": ("HP:0410379", "HP:0410382", "ATC:A01AA01"),
    "terms.alternative-id": ("HP:0001250", "HP:0001275", "ATC:A01AA01"),
    "terms.not-checked": ("HP:0001250", "NCIT:C99999999", "HP:9999999"),
}


@pytest.mark.parametrize("rule_id", CODE_RULES)
def test_rules_on_codes(rule_id: str) -> None:
    holds, broken, other = CODE_RULES[rule_id]
    assert code_problem(holds, None, TERMINOLOGIES) is None
    problem = code_problem(broken, None, TERMINOLOGIES)
    assert problem is not None and problem.rule == rule_id
    another = code_problem(other, None, TERMINOLOGIES)
    assert another is None or another.rule != rule_id


@pytest.mark.parametrize(
    ("label", "problem"),
    [("Seizure", False), ("seizures", False), ("Epileptic seizure", False), ("Arachnodactyly", True), (None, False)],
)
def test_label_differs(label: str | None, problem: bool) -> None:
    found = code_problem("HP:0001250", label, TERMINOLOGIES)
    assert (found is not None) is problem
    assert found is None or (found.rule == "terms.label-differs" and "Arachno" not in found.message)


def test_an_old_code_beside_its_replacement_is_no_problem() -> None:
    assert code_problem("HP:0410382", None, TERMINOLOGIES, {"HP:0410379", "HP:0410382"}) is None


def converted(record: dict[str, Any]) -> set[str]:
    converter = Converter("eu/ern-cde", targets=["hub"], key=bytes(32))
    return {finding.rule for finding in next(converter.convert([{"pid": "1", **record}])).findings}


CONVERSION_RULES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "terms.unknown": (
        {"phenotype": [{"valueIRI": f"{OBO}HP_0001250"}]},
        {"phenotype": [{"valueIRI": f"{OBO}HP_9999999"}]},
        {"diagnosis": [{"valueIRI": "http://www.orpha.net/ORDO/Orphanet_558"}]},
    ),
    "terms.obsolete": (
        {"phenotype": [{"valueIRI": f"{OBO}HP_0001250"}]},
        {"phenotype": [{"valueIRI": f"{OBO}HP_0410382"}]},
        {},
    ),
    "terms.wrong-system": (
        {"phenotype": [{"valueIRI": f"{OBO}HP_0001250"}]},
        {"phenotype": [{"valueIRI": f"{OBO}MONDO_0007947"}]},
        {"phenotype": [{"valueIRI": "seizure"}]},
    ),
    "privacy.consent-unreadable": (
        {"consent": [{"valueIRI": f"{OBO}DUO_0000042", "value": "yes"}]},
        {"consent": [{"valueIRI": f"{OBO}DUO_0000042", "value": "perhaps"}]},
        {"consent": [{"valueIRI": f"{OBO}DUO_0000042"}]},
    ),
    "source.free-text": (
        {"genetic": [{"rows": [{"value": "NM_000138.5:c.3037G>A"}]}]},
        {"genetic": [{"rows": [{"value": "as in the letter of the clinic"}]}]},
        {"genetic": [{"rows": [{"value": "rs137854480"}]}]},
    ),
    "privacy.consent-not-stated": (
        {"consent": [{"valueIRI": f"{OBO}DUO_0000042", "value": "true"}]},
        {},
        {"consent": [{"valueIRI": f"{OBO}DUO_0000042", "value": "false"}]},
    ),
    "privacy.consent-refused": (
        {"consent": [{"valueIRI": f"{OBO}DUO_0000042", "value": "true"}]},
        {"consent": [{"valueIRI": f"{OBO}DUO_0000042", "value": "false"}]},
        {"consent": [{"valueIRI": f"{OBO}OBIB_0000488", "value": "false"}]},
    ),
}


@pytest.mark.parametrize("rule_id", CONVERSION_RULES)
def test_rules_on_the_way(rule_id: str) -> None:
    holds, broken, not_applicable = CONVERSION_RULES[rule_id]
    assert rule_id not in converted(holds)
    assert rule_id in converted(broken)
    assert rule_id not in converted(not_applicable)


PACKET: dict[str, Any] = {
    "id": "packet",
    "subject": {"id": "p", "timeAtLastEncounter": {"age": {"iso8601duration": "P10Y"}}},
    "phenotypicFeatures": [{"type": {"id": "HP:0001250", "label": "Seizure"}}],
    "interpretations": [
        {
            "id": "i",
            "diagnosis": {
                "disease": {"id": "HP:0001250", "label": "Seizure"},
                "genomicInterpretations": [{"subjectOrBiosampleId": "p", "variantInterpretation": {}}],
            },
        }
    ],
    "metaData": {
        "created": "2026-01-01T00:00:00Z",
        "createdBy": "x",
        "phenopacketSchemaVersion": "2.0",
        "resources": [
            {
                "id": "hp",
                "name": "HPO",
                "url": "u",
                "version": "v",
                "namespacePrefix": "HP",
                "iriPrefix": "http://purl.obolibrary.org/obo/HP_",
            }
        ],
    },
}


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """*document* with another value at *path*; None removes it."""
    made = copy.deepcopy(document)
    *parents, last = path.split("/")
    holder: Any = made
    for part in parents:
        holder = holder[int(part)] if isinstance(holder, list) else holder[part]
    if value is None:
        del holder[last]
    else:
        holder[last] = value
    return made


PACKET_MUTANTS = [
    ("target.phenopackets-schema", "subject/nickname", "x", "/subject"),
    ("target.phenopackets-schema", "subject/sex", "FEMININE", "/subject/sex"),
    ("target.phenopackets-schema", "subject/timeAtLastEncounter", {"age": {}, "timestamp": "2020-01-01T00:00:00Z"}, "/subject/timeAtLastEncounter"),
    ("target.phenopackets-schema", "metaData/created", "2026-01-01", "/metaData/created"),
    ("target.phenopackets-required", "id", None, "/id"),
    ("target.phenopackets-required", "metaData/createdBy", None, "/metaData/createdBy"),
    ("target.phenopackets-resource", "metaData/resources", [], "/phenotypicFeatures/0/type/id"),
    ("target.phenopackets-duration", "subject/timeAtLastEncounter/age/iso8601duration", "P10Q", "/subject/timeAtLastEncounter/age/iso8601duration"),
    (
        "target.phenopackets-reference",
        "interpretations/0/diagnosis/genomicInterpretations/0/subjectOrBiosampleId",
        "nobody",
        "/interpretations/0/diagnosis/genomicInterpretations/0/subjectOrBiosampleId",
    ),
    ("target.phenopackets-required", "medicalActions", [{"radiationTherapy": {"modality": {"id": "HP:0001250", "label": "Seizure"}}}], "/medicalActions/0/radiationTherapy/bodySite"),
    ("target.phenopackets-required", "biosamples", [{"id": "b", "procedure": {}}], "/biosamples/0/procedure/code"),
    ("terms.unknown", "phenotypicFeatures/0/type/id", "HP:9999999", "/phenotypicFeatures/0/type/id"),
]  # fmt: skip


@pytest.mark.parametrize(("rule_id", "path", "value", "where"), PACKET_MUTANTS)
def test_rules_on_packets(rule_id: str, path: str, value: Any, where: str) -> None:
    assert list(check_packet(PACKET, TERMINOLOGIES)) == []
    found = [v for v in check_packet(changed(PACKET, path, value), TERMINOLOGIES) if v.rule == rule_id]
    assert where in {v.path for v in found}, found


OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o",
    "meta": {"profile": ["http://hl7.org/fhir/uv/phenomics-exchange/StructureDefinition/phenotype|1.0.0-ballot"]},
    "status": "final",
    "code": {"coding": [{"system": "http://human-phenotype-ontology.org", "code": "HP:0001250", "display": "Seizure"}]},
    "subject": {"reference": "Patient/p"},
    "valueCodeableConcept": {"coding": [{"system": "http://loinc.org", "code": "LA9633-4", "display": "Present"}]},
}
OBSERVATION_MUTANTS = [
    ("target.fhir-r4-schema", "status", None),
    ("target.fhir-r4-schema", "colour", "red"),
    ("target.fhir-r4-schema", "note", []),
    ("target.fhir-r4-reference", "subject/reference", "Patient/nobody"),
    ("target.fhir-r4-reference", "subject/reference", "Patient p"),
    ("target.fhir-r4-invariant", "subject/reference", "Organization/p"),
    ("target.fhir-r4-invariant", "valueString", "x"),
    ("target.fhir-r4-invariant", "dataAbsentReason", {"text": "x"}),
    ("target.fhir-r4-profile", "valueCodeableConcept", {"text": "yes"}),
    ("target.fhir-r4-type", "resourceType", "Observatory"),
    ("terms.label-differs", "code/coding/0/display", "Arachnodactyly"),
]


@pytest.mark.parametrize(("rule_id", "path", "value"), OBSERVATION_MUTANTS)
def test_rules_on_resources(rule_id: str, path: str, value: Any) -> None:
    def known(key: str) -> bool:
        return key in ("Patient/p", "Organization/p")

    if "coding/0" in path:
        mutant = copy.deepcopy(OBSERVATION)
        mutant["code"]["coding"][0]["display"] = value
    else:
        mutant = changed(OBSERVATION, path, value)
    assert list(check_resource(OBSERVATION, known, TERMINOLOGIES)) == []
    assert rule_id in {v.rule for v in check_resource(mutant, known, TERMINOLOGIES)}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"schema_version": "0.1.0"},
        hub(colour="red"),
        hub(birth_date={"value": "1990-13-01"}),
        hub(birth_date=day("1990") | {"precision": "hour"}),
    ],
)
def test_hub_structure(document: dict[str, Any], tmp_path: Any) -> None:
    import json

    (tmp_path / "good.json").write_text(json.dumps(hub(birth_date=day("1990"))))
    (tmp_path / "bad.json").write_text(json.dumps(document))
    assert validate(tmp_path / "good.json", "hub").counts == {}
    assert "hub.structure" in validate(tmp_path / "bad.json", "hub").counts


def test_every_rule_has_a_whole_text() -> None:
    for known in rules().values():
        assert known.family in FAMILIES
        assert all(
            len(text) > 10 for text in (known.title, known.what, known.why, known.how, known.mend, known.means)
        ), known.id
    with pytest.raises(UnknownNameError, match="Did you mean"):
        rule("terms.obsolet")


def test_every_rule_that_code_names_exists_and_every_rule_is_named() -> None:
    import re
    from pathlib import Path

    import harmonize

    text = "".join(p.read_text() for p in Path(harmonize.__file__).parent.rglob("*.py"))
    families = "source|terms|mapping|hub|target|plausibility|privacy|internal|dataset"
    named = set(re.findall(rf'"((?:{families})\.[a-z][a-z0-9-]*[a-z0-9])"', text))
    named |= {f"dataset.{level}-missing" for level in LEVELS}  # made of the level
    assert set(rules()) - named == set(), "rules that nothing uses"
    assert named - set(rules()) <= {"source.yaml", "map.yaml"}, "rules without a text"


def test_said_once(tmp_path: Any) -> None:
    from tests.registry import convert, make_registry

    run = convert(make_registry(tmp_path / "in", subjects=20).folder, tmp_path / "out", targets=("hub",))
    said = [f["message"] for f in run.findings(info=True) if f["rule"] == "terms.not-checked"]
    assert len(said) == len(set(said)) and any(message.startswith("ORPHA") for message in said)


RESOURCE_MUTANTS = [
    ("target.fhir-r4-invariant", {"resourceType": "MedicationStatement", "status": "unknown", "subject": {"reference": "Patient/p"}}, "/medication"),
    ("target.fhir-r4-schema", {"resourceType": "MedicationStatement", "medicationCodeableConcept": {"text": "x"}, "subject": {"reference": "Patient/p"}}, "/status"),
    ("target.fhir-r4-schema", {"resourceType": "DeviceUseStatement", "subject": {"reference": "Patient/p"}, "device": {"reference": "Device/d"}}, "/status"),
    ("target.fhir-r4-schema", {"resourceType": "EpisodeOfCare", "status": "unknown", "patient": {"reference": "Patient/p"}}, "/status"),
    ("target.fhir-r4-schema", {"resourceType": "EpisodeOfCare", "status": "active"}, "/patient"),
    ("target.fhir-r4-invariant", {"resourceType": "DeviceUseStatement", "status": "active", "subject": {"reference": "Patient/p"}, "device": {"reference": "Patient/p"}}, "/device/reference"),
    ("target.fhir-r4-invariant", {"resourceType": "Device", "patient": {"reference": "Group/g"}}, "/patient/reference"),
    ("target.fhir-r4-invariant", {"resourceType": "EpisodeOfCare", "status": "active", "patient": {"reference": "Patient/p"}, "diagnosis": [{"condition": {"reference": "Procedure/p"}}]}, "/diagnosis/0/condition/reference"),
    ("target.fhir-r4-invariant", {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "referenceRange": [{"type": {"text": "x"}}]}, "/referenceRange/0"),
    ("target.fhir-r4-invariant", {"resourceType": "Condition", "subject": {"reference": "Patient/p"}, "abatementDateTime": "1999"}, "/abatement"),
    ("target.fhir-r4-invariant", {"resourceType": "Condition", "subject": {"reference": "Patient/p"}, "stage": [{"type": {"text": "TNM"}}]}, "/stage/0"),
]  # fmt: skip


@pytest.mark.parametrize(("rule_id", "resource", "path"), RESOURCE_MUTANTS)
def test_rules_on_other_resources(rule_id: str, resource: dict[str, Any], path: str) -> None:
    found = {(violation.rule, violation.path) for violation in check_resource(resource, None, TERMINOLOGIES)}
    assert (rule_id, path) in found
