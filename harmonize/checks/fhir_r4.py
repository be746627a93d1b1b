"""Checks of FHIR R4 (4.0.1) resources: HL7's JSON Schema, required primitives, references, profiles that we claim, codes.

Not run through the HL7 validator: beside the invariants of `fhir_invariants`, invariants, slicing of other profiles and
bindings to value sets are not checked.
Profiles: `phenotype` of phenomics-exchange 1.0.0-ballot; `variant` and `diagnostic-implication` of Genomics Reporting 3.0.0.
"""

from __future__ import annotations

import datetime as dt
import gzip
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from harmonize.checks.codes import code_problem
from harmonize.checks.fhir_invariants import invariant_problems
from harmonize.checks.fhir_references import ABSOLUTE, CONDITIONAL, RELATIVE
from harmonize.checks.structure import pointer, structure_problems
from harmonize.checks.violations import Violation
from harmonize.terminology.notation import load_systems
from harmonize.terminology.store import Terminologies

_SCHEMA = Path(__file__).with_name("fhir.schema.r4.json.gz")
# HL7's JSON Schema does not demand primitives; those of the resources that nodes exchange are listed here (min 1 of StructureDefinition).
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "AdverseEvent": ("actuality",),
    "Appointment": ("status",),
    "Binary": ("contentType",),
    "Bundle": ("type",),
    "CarePlan": ("status", "intent"),
    "ClinicalImpression": ("status",),
    "CodeSystem": ("status", "content"),
    "Communication": ("status",),
    "Composition": ("status", "date", "title"),
    "ConceptMap": ("status",),
    "Consent": ("status",),
    "DetectedIssue": ("status",),
    "DeviceUseStatement": ("status",),
    "DiagnosticReport": ("status",),
    "DocumentReference": ("status",),
    "Encounter": ("status",),
    "EpisodeOfCare": ("status",),
    "FamilyMemberHistory": ("status",),
    "Flag": ("status",),
    "Goal": ("lifecycleStatus",),
    "Group": ("type", "actual"),
    "ImagingStudy": ("status",),
    "Immunization": ("status",),
    "List": ("status", "mode"),
    "Media": ("status",),
    "MedicationAdministration": ("status",),
    "MedicationDispense": ("status",),
    "MedicationRequest": ("status", "intent"),
    "MedicationStatement": ("status",),
    "MolecularSequence": ("coordinateSystem",),
    "Observation": ("status",),
    "Procedure": ("status",),
    "Provenance": ("recorded",),
    "Questionnaire": ("status",),
    "QuestionnaireResponse": ("status",),
    "ResearchStudy": ("status",),
    "ResearchSubject": ("status",),
    "RiskAssessment": ("status",),
    "ServiceRequest": ("status", "intent"),
    "Task": ("status", "intent"),
    "ValueSet": ("status",),
}
_DATED = re.compile(
    r".*(?:[dD]ate|DateTime|Instant)|start|end|issued|recorded|authoredOn|created|lastUpdated|sent|received"
)
"""Names of elements that hold dates and nothing else."""
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T.*)?")


@cache
def _schema() -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(gzip.decompress(_SCHEMA.read_bytes()))
    return document


@cache
def _validator(resource_type: str) -> Any:
    return jsonschema_rs.validator_for(
        {"$ref": f"#/definitions/{resource_type}", "definitions": _schema()["definitions"]}
    )


def resource_types() -> Mapping[str, str]:
    """The resource types of FHIR R4."""
    mapping: Mapping[str, str] = _schema()["discriminator"]["mapping"]
    return mapping


def check_resource(
    resource: Any, known: Callable[[str], bool] | None, terminologies: Terminologies
) -> Iterator[Violation]:
    """Every violation of one resource. *known* tells whether `Type/id` is in the set; None where the set is not at hand.

    >>> patient = {"resourceType": "Patient", "gender": "man"}
    >>> [(v.path, v.message) for v in check_resource(patient, None, Terminologies.installed())]
    [('/gender', 'its value is none of female, male, other, unknown')]
    """
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(kind, str) or kind not in resource_types():
        yield Violation("target.fhir-r4-type", "", "it is no JSON object with a resourceType of FHIR R4")
        return
    resource = _without_fillers(resource)
    for problem in structure_problems(_validator(kind), resource):
        yield Violation("target.fhir-r4-schema", problem.path, problem.message)
    for name in _REQUIRED.get(kind, ()):
        if name not in resource and f"_{name}" not in resource:
            yield Violation("target.fhir-r4-schema", f"/{name}", f"the element {name} is missing")
    yield from _objects(resource, known, terminologies)
    for path, message in invariant_problems(resource):
        yield Violation("target.fhir-r4-invariant", path, message)
    for profile in _claimed(resource):
        check = _PROFILES.get(profile)
        if check is not None:
            for path, message in check(resource):
                yield Violation("target.fhir-r4-profile", path, message)


