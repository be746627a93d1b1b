"""The extended maps of a SNOMED CT release, as code maps: every row with its group, priority, rule and advice.

Source: SNOMED CT Release File Specifications, map reference sets, and the technical guide of the map to ICD-10 (SNOMED International):
der2_iisssccRefset_ExtendedMap. A concept may need several targets together (groups), and within a group the first row whose rule holds
(priority). Only where the release says how the two meanings stand to each other (correlation) is that taken from it; else the predicate is
skos:relatedMatch, for a place in a classification is no statement on meaning. Which reference set leads to which code system is said in
mappings/systems (`rf2_maps`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import yaml

from harmonize.terminology.formats.source import Source, Stated
from harmonize.terminology.notation import Code, load_systems
from harmonize.terminology.predicates import BROAD, EXACT, NARROW, RELATED
from harmonize.terminology.sssom import NO_TERM

COLUMNS = 13
_CORRELATIONS = {
    "447557004": EXACT,  # exact match map from SNOMED CT source code to target code
    "447558009": BROAD,  # narrow to broad
    "447559001": NARROW,  # broad to narrow
    "447560006": RELATED,  # partial overlap
    "447561005": RELATED,  # not specified
}
_JUSTIFICATION = "semapv:ManualMappingCuration"
_EXTENSIONS = ("ext_map_group", "ext_map_priority", "ext_map_rule", "ext_map_correlation", "ext_map_category")
_HEADER = (
    "subject_id", "subject_label", "predicate_id", "object_id", "mapping_justification", "comment", *_EXTENSIONS,
)  # fmt: skip


def read_maps(rows: Iterator[tuple[Source, list[str]]], labels: Mapping[str, str], stated: Stated) -> list[str]:
    """A mapping set as SSSOM TSV for every reference set whose targets are of a system of ours. *labels*: of the active concepts."""
    systems = {refset: system.id for system in load_systems().values() for refset in system.rf2_maps}
    found: dict[str, list[list[str]]] = {}
    foreign = 0
    for source, row in rows:
        if row[2] != "1":
            continue
        if row[4] not in systems:
            foreign += 1
            continue
        if row[11] not in _CORRELATIONS or not row[6].isdigit() or not row[7].isdigit():
            raise source.error("mapGroup or mapPriority is no number, or correlationId none of the extended map")
        found.setdefault(row[4], []).append(row)
    if foreign:
        stated.said.append(
            f"{foreign} rows of maps to systems that mappings/systems does not name (rf2_maps) are left out"
        )
    return [_text(refset, systems[refset], found[refset], labels, stated) for refset in sorted(found)]


def _text(refset: str, system: str, rows: Sequence[list[str]], labels: Mapping[str, str], stated: Stated) -> str:
    ordered = sorted(rows, key=lambda row: (row[5], int(row[6]), int(row[7]), row[0]))
    mapped = {row[5] for row in ordered if row[10]}
    lines = ["\t".join(_HEADER)]
    written: set[str] = set()
    empty = inactive = 0
    for row in ordered:
        concept, target = row[5], row[10]
        if concept not in labels:
            inactive += 1
        elif target or concept not in mapped | written:
            lines.append("\t".join(_cells(system, row, labels[concept])))
            written |= set() if target else {concept}
        else:
            empty += 1
    if inactive:
        stated.said.append(
            f"{inactive} rows of the map to {system} are of concepts that are not active, and are left out"
        )
    if empty:
        stated.said.append(
            f"{empty} rows of the map to {system} have no target beside rows that have one, and are left out"
        )
    return "".join(f"#{line}\n" for line in _metadata(refset, system, stated).splitlines()) + "\n".join(lines) + "\n"


def _cells(system: str, row: Sequence[str], label: str) -> list[str]:
    group, priority, rule, advice, target, correlation, category = row[6:13]
    code = load_systems().parse(target, system) if target else None
    object_id = NO_TERM if code is None else str(code) if isinstance(code, Code) else f"{system}:{target}"
    signs = "" if not isinstance(code, Code) or not code.modifiers else target[-1]
    predicate = EXACT if code is None else _CORRELATIONS[correlation]
    cells = [
        f"SNOMEDCT:{row[5]}",
        label,
        predicate,
        f"{object_id}{signs}",
        _JUSTIFICATION,
        advice,
        group,
        priority,
        rule,
        correlation,
        category,
    ]
    return [cell.replace('"', "'") for cell in cells]


def _metadata(refset: str, system: str, stated: Stated) -> str:
    prefixes = {"SNOMEDCT": "http://snomed.info/id/", system: load_systems()[system].phenopackets.iri_prefix}
    meta = {
        "mapping_set_id": f"http://snomed.info/id/{refset}#snomedct-{system.lower()}",
        "mapping_set_version": stated.version,
        "mapping_set_title": f"Extended map of SNOMED CT to {load_systems()[system].title}",
        "license": "https://www.snomed.org/get-snomed",
        "subject_source_version": stated.version,
        "curie_map": {**prefixes, "semapv": "https://w3id.org/semapv/vocab/", "skos": "http://www.w3.org/2004/02/skos/core#"},
        "extension_definitions": [
            {"slot_name": name, "property": f"https://w3id.org/harmonize/{name}", "type_hint": "xsd:string"} for name in _EXTENSIONS
        ],
    }  # fmt: skip
    return yaml.safe_dump(meta, sort_keys=False, width=10**9)
