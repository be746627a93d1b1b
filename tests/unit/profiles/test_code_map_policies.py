"""What a profile accepts of its code maps, and the outcomes of tests as features."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from harmonize.convert import RunOptions, Settings, convert_files
from harmonize.errors import SpecificationError
from harmonize.profiles.loading import load_profile
from harmonize.terminology.code_map_files import add_set
from tests.registry import KEY, Run
from tests.unit.terminology.test_code_maps import ROWS, write
from tests.unit.terminology.test_compiled_sets import GEM, LOINC2HPO

CARD: dict[str, Any] = {
    "id": "xx/maps", "title": "Code maps", "version": "1.0.0", "licence": "Apache-2.0", "owner": "tests",
    "specification": {"name": "none", "version": "1"},
    "assemble": {"reader": "delimited", "subject": "pid", "tables": {
        "Row": {"class": "Row", "slot": "rows"}, "Test": {"class": "Test", "slot": "tests"},
    }},
    "left_out": [],
}  # fmt: skip
LIST = {"multivalued": True, "inlined_as_list": True, "inlined": True}
CLASSES: dict[str, Any] = {
    "Record": {"attributes": {"pid": {}, "rows": {"range": "Row", **LIST}, "tests": {"range": "Test", **LIST}}, "tree_root": True},
    "Row": {"attributes": {name: {} for name in ("icd", "orpha", "cm")}},
    "Test": {"attributes": {name: {} for name in ("test", "result")}},
}  # fmt: skip
MAP: list[dict[str, Any]] = [
    {"name": "Subject", "populated_from": "Record", "slot_derivations": {
        "subject_id": {"expr": "pseudonym(pid, 'subject')"}, "diagnoses": {"populated_from": "rows"},
        "phenotypic_features": {"populated_from": "tests"}}},
    {"name": "Diagnosis", "populated_from": "Row", "slot_derivations": {
        "disease": {"expr": "first(mapped(code(icd, 'ICD10'), 'mondo'), mapped(code(orpha, 'ORPHA'), 'icd'), mapped(code(cm, 'ICD10CM'), 'gem'))"}}},
    {"name": "PhenotypicFeature", "populated_from": "Test", "slot_derivations": {
        "type": {"expr": "first(outcome_feature(code(test, 'LOINC'), result, 'loinc2hpo'), outcome_absent(code(test, 'LOINC'), result, 'loinc2hpo'))"},
        "excluded": {"expr": "outcome_excluded(code(test, 'LOINC'), result, 'loinc2hpo')"}}},
]  # fmt: skip
MAPS: dict[str, Any] = {
    "mondo": {"sets": ["ordo.sssom.tsv", "mondo.sssom.tsv"], "to": "MONDO", "through": ["ORPHA"], "predicates": ["skos:exactMatch", "skos:narrowMatch"]},
    "icd": {"sets": ["ordo.sssom.tsv"], "predicates": ["skos:exactMatch", "skos:broadMatch"]},
    "gem": {"sets": ["added:gem"], "to": "ICD9CM"},
    "loinc2hpo": "loinc2hpo.tsv",
}  # fmt: skip


def profile(folder: Path, maps: dict[str, Any] | None = None) -> Path:
    folder.mkdir()
    for name in ("ordo", "mondo"):
        write(folder, name, ROWS[name])
    (folder / "loinc2hpo.tsv").write_text(LOINC2HPO)
    (folder / "gem.csv").write_text(GEM.replace('"10111"', '"00111"').replace(",1,0,1,1,", ",0,0,1,1,"))
    add_set(folder / "gem.csv", "gem")
    trees = {
        "profile": {**CARD, "code_maps": MAPS if maps is None else maps},
        "source": {"id": "https://x/s", "name": "s", "classes": CLASSES},
        "map": {"id": "https://x/m", "class_derivations": MAP},
    }
    for name, tree in trees.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    return folder


@pytest.fixture
def convert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    monkeypatch.setenv("HARMONIZE_TERMINOLOGIES", str(tmp_path / "mine"))
    folder = profile(tmp_path / "p")

    def run(rows: str, tests: str = "") -> Run:
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "Row.csv").write_text("pid,icd,orpha,cm\n" + rows, "utf-8")
        (tmp_path / "in" / "Test.csv").write_text("pid,test,result\n" + tests, "utf-8")
        options = RunOptions((tmp_path / "in",), tmp_path / "out", max_errors="100%")
        return Run(tmp_path / "out", convert_files(Settings(str(folder), ("hub",), KEY, "x"), options))

    return run


def codes(record: dict[str, Any]) -> list[tuple[str, str | None]]:
    (diagnosis,) = record["diagnoses"]
    return [(coding["code"], coding.get("predicate")) for coding in diagnosis["disease"]["codings"]]


def test_policies_of_a_profile(tmp_path: Path, convert: Callable[..., Run]) -> None:
    made = convert("1,A01,,\n2,A02,,\n3,,2,\n4,,4,\n5,,,A02.1\n6,,,A00.0\n7,,7,\n")
    records = made.lines("hub/subjects.ndjson")
    assert codes(records[0]) == [("ICD10:A01", None), ("MONDO:0000001", "skos:exactMatch")]
    chain = records[0]["diagnoses"][0]["disease"]["codings"][1]
    assert chain["mapping_set"] == "test:ordo test:mondo" and "row" not in chain, "several rows gave it"
    assert codes(records[1]) == [("ICD10:A02", None), ("MONDO:0009299", "skos:narrowMatch")], (
        "the active term of MONDO:0000002"
    )
    assert codes(records[2]) == [("ORPHA:2", None), ("ICD10:A02", "skos:broadMatch")]
    assert codes(records[3]) == [("ORPHA:4", None)], "two exact ones: none is picked"
    assert codes(records[4]) == [("ICD10CM:A02.1", None)], "two together: none is taken alone"
    assert codes(records[5]) == [("ICD10CM:A00.0", None), ("ICD9CM:001.0", "skos:exactMatch")]
    assert codes(records[6]) == [("ORPHA:7", None)], "close is not accepted"
    found = {(f["rule"], f["source"]["row"]): f["message"] for f in made.findings(info=True) if "source" in f}
    assert ("terms.broad", 4) in found and "several targets" in found["terms.ambiguous", 5]
    assert "several codes together" in found["terms.ambiguous", 6] and ("terms.unmapped", 8) in found
    stated = json.loads((tmp_path / "out" / "manifest.json").read_text())["code_maps"]
    assert [entry["id"] for entry in stated["mondo"]] == ["test:ordo", "test:mondo"]
    assert all(len(entry["source_sha256"]) == 64 for entries in stated.values() for entry in entries)


def test_a_normal_result_never_is_a_feature_that_was_seen(convert: Callable[..., Run]) -> None:
    made = convert("", "1,2951-2,H\n1,2951-2,N\n1,5802-4,NEG\n1,2951-2,POS\n1,,H\n1,2951-2,\n")
    (record,) = made.lines("hub/subjects.ndjson")
    features = [(f["type"]["codings"][0]["code"], f.get("excluded")) for f in record["phenotypic_features"]]
    assert features == [("HP:0003228", False), ("HP:0010931", True), ("HP:0031812", True)]
    assert made.counts["values"]["hub"]["Test.csv/result"]["carried"] == 3
    assert {
        f["rule"]: f["source"]["row"]
        for f in made.findings(info=True)
        if f["rule"].startswith("terms") and "source" in f
    } == {"terms.unmapped": 5}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"sets": []}, "sets"),
        ({"sets": ["ordo.sssom.tsv"], "to": "MONDOO"}, "Did you mean 'MONDO'"),
        ({"sets": ["ordo.sssom.tsv"], "through": ["ORPHA"]}, "through|to"),
        ({"sets": ["ordo.sssom.tsv"], "predicates": ["skos:closeMatch"]}, "predicates|closeMatch"),
        ({"sets": ["ordo.sssom.tsv"], "minimum_confidence": "2"}, "confidence"),
        ({"sets": ["added:nothing"]}, "harmonize mappings add"),
        ({"sets": ["../p/ordo.sssom.tsv/../../x"]}, "no file"),
        ({"set": "ordo.sssom.tsv"}, "set"),
    ],
)
def test_wrong_policies_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: dict[str, Any], said: str
) -> None:
    monkeypatch.setenv("HARMONIZE_TERMINOLOGIES", str(tmp_path / "mine"))
    with pytest.raises(SpecificationError, match=said):
        load_profile(str(profile(tmp_path / "p", {"one": entry})))
