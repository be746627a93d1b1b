"""Which format a file is in, by what stands in it. The code system is never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from harmonize.errors import CallError
from harmonize.terminology.formats.cellxgene import is_cellxgene
from harmonize.terminology.formats.source import Source

_FILES = {"concept.csv": "omop", "loinc.csv": "loinc"}
_HEADERS = (
    ({"LOINC_NUM", "STATUS"}, "loinc"),
    ({"concept_id", "vocabulary_id"}, "omop"),
    ({"orpha_code"}, "orphanet"),
    ({"database_id", "hpo_id", "biocuration"}, "hpoa"),
    ({"subject_id", "predicate_id", "object_id"}, "sssom"),
    ({"subject_id", "translation_value"}, "babelon"),
    ({"code"}, "delimited"),
)
"""Formats by columns of their header; some of them are refused by name."""
_XML = (b"<", b"\xff\xfe<", b"\xfe\xff\0<")
_OWL = (b"<rdf:RDF", b"<Ontology", b"http://www.w3.org/2002/07/owl#")
_FHIR = {"ConceptMap": "conceptmap", "ValueSet": "valueset"}


def find_format(sources: Sequence[Source], columns: Mapping[str, str]) -> str:
    """The name of the format. Raises CallError where it cannot be told."""
    if len(sources) > 1:
        found = _of_folder(sources)
    elif columns:
        found = "delimited"
    else:
        found = _of_file(sources[0])
    if not found:
        raise CallError(
            "the format of the file cannot be told. To mend it: give --format, for lists with --column code=NAME"
        )
    return found


def _of_folder(sources: Sequence[Source]) -> str:
    for source in sources:
        base = source.base.lower()
        if base in _FILES:
            return _FILES[base]
        if base.lstrip("x").startswith("sct2_concept_"):
            return "rf2"
    return ""


def _of_file(source: Source) -> str:
    start = next(source.chunks(), b"")[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(_XML):
        return "owl" if any(mark in start for mark in _OWL) else "claml"
    if start.startswith(b"format-version:") or source.base.endswith(".obo"):
        return "obo"
    if start.startswith((b"{", b"[")):
        return _of_json(source)
    header = next((line for line in islice(source.lines(), 1000) if not line.startswith("#")), "")
    for separator in "\t;,":
        cells = {cell.strip('"') for cell in header.rstrip("\r\n").split(separator)}
        for wanted, form in _HEADERS:
            if wanted <= cells:
                return form
    return ""


def _of_json(source: Source) -> str:
    document = source.json()
    if isinstance(document, dict) and "resourceType" in document:
        return _FHIR.get(str(document["resourceType"]), "fhir")
    if isinstance(document, dict) and "graphs" in document:
        return "obographs"
    return "cellxgene" if is_cellxgene(document) else ""
