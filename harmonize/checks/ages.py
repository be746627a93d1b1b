"""Rules on ages: their size, their order, whether they agree with the dates and the stages of life beside them.

An age in whole years is any age until the next birthday, so every age is a range of days; only ranges that cannot meet disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from harmonize.checks.dates import AFTER_DEATH, PREGNANCY, day_numbers
from harmonize.checks.violations import Circumstances, Violation
from harmonize.hub import hub_schema
from harmonize.hub.objects import HubObject, local_code

YEAR, MONTH = 365.2425, 30.436875
"""Mean days in the Gregorian calendar."""
OLDEST = 130 * YEAR
"""Older than anybody was: the oldest age that is proven is 122 years. The margin is our judgement."""

_DURATION = re.compile(
    r"(-?)P(?=[0-9T])(?:([0-9]+)Y)?(?:([0-9]+)M)?(?:([0-9]+)W)?(?:([0-9]+)D)?"
    r"(?:T(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:[.][0-9]+)?S)?)?"
)


class Days(NamedTuple):
    """A range of days that holds the true one, and the size of the smallest unit that was stated."""

    low: float
    high: float
    unit: float = 1.0


@lru_cache(maxsize=65_536)
def age_days(text: str) -> Days | None:
    """The days that an age, as ISO 8601 duration, can be; None for what is no duration.

    >>> age_days("P2D"), age_days("P-1Y")
    (Days(low=2.0, high=3.0, unit=1.0), None)
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    sign, *parts = match.groups()
    low, unit = 0.0, 1.0
    for number, size in zip(parts, (YEAR, MONTH, 7.0, 1.0), strict=True):
        if number is not None:
            low, unit = low + int(number) * size, size
    if sign:
        return Days(-low - unit, -low, unit)
    return Days(low, low + unit, unit)


def days_between(birth: Any, date: Any) -> Days | None:
    """Age at *date* of a person born on *birth*, both partial dates; None where one of them is not known.

    >>> days_between({"value": "2000-01-01"}, {"value": "2000-01"})
    Days(low=0, high=30, unit=1.0)
    """
    if not birth or not date:
        return None
    first, second = day_numbers(birth["value"]), day_numbers(date["value"])
    if first is None or second is None:
        return None
    return Days(second[0] - first[1], second[1] - first[0])


_AGES: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "diagnoses": (("age_at_diagnosis", "date_of_diagnosis"), ("onset_age", "onset_date")),
        "phenotypic_features": (("onset_age", "onset_date"), ("age_at_assessment", "date_of_assessment")),
        "symptom_onsets": (("age", "date"),),
        "measurements": (("age", "date"),),
        "samples": (("age_at_collection", "collection_date"),),
        "disabilities": (("age", "date"),),
        "care_episodes": (("age", "start_date"),),
    }
)


def slots_of_ages() -> set[str]:
    """`Class.slot` of every age that is judged.

    >>> sorted(slots_of_ages())[:2]
    ['CareEpisode.age', 'Diagnosis.age_at_diagnosis']
    """
    subject = hub_schema().classes["Subject"]
    of_items = {f"{subject[collection].range}.{slot}" for collection, slots in _AGES.items() for slot, _ in slots}
    return {"VitalStatus.age_at_death", *of_items}


def check_ages(record: HubObject, circumstances: Circumstances) -> Iterator[Violation]:
    """Every stated age: is it one, does it agree with the dates beside it, is it before the age at death."""
    birth, vital = record.get("birth_date"), record.get("vital_status")
    born = birth["value"] if birth is not None else ""
    death = ""
    if vital is not None and "age_at_death" in vital:
        death = vital["age_at_death"]
        date = vital.get("date_of_death")
        if born and date is not None and not _agree(death, born, date["value"]):
            yield _disagrees("/vital_status/age_at_death", vital, "age_at_death")
        if not _is_ordinary(death, ""):
            yield from _size(death, "/vital_status/age_at_death", vital, "age_at_death")
    for collection, slots in _AGES.items():
        items = record.get(collection)
        if items is None:
            continue
        last = "" if collection in AFTER_DEATH else death
        for index, item in enumerate(items):
            for slot, dated in slots:
                if slot not in item:
                    continue
                text = item[slot]
                if not _is_ordinary(text, last):
                    yield from _judged(text, last, f"/{collection}/{index}/{slot}", item, slot)
                if born and dated in item and not _agree(text, born, item[dated]["value"]):
                    yield _disagrees(f"/{collection}/{index}/{slot}", item, slot)
    yield from _onset_after_diagnosis(record)


