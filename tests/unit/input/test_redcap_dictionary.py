"""REDCap data dictionaries: the designer's CSV, the API's CSV and JSON say the same; what is no dictionary is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from harmonize.errors import InputError
from harmonize.input.redcap_dictionary import Choice, Field, read_dictionary

DESIGNER = (
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
    "Choices, Calculations, OR Slider Labels", "Field Note", "Text Validation Type OR Show Slider Number",
    "Text Validation Min", "Text Validation Max", "Identifier?", "Branching Logic (Show field only if...)", "Required Field?",
)  # fmt: skip
API = (
    "field_name", "form_name", "section_header", "field_type", "field_label", "select_choices_or_calculations", "field_note",
    "text_validation_type_or_show_slider_number", "text_validation_min", "text_validation_max", "identifier",
    "branching_logic", "required_field",
)  # fmt: skip
ROWS = (
    ("record_id", "base", "", "text", "Record", "", "", "", "", "", "", "", "y"),
    ("surname", "base", "", "text", "Name", "", "", "", "", "", "y", "", ""),
    ("born", "base", "About", "text", '<div class="rich"><b>Date</b> of birth</div>', "", "", "date_ymd", "1900-01-01", "today", "", "", ""),
    ("signs", "visit", "", "checkbox", "Signs", "HP:0001250, Seizure, of any kind | -1, none | x", "", "", "", "", "", "[sex] = '1'\nand [age] > 3", ""),
    ("finding", "visit", "", "text", "Finding", "BIOPORTAL:HP", "", "", "", "", "", "", ""),
    ("smokes", "visit", "", "yesno", "Smokes", "", "", "", "", "", "", "", ""),
    ("true", "visit", "", "truefalse", "True?", "", "", "", "", "", "", "", ""),
    ("bmi", "visit", "", "calc", "BMI", "[weight] / [height]^2", "", "", "", "", "", "", ""),
)  # fmt: skip


def as_csv(path: Path, names: tuple[str, ...]) -> Path:
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows([names, *ROWS])
    return path


def as_json(path: Path) -> Path:
    path.write_text(json.dumps([dict(zip(API, row, strict=True)) for row in ROWS]))
    return path


@pytest.fixture
def fields(tmp_path: Path) -> dict[str, Field]:
    return {field.name: field for field in read_dictionary(as_csv(tmp_path / "dictionary.csv", DESIGNER))}


def test_every_way_out_of_redcap_says_the_same(fields: dict[str, Field], tmp_path: Path) -> None:
    others = [
        as_csv(tmp_path / "renamed.csv", ("1", *DESIGNER[1:])),
        as_csv(tmp_path / "api.csv", API),
        as_json(tmp_path / "api.json"),
    ]
    for path in others:
        assert read_dictionary(path) == tuple(fields.values()), path.name


def test_what_a_field_is(fields: dict[str, Field]) -> None:
    assert fields["born"].label == "Date of birth"
    assert (fields["born"].validation, fields["born"].minimum, fields["born"].maximum) == (
        "date_ymd",
        "1900-01-01",
        "today",
    )
    assert fields["signs"].choices == (
        Choice("HP:0001250", "Seizure, of any kind"),
        Choice("-1", "none"),
        Choice("x", "x"),
    )
    assert fields["signs"].columns() == ("signs___hp_0001250", "signs____1", "signs___x")
    assert fields["signs"].branching == "[sex] = '1' and [age] > 3"
    assert fields["finding"].ontology == "HP" and fields["finding"].columns() == ("finding",)
    assert (
        [choice.code for choice in fields["smokes"].choices] == ["1", "0"] == [c.code for c in fields["true"].choices]
    )
    assert fields["bmi"].choices == (), "a calculation is no choice"
    assert [name for name, field in fields.items() if field.identifier] == ["surname"]
    assert [name for name, field in fields.items() if field.required] == ["record_id"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("record_id,sex\n1,2\n", "no REDCap data dictionary"),
        ("", "no REDCap data dictionary"),
        ("x,Form Name,Field Type\n", "holds no field"),
        ("x,Form Name,Field Type\nA b,base,text\n", "no field of REDCap"),
        ("x,Form Name,Field Type\nsex,,text\n", "no field of REDCap"),
        ("x,Form Name,Field Type\nsex,base,text\nage,base,text\nsex,visit,text\n", "'sex' stands twice"),
    ],
)
def test_what_is_no_dictionary_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "dictionary.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as refused:
        read_dictionary(path)
    assert refused.value.fix
