"""FHIR R4 data types from values of the hub: CodeableConcept, date, Quantity, Age.

Source: FHIR R4 (4.0.1), Data Types. Numbers are written with the digits that the source wrote ("the precision of a decimal
is significant"), through `orjson.Fragment`; so is everything that records repeat, rendered once and kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from math import isinf
from typing import Any, NamedTuple

import orjson

from harmonize.terminology.notation import Systems

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
SNOMED_CT = "http://snomed.info/sct"
NULL_FLAVOR = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
HGVS = "http://varnomen.hgvs.org"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
DATA_ABSENT_REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

_CACHE_LIMIT = 100_000
_NULL_FLAVORS_OF_SEX = frozenset({"OTH", "UNK", "ASKU"})
"""HL7's value set of birth sexes takes F and M from AdministrativeGender and these from NullFlavor."""
_LEADING_ZEROS = re.compile(r"^(-?)0+(?=[0-9])")
_DURATION = re.compile(r"P(?:([0-9]{1,9})Y)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?")


def concept(system: str, code: str, display: str) -> dict[str, Any]:
    """A CodeableConcept of one coding, for the codes that a specification fixes.

    >>> concept(LOINC, "LA9633-4", "Present")
    {'coding': [{'system': 'http://loinc.org', 'code': 'LA9633-4', 'display': 'Present'}]}
    """
    return {"coding": [{"system": system, "code": code, "display": display}]}


def fixed(system: str, code: str, display: str) -> orjson.Fragment:
    """`concept` as JSON."""
    return orjson.Fragment(fixed_text(system, code, display))


def fixed_text(system: str, code: str, display: str) -> str:
    """`concept` as a text of JSON."""
    return orjson.dumps(concept(system, code, display)).decode()


@lru_cache(maxsize=_CACHE_LIMIT)
def number(digits: str) -> str | None:
    """The text of a JSON number with exactly these digits; JSON knows no leading zeros, and its readers no number past a double.

    >>> number("72.50"), number("-007.0"), number("1e999")
    ('72.50', '-7.0', None)
    """
    return None if isinf(float(digits)) else _LEADING_ZEROS.sub(r"\1", digits)


def age(duration: str) -> tuple[dict[str, Any], bool] | None:
    """An Age (Quantity in UCUM) for an ISO 8601 duration, and whether it holds less; None for a time of day and past nine digits.

    Years and months together are months (12 to a year); days beside years or months are left out.

    >>> age("P10Y")[0]["code"], age("P1Y6M")[0]["code"], age("P1Y6M3D")[1]
    ('a', 'mo', True)
    """
    match = _DURATION.fullmatch(duration)
    if match is None or not any(match.groups()):
        return None
    years, months, weeks, days = (int(part) if part else 0 for part in match.groups())
    if years or months:
        loses = bool(weeks or days)
        if months or loses:
            return _age(years * 12 + months, "mo", "months"), loses
        return _age(years, "a", "years"), False
    if days:
        return _age(weeks * 7 + days, "d", "days"), False
    if weeks:
        return _age(weeks, "wk", "weeks"), False
    return _age(0, "d", "days"), False


