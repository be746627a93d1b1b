"""Phenopackets from hub records: what is written, in which form, and what is said of the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from phenopackets.schema.v2.phenopackets_pb2 import Family, Phenopacket

from tests.rich_record import RICH, code, coded, day, write


def packet(**slots: Any) -> dict[str, Any]:
    record = {"schema_version": "0.1.0", "subject_id": "s", **slots}
    made: dict[str, Any] = json.loads(write("phenopackets", record)[0][0].line)
    return made


def losses(**slots: Any) -> list[tuple[str, str]]:
    record = {"schema_version": "0.1.0", "subject_id": "s", **slots}
    return [(loss.slot, loss.outcome.value) for loss in write("phenopackets", record)[1].losses]


def test_a_known_day_becomes_its_midnight_and_less_becomes_a_loss() -> None:
    assert packet(birth_date=day("1990-02-28"))["subject"]["dateOfBirth"] == "1990-02-28T00:00:00Z"
    assert "dateOfBirth" not in packet(birth_date=day("1990-02"))["subject"]
    assert losses(birth_date=day("1990-02")) == [("birth_date", "dropped")]
    assert losses(birth_date=day("1990-02-28", estimated=True)) == [("birth_date", "coarsened")]


@pytest.mark.parametrize(
    ("born", "sex"),
    [("BIRTHSEX:F", "FEMALE"), ("BIRTHSEX:M", "MALE"), ("BIRTHSEX:OTH", "OTHER_SEX"), ("BIRTHSEX:UNK", None)],
)
def test_sex(born: str, sex: str | None) -> None:
    assert packet(sex_at_birth=coded(code(born)))["subject"].get("sex") == sex


UNKNOWN = {"null_flavor": "UNK"}


@pytest.mark.parametrize(
    ("vital", "status"),
    [
        ({"status": UNKNOWN, "cause_of_death": UNKNOWN}, None),
        ({"cause_of_death": UNKNOWN}, None),
        ({"cause_of_death": coded(code("ICD10CM:I10"))}, "DECEASED"),
        ({"status": UNKNOWN, "age_at_death": "P50Y"}, "DECEASED"),
        ({"status": coded(code("VITALSTATUS:alive")), "date_of_death": day("2020-01-01")}, "DECEASED"),
        ({"status": coded(code("VITALSTATUS:unknown")), "date_of_death": day("2020-01-01")}, "DECEASED"),
        ({"status": coded(code("VITALSTATUS:unknown")), "cause_of_death": coded(code("ICD10CM:I10"))}, None),
    ],
)
def test_nobody_is_dead_of_an_unknown_cause(vital: dict[str, Any], status: str | None) -> None:
    assert packet(vital_status=vital)["subject"].get("vitalStatus", {}).get("status") == status


@pytest.mark.parametrize("certainty", ["provisional", "differential", "unconfirmed"])
def test_a_diagnosis_that_is_not_confirmed_is_a_loss_of_its_own(certainty: str) -> None:
    assert ("certainty", "coarsened") in losses(
        diagnoses=[{"disease": coded(code("MONDO:0007947")), "certainty": certainty}]
    )


@pytest.mark.parametrize(
    ("status", "written"), [("final", 1), ("cancelled", 0), ("entered-in-error", 0), ("amended", 1)]
)
def test_results_that_do_not_hold_are_left_out(status: str, written: int) -> None:
    measurement = {"assay": coded(code("LOINC:2160-0")), "value": {"value": "1", "unit": "mg/dL"}, "status": status}
    assert len(packet(measurements=[measurement]).get("measurements", ())) == written


def test_excluded_and_observed() -> None:
    made = packet(
        phenotypic_features=[{"type": coded(code("HP:0001250", "Seizure")), "excluded": flag} for flag in (True, False)]
    )
    assert [feature.get("excluded") for feature in made["phenotypicFeatures"]] == [True, None]


def test_every_prefix_has_a_resource_with_its_edition() -> None:
    made = json.loads(write("phenopackets")[0][0].line)
    resources = {r["namespacePrefix"]: r["version"] for r in made["metaData"]["resources"]}
    assert resources["HP"] == "2026-02-16" and resources["ORPHA"] == "not stated"
    text = json.dumps(made)
    for prefix in ("HP", "ORPHA", "UCUM", "HGNC", "GENO", "CLINVAR", "LOINC", "NCIT"):
        assert (f'"{prefix}:' in text) == (prefix in resources), prefix


def test_a_code_without_label_is_its_own_label() -> None:
    term = packet(diagnoses=[{"disease": coded(code("ORPHA:558"))}])["diseases"][0]["term"]
    assert term == {"id": "ORPHA:558", "label": "ORPHA:558"}


def test_of_several_stated_codes_one_is_written_and_the_others_are_a_loss() -> None:
    both = coded(code("ORPHA:558"), code("ICD10:Q87.4"))
    assert packet(diagnoses=[{"disease": both}])["diseases"][0]["term"]["id"] == "ORPHA:558"
    assert losses(diagnoses=[{"disease": both}]) == [("disease", "coarsened")]


def test_numbers_and_units() -> None:
    quantity = {"value": "72.50", "unit": "mg/dL"}
    made = packet(measurements=[{"assay": coded(code("LOINC:2160-0")), "value": quantity}])["measurements"][0]
    assert made["value"]["quantity"] == {"unit": {"id": "UCUM:mg/dL", "label": "mg/dL"}, "value": 72.5}
    assert losses(measurements=[{"assay": coded(code("LOINC:1-8")), "value": {"value": "1e999"}}])[0] == (
        "value",
        "dropped",
    )


def test_coordinates_only_as_stated() -> None:
    vcf = {"assembly": "GRCh38", "chromosome": "15", "position": 48487153, "reference": "C", "alternative": "T"}
    made = packet(variants=[{"vcf": vcf}, {"expressions": [{"hgvs": "NM_000138.5:c.3037G>A", "level": "c"}]}])
    descriptors = [
        g["variantInterpretation"]["variationDescriptor"]
        for g in made["interpretations"][0]["diagnosis"]["genomicInterpretations"]
    ]
    assert descriptors[0]["vcfRecord"]["pos"] == "48487153" and "vcfRecord" not in descriptors[1]
    assert descriptors[1]["expressions"] == [{"syntax": "hgvs.c", "value": "NM_000138.5:c.3037G>A"}]


def test_a_family_where_there_is_a_pedigree() -> None:
    documents, _ = write("phenopackets")
    assert [d.stem for d in documents] == ["phenopackets", "families"]
    family = json.loads(documents[1].line)
    assert family["proband"] == json.loads(documents[0].line) and family["consanguinousParents"] is True
    assert {person["individualId"] for person in family["pedigree"]["persons"]} >= {"father-1", "mother-1"}
    assert MessageToDict(ParseDict(family, Family())) == family


def test_who_is_in_the_pedigree() -> None:
    """Not who was entered in error; and of two natural mothers the first is the mother, of the other it is said."""

    def mother(name: str, **more: Any) -> dict[str, Any]:
        return {"individual_id": name, "relationship": coded(code("ROLECODE:NMTH")), **more}

    wrong = mother("m0", record_status="entered-in-error")
    slots = {"pedigree": {"family_id": "f", "members": [wrong, mother("m1"), mother("m2")]}}
    record = {"schema_version": "0.1.0", "subject_id": "s", **slots}
    persons = json.loads(write("phenopackets", record)[0][1].line)["pedigree"]["persons"]
    assert [person["individualId"] for person in persons] == ["s", "m1", "m2"]
    assert persons[0]["maternalId"] == "m1"
    assert losses(**slots) == [("*", "dropped"), ("relationship", "dropped")]


PARTS = st.fixed_dictionaries(
    {}, optional={name: st.just(value) for name, value in RICH.items() if name not in ("schema_version", "subject_id")}
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts=PARTS, amount=st.from_regex(r"-?[0-9]{1,20}([.][0-9]{1,20})?", fullmatch=True), text=st.text(max_size=20))
def test_protobuf_gives_any_packet_back(parts: dict[str, Any], amount: str, text: str) -> None:
    measured = {"assay": coded(code("LOINC:2160-0")), "value": {"value": amount, "unit": "mg/dL"}}
    variant = {"expressions": [{"text": text}]}
    made = packet(**{**parts, "measurements": [measured], "variants": [variant]})
    assert MessageToDict(ParseDict(made, Phenopacket())) == made


@pytest.mark.parametrize(
    ("hgvs", "record"),
    [
        ("NC_000017.11:g.43092919G>A", ("GRCh38", "17", "43092919", "G", "A")),
        ("NC_000023.10:g.100A>T", ("GRCh37", "X", "100", "A", "T")),
        ("NC_000017.99:g.43092919G>A", None),  # an edition that is no assembly
        ("NC_000017.11:g.43092919del", None),  # no substitution
        ("NG_012232.1:g.954966C>T", None),  # no chromosome
    ],
)
def test_a_genomic_substitution_has_coordinates(hgvs: str, record: tuple[str, ...] | None) -> None:
    made = packet(variants=[{"expressions": [{"hgvs": hgvs, "level": "g"}]}])
    descriptor = made["interpretations"][0]["diagnosis"]["genomicInterpretations"][0]["variantInterpretation"][
        "variationDescriptor"
    ]
    found = descriptor.get("vcfRecord")
    assert (tuple(found.values()) if found else None) == record


@pytest.mark.parametrize(("gene", "context", "xrefs"), [(None, "HGNC:3603", None), ("HGNC:1", "HGNC:1", ["HGNC:3603"])])
def test_a_reference_to_a_gene_is_the_gene(gene: str | None, context: str, xrefs: list[str] | None) -> None:
    stated = {} if gene is None else {"gene": coded(code(gene))}
    variant = {"expressions": [{"reference": coded(code("HGNC:3603", "FBN1"))}], **stated}
    (made,) = packet(variants=[variant])["interpretations"][0]["diagnosis"]["genomicInterpretations"]
    descriptor = made["variantInterpretation"]["variationDescriptor"]
    assert descriptor["geneContext"]["valueId"] == context and descriptor.get("xrefs") == xrefs


def test_an_interpretation_names_the_only_disease_or_none() -> None:
    variant = [{"expressions": [{"hgvs": "NM_000138.5:c.3037G>A", "level": "c"}]}]
    one, two = (
        [{"disease": coded(code("ORPHA:558"))}],
        [{"disease": coded(code(c))} for c in ("ORPHA:558", "ORPHA:399")],
    )
    assert packet(variants=variant, diagnoses=one)["interpretations"][0]["diagnosis"]["disease"]["id"] == "ORPHA:558"
    made = packet(variants=variant, diagnoses=two)
    assert made["interpretations"][0]["diagnosis"]["disease"]["id"] == "MONDO:0000001"
    assert "MONDO" in {resource["namespacePrefix"] for resource in made["metaData"]["resources"]}


@pytest.mark.parametrize("denied", [{"certainty": "entered_in_error"}, {"certainty": "refuted"}, {"excluded": True}])
def test_a_disease_that_nobody_has_is_not_the_only_one(denied: dict[str, Any]) -> None:
    """Neither what a variant explains nor what the first symptoms were of."""
    variant = [{"expressions": [{"hgvs": "NM_000138.5:c.3037G>A", "level": "c"}]}]
    had, other = {"disease": coded(code("ORPHA:558"))}, {"disease": coded(code("ORPHA:399")), **denied}
    first = [{"age": "P3Y"}]
    made = packet(variants=variant, diagnoses=[other, had], symptom_onsets=first)
    assert made["interpretations"][0]["diagnosis"]["disease"]["id"] == "ORPHA:558"
    assert [d["term"]["id"] for d in made["diseases"] if "onset" in d] == ["ORPHA:558"]
    made = packet(variants=variant, diagnoses=[other])
    assert made["interpretations"][0]["diagnosis"]["disease"]["id"] == "MONDO:0000001"


DRUG, ORAL, REGIMEN = (
    coded(code("NCIT:C66869", "Losartan")),
    coded(code("NCIT:C38288", "Oral")),
    coded(code("NCIT:C15313", "Radiotherapy")),
)
TREATMENT = {
    "agents": [DRUG],
    "routes_of_administration": [ORAL],
    "start_date": day("2014-01-02"),
    "days_supply": "P90D",
    "quantity": {"value": "9"},
}
EPISODE = {"kind": "treatment", "object": REGIMEN, "start_date": day("2014-01-02"), "end_date": day("2014-03")}
ACTIONS: list[tuple[str, dict[str, Any], dict[str, Any] | None, set[tuple[str, str]]]] = [
    (
        "treatments",
        TREATMENT,
        {"treatment": {"agent": {"id": "NCIT:C66869", "label": "Losartan"}, "routeOfAdministration": {"id": "NCIT:C38288", "label": "Oral"}}},
        {("start_date", "dropped")},
    ),
    ("treatments", {"agents": [{"text": "a drug"}]}, None, {("agents", "dropped"), ("*", "dropped")}),
    (
        "clinical_episodes",
        EPISODE,
        {"therapeuticRegimen": {"ontologyClass": {"id": "NCIT:C15313", "label": "Radiotherapy"}, "startTime": {"timestamp": "2014-01-02T00:00:00Z"}}},
        {("end_date", "dropped")},
    ),
    ("clinical_episodes", {"kind": "treatment", "type": DRUG}, {"therapeuticRegimen": {"ontologyClass": {"id": "NCIT:C66869", "label": "Losartan"}}}, set()),
    (
        "clinical_episodes",
        {"kind": "treatment", "type": DRUG, "object": REGIMEN},
        {"therapeuticRegimen": {"ontologyClass": {"id": "NCIT:C15313", "label": "Radiotherapy"}}},
        {("type", "dropped")},
    ),
    ("clinical_episodes", {"kind": "disease", "object": REGIMEN}, None, {("*", "dropped")}),
    ("clinical_episodes", {"object": REGIMEN}, None, {("*", "dropped")}),
    ("clinical_episodes", {"kind": "treatment", "object": {"null_flavor": "UNK"}}, None, {("object", "dropped"), ("*", "dropped")}),
    (
        "procedures",
        {"code": REGIMEN, "date": day("2014-01-02"), "end_date": day("2014-01-09")},
        {"procedure": {"code": {"id": "NCIT:C15313", "label": "Radiotherapy"}, "performed": {"interval": {"start": "2014-01-02T00:00:00Z", "end": "2014-01-09T00:00:00Z"}}}},
        set(),
    ),
    (
        "procedures",
        {"code": REGIMEN, "date": day("2014-01-02"), "end_date": day("2014")},
        {"procedure": {"code": {"id": "NCIT:C15313", "label": "Radiotherapy"}, "performed": {"timestamp": "2014-01-02T00:00:00Z"}}},
        {("end_date", "dropped")},
    ),
    (
        "procedures",
        {"code": REGIMEN, "end_date": day("2014-01-09")},
        {"procedure": {"code": {"id": "NCIT:C15313", "label": "Radiotherapy"}}},
        {("end_date", "dropped")},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("collection", "item", "action", "lost"), ACTIONS)
def test_medical_actions(
    collection: str, item: dict[str, Any], action: dict[str, Any] | None, lost: set[tuple[str, str]]
) -> None:
    slots: dict[str, Any] = {collection: [item]}
    assert packet(**slots).get("medicalActions") == (None if action is None else [action])
    assert set(losses(**slots)) == lost


def test_the_status_of_a_regimen_is_a_default_that_is_counted() -> None:
    record = {"schema_version": "0.3.0", "subject_id": "s", "clinical_episodes": [EPISODE]}
    assert write("phenopackets", record)[1].defaulted["medicalActions.therapeuticRegimen.regimenStatus"] == 1


def test_a_disease_that_ended_is_resolved() -> None:
    ended = {"disease": coded(code("ORPHA:558")), "end_date": day("1999-09-09")}
    assert packet(diagnoses=[ended])["diseases"][0]["resolution"] == {"timestamp": "1999-09-09T00:00:00Z"}
    assert losses(diagnoses=[{**ended, "end_date": day("1999")}]) == [("end_date", "dropped")]


MILLIGRAM = {"id": "UCUM:mg/dL", "label": "mg/dL"}


@pytest.mark.parametrize(
    ("bounds", "written", "lost"),
    [
        ({"reference_low": "0.60", "reference_high": "1.20"}, {"unit": MILLIGRAM, "low": 0.6, "high": 1.2}, []),
        ({"reference_low": "0", "reference_high": "5"}, {"unit": MILLIGRAM, "high": 5.0}, []),  # 0 is the default
        ({"reference_low": "0.60"}, None, [("reference_low", "dropped")]),
        ({"reference_low": "1", "reference_high": "1e999"}, None, [("reference_low", "dropped"), ("reference_high", "dropped")]),
        ({"reference_low": "1", "reference_high": "0.12345678901234567890"}, {"unit": MILLIGRAM, "low": 1.0, "high": 0.12345678901234568}, [("reference_high", "coarsened")]),
    ],
)  # fmt: skip
def test_reference_ranges(bounds: dict[str, str], written: dict[str, Any] | None, lost: list[tuple[str, str]]) -> None:
    measurement = {"assay": coded(code("LOINC:2160-0")), "value": {"value": "1", "unit": "mg/dL"}, **bounds}
    made = packet(measurements=[measurement])["measurements"][0]["value"]["quantity"]
    assert made.get("referenceRange") == written
    assert losses(measurements=[measurement]) == lost


def test_a_code_has_no_reference_range() -> None:
    measurement = {"assay": coded(code("LOINC:2160-0")), "coded_value": DRUG, "reference_low": "1"}
    assert losses(measurements=[measurement]) == [("reference_low", "dropped")]
