"""A synthetic OMOP CDM of any size in no time: 31 rows a person, in the order of the persons. Persons, codes and dates are invented.

`harmonize demo` makes records with every kind of flaw; here nothing is wrong, and a million persons take less than a minute.
"""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import IO, NamedTuple

from harmonize.terminology.check_digits import CHECKS

ROWS_OF_A_PERSON = 31
HEADERS = {
    "person": (
        "person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth,birth_datetime,race_concept_id,"
        "ethnicity_concept_id,location_id,provider_id,care_site_id,person_source_value,gender_source_value,"
        "gender_source_concept_id,race_source_value,race_source_concept_id,ethnicity_source_value,"
        "ethnicity_source_concept_id"
    ),
    "visit_occurrence": (
        "visit_occurrence_id,person_id,visit_concept_id,visit_start_date,visit_start_datetime,visit_end_date,"
        "visit_end_datetime,visit_type_concept_id,provider_id,care_site_id,visit_source_value,visit_source_concept_id,"
        "admitted_from_concept_id,admitted_from_source_value,discharged_to_concept_id,discharged_to_source_value,"
        "preceding_visit_occurrence_id"
    ),
    "condition_occurrence": (
        "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,condition_start_datetime,"
        "condition_end_date,condition_end_datetime,condition_type_concept_id,condition_status_concept_id,stop_reason,"
        "provider_id,visit_occurrence_id,visit_detail_id,condition_source_value,condition_source_concept_id,"
        "condition_status_source_value"
    ),
    "drug_exposure": (
        "drug_exposure_id,person_id,drug_concept_id,drug_exposure_start_date,drug_exposure_start_datetime,"
        "drug_exposure_end_date,drug_exposure_end_datetime,verbatim_end_date,drug_type_concept_id,stop_reason,refills,"
        "quantity,days_supply,sig,route_concept_id,lot_number,provider_id,visit_occurrence_id,visit_detail_id,"
        "drug_source_value,drug_source_concept_id,route_source_value,dose_unit_source_value"
    ),
    "procedure_occurrence": (
        "procedure_occurrence_id,person_id,procedure_concept_id,procedure_date,procedure_datetime,procedure_end_date,"
        "procedure_end_datetime,procedure_type_concept_id,modifier_concept_id,quantity,provider_id,"
        "visit_occurrence_id,visit_detail_id,procedure_source_value,procedure_source_concept_id,modifier_source_value"
    ),
    "measurement": (
        "measurement_id,person_id,measurement_concept_id,measurement_date,measurement_datetime,measurement_time,"
        "measurement_type_concept_id,operator_concept_id,value_as_number,value_as_concept_id,unit_concept_id,"
        "range_low,range_high,provider_id,visit_occurrence_id,visit_detail_id,measurement_source_value,"
        "measurement_source_concept_id,unit_source_value,unit_source_concept_id,value_source_value,"
        "measurement_event_id,meas_event_field_concept_id"
    ),
    "observation": (
        "observation_id,person_id,observation_concept_id,observation_date,observation_datetime,"
        "observation_type_concept_id,value_as_number,value_as_string,value_as_concept_id,qualifier_concept_id,"
        "unit_concept_id,provider_id,visit_occurrence_id,visit_detail_id,observation_source_value,"
        "observation_source_concept_id,unit_source_value,qualifier_source_value,value_source_value,"
        "observation_event_id,obs_event_field_concept_id"
    ),
}
_CONCEPT_HEADER = (
    "concept_id,concept_name,domain_id,vocabulary_id,concept_class_id,standard_concept,concept_code,"
    "valid_start_date,valid_end_date,invalid_reason\n"
)
_DAYS = [(dt.date(2006, 6, 6) + dt.timedelta(days=number)).isoformat() for number in range(6_000)]


class _Concept(NamedTuple):
    id: int
    vocabulary: str
    code: str


def _with_check_digit(stem: str, check: str) -> str:
    """A code that its system's check digit ends: codes without it are none, and would be converted as such."""
    return next(code for digit in "0123456789" if CHECKS[check](code := f"{stem}{digit}"))


def _snomed(number: int, first: int, item: int) -> list[_Concept]:
    return [_Concept(first + n, "SNOMED", _with_check_digit(f"{item + n}00", "verhoeff")) for n in range(number)]


def _loinc(number: int, first: int, item: int) -> list[_Concept]:
    return [_Concept(first + n, "LOINC", _with_check_digit(f"{item + n}-", "luhn")) for n in range(number)]


