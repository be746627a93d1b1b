"""Variants after HL7 Genomics Reporting 3.0.0: the profiles `variant` and `diagnostic-implication`.

Source: http://hl7.org/fhir/uv/genomics-reporting, release 3.0.0, CGFindings.fsh and CGImplications.fsh; codes and answer
lists are LOINC's. The codes of the chromosomes are those of answer list LL2938-0.
"""

from __future__ import annotations

from typing import Any

from harmonize.findings import Outcome
from harmonize.hub.objects import HubObject, local_code
from harmonize.writers.fhir.clinical import PRESENT
from harmonize.writers.fhir.datatypes import HGVS, LOINC, concept, fixed
from harmonize.writers.fhir.sheet import Sheet

_IG = "http://hl7.org/fhir/uv/genomics-reporting"
VARIANT_PROFILE = f"{_IG}/StructureDefinition/variant|3.0.0"
IMPLICATION_PROFILE = f"{_IG}/StructureDefinition/diagnostic-implication|3.0.0"
CATEGORY = [
    concept("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory", "Laboratory"),
    concept("http://terminology.hl7.org/CodeSystem/v2-0074", "GE", "Genetics"),
]
VARIANT_CODE = fixed(LOINC, "69548-6", "Genetic variant assessment")
IMPLICATION_CODE = fixed(f"{_IG}/CodeSystem/tbd-codes-cs", "diagnostic-implication", "Diagnostic Implication")
GENE_STUDIED = fixed(LOINC, "48018-6", "Gene studied [ID]")
CODING_HGVS = fixed(LOINC, "48004-6", "DNA change (c.HGVS)")
GENOMIC_HGVS = fixed(LOINC, "81290-9", "Genomic DNA change (gHGVS)")
PROTEIN_HGVS = fixed(LOINC, "48005-3", "Amino acid change (pHGVS)")
VARIATION_CODE = fixed(LOINC, "81252-9", "Discrete genetic variant")
CHANGE_TYPE = fixed(LOINC, "48019-4", "DNA change type")
SOURCE_CLASS = fixed(LOINC, "48002-0", "Genomic source class")
ALLELIC_STATE = fixed(LOINC, "53034-5", "Allelic state")
ASSEMBLY = fixed(LOINC, "62374-4", "Human reference sequence assembly")
CHROMOSOME = fixed(LOINC, "48000-4", "Chromosome")
COORDINATE_SYSTEM = fixed(LOINC, "92822-6", "Genomic coord system")
EXACT_START_END = fixed(LOINC, "81254-5", "Genomic allele start-end")
REF_ALLELE = fixed(LOINC, "69547-8", "Ref nucleotide")
ALT_ALLELE = fixed(LOINC, "69551-0", "Alt allele")
PREDICTED_PHENOTYPE = fixed(LOINC, "81259-4", "Associated phenotype")
EVIDENCE_LEVEL = fixed(LOINC, "93044-6", "Level of evidence")
CLINICAL_SIGNIFICANCE = fixed(LOINC, "53037-8", "Genetic variation clinical significance")

_COMPONENT = "/component"
_HGVS_COMPONENTS = {"c": CODING_HGVS, "g": GENOMIC_HGVS, "m": GENOMIC_HGVS, "o": GENOMIC_HGVS, "p": PROTEIN_HGVS}
_ALLELIC_STATES = {  # GENO -> LL381-5
    "GENO:0000136": ("LA6705-3", "homozygous"),
    "GENO:0000135": ("LA6706-1", "heterozygous"),
    "GENO:0000134": ("LA6707-9", "hemizygous"),
    "GENO:0000602": ("LA6704-6", "homoplasmic"),
    "GENO:0000603": ("LA6703-8", "heteroplasmic"),
}
_SOURCE_CLASSES = {  # SO and GENO -> LL378-1
    "SO:0001778": ("LA6683-2", "Germline"),
    "SO:0001777": ("LA6684-0", "Somatic"),
    "GENO:0000888": ("LA6683-2", "Germline"),
    "GENO:0000882": ("LA6684-0", "Somatic"),
}
_ASSEMBLIES = {
    "GRCh37": fixed(LOINC, "LA14029-5", "GRCh37"),
    "GRCh38": fixed(LOINC, "LA26806-2", "GRCh38"),
    "NCBI34": fixed(LOINC, "LA14032-9", "NCBI34"),
    "NCBI35": fixed(LOINC, "LA14031-1", "NCBI35"),
    "NCBI36": fixed(LOINC, "LA14030-3", "NCBI36"),
}
ONE_BASED = fixed(LOINC, "LA30102-0", "1-based character counting")
_SIGNIFICANCES = {  # ACMG classes as NCIT codes (HMD v1.1) -> LL4034-6
    "NCIT:C168799": ("LA6668-3", "Pathogenic"),
    "NCIT:C168800": ("LA26332-9", "Likely pathogenic"),
    "NCIT:C94187": ("LA26333-7", "Uncertain significance"),
    "NCIT:C168801": ("LA26334-5", "Likely benign"),
    "NCIT:C168802": ("LA6675-8", "Benign"),
}
_CHROMOSOME_CODES = (
    "LA21254-0", "LA21255-7", "LA21256-5", "LA21257-3", "LA21258-1", "LA21259-9",
    "LA21260-7", "LA21261-5", "LA21262-3", "LA21263-1", "LA21264-9", "LA21265-6",
    "LA21266-4", "LA21267-2", "LA21268-0", "LA21269-8", "LA21270-6", "LA21271-4",
    "LA21272-2", "LA21273-0", "LA21274-8", "LA21275-5", "LA21276-3", "LA21277-1",
)  # fmt: skip
_CHROMOSOMES = {
    name: fixed(LOINC, code, f"Chromosome {name}")
    for name, code in zip((*map(str, range(1, 23)), "X", "Y"), _CHROMOSOME_CODES, strict=True)
}


