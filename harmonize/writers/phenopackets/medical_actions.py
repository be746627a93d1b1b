"""Medical actions: procedures, treatments and therapeutic regimens.

Source: phenopacket-schema v2, medical_action.proto and its page TherapeuticRegimen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from harmonize.hub.objects import HubObject
from harmonize.writers.phenopackets.common_elements import Made, Maker, Prefixes, Text
from harmonize.writers.phenopackets.sheet import Sheet
from harmonize.writers.phenopackets.treatments import add_treatment, performed_time

_NOT_DONE = frozenset({"preparation", "not-done", "entered-in-error"})


def medical_actions(sheet: Sheet) -> list[Any]:
    """The MedicalActions, each of one form."""
    record = sheet.record
    procedures, treatments = record.get("procedures", ()), record.get("treatments", ())
    elements, prefixes = sheet.elements, sheet.prefixes
    first, second = elements.procedures(procedures, prefixes, False), elements.treatments(treatments, prefixes, False)
    if not isinstance(first, list) and not isinstance(second, list) and "clinical_episodes" not in record:
        return [orjson.Fragment(part) for part in (first, second) if part]
    made: list[Any] = []
    sheet.under_way("/medicalActions", made)
    for procedure, text in zip(procedures, _apart(first, elements.procedures, procedures, prefixes), strict=True):
        if text is not None:
            made.append(orjson.Fragment(text))
        else:
            _add(sheet, procedure, "procedure", _procedure(sheet, procedure), made)
    for treatment, text in zip(treatments, _apart(second, elements.treatments, treatments, prefixes), strict=True):
        if text is not None:
            made.append(orjson.Fragment(text))
        else:
            add_treatment(sheet, treatment, made)
    for episode in record.get("clinical_episodes", ()):
        _add(sheet, episode, "therapeuticRegimen", _regimen(sheet, episode), made)
    return made


def _apart(made: Made, make: Maker, items: Sequence[HubObject], prefixes: Prefixes) -> list[Text | None]:
    """What was *made* of *items*, each by itself."""
    if not isinstance(made, list):
        made = make(items, prefixes, True)
    assert isinstance(made, list)
    return made


def _add(sheet: Sheet, item: HubObject, element: str, action: dict[str, Any] | None, made: list[Any]) -> None:
    if action is not None:
        sheet.made(item)
        made.append({element: action})


def _procedure(sheet: Sheet, procedure: HubObject) -> dict[str, Any] | None:
    if procedure.get("status") in _NOT_DONE:
        sheet.lost(procedure, "*", "", "v2 holds what was done; this procedure was not")
        return None
    code = sheet.term(procedure, "code", "/procedure/code")
    if code is None:
        sheet.lost(procedure, "*", "", "a procedure needs a code; there is none")
        return None
    entry: dict[str, Any] = {"code": code.body}
    site = sheet.term(procedure, "body_site", "/procedure/bodySite")
    if site:
        entry["bodySite"] = site.body
    performed = performed_time(sheet, procedure, "date", "end_date")
    if performed:
        entry["performed"] = performed
    return entry


def _regimen(sheet: Sheet, episode: HubObject) -> dict[str, Any] | None:
    """TherapeuticRegimen. `regimenStatus` is required, and UNKNOWN_STATUS, its default, is not written."""
    if episode.get("kind") != "treatment":
        sheet.lost(episode, "*", "", "v2 has regimens only; the episode is not said to be one of treatment")
        return None
    slot = next((slot for slot in ("object", "type") if episode.get(slot, {}).get("codings")), "object")
    regimen = sheet.term(episode, slot, "/therapeuticRegimen/ontologyClass")
    if regimen is None:
        sheet.lost(episode, "*", "", "a regimen needs an identifier; there is no code")
        return None
    for other in {"object", "type"} & episode.keys() - {slot}:
        message = "a regimen has one identifier; the object of the episode is preferred, else its type"
        sheet.lost(episode, other, "/therapeuticRegimen/ontologyClass", message)
    sheet.log.default("medicalActions.therapeuticRegimen.regimenStatus")
    return {"ontologyClass": regimen.body, **dict(_bounds(sheet, episode))}


def _bounds(sheet: Sheet, episode: HubObject) -> Iterator[tuple[str, orjson.Fragment]]:
    for slot, name in (("start_date", "startTime"), ("end_date", "endTime")):
        time = sheet.timestamp(episode, slot, f"/therapeuticRegimen/{name}")
        if time:
            yield name, time
