"""Formats of code systems that `harmonize terminology add` reads, one module for each family."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from harmonize.terminology.build import Term
from harmonize.terminology.formats.cellxgene import read_cellxgene
from harmonize.terminology.formats.claml import read_claml
from harmonize.terminology.formats.delimited import read_delimited, read_orphanet
from harmonize.terminology.formats.fhir_code_system import read_fhir_code_system
from harmonize.terminology.formats.fhir_value_set import read_value_set
from harmonize.terminology.formats.hpoa import read_hpoa
from harmonize.terminology.formats.loinc import read_loinc
from harmonize.terminology.formats.obo import read_obo, read_obographs
from harmonize.terminology.formats.omop import read_omop
from harmonize.terminology.formats.owl import read_owl
from harmonize.terminology.formats.rf2 import read_rf2
from harmonize.terminology.formats.source import Request, Source, Stated, the_only

Importer = Callable[[Sequence[Source], Request, Stated], Iterator[Term]]

FORMATS: Mapping[str, Importer] = {
    "cellxgene": read_cellxgene,
    "claml": read_claml,
    "delimited": read_delimited,
    "fhir": read_fhir_code_system,
    "hpoa": read_hpoa,
    "loinc": read_loinc,
    "obo": read_obo,
    "obographs": read_obographs,
    "omop": read_omop,
    "orphanet": read_orphanet,
    "owl": read_owl,
    "rf2": read_rf2,
    "valueset": read_value_set,
}
TRANSLATIONS = "babelon"
"""The format that adds names to what is installed, instead of making a code system."""
SETS: Mapping[str, Callable[[Sequence[Source]], str]] = {
    "sssom": lambda sources: "".join(the_only(sources, ".tsv").lines())
}
"""Formats of code maps, read as SSSOM TSV."""
PLANNED = ("conceptmap",)
"""Formats that are refused by name, here; `harmonize.curation.add_worker` reads them."""
