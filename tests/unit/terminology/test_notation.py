"""Notation of code systems: spellings in, one canonical code out; the system is stated, never guessed."""

from __future__ import annotations

import pytest

from harmonize.terminology.notation import Code, NotACode, load_systems

SYSTEMS = load_systems()


@pytest.mark.parametrize(
    ("text", "system", "code"),
    [
        ("HP:0001250", "HP", "HP:0001250"), (" HP_0001250 ", "HP", "HP:0001250"), ("0001250", "HP", "HP:0001250"),
        ("http://purl.obolibrary.org/obo/HP_0001250", "HP", "HP:0001250"), ("https://purl.obolibrary.org/obo/HP_0001250", "HP", "HP:0001250"),
        ("ORPHA:558", "ORPHA", "ORPHA:558"), ("Orphanet_558", "ORPHA", "ORPHA:558"), ("http://www.orpha.net/ORDO/Orphanet_558", "ORPHA", "ORPHA:558"),
        ("HGNC:3603", "HGNC", "HGNC:3603"), ("3603", "HGNC", "HGNC:3603"), ("Q87.4", "ICD10CM", "ICD10CM:Q87.4"),
    ],
)  # fmt: skip
def test_spellings(text: str, system: str, code: str) -> None:
    assert str(SYSTEMS.parse(text, system)) == code


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ("HP:001", "HP"),
        ("MONDO:0007947", "HP"),
        ("", "HP"),
        ("HP:0001250 x", "HP"),
        ("Orphanet 558", "ORPHA"),
        ("x" * 600, "HP"),
    ],
)
def test_what_is_no_code_has_a_reason(text: str, system: str) -> None:
    answer = SYSTEMS.parse(text, system)
    assert isinstance(answer, NotACode) and answer.reason and (not text or text not in answer.reason)


def test_an_iri_says_its_system() -> None:
    assert SYSTEMS.parse_iri("http://purl.obolibrary.org/obo/MONDO_0007947", ("HP", "MONDO")) == Code(
        "MONDO", "0007947"
    )
    assert isinstance(SYSTEMS.parse_iri("0001250", ("HP",)), NotACode), "a bare number has no system"
    assert isinstance(SYSTEMS.parse_iri("http://purl.obolibrary.org/obo/MONDO_0007947", ("HP",)), NotACode)


def test_every_system_says_how_targets_name_it() -> None:
    for system in SYSTEMS.values():
        assert system.phenopackets.url and system.phenopackets.iri_prefix and system.licence and system.source
        assert system.fhir is None or system.fhir.uri.startswith(("http", "urn"))


def test_a_vocabulary_of_omop_is_one_system() -> None:
    names = [name for system in SYSTEMS.values() for name in system.omop]
    assert len(names) == len(set(names)) >= 12
    assert SYSTEMS.of_omop("RxNorm") == "RXNORM" and SYSTEMS.of_omop("ICD9Proc") == "ICD9CM"
    assert SYSTEMS.of_omop("Visit") is None


@pytest.mark.parametrize(
    ("text", "system", "good"),
    [
        ("310798", "RXNORM", True), ("OMOP1", "RXNORM", False), ("141", "CVX", True), ("0031-0479-62", "NDC", True), ("00310479621", "NDC", True),
        ("0DTJ4ZZ", "ICD10PCS", True), ("0DTI4ZZ", "ICD10PCS", False), ("V30.01", "ICD9CM", True), ("45.13", "ICD9CM", True), ("99213", "CPT4", True),
        ("0001F", "CPT4", True), ("J1885", "HCPCS", True), ("8140/3", "ICDO3", True), ("C50.9", "ICDO3", True), ("8140/3-C50.9", "ICDO3", False),
        ("LOINC:8480-6", "LOINC", False), ("Orphanet_558", "ORPHA", False),
    ],
)  # fmt: skip
def test_local_codes(text: str, system: str, good: bool) -> None:
    assert isinstance(SYSTEMS.parse_local(text, system), Code) is good
