"""Rules on the order of dates in a life: birth, events, death, and the instant of the run, which nothing lies after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from harmonize.checks.violations import Circumstances, Violation
from harmonize.extensions import extension
from harmonize.hub.objects import HubObject

EARLIEST = "1850"
"""Of births, and so of everything: OHDSI DataQualityDashboard 2.8.4, plausibleValueLow of PERSON.year_of_birth."""

PREGNANCY = 301
"""Days of the longest pregnancy that is counted as one: 43 weeks. Our judgement."""


@lru_cache(maxsize=65_536)
def day_numbers(value: str) -> tuple[int, int] | None:
    """The first and the last day, as ordinals, of a date that may be cut after the year or the month; None for no date.

    >>> first, last = day_numbers("2000-02")
    >>> last - first
    28
    """
    try:
        year, month, day = int(value[:4]), value[5:7], value[8:]
        first = dt.date(year, int(month or 1), int(day or 1)).toordinal()
        if day:
            return first, first
        if not month:
            return first, dt.date(year, 12, 31).toordinal()
        return first, dt.date(year + (month == "12"), int(month) % 12 + 1, 1).toordinal() - 1
    except ValueError:
        return None


def is_after(first: Any, second: Any) -> bool:
    """Whether the partial date *first* is certainly later than *second*, as far as both are known.

    >>> is_after({"value": "2001-05"}, {"value": "2001"}), is_after({"value": "2002"}, {"value": "2001-12-31"})
    (False, True)
    """
    if not first or not second:
        return False
    one, other = first["value"], second["value"]
    if one <= other:  # and so are their beginnings
        return False
    length = min(len(one), len(other))
    return bool(one[:length] > other[:length])


def is_of_a_pregnancy(birth: str, date: str) -> bool:
    """Whether a *date* before birth can be one of the 301 days (43 weeks) in which the person was carried.

    >>> is_of_a_pregnancy("2000-06-01", "2000-01"), is_of_a_pregnancy("2000-06-01", "1999-01")
    (True, False)
    """
    born, happened = day_numbers(birth), day_numbers(date)
    return born is not None and happened is not None and born[0] - happened[1] <= PREGNANCY


NOT_RECORDED = "1970-01-01"
"""The day that settings hold where nobody said when data were converted."""


def last_day(recorded: str) -> str:
    """The last day that a date may have in data of the instant *recorded*: the next one, for zones of time. Empty: not known.

    >>> last_day("2026-11-30T23:00:00Z"), last_day("1970-01-01T00:00:00Z")
    ('2026-12-01', '')
    """
    if not recorded or recorded.startswith(NOT_RECORDED):
        return ""
    return (dt.date.fromisoformat(recorded[:10]) + dt.timedelta(days=1)).isoformat()


class _Dated(NamedTuple):
    """A collection whose items happen in a life: the slots that hold their days, and those of which the first is not later."""

    slots: tuple[str, ...]
    ordered: tuple[tuple[str, str], ...] = ()


_DATED_OF_SUBJECT = ("first_contact_date", "registration_date", "date_of_last_follow_up")
_DATED: Mapping[str, _Dated] = {
    "diagnoses": _Dated(("onset_date", "date_of_diagnosis"), (("onset_date", "end_date"),)),
    "phenotypic_features": _Dated(("onset_date", "date_of_assessment"), (("onset_date", "end_date"),)),
    "symptom_onsets": _Dated(("date",)),
    "measurements": _Dated(("date",)),
    "variants": _Dated(("date",)),
    "samples": _Dated(("collection_date",)),
    "disabilities": _Dated(("date",), (("date", "end_date"),)),
    "care_episodes": _Dated(("start_date",), (("start_date", "end_date"),)),
    "procedures": _Dated(("date",), (("date", "end_date"),)),
    "treatments": _Dated(("start_date",), (("start_date", "end_date"),)),
    "device_uses": _Dated(("start_date",), (("start_date", "end_date"),)),
    "clinical_episodes": _Dated(("start_date",), (("start_date", "end_date"),)),
    "biomarkers": _Dated(("date",)),
    "sequences": _Dated(("sequencing_date", "variant_calling_date"), (("sequencing_date", "variant_calling_date"),)),
}
_COLLECTIONS = tuple((name, dated.slots, dated.ordered) for name, dated in _DATED.items())
AFTER_DEATH = frozenset({"variants", "samples", "measurements", "biomarkers", "sequences", "registration_date"})
"""What may rightly be dated after death: a sample that is examined later, a result that arrives later, data that are captured later."""


class _Life(NamedTuple):
    birth: Any
    death: Any
    recorded: Any


def check_dates(record: HubObject, circumstances: Circumstances) -> Iterable[Violation]:
    """Texts of dates are compared first, and only what is not in order there is judged: most records are in order."""
    birth = record.get("birth_date")
    vital = record.get("vital_status")
    death = vital.get("date_of_death") if vital is not None else None
    born, last = birth["value"] if birth else EARLIEST, death["value"] if death else "~"
    recorded = circumstances.recorded
    if recorded and recorded < last:
        last = recorded
    suspicious = born < EARLIEST or (death is not None and not born <= death["value"] <= last)
    for slot in _DATED_OF_SUBJECT:
        date = record.get(slot)
        if date is not None and not born <= date["value"] <= last:
            suspicious = True  # or data that were captured after death, which is judged as all else
    if suspicious or not _look_in_order(record, born, last):
        return _judged(record, _Life(birth, death, {"value": recorded} if recorded else None))
    return ()


def _look_in_order(record: HubObject, born: str, last: str) -> bool:
    """Whether the texts of all dates of items lie between the other two, and those of one item are in order."""
    compiled = extension("harmonize.checks.first_looks")
    if compiled is not None:
        in_order: bool = compiled.dates_look_in_order(record, _COLLECTIONS, born, last)
        return in_order
    return all(
        _are_in_order(record[name], slots, ordered, born, last)
        for name, slots, ordered in _COLLECTIONS
        if name in record
    )


def _are_in_order(
    items: Sequence[HubObject], slots: tuple[str, ...], ordered: tuple[tuple[str, str], ...], born: str, last: str
) -> bool:
    values = [date["value"] for slot in slots for item in items if (date := item.get(slot)) is not None]
    if values and not (born <= min(values) and max(values) <= last):
        return False
    return not any(
        later in item and earlier in item and item[earlier]["value"] > item[later]["value"]
        for earlier, later in ordered
        for item in items
    )


def _judged(record: HubObject, life: _Life) -> Iterator[Violation]:
    """Every date that is certainly outside of the life, then every pair that is certainly not in order."""
    yield from _outside("/birth_date", record, "birth_date", life._replace(birth=None, death=None))
    if life.death:
        vital = record["vital_status"]
        yield from _outside("/vital_status/date_of_death", vital, "date_of_death", life._replace(death=None))
    for slot in _DATED_OF_SUBJECT:
        yield from _outside(f"/{slot}", record, slot, life._replace(death=None) if slot in AFTER_DEATH else life)
    for collection, (slots, _) in _DATED.items():
        for index, item in enumerate(record.get(collection, ())):
            of_item = life._replace(death=None) if collection in AFTER_DEATH else life
            for slot in slots:
                yield from _outside(f"/{collection}/{index}/{slot}", item, slot, of_item)
    for collection, (_, ordered) in _DATED.items():
        for index, item in enumerate(record.get(collection, ())):
            for earlier, later in ordered:
                if is_after(item.get(earlier), item.get(later)):
                    path = f"/{collection}/{index}/{earlier}"
                    yield Violation("plausibility.date-order", path, f"{earlier} is after {later}", item, earlier)


def _outside(path: str, item: HubObject, slot: str, life: _Life) -> Iterator[Violation]:
    date = item.get(slot)
    if not date:
        return
    if is_after({"value": EARLIEST}, date):
        yield Violation("plausibility.early-date", path, f"{slot} is before {EARLIEST}", item, slot)
    elif is_after(life.birth, date):
        if slot == "onset_date" and is_of_a_pregnancy(life.birth["value"], date["value"]):
            message = "onset_date is in the pregnancy, before birth"
            yield Violation("plausibility.onset-before-birth", path, message, item, slot)
        else:
            yield Violation("plausibility.date-order", path, f"{slot} is before birth", item, slot)
    if is_after(date, life.recorded):
        yield Violation(
            "plausibility.future-date", path, f"{slot} is after the data were converted or judged", item, slot
        )
    elif is_after(date, life.death):
        yield Violation("plausibility.date-order", path, f"{slot} is after death", item, slot)


def check_evaluations(record: HubObject, circumstances: Circumstances) -> Iterator[Violation]:
    """A tumour is staged after birth, and perhaps by an autopsy."""
    birth = record.get("birth_date")
    if birth is None:
        return
    for number, diagnosis in enumerate(record.get("diagnoses", ())):
        if "tnm_classifications" not in diagnosis:
            continue
        for index, tnm in enumerate(diagnosis["tnm_classifications"]):
            if "date_of_evaluation" in tnm and is_after(birth, tnm["date_of_evaluation"]):
                path = f"/diagnoses/{number}/tnm_classifications/{index}/date_of_evaluation"
                message = "date_of_evaluation is before birth"
                yield Violation("plausibility.date-order", path, message, tnm, "date_of_evaluation")


def check_diagnosis_dates(record: HubObject, circumstances: Circumstances) -> Iterator[Violation]:
    """Onset, diagnosis and last follow-up: out of order they may be right, and are worth a look."""
    last = record.get("date_of_last_follow_up")
    for index, diagnosis in enumerate(record.get("diagnoses", ())):
        if "date_of_diagnosis" not in diagnosis:
            continue
        made = diagnosis["date_of_diagnosis"]
        if "onset_date" in diagnosis and is_after(diagnosis["onset_date"], made):
            path, message = f"/diagnoses/{index}/onset_date", "onset_date is after date_of_diagnosis"
            yield Violation("plausibility.onset-after-diagnosis", path, message, diagnosis, "onset_date")
        if last is not None and is_after(made, last):
            path, message = f"/diagnoses/{index}/date_of_diagnosis", "date_of_diagnosis is after date_of_last_follow_up"
            yield Violation("plausibility.after-follow-up", path, message, diagnosis, "date_of_diagnosis")
