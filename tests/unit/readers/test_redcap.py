"""REDCap exports: four forms of the same records, checkboxes, dictionaries, and what real exports get wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harmonize.errors import InputError
from harmonize.trace import trace
from tests.properties.test_accounting import assert_adds_up
from tests.redcap import FORMS, convert, make_records, write_export
from tests.registry import Run


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    return make_records(tmp_path_factory.mktemp("redcap") / "demo")


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_give_the_same_records(records: list[dict[str, str]], tmp_path: Path, form: str) -> None:
    expected = convert(write_export(records, "flat JSON", tmp_path / "a"), tmp_path / "expected")
    run = convert(write_export(records, form, tmp_path / "b"), tmp_path / "out")
    for name in ("hub/subjects.ndjson", "fhir-r4/Observation.ndjson", "phenopackets/phenopackets.ndjson"):
        assert run.lines(name) == expected.lines(name)
    assert_adds_up(run)
    assert run.counts["subjects"] == expected.counts["subjects"]
    mine, theirs = run.counts["values"]["hub"], expected.counts["values"]["hub"]
    assert {k.partition("/")[2]: v for k, v in mine.items() if v["read"]} == {
        k.partition("/")[2]: v for k, v in theirs.items() if v["read"]
    }


def test_export_whose_name_is_no_text_is_refused(records: list[dict[str, str]], tmp_path: Path) -> None:
    written = write_export(records, "flat JSON", tmp_path / "in")
    with pytest.raises(InputError, match="rename it"):
        convert(written.rename(written.with_name(os.fsdecode(b"\xe4.json"))), tmp_path / "out")


def test_records_in_any_order(records: list[dict[str, str]], tmp_path: Path) -> None:
    expected = convert(write_export(records, "flat JSON", tmp_path / "a"), tmp_path / "expected")
    by_instrument = sorted(records, key=lambda r: (r["redcap_repeat_instrument"], r["redcap_repeat_instance"]))
    run = convert(write_export(by_instrument, "flat CSV", tmp_path / "b"), tmp_path / "out")
    assert {r["subject_id"] for r in run.lines("hub/subjects.ndjson")} == {
        r["subject_id"] for r in expected.lines("hub/subjects.ndjson")
    }
    assert_adds_up(run)


def changed(records: list[dict[str, str]], tmp_path: Path, change: Callable[[list[dict[str, Any]]], None]) -> Run:
    copy = json.loads(json.dumps(records))
    change(copy)
    run = convert(write_export(copy, "flat JSON", tmp_path / "in"), tmp_path / "out", max_errors="100%")
    assert_adds_up(run)
    return run


CHANGES: dict[str, tuple[Callable[[list[dict[str, Any]]], None], str, str]] = {
    # what is changed: (change, rule that says so, message)
    "unknown instrument": (
        lambda rows: rows[1].update(redcap_repeat_instrument="site_form"),
        "source.unknown-kind-of-row",
        "no table of the profile selects",
    ),
    "unknown field": (lambda rows: rows[0].update(shoe_size="44"), "source.unknown-column", "is not known"),
    "nested value": (
        lambda rows: rows[0].update(snomedct_370159000=["FRA"]),
        "source.record-shape",
        "object or a list",
    ),
    "no identifier": (lambda rows: rows[0].update(record_id=""), "source.no-subject-id", "names no subject"),
    "NUL": (lambda rows: rows[0].update(snomedct_370159000="F\0A"), "source.nul", "NUL"),
    "lone surrogate": (lambda rows: rows[0].update(snomedct_370159000="\ud800"), "source.encoding", "no UTF-8"),
    "field of another form": (
        lambda rows: next(r for r in rows if r["redcap_repeat_instrument"].endswith("disease")).update(
            snomedct_8116006="HP:0001250"
        ),
        "mapping.no-place",
        "not of the kind",
    ),
    "hidden field": (
        lambda rows: rows[0].update(snomedct_278844005="snomedct_438949009", snomedct_398299004="2024-01-01"),
        "source.hidden-field",
        "",
    ),
    "second base row": (lambda rows: rows.append({**rows[0]}), "source.duplicate-row", "has the same redcap_repeat"),
    "second instance": (lambda rows: rows.append({**rows[1]}), "source.duplicate-row", "has the same redcap_repeat"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_real_exports_get_wrong(records: list[dict[str, str]], tmp_path: Path, name: str) -> None:
    change, rule, message = CHANGES[name]
    run = changed(records, tmp_path, change)
    found = [f for f in run.findings(info=True) if f["rule"] == rule]
    assert found and message in found[0]["message"]
    assert run.counts["subjects"]["converted"] > 20, "nothing else is lost"


def test_numbers_keep_their_digits_and_booleans_are_redcaps(tmp_path: Path) -> None:
    text = (
        '[{"record_id": 1, "redcap_repeat_instrument": "rarelink_6_3_measurements", "redcap_repeat_instance": 1,'
        ' "measurement_category": "laboratory", "ncit_c60819": "718-7", "ncit_c25712": 7.20, "x": true, "y": null}]'
    )
    (tmp_path / "export.json").write_text(text)
    run = convert(tmp_path / "export.json", tmp_path / "out")
    assert run.lines("hub/subjects.ndjson")[0]["measurements"][0]["value"]["value"] == "7.20"


@pytest.mark.parametrize("form", FORMS)
def test_names_that_no_field_has_are_not_told(records: list[dict[str, str]], tmp_path: Path, form: str) -> None:
    records = [{**record, "Jane Doe": "x", "1985-09-10": "y"} for record in records]
    run = convert(write_export(records, form, tmp_path / "in"), tmp_path / "out", max_errors="100%")
    told = [f["source"]["column"] for f in run.findings() if f["rule"] == "source.unknown-column"]
    assert told and all(name.startswith(("field ", "(no name")) for name in told)
    for path in tmp_path.joinpath("out").rglob("*"):
        assert path.is_dir() or "Jane" not in path.read_text(), path
    assert_adds_up(run)


def test_trace_names_rows_of_the_form_alone(records: list[dict[str, str]], tmp_path: Path) -> None:
    run = convert(write_export(records, "flat JSON", tmp_path / "in"), tmp_path / "out")
    record = next(r for r in run.lines("hub/subjects.ndjson") if "birth_date" in r and "diagnoses" in r)
    origins = trace(run.folder, record["subject_id"], "/birth_date", [])
    assert len(origins) == 1 and origins[0].column == "snomedct_184099003"
    base = origins[0].row
    rows = {origin.row for origin in trace(run.folder, record["subject_id"], "/diagnoses/0", [])}
    assert rows and base not in rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "no JSON array"),
        ("[]", "no record"),
        ('[{"record_id": "1", "sex": "2"}]', "'redcap_repeat_instrument' is missing"),
        ('[{"record": "1", "field_name": "sex", "redcap_repeat_instrument": ""}]', "EAV export without value"),
        ("[1]", "no object"),
        ('[{"a": "1"}]', "'record_id' is missing"),
        ('[{"recordid": "1"}]', "rename 'recordid'"),
        ("", "no JSON array"),
        ("record_id;sex\n1;2\n", "no JSON array"),
        ('[{"record_id": NaN}]', "no record"),
    ],
)
def test_input_that_is_no_export(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "export.json").write_text(text)
    with pytest.raises(InputError, match=message):
        convert(tmp_path / "export.json", tmp_path / "out")


def test_a_csv_without_records_is_refused(records: list[dict[str, str]], tmp_path: Path) -> None:
    path = write_export(records, "flat CSV", tmp_path / "in")
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(InputError, match="holds no record"):
        convert(path, tmp_path / "out")


@pytest.mark.parametrize("form", FORMS)
def test_several_events_are_refused(records: list[dict[str, str]], tmp_path: Path, form: str) -> None:
    """A refusal of consent at a later event must not be passed over."""
    one = [{**record, "redcap_event_name": "baseline_arm_1"} for record in records]
    convert(write_export(one, form, tmp_path / "one"), tmp_path / "out")
    later = {**records[0], "redcap_event_name": "month_6_arm_1"}
    with pytest.raises(InputError, match="several events"):
        convert(write_export([*one, later], form, tmp_path / "two"), tmp_path / "again")


def test_a_second_array_is_not_passed_over(records: list[dict[str, str]], tmp_path: Path) -> None:
    path = write_export(records, "flat JSON", tmp_path / "in")
    path.write_text(path.read_text() + path.read_text())
    run = convert(path, tmp_path / "out")
    assert run.outcome.partly_read and "source.cut-off" in run.rules()


def test_eav_values_without_a_field_are_counted(records: list[dict[str, str]], tmp_path: Path) -> None:
    path = write_export(records, "EAV JSON", tmp_path / "in")
    entries = json.loads(path.read_text())
    wrong = [("", "x"), ("record_id", "other"), ("redcap_repeat_instrument", "y"), ("record_id", entries[0]["record"])]
    path.write_text(json.dumps([*entries, *({**entries[0], "field_name": f, "value": v} for f, v in wrong)]))
    run = convert(path, tmp_path / "out")
    counts = run.counts["values"]["hub"]
    assert counts["export.json/(no name of a field)"]["read"] == 2
    assert counts["export.json/record_id"]["rejected"] == 1
    assert_adds_up(run)


def test_a_rejected_value_is_counted_where_another_form_reads_the_column(
    records: list[dict[str, str]], tmp_path: Path
) -> None:
    def spoil(rows: list[dict[str, Any]]) -> None:
        row = next(r for r in rows if r["measurement_category"] == "laboratory" and r["ncit_c82577"])
        row["ncit_c82577"] = "2020-99-99"

    before = changed(records, tmp_path / "a", lambda rows: None).counts["values"]["hub"]["export.json/ncit_c82577"]
    after = changed(records, tmp_path / "b", spoil).counts["values"]["hub"]["export.json/ncit_c82577"]
    assert after["rejected"] == before["rejected"] + 1 and after["carried"] == before["carried"] - 1


def test_two_exports_are_refused(records: list[dict[str, str]], tmp_path: Path) -> None:
    write_export(records, "flat JSON", tmp_path / "in")
    write_export(records, "flat CSV", tmp_path / "in")
    with pytest.raises(InputError, match="more than one export"):
        convert(tmp_path / "in", tmp_path / "out")


@pytest.mark.parametrize("form", ["flat JSON", "flat CSV", "EAV JSON", "EAV CSV"])
def test_a_cut_off_export_is_partial(records: list[dict[str, str]], tmp_path: Path, form: str) -> None:
    path = write_export(records, form, tmp_path / "in")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + (b'\n"' if form.endswith("CSV") else b""))
    run = convert(path, tmp_path / "out")
    assert run.outcome.partly_read and run.outcome.manifest["status"] == "partial"
    assert "source.cut-off" in run.rules()
    assert run.counts["subjects"]["converted"] > 5
    assert_adds_up(run)


def test_values_that_are_stated_twice(records: list[dict[str, str]], tmp_path: Path) -> None:
    path = write_export(records, "EAV JSON", tmp_path / "in")
    entries = json.loads(path.read_text())
    path.write_text(json.dumps([*entries, {**entries[0], "value": "PSEUDO-other"}, entries[1]]))
    run = convert(path, tmp_path / "out")
    assert [f["source"]["column"] for f in run.findings() if f["rule"] == "source.duplicate-value"] == [
        entries[0]["field_name"]
    ]
    assert_adds_up(run)


DICTIONARY = """"Variable / Field Name","Form Name","Section Header","Field Type","Field Label","Choices, Calculations, OR Slider Labels"
record_id,rarelink_1_formal_criteria,,text,Record,
shoe_size,rarelink_2_personal_information,,text,Shoe size,
snomedct_281053000,rarelink_2_personal_information,,dropdown,Sex,"snomedct_248152002, Female | site_code, Other"
"""


def test_a_dictionary_beside_the_export_is_compared(records: list[dict[str, str]], tmp_path: Path) -> None:
    write_export(records, "flat JSON", tmp_path / "in")
    (tmp_path / "in" / "dictionary.csv").write_text(DICTIONARY)
    run = convert(tmp_path / "in", tmp_path / "out")
    said = {f["source"]["column"]: f["message"] for f in run.findings() if f["rule"] == "source.dictionary-differs"}
    assert "does not know" in said["shoe_size"] and "choices" in said["snomedct_281053000"]
    assert "does not have" in said["snomedct_184099003"]


def test_samples(shared: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shared("national-formats/eu-redcap-rarelink")
    records = json.loads((folder / "samples/evco_redcap_records_1-6.json").read_text())
    runs = [
        convert(
            write_export([{k: str(v) for k, v in r.items()} for r in records], form, tmp_path / form),
            tmp_path / f"out {form}",
            consent="record",
        )
        for form in FORMS
    ]
    assert all(run.counts["subjects"]["converted"] == 6 for run in runs)
    assert all(run.lines("hub/subjects.ndjson") == runs[0].lines("hub/subjects.ndjson") for run in runs)


def test_the_dictionary_of_the_project_is_the_profiles(shared: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shared("national-formats/eu-redcap-rarelink")
    (tmp_path / "in").mkdir()
    for name in ("samples/evco_redcap_records_1-6.json", "spec/rarelink-cdm-datadictionary-v2-0-5.csv"):
        (tmp_path / "in" / Path(name).name).write_bytes((folder / name).read_bytes())
    run = convert(tmp_path / "in", tmp_path / "out")
    assert "source.dictionary-differs" not in run.rules()