def _age(value: int, code: str, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": UCUM, "code": code}


class Unit(NamedTuple):
    """The unit of a Quantity as the JSON that follows its value, and why the unit that the source states is lost, if it is."""

    stated: Mapping[str, Any] | None  # held, so that its id stays its own
    after_value: str
    loss: str


def _after_value(elements: Mapping[str, Any]) -> str:
    """The end of a JSON object with these elements, after its first one."""
    text = orjson.dumps(elements).decode()
    return f",{text[1:]}" if elements else "}"


class Rendered(NamedTuple):
    """A coded value as a CodeableConcept, None where nothing of it can be written, and whether a part of it is lost."""

    coded: Mapping[str, Any]  # held, so that its id stays its own
    concept: orjson.Fragment | None
    loses: bool
    text: str
    """The JSON of the CodeableConcept; empty for none."""


class Concepts:
    """Coded values of the hub as CodeableConcepts. Remembers what it rendered: records repeat their codes."""

    def __init__(self, systems: Systems) -> None:
        self._systems = systems
        self.rendered: dict[int, Rendered] = {}
        """id of a coded value -> what it is in FHIR."""
        self.units: dict[str | tuple[str | None, int] | None, Unit] = {}
        """Unit in UCUM or, where the source states one, that and the id of the stated one -> the unit."""

    def render(self, coded: Mapping[str, Any]) -> Rendered:
        """What a coded value is in FHIR."""
        known = self.rendered.get(id(coded))
        if known is None:
            if len(self.rendered) >= _CACHE_LIMIT:
                self.rendered.clear()
            body, loses = self.codings(coded)
            text = orjson.dumps(body).decode() if body else ""
            known = self.rendered[id(coded)] = Rendered(coded, orjson.Fragment(text) if text else None, loses, text)
        return known

    def codings(self, coded: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        """The CodeableConcept as a dict, empty where nothing can be written, and whether a part is lost."""
        made, lost = [], "qualifiers" in coded
        for coding in coded.get("codings", ()):
            system = self._systems[coding["system"]]
            if system.fhir is None:
                lost = lost or coding["origin"] == "stated"
                continue
            local = coding["code"].partition(":")[2]
            of_null_flavor = system.id == "BIRTHSEX" and local in _NULL_FLAVORS_OF_SEX
            entry = {"system": NULL_FLAVOR if of_null_flavor else system.fhir.uri}
            if "version" in coding:
                entry["version"] = coding["version"]
            entry["code"] = system.fhir_code(coding["code"])
            if "label" in coding:
                entry["display"] = coding["label"]
            made.append(entry)
        if not made and "null_flavor" in coded:
            made.append({"system": NULL_FLAVOR, "code": coded["null_flavor"]})
        body: dict[str, Any] = {"coding": made} if made else {}
        if "text" in coded:
            body["text"] = coded["text"]
        return body, lost

    def unit(self, quantity: Mapping[str, Any]) -> Unit:
        """The unit of a quantity: in UCUM, else as the source states it."""
        stated = quantity.get("unit_source")
        key = quantity.get("unit") if stated is None else (quantity.get("unit"), id(stated))
        known = self.units.get(key)
        if known is None:
            if len(self.units) >= _CACHE_LIMIT:
                self.units.clear()
            known = self.units[key] = self._unit(quantity.get("unit"), stated)
        return known

    def _unit(self, ucum: str | None, stated: Mapping[str, Any] | None) -> Unit:
        if stated is None:
            return Unit(stated, _after_value({"unit": ucum, "system": UCUM, "code": ucum} if ucum else {}), "")
        coding = next(iter(stated.get("codings", ())), None)
        if ucum is not None:
            label = coding.get("label") if coding else None
            return Unit(stated, _after_value({"unit": label or ucum, "system": UCUM, "code": ucum}), "")
        if coding is not None:
            uri = self.uri(coding["system"])
            if uri is None:
                return Unit(stated, _after_value({}), "the unit is of no code system that FHIR names")
            label = coding.get("label", coding["code"])
            return Unit(stated, _after_value({"unit": label, "system": uri, "code": self.code(coding)}), "")
        if "text" in stated:
            return Unit(stated, _after_value({"unit": stated["text"]}), "")
        return Unit(stated, _after_value({}), "the unit has neither code nor text")

    def uri(self, system: str) -> str | None:
        """The FHIR URI of a code system."""
        fhir = self._systems[system].fhir
        return fhir.uri if fhir is not None else None

    def code(self, coding: Mapping[str, Any]) -> str:
        """The code of a coding as FHIR writes it."""
        return self._systems[coding["system"]].fhir_code(coding["code"])
