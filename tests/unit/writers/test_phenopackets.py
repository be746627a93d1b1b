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
