"""Interpretations: variants, and the disease that they were interpreted for.

An interpretation needs a disease: with exactly one disease that is not excluded it is that one; otherwise it is the root of
MONDO, a default that is counted. A vcfRecord is written from stated coordinates, or from a genomic substitution in HGVS;
there is no VRS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from harmonize.hub.objects import HubObject, is_had
from harmonize.terminology.reference_sequences import genomic_substitution
from harmonize.writers.phenopackets.sheet import Sheet, Term, ontology_class

_ACMG = {  # NCIT codes of HMD v1.1, Variant, Clinical_Variant_Interpretation_result
    "NCIT:C168799": "PATHOGENIC",
    "NCIT:C168800": "LIKELY_PATHOGENIC",
    "NCIT:C94187": "UNCERTAIN_SIGNIFICANCE",
    "NCIT:C168801": "LIKELY_BENIGN",
    "NCIT:C168802": "BENIGN",
}
_MOLECULE = {
    "c": "transcript",
    "n": "transcript",
    "r": "transcript",
    "g": "genomic",
    "m": "genomic",
    "o": "genomic",
    "p": "protein",
}
UNSPECIFIED_DISEASE = ("MONDO:0000001", "disease")
"""The root of MONDO: v2 demands a disease of every diagnosis, and with several diseases no source says which one a variant is of."""
_UNSPECIFIED = ontology_class(*UNSPECIFIED_DISEASE)


def interpretations(sheet: Sheet, packet_id: str) -> list[dict[str, Any]]:
    """One interpretation for the variants that were interpreted for one disease and are equally far."""
    if "variants" not in sheet.record:
        return []
    groups: dict[tuple[str, str], list[HubObject]] = {}
    for variant in sheet.record["variants"]:
        key = (sheet.run.identities.of(variant.get("interpreted_disease")), variant.get("progress_status", ""))
        groups.setdefault(key, []).append(variant)
    made: list[dict[str, Any]] = []
    for (disease, progress), variants in groups.items():
        place = f"/interpretations/{len(made)}/diagnosis"
        genomic = _genomic(sheet, variants, f"{place}/genomicInterpretations")
        if not genomic:
            continue
        sheet.under_way(place)
        diagnosis = {"disease": _interpreted_disease(sheet, variants[0]), "genomicInterpretations": genomic}
        content = f"{packet_id}|{disease}|{progress}" if disease != "None" or progress else packet_id
        entry: dict[str, Any] = {"id": sheet.run.identifiers["interpretation"](content)}
        if progress:
            entry["progressStatus"] = progress.upper()
        made.append({**entry, "diagnosis": diagnosis})
    return made


def _genomic(sheet: Sheet, variants: list[HubObject], place: str) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    sheet.under_way(place, made)
    for variant in variants:
        descriptor = _descriptor(sheet, variant)
        if descriptor is None:
            sheet.lost(variant, "*", "", "a variant needs an expression, a reference, a gene or coordinates")
            continue
        interpretation: dict[str, Any] = {}
        acmg = _acmg(sheet, variant)
        if acmg:
            interpretation["acmgPathogenicityClassification"] = acmg
        if "therapeutic_actionability" in variant:
            interpretation["therapeuticActionability"] = variant["therapeutic_actionability"].upper()
        interpretation["variationDescriptor"] = descriptor
        entry: dict[str, Any] = {"subjectOrBiosampleId": sheet.record["subject_id"]}
        if "interpretation_status" in variant:
            entry["interpretationStatus"] = variant["interpretation_status"].upper()
        sheet.made(variant)
        made.append({**entry, "variantInterpretation": interpretation})
    return made


def _interpreted_disease(sheet: Sheet, variant: HubObject) -> orjson.Fragment | None:
    """The disease that a variant was interpreted for, else the only disease of the person, else the root of MONDO."""
    stated = sheet.term(variant, "interpreted_disease", "/disease")
    if stated is not None:
        return stated.body
    diagnoses = sheet.record.get("diagnoses", ())
    known = [d for d in diagnoses if is_had(d) and d.get("disease", {}).get("codings")]
    if len(known) == 1:
        only = sheet.run.term(known[0]["disease"])
        sheet.prefixes.add(only.prefix)
        return only.body
    sheet.log.default("interpretations.diagnosis.disease")
    sheet.prefixes.add("MONDO")
    return _UNSPECIFIED


def _acmg(sheet: Sheet, variant: HubObject) -> str | None:
    if "classification" not in variant:
        return None
    for coding in variant["classification"].get("codings", ()):
        if coding["code"] in _ACMG:
            return _ACMG[coding["code"]]
    sheet.lost(variant, "classification", "", "it is none of the five ACMG classes")
    return None


def _descriptor(sheet: Sheet, variant: HubObject) -> dict[str, Any] | None:
    expressions, references = _expressions(sheet, variant)
    gene = sheet.term(variant, "gene", "/geneContext") or next((t for t in references if t.prefix == "HGNC"), None)
    xrefs = [reference.code for reference in references if reference is not gene]
    labels = [e["text"] for e in variant.get("expressions", ()) if e.get("text")]
    if not (expressions or xrefs or gene or labels or "vcf" in variant):
        return None
    content = f"{sheet.record['subject_id']}|{sheet.run.identities.of(variant)}"
    made: dict[str, Any] = {"id": sheet.run.identifiers["variant"](content)}
    if gene:
        made["geneContext"] = {"valueId": gene.code, "symbol": gene.label}
    if expressions:
        made["expressions"] = expressions
    if labels:
        made["alternateLabels"] = labels
    vcf = variant.get("vcf") or _coordinates_of_substitution(variant)
    if vcf is not None:
        made["vcfRecord"] = _vcf_record(vcf)
    if xrefs:
        made["xrefs"] = xrefs
    molecules = {_MOLECULE.get(e["syntax"].partition(".")[2]) for e in expressions}
    molecule = molecules.pop() if len(molecules) == 1 else None
    if molecule is not None:
        made["moleculeContext"] = molecule
    sheet.put(made, "allelicState", variant, "zygosity")
    return made


def _coordinates_of_substitution(variant: Mapping[str, Any]) -> dict[str, Any] | None:
    """VCF coordinates where all that the variant states in genomic HGVS is one substitution on a known chromosome."""
    genomic = [e["hgvs"] for e in variant.get("expressions", ()) if e.get("level") == "g" and "hgvs" in e]
    found = {genomic_substitution(hgvs) for hgvs in genomic}
    substitution = found.pop() if len(found) == 1 else None
    return substitution._asdict() if substitution is not None else None


def _vcf_record(vcf: Mapping[str, Any]) -> dict[str, str]:
    return {
        "genomeAssembly": vcf["assembly"],
        "chrom": vcf["chromosome"],
        "pos": str(vcf["position"]),  # a 64-bit integer is text in protobuf JSON
        "ref": vcf["reference"],
        "alt": vcf["alternative"],
    }


def _expressions(sheet: Sheet, variant: HubObject) -> tuple[list[dict[str, str]], list[Term]]:
    """HGVS descriptions, and what they refer to: accessions of databases or, by HGNC, a gene."""
    expressions: list[dict[str, str]] = []
    references: list[Term] = []
    for expression in variant.get("expressions", ()):
        if "hgvs" in expression:
            level = expression.get("level")
            expressions.append({"syntax": f"hgvs.{level}" if level else "hgvs", "value": expression["hgvs"]})
        reference = sheet.term(expression, "reference", "/xrefs")
        if reference:
            references.append(reference)
    return expressions, references
