"""Objects of a hub record: plain dicts that remember which source row and which rule made them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class HubObject(dict[str, Any]):
    """An object of the hub: a dict that orjson and jsonschema-rs take as it is. This one was read from a file.

    >>> HubObject(value="1985", precision="year").source is None
    True
    """

    __slots__ = ()

    source: Any = None
    derivation: Any = None


class DerivedObject(HubObject):
    """A hub object that a plan made: `source` is the source object (row) behind it, `derivation` the compiled class derivation.

    They answer which cells made a slot. Whoever makes one sets both: an `__init__` would cost a third of the time that the plan
    takes, and a `__getattr__` that answers for them makes every `get` of the dict four times as slow.
    """

    __slots__ = ("derivation", "source")


def local_code(coded: Mapping[str, Any] | None, system: str) -> str | None:
    """The local part of the first coding of *system* in a coded value, or None.

    >>> local_code({"codings": [{"system": "HP", "code": "HP:0001250"}]}, "HP")
    '0001250'
    """
    if coded is not None:
        for coding in coded.get("codings", ()):
            if coding["system"] == system:
                return str(coding["code"].partition(":")[2])
    return None


def is_stated(value: Any) -> bool:
    """Whether *value* is there and is more than the reason why nothing is known.

    >>> is_stated({"null_flavor": "UNK"}), is_stated({"codings": [{"code": "HP:1"}]}), is_stated(None)
    (False, True, False)
    """
    return value is not None and not (isinstance(value, dict) and "null_flavor" in value and "codings" not in value)


def is_had(diagnosis: Mapping[str, Any]) -> bool:
    """Whether a diagnosis says that the person has or may have the disease: it is neither ruled out nor entered in error.

    >>> is_had({"certainty": "provisional"}), is_had({"certainty": "entered_in_error"}), is_had({"excluded": True})
    (True, False, False)
    """
    return not diagnosis.get("excluded") and diagnosis.get("certainty") not in ("refuted", "entered_in_error")


def says_death(vital: Mapping[str, Any]) -> bool:
    """Whether a vital status says by a date, an age or a cause that the person died.

    >>> says_death({"cause_of_death": {"null_flavor": "UNK"}}), says_death({"age_at_death": "P50Y"})
    (False, True)
    """
    return any(is_stated(vital.get(slot)) for slot in ("date_of_death", "age_at_death", "cause_of_death"))


EVALUATIONS = {  # mCODE 4.0.0, ClinOrPathModifierVS; HMD v1.1, TNM.Pathology_Clinical, has these two words
    "SNOMEDCT:260998006": "clinical",
    "SNOMEDCT:261023001": "pathological",
    "HMD:tnm-clinical": "clinical",
    "HMD:tnm-pathological": "pathological",
    "clinical": "clinical",
    "pathological": "pathological",
}
_OF_A_PARENT = frozenset({"derived", "aliquot"})  # HMD v1.1, SampleRelation.Relation_Type: words without codes
PLANNED, COMPLETED, DISCONTINUED = "405613005", "182992009", "416406003"
"""SNOMED CT codes of HMD v1.1, Treatment.Treatment_Status. The fourth, 445528004 (treatment changed), says no state."""


def evaluation_of(tnm: Mapping[str, Any]) -> str | None:
    """`clinical` or `pathological` where a TNM classification says by which evaluation it was made.

    >>> evaluation_of({"pathology_clinical": {"text": "Clinical"}}), evaluation_of({"stage": {"text": "II"}})
    ('clinical', None)
    """
    coded = tnm.get("pathology_clinical")
    if coded is None:
        return None
    for coding in coded.get("codings", ()):  # checks and writers ask several times of every classification
        if coding["code"] in EVALUATIONS:
            return EVALUATIONS[coding["code"]]
    return EVALUATIONS.get(coded.get("text", "").casefold())


def is_of_a_parent(relation: Mapping[str, Any]) -> bool:
    """Whether the related samples are those that a sample was derived from or is an aliquot of.

    >>> is_of_a_parent({"relation_type": {"text": "Aliquot"}}), is_of_a_parent({"relation_type": {"text": "Matched"}})
    (True, False)
    """
    return any(word in _OF_A_PARENT for word in _words(relation.get("relation_type")))


def _words(coded: Mapping[str, Any] | None) -> list[str]:
    """The codes of a coded value, and its text in small letters."""
    if coded is None:
        return []
    return [*(coding["code"] for coding in coded.get("codings", ())), coded.get("text", "").casefold()]


def hub_object(value: Any) -> Any:
    """The plain JSON *value* with every dict turned into a `HubObject`, for records that were read from a file."""
    if isinstance(value, dict):
        return HubObject({key: hub_object(item) for key, item in value.items()})
    if isinstance(value, list):
        return [hub_object(item) for item in value]
    return value
