"""Invariants of FHIR R4 that its JSON Schema cannot say, for the resources that nodes exchange most.

Source: FHIR R4 (4.0.1), the pages of the resources: keys obs-3, obs-6, obs-7, con-1, con-4, con-5, pat-1, per-1, ppc-1, bdl-7, the choice
elements `[x]`, required bindings of CodeableConcepts and the target types of references.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

Problem = tuple[str, str]
_CHOICE = re.compile(
    r"(value|effective|onset|abatement|deceased|multipleBirth|performed|occurred|medication|collected|timing|born|age)[A-Z]\w*"
)
_SUBJECTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "Condition": {"subject": ("Patient", "Group")},
    "Consent": {"patient": ("Patient",)},
    "Device": {"patient": ("Patient",)},
    "DeviceUseStatement": {"subject": ("Patient", "Group"), "device": ("Device",)},
    "Encounter": {"subject": ("Patient", "Group")},
    "EpisodeOfCare": {"patient": ("Patient",)},
    "FamilyMemberHistory": {"patient": ("Patient",)},
    "MedicationStatement": {"subject": ("Patient", "Group")},
    "Observation": {"subject": ("Patient", "Group", "Device", "Location"), "specimen": ("Specimen",)},
    "Procedure": {"subject": ("Patient", "Group")},
    "Specimen": {"subject": ("Patient", "Group", "Device", "Substance", "Location")},
}
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_CLINICAL_CODES = frozenset({"active", "recurrence", "relapse", "inactive", "remission", "resolved"})
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_VERIFICATION_CODES = frozenset(
    {"unconfirmed", "provisional", "differential", "confirmed", "refuted", "entered-in-error"}
)


def invariant_problems(resource: Mapping[str, Any]) -> Iterator[Problem]:
    """(path, message) for every invariant that *resource* breaks.

    >>> list(invariant_problems({"resourceType": "Observation", "valueString": "a", "valueInteger": 1}))
    [('/valueInteger', 'value[x] is a choice: only one of its forms may be there')]
    """
    yield from _choices(resource)
    yield from _periods(resource, "")
    yield from _needed_choices(resource)
    kind = resource["resourceType"]
    for name, allowed in _SUBJECTS.get(kind, {}).items():
        yield from _refers_to(resource, name, allowed)
    check = _INVARIANTS.get(kind)
    if check is not None:
        yield from check(resource)


def _refers_to(holder: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> Iterator[Problem]:
    target = holder.get(name)
    text = target.get("reference") if isinstance(target, dict) else None
    if isinstance(text, str) and "/" in text and ":" not in text and text.split("/")[0] not in allowed:
        yield f"/{name}/reference", f"{name} refers to {' or '.join(allowed)} only"


def _periods(value: Any, path: str) -> Iterator[Problem]:
    """Every Period that ends before it starts, as far as the days of both are known."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _periods(item, f"{path}/{index}")
    elif isinstance(value, dict):
        start, end = value.get("start"), value.get("end")
        if path.lower().endswith("period") and isinstance(start, str) and isinstance(end, str):
            known = min(len(start), len(end), len("2001-01-01"))
            if start[:known] > end[:known]:
                yield path, "per-1: a period does not end before it starts"
        for name, item in value.items():
            if isinstance(item, dict | list):
                yield from _periods(item, f"{path}/{name}")


def _choices(resource: Mapping[str, Any]) -> Iterator[Problem]:
    seen: set[str] = set()
    for name in resource:
        match = _CHOICE.fullmatch(name)
        if match is None:
            continue
        if match[1] in seen:
            yield f"/{name}", f"{match[1]}[x] is a choice: only one of its forms may be there"
        seen.add(match[1])


def _codes(concept: Any, system: str) -> list[Any]:
    codings = concept.get("coding", ()) if isinstance(concept, dict) else ()
    return [coding.get("code") for coding in codings if isinstance(coding, dict) and coding.get("system") == system]


def _bound(resource: Mapping[str, Any], name: str, system: str, codes: Collection[str]) -> Iterator[Problem]:
    if name in resource and not any(code in codes for code in _codes(resource[name], system)):
        yield f"/{name}", f"{name} demands a code of its required value set"


