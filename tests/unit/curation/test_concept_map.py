"""Mapping sets as ConceptMaps and back: nothing lost, the published predicates, foreign maps read or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from harmonize.checks.fhir_r4 import check_resource
from harmonize.curation.concept_map import concept_map
from harmonize.curation.concept_map_reading import read_concept_map, table_of
from harmonize.curation.concept_map_terms import EXTENSION, NO_COMMENT, RELEASES
from harmonize.curation.mapping_table import MappingTable, TableRow, mapping_table_text, parse_mapping_table
from harmonize.errors import SpecificationError
from harmonize.terminology.code_map_files import shipped_sets
from harmonize.terminology.sssom import read_mapping_set
from harmonize.terminology.store import Terminologies
from tests.unit.curation.mapping_tables import COLUMNS, META, tables

RELEASE = pytest.mark.parametrize("release", RELEASES)


def there_and_back(table: MappingTable, release: str) -> tuple[dict[str, Any], MappingTable]:
    resource = concept_map(table, RELEASES[release])
    return resource, table_of(json.loads(json.dumps(resource)), table.name)


def cells(table: MappingTable) -> list[tuple[str, ...]]:
    return [tuple(row[column] for column in table.columns) for row in table.rows]


def judged(resource: dict[str, Any]) -> list[str]:
    return [f"{v.path} {v.message}" for v in check_resource(resource, None, Terminologies({}))]


@RELEASE
@pytest.mark.parametrize("name", shipped_sets())
def test_every_shipped_set_comes_back(name: str, release: str) -> None:
    path = shipped_sets()[name]
    table = parse_mapping_table(path.read_text("utf-8").split("\n"), path.name)
    resource, back = there_and_back(table, release)
    assert (back.meta, back.columns, cells(back)) == (table.meta, table.columns, cells(table))
    if release.endswith("r4"):
        assert judged(resource) == []


@RELEASE
@settings(deadline=None)
@given(table=tables())
def test_any_set_comes_back(release: str, table: MappingTable) -> None:
    resource, back = there_and_back(table, release)
    assert (back.meta, back.columns, cells(back)) == (table.meta, table.columns, cells(table))
    if release.endswith("r4"):
        assert judged(resource) == []


@settings(deadline=None)
@given(table=tables())
def test_sssom_text_comes_back_and_the_reader_of_the_run_accepts_it(
    table: MappingTable, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = mapping_table_text(table)
    back = parse_mapping_table(text.split("\n"), table.name)
    assert (back.meta, back.columns, cells(back)) == (table.meta, table.columns, cells(table))
    path = tmp_path_factory.mktemp("sets") / "x.sssom.tsv"
    path.write_text(text, "utf-8")
    assert len(read_mapping_set(path).rows) == len(table.rows)


def one_row(**changed: str) -> MappingTable:
    row = {
        "subject_id": "SNOMEDCT:1", "subject_label": "", "predicate_modifier": "", "predicate_id": "skos:exactMatch",
        "object_id": "HP:0000001", "object_label": "", "mapping_justification": "semapv:ManualMappingCuration",
        "confidence": "", "mapping_source": "", "comment": "",
    }  # fmt: skip
    return MappingTable("x.sssom.tsv", META, COLUMNS, (TableRow(9, {**row, **changed}, len(COLUMNS)),))


# predicate and modifier: R4, R5
PREDICATES = {
    ("skos:exactMatch", ""): ("equivalent", "equivalent"),
    ("skos:broadMatch", ""): ("wider", "source-is-narrower-than-target"),
    ("skos:narrowMatch", ""): ("narrower", "source-is-broader-than-target"),
    ("skos:closeMatch", ""): ("relatedto", "related-to"),
    ("skos:relatedMatch", ""): ("relatedto", "related-to"),
    ("oboInOwl:hasDbXref", ""): ("relatedto", "related-to"),
    ("skos:exactMatch", "Not"): ("disjoint", "not-related-to"),
}


@pytest.mark.parametrize(("predicate", "modifier"), PREDICATES)
def test_the_published_table(predicate: str, modifier: str) -> None:
    table = one_row(predicate_id=predicate, predicate_modifier=modifier)
    written = []
    for release in RELEASES.values():
        target = concept_map(table, release)["group"][0]["element"][0]["target"][0]
        written.append(target[release.relation])
        assert (target.get("comment") == NO_COMMENT) == (target[release.relation] in release.commented)
    assert tuple(written) == PREDICATES[predicate, modifier]


def test_no_term_found() -> None:
    table = one_row(object_id="sssom:NoTermFound")
    (element,) = concept_map(table, RELEASES["concept-map-r4"])["group"][0]["element"]
    assert element["target"][0]["equivalence"] == "unmatched" and "code" not in element["target"][0]
    (element,) = concept_map(table, RELEASES["concept-map-r5"])["group"][0]["element"]
    assert element["noMap"] is True and "target" not in element


def test_systems_are_those_of_fhir_and_the_rest_travels_as_extensions() -> None:
    table = one_row(object_id="UCUM:%25", confidence="0.9", mapping_source="basis:x")
    (group,) = concept_map(table, RELEASES["concept-map-r5"])["group"]
    assert (group["source"], group["target"]) == ("http://snomed.info/sct", "http://unitsofmeasure.org")
    target = group["element"][0]["target"][0]
    assert target["code"] == "%"
    assert {e["url"].removeprefix(EXTENSION): e.get("valueDecimal", e.get("valueString")) for e in target["extension"]} == {
        "mapping-justification": "semapv:ManualMappingCuration", "confidence": 0.9, "mapping-source": "basis:x", "position": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"predicate_id": "owl:equivalentClass"}, "no place in a ConceptMap"),
        ({"object_id": "HP:a%20%20b"}, "no code of FHIR"),
        ({"comment": "a\x07b"}, "control character"),
    ],
)
def test_what_no_concept_map_holds_is_refused_with_its_line(changed: dict[str, str], message: str) -> None:
    with pytest.raises(SpecificationError, match=message) as caught:
        concept_map(one_row(**changed), RELEASES["concept-map-r4"])
    assert caught.value.line == 9 and caught.value.file == "x.sssom.tsv"


def foreign(**changed: Any) -> dict[str, Any]:
    target = {"code": "HP:0001250", "display": "Seizure", "equivalence": "wider", "comment": "why", **changed}
    element = {"code": "91175000", "display": "Seizure", "target": [target]}
    group = {"source": "http://snomed.info/sct", "target": "http://human-phenotype-ontology.org", "element": [element]}
    return {"resourceType": "ConceptMap", "url": "http://example.org/map", "title": "A map", "copyright": "CC0", "status": "active",
            "group": [group]}  # fmt: skip


def test_a_foreign_map_is_read(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    path.write_text(json.dumps(foreign()), "utf-8")
    table = read_concept_map(path)
    (row,) = table.rows
    assert [row[c] for c in ("subject_id", "predicate_id", "object_id", "comment", "mapping_justification")] == [
        "SNOMEDCT:91175000", "skos:broadMatch", "HP:0001250", "why", "semapv:UnspecifiedMatching",
    ]  # fmt: skip
    assert table.meta["license"] == "CC0" and set(table.iris) >= {"SNOMEDCT", "HP", "skos"}
    own = tmp_path / "x.sssom.tsv"
    own.write_text(mapping_table_text(table), "utf-8")
    assert read_mapping_set(own).rows[0].object == "HP:0001250"


REFUSED: dict[str, tuple[Any, str]] = {
    "not JSON": ("{", "no JSON"),
    "a list": ([], "no ConceptMap"),
    "another resource": ({"resourceType": "Patient"}, "a Patient and no ConceptMap"),
    "no url": ({"resourceType": "ConceptMap"}, "no url"),
    "several codes at once": (foreign(dependsOn=[{}]), "do not fit SSSOM"),
    "unknown relation": (foreign(equivalence="like"), "is not known"),
    "no relation": (
        foreign() | {"group": [{"source": "http://snomed.info/sct", "element": [{"code": "1"}]}]},
        "has no target",
    ),
    "unknown system": (
        foreign() | {"group": [{"source": "http://x.y", "element": [{"code": "1", "noMap": True}]}]},
        "no prefix",
    ),
    "unmapped": (foreign() | {"group": [{"source": "x", "unmapped": {"mode": "fixed"}, "element": []}]}, "no mapping"),
    "group is text": (foreign() | {"group": ["x"]}, "no ConceptMap"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_mapping_set_is_refused(name: str, tmp_path: Path) -> None:
    content, message = REFUSED[name]
    path = tmp_path / "map.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    with pytest.raises(SpecificationError, match=message) as caught:
        read_concept_map(path)
    assert caught.value.file == "map.json"
