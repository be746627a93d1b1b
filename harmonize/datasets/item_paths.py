"""Where the items of a data set stand in documents of other formats: the crosswalks `mappings/items/<data set>-<format>.sssom.tsv`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from harmonize.datasets.specification import Dataset, Item
from harmonize.errors import NotAvailableError
from harmonize.shipped import mappings_folder
from harmonize.terminology.sssom import read_mapping_set

TARGETS = ("fhir-r4", "phenopackets")
PREDICATES = ("skos:exactMatch", "skos:closeMatch", "skos:narrowMatch")
"""What counts as the item. A broader element may hold something else, a related one is a hint only."""

_PLAIN_FHIRPATH = re.compile(r"[A-Z][A-Za-z]*(\.[a-z][A-Za-z]*)+")


class Located(NamedTuple):
    """A value in a document, and its places in the lists that its path goes through."""

    places: tuple[int, ...]
    value: Any


class ItemPath(NamedTuple):
    """A path to an item: the type of resource that it is for (FHIR), the lists that it goes through (Phenopackets), and what gives
    its values in a document."""

    item: Item
    resource: str
    lists: tuple[str, ...]
    find: Callable[[Mapping[str, Any]], Iterator[Located]]


def item_paths(dataset: Dataset, target: str) -> list[ItemPath]:
    """All paths to items of *dataset* in documents of *target*. Raises NotAvailableError where there is no crosswalk."""
    file = mappings_folder() / "items" / f"{dataset.name}-{target}.sssom.tsv"
    if not file.is_file():
        raise NotAvailableError(
            f"grading {target} by {dataset.name}", f"There is no crosswalk {file.name}; hub records can be graded"
        )
    items = {item.id: item for item in dataset.items}
    rows = [
        row
        for row in read_mapping_set(file).rows
        if row.predicate in PREDICATES and not row.denied and row.path and row.subject in items
    ]
    make = _fhirpath if target == "fhir-r4" else _json_path
    return [make(items[row.subject], path.strip()) for row in rows for path in _alternatives(row.path)]


def _alternatives(text: str) -> list[str]:
    """The parts of a union that stand outside of parentheses.

    >>> _alternatives("A.b | A.where(c | d).e")
    ['A.b ', ' A.where(c | d).e']
    """
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


# --- phenopackets ---------------------------------------------------------------------------------------------------


def _json_path(item: Item, text: str) -> ItemPath:
    """A path such as `diseases[].term`, in the JSON names of protobuf; [] stands behind a list."""
    steps = [(name.removesuffix("[]"), name.endswith("[]")) for name in text.split(".")]

    def find(document: Mapping[str, Any]) -> Iterator[Located]:
        level = [Located((), document)]
        for name, is_list in steps:
            following: list[Located] = []
            for places, holder in level:
                value = holder.get(name) if isinstance(holder, dict) else None
                if is_list and isinstance(value, list):
                    following += [Located((*places, index), one) for index, one in enumerate(value)]
                elif value is not None and not is_list:
                    following.append(Located(places, value))
            level = following
        yield from level

    return ItemPath(item, "", tuple(name for name, is_list in steps if is_list), find)


# --- FHIR -----------------------------------------------------------------------------------------------------------


def _fhirpath(item: Item, text: str) -> ItemPath:
    """A FHIRPath expression that begins with the type of the resource it is evaluated on."""
    resource = text.partition(".")[0]
    find = _walk(text.split(".")[1:]) if _PLAIN_FHIRPATH.fullmatch(text) else _evaluate(text)
    return ItemPath(item, resource, (), find)


def _walk(names: list[str]) -> Callable[[Mapping[str, Any]], Iterator[Located]]:
    """A FHIRPath of nothing but names, as FHIRPath reads it: lists are taken apart at every step."""

    def find(document: Mapping[str, Any]) -> Iterator[Located]:
        level: list[Any] = [document]
        for name in names:
            following: list[Any] = []
            for holder in level:
                value = holder.get(name) if isinstance(holder, dict) else None
                following += value if isinstance(value, list) else [] if value is None else [value]
            level = following
        yield from (Located((), value) for value in level)

    return find


def _evaluate(text: str) -> Callable[[Mapping[str, Any]], Iterator[Located]]:
    from fhirpathrs import evaluate

    def find(document: Mapping[str, Any]) -> Iterator[Located]:
        found = evaluate(text, document)
        for value in found if isinstance(found, list) else [found]:
            if value is not None:
                yield Located((), value)

    return find
