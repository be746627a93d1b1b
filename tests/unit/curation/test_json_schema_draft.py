"""Drafts of profiles from JSON Schemas: every property waits for a decision, and nothing outside of the file is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harmonize.curation.json_schema_draft import draft_from_json_schema
from harmonize.errors import CallError, HarmonizeError, InputError, UnknownNameError
from harmonize.input.json_schema import SchemaProperty, read_json_schema
from harmonize.profile_check import ProfileCheck, check_profile
from harmonize.profiles.loading import load_profile
from tests.redcap import convert

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["pid", "sex"],
    "properties": {
        "pid": {"type": "string"},
        "sex": {"$ref": "#/$defs/Sex"},
        "born": {"title": "Birth", "description": "Day of  birth", "type": "string", "format": "date"},
        "class": {"type": ["string", "null"]},
        "consent": {"type": "object", "required": ["given"], "properties": {"given": {"type": "boolean", "const": True}}},
        "visits": {"type": "array", "items": {"$ref": "#/$defs/Visit"}},
        "nicknames": {"type": "array", "items": {"type": "string"}},
        "more": {"type": "object"},
    },
    "$defs": {
        "Sex": {"title": "Sex", "enum": ["f", "m", 9, None]},
        "Visit": {
            "allOf": [{"$ref": "#dated"}, {"properties": {"ward": {"type": "string"}}, "required": ["ward"]}],
            "anyOf": [
                {"properties": {"code": {"enum": ["a"]}}, "required": ["code"]},
                {"properties": {"text": {"type": "string"}, "code": {"enum": ["b"]}}},
            ],
            "properties": {"parts": {"type": "array", "items": {"$ref": "#/$defs/Visit"}}, "inner": {"$ref": "#/$defs/Visit"}},
        },
        "Dated": {"$anchor": "dated", "properties": {"day": {"format": "date"}}},
    },
}  # fmt: skip


def _write(folder: Path, schema: Any, name: str = "registry.schema.json") -> Path:
    path = folder / name
    path.write_text(schema if isinstance(schema, str) else json.dumps(schema))
    return path


def _check(path: Path, folder: Path, **more: Any) -> ProfileCheck:
    draft_from_json_schema(path, "xx/reg", folder / "draft", **{"subject": "pid", **more})
    return check_profile(str(folder / "draft"))


def test_the_draft_loads_and_every_property_waits(tmp_path: Path) -> None:
    check = _check(_write(tmp_path, SCHEMA), tmp_path)
    assert check.problems == [] and check.mapped == 1
    assert set(check.unaccounted) == {
        "Registry.sex", "Registry.born", "Registry.class_", "Registry.consent_given", "Registry.more",
        "Visits.day", "Visits.ward", "Visits.code", "Visits.text", "Visits.inner", "Parts.parts", "Nicknames.nicknames",
    }  # fmt: skip
    profile = load_profile(str(tmp_path / "draft"))
    assert [(t.file, t.slot) for t in profile.assembly.tables] == [
        ("registry.csv", "registry"), ("visits.csv", "visits"), ("parts.csv", "parts"), ("nicknames.csv", "nicknames"),
    ]  # fmt: skip
    assert profile.assembly.tables[0].columns == {"class": "class_", "consent.given": "consent_given"}
    row, visit = profile.source.classes["Registry"], profile.source.classes["Visits"]
    assert row["born"].description == "Birth: Day of birth (format date)"
    assert row["more"].description == "more (properties without names, as JSON)"
    assert [s for s in row if row[s].required] == ["sex", "consent_given"]
    assert [s for s in visit if visit[s].required] == ["ward"], "what one alternative requires not all rows have"
    assert profile.source.enums == {
        "sex_values": {"f", "m", "9"}, "consent_given_values": {"true"}, "code_values": {"a", "b"},
    }  # fmt: skip
    readme = (tmp_path / "draft" / "README.md").read_text()
    assert "cut at the second one: `parts`, `inner`" in readme
    assert visit["inner"].description == "inner (contains itself, cut here)"
    assert "no `pid` in `visits`, `parts`, `nicknames`" in readme


def test_a_profile_is_an_edit_of_the_draft(tmp_path: Path) -> None:
    flat = {
        "type": "array",
        "items": {"properties": {"pid": {}, "visit": {"properties": {"day": {"format": "date"}}}, "x": {}}},
    }
    _check(_write(tmp_path, flat, "stays.json"), tmp_path)
    draft = tmp_path / "draft"
    map_file = yaml.safe_load((draft / "map.yaml").read_text())
    map_file["class_derivations"][0]["slot_derivations"]["care_episodes"] = {"populated_from": "stays"}
    stay = {
        "name": "CareEpisode",
        "populated_from": "Stays",
        "slot_derivations": {"start_date": {"expr": "date(visit_day)"}},
    }
    map_file["class_derivations"].append(stay)
    (draft / "map.yaml").write_text(yaml.safe_dump(map_file, sort_keys=False))
    card = yaml.safe_load((draft / "profile.yaml").read_text())
    card["left_out"] = [{"class": "Stays", "slots": ["x"], "reason": "Not needed by the node."}]
    (draft / "profile.yaml").write_text(yaml.safe_dump(card, sort_keys=False))
    assert check_profile(str(draft)).problems == []
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "stays.csv").write_text("pid,visit.day,x\n7,2020-01-01,q\n")
    (record,) = convert(tmp_path / "in", tmp_path / "out", profile=str(draft)).lines("hub/subjects.ndjson")
    assert record["care_episodes"][0]["start_date"]["value"] == "2020-01-01"


BASE = "https://example.org/a/schema.json"


@pytest.mark.parametrize(
    "schema",
    [
        {"$id": BASE, "properties": {"pid": {"$ref": "b.json#/$defs/t"}}, "$defs": {"x": {"$id": "b.json", "$defs": {"t": {"title": "T"}}}}},
        {"$id": BASE, "properties": {"pid": {"$ref": f"{BASE}#t"}}, "$defs": {"x": {"$anchor": "t", "title": "T"}}},
        {"$id": "urn:x", "properties": {"pid": {"$ref": "#/$defs/x~1%20y"}}, "$defs": {"x/ y": {"title": "T"}}},
        {"$schema": "http://json-schema.org/draft-04/schema#", "id": BASE, "properties": {"pid": {"$ref": "#/definitions/t"}}, "definitions": {"t": {"title": "T"}}},
        {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"pid": {"$ref": "#t"}}, "definitions": {"t": {"$id": "#t", "title": "T"}}},
        {"properties": {"pid": {"allOf": [{"$ref": "#/properties/pid"}, {"title": "T"}]}}},
        {"$ref": "#/$defs/Row", "$defs": {"Row": {"properties": {"pid": {"title": "T"}}}}},
        {"properties": {"pid": {"title": "T", "default": {"$ref": "https://example.org/"}, "examples": [{"$ref": "x"}]}}},
        {"$schema": "https://example.org/own-meta-schema", "properties": {"pid": {"title": "T"}}},
    ],
)  # fmt: skip
def test_references_inside_of_the_file_are_followed(schema: dict[str, Any], tmp_path: Path, no_network: None) -> None:
    assert read_json_schema(_write(tmp_path, schema)).root.properties["pid"].title == "T"


def _nested(levels: int) -> str:
    return '{"properties":{"a":' * levels + "{}" + "}}" * levels


def _chain(length: int) -> dict[str, Any]:
    links = {f"t{n}": {"properties": {"a": {"$ref": f"#/$defs/t{n + 1}"}}} for n in range(length)}
    return {"$ref": "#/$defs/t0", "$defs": {**links, f"t{length}": {}}}


_TREE = {f"t{n}": {"properties": {f"p{m}": {"$ref": f"#/$defs/t{n + 1}"} for m in range(10)}} for n in range(5)}


@pytest.mark.parametrize(
    ("schema", "more", "error", "said"),
    [
        (SCHEMA, {"subject": None}, CallError, "there are pid, sex, born, class, consent.given.*--subject COLUMN"),
        (SCHEMA, {"subject": "pidd"}, UnknownNameError, "Did you mean 'pid'"),
        (SCHEMA, {"subject": "consent.given"}, InputError, "a name that no slot can have"),
        (SCHEMA, {"root": "Vist"}, UnknownNameError, "Did you mean 'Visit'"),
        ({"$defs": SCHEMA["$defs"]}, {}, InputError, "describes no property.*--root: Sex, Visit, Dated"),
        ({"$schema": "https://example.org/x", "pid": "7"}, {}, InputError, "describes no property.*check that it is the schema"),
        ({"properties": {"pid": {"$ref": "https://example.org/x.json"}}}, {}, InputError, "refers to https://example.org/x.json, which is not in"),
        ({"properties": {"pid": {"$ref": "other.json#/a"}}}, {}, InputError, "refers to other.json#/a, which is not in"),
        ({"properties": {"pid": {"$ref": "file:///etc/passwd"}}}, {}, InputError, "never fetched"),
        ({"properties": {"pid": {"$ref": "#/$defs/none"}}}, {}, InputError, "refers to #/.defs/none, where no schema is"),
        ({"properties": {"pid": {"$ref": "#none"}}}, {}, InputError, "where no schema is"),
        ({"properties": {"pid": {"type": 3}}}, {}, InputError, "no valid JSON Schema at /properties/pid/type"),
        ({"properties": []}, {}, InputError, "no valid JSON Schema at /properties"),
        ([SCHEMA], {}, InputError, "no JSON Schema but an array"),
        ({"pid": "7"}, {}, InputError, "no JSON Schema but a document"),
        ("true", {}, InputError, "no JSON Schema"),
        ("{", {}, InputError, "no JSON"),
        ('{"properties": {"pid": {}, "pid": {}}}', {}, InputError, "a key stands twice"),
        ('{"properties": {"pid": {"maximum": NaN}}}', {}, InputError, "NaN is no number"),
        (_nested(150), {}, InputError, "nested too deeply"),
        (_nested(1_000), {}, InputError, "nested too deeply"),
        ("[" * 100_000, {}, InputError, "nested too deeply"),
        (_chain(2_000), {}, InputError, "properties in one another, more than 40"),
        ({"$ref": "#/$defs/t0", "$defs": {**_TREE, "t5": {}}}, {}, InputError, "more than 5,000 properties"),
        ('{"properties": {"pid": {}}, "description": "' + "x" * 10_000_000 + '"}', {}, InputError, "larger than 8,000,000 bytes"),
        ({"properties": {"pid": {}, "x" * 300: {}}}, {}, InputError, "too many for a column"),
    ],
)  # fmt: skip
def test_what_cannot_be_drafted_is_refused_by_name(
    schema: Any, more: dict[str, Any], error: type[HarmonizeError], said: str, tmp_path: Path, no_network: None
) -> None:
    with pytest.raises(error, match=said) as raised:
        _check(_write(tmp_path, schema), tmp_path, **more)
    assert len(str(raised.value)) < 1_000 and not (tmp_path / "draft").exists()


@pytest.mark.parametrize("data", [json.dumps(SCHEMA).encode("utf-16"), b'{"title": "\xe4", "properties": {}}'])
def test_another_encoding_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(data)
    with pytest.raises(InputError, match="no UTF-8"):
        _check(tmp_path / "x.json", tmp_path)


def test_an_object_or_an_array_of_such_is_a_table(tmp_path: Path) -> None:
    one = {"properties": {"day": {}}}
    schema = {"properties": {"pid": {}, "visit": {"oneOf": [one, {"type": "array", "items": one}]}}}
    assert _check(_write(tmp_path, schema), tmp_path).unaccounted == ["Visit.day"]


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)
LEAF: st.SearchStrategy[Any] = st.sampled_from([{}, {"type": "string"}, {"enum": ["a", "b"]}, {"type": "array"}])
NESTED = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.builds(lambda p: {"properties": p}, st.dictionaries(NAMES, inner, min_size=1, max_size=4)),
        st.builds(lambda item: {"items": item}, inner),
    ),
    max_leaves=12,
)


def _leaves(found: SchemaProperty) -> int:
    return sum(_leaves(inner) for inner in found.properties.values()) if found.properties else 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(properties=st.dictionaries(NAMES, NESTED, max_size=5))
def test_any_schema_makes_a_profile_in_which_every_leaf_waits(
    properties: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("schema")
    path = _write(folder, {"properties": {**properties, "pid": {}}})
    check = _check(path, folder)
    others = {name: found for name, found in read_json_schema(path).root.properties.items() if name != "pid"}
    expected = sum(_leaves(found) for found in others.values())
    inner_subjects = json.dumps(properties).count('"pid": ')
    assert check.problems == []
    assert expected - inner_subjects <= len(check.unaccounted) <= expected


def test_the_schema_of_a_national_format(shared: Callable[[str], Path], tmp_path: Path) -> None:
    path = shared("national-formats/de-genomde-modellvorhaben/spec/grz-schema.json")
    check = _check(path, tmp_path, subject="donorPseudonym")
    profile = load_profile(str(tmp_path / "draft"))
    leaves = _leaves(read_json_schema(path).root)
    assert check.problems == [] and leaves == 67
    assert len(check.unaccounted) == leaves - 1, "one is the identifier"
    assert {table.file for table in profile.assembly.tables} >= {"donors.csv", "labData.csv", "files.csv"}


def test_a_schema_whose_types_hold_one_another_everywhere_is_refused(
    shared: Callable[[str], Path], tmp_path: Path
) -> None:
    path = shared("targets/fhir-r4/fhir.schema.r4.json.gz")
    with pytest.raises(InputError, match="more than 5,000 properties"):
        _check(path, tmp_path, subject="id", root="Patient")
