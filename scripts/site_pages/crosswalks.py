"""The crosswalks of mappings/items by item, in both directions."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from harmonize.datasets.specification import dataset_names
from harmonize.shipped import mappings_folder
from harmonize.terminology.sssom import read_mapping_set

MODELS: Mapping[str, str] = {
    "fhir-r4": "FHIR R4",
    "phenopackets": "Phenopackets",
    "beacon": "Beacon v2",
    "omop": "OMOP CDM",
    "hmd": "HMD",
    "mdc": "1+MG cancer",
    "erdri-cds": "ERDRI-CDS",
    "rd-cdm": "RD-CDM",
    "goe": "Genome of Europe",
    "mcode": "mCODE 4.0.0",
    "osiris": "OSIRIS",
    "fair-genomes": "FAIR Genomes",
    "icgc-argo": "ICGC-ARGO",
    "gdc": "GDC",
    "ontologies": "ontologies",
}
"""Names of the models that the files are about, in the order in which pages show them."""
TARGETS = ("fhir-r4", "phenopackets", "beacon", "omop")
"""The models that are formats of documents or tables."""
_TURNED = {"skos:broadMatch": "skos:narrowMatch", "skos:narrowMatch": "skos:broadMatch"}
READINGS: Mapping[str, str] = {
    "skos:exactMatch": "the same",
    "skos:closeMatch": "nearly the same",
    "skos:broadMatch": "broader",
    "skos:narrowMatch": "narrower",
    "skos:relatedMatch": "a hint only",
}
BASES: Mapping[str, str] = {
    "definitions": "we read both definitions and value sets",
    "1plusmg-mdc/…": "a cross-map column of the table of the 1+MG minimal data set for cancer; its predicate is ours",
    "rd-cdm/…": "the element that RD-CDM 2.0.2 names, made executable",
    "hmd-v1/…": "the sheets of HMD v1 name the term",
    "genome-of-europe": "the contract of the allele frequencies and the framework text",
}
"""Where rows come from; `…` stands for the column. The read-me of mappings/items has all of them."""


class Counterpart(NamedTuple):
    """What stands on the other side of a row: `other` is its id without prefix, `label` its name."""

    model: str
    other: str
    label: str
    predicate: str
    confidence: str
    basis: str
    comment: str
    path: str
    file: str

    @property
    def reading(self) -> str:
        """The predicate in words: what the other side is, seen from the item."""
        return READINGS[self.predicate]


def model_names(stem: str) -> tuple[str, str]:
    """The two models of a file.

    >>> model_names("rd-cdm-fhir-r4")
    ('rd-cdm', 'fhir-r4')
    """
    first = max((name for name in dataset_names() if stem.startswith(f"{name}-")), key=len)
    return first, stem.removeprefix(f"{first}-")


@cache
def counterparts() -> Mapping[str, tuple[Counterpart, ...]]:
    """All rows by the item on this side. A row between two data sets of ours stands at both of its items."""
    found: dict[str, list[Counterpart]] = {}
    for path in sorted((mappings_folder() / "items").glob("*.sssom.tsv")):
        stem = path.name.removesuffix(".sssom.tsv")
        first, second = model_names(stem)
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        for row, cells in zip(read_mapping_set(path).rows, csv.DictReader(lines, delimiter="\t"), strict=True):
            label, basis = cells["object_label"], cells["mapping_source"].removeprefix("basis:")
            there = Counterpart(
                second, row.object, label, row.predicate, row.confidence, basis, row.comment, row.path, path.name
            )
            found.setdefault(row.subject, []).append(there)
            if second in dataset_names():
                turned = _TURNED.get(row.predicate, row.predicate)
                back = there._replace(model=first, other=row.subject, label=cells["subject_label"], predicate=turned)
                found.setdefault(row.object, []).append(back)
    order = list(MODELS)
    return {item: tuple(sorted(rows, key=lambda one: order.index(one.model))) for item, rows in found.items()}


def files() -> list[tuple[str, str, str, Counter[str]]]:
    """Every file: name, its two models, how many rows it has of each predicate."""
    rows = []
    for path in sorted((mappings_folder() / "items").glob("*.sssom.tsv")):
        first, second = model_names(path.name.removesuffix(".sssom.tsv"))
        rows.append((path.name, first, second, Counter(row.predicate for row in read_mapping_set(path).rows)))
    return rows