def variants(sheet: Sheet) -> None:
    """One Observation per variant, and a diagnostic implication where its ACMG class is stated."""
    for variant in sheet.record.get("variants", ()):
        resource_id = sheet.new_id("Observation/variant", variant)
        sheet.log.default("Observation.status")
        body: dict[str, Any] = {"status": "final", "category": CATEGORY, "code": VARIANT_CODE, "subject": sheet.patient}
        tested = sheet.date(variant, "date", "/effectiveDateTime")
        if tested:
            body["effectiveDateTime"] = tested
        body["valueCodeableConcept"] = PRESENT
        method = sheet.concept(variant, "method", "/method")
        if method:
            body["method"] = method
        components = _components(sheet, variant)
        if components:
            body["component"] = components
        sheet.add("Observation", resource_id, variant, body, VARIANT_PROFILE)
        if {"classification", "interpreted_disease", "evidence_level"} & variant.keys():
            _implication(sheet, variant, resource_id)


def _components(sheet: Sheet, variant: HubObject) -> list[dict[str, Any]]:
    components: list[dict[str, Any]] = []

    def put(code: Any, value: Any, kind: str = "valueCodeableConcept") -> None:
        if value is not None:
            components.append({"code": code, kind: value})

    put(GENE_STUDIED, sheet.concept(variant, "gene", _COMPONENT))
    components += _expressions(sheet, variant)
    put(CHANGE_TYPE, sheet.concept(variant, "type", _COMPONENT))
    put(SOURCE_CLASS, _with_answer(sheet, variant, "origin", _SOURCE_CLASSES))
    put(ALLELIC_STATE, _with_answer(sheet, variant, "zygosity", _ALLELIC_STATES))
    if "vcf" in variant:
        components += _coordinates(sheet, variant["vcf"])
        if variant.get("reference_assembly", variant["vcf"]["assembly"]) != variant["vcf"]["assembly"]:
            message = "the profile has room for one assembly; that of the coordinates is preferred"
            sheet.lost(variant, "reference_assembly", _COMPONENT, message)
    elif "reference_assembly" in variant:
        assembly = variant["reference_assembly"]
        put(ASSEMBLY, _ASSEMBLIES.get(assembly, {"text": assembly}))
    return components


def _with_answer(
    sheet: Sheet, variant: HubObject, slot: str, answers: dict[str, tuple[str, str]]
) -> dict[str, Any] | None:
    """The stated codes, with the answer of LOINC's list beside them: both bindings are extensible."""
    coded = variant.get(slot)
    if coded is None:
        return None
    body, loses = sheet.run.concepts.codings(coded)
    answer = next((answers[c["code"]] for c in coded.get("codings", ()) if c["code"] in answers), None)
    if loses or not (body or answer):
        outcome = Outcome.COARSENED if body or answer else Outcome.DROPPED
        sheet.lost(variant, slot, _COMPONENT, "a code or qualifier has no place in a CodeableConcept", outcome)
    stated = {coding.get("code") for coding in body.get("coding", ()) if coding["system"] == LOINC}
    if answer and answer[0] not in stated:
        coding = {"system": LOINC, "code": answer[0], "display": answer[1]}
        body = {**body, "coding": [coding, *body.get("coding", ())]}
    return body or None


