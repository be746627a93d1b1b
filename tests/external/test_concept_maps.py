"""Outside judges of ConceptMaps: fhir.resources, R4B and R5. sssom-py reads what comes back."""

from __future__ import annotations

import importlib
import json
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from harmonize.curation.concept_map import concept_map
from harmonize.curation.concept_map_reading import table_of
from harmonize.curation.concept_map_terms import RELEASES
from harmonize.curation.mapping_table import MappingTable, mapping_table_text, read_mapping_table
from harmonize.terminology.code_map_files import shipped_sets
from tests.unit.curation.mapping_tables import tables

MODULES = {"concept-map-r4": "fhir.resources.R4B.conceptmap", "concept-map-r5": "fhir.resources.conceptmap"}


def judge(table: MappingTable, release: str) -> None:
    model = importlib.import_module(MODULES[release]).ConceptMap
    model.model_validate(json.loads(json.dumps(concept_map(table, RELEASES[release]))))


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", shipped_sets())
def test_fhir_resources(name: str, release: str) -> None:
    judge(read_mapping_table(shipped_sets()[name]), release)


@pytest.mark.parametrize("release", RELEASES)
@given(table=tables())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_fhir_resources_on_any_set(release: str, table: MappingTable) -> None:
    judge(table, release)


@pytest.mark.parametrize("name", ["snomed-onset", "loinc-origin"])
def test_sssom_py_reads_what_comes_back(name: str, tmp_path: Path) -> None:
    table = read_mapping_table(shipped_sets()[name])
    path = tmp_path / "back.sssom.tsv"
    back = table_of(concept_map(table, RELEASES["concept-map-r5"]), path.name)
    path.write_text(mapping_table_text(back), "utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parse = importlib.import_module("sssom.parsers").parse_sssom_table
        assert len(parse(path).df) == len(table.rows)