_CONDITIONS = _snomed(200, 4_000_000, 38_341)
_SOURCE_CONDITIONS = [_Concept(45_000_000 + n, "ICD10CM", f"I{10 + n % 80}.{n % 10}") for n in range(200)]
_DRUGS = [_Concept(1_500_000 + n, "RxNorm", str(310_000 + n)) for n in range(150)]
_PROCEDURES = _snomed(80, 4_200_000, 80_146)
_ASSAYS = _loinc(120, 3_000_000, 1_000)
_OBSERVATIONS = _loinc(60, 40_700_000, 60_000)
_UNITS = [_Concept(9529, "UCUM", "kg"), _Concept(8840, "UCUM", "mg/dL"), _Concept(8876, "UCUM", "mm[Hg]")]
_VISITS = (9201, 9202, 9203)


def write_cdm(folder: Path, persons: int, seed: int = 1) -> Path:
    """Write the tables of *persons* persons, and the concepts that they name, into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    known = (_CONDITIONS, _SOURCE_CONDITIONS, _DRUGS, _PROCEDURES, _ASSAYS, _OBSERVATIONS, _UNITS)
    with (folder / "concept.csv").open("w", encoding="utf-8") as file:
        file.write(_CONCEPT_HEADER)
        for concept in (concept for concepts in known for concept in concepts):
            name = f"{concept.vocabulary} concept {concept.code}"
            file.write(f"{concept.id},{name},X,{concept.vocabulary},X,S,{concept.code},1970-01-01,2099-12-31,\n")
    files = {name: (folder / f"{name}.csv").open("w", encoding="utf-8") for name in HEADERS}
    try:
        for name, header in HEADERS.items():
            files[name].write(header + "\n")
        _write_persons(files, persons, random.Random(seed))
    finally:
        for file in files.values():
            file.close()
    return folder


def _write_persons(files: dict[str, IO[str]], persons: int, chance: random.Random) -> None:
    draw = chance.random
    write = {name: file.write for name, file in files.items()}
    for person in range(1, persons + 1):
        sex = 8507 if draw() < 0.5 else 8532
        born = f"{1930 + int(draw() * 70)},{1 + int(draw() * 12)},{1 + int(draw() * 28)}"
        write["person"](f"{person},{sex},{born},,8527,38003564,,,,{person}-src,{sex},0,white,0,nonhispanic,0\n")
        for n in range(4 * person, 4 * person + 4):
            day, visit = _DAYS[int(draw() * 5000)], _VISITS[int(draw() * 3)]
            write["visit_occurrence"](f"{n},{person},{visit},{day},{day},{day},{day},44818517,10,,x,0,0,,0,,\n")
        at = 4 * person
        for n in range(6 * person, 6 * person + 6):
            which, start = int(draw() * 200), int(draw() * 5000)
            day, end = _DAYS[start], _DAYS[start + 30] if which % 2 else ""
            source = _SOURCE_CONDITIONS[which]
            write["condition_occurrence"](
                f"{n},{person},{_CONDITIONS[which].id},{day},{day},{end},{end},38000175,0,,10,{at},,{source.code},{source.id},\n"
            )
        for n in range(5 * person, 5 * person + 5):
            drug, start = _DRUGS[int(draw() * 150)], int(draw() * 5000)
            day, end = _DAYS[start], _DAYS[start + 14]
            write["drug_exposure"](
                f"{n},{person},{drug.id},{day},{day},{end},{end},{end},32869,,0,0.000,14,,0,0.0,10,{at},,{drug.code},{drug.id},,\n"
            )
        for n in range(2 * person, 2 * person + 2):
            done, day = _PROCEDURES[int(draw() * 80)], _DAYS[int(draw() * 5000)]
            write["procedure_occurrence"](
                f"{n},{person},{done.id},{day},{day},{day},{day},38000267,0,,33,{at},,{done.code},{done.id},\n"
            )
        for n in range(10 * person, 10 * person + 10):
            which, day, value = int(draw() * 120), _DAYS[int(draw() * 5000)], int(draw() * 2000) / 10
            assay, unit = _ASSAYS[which], _UNITS[which % 3]
            write["measurement"](
                f"{n},{person},{assay.id},{day},{day},{day},38000267,0,{value},0,{unit.id},,,33,{at},,{assay.code},{assay.id},"
                f"{unit.code},,{value},,\n"
            )
        for n in range(3 * person, 3 * person + 3):
            what, answer = _OBSERVATIONS[int(draw() * 60)], _CONDITIONS[int(draw() * 200)]
            day = _DAYS[int(draw() * 5000)]
            write["observation"](
                f"{n},{person},{what.id},{day},{day},38000280,,,{answer.id},0,0,33,{at},,{what.code},{what.id},,,,,\n"
            )
