"""Checks of Phenopackets v2 in protobuf JSON: what the schema says, what it cannot say, and the codes.

Source: phenopacket-schema v2 documentation (required elements, metaData.resources) and the protobuf JSON mapping.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from harmonize.checks.ages import age_days
from harmonize.checks.codes import code_problem
from harmonize.checks.free_text import PACKET_TEXTS, identifiers_in
from harmonize.checks.hub_records import check_record
from harmonize.checks.packet_records import family_record, packet_path, packet_record
from harmonize.checks.statements import check_pedigree
from harmonize.checks.structure import pointer, structure_problems
from harmonize.checks.violations import Circumstances, Violation
from harmonize.hub.objects import HubObject
from harmonize.terminology.store import Terminologies

_SCHEMA = Path(__file__).with_name("phenopackets.schema.json")
_PACKET = "org.phenopackets.schema.v2.Phenopacket"
_FAMILY = "org.phenopackets.schema.v2.Family"
_DURATION = re.compile(r"-?P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")
_REQUIRED = {
    "": ("id", "metaData"),
    "/subject": ("id",),
    "/metaData": ("created", "createdBy", "phenopacketSchemaVersion"),
    "/metaData/resources/*": ("id", "name", "url", "version", "namespacePrefix", "iriPrefix"),
    "/subject/vitalStatus": ("status",),
    "/phenotypicFeatures/*": ("type",),
    "/measurements/*": ("assay",),
    "/measurements/*/value/quantity": ("unit",),
    "/measurements/*/value/quantity/referenceRange": ("unit",),
    "/medicalActions/*/procedure": ("code",),
    "/medicalActions/*/treatment": ("agent",),
    "/medicalActions/*/treatment/cumulativeDose": ("unit",),
    "/medicalActions/*/radiationTherapy": ("modality", "bodySite"),
    "/biosamples/*/procedure": ("code",),
    "/biosamples/*": ("id",),
    "/diseases/*": ("term",),
    "/interpretations/*": ("id", "diagnosis"),
    "/interpretations/*/diagnosis": ("disease",),
}
_REQUIRED_OF_FAMILY = {"": ("id", "proband", "metaData"), "/pedigree/persons/*": ("familyId", "individualId")}


@cache
def _validator(message: str) -> Any:
    definitions = orjson.loads(_SCHEMA.read_bytes())["$defs"]
    return jsonschema_rs.validator_for({"$ref": f"#/$defs/{message}", "$defs": definitions})


def check_packet(packet: Any, terminologies: Terminologies, recorded: str = "") -> Iterator[Violation]:
    """Every violation of a Phenopacket, or of a Family with its proband. *recorded* is the last day that a date may have.

    >>> [violation.rule for violation in check_packet({"id": "1", "files": [{}]}, Terminologies.installed())]
    ['target.phenopackets-required']
    """
    if not isinstance(packet, dict):
        yield Violation("target.phenopackets-schema", "", "it is no JSON object")
        return
    if "proband" in packet:
        yield from _structure(packet, _FAMILY)
        yield from _required(packet, _REQUIRED_OF_FAMILY)
        proband = packet["proband"]
        if isinstance(proband, dict):
            for violation in _content(proband, terminologies, recorded):
                yield violation._replace(path=f"/proband{violation.path}")
        for violation in check_pedigree(family_record(packet), Circumstances(terminologies)):
            yield violation._replace(path=packet_path(violation.path), at=None)
        return
    yield from _structure(packet, _PACKET)
    yield from _content(packet, terminologies, recorded)


def _structure(document: dict[str, Any], message: str) -> Iterator[Violation]:
    for problem in structure_problems(_validator(message), document):
        yield Violation("target.phenopackets-schema", problem.path, problem.message)


def _content(packet: dict[str, Any], terminologies: Terminologies, recorded: str) -> Iterator[Violation]:
    yield from _required(packet, _REQUIRED)
    yield from _durations(packet)
    yield from _references(packet)
    yield from _codes(packet, terminologies)
    record = packet_record(packet)
    for violation in check_record(record, terminologies, recorded):
        yield violation._replace(path=packet_path(violation.path), at=None)
    yield from _last_encounter(packet, record)
    for path, kind in identifiers_in(packet, PACKET_TEXTS):
        yield Violation("privacy.identifier-in-text", path, f"the text holds what looks like {kind}")


def _at(document: Any, pattern: str) -> Iterator[tuple[str, Any]]:
    """(path, object) of the objects at *pattern*; `*` is every item of an array."""
    found: list[tuple[str, Any]] = [("", document)]
    for step in pattern.split("/")[1:]:
        if step == "*":
            found = [
                (f"{path}/{i}", item)
                for path, items in found
                if isinstance(items, list)
                for i, item in enumerate(items)
            ]
        else:
            found = [
                (f"{path}/{step}", holder[step])
                for path, holder in found
                if isinstance(holder, dict) and step in holder
            ]
    yield from found


def _required(document: dict[str, Any], required: dict[str, tuple[str, ...]]) -> Iterator[Violation]:
    for pattern, names in required.items():
        for path, holder in _at(document, pattern):
            for name in names:
                if isinstance(holder, dict) and not holder.get(name):
                    yield Violation("target.phenopackets-required", f"{path}/{name}", f"{name} is required")


def _walk(value: Any, parts: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Every JSON object with where it stands."""
    if isinstance(value, dict):
        yield parts, value
        for name, item in value.items():
            yield from _walk(item, (*parts, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, (*parts, index))


def _durations(packet: dict[str, Any]) -> Iterator[Violation]:
    for parts, holder in _walk(packet):
        text = holder.get("iso8601duration")
        if isinstance(text, str) and not _DURATION.fullmatch(text):
            yield Violation(
                "target.phenopackets-duration", pointer((*parts, "iso8601duration")), "it is no ISO 8601 duration"
            )


def _references(packet: dict[str, Any]) -> Iterator[Violation]:
    known = {
        holder.get("id")
        for pattern in ("/subject", "/biosamples/*")
        for _, holder in _at(packet, pattern)
        if isinstance(holder, dict)
    }
    for path, holder in _at(packet, "/interpretations/*/diagnosis/genomicInterpretations/*"):
        if isinstance(holder, dict) and holder.get("subjectOrBiosampleId") not in known:
            message = "it names neither the subject nor a biosample of the packet"
            yield Violation("target.phenopackets-reference", f"{path}/subjectOrBiosampleId", message)


def _codes(packet: dict[str, Any], terminologies: Terminologies) -> Iterator[Violation]:
    """Ontology classes: is the id a CURIE with a resource, does the code exist, is the label its own."""
    resources = {
        holder.get("namespacePrefix"): _edition(holder.get("version"))
        for _, holder in _at(packet, "/metaData/resources/*")
        if isinstance(holder, dict) and isinstance(holder.get("namespacePrefix"), str)
    }
    missing: set[str] = set()
    for parts, holder in _walk(packet):
        if holder.keys() == {"label"} and parts[:1] != ("metaData",):
            yield Violation("target.phenopackets-required", pointer((*parts, "id")), "id is required")
        if parts[:1] == ("metaData",) or not (
            holder.keys() <= {"id", "label"} and isinstance(holder.get("id"), str) and "label" in holder
        ):
            continue
        path = pointer((*parts, "id"))
        prefix, colon, _ = holder["id"].partition(":")
        if not colon:
            yield Violation("target.phenopackets-schema", path, "an ontology class needs a CURIE as its id")
            continue
        if prefix not in resources and prefix not in missing:
            missing.add(prefix)
            name = prefix if prefix.isalnum() and len(prefix) <= 20 else "of this id"
            yield Violation(
                "target.phenopackets-resource", path, f"the prefix {name} has no entry in metaData.resources"
            )
        label = holder["label"] if isinstance(holder["label"], str) else None
        problem = code_problem(holder["id"], label, terminologies, edition=resources.get(prefix, ""))
        if problem is not None:
            yield Violation(problem.rule, path, problem.message)


def _edition(version: Any) -> str:
    """The edition that a resource states; the schema wants a text, and where nobody knows one stands words, as `unknown`."""
    return version if isinstance(version, str) and any(map(str.isdigit, version)) else ""


def _last_encounter(packet: dict[str, Any], record: HubObject) -> Iterator[Violation]:
    """No onset is above the age at the last encounter."""
    ages = [age for _, age in _at(packet, "/subject/timeAtLastEncounter/age/iso8601duration") if isinstance(age, str)]
    last = age_days(ages[0]) if ages else None
    if last is None:
        return
    for collection in ("phenotypic_features", "diagnoses"):
        for index, item in enumerate(record.get(collection, ())):
            age = age_days(item.get("onset_age", ""))
            if age is not None and age.low > last.high:
                path = packet_path(f"/{collection}/{index}/onset_age")
                yield Violation("plausibility.age-order", path, "the onset is above the age at the last encounter")
