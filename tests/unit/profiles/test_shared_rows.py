"""Tables that are made of the rows of one file: every cell is counted once, by the tables that its row belongs to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.properties.test_accounting import assert_adds_up
from tests.redcap import convert
from tests.registry import Run

CARD = {
    "id": "xx/shared", "title": "Shared rows", "version": "1.0.0", "licence": "Apache-2.0", "owner": "tests",
    "specification": {"name": "none", "version": "1"},
}  # fmt: skip
SLOTS = {
    "A": ("hp", "seen", "state"),
    "B": ("ref", "mondo", "seen"),
    "C": ("hp", "state"),
}
RULES = {
    "A": {"type": {"expr": "code(hp, 'HP')"}, "onset_date": {"expr": "date(seen)"}, "excluded": {"populated_from": "state", "value_mappings": {"yes": "false", "no": "true"}}},
    "B": {"disease": {"expr": "first(code(mondo, 'MONDO'), code(ref, 'MONDO'))"}, "onset_date": {"expr": "date(seen)"}},
    "C": {"type": {"expr": "code(hp, 'HP')"}},
}  # fmt: skip
MADE = {
    "A": ("PhenotypicFeature", "phenotypic_features"),
    "B": ("Diagnosis", "diagnoses"),
    "C": ("PhenotypicFeature", ""),
}


def profile(folder: Path, tables: dict[str, dict[str, Any]], **more: Any) -> Path:
    """A profile of the tables *tables* (class -> what its row of `assemble.tables` says beside class and slot)."""
    many = {name: spec.get("repeats", "many") == "many" for name, spec in tables.items()}
    stated = {n: {"class": n, "slot": n.lower(), "repeats": "many", **spec} for n, spec in tables.items()}
    first = next(iter(stated))
    stated[first]["file"] = "rows.csv"
    for name in set(stated) - {first}:
        stated[name]["rows_of"] = first
    root = {"pid": {"required": "true"}} | {
        n.lower(): {
            "range": n,
            "inlined": "true",
            **({"multivalued": "true", "inlined_as_list": "true"} if many[n] else {}),
        }
        for n in stated
    }
    source = {
        "id": "https://example.org/shared", "name": "shared", "imports": ["linkml:types"],
        "prefixes": {"linkml": "https://w3id.org/linkml/", "shared": "https://example.org/shared/"},
        "default_prefix": "shared", "default_range": "string",
        "classes": {"Person": {"tree_root": "true", "attributes": root}}
        | {name: {"attributes": {slot: {"description": slot} for slot in SLOTS[name]}} for name in stated},
    }  # fmt: skip
    listed = {MADE[n][1]: {"populated_from": n.lower()} for n in stated if MADE[n][1] and many[n]}
    single = {
        MADE[n][1]: {
            "range": MADE[n][0],
            "class_derivations": [
                {
                    "name": MADE[n][0],
                    "populated_from": "Person",
                    "slot_derivations": {
                        slot: {"expr": made["expr"].replace("(hp", "(a.hp").replace("(seen", "(a.seen")}
                        for slot, made in RULES[n].items()
                        if "expr" in made
                    },
                }
            ],
        }
        for n in stated
        if MADE[n][1] and not many[n]
    }
    subject = {"subject_id": {"expr": "pseudonym(pid, 'subject')"}, **listed, **single}
    derivations = [{"name": "Subject", "populated_from": "Person", "slot_derivations": subject}] + [
        {"name": MADE[n][0], "populated_from": n, "slot_derivations": RULES[n]}
        for n in stated
        if MADE[n][1] and many[n]
    ]
    body = {
        **CARD,
        "assemble": {
            "reader": "delimited",
            "subject": "pid",
            "missing": {"UNK": "UNK", "NASK": "NASK"},
            "delimited": {"encoding": "utf-8", "delimiter": ","},
            "tables": stated,
        },
        **more,
    }
    linkml_map = {
        "id": "https://example.org/map", "title": "map", "source_schema": "source.yaml",
        "target_schema": "https://w3id.org/harmonize/hub", "class_derivations": derivations,
    }  # fmt: skip
    folder.mkdir(parents=True)
    for name, document in {"profile": body, "source": source, "map": linkml_map}.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(document, sort_keys=False, default_style='"'))
    return folder


def run(tmp_path: Path, tables: dict[str, dict[str, Any]], *rows: str, **more: Any) -> Run:
    folder = profile(tmp_path / "profile", tables, **more)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "rows.csv").write_text("pid,kind,hp,mondo,ref,seen,state\n" + "\n".join(rows) + "\n")
    made = convert(
        tmp_path / "in", tmp_path / "out", str(folder), max_errors="100%", targets=("hub", "phenopackets", "fhir-r4")
    )
    assert_adds_up(made)
    return made


def counted(made: Run, column: str) -> dict[str, int]:
    return {name: n for name, n in made.counts["values"]["hub"][f"rows.csv/{column}"].items() if n}


BOTH = {"A": {}, "B": {"where": {"kind": "b"}}}
STATE = {"left_out": [{"class": "A", "slots": ["state"], "reason": "the table is only of what is there"}]}


def test_a_cell_that_no_table_of_its_row_reads_is_lost_with_a_word(tmp_path: Path) -> None:
    made = run(tmp_path, BOTH, "1,x,HP:0001250,MONDO:0007947,,,", "1,b,HP:0000365,MONDO:0007947,,,")
    assert counted(made, "mondo") == {"read": 2, "carried": 1, "dropped": 1}
    assert [f["source"]["row"] for f in made.findings() if f["rule"] == "mapping.no-place"] == [2]


def test_a_value_is_rejected_where_the_table_of_its_row_cannot_read_it(tmp_path: Path) -> None:
    tables = {"A": {"where": {"kind": "a"}}, "B": {"where": {"kind": "b"}}}
    made = run(tmp_path, tables, "1,a,HP:0001250,,,2020-99-99,yes", "1,b,,MONDO:0007947,,2020-01-01,")
    assert counted(made, "seen") == {"read": 2, "carried": 1, "rejected": 1}


@pytest.mark.parametrize("state", ["maybe", "Refuted", "NASK", " NASK "])
def test_what_cannot_be_read_to_be_there_is_not_said_to_be(tmp_path: Path, state: str) -> None:
    made = run(tmp_path, {"A": {}}, f"1,,HP:0001250,,,2020-01-01,{state}", "1,,HP:0000365,,,,yes")
    (record,) = made.lines("hub/subjects.ndjson")
    assert [f["type"]["codings"][0]["code"] for f in record["phenotypic_features"]] == ["HP:0000365"]
    assert counted(made, "hp") == {"read": 2, "carried": 1, "dropped": 1}
    assert "mapping.incomplete" in made.rules()


@pytest.mark.parametrize(("state", "excluded"), [(" yes", False), ("no\t", True), ("no", True)])
def test_blanks_around_a_value_do_not_count(tmp_path: Path, state: str, excluded: bool) -> None:
    made = run(tmp_path, {"A": {}}, f"1,,HP:0001250,,,2020-01-01,{state}")
    (record,) = made.lines("hub/subjects.ndjson")
    assert [f["excluded"] for f in record["phenotypic_features"]] == [excluded]
    assert "mapping.value" not in made.rules()


def test_a_reason_why_nothing_is_known_gives_way_to_a_value(tmp_path: Path) -> None:
    made = run(tmp_path, BOTH, "1,b,,UNK,MONDO:0007947,,", "2,b,, UNK\t,,,")  # blanks around a word do not count
    first, second = (r["diagnoses"][0]["disease"] for r in sorted(made.lines("hub/subjects.ndjson"), key=str))
    known, unknown = (first, second) if "codings" in first else (second, first)
    assert known["codings"][0]["code"] == "MONDO:0007947" and unknown == {"null_flavor": "UNK"}


def test_a_text_that_says_nothing_is_counted_once(tmp_path: Path) -> None:
    tables = {"A": {}, "C": {}}
    left_out = [
        {"class": "*", "slots": ["state"], "values": ["unsure"], "reason": "it says nothing"},
        {"class": "C", "slots": ["hp", "state"], "reason": "the table A reads it"},
    ]
    made = run(tmp_path, tables, "1,,HP:0001250,,,,unsure", "1,,HP:0000365,,,,yes", left_out=left_out)
    assert counted(made, "state")["read"] == 2


def test_a_row_too_many_loses_each_cell_once(tmp_path: Path) -> None:
    made = run(
        tmp_path,
        {"A": {"repeats": "once"}, "B": {"where": {"kind": "b"}}},
        "1,,HP:0001250,,,,",
        "1,,HP:0000365,,,,",
        **STATE,
    )
    assert counted(made, "hp") == {"read": 2, "carried": 1, "rejected": 1}
    assert [
        f["source"]["row"]
        for f in made.findings()
        if f["rule"] == "source.duplicate-subject" and f["source"]["column"] == "hp"
    ] == [3]
    assert '"row":3' in (made.folder / "private" / "rejects.ndjson").read_text()
