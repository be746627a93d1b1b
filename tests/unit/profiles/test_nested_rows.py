"""Rows that nest in rows: lists, several levels, one of several tables; and the functions that read lists of entries."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from harmonize.convert import RunOptions, Settings, convert_files, make_environment
from harmonize.errors import SpecificationError
from harmonize.findings import Outcome
from harmonize.profiles.assembly_check import check_assembly
from harmonize.profiles.compiler import compile_profile
from harmonize.profiles.functions import library_function
from harmonize.profiles.loading import load_profile
from harmonize.profiles.notes import Noted
from tests.properties.test_accounting import COUNTED
from tests.registry import KEY, Run

CARD: dict[str, Any] = {
    "id": "xx/nested", "title": "Nested rows", "version": "1.0.0", "licence": "Apache-2.0", "owner": "tests",
    "specification": {"name": "none", "version": "1"},
    "assemble": {
        "reader": "delimited",
        "subject": "pid",
        "missing": {"unknown": "UNK"},
        "tables": {
            "Disease": {"class": "DiseaseRow", "slot": "diseases", "columns": {"maybe": ""}, "unless": {"disease": ""}},
            "Maybe": {"class": "DiseaseRow", "slot": "diseases", "rows_of": "Disease", "columns": {"disease": ""}, "unless": {"maybe": ""}},
            "Sample": {"class": "SampleRow", "slot": "samples"},
            "Relation": {"class": "RelationRow", "join": {"into": "Sample", "slot": "relations", "on": {"sample": "sample"}, "repeats": "many"}},
            "Stage": {"class": "StageRow", "join": {"into": ["Disease", "Maybe"], "slot": "stages", "on": {"key": "key"}, "repeats": "many"}},
        },
    },
    "left_out": [
        {"class": "*", "slots": ["key"], "reason": "key of the rows alone"},
        {"class": "RelationRow", "slots": ["sample"], "reason": "key of the rows alone"},
        {"tables": ["notes"], "reason": "words about the tables"},
    ],
}  # fmt: skip
CLASSES: dict[str, dict[str, str]] = {
    "Record": {"pid": "", "diseases": "DiseaseRow*", "samples": "SampleRow*"},
    "DiseaseRow": {"key": "", "disease": "", "maybe": "", "stages": "StageRow*"},
    "SampleRow": {"sample": "", "kinds": "", "relations": "RelationRow*"},
    "RelationRow": {"sample": "", "others": "", "kind": ""},
    "StageRow": {"key": "", "stage": ""},
}
MAP: list[dict[str, Any]] = [
    {"name": "Subject", "populated_from": "Record", "slot_derivations": {
        "subject_id": {"expr": "pseudonym(pid, 'subject')"}, "diagnoses": {"populated_from": "diseases"}, "samples": {"populated_from": "samples"}}},
    {"name": "Diagnosis", "populated_from": "DiseaseRow", "slot_derivations": {
        "disease": {"expr": "first(labelled_code(disease, 'ICD10'), labelled_code(maybe, 'ICD10'))"},
        "certainty": {"expr": "if_stated(maybe, 'provisional')"}, "tnm_classifications": {"populated_from": "stages"}}},
    {"name": "TNM", "populated_from": "StageRow", "slot_derivations": {"stage": {"expr": "code_or_text(stage, 'SNOMEDCT')"}}},
    {"name": "Sample", "populated_from": "SampleRow", "slot_derivations": {
        "sample_id": {"expr": "pseudonym(sample, 'sample')"}, "storage_conditions": {"expr": "each(kinds, '|', 'meaning', 'Storage')"},
        "relations": {"populated_from": "relations"}}},
    {"name": "SampleRelation", "populated_from": "RelationRow", "slot_derivations": {
        "related_samples": {"expr": "each(others, '|', 'pseudonym', 'sample')"}, "relation_type": {"expr": "meaning_or_text(kind, 'Storage')"}}},
]  # fmt: skip
ENUMS = {"Storage": {"permissible_values": {
    "frozen (SPREC:Storage_B)": {"title": "frozen", "meaning": "SPREC:Storage_B"}, "bag (SPREC:Storage_Q)": {"title": "bag", "meaning": "SPREC:Storage_Q"},
}}}  # fmt: skip


def profile(folder: Path, **changes: Any) -> Path:
    folder.mkdir(exist_ok=True)

    def slot(range_: str) -> dict[str, Any]:
        if not range_:
            return {}
        return {"range": range_.rstrip("*"), "inlined": True, "multivalued": True, "inlined_as_list": True}

    classes: dict[str, Any] = {
        n: {"attributes": {s: slot(r) for s, r in slots.items()}} for n, slots in CLASSES.items()
    }
    classes["Record"]["tree_root"] = True
    source = {"id": "https://x/s", "name": "s", "classes": classes, "enums": ENUMS}
    mapping = {"id": "https://x/m", "class_derivations": changes.get("map", MAP)}
    for name, tree in (("profile", changes.get("card", CARD)), ("source", source), ("map", mapping)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    return folder


def run(tmp_path: Path, **tables: list[dict[str, str]]) -> Run:
    source = tmp_path / "in"
    source.mkdir()
    for name, rows in tables.items():
        with (source / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(column for row in rows for column in row)), restval="")
            writer.writeheader()
            writer.writerows(rows)
    settings = Settings(str(profile(tmp_path / "p")), ("hub",), KEY, "x")
    made = Run(tmp_path / "out", convert_files(settings, RunOptions((source,), tmp_path / "out", max_errors="100%")))
    for values in made.counts["values"]["hub"].values():
        assert values["read"] == sum(values[name] for name in COUNTED)
    return made


def test_rows_are_lists_in_rows_of_one_of_several_tables(tmp_path: Path) -> None:
    made = run(
        tmp_path,
        Disease=[
            {"pid": "1", "key": "a", "disease": "ICD10:C50", "maybe": ""},
            {"pid": "1", "key": "b", "disease": "", "maybe": "lung (ICD10:C34)"},
        ],
        Stage=[
            {"pid": "1", "key": "b", "stage": "II"},
            {"pid": "1", "key": "a", "stage": "I"},
            {"pid": "1", "key": "a", "stage": "SNOMEDCT:1222592004"},
        ],
    )
    (record,) = made.lines("hub/subjects.ndjson")
    first, second = record["diagnoses"]
    assert [t["stage"].get("text") for t in first["tnm_classifications"]] == ["I", None]
    assert (second["certainty"], second["tnm_classifications"][0]["stage"]) == ("provisional", {"text": "II"})
    assert "certainty" not in first and made.rules() == {"source.table-absent"} - {"source.table-absent"}


def test_a_column_that_is_called_like_what_holds_rows_is_an_unknown_one(tmp_path: Path) -> None:
    made = run(
        tmp_path,
        Disease=[{"pid": "1", "key": "a", "disease": "ICD10:C50", "maybe": "", "stages": "x"}],
        Stage=[{"pid": "1", "key": "a", "stage": "I"}],
    )
    (record,) = made.lines("hub/subjects.ndjson")
    assert [t["stage"] for t in record["diagnoses"][0]["tnm_classifications"]] == [{"text": "I"}]
    assert made.rules() == {"source.unknown-column"}


def test_rows_without_a_partner_or_a_key_are_orphans(tmp_path: Path) -> None:
    made = run(
        tmp_path,
        Disease=[{"pid": "1", "key": "", "disease": "ICD10:C50", "maybe": ""}],
        Stage=[{"pid": "1", "key": "x", "stage": "I"}, {"pid": "1", "key": "", "stage": "II"}],
    )
    found = [f for f in made.findings() if f["rule"] == "source.orphan-row"]
    assert [f["source"]["row"] for f in found] == [2, 3], "a blank key is no key, even where one row has none either"
    assert "no row of Disease or Maybe" in found[0]["message"]
    assert made.counts["rows"]["Stage.csv"] == {"read": 2, "used": 0, "rejected": 2, "skipped": 0}


def test_a_row_that_names_two_rows_is_joined_to_neither(tmp_path: Path) -> None:
    made = run(
        tmp_path,
        Sample=[{"pid": "1", "sample": "s"}, {"pid": "1", "sample": "s "}, {"pid": "1", "sample": "t"}],
        Relation=[
            {"pid": "1", "sample": "s", "kind": "a"},
            {"pid": "1", "sample": "t ", "kind": "b"},
            {"pid": "1", "sample": "  ", "kind": "c"},
        ],
    )
    found = [(f["rule"], f["source"]["file"], f["source"]["row"]) for f in made.findings()]
    assert [f for f in found if f[0] != "source.table-absent"] == [
        ("source.ambiguous-row", "Relation.csv", 2),
        ("source.orphan-row", "Relation.csv", 4),
        ("source.duplicate-key", "Sample.csv", 3),
    ]
    (record,) = made.lines("hub/subjects.ndjson")
    assert [len(sample.get("relations", ())) for sample in record["samples"]] == [0, 0, 1]
    assert made.counts["rows"]["Relation.csv"] == {"read": 3, "used": 1, "rejected": 2, "skipped": 0}
    assert made.counts["rows"]["Sample.csv"] == {"read": 3, "used": 3, "rejected": 0, "skipped": 0}


def test_blanks_around_identifiers_and_selectors_do_not_count(tmp_path: Path, call: Any) -> None:
    assert (
        call("pseudonym", "T1 ", "sample") == call("pseudonym", " T1", "sample") == KEY.pseudonym("x", "sample", "T1")
    )
    assert call("pseudonym", "  ", "sample") is None
    made = run(tmp_path, Disease=[{"pid": "1", "key": "a", "disease": "ICD10:C50", "maybe": "  "}])
    (record,) = made.lines("hub/subjects.ndjson")
    assert [d.get("certainty") for d in record["diagnoses"]] == [None]


def test_two_statements_in_one_row_are_two_objects(tmp_path: Path) -> None:
    made = run(
        tmp_path,
        Disease=[
            {"pid": "1", "key": "a", "disease": "ICD10:C50", "maybe": "ICD10:D05"},
            {"pid": "1", "key": "b", "disease": "", "maybe": ""},
        ],
    )
    (record,) = made.lines("hub/subjects.ndjson")
    assert [(d["disease"]["codings"][0]["code"], d.get("certainty")) for d in record["diagnoses"]] == [
        ("ICD10:C50", None),
        ("ICD10:D05", "provisional"),
    ]
    assert made.rules() == {"source.unknown-kind-of-row"}


def test_a_bad_value_of_several_is_lost_alone(tmp_path: Path) -> None:
    made = run(
        tmp_path,
        Sample=[
            {"pid": "1", "sample": "s", "kinds": "bag (SPREC:Storage_Q) | the fridge | SPREC:Storage_B | unknown"},
            {"pid": "1", "sample": "t", "kinds": "shelf | x"},
        ],
        Relation=[{"pid": "1", "sample": "s", "others": "t | u", "kind": "twin"}],
    )
    (record,) = made.lines("hub/subjects.ndjson")
    kinds = [v.get("null_flavor") or v["codings"][0]["code"] for v in record["samples"][0]["storage_conditions"]]
    assert kinds == ["SPREC:Storage_Q", "SPREC:Storage_B", "UNK"]
    assert "storage_conditions" not in record["samples"][1]
    assert record["samples"][0]["relations"] == [
        {"related_samples": [KEY.pseudonym("x", "sample", n) for n in "tu"], "relation_type": {"text": "twin"}}
    ]
    counts = made.counts["values"]["hub"]["Sample.csv/kinds"]
    assert (counts["read"], counts["coarsened"], counts["unmapped"]) == (2, 1, 1)


def test_tables_that_are_left_out_are_said_with_the_reason(tmp_path: Path) -> None:
    made = run(tmp_path, Sample=[{"pid": "1", "sample": "s"}], notes=[{"what": "this"}])
    found = [f for f in made.findings(info=True) if f.get("source", {}).get("file") == "notes.csv"]
    assert [f["rule"] for f in found] == ["mapping.left-out"] and "words about the tables" in found[0]["message"]


def test_a_row_knows_the_rows_that_nest_in_it(tmp_path: Path) -> None:
    made = run(
        tmp_path,
        Sample=[{"pid": "1", "sample": "s"}],
        Relation=[{"pid": "1", "sample": "s", "kind": "a"}, {"pid": "1", "sample": "s", "kind": "b"}],
    )
    (line,) = made.lines("private/lineage.ndjson")
    assert line["objects"]["samples"] == [{"Relation.csv": [2, 3], "Sample.csv": [2]}]


# --- functions ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = profile(tmp_path_factory.mktemp("functions") / "p")
    environment = make_environment(load_profile(str(folder)), KEY, "x")
    return lambda name, *arguments: library_function(name, environment)(*arguments)


def test_words_that_are_not_those_of_the_code_are_said(call: Any) -> None:
    noted = call("meaning", "bag (SPREC:Storage_B)", "Storage")
    assert isinstance(noted, Noted) and (noted.rule, noted.outcome) == ("source.entry-label", Outcome.CARRIED)
    assert noted.value["codings"][0]["code"] == "SPREC:Storage_B"
    for text in ("frozen (SPREC:Storage_B)", "Frozen (SPREC:Storage_B)", "SPREC:Storage_B", " SPREC:Storage_B "):
        assert call("meaning", text, "Storage")["codings"][0] == {
            "system": "SPREC",
            "code": "SPREC:Storage_B",
            "origin": "stated",
            "label": "frozen",
        }


@pytest.mark.parametrize(("text", "system", "found"), [
    ("48676-1", "LOINC", "LOINC:48676-1"), ("48676-1", "http://loinc.org", "LOINC:48676-1"), ("LOINC:48676-1", None, "LOINC:48676-1"),
    ("LOINC:48676-2", None, "source.code"), ("UNKNOWNSYS:12", None, "source.code"), ("48676-1", None, "source.code"), ("48676-1", "ours", "source.code"), ("HP:0001250", "LOINC", "terms.wrong-system"), ("x y", "LOINC", "source.code"),
])  # fmt: skip
def test_a_code_whose_system_stands_beside_it(call: Any, text: str, system: str | None, found: str) -> None:
    answer = call("code_of_system", text, system)
    assert (answer.rule if isinstance(answer, Noted) else answer["codings"][0]["code"]) == found


@pytest.mark.parametrize(("text", "found"), [
    ("frozen (SPREC:Storage_B)", "SPREC:Storage_B"), ("in a box", {"text": "in a box"}), ("stage: 2", {"text": "stage: 2"}),
    ("snomedct:ABC", "mapping.value"), ("NullFlavor:XX", "mapping.value"),
])  # fmt: skip
def test_a_broken_code_is_not_carried_as_words(call: Any, text: str, found: Any) -> None:
    answer = call("meaning_or_text", text, "Storage")
    said = answer.rule if isinstance(answer, Noted) else answer if "text" in answer else answer["codings"][0]["code"]
    assert said == found


@pytest.mark.parametrize(
    ("text", "found"), [("mm", "mm"), ("millimetre (mm)", "mm"), ("UCUM:mg/dL", "mg/dL"), ("spoons", None)]
)
def test_units(call: Any, text: str, found: str | None) -> None:
    answer = call("unit_code", text)
    assert (None if isinstance(answer, Noted) else answer) == found


@pytest.mark.parametrize(
    ("slot", "expr", "said"),
    [
        ("storage_conditions", "each(kinds, ';', 'meaning', 'Storage')", "separator"),
        ("storage_conditions", "each(kinds, '|', 'first', 'Storage')", "function for each"),
        ("storage_conditions", "each(kinds, '|', 'meaning', 'Shelf')", "enumeration with meanings"),
        ("storage_conditions", "each(kinds, '|', 'code', 'NOPE')", "code system"),
        ("storage_conditions", "each(kinds, '|', 'words')", "takes CodedValue"),
        ("storage_conditions", "each(kinds, '|', 'meaning')", "takes 2 to 20 arguments"),
        ("storage_conditions", "each(date(kinds), '|', 'meaning', 'Storage')", "takes a slot"),
        ("storage_conditions", "meaning(kinds, 'Storage')", "several values"),
        ("type", "each(kinds, '|', 'meaning', 'Storage')", "one value"),
    ],
)
def test_what_does_not_fit_is_refused_when_the_profile_is_compiled(
    tmp_path: Path, slot: str, expr: str, said: str
) -> None:
    changed = [
        {**d, "slot_derivations": {**d["slot_derivations"], slot: {"expr": expr}}} if d["name"] == "Sample" else d
        for d in MAP
    ]
    loaded = load_profile(str(profile(tmp_path / "p", map=changed)))
    with pytest.raises(SpecificationError, match=said):
        compile_profile(loaded, make_environment(loaded, KEY, "x"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"into": "Samples"}, "Did you mean 'Sample'"),
        ({"into": ["Sample", "Stage"]}, "StageRow.relations must take many RelationRow"),
        ({"repeats": "once"}, "SampleRow.relations must take one RelationRow"),
        ({"on": {"sample": "no"}}, "SampleRow has no slot 'no'"),
    ],
)
def test_a_join_that_does_not_fit_is_said(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    tables = CARD["assemble"]["tables"]
    relation = {**tables["Relation"], "join": {**tables["Relation"]["join"], **change}}
    card = {**CARD, "assemble": {**CARD["assemble"], "tables": {**tables, "Relation": relation}}}
    assert said in "; ".join(check_assembly(load_profile(str(profile(tmp_path / "p", card=card)))))
