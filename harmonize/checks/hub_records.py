"""Rules on hub records: order of dates, and phenotypic features that contradict or repeat one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from harmonize.checks.features import StatedFeature, feature_problems
from harmonize.checks.violations import Violation
from harmonize.hub.objects import HubObject, is_stated, local_code
from harmonize.terminology.store import Terminologies

Check = Callable[[HubObject, Terminologies], Iterator[Violation]]


def check_record(record: HubObject, terminologies: Terminologies) -> list[Violation]:
    """All violations of the rules on single hub records, in a fixed order."""
    return [violation for check in CHECKS for violation in check(record, terminologies)]


# --- order of dates -------------------------------------------------------------------------------------------------


def _after(first: Any, second: Any) -> bool:
    """Whether *first* is certainly later than *second*, as far as both are known.

    >>> _after({"value": "2001-05"}, {"value": "2001"}), _after({"value": "2002"}, {"value": "2001-12-31"})
    (False, True)
    """
    if not first or not second:
        return False
    length = min(len(first["value"]), len(second["value"]))
    return bool(first["value"][:length] > second["value"][:length])


_DATED_OF_SUBJECT = ("first_contact_date", "registration_date", "date_of_last_follow_up")
_DATED = {
    "diagnoses": ("onset_date", "date_of_diagnosis"),
    "phenotypic_features": ("onset_date", "date_of_assessment"),
    "symptom_onsets": ("date",),
    "measurements": ("date",),
    "variants": ("date",),
    "samples": ("collection_date",),
    "disabilities": ("date",),
    "care_episodes": ("start_date",),
    "procedures": ("date",),
    "treatments": ("start_date",),
    "device_uses": ("start_date",),
    "clinical_episodes": ("start_date",),
}
# What may rightly be dated after death: a sample that is examined later, a result that arrives later.
_AFTER_DEATH = frozenset({"variants", "samples", "measurements"})


def _check_dates(record: HubObject, terminologies: Terminologies) -> Iterator[Violation]:
    birth = record.get("birth_date")
    death = record.get("vital_status", {}).get("date_of_death")
    if _after(birth, death):
        yield Violation(
            "plausibility.date-order", "/vital_status/date_of_death", "death is before birth", record, "birth_date"
        )
    for path, item, slot, date in _outside(record, birth["value"] if birth else "", death["value"] if death else "~"):
        if _after(birth, date):
            yield Violation("plausibility.date-order", path, f"{slot} is before birth", item, slot)
        if _after(date, death) and path.split("/")[1] not in _AFTER_DEATH:
            yield Violation("plausibility.date-order", path, f"{slot} is after death", item, slot)
    for collection, earlier, later in _ORDERED:
        for index, item in enumerate(record.get(collection, ())):
            wrong = later in item and earlier in item and item[earlier]["value"] > item[later]["value"]
            if wrong and _after(item[earlier], item[later]):
                path = f"/{collection}/{index}/{earlier}"
                yield Violation("plausibility.date-order", path, f"{earlier} is after {later}", item, earlier)


def _outside(record: HubObject, born: str, died: str) -> Iterator[tuple[str, HubObject, str, Any]]:
    """(path, object, slot, date) of the events whose date, as text, is not from *born* to *died*: few, and only they are judged."""
    for slot in _DATED_OF_SUBJECT:
        date = record.get(slot)
        if date is not None and not born <= date["value"] <= died:
            yield f"/{slot}", record, slot, date
    for collection, slots in _DATED.items():
        items = record.get(collection)
        if items is None:
            continue
        for slot in slots:
            dates = [item[slot]["value"] if slot in item else born for item in items]
            if min(dates) < born or max(dates) > died:
                yield from (
                    (f"/{collection}/{index}/{slot}", item, slot, item[slot])
                    for index, item in enumerate(items)
                    if slot in item and not born <= item[slot]["value"] <= died
                )


_ORDERED = (
    ("diagnoses", "onset_date", "date_of_diagnosis"),
    ("diagnoses", "onset_date", "end_date"),
    ("phenotypic_features", "onset_date", "end_date"),
    ("care_episodes", "start_date", "end_date"),
    ("disabilities", "date", "end_date"),
    ("procedures", "date", "end_date"),
    ("treatments", "start_date", "end_date"),
    ("device_uses", "start_date", "end_date"),
    ("clinical_episodes", "start_date", "end_date"),
)


# --- phenotypic features --------------------------------------------------------------------------------------------


def _stated(feature: HubObject) -> StatedFeature | None:
    code = next((c["code"] for c in feature.get("type", {}).get("codings", ()) if c["system"] == "HP"), None)
    return StatedFeature(code, bool(feature.get("excluded"))) if code else None


def _check_features(record: HubObject, terminologies: Terminologies) -> Iterator[Violation]:
    features = record.get("phenotypic_features", ())
    for rule, index, message in feature_problems([_stated(feature) for feature in features], terminologies):
        yield Violation(rule, f"/phenotypic_features/{index}/type", message, features[index], "type")


# --- vital status ---------------------------------------------------------------------------------------------------


def _check_vital_status(record: HubObject, terminologies: Terminologies) -> Iterator[Violation]:
    vital = record.get("vital_status")
    if vital is None or local_code(vital.get("status"), "VITALSTATUS") != "alive":
        return
    for slot in ("date_of_death", "age_at_death", "cause_of_death"):
        if is_stated(vital.get(slot)):
            message = f"{slot} is stated of a person whose status is alive"
            yield Violation("plausibility.alive-and-dead", f"/vital_status/{slot}", message, vital, slot)
            return


CHECKS: tuple[Check, ...] = (_check_dates, _check_features, _check_vital_status)
