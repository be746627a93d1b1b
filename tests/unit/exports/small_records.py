"""Hub records for the small data set: one that conforms, and parts that are put in and taken out of it."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from harmonize.datasets.specification import Dataset, read_dataset

Record = dict[str, Any]


@cache
def small() -> Dataset:
    return read_dataset(Path(__file__).with_name("small.yaml"))


def coded(code: str, **more: Any) -> Record:
    return {"codings": [{"system": code.partition(":")[0], "code": code, "origin": "stated"}], **more}


def date(value: str) -> Record:
    return {"value": value, "precision": {4: "year", 7: "month"}.get(len(value), "day")}


def conforming() -> Record:
    """A record that holds everything that the small data set demands at the level mandatory."""
    return copy.deepcopy(
        {
            "schema_version": "0.4.0",
            "subject_id": "AB-1",
            "birth_date": date("1985-02"),
            "administrative_gender": coded("GENDER:female"),
            "diagnoses": [{"disease": coded("ORPHA:558"), "onset_age": "P3Y"}],
        }
    )


NOTHING = object()
DISEASES = [coded("ORPHA:558"), coded("SNOMEDCT:64572001"), coded("HP:0001250"), {"null_flavor": "UNK"}, {"null_flavor": "NI"}, {"text": "x"}]  # fmt: skip
WORDS = [
    NOTHING,
    coded("NCIT:C8509"),
    coded("NCIT:C1"),
    {"text": "fresh"},
    {"null_flavor": "OTH"},
    {"null_flavor": "UNK"},
]


def made(**slots: Any) -> Record:
    return {name: value for name, value in slots.items() if value is not NOTHING}


def random_record(seed: int) -> Record:
    """A record that keeps to the hub schema, made of values that matter to the small data set."""
    random = Random(seed)
    pick = random.choice

    def some(make: Any, most: int = 2) -> Any:
        return pick([NOTHING, *([make() for _ in range(n)] for n in range(1, most + 1))])

    def diagnosis() -> Record:
        return made(
            disease=pick(DISEASES),
            onset_age=pick([NOTHING, "P3Y"]),
            onset_date=pick([NOTHING, date("2019"), {"value": "2019-02-31", "precision": "day"}]),
            role=pick([NOTHING, "comorbidity"]),
            topography=pick([NOTHING, NOTHING, coded("ICDO3:C50.9")]),
            morphology=pick([NOTHING, NOTHING, coded("ICDO3:8140/3"), {"null_flavor": "UNK"}]),
            tnm_classifications=some(lambda: made(metastases=pick([NOTHING, coded("NCIT:C48699")]))),
        )

    def sample() -> Record:
        return made(
            origin=pick([NOTHING, "normal_blood", "solid_tumor_primary"]),
            type=pick([NOTHING, coded("NCIT:C12434")]),
            pathological_state=pick(WORDS),
            collection_date=pick([NOTHING, date("2020-02-29"), {"value": "2021-02-29", "precision": "day"}]),
            processing=some(lambda: pick(WORDS[1:4]), 3),
            relations=pick([NOTHING, [{"related_samples": ["s"]}]]),
        )

    def software() -> Record:
        return made(name="bwa", parameters=pick([NOTHING, ["-t 1"]]))

    def sequence() -> Record:
        return made(
            alignment_software=some(software),
            variant_annotation_databases=some(software),
            iso_15189_accredited=pick([NOTHING, True, False]),
        )

    base = conforming()
    if random.random() < 0.3:
        base["subject_id"] = pick(["ab", "AB-2", "AB-2x"])
    changes = {
        "birth_date": lambda: pick([NOTHING, date("1985"), {"value": "1985-01", "precision": "day"}, date("0000")]),
        "administrative_gender": lambda: pick([NOTHING, coded("GENDER:other"), {"null_flavor": "ASKU"}, {"text": "w"}]),
        "date_of_last_follow_up": lambda: date("2024-05-06"),
        "vital_status": lambda: made(
            status=pick([NOTHING, coded("VITALSTATUS:dead"), coded("VITALSTATUS:alive")]),
            date_of_death=pick([NOTHING, date("2024")]),
        ),
        "consents": lambda: some(
            lambda: made(purpose=pick(["contact", "data_reuse"]), decision=pick([NOTHING, "permit"]))
        ),
        "environmental_exposure": lambda: made(travels=some(lambda: made(description="x"))),
        "diagnoses": lambda: some(diagnosis),
        "samples": lambda: some(sample),
        "sequences": lambda: some(sequence),
        "undiagnosed": lambda: pick([True, False]),
    }
    for slot, make in changes.items():
        if random.random() < 0.35:
            value = make()
            if value is NOTHING:
                base.pop(slot, None)
            else:
                base[slot] = value
    return base
