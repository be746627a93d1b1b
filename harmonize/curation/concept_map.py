"""A mapping set as FHIR ConceptMap, R4 or R5. What an element of FHIR does not say travels in extensions, so that nothing is lost.

Every row is read back while it is written: a cell that would come back otherwise is put into an extension of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from harmonize.curation.concept_map_reading import row_of
from harmonize.curation.concept_map_terms import EXTENSION, NO_COMMENT, Prefixes, Release, extension_url
from harmonize.curation.mapping_table import MappingTable, TableRow
from harmonize.errors import SpecificationError
from harmonize.terminology.sssom import NO_TERM

_CODE = re.compile(r"[^\s]+(\s[^\s]+)*")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_PLAIN = {"title": "mapping_set_title", "description": "mapping_set_description", "copyright": "license"}


def concept_map(table: MappingTable, release: Release) -> dict[str, Any]:
    """*table*, which `read_mapping_set` accepts, as a ConceptMap. Raises SpecificationError for what no ConceptMap can say."""
    prefixes = Prefixes(table.iris)
    groups = _Groups(table.rows, prefixes)
    outside = []
    for position, row in enumerate(table.rows, start=1):
        _check(row, table)
        if row["subject_id"] == NO_TERM:
            cells = [_extension(column, row[column]) for column in table.columns if row[column]]
            outside.append({"url": f"{EXTENSION}row", "extension": [*cells, _position(position)]})
        else:
            groups.add(row, table, release, position)
    resource: dict[str, Any] = {"resourceType": "ConceptMap"}
    resource["extension"] = [
        {"url": f"{EXTENSION}metadata", "valueString": json.dumps(table.meta, ensure_ascii=True)},
        {"url": f"{EXTENSION}columns", "valueString": " ".join(quote(column) for column in table.columns)},
        *outside,
    ]
    if re.fullmatch(r"[a-z][a-z0-9+.-]*:\S+", str(table.meta["mapping_set_id"])):
        resource["url"] = table.meta["mapping_set_id"]
    if table.meta.get("mapping_set_version"):
        resource["version"] = table.meta["mapping_set_version"]
    resource["status"] = "unknown"  # SSSOM has no such statement
    for element, key in _PLAIN.items():
        if isinstance(table.meta.get(key), str) and table.meta[key].strip():
            resource[element] = table.meta[key]
    if groups.made:
        resource["group"] = groups.made
    return resource


def _check(row: TableRow, table: MappingTable) -> None:
    if any(_FORBIDDEN.search(cell) for cell in row.cells.values()):
        raise SpecificationError("a control character, which FHIR does not allow", file=table.name, line=row.line)


class _Groups:
    """The groups of a ConceptMap: one for each pair of systems, in the order of the rows."""

    def __init__(self, rows: Iterable[TableRow], prefixes: Prefixes) -> None:
        self.made: list[dict[str, Any]] = []
        self._prefixes = prefixes
        self._groups: dict[tuple[str, str], dict[str, Any]] = {}
        self._elements: dict[tuple[str, str, str, str], dict[str, Any]] = {}
        self._targets: dict[str, set[str]] = {}
        for row in rows:
            if NO_TERM not in (row["subject_id"], row["object_id"]):
                source, target = (prefixes.code(row[column])[0] for column in ("subject_id", "object_id"))
                self._targets.setdefault(source, set()).add(target)

    def add(self, row: TableRow, table: MappingTable, release: Release, position: int) -> None:
        """Put *row* into its group."""
        source, code = self._code(row, "subject_id", table)
        none = row["object_id"] == NO_TERM
        target, target_code = ("", "") if none else self._code(row, "object_id", table)
        if none and len(self._targets.get(source, ())) == 1:
            (target,) = self._targets[source]
        made = _target(row, target_code, table, release)
        element: dict[str, Any] = {"code": code} | ({"display": row["subject_label"]} if row["subject_label"] else {})
        group = self._group(source, target)
        if none and release.relation == "relationship":  # R5: an element of its own
            element["noMap"] = True
            carrier = element
            group["element"].append(element)
        else:
            key = (source, target, code, row["subject_label"])
            if key not in self._elements:
                self._elements[key] = {**element, "target": []}
                group["element"].append(self._elements[key])
            self._elements[key]["target"].append(made)
            carrier = made
        back = row_of(group, element, None if carrier is element else made, self._prefixes)
        differs = [column for column in table.columns if back.get(column, "") != row[column]]
        carrier["extension"] = [*(_extension(column, row[column]) for column in differs), _position(position)]

    def _code(self, row: TableRow, column: str, table: MappingTable) -> tuple[str, str]:
        uri, code = self._prefixes.code(row[column])
        if not _CODE.fullmatch(code):
            raise SpecificationError(f"{column} is no code of FHIR", file=table.name, line=row.line)
        return uri, code

    def _group(self, source: str, target: str) -> dict[str, Any]:
        if (source, target) not in self._groups:
            group: dict[str, Any] = {"source": source, **({"target": target} if target else {}), "element": []}
            self._groups[source, target] = group
            self.made.append(group)
        return self._groups[source, target]


def _target(row: TableRow, code: str, table: MappingTable, release: Release) -> dict[str, Any]:
    predicate = row["predicate_id"]
    if predicate not in release.of_predicate:
        known = ", ".join(release.of_predicate)
        raise SpecificationError(
            f"the predicate {predicate} has no place in a ConceptMap",
            file=table.name,
            line=row.line,
            fix=f"use one of {known}",
        )
    relation = release.denied if row["predicate_modifier"] == "Not" else release.of_predicate[predicate]
    made: dict[str, Any] = {"code": code} if code else {}
    if code and row["object_label"]:
        made["display"] = row["object_label"]
    made[release.relation] = relation if code else "unmatched"
    if row["comment"]:
        made["comment"] = row["comment"]
    elif relation in release.commented:
        made["comment"] = NO_COMMENT
    return made


def _extension(column: str, cell: str) -> dict[str, Any]:
    url = extension_url(column)
    if column == "confidence" and re.fullmatch(r"0\.[0-9]{1,9}|1\.0", cell) and repr(float(cell)) == cell:
        return {"url": url, "valueDecimal": float(cell)}
    return {"url": url, "valueString": cell}


def _position(position: int) -> dict[str, Any]:
    return {"url": f"{EXTENSION}position", "valueInteger": position}
