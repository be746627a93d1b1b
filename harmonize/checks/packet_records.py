"""A phenopacket as far as the rules on hub records can judge it: a record made for them alone, and where its slots stand in the packet.

Items keep their places in their lists. What the schema does not allow is left out here: other rules have said so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from harmonize.checks.whole_set import Contribution, hub_contribution
from harmonize.hub.objects import HubObject

_TIME_OF_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?!00:00(?::00(?:[.]0+)?)?Z)[0-9:.]+(?:Z|[+-][0-9:]+)")
_SEXES = MappingProxyType({"FEMALE": "F", "MALE": "M"})
_ANYTHING = ("interpretations", "medicalActions", "files")
"""Elements that are not brought over; that one is there keeps a packet from being empty."""


def packet_record(packet: Mapping[str, Any]) -> HubObject:
    """The record that stands for *packet*.

    >>> packet_record({"id": "1", "diseases": [{"term": {"id": "OMIM:154700"}}]})["diagnoses"][0]["disease"]["codings"]
    [{'system': 'OMIM', 'code': 'OMIM:154700'}]
    """
    subject = _object(packet.get("subject"))
    record = HubObject(
        subject_id=packet.get("id"),
        birth_date=_date(subject.get("dateOfBirth")),
        sex_at_birth=_code(f"BIRTHSEX:{_SEXES[subject['sex']]}") if _text(subject.get("sex")) in _SEXES else None,
        vital_status=_vital_status(_object(subject.get("vitalStatus"))),
        phenotypic_features=[_feature(item) for item in _list(packet, "phenotypicFeatures")],
        diagnoses=[_diagnosis(item) for item in _list(packet, "diseases")],
        measurements=[_measurement(item) for item in _list(packet, "measurements")],
        samples=[_stated(**_time(item.get("timeOfCollection"), "collection")) for item in _list(packet, "biosamples")],
        other=[name for name in _ANYTHING if packet.get(name)],
    )
    return HubObject({name: value for name, value in record.items() if value})


def _feature(item: Mapping[str, Any]) -> HubObject:
    return _stated(
        type=_class(item.get("type")),
        excluded=item.get("excluded") is True,
        severity=_class(item.get("severity")),
        modifiers=[made for value in _list(item, "modifiers") if (made := _class(value))],
        end_date=_date(_object(item.get("resolution")).get("timestamp")),
        **_time(item.get("onset"), "onset"),
    )


def _diagnosis(item: Mapping[str, Any]) -> HubObject:
    return _stated(
        disease=_class(item.get("term")) or HubObject(),
        excluded=item.get("excluded") is True,
        end_date=_date(_object(item.get("resolution")).get("timestamp")),
        **_time(item.get("onset"), "onset"),
    )


def _measurement(item: Mapping[str, Any]) -> HubObject:
    value = _object(item.get("value"))
    quantity = _object(value.get("quantity"))
    bounds = _object(quantity.get("referenceRange"))
    return _stated(
        assay=_class(item.get("assay")),
        value=_quantity(quantity) if quantity else None,
        coded_value=_class(value.get("ontologyClass")) or (HubObject(text="") if item.get("complexValue") else None),
        reference_low=str(bounds.get("low", 0)) if bounds else None,  # 0 is not written in JSON of protobuf
        reference_high=str(bounds.get("high", 0)) if bounds else None,
        **_time(item.get("timeObserved"), "observed"),
    )


def _quantity(quantity: Mapping[str, Any]) -> HubObject:
    """The unit is required by the format and judged there; one that is not of UCUM is as good as the source's own."""
    system, _, unit = _text(_object(quantity.get("unit")).get("id")).partition(":")
    made = HubObject(value=str(quantity.get("value", 0)))
    if system == "UCUM":
        made["unit"] = unit
    else:
        made["unit_source"] = HubObject()
    return made


def _vital_status(status: Mapping[str, Any]) -> HubObject:
    word = _text(status.get("status"))
    return _stated(
        status=_code(f"VITALSTATUS:{word.lower()}") if word in ("ALIVE", "DECEASED") else None,
        cause_of_death=_class(status.get("causeOfDeath")),
        **_time(status.get("timeOfDeath"), "death"),
    )


_TIMES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "onset": ("onset_age", "onset_date", "onset_stage"),
        "observed": ("age", "date", ""),
        "collection": ("age_at_collection", "collection_date", ""),
        "death": ("age_at_death", "date_of_death", ""),
    }
)
"""Event -> slots of its age, its date and its coded time of life."""