def _without_fillers(value: Any) -> Any:
    """*value* without the nulls that keep the places of arrays of primitives and of their extensions (R4, JSON, primitive elements)."""
    if isinstance(value, list):
        return [_without_fillers(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {name: _without_fillers(item) for name, item in value.items()}
    for name, item in value.items():
        beside = value.get(name.removeprefix("_") if name.startswith("_") else f"_{name}")
        if isinstance(item, list) and isinstance(beside, list) and len(item) == len(beside):
            made[name] = [one for one in made[name] if one is not None]
    return made


def _days(value: Mapping[str, Any], parts: tuple[str | int, ...]) -> Iterator[Violation]:
    """Days that the calendar does not have: a date SHALL be a valid one (R4, Datatypes, date and dateTime)."""
    for name, text in value.items():
        if isinstance(text, str) and _DATED.fullmatch(name) and (day := _DAY.fullmatch(text)):
            try:
                dt.date.fromisoformat(day[1])
            except ValueError:
                yield Violation("target.fhir-r4-schema", pointer((*parts, name)), "the calendar does not have this day")


def _walk(value: Any, parts: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    yield parts, value
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _walk(item, (*parts, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, (*parts, index))


def _objects(
    resource: dict[str, Any], known: Callable[[str], bool] | None, terminologies: Terminologies
) -> Iterator[Violation]:
    """What holds in every resource: no null and nothing empty, references that resolve, codes that exist."""
    contained = {item.get("id") for item in resource.get("contained", ()) if isinstance(item, dict)}
    for parts, value in _walk(resource):
        if value is None or value in ({}, []):
            yield Violation(
                "target.fhir-r4-schema", pointer(parts), "FHIR has neither null nor empty objects and arrays"
            )
        if not isinstance(value, dict):
            continue
        if len(parts) > 1 and parts[-2] in ("extension", "modifierExtension") and not value.get("url"):
            yield Violation("target.fhir-r4-schema", pointer((*parts, "url")), "the element url is missing")
        yield from _days(value, parts)
        if isinstance(value.get("reference"), str):
            yield from _reference(value["reference"], pointer((*parts, "reference")), known, contained)
        yield from _codings(value, parts, terminologies)


def _reference(
    text: str, path: str, known: Callable[[str], bool] | None, contained: Collection[Any]
) -> Iterator[Violation]:
    match = RELATIVE.fullmatch(text)
    if text.startswith("#"):
        if text != "#" and text[1:] not in contained:
            yield Violation("target.fhir-r4-reference", path, "nothing contained has this id")
    elif match is not None:
        if known is not None and not known(f"{match[1]}/{match[2]}"):
            yield Violation(
                "target.fhir-r4-reference",
                path,
                f"no {match[1] if match[1] in resource_types() else 'resource'} of the set has this id",
            )
    elif not ABSOLUTE.fullmatch(text) and not CONDITIONAL.fullmatch(text):
        yield Violation("target.fhir-r4-reference", path, "it is neither Type/id nor a URL nor a fragment")


def _curie(coding: Any) -> str | None:
    """The CURIE of a Coding or Quantity whose system harmonize knows."""
    if not isinstance(coding, dict) or not isinstance(coding.get("code"), str):
        return None
    prefix = load_systems().by_fhir_uri.get(str(coding.get("system")))
    if prefix is None:
        return None
    return str(coding["code"]) if coding["code"].startswith(f"{prefix}:") else f"{prefix}:{coding['code']}"


def _codings(value: dict[str, Any], parts: tuple[str | int, ...], terminologies: Terminologies) -> Iterator[Violation]:
    """The codes of a CodeableConcept together, a lone Coding or Quantity by itself."""
    if isinstance(value.get("coding"), list):
        beside = {curie for coding in value["coding"] if (curie := _curie(coding)) is not None}
        for index, coding in enumerate(value["coding"]):
            yield from _code(coding, pointer((*parts, "coding", index, "code")), terminologies, beside)
    elif len(parts) < 2 or parts[-2] != "coding":
        yield from _code(value, pointer((*parts, "code")), terminologies, ())


def _code(coding: Any, path: str, terminologies: Terminologies, beside: Collection[str]) -> Iterator[Violation]:
    curie = _curie(coding)
    if curie is None:
        return
    display, edition = (text if isinstance(text := coding.get(name), str) else None for name in ("display", "version"))
    problem = code_problem(curie, display, terminologies, beside, edition or "")
    if problem is not None:
        yield Violation(problem.rule, path, problem.message)


# --- profiles that we claim -----------------------------------------------------------------------------------------

_LOINC = "http://loinc.org"
_PRESENT, _ABSENT = "LA9633-4", "LA9634-2"
_IG = "http://hl7.org/fhir/uv/genomics-reporting"
_HGVS_COMPONENTS = frozenset({"48004-6", "81290-9", "48005-3"})
_SINGLE_COMPONENTS = _HGVS_COMPONENTS | {"81291-7", "48013-7", "51958-7", "81254-5", "81302-2", "81301-4", "92822-6"}
_SINGLE_COMPONENTS |= {"69547-8", "69551-0", "48019-4", "48002-0", "81258-6", "82121-5", "53034-5"}
_COMPONENT_TYPES = {
    "81254-5": "valueRange",
    "69547-8": "valueString",
    "69551-0": "valueString",
    "81258-6": "valueQuantity",
    "82121-5": "valueQuantity",
}
Problem = tuple[str, str]


def _claimed(resource: dict[str, Any]) -> Iterator[str]:
    meta = resource.get("meta")
    profiles = meta.get("profile") if isinstance(meta, dict) else None
    yield from (profile for profile in profiles if isinstance(profile, str)) if isinstance(profiles, list) else ()


def _has(concept: Any, system: str, codes: Collection[str]) -> bool:
    codings = concept.get("coding", ()) if isinstance(concept, dict) else ()
    return any(isinstance(c, dict) and c.get("system") == system and c.get("code") in codes for c in codings)


def _components(resource: dict[str, Any], system: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    for index, component in enumerate(resource.get("component", ())):
        for coding in component.get("code", {}).get("coding", ()):
            if coding.get("system") == system and isinstance(coding.get("code"), str):
                yield index, coding["code"], component


def _phenotype(resource: dict[str, Any]) -> Iterator[Problem]:
    """Observation-Phenotype.fsh: code 1..1, value 1..1 from LL1937-3, the onset components with their types."""
    if "code" not in resource:
        yield "/code", "the profile phenotype demands a code"
    if not _has(resource.get("valueCodeableConcept"), _LOINC, (_PRESENT, _ABSENT)):
        yield "/valueCodeableConcept", "the profile phenotype demands an answer of LOINC LL1937-3, present or absent"
    types = {
        "AGE_ONSET": "valueQuantity",
        "AGE_ONSET_RANGE": "valueRange",
        "AGE_ONSET_CODED": "valueCodeableConcept",
        "AGE_ONSET_GESTATIONAL": "valueQuantity",
    }
    system = "http://hl7.org/fhir/uv/phenomics-exchange/CodeSystem/temporary-phenotype-component"
    yield from _typed_components(resource, system, types, frozenset(types))


def _typed_components(
    resource: dict[str, Any], system: str, types: Mapping[str, str], single: Collection[str]
) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, code, component in _components(resource, system):
        if code in single and code in seen:
            yield f"/component/{index}", f"the profile has room for one component {code}"
        seen.add(code)
        if code in types and types[code] not in component:
            yield f"/component/{index}", f"the component {code} demands {types[code]}"


def _genomic(resource: dict[str, Any]) -> Iterator[Problem]:
    categories = resource.get("category", ())
    for system, code in (
        ("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory"),
        ("http://terminology.hl7.org/CodeSystem/v2-0074", "GE"),
    ):
        if not any(_has(category, system, (code,)) for category in categories):
            yield "/category", f"the profile demands the category {code}"
    if "status" not in resource:
        yield "/status", "the profile demands a status"


def _variant(resource: dict[str, Any]) -> Iterator[Problem]:
    """CGFindings.fsh, profile Variant."""
    yield from _genomic(resource)
    if not _has(resource.get("code"), _LOINC, ("69548-6",)):
        yield "/code", "the profile variant demands LOINC 69548-6"
    if "valueCodeableConcept" in resource and not _has(
        resource["valueCodeableConcept"], _LOINC, (_PRESENT, _ABSENT, "LA18198-4", "LA11884-6")
    ):
        yield "/valueCodeableConcept", "the profile variant demands an answer of LOINC LL1971-2"
    yield from _typed_components(resource, _LOINC, _COMPONENT_TYPES, _SINGLE_COMPONENTS)
    for index, code, component in _components(resource, _LOINC):
        value = component.get("valueCodeableConcept")
        if code in _HGVS_COMPONENTS and not any(
            c.get("system") == "http://varnomen.hgvs.org" for c in (value or {}).get("coding", ())
        ):
            yield f"/component/{index}", f"the component {code} demands a code of http://varnomen.hgvs.org"


def _diagnostic_implication(resource: dict[str, Any]) -> Iterator[Problem]:
    """CGImplications.fsh, profile DiagnosticImplication."""
    yield from _genomic(resource)
    if not _has(resource.get("code"), f"{_IG}/CodeSystem/tbd-codes-cs", ("diagnostic-implication",)):
        yield "/code", "the profile diagnostic-implication demands the code diagnostic-implication"
    if not resource.get("derivedFrom"):
        yield "/derivedFrom", "the profile diagnostic-implication demands what it is derived from"
    if any(name.startswith("value") for name in resource):
        yield "/value", "the profile diagnostic-implication has no value"


_PROFILES: Mapping[str, Callable[[dict[str, Any]], Iterator[Problem]]] = {
    "http://hl7.org/fhir/uv/phenomics-exchange/StructureDefinition/phenotype|1.0.0-ballot": _phenotype,
    f"{_IG}/StructureDefinition/variant|3.0.0": _variant,
    f"{_IG}/StructureDefinition/diagnostic-implication|3.0.0": _diagnostic_implication,
}