def _condition(resource: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _bound(resource, "clinicalStatus", _CLINICAL, _CLINICAL_CODES)
    yield from _bound(resource, "verificationStatus", _VERIFICATION, _VERIFICATION_CODES)
    clinical = _codes(resource.get("clinicalStatus"), _CLINICAL)
    if "entered-in-error" in _codes(resource.get("verificationStatus"), _VERIFICATION) and "clinicalStatus" in resource:
        yield "/clinicalStatus", "con-5: there is no clinical status where the verification status is entered-in-error"
    for index, stage in enumerate(resource.get("stage", ())):
        if isinstance(stage, dict) and not {"summary", "assessment"} & stage.keys():
            yield f"/stage/{index}", "con-1: a stage needs a summary or an assessment"
    abated = any(name.startswith("abatement") for name in resource)
    if abated and not {"resolved", "remission", "inactive"} & set(clinical):
        yield "/abatement", "con-4: what has abated is inactive, resolved or in remission"


def _observation(resource: Mapping[str, Any]) -> Iterator[Problem]:
    has_value = any(name.startswith("value") for name in resource)
    if has_value and "dataAbsentReason" in resource:
        yield "/dataAbsentReason", "obs-6: a reason for an absent value stands beside a value"
    codes = resource.get("code", {})
    for index, component in enumerate(resource.get("component", ())):
        if has_value and isinstance(component, dict) and component.get("code") == codes:
            yield f"/component/{index}/code", "obs-7: a component repeats the code of the observation beside its value"

    for index, bounds in enumerate(resource.get("referenceRange", ())):
        if isinstance(bounds, dict) and not {"low", "high", "text"} & bounds.keys():
            yield f"/referenceRange/{index}", "obs-3: a reference range needs a low, a high or a text"


_NEEDED_CHOICES: Mapping[str, tuple[str, ...]] = {
    "Immunization": ("occurrence",),
    "MedicationAdministration": ("medication", "effective"),
    "MedicationDispense": ("medication",),
    "MedicationRequest": ("medication",),
    "MedicationStatement": ("medication",),
}
"""Choice elements `[x]` that must be there, in one of their forms."""


def _needed_choices(resource: Mapping[str, Any]) -> Iterator[Problem]:
    for element in _NEEDED_CHOICES.get(resource["resourceType"], ()):
        if not any(name.removeprefix("_").startswith(element) for name in resource):
            yield f"/{element}", f"{element}[x] is missing"


def _episode_of_care(resource: Mapping[str, Any]) -> Iterator[Problem]:
    for index, diagnosis in enumerate(resource.get("diagnosis", ())):
        if isinstance(diagnosis, dict):
            for path, message in _refers_to(diagnosis, "condition", ("Condition",)):
                yield f"/diagnosis/{index}{path}", message


def _patient(resource: Mapping[str, Any]) -> Iterator[Problem]:
    for index, contact in enumerate(resource.get("contact", ())):
        if isinstance(contact, dict) and not {"name", "telecom", "address", "organization"} & contact.keys():
            yield f"/contact/{index}", "pat-1: a contact needs a name, telecom, address or organization"


def _consent(resource: Mapping[str, Any]) -> Iterator[Problem]:
    if not {"policy", "policyRule"} & resource.keys():
        yield "/policyRule", "ppc-1: a consent needs a policy or a policyRule"


def _bundle(resource: Mapping[str, Any]) -> Iterator[Problem]:
    if resource.get("type") == "history":  # several versions of one resource are its purpose
        return
    seen: set[str] = set()
    for index, entry in enumerate(resource.get("entry", ())):
        url = entry.get("fullUrl") if isinstance(entry, dict) else None
        if isinstance(url, str) and url in seen:
            yield f"/entry/{index}/fullUrl", "bdl-7: a fullUrl stands twice"
        if isinstance(url, str):
            seen.add(url)


_INVARIANTS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Problem]]] = {
    "Bundle": _bundle,
    "Condition": _condition,
    "Consent": _consent,
    "EpisodeOfCare": _episode_of_care,
    "Observation": _observation,
    "Patient": _patient,
}
