"""Drafts of profiles from data dictionaries: they compile, forget nothing by guess, and become profiles of a site's own project."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harmonize.curation.draft import draft_from_redcap_dictionary
from harmonize.errors import CallError, InputError, UnknownNameError
from harmonize.profile_check import check_profile
from harmonize.profiles.loading import load_profile
from tests.redcap import convert

HEADER = (
    '"Variable / Field Name","Form Name","Section Header","Field Type","Field Label",'
    '"Choices, Calculations, OR Slider Labels","Field Note","Text Validation Type OR Show Slider Number",'
    '"Text Validation Min","Text Validation Max","Identifier?","Branching Logic (Show field only if...)","Required Field?"\n'
)
ROWS = (
    "study_id,enrolment,,text,Study number,,,,,,,,y\n"
    "surname,enrolment,,text,Name,,,,,,y,,\n"
    "born,enrolment,,text,<b>Date of birth</b>,,,date_ymd,,,,,\n"
    'sex,enrolment,,radio,Sex,"1, Female | 2, Male | 9, Not known",,,,,,,\n'
    'symptoms,visit,,checkbox,Symptoms,"HP:0001250, Seizures | HP:0000365, Hearing loss",,,,,,,\n'
    "height,visit,,text,Height,,,number,20,250,,\"[sex] = '1' or [symptoms(HP:0001250)] = '1'\",\n"
    "intro,visit,,descriptive,Welcome,,,,,,,,\n"
    "smoker,visit,,yesno,Smoker,,,,,,,,\n"
)


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    path = tmp_path / "dictionary.csv"
    path.write_text(HEADER + ROWS)
    return path


def test_the_draft_compiles_and_lists_what_waits(dictionary: Path, tmp_path: Path) -> None:
    draft_from_redcap_dictionary(dictionary, "xx/site", tmp_path / "draft", ["visit"])
    check = check_profile(str(tmp_path / "draft"))
    assert check.problems == [] and check.failed == []
    assert set(check.unaccounted) == {
        "Enrolment.born",
        "Enrolment.sex",
        "Visit.symptoms___hp_0001250",
        "Visit.symptoms___hp_0000365",
        "Visit.height",
        "Visit.smoker",
    }, "identifiers are left out, what shows something only is no field"
    profile = load_profile(str(tmp_path / "draft"))
    assert profile.source.enums["sex_choices"] == {"1", "2", "9"}
    assert profile.source.enums["smoker_choices"] == {"1", "0"}
    assert profile.source.classes["Project"]["visit"].multivalued
    assert profile.source.classes["Enrolment"]["born"].description == "Date of birth"


def test_a_profile_of_a_site_is_an_edit_of_the_draft(dictionary: Path, tmp_path: Path) -> None:
    """What docs/how-to tells, step by step."""
    draft = tmp_path / "draft"
    draft_from_redcap_dictionary(dictionary, "xx/site", draft, ["visit"])
    (draft / "map.yaml").write_text(
        """
class_derivations:
  - name: Subject
    populated_from: Project
    slot_derivations:
      subject_id: {expr: "pseudonym(study_id, 'subject')"}
      birth_date: {expr: "date(enrolment.born)"}
      phenotypic_features: {populated_from: visit}
  - name: PhenotypicFeature
    populated_from: Visit
    slot_derivations:
      type: {expr: "map_code('HP:0001250', 'HP')"}
      excluded: {populated_from: symptoms___hp_0001250, value_mappings: {"1": "false"}}
"""
    )
    text = (draft / "profile.yaml").read_text()
    rest = "- class: Visit\\n  slots: [height, smoker, symptoms___hp_0000365]\\n  reason: Not needed by the node.\\n"
    rest += "- class: Enrolment\\n  slots: [sex]\\n  reason: Not needed by the node.\\n"
    (draft / "profile.yaml").write_text(text.replace("left_out:\n", "left_out:\n" + rest.replace("\\n", "\n")))
    assert check_profile(str(draft)).good
    row = {
        "study_id": "7",
        "redcap_repeat_instrument": "",
        "redcap_repeat_instance": "",
        "surname": "x",
        "born": "1990-02-28",
    }
    visit = {
        "study_id": "7",
        "redcap_repeat_instrument": "visit",
        "redcap_repeat_instance": 1,
        "symptoms___hp_0001250": "1",
        "symptoms___hp_0000365": "0",
        "height": "170",
    }
    (tmp_path / "export.json").write_text(json.dumps([row, visit]))
    run = convert(tmp_path / "export.json", tmp_path / "out", profile=str(draft))
    record = run.lines("hub/subjects.ndjson")[0]
    assert record["birth_date"]["value"] == "1990-02-28"
    assert record["phenotypic_features"][0]["type"]["codings"][0]["code"] == "HP:0001250"
    values = run.counts["values"]["hub"]
    assert values["export.json/symptoms___hp_0000365"]["read"] == 0, "an unchecked box is no value"
    assert values["export.json/height"]["dropped"] == 1


def test_metadata_of_the_api_gives_the_same_draft(dictionary: Path, tmp_path: Path) -> None:
    fields = [
        {"field_name": "study_id", "form_name": "enrolment", "field_type": "text", "field_label": "Study number"},
        {
            "field_name": "born",
            "form_name": "enrolment",
            "field_type": "text",
            "text_validation_type_or_show_slider_number": "date_ymd",
        },
    ]
    (tmp_path / "metadata.json").write_text(json.dumps(fields))
    draft_from_redcap_dictionary(tmp_path / "metadata.json", "xx/site", tmp_path / "draft")
    assert check_profile(str(tmp_path / "draft")).unaccounted == ["Enrolment.born"]


def test_wrong_calls(dictionary: Path, tmp_path: Path) -> None:
    for profile_id, folder, repeating, error in (
        ("site", "a", [], CallError),
        ("eu/ern-cde", "a", [], CallError),
        ("xx/site", ".", [], CallError),
        ("xx/site", "a", ["visits"], UnknownNameError),
    ):
        with pytest.raises(error):
            draft_from_redcap_dictionary(dictionary, profile_id, tmp_path / folder, repeating)
    (tmp_path / "no.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="no REDCap data dictionary"):
        draft_from_redcap_dictionary(tmp_path / "no.csv", "xx/site", tmp_path / "b")


def test_dictionaries_of_rarelink(shared: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shared("national-formats/eu-redcap-rarelink/spec")
    for number, path in enumerate(sorted(folder.glob("*.csv"))):
        draft_from_redcap_dictionary(path, "xx/site", tmp_path / str(number))
        check = check_profile(str(tmp_path / str(number)))
        assert check.problems == [] and len(check.unaccounted) > 80
