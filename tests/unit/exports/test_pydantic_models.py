"""The generated modules are run and used."""

from __future__ import annotations

import sys
import types
from functools import cache
from typing import Any

import pytest
from pydantic import ValidationError

from harmonize.datasets.specification import LEVELS, dataset_names, load_dataset
from harmonize.exports.demands import dataset_demands
from harmonize.exports.item_values import item_values
from harmonize.exports.pydantic_models import dataset_models, hub_models
from tests.unit.exports.breaches import BREACHES
from tests.unit.exports.small_records import coded, conforming, date, small


def module(text: str, name: str) -> Any:
    made = types.ModuleType(name)
    sys.modules[name] = made
    exec(compile(text, name, "exec"), made.__dict__)
    return made


@cache
def models(level: str) -> Any:
    return module(dataset_models(small(), level=level).text, f"small_{level}")


def test_a_conforming_record() -> None:
    values = item_values(conforming(), small())
    assert values == {
        "subject": {"birth_date": "1985-02", "administrative_gender": "GENDER:female", "identifier": "AB-1"},
        "diagnosis": [{"disease": "ORPHA:558", "onset": "P3Y"}],
        "tnm": [],
        "sample": [],
        "software": [],
    }
    record = models("mandatory").Record.model_validate(values)
    assert record.subject.administrative_gender == "GENDER:female" and record.model_dump(exclude_unset=True) == values


BEYOND = {
    "small:follow",
    "small:state",
    "small:category",
    "small:place",
    "small:parameters",
    "small:kin",
    "small:death",
    "small:blood-date",
}
"""Items whose condition asks of other classes: the module says that it does not look."""


VALUES = ("what the value is about", "code outside of a set that takes words")
"""Breaches of their values, which it looks at."""


def breaks(breach: Any) -> bool:
    return (
        bool(breach.item)
        and not (breach.item in BEYOND and breach.name not in VALUES)
        and breach.name != "must not be given where"
    )


@pytest.mark.parametrize("breach", [b for b in BREACHES if b.name not in ("precision that is not there", "not what the value is about", "too many objects")], ids=lambda b: b.name)  # fmt: skip
def test_every_kind_of_breach(breach: Any) -> None:
    values = item_values(breach.record(), small())
    if breaks(breach):
        with pytest.raises(ValidationError):
            models(breach.level).Record.model_validate(values)
    else:
        models(breach.level).Record.model_validate(values)


def test_what_is_not_checked_is_said() -> None:
    made = dataset_models(small())
    said = {note.id for note in made.notes}
    assert {
        "small:follow",
        "small:category",
        "small:state",
        "small:place",
        "small:parameters",
        "small:kin",
        "small:death",
        "small:processing",
        "small:journey",
    } <= said
    for note in made.notes:
        assert note.id in made.text and note.text.partition(":")[0] in made.text


def test_value_sets_are_described_as_everywhere() -> None:
    text = dataset_models(small()).text
    assert '"""Topography. codes of ICDO3 of the form C[0-9]{2}([.][0-9])?. One axis of two."""' in text
    notes = {(note.id, note.text) for note in dataset_models(small()).notes}
    of_schema = {(n.id, n.text) for n in dataset_demands(small()).notes if n.id.startswith("value set")}
    assert of_schema and of_schema <= notes
    assert ("value set words", "a text that is written as a code is judged as one") in notes


def test_words_beside_codes() -> None:
    sample = models("mandatory").Sample
    for words in ("fresh", "C50.9", "see: note", "HP: 1", "NOSUCH:1"):
        assert sample(pathological_state=words).pathological_state == words
    for code in ("NCIT:C1", "HP:0001250", "UNK", ""):
        with pytest.raises(ValidationError):
            sample(pathological_state=code)


def test_alternatives_of_which_one_is_a_text_are_told() -> None:
    made = dataset_models(load_dataset("erdri-cds"))
    assert any(note.id == "erdri:6.2" and "one alternative is a text" in note.text for note in made.notes)


def test_a_condition_over_fields_of_the_class() -> None:
    sample = models("mandatory").Sample
    text = dataset_models(load_dataset("hmd")).text
    assert sample(blood_taken_on="2020-02-29").blood_taken_on == "2020-02-29"
    hmd = module(text, "hmd_models")
    assert "_is_one_of(self.type" in text
    with pytest.raises(ValidationError, match="missing; hmd:Treatment"):
        hmd.Treatment.model_validate({"type": "SNOMEDCT:387713003"})


def test_null_flavors_where_they_are_permitted() -> None:
    diagnosis, subject = models("mandatory").Diagnosis, models("mandatory").Subject
    assert diagnosis(disease="UNK").disease == "UNK"
    with pytest.raises(ValidationError):
        diagnosis(disease="NI")
    base = {"birth_date": "1985", "identifier": "AB-1"}
    assert subject(administrative_gender="ASKU", **base).administrative_gender == "ASKU"
    with pytest.raises(ValidationError):
        models("mandatory").Sample(pathological_state="UNK")


def test_versions_and_levels_differ() -> None:
    assert "journey" not in dataset_models(small(), version="1.0").text
    with pytest.raises(ValidationError):
        models("recommended").Diagnosis(disease="ORPHA:558")
    assert models("mandatory").Diagnosis(disease="ORPHA:558").onset is None


def test_fields_are_described() -> None:
    field = models("mandatory").Subject.model_fields["birth_date"]
    assert (field.title, field.description) == ("Birth date", "Day of birth.")
    assert field.json_schema_extra == {"id": "small:birth", "level": "mandatory", "hub_paths": ["birth_date"]}


def test_several_values_of_an_item_that_has_one_are_refused() -> None:
    record = {**conforming(), "consents": [{"purpose": "contact", "decision": d} for d in ("permit", "deny")]}
    with pytest.raises(ValidationError):
        models("mandatory").Record.model_validate(item_values(record, small()))


def test_of_several_codes_the_one_of_the_value_set() -> None:
    disease = {"codings": [*coded("HP:0001250")["codings"], *coded("ORPHA:558")["codings"]]}
    values = item_values({**conforming(), "diagnoses": [{"disease": disease, "onset_date": date("2019")}]}, small())
    assert values["diagnosis"] == [{"disease": "ORPHA:558", "onset": "2019"}]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", dataset_names())
def test_data_sets_that_ship(name: str, level: str) -> None:
    first = dataset_models(load_dataset(name), level=level)
    assert first == dataset_models(load_dataset(name), level=level)
    made = module(first.text, f"{name.replace('-', '_')}_{level}")
    assert made.Record.model_json_schema()["type"] == "object"


def test_the_models_of_the_hub_are_those_that_ship() -> None:
    assert module(hub_models(), "hub_models_text").Subject.model_validate(conforming()).subject_id == "AB-1"
