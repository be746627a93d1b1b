"""Rules of cancer registries on the tumours of a record: sex, age, site, morphology, behaviour, and tumours that count as one.

The tables and their sources are in `tables/tumours.yaml`. Not judged, for want of a public table or of a slot in the hub: basis of
diagnosis, laterality, TNM against stage group, grade against morphology (grades of the hub are not those of the sixth digit).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from harmonize.checks.ages import YEAR, Days, age_days, days_between
from harmonize.checks.tumour_tables import ALWAYS, Combination, histology, holds, organ, tumour_tables
from harmonize.checks.violations import Circumstances, Violation
from harmonize.extensions import extension
from harmonize.hub.objects import HubObject, local_code
from harmonize.profiles.memos import Memo, MemoOfSeveral

MALIGNANT, METASTATIC = "3", "6"
_YEAR = re.compile("[0-9]{4}")
_UNCERTAIN = frozenset({"refuted", "entered_in_error", "differential", "unconfirmed"})


class Tumour(NamedTuple):
    """A tumour as far as it is known: ICD-O-3 topography (`C50.4`), histology (`8500`) and behaviour (`3`)."""

    topography: str
    histology: str
    behaviour: str


def check_tumours(record: HubObject, circumstances: Circumstances) -> Iterable[Violation]:
    """Codes and years are looked at first: most records hold one tumour, of a kind and at an age that many have."""
    diagnoses = record.get("diagnoses")
    if not diagnoses:
        return ()
    sex, birth = _sex_at_birth(record), record.get("birth_date")
    if _look_ordinary(diagnoses, sex, birth["value"] if birth else ""):
        return ()
    return _judged(record, diagnoses, sex)


def _look_ordinary(diagnoses: Sequence[HubObject], sex: str, born: str) -> bool:
    """Whether codes and years alone show that nothing is to be said; never where there are two tumours."""
    compiled = extension("harmonize.checks.first_looks")
    if compiled is not None:
        ordinary: bool = compiled.tumours_look_ordinary(diagnoses, sex, born, _OTHER_SEX, _ORDINARY_YEARS)
        return ordinary
    tumours = 0
    for diagnosis in diagnoses:
        for coding in diagnosis.get("disease", {}).get("codings", ()):
            if sex and _OTHER_SEX[coding["code"]] == sex:
                return False
        if "topography" in diagnosis or "morphology" in diagnosis:
            tumours += 1
            codes = _icdo(diagnosis.get("topography")), _icdo(diagnosis.get("morphology"))
            years = _ORDINARY_YEARS[(*codes, sex)]
            if tumours > 1 or years is None or not _are_within(years, diagnosis, born):
                return False
    return True


def _are_within(years: tuple[int, int], diagnosis: HubObject, born: str) -> bool:
    """Whether the diagnosis was made so many *years* after the birth, by the numbers of the years; or nobody says when."""
    if "age_at_diagnosis" in diagnosis:
        return False
    made = diagnosis.get("date_of_diagnosis")
    if not born or made is None:
        return True
    first, second = born[:4], made["value"][:4]
    if not (_YEAR.fullmatch(first) and _YEAR.fullmatch(second)):
        return False
    return years[0] <= int(second) - int(first) <= years[1]


def _judged(record: HubObject, diagnoses: Sequence[HubObject], sex: str) -> Iterator[Violation]:
    """Every diagnosis that is not ruled out: its codes against the sex, its tumour against the tables, tumours against one another."""
    tumours: list[tuple[int, Tumour]] = []
    for index, diagnosis in enumerate(diagnoses):
        if diagnosis.get("excluded"):
            continue
        if "certainty" in diagnosis and diagnosis["certainty"] in _UNCERTAIN:
            continue
        for coding in diagnosis.get("disease", {}).get("codings", ()):
            if sex and _OTHER_SEX[coding["code"]] == sex:
                message = f"{coding['code']} is a disease of the other sex"
                path = f"/diagnoses/{index}/disease"
                yield Violation("plausibility.sex-and-disease", path, message, diagnosis, "disease")
                break
        if "topography" in diagnosis or "morphology" in diagnosis:
            tumour = _tumour(_icdo(diagnosis.get("topography")), _icdo(diagnosis.get("morphology")))
            tumours.append((index, tumour))
            for slot, rule, message in _unlikely(tumour, sex):
                yield Violation(rule, f"/diagnoses/{index}/{slot}", message, diagnosis, slot)
            if tumour.behaviour == MALIGNANT and _rows_with_age(tumour):
                yield from _unlikely_at_age(tumour, index, diagnosis, record)
    if len(tumours) > 1:
        yield from _counted_once(tumours, diagnoses)


def _sex_at_birth(record: HubObject) -> str:
    """The sex at birth, where it is F or M; or nothing."""
    sex = local_code(record.get("sex_at_birth"), "BIRTHSEX")
    return sex if sex in ("F", "M") else ""


def _icdo(value: HubObject | None) -> str:
    if value is not None:
        for coding in value.get("codings", ()):
            if coding["system"] == "ICDO3":
                return str(coding["code"])
    return ""


@lru_cache(maxsize=65_536)
def _tumour(topography: str, morphology: str) -> Tumour:
    histology_code, _, behaviour = morphology.partition(":")[2].partition("/")
    return Tumour(topography.partition(":")[2], histology_code, behaviour)


def _sex_of(code: str) -> str:
    """The sex that a code of a disease is not of, or nothing."""
    system, _, local = code.partition(":")
    rows = tumour_tables()["sex_and_disease"]
    return next((row.sex for row in rows if system in row.systems and holds(row.codes, local)), "")


_SLOTS = {
    "sex_and_site": ("topography", "plausibility.sex-and-site"),
    "sex_and_morphology": ("morphology", "plausibility.sex-and-morphology"),
    "behaviour_and_site": ("morphology", "plausibility.behaviour-and-site"),
}


@lru_cache(maxsize=65_536)
def _unlikely(tumour: Tumour, sex: str) -> tuple[tuple[str, str, str], ...]:
    """(slot, rule, message) of every table that calls the tumour impossible or unlikely; the age is judged apart."""
    found = []
    if tumour.behaviour == METASTATIC:
        message = "behaviour 6 is a metastasis: a diagnosis is of the primary tumour"
        found.append(("morphology", "plausibility.metastatic-behaviour", message))
    for name, (slot, rule) in _SLOTS.items():
        for row in tumour_tables()[name]:
            if (
                (row.sex or sex) == sex
                and _fits(row, tumour)
                and (row.behaviour or tumour.behaviour) == tumour.behaviour
            ):
                found.append((slot, rule, _message(tumour, name)))
    if _elsewhere(tumour):
        found.append(("morphology", "plausibility.site-and-morphology", _message(tumour, "site_and_morphology")))
    return tuple(found)


def _fits(row: Combination, tumour: Tumour) -> bool:
    return (not row.sites or holds(row.sites, tumour.topography)) and (
        not row.morphologies or holds(row.morphologies, tumour.histology)
    )


def _elsewhere(tumour: Tumour) -> bool:
    """Whether the histology has its sites, and the tumour is at none of them."""
    if not tumour.topography or not tumour.histology or tumour.topography[:3] in ALWAYS:
        return False
    return any(
        holds(row.morphologies, tumour.histology) and not holds(row.sites, tumour.topography)
        for row in tumour_tables()["site_and_morphology"]
    )


def _message(tumour: Tumour, table: str) -> str:
    words = {
        "sex_and_site": "{t} is a site of the other sex",
        "sex_and_morphology": "{h} is unlikely in this sex",
        "behaviour_and_site": "a tumour in situ is unlikely at {t}",
        "site_and_morphology": "{h} is unlikely at {t}",
    }
    return words[table].format(t=tumour.topography, h=tumour.histology)


def _unlikely_at_age(tumour: Tumour, index: int, diagnosis: HubObject, record: HubObject) -> Iterator[Violation]:
    stated = diagnosis.get("age_at_diagnosis")
    age = age_days(stated) if stated else days_between(record.get("birth_date"), diagnosis.get("date_of_diagnosis"))
    if age is None:
        return
    for slot, rule, row in _rows_with_age(tumour):
        if _is_out(age, row):
            what = tumour.topography if slot == "topography" else tumour.histology
            message = f"{what} is unlikely at this age"
            yield Violation(rule, f"/diagnoses/{index}/{slot}", message, diagnosis, slot)
            return


@lru_cache(maxsize=65_536)
def _rows_with_age(tumour: Tumour) -> tuple[tuple[str, str, Combination], ...]:
    tables = (("topography", "age_and_site"), ("morphology", "age_and_morphology"))
    return tuple(
        (slot, f"plausibility.{name.replace('_', '-')}", row)
        for slot, name in tables
        for row in tumour_tables()[name]
        if _fits(row, tumour) and (tumour.topography or not row.sites) and (tumour.histology or not row.morphologies)
    )


_ANY = (-10_000, 10_000)
"""Years between birth and diagnosis, all that four digits can make."""


def _ordinary_years(topography: str, morphology: str, sex: str) -> tuple[int, int] | None:
    """The fewest and the most years between those of birth and diagnosis of which no table says anything.

    Between a day of a year and one of a year that is n later lie n - 1 to n + 1 years. None where a table speaks of the codes alone.
    """
    tumour = _tumour(topography, morphology)
    if _unlikely(tumour, sex):
        return None
    rows = [row for _, _, row in _rows_with_age(tumour)] if tumour.behaviour == MALIGNANT else []
    least = max((row.below + 2 for row in rows if row.below is not None), default=_ANY[0])
    most = min((row.above - 1 for row in rows if row.above is not None), default=_ANY[1])
    return least, most


_OTHER_SEX = Memo(_sex_of, ())
_ORDINARY_YEARS = MemoOfSeveral(_ordinary_years, ())


def _is_out(age: Days, row: Combination) -> bool:
    """Whether the age is certainly out of the years of the row. An age is judged by what is known of it."""
    if row.below is not None and age.high <= row.below * YEAR:
        return True
    return row.above is not None and age.low >= (row.above + 1) * YEAR


def _counted_once(tumours: list[tuple[int, Tumour]], diagnoses: Sequence[HubObject]) -> Iterator[Violation]:
    """Malignant tumours that the international rules count as one with an earlier one of the list."""
    malignant = [(index, tumour) for index, tumour in tumours if tumour.behaviour == MALIGNANT and tumour.topography]
    for position, (index, tumour) in enumerate(malignant):
        if any(is_one_tumour(tumour, earlier) for _, earlier in malignant[:position]):
            path, message = (
                f"/diagnoses/{index}",
                "the international rules count it as one tumour with an earlier one of the record",
            )
            yield Violation(
                "plausibility.multiple-primaries", f"{path}/topography", message, diagnoses[index], "topography"
            )


@lru_cache(maxsize=65_536)
def is_one_tumour(first: Tumour, second: Tumour) -> bool:
    """Whether two malignant tumours of a person count as one by the IARC/IACR/ENCR rules of 2004.

    >>> is_one_tumour(Tumour("C18.0", "8140", "3"), Tumour("C18.7", "8480", "3"))
    True
    >>> is_one_tumour(Tumour("C18.0", "8140", "3"), Tumour("C50.9", "8500", "3"))
    False
    """
    one, other = histology(first.histology), histology(second.histology)
    if one is None or other is None:
        return False
    alike = one.group == other.group
    unspecific = one.group in other.unspecific_of or other.group in one.unspecific_of
    if not alike and not unspecific:
        return False
    if one.systemic and other.systemic:
        return True
    return organ(first.topography) == organ(second.topography)
