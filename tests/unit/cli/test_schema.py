"""`harmonize schema`: the contract of the answers for scripts, and what is printed for people."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from harmonize.datasets.specification import dataset_names
from tests.hostile.run_cli import harmonize

ITEM_KEYS = {"class", "item", "slot", "cardinality", "level", "condition", "petal", "value_set", "source"}


def test_list() -> None:
    answer = json.loads(harmonize("schema", "list", "--json").out)
    assert [set(entry) for entry in answer] == [{"name", "title", "version", "items"}] * len(answer)
    counts = {entry["name"]: entry["items"] for entry in answer}
    assert set(counts) == {"hub", *dataset_names()}
    assert {"hmd": 121, "mdc": 140, "erdri-cds": 16, "rd-cdm": 78}.items() <= counts.items()
    assert "hmd            1.1       121" in harmonize("schema", "list").out


@pytest.mark.parametrize("name", ["hub", *dataset_names()])
def test_show(name: str) -> None:
    answer = json.loads(harmonize("schema", "show", name, "--json").out)
    assert set(answer) == {"name", "version", "items"} and answer["name"] == name
    for item in answer["items"]:
        assert set(item) >= ITEM_KEYS and item["slot"] and item["level"]
    assert f"{len(answer['items'])} items" in harmonize("schema", "show", name).out


def test_show_an_item_from_the_record_on() -> None:
    items = {item["id"]: item for item in json.loads(harmonize("schema", "show", "hmd", "--json").out)["items"]}
    gender = items["hmd:Subject.Administrative_Gender"]
    assert gender["slot"] == "administrative_gender" and gender["value_set"]["values"][0]["code"] == "GENDER:male"
    assert items["hmd:SampleRelation.Relation_Type"]["slot"] == "samples/relations/relation_type"


def test_a_release() -> None:
    new, old = (json.loads(harmonize("schema", "show", name, "--json").out) for name in ("hmd", "hmd@1.0"))
    assert (new["version"], old["version"]) == ("1.1", "1.0")
    assert len(old["items"]) == 120 and old == json.loads(
        harmonize("schema", "show", "hmd", "--version", "1.0", "--json").out
    )


def test_crosswalk() -> None:
    answer = json.loads(harmonize("schema", "crosswalk", "mdc", "hmd", "--json").out)
    assert set(answer) == {"from", "to", "through", "mapping_sets", "rows", "gaps"}
    assert {row["from"] for row in answer["rows"]} | {gap["id"] for gap in answer["gaps"]["from"]} == {
        f"mdc:{n}" for n in range(1, 141)
    }
    text = harmonize("schema", "crosswalk", "mdc", "hmd").out
    assert f"{len(answer['rows'])} rows" in text and "items of hmd without a row in mdc" in text
    external = harmonize("schema", "crosswalk", "hmd", "mcode")
    assert json.loads(harmonize("schema", "crosswalk", "hmd", "mcode", "--json").out)["gaps"]["to"] is None
    assert "mcode is no data set of harmonize" in external.out
    composed = harmonize("schema", "crosswalk", "goe", "mdc", "--through", "hmd")
    assert "derived, not curated" in composed.out and "through hmd:Subject" in composed.out


@pytest.mark.parametrize("name", ["hub", "hmd", "erdri-cds"])
@pytest.mark.parametrize("form", ["json-schema", "shacl", "pydantic", "markdown", "csv"])
def test_export_twice_the_same(name: str, form: str, tmp_path: Path) -> None:
    printed = harmonize("schema", "export", name, "--format", form)
    done = harmonize("schema", "export", name, "--format", form, "--out", tmp_path / "made")
    assert printed.code == done.code == 0 and done.out == ""
    assert (tmp_path / "made").read_text("utf-8") == printed.out and [p.name for p in tmp_path.iterdir()] == ["made"]
    if form == "json-schema":
        jsonschema_rs.validator_for(json.loads(printed.out))


def test_what_is_not_expressed_is_said_on_stderr() -> None:
    done = harmonize("schema", "export", "hmd", "--format", "json-schema", "--level", "optional", "--petal", "cancer")
    assert "not expressed: hmd:TNM.Tumor_size_unit: the value set 'unit' is not expressed" in done.err
    assert "hmd:TNM.Tumor_size_unit: the value set 'unit'" in json.loads(done.out)["$comment"]


def test_excel(tmp_path: Path) -> None:
    done = harmonize("schema", "export", "hmd", "--format", "xlsx", "--out", tmp_path / "hmd.xlsx")
    assert done.code == 0 and (tmp_path / "hmd.xlsx").read_bytes()[:2] == b"PK"