def _time(element: Any, event: str) -> dict[str, Any]:
    """A TimeElement in the slots of *event*; ranges and gestational ages are not judged."""
    time, (age, date, stage) = _object(element), _TIMES[event]
    made: dict[str, Any] = {
        age: _text(_object(time.get("age")).get("iso8601duration")),
        date: _date(time.get("timestamp")),
    }
    if stage:
        made[stage] = _class(time.get("ontologyClass"))
    return made


def _date(timestamp: Any) -> HubObject | None:
    text = _text(timestamp)[:10]
    return HubObject(value=text, precision="day") if len(text) == 10 else None


def _class(value: Any) -> HubObject | None:
    code = _text(_object(value).get("id"))
    return _code(code) if ":" in code else None


def _code(curie: str) -> HubObject:
    return HubObject(codings=[{"system": curie.partition(":")[0], "code": curie}])


def _stated(**slots: Any) -> HubObject:
    return HubObject({name: value for name, value in slots.items() if value or isinstance(value, dict)})


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(holder: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    items = holder.get(name)
    return (_object(item) for item in (items if isinstance(items, list) else ()))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


_ELEMENTS: Mapping[str, str] = MappingProxyType(
    {
        "birth_date": "subject/dateOfBirth",
        "vital_status": "subject/vitalStatus",
        "phenotypic_features": "phenotypicFeatures",
        "diagnoses": "diseases",
        "samples": "biosamples",
        "disease": "term",
        "onset_age": "onset",
        "onset_date": "onset",
        "onset_stage": "onset",
        "end_date": "resolution",
        "age": "timeObserved",
        "date": "timeObserved",
        "age_at_collection": "timeOfCollection",
        "collection_date": "timeOfCollection",
        "age_at_death": "timeOfDeath",
        "date_of_death": "timeOfDeath",
        "cause_of_death": "causeOfDeath",
        "reference_low": "value/quantity/referenceRange/low",
        "members": "persons",
        "individual_id": "individualId",
        "paternal_id": "paternalId",
        "maternal_id": "maternalId",
    }
)


def packet_path(path: str) -> str:
    """Where a path of the record stands in the packet.

    >>> packet_path("/diagnoses/0/onset_age")
    '/diseases/0/onset'
    """
    return "/".join(_ELEMENTS.get(part, part) for part in path.split("/"))


def family_record(family: Mapping[str, Any]) -> HubObject:
    """The record that stands for the pedigree of a Family. `0` stands for a parent who is not known, as in PED files."""
    persons = [
        _stated(
            individual_id=_text(person.get("individualId")),
            paternal_id=_parent(person.get("paternalId")),
            maternal_id=_parent(person.get("maternalId")),
            sex=_code(f"BIRTHSEX:{_SEXES[person['sex']]}") if _text(person.get("sex")) in _SEXES else None,
        )
        for person in _list(_object(family.get("pedigree")), "persons")
    ]
    return HubObject(pedigree=HubObject(members=persons))


def _parent(value: Any) -> str:
    return "" if value == "0" else _text(value)


def packet_contribution(packet: Mapping[str, Any]) -> Contribution:
    """What a packet, or the proband of a Family, says to the rules on the set; the edition of a code is that of its resource."""
    proband = _object(packet["proband"]) if "proband" in packet else packet
    made = hub_contribution(packet_record(proband))
    counted = list(made.counted)
    if any(_has_time_of_day(proband.get(name)) for name in _DATED):
        counted.append("privacy.exact-time")
    meta = _object(proband.get("metaData")) or _object(packet.get("metaData"))
    editions = frozenset(
        (_text(resource.get("namespacePrefix")), _text(resource.get("version")))
        for resource in _list(meta, "resources")
    )
    return made._replace(counted=tuple(counted), editions=editions, of_family="proband" in packet)


_DATED = (
    "subject",
    "phenotypicFeatures",
    "diseases",
    "measurements",
    "biosamples",
    "medicalActions",
    "interpretations",
)


def _has_time_of_day(value: Any) -> bool:
    """Whether a timestamp at any depth says more than the day."""
    if isinstance(value, dict):
        return any(_has_time_of_day(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_time_of_day(item) for item in value)
    return isinstance(value, str) and _TIME_OF_DAY.fullmatch(value) is not None