def _expressions(sheet: Sheet, variant: HubObject) -> list[dict[str, Any]]:
    """HGVS at its level (the profile has room for one each) and references to ClinVar, OMIM or dbSNP as variation codes."""
    components: list[dict[str, Any]] = []
    used: set[int] = set()
    for expression in variant.get("expressions", ()):
        code = _HGVS_COMPONENTS.get(expression.get("level", ""))
        if "hgvs" in expression and code is not None and id(code) not in used:
            used.add(id(code))
            value = {"coding": [{"system": HGVS, "code": expression["hgvs"]}]}
            components.append({"code": code, "valueCodeableConcept": value})
        elif "hgvs" in expression:
            message = (
                "the variant profile has no room for a second expression of a level"
                if code
                else "the variant profile has no HGVS of this level"
            )
            sheet.lost(expression, "hgvs", _COMPONENT, message)
        reference = _variation_code(sheet, expression)
        if reference and local_code(expression.get("reference"), "HGNC"):  # a gene is no accession of a variant
            gene = {name: value for name, value in reference.items() if name != "text"}
            components.append({"code": GENE_STUDIED, "valueCodeableConcept": gene})
            reference = {"text": reference["text"]} if "text" in reference else {}
        if reference:
            components.append({"code": VARIATION_CODE, "valueCodeableConcept": reference})
    return components


def _variation_code(sheet: Sheet, expression: HubObject) -> dict[str, Any]:
    """The accession, by its code and by the text of the source; empty where there is neither."""
    made, loses = sheet.run.concepts.codings(expression.get("reference", {}))
    if "reference" in expression and (loses or not made or ("text" in made and "text" in expression)):
        outcome = Outcome.COARSENED if "coding" in made else Outcome.DROPPED
        message = "a code, qualifier or second text has no place in a CodeableConcept"
        sheet.lost(expression, "reference", _COMPONENT, message, outcome)
    return {**made, "text": expression["text"]} if expression.get("text") else made


def _coordinates(sheet: Sheet, vcf: HubObject) -> list[dict[str, Any]]:
    """Coordinates as a VCF record states them: 1-based, the first base is `position`."""
    components: list[dict[str, Any]] = []
    assembly = _ASSEMBLIES.get(vcf["assembly"])
    components.append({"code": ASSEMBLY, "valueCodeableConcept": assembly or {"text": vcf["assembly"]}})
    chromosome = _CHROMOSOMES.get(vcf["chromosome"].removeprefix("chr"))
    if chromosome:
        components.append({"code": CHROMOSOME, "valueCodeableConcept": chromosome})
    else:
        sheet.lost(vcf, "chromosome", _COMPONENT, "it is none of the answers of LOINC LL2938-0")
    bounds = {"low": {"value": vcf["position"]}, "high": {"value": vcf["position"] + len(vcf["reference"]) - 1}}
    components.append({"code": EXACT_START_END, "valueRange": bounds})
    components.append({"code": COORDINATE_SYSTEM, "valueCodeableConcept": ONE_BASED})
    components.append({"code": REF_ALLELE, "valueString": vcf["reference"]})
    components.append({"code": ALT_ALLELE, "valueString": vcf["alternative"]})
    return components


def _implication(sheet: Sheet, variant: HubObject, variant_id: str) -> None:
    """Observation `diagnostic-implication`: what the variant means, derived from the variant."""
    resource_id = sheet.new_id("Observation/diagnostic-implication", variant)
    parts = (
        (CLINICAL_SIGNIFICANCE, _with_answer(sheet, variant, "classification", _SIGNIFICANCES)),
        (PREDICTED_PHENOTYPE, sheet.concept(variant, "interpreted_disease", _COMPONENT)),
        (EVIDENCE_LEVEL, sheet.concept(variant, "evidence_level", _COMPONENT)),
    )
    components = [{"code": code, "valueCodeableConcept": value} for code, value in parts if value is not None]
    if not components:
        return
    sheet.log.default("Observation.status")
    sheet.add(
        "Observation",
        resource_id,
        variant,
        {
            "status": "final",
            "category": CATEGORY,
            "code": IMPLICATION_CODE,
            "subject": sheet.patient,
            "derivedFrom": [{"reference": f"Observation/{variant_id}"}],
            "component": components,
        },
        IMPLICATION_PROFILE,
    )
