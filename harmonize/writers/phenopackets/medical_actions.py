"""Medical actions: procedures, treatments and therapeutic regimens.

Source: phenopacket-schema v2, medical_action.proto and its pages Treatment, DoseInterval and TherapeuticRegimen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from harmonize.hub.objects import HubObject
from harmonize.writers.phenopackets.sheet import Sheet, midnight

NO_DOSE = "only a DoseInterval holds it, which needs a schedule that no source states"
_NOT_DONE = frozenset({"preparation", "not-done", "entered-in-error"})


def medical_actions(sheet: Sheet) -> list[Any]:
    """The MedicalActions, each of one form."""
    made: list[Any] = []
    sheet.under_way("/medicalActions", made)
    record = sheet.record
    for slot, element, common, write in (
        ("procedures", "procedure", _common_procedure, _procedure),
        ("treatments", "treatment", _common_treatment, _treatment),
        ("clinical_episodes", "therapeuticRegimen", _none_is_common, _regimen),
    ):
        for item in record.get(slot, ()):
            action: Any = common(sheet, item)
            if action is not None:
                made.append(action)
                continue
            action = write(sheet, item)
            if action is not None:
                sheet.made(item)
                made.append({element: action})
    return made


def _common_procedure(sheet: Sheet, procedure: HubObject) -> orjson.Fragment | None:
    """A procedure of a known day, or from one to another, of which nothing else is said. None for any other."""
    size = len(procedure)
    if size not in (2, 3) or sheet.log.trace is not None:
        return None
    common = sheet.run.common
    try:
        code, prefix, _ = common.terms[id(procedure["code"])]
        time, start, _ = common.days[id(procedure["date"])]
        if size == 3:
            time = f'{{"interval":{{"start":{start},"end":{common.days[id(procedure["end_date"])][1]}}}}}'
    except KeyError:
        return None
    sheet.prefixes.add(prefix)
    return orjson.Fragment(f'{{"procedure":{{"code":{code},"performed":{time}}}}}')


def _common_treatment(sheet: Sheet, treatment: HubObject) -> orjson.Fragment | None:
    """A treatment of which the target holds the agent alone. None for any other."""
    if "route_of_administration" in treatment or sheet.log.trace is not None:
        return None
    known = sheet.run.common.terms.get(id(treatment.get("agent")))
    if known is None:
        return None
    sheet.prefixes.add(known[1])
    return orjson.Fragment(f'{{"treatment":{{"agent":{known[0]}}}}}')


def _none_is_common(sheet: Sheet, item: HubObject) -> None:
    """Regimens are few."""


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
    performed = _performed(sheet, procedure)
    if performed:
        entry["performed"] = performed
    return entry


def _performed(sheet: Sheet, procedure: HubObject) -> Any:
    """The TimeElement of a procedure: an interval of two known days, else the first day."""
    if "end_date" not in procedure:
        return sheet.timestamp(procedure, "date", "/procedure/performed")
    inside = "/procedure/performed"
    start, end = sheet.day(procedure, "date", inside), sheet.day(procedure, "end_date", inside)
    if start and end:
        return {"interval": {"start": midnight(start), "end": midnight(end)}}
    if end:
        sheet.lost(procedure, "end_date", inside, "an interval needs two days; the first is not known")
    return sheet.run.time(start) if start else None


def _treatment(sheet: Sheet, treatment: HubObject) -> dict[str, Any] | None:
    """Treatment. Its dates and amounts are dropped by declaration, see `NO_DOSE`."""
    agent = sheet.term(treatment, "agent", "/treatment/agent")
    if agent is None:
        sheet.lost(treatment, "*", "", "a treatment needs an agent; there is no code")
        return None
    route = sheet.term(treatment, "route_of_administration", "/treatment/routeOfAdministration")
    return {"agent": agent.body} if route is None else {"agent": agent.body, "routeOfAdministration": route.body}


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
