"""Rules on hub records: order of dates, features that contradict or repeat one another, references that name nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

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


class _Dated(NamedTuple):
    """A collection whose items happen in a life: the slots that hold their days, and those of which the first is not later."""

    slots: tuple[str, ...]
    ordered: tuple[tuple[str, str], ...] = ()


_DATED_OF_SUBJECT = ("first_contact_date", "registration_date", "date_of_last_follow_up")
_DATED: Mapping[str, _Dated] = {
    "diagnoses": _Dated(
        ("onset_date", "date_of_diagnosis"), (("onset_date", "date_of_diagnosis"), ("onset_date", "end_date"))
    ),
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
# What may rightly be dated after death: a sample that is examined later, a result that arrives later.
_AFTER_DEATH = frozenset({"variants", "samples", "measurements", "biomarkers", "sequences"})


def _check_dates(record: HubObject, terminologies: Terminologies) -> Iterator[Violation]:
    """Texts of dates are compared first, and only what is not in order there is judged: most records are in order."""
    birth = record.get("birth_date")
    death = record.get("vital_status", {}).get("date_of_death")
    born, died = birth["value"] if birth else "", death["value"] if death else "~"
    if _after(birth, death):
        yield Violation(
            "plausibility.date-order", "/vital_status/date_of_death", "death is before birth", record, "birth_date"
        )
    for slot in _DATED_OF_SUBJECT:
        date = record.get(slot)
        if date is not None and not born <= date["value"] <= died:
            yield from _out_of_life(f"/{slot}", record, slot, birth, death)
    if any(_looks_wrong(record[name], dated, born, died) for name, dated in _DATED.items() if name in record):
        yield from _judged_dates(record, birth, death)


def _looks_wrong(items: Sequence[HubObject], dated: _Dated, born: str, died: str) -> bool:
    """Whether the text of some date is not between the other two, or those of one object are not in order."""
    values = [date["value"] for slot in dated.slots for item in items if (date := item.get(slot)) is not None]
    if values and not (born <= min(values) and max(values) <= died):
        return True
    for earlier, later in dated.ordered:
        for item in items:
            if later in item and earlier in item and item[earlier]["value"] > item[later]["value"]:
                return True
    return False


def _check_evaluations(record: HubObject, terminologies: Terminologies) -> Iterator[Violation]:
    """A tumour is staged after birth, and perhaps by an autopsy."""
    for path, tnm in _evaluations(record):
        yield from _out_of_life(f"{path}/date_of_evaluation", tnm, "date_of_evaluation", record.get("birth_date"), None)


def _judged_dates(record: HubObject, birth: Any, death: Any) -> Iterator[Violation]:
    """Every date that is certainly outside of the life, then every pair that is certainly not in order."""
    for collection, (slots, _) in _DATED.items():
        for index, item in enumerate(record.get(collection, ())):
            for slot in slots:
                yield from _out_of_life(f"/{collection}/{index}/{slot}", item, slot, birth, death)
    for collection, (_, ordered) in _DATED.items():
        for index, item in enumerate(record.get(collection, ())):
            for earlier, later in ordered:
                if _after(item.get(earlier), item.get(later)):
                    path = f"/{collection}/{index}/{earlier}"
                    yield Violation("plausibility.date-order", path, f"{earlier} is after {later}", item, earlier)


def _out_of_life(path: str, item: HubObject, slot: str, birth: Any, death: Any) -> Iterator[Violation]:
    date = item.get(slot)
    if _after(birth, date):
        yield Violation("plausibility.date-order", path, f"{slot} is before birth", item, slot)
    if _after(date, death) and path.split("/")[1] not in _AFTER_DEATH:
        yield Violation("plausibility.date-order", path, f"{slot} is after death", item, slot)


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


# --- references -----------------------------------------------------------------------------------------------------


def _check_references(record: HubObject, terminologies: Terminologies) -> Iterator[Violation]:
    """What an object of the record is said of is in the record; a SampleRelation may name a relative's sample."""
    for slot, collection, objects in (
        ("sample_id", "samples", _objects(record, "sequences")),
        ("sample_id", "samples", _evaluations(record)),
        ("sequence_id", "sequences", _objects(record, "variants")),
    ):
        if not objects:
            continue
        known = {named.get(slot) for named in record.get(collection, ())}
        for path, item in objects:
            if slot in item and item[slot] not in known:
                message = f"{slot} is that of none of the {collection} of the record"
                yield Violation("plausibility.dangling-reference", f"{path}/{slot}", message, item, slot)


def _objects(record: HubObject, collection: str) -> list[tuple[str, HubObject]]:
    return [(f"/{collection}/{index}", item) for index, item in enumerate(record.get(collection, ()))]


def _evaluations(record: HubObject) -> list[tuple[str, HubObject]]:
    return [
        (f"/diagnoses/{index}/tnm_classifications/{place}", tnm)
        for index, diagnosis in enumerate(record.get("diagnoses", ()))
        if "tnm_classifications" in diagnosis
        for place, tnm in enumerate(diagnosis["tnm_classifications"])
    ]


CHECKS: tuple[Check, ...] = (_check_dates, _check_evaluations, _check_features, _check_vital_status, _check_references)
