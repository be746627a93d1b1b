"""Code maps and value sets that are added: SSSOM, ConceptMap, ValueSet."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from harmonize.errors import CallError, InputError
from harmonize.terminology.add import Order, add_code_system, compile_file
from harmonize.terminology.added_sets import added_sets, name_of
from harmonize.terminology.answers import Found, NotChecked, Obsolete
from harmonize.terminology.code_maps import load_code_maps
from harmonize.terminology.store import CodeSystemStore
from tests.unit.cli.test_cli import harmonize

SSSOM = """#mapping_set_id: https://example.org/maps/hp-mondo.sssom.tsv
#mapping_set_version: "2"
#license: https://spdx.org/licenses/CC0-1.0
#curie_map:
#  HP: http://purl.obolibrary.org/obo/HP_
#  MONDO: http://purl.obolibrary.org/obo/MONDO_
subject_id\tpredicate_id\tobject_id\tmapping_justification\text_own
HP:0001250\tskos:exactMatch\tMONDO:0005027\tsemapv:ManualMappingCuration\tkept
"""
CONCEPT_MAP = {
    "resourceType": "ConceptMap", "url": "http://example.org/fhir/ConceptMap/own-hp", "version": "3", "status": "active",
    "group": [{"source": "http://fhir.de/CodeSystem/bfarm/icd-10-gm", "target": "http://purl.obolibrary.org/obo/hp.owl", "element": [
        {"code": "G40", "target": [{"code": "HP:0001250", "equivalence": "equivalent"}]},
        {"code": "G11", "target": [{"code": "HP:0001251", "equivalence": "wider"}]},
    ]}],
}  # fmt: skip
ICD = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
VALUE_SET: dict[str, Any] = {
    "resourceType": "ValueSet", "title": "Some diagnoses", "compose": {"include": [
        {"system": ICD, "version": "2026", "concept": [{"code": "E11.9", "display": "eins", "designation": [{"language": "en", "value": "one"}]}, {"code": "E119", "display": "eins"}]},
        {"system": "http://loinc.org", "concept": [{"code": "8480-6", "display": "two"}]},
    ]},
}  # fmt: skip
EXPANDED = {
    "resourceType": "ValueSet", "compose": {"include": [{"system": ICD, "filter": [{"property": "a", "op": "=", "value": "b"}]}]},
    "expansion": {"contains": [
        {"display": "heading", "contains": [{"system": ICD, "version": "2026", "code": "E11.9", "display": "one"}]},
        {"system": ICD, "code": "E11", "display": "abstract", "abstract": True, "contains": [{"system": ICD, "code": "E11.8", "display": "old", "inactive": True}]},
    ]},
}  # fmt: skip


def written(path: Path, content: str | dict[str, Any]) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_a_mapping_set_is_added_and_translates(tmp_path: Path) -> None:
    packed = tmp_path / "x.tsv.xz"
    packed.write_bytes(lzma.compress(SSSOM.encode()))
    mine = tmp_path / "mine"
    done = harmonize("terminology", "add", packed, "--json", HARMONIZE_TERMINOLOGIES=str(mine))
    answer = json.loads(done.out)
    file = mine / "code-maps" / "hp-mondo.sssom.tsv"
    assert answer["format"] == "sssom" and answer["file"] is None and answer["sets"] == [
        {"name": "hp-mondo", "id": "https://example.org/maps/hp-mondo.sssom.tsv", "version": "2", "rows": 1, "file": str(file)}
    ]  # fmt: skip
    assert file.read_text() == SSSOM, "as it was, with the columns that are nobody's"
    assert added_sets(mine) == {"hp-mondo": file} and [path.name for path in mine.iterdir()] == ["code-maps"]
    listed = harmonize("terminology", "list", HARMONIZE_TERMINOLOGIES=str(mine))
    assert f"code map     hp-mondo  added by you: {file}" in listed.out
    for more in ((), ("--set", "hp-mondo")):
        done = harmonize(
            "terminology", "translate", "HP:0001250", "--to", "MONDO", *more, HARMONIZE_TERMINOLOGIES=str(mine)
        )
        assert done.code == 0 and "MONDO:0005027 skos:exactMatch" in done.out


def test_a_name_stands_for_one_set(tmp_path: Path) -> None:
    path, into = written(tmp_path / "x.tsv", SSSOM), tmp_path / "mine"
    add_code_system(Order(str(path)), into)
    written(path, SSSOM.replace('"2"', '"3"').replace("0005027", "0005028"))
    assert add_code_system(Order(str(path)), into)["sets"][0]["version"] == "3", (
        "the same set again: it is written over"
    )
    written(path, SSSOM.replace("example.org/maps", "example.org/other"))
    with pytest.raises(CallError, match="another code map is called hp-mondo"):
        add_code_system(Order(str(path)), into)
    assert "0005028" in added_sets(into)["hp-mondo"].read_text()
    written(path, SSSOM.replace("hp-mondo.sssom.tsv", "consent-purpose"))
    with pytest.raises(CallError, match="ships is called consent-purpose"):
        add_code_system(Order(str(path)), into)
    for order in ({"system": "HP"}, {"version": "1"}, {"partial": True}, {"licence": "x"}):
        with pytest.raises(CallError, match="means nothing for a code map"):
            add_code_system(Order(str(path), **order), into)  # type: ignore[arg-type]


WRONG = {
    "several objects": (SSSOM.replace("MONDO:0005027", "MONDO:0005027|MONDO:1"), 8, "several codes"),
    "a prefix of nobody": (SSSOM.replace("#  MONDO", "#  MON"), 8, "not declared"),
    "no justification": (SSSOM.replace("semapv:ManualMappingCuration", ""), 8, "justification"),
    "cells": (SSSOM + "HP:1\n", 9, "1 cells under 5 columns"),
    "no id": (SSSOM.replace("mapping_set_id", "id"), 7, "mapping_set_id"),
    "no rows": (SSSOM[: SSSOM.index("HP:0001250")], None, "no mappings"),
    "metadata": (SSSOM.replace("#curie_map:", "#curie_map: ["), None, "while parsing"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_mapping_set_is_told_with_its_row(tmp_path: Path, name: str) -> None:
    text, row, message = WRONG[name]
    path = written(tmp_path / "x.tsv", text)
    with pytest.raises(InputError, match=message) as caught:
        compile_file(Order(str(path)), tmp_path / "x.sqlite")
    assert caught.value.file == "x.tsv" and (row is None or caught.value.row == row)


@pytest.mark.parametrize(
    ("text", "name"),
    [("https://a.org/b#c-d", "c-d"), ("https://a.org/x/", "x"), ("urn:uuid:1-2", "1-2"), ("a/../b c.sssom.tsv", "b_c")],
)
def test_names_are_names_of_files(text: str, name: str) -> None:
    assert name_of(text, "x") == name
    for bad in ("", "https://a.org/..", "///", "#"):
        with pytest.raises(InputError, match="no name"):
            name_of(bad, "x") and name_of("..", "x")


def test_a_concept_map_is_added_as_a_mapping_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, mine = written(tmp_path / "x.json", CONCEPT_MAP), tmp_path / "mine"
    done = harmonize("terminology", "add", path, HARMONIZE_TERMINOLOGIES=str(mine))
    assert done.code == 0 and "(code map own-hp, 2 mappings)" in done.err
    monkeypatch.setenv("HARMONIZE_TERMINOLOGIES", str(mine))
    maps = load_code_maps(["own-hp"])
    assert maps.translate("ICD10GM:G40", "HP").targets[0].code == "HP:0001250"
    assert maps.translate("ICD10GM:G11", "HP").status == "not-mapped"
    with pytest.raises(CallError, match="conceptmap"):
        add_code_system(Order(str(path)), mine)
    for content, message in (
        ({"resourceType": "ConceptMap"}, "no url"),
        ("{", "no JSON"),
        (CONCEPT_MAP | {"group": [7]}, "no ConceptMap"),
    ):
        done = harmonize(
            "terminology", "add", written(path, content), "--format", "conceptmap", HARMONIZE_TERMINOLOGIES=str(mine)
        )  # type: ignore[arg-type]
        assert done.code == 3 and message in done.err and "x.json" in done.err


def test_a_value_set_is_a_part_of_its_system(tmp_path: Path) -> None:
    one = VALUE_SET | {"compose": {"include": VALUE_SET["compose"]["include"][:1]}}
    one["compose"]["include"][0] = one["compose"]["include"][0] | {
        "concept": one["compose"]["include"][0]["concept"][:1]
    }
    answer = compile_file(Order(str(written(tmp_path / "x.json", one))), tmp_path / "x.sqlite")
    store = CodeSystemStore(tmp_path / "x.sqlite")
    assert (answer["system"], answer["version"], answer["format"], answer["concepts"]) == (
        "ICD10GM",
        "2026",
        "valueset",
        1,
    )
    assert isinstance(store.lookup("ICD10GM:E11.9"), Found) and isinstance(store.lookup("ICD10GM:E11.8"), NotChecked)
    assert store.languages("ICD10GM:E11.9") == [("en", "one")]


def test_a_value_set_of_several_systems_needs_one(tmp_path: Path) -> None:
    path = written(tmp_path / "x.json", VALUE_SET)
    with pytest.raises(CallError, match="one of ICD10GM, LOINC"):
        compile_file(Order(str(path), version="1"), tmp_path / "x.sqlite")
    answer = compile_file(Order(str(path), system="LOINC", version="1"), tmp_path / "x.sqlite")
    assert answer["concepts"] == 1 and "codes of 2 code systems: those of LOINC" in answer["said"][0]
    with pytest.raises(InputError, match="stands twice"):
        compile_file(Order(str(path), system="ICD10GM"), tmp_path / "x.sqlite")


def test_an_expansion_wins_and_a_rule_is_refused(tmp_path: Path) -> None:
    compile_file(Order(str(written(tmp_path / "x.json", EXPANDED))), tmp_path / "x.sqlite")
    store = CodeSystemStore(tmp_path / "x.sqlite")
    assert [code for code, _, _ in store.terms()] == ["ICD10GM:E11.8", "ICD10GM:E11.9"], "no headings"
    assert isinstance(store.lookup("ICD10GM:E11.8"), Obsolete)
    rules = {key: value for key, value in EXPANDED.items() if key != "expansion"}
    with pytest.raises(InputError, match="defined by a rule"):
        compile_file(Order(str(written(tmp_path / "x.json", rules))), tmp_path / "x.sqlite")
    excluding = VALUE_SET | {"compose": VALUE_SET["compose"] | {"exclude": [{"system": ICD}]}}
    with pytest.raises(InputError, match="excludes"):
        compile_file(Order(str(written(tmp_path / "x.json", excluding))), tmp_path / "x.sqlite")