def _onset_after_diagnosis(record: HubObject) -> Iterator[Violation]:
    for index, diagnosis in enumerate(record.get("diagnoses", ())):
        if "onset_age" in diagnosis and "age_at_diagnosis" in diagnosis:
            onset, made = age_days(diagnosis["onset_age"]), age_days(diagnosis["age_at_diagnosis"])
            if onset is not None and made is not None and onset.low > made.high:
                path, message = f"/diagnoses/{index}/onset_age", "onset_age is above age_at_diagnosis"
                yield Violation("plausibility.onset-after-diagnosis", path, message, diagnosis, "onset_age")


@lru_cache(maxsize=65_536)
def _is_ordinary(text: str, death: str) -> bool:
    """Whether an age is none, or one of a life that ends at *death*."""
    age, last = age_days(text), age_days(death) if death else None
    return age is None or (age.high > 0 and age.low <= OLDEST and (last is None or age.low <= last.high))


def _agree(text: str, born: str, date: str) -> bool:
    """Whether the age can be that at *date*, give or take the smallest unit that it is stated in: some round, some cut.

    >>> _agree("P8Y", "1990-02-28", "1999-01-20"), _agree("P18Y", "1990-02-28", "1999-01-20")
    (True, False)
    """
    if _agree_by_years(text, born[:4], date[:4]):
        return True
    age, by_dates = age_days(text), days_between({"value": born}, {"value": date})
    return (
        age is None or by_dates is None or (age.low - age.unit <= by_dates.high and age.high + age.unit >= by_dates.low)
    )


@lru_cache(maxsize=65_536)
def _agree_by_years(text: str, born: str, date: str) -> bool:
    """Whether the age, in whole years, is right for every pair of days of these two years: what most ages are, seen cheaply."""
    age, years = age_days(text), int(date) - int(born)
    return age is not None and age.unit == YEAR and round(age.low / YEAR) in (years - 1, years)


def _disagrees(path: str, item: HubObject, slot: str) -> Violation:
    message = f"{slot} is not the age that the date of birth and the date beside it make"
    return Violation("plausibility.age-and-date", path, message, item, slot)


def _judged(text: str, death: str, path: str, item: HubObject, slot: str) -> Iterator[Violation]:
    yield from _size(text, path, item, slot)
    age, last = age_days(text), age_days(death) if death else None
    if age is not None and last is not None and age.low > last.high:
        yield Violation("plausibility.age-order", path, f"{slot} is above age_at_death", item, slot)


def _size(text: str, path: str, item: HubObject, slot: str) -> Iterator[Violation]:
    age = age_days(text)
    if age is None:
        return
    if age.high <= 0 and slot == "onset_age" and age.high >= -PREGNANCY:
        yield Violation("plausibility.onset-before-birth", path, "onset_age is before birth", item, slot)
    elif age.high <= 0:
        yield Violation("plausibility.age-range", path, f"{slot} is before birth", item, slot)
    elif age.low > OLDEST:
        yield Violation("plausibility.age-range", path, f"{slot} is above 130 years", item, slot)


_STAGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {  # HPO 2026-02-16, the definitions of the terms; days
        **dict.fromkeys(("0030674", "0011460", "0011461", "0034197", "0034198", "0034199"), (float("-inf"), 0.0)),
        "0003577": (float("-inf"), 28.0),  # at birth; what is seen in the days after it is often called so
        "0003623": (0.0, 28.0),
        "0003593": (28.0, YEAR),
        "0011463": (YEAR, 5 * YEAR),
        "0003621": (5 * YEAR, 16 * YEAR),  # to 15 years: until the sixteenth birthday
        "0410280": (28.0, 16 * YEAR),
        "0003581": (16 * YEAR, float("inf")),
        "0011462": (16 * YEAR, 40 * YEAR),
        "0025708": (16 * YEAR, 19 * YEAR),
        "0025709": (19 * YEAR, 25 * YEAR),
        "0025710": (25 * YEAR, 40 * YEAR),
        "0003596": (40 * YEAR, 60 * YEAR),
        "0003584": (60 * YEAR, float("inf")),
    }
)
"""Local part of an HPO term of the onset branch -> the first and the last day of life that it stands for."""


def is_of_another_time(stage: Any, age: str | None, birth: Any, date: Any) -> bool:
    """Whether a coded onset is certainly of another time of life than the *age*, or else the age at *date*, beside it.

    >>> is_of_another_time({"codings": [{"system": "HP", "code": "HP:0003581"}]}, "P3Y", None, None)
    True
    """
    span = _STAGES.get(local_code(stage, "HP") or "")
    if span is None:
        return False
    days = age_days(age) if age else days_between(birth, date)
    return days is not None and (days.low > span[1] + 1 or days.high + 1 < span[0])
