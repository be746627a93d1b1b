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
    its values in a document.

    `element` is the name of what stands there, as its specification writes it. `words` is what the words of the element mean (None
    where the crosswalk does not say): a code, "" for a word that says nothing, "?" for one that means no single code; the word *
    stands for all others. `is_exact`: the element and the item are the same, so that its absence is the item's.
    """

    item: Item
    resource: str
    lists: tuple[str, ...]
    find: Callable[[Mapping[str, Any]], Iterator[Located]]
    element: str
    words: Mapping[str, str] | None
    is_exact: bool


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
    compiled = _fhirpath if target == "fhir-r4" else _json_path
    return [
        ItemPath(
            items[row.subject],
            *compiled(path.strip()),
            element=row.object.partition(":")[2],
            words=_words(row.words) if row.words else None,
            is_exact=row.predicate == PREDICATES[0],
        )
        for row in rows
        for path in _alternatives(row.path)
    ]


def _words(text: str) -> Mapping[str, str]:
    """What words mean, by the column ext_words.

    >>> _words("male=BIRTHSEX:M unknown= *=?")
    {'male': 'BIRTHSEX:M', 'unknown': '', '*': '?'}
    """
    return {word: meaning for word, _, meaning in (part.partition("=") for part in text.split())}


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


_Find = Callable[[Mapping[str, Any]], Iterator[Located]]
_Compiled = tuple[str, tuple[str, ...], _Find]
"""Type of resource, lists, and what gives the values."""

# --- phenopackets ---------------------------------------------------------------------------------------------------

_SEGMENT = re.compile(r"(\w+)(\[(?:!(\w+))?\])?")


def _json_path(text: str) -> _Compiled:
    """A path such as `diseases[].term`, in the JSON names of protobuf; [] stands behind a list.

    Of `diseases[!excluded]` the elements whose flag `excluded` is set are left out. `phenotypicFeatures[].excluded=false` is false
    where it is not written, as protobuf leaves out what is the default.
    """
    text, _, default = text.partition("=")
    absent = {"false": False, "true": True}.get(default)
    last = text.count(".")
    steps = [found.groups() for segment in text.split(".") if (found := _SEGMENT.fullmatch(segment))]

    def find(document: Mapping[str, Any]) -> Iterator[Located]:
        level = [Located((), document)]
        for number, (name, is_list, flag) in enumerate(steps):
            following: list[Located] = []
            for places, holder in level:
                value = holder.get(name, absent if number == last else None) if isinstance(holder, dict) else None
                if is_list and isinstance(value, list):
                    following += [
                        Located((*places, index), one)
                        for index, one in enumerate(value)
                        if not (flag and isinstance(one, dict) and one.get(flag) is True)
                    ]
                elif value is not None and not is_list:
                    following.append(Located(places, value))
            level = following
        yield from level

    return "", tuple(name for name, is_list, _ in steps if is_list), find


# --- FHIR -----------------------------------------------------------------------------------------------------------

_DATA_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
DATA_ABSENT_SYSTEM = "http://terminology.hl7.org/CodeSystem/data-absent-reason"


def _fhirpath(text: str) -> _Compiled:
    """A FHIRPath expression that begins with the type of the resource it is evaluated on."""
    resource = text.partition(".")[0]
    find = _walk(text.split(".")[1:]) if _PLAIN_FHIRPATH.fullmatch(text) else _evaluate(text)
    return resource, (), find


def _walk(names: list[str]) -> _Find:
    """A FHIRPath of nothing but names, as FHIRPath reads it: lists are taken apart at every step.

    A primitive that is not there and says why (2.1.3.0.5.1, Missing primitive) gives its reason as a Coding.
    """

    def find(document: Mapping[str, Any]) -> Iterator[Located]:
        level: list[Any] = [document]
        for name in names:
            following: list[Any] = []
            for holder in level:
                value = holder.get(name) if isinstance(holder, dict) else None
                if value is None and isinstance(holder, dict) and f"_{name}" in holder:
                    value = _reason_of_absence(holder[f"_{name}"])
                following += value if isinstance(value, list) else [] if value is None else [value]
            level = following
        yield from (Located((), value) for value in level)

    return find


def _reason_of_absence(beside: Any) -> dict[str, Any] | None:
    extensions = beside.get("extension") if isinstance(beside, dict) else None
    for extension in extensions if isinstance(extensions, list) else ():
        if isinstance(extension, dict) and extension.get("url") == _DATA_ABSENT:
            return {"system": DATA_ABSENT_SYSTEM, "code": extension.get("valueCode")}
    return None


def _evaluate(text: str) -> _Find:
    from fhirpathrs import evaluate

    codes = _codes_asked_for(text)

    def find(document: Mapping[str, Any]) -> Iterator[Located]:
        if codes is not None and codes.isdisjoint(_codes_of(document)):
            return
        found = evaluate(text, document)
        for value in found if isinstance(found, list) else [found]:
            if value is not None:
                yield Located((), value)

    return find


def _codes_asked_for(text: str) -> frozenset[str] | None:
    """The codes of which `code` must hold one, where the expression begins with asking for them; evaluating it costs far more than
    looking. None where it cannot be said.

    >>> sorted(_codes_asked_for("Observation.where(code.coding.exists(system='s' and (code='a' or code='b'))).valueInteger") or ())
    ['a', 'b']
    """
    asks = _ASKS_FOR_CODES.match(text)
    return frozenset(re.findall(r"\bcode='([^']*)'", asks[0])) if asks else None


_CODES = r"(?:code='[^']*'|\(code='[^']*'(?: or code='[^']*')*\))"
_OF_SYSTEM = rf"(?:system='[^']*' and {_CODES}|\(system='[^']*' and {_CODES}\))"
_ASKS_FOR_CODES = re.compile(
    rf"[A-Z]\w+\.where\(code\.coding\.exists\({_OF_SYSTEM}(?: or {_OF_SYSTEM})*\)(?=\)\.| and )"
)


def _codes_of(document: Mapping[str, Any]) -> Iterator[str]:
    concept = document.get("code")
    codings = concept.get("coding") if isinstance(concept, dict) else None
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict) and isinstance(coding.get("code"), str):
            yield coding["code"]
