"""A FHIR ConceptMap, R4 or R5, as a mapping set. One of ours comes back as it was; of others what SSSOM can say, else it is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson

from harmonize.curation.concept_map_terms import EXTENSION, NO_COMMENT, R4, R5, UNSPECIFIED, Prefixes, column_of
from harmonize.curation.mapping_table import MappingTable, TableRow
from harmonize.errors import SpecificationError
from harmonize.terminology.sssom import MAX_BYTES, NO_TERM

_COLUMNS = (
    "subject_id", "subject_label", "predicate_modifier", "predicate_id", "object_id", "object_label", "mapping_justification",
    "confidence", "mapping_source", "comment",
)  # fmt: skip
_REQUIRED = ("subject_id", "predicate_id", "object_id", "mapping_justification")
_FIX = "give a ConceptMap of FHIR R4 or R5 whose rows are from one code to one code"
_NOT_HELD = ("dependsOn", "product", "property", "valueSet")


def read_concept_map(path: Path) -> MappingTable:
    """Read the JSON file *path*. Raises SpecificationError for what is no ConceptMap, or says what SSSOM cannot."""
    if path.stat().st_size > MAX_BYTES:
        raise SpecificationError(f"larger than {MAX_BYTES} bytes", file=path.name)
    try:
        resource = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        raise SpecificationError("no JSON", file=path.name, fix=_FIX) from None
    try:
        return table_of(resource, path.name)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SpecificationError("no ConceptMap of FHIR R4 or R5", file=path.name, fix=_FIX) from None
    except SpecificationError as error:
        raise SpecificationError(error.what, file=path.name, fix=error.fix or _FIX) from None


def table_of(resource: Mapping[str, Any], name: str) -> MappingTable:
    """The mapping set that *resource* holds."""
    if resource["resourceType"] != "ConceptMap":
        raise SpecificationError(f"a {str(resource['resourceType'])[:40]} and no ConceptMap")
    own = _extensions(resource)
    meta = json.loads(own["metadata"]) if "metadata" in own else _meta(resource)
    prefixes = Prefixes({str(key): str(iri) for key, iri in meta.get("curie_map", {}).items()})
    found = [*_outside(resource), *_inside(resource, prefixes)]
    found.sort(key=lambda item: item[0])  # stable: those without a position keep their order
    rows = [cells for _, cells in found]
    if "columns" in own:
        columns = tuple(unquote(column) for column in own["columns"].split(" "))
    else:
        used = {column for row in rows for column, cell in row.items() if cell}
        columns = tuple(column for column in _COLUMNS if column in used or column in _REQUIRED)
    if "metadata" not in own:
        codes = {row[column].partition(":")[0] for row in rows for column in ("subject_id", "object_id")}
        meta["curie_map"] = prefixes.iris(codes)
    start = len(meta) + 2
    return MappingTable(
        name, meta, columns, tuple(TableRow(n, row, len(columns)) for n, row in enumerate(rows, start)), start - 1
    )


def _meta(resource: Mapping[str, Any]) -> dict[str, Any]:
    url = resource.get("url")
    if not url:
        raise SpecificationError("the ConceptMap has no url, and a mapping set needs an id", fix="give it a url")
    names = {"mapping_set_version": "version", "mapping_set_title": "title", "mapping_set_description": "description"}
    stated = {key: str(resource[element]) for key, element in names.items() if resource.get(element)}
    licence = {"license": str(resource["copyright"])} if resource.get("copyright") else {}
    return {"mapping_set_id": str(url), **stated, **licence}


def _outside(resource: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, str]]]:
    for extension in resource.get("extension", ()):
        if extension["url"] == f"{EXTENSION}row":
            cells = _extensions(extension)
            yield int(cells.pop("position")), cells


def _inside(resource: Mapping[str, Any], prefixes: Prefixes) -> Iterator[tuple[int, dict[str, str]]]:
    for group in resource.get("group", ()):
        if "unmapped" in group:
            raise SpecificationError("group.unmapped is a rule and no mapping; SSSOM cannot say it")
        for element in group["element"]:
            _refuse(element)
            if element.get("noMap"):
                yield int(_extensions(element).get("position", 0)), row_of(group, element, None, prefixes)
            elif not element.get("target"):
                raise SpecificationError("an element has no target and does not say that there is none")
            for target in element.get("target", ()):
                _refuse(target)
                yield int(_extensions(target).get("position", 0)), row_of(group, element, target, prefixes)


def _refuse(part: Mapping[str, Any]) -> None:
    for name in _NOT_HELD:
        if name in part:
            raise SpecificationError(f"{name}: mappings of several codes at once do not fit SSSOM")


def row_of(
    group: Mapping[str, Any], element: Mapping[str, Any], target: Mapping[str, Any] | None, prefixes: Prefixes
) -> dict[str, str]:
    """The cells that one target (None where the element says noMap) stands for."""
    subject = {
        "subject_id": prefixes.curie(group["source"], element["code"]),
        "subject_label": element.get("display", ""),
        "mapping_justification": UNSPECIFIED,
    }
    if target is None:
        return {**subject, "predicate_id": "skos:exactMatch", "object_id": NO_TERM, **_cells(element)}
    release = R4 if R4.relation in target else R5
    relation = target[release.relation]
    if relation not in release.predicates:
        raise SpecificationError(f"{release.relation} {str(relation)[:40]!r} is not known")
    unmatched = relation == "unmatched"
    comment = target.get("comment", "")
    cells = {
        "predicate_id": release.predicates[relation],
        "predicate_modifier": "Not" if relation == release.denied else "",
        "object_id": NO_TERM if unmatched else prefixes.curie(group["target"], target["code"]),
        "object_label": target.get("display", ""),
        "comment": "" if comment == NO_COMMENT else comment,
    }
    return {**subject, **cells, **_cells(target)}


def _cells(part: Mapping[str, Any]) -> dict[str, str]:
    return {column: text for column, text in _extensions(part).items() if column != "position"}


def _extensions(part: Mapping[str, Any]) -> dict[str, str]:
    """Our extensions of *part*: name and value as text."""
    made = {}
    for extension in part.get("extension", ()):
        url = extension["url"]
        if url.startswith(EXTENSION) and url != f"{EXTENSION}row":
            value = next(value for key, value in extension.items() if key.startswith("value"))
            made[column_of(url)] = str(value)
    return made
