"""What a page says of an item of a data set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import groupby
from typing import Any

from harmonize.datasets.specification import CONDITIONAL, CORE, Dataset, Item, ValueSet
from harmonize.datasets.value_set_words import parts_of, value_set_as_json
from harmonize.findings import Outcome
from harmonize.hub import hub_schema
from harmonize.shipped import mappings_folder
from harmonize.terminology.notation import load_systems
from harmonize.terminology.strict_yaml import load_strict_yaml
from harmonize.writers import Support
from scripts.site_pages.crosswalks import MODELS, TARGETS, Counterpart, counterparts
from scripts.site_pages.filled_by import fields_of
from scripts.site_pages.markdown import code, counted, facts, link, part, plain, slug, table, words
from scripts.site_pages.places import (
    class_page,
    hub_slot_link,
    item_link,
    item_places,
    range_link,
    value_sets_page,
)
from scripts.site_pages.targets import DECLARATIONS, full_paths, support

FEW = 8
"""Values of a set that are listed where an item has a section only; more of them stand on the page of value sets."""
PATHS_SHOWN = 4
_OUTSIDE = {
    "optional": "the item may be given all the same",
    "absent": "the item must not be given",
    "ignore": "the value is not about this item and is not looked at",
}


@cache
def written(dataset: str) -> Mapping[str, Any]:
    """The file of a data set as it is written."""
    tree, _ = load_strict_yaml(mappings_folder() / "datasets" / f"{dataset}.yaml", name=dataset)
    return dict(tree)


@cache
def _written_items(dataset: str) -> Mapping[str, Mapping[str, Any]]:
    return {item["id"]: item for item in written(dataset)["items"]}


def levels_of(item: Item) -> str:
    """The level, once for all versions or by version.

    >>> from harmonize.datasets.specification import load_dataset
    >>> levels_of(load_dataset("goe").items[0])
    'mandatory'
    """
    if len(set(item.levels.values())) == 1 and len(item.levels) > 1:
        return f"{next(iter(item.levels.values()))} (versions {' and '.join(item.levels)})"
    if len(item.levels) == 1 and len(_dataset_of(item).versions) == 1:
        return next(iter(item.levels.values()))
    versions = _dataset_of(item).versions
    return ", ".join(f"{item.levels.get(version, 'not an item')} in {version}" for version in versions)


def _dataset_of(item: Item) -> Dataset:
    return item_places()[item.id][0]


def item_facts(dataset: Dataset, item: Item, page: str) -> list[str]:
    """The table of facts of an item."""
    raw = _written_items(dataset.name)[item.id]
    petal = "core" if item.petal == CORE else f"{dataset.petals[item.petal].title}: no other record misses it"
    return facts(
        [
            ("Id", code(item.id)),
            ("Level", levels_of(item)),
            ("Cardinality", code(item.cardinality)),
            ("Part", plain(petal) if dataset.petals else ""),
            ("Condition", _condition(item, raw)),
            ("As expression", code(raw["condition"]) if "condition" in raw else ""),
            ("Where it does not hold", _OUTSIDE[item.otherwise] if item.condition is not None else ""),
            ("Must not be given", f"where {code(raw['absent_where'])}" if "absent_where" in raw else ""),
            ("Codes in these", _codes_named(dataset, f"{raw.get('condition')} {raw.get('absent_where')}")),
            ("NullFlavors", _null_flavors(item)),
            ("Form", code(item.pattern) if item.pattern else ""),
            ("Hub path", _hub_paths(dataset, item, page)),
            ("Type", ", ".join(range_link(name, page) for name in sorted(item.ranges))),
            ("Name in the source", code(item.item) if item.item != words(item.item) else ""),
            ("Source", plain(item.source)),
        ]
    )


def _condition(item: Item, raw: Mapping[str, Any]) -> str:
    """The condition in words, and what it decides."""
    if item.condition is None:
        return ""
    if raw["condition"] == "False":
        decides = "It never holds: the source prints a condition that cannot be meant."
    elif CONDITIONAL in item.levels.values():
        decides = "Mandatory where it holds."
    else:
        decides = "The level binds where it holds."
    return f"{plain(raw['condition_text']).rstrip('.')}. {decides}" if "condition_text" in raw else decides


def _codes_named(dataset: Dataset, expressions: str) -> str:
    """The codes that expressions name, with their labels in the value sets of the data set."""
    labels = {value.code: value.label for values in dataset.value_sets.values() for value in values.values}
    named = dict.fromkeys(re.findall(r"'([^' ]+:[^' ]+)'", expressions))
    return "; ".join(f"{code(curie)} {plain(labels[curie])}" for curie in named if curie in labels)


def _null_flavors(item: Item) -> str:
    if "CodedValue" not in item.ranges:
        return ""
    if item.null_flavors == hub_schema().enums["NullFlavor"]:
        return "all"
    return ", ".join(map(code, sorted(item.null_flavors))) or "none"


def _hub_paths(dataset: Dataset, item: Item, page: str) -> str:
    owner = dataset.classes[item.class_name]
    shown = []
    if len(owner.paths) > 1:
        where = link(counted(len(owner.paths), "place"), class_page(dataset, owner.name), page)
        for path in item.slots:
            place = f"{path.end_class}.{path.steps[-1].slot}"
            shown.append(f"{hub_slot_link(place, page, path.text)} in each of the {where} of its class")
    else:
        shown = [hub_slot_link(steps[-1], page, text) for text, steps in full_paths(item, owner)]
    return " or ".join(shown)


def value_set_lines(dataset: Dataset, item: Item, page: str, *, whole: bool) -> list[str]:
    """What the item may hold: all of it, or a few values and a link."""
    if item.value_set is None:
        return []
    values = dataset.value_sets[item.value_set]
    target = f"{value_sets_page(dataset)}#{slug(values.name)}"
    if whole:
        return value_set_body(values)
    listed = ""
    if values.values and len(values.values) <= FEW:
        listed = ": " + ", ".join(
            f"{plain(value.label)} {_code_link(value.code, value.iri)}" for value in values.values
        )
    elif values.values:
        listed = f", {counted(len(values.values), 'code')}"
    return [f"**Values:** {link(plain(values.title), target, page)}{listed}.", ""]


def value_set_body(values: ValueSet) -> list[str]:
    """A value set: note, systems, what is below which codes, the codes with their labels."""
    lines = [f"{plain(values.title)}.", ""]
    if values.note:
        lines += [plain(values.note), ""]
    lines += [f"- {plain(other.words[0].upper() + other.words[1:])}." for other in parts_of(value_set_as_json(values))]
    lines += [f"- {code(system)} is {plain(load_systems()[system].title)}." for system in values.systems]
    lines.append("")
    if values.values:
        rows = [(plain(value.label), _code_link(value.code, value.iri)) for value in values.values]
        lines += table(["value", "code"], rows)
    return lines


def _code_link(curie: str, iri: str) -> str:
    """A code; a link where the source of the data set prints an IRI for it."""
    return f"[{code(curie)}]({iri})" if iri else code(curie)


def where_it_goes(dataset: Dataset, item: Item, page: str, level: int) -> list[str]:
    """What becomes of the item in each target."""
    rows = counterparts().get(item.id, ())
    lines = [part("Where it goes", level), ""]
    for target in TARGETS:
        there = [row for row in rows if row.model == target]
        said = _declared(dataset, item, target, page) if target in DECLARATIONS else ""
        if not said and not there:
            continue
        if said.startswith(Outcome.DROPPED.value) and there:
            said += "; where others may write it:"
        lines += [f"**{MODELS[target]}** {said or 'is not written yet; by the crosswalk:'}", ""]
        lines += [_element(row) for row in there] or ["- The crosswalk knows no element for it."]
        lines.append("")
    return lines


def _element(row: Counterpart) -> str:
    paths = row.path.split(" | ") if " | " in row.path else [row.path]
    shown = " or ".join(code(path.strip()) for path in paths) if row.path else code(row.other.partition(":")[2])
    remark = f"; {plain(row.comment)}" if row.comment else ""
    return f"- {shown}: {row.reading}{remark} ({_basis(row)})"


def _basis(row: Counterpart) -> str:
    return f"{code(row.predicate.removeprefix('skos:'))} {row.confidence}, {plain(row.basis)}"


def _declared(dataset: Dataset, item: Item, target: str, page: str) -> str:
    """What the writer declares of the item's hub paths, in words."""
    ways: dict[Support, dict[str, None]] = {}
    for _, steps in full_paths(item, dataset.classes[item.class_name]):
        ways.setdefault(support(target, steps), {})[steps[-1]] = None
    if len(ways) == 1:
        return _said(next(iter(ways)))
    return "; ".join(
        f"{_said(way)} ({', '.join(hub_slot_link(slot, page) for slot in slots)})" for way, slots in ways.items()
    )


def _said(way: Support) -> str:
    if way.outcome is Outcome.CARRIED:
        return "carried"
    return f"{way.outcome.value}: {plain(way.reason)}"


def elsewhere(item: Item, page: str, level: int) -> list[str]:
    """The item in other data sets and models."""
    rows = [row for row in counterparts().get(item.id, ()) if row.model not in (*TARGETS, "ontologies")]
    lines = [part("In other data sets", level), ""]
    if not rows:
        return [*lines, "No counterpart that we know of.", ""]
    for model, group in groupby(rows, key=lambda row: row.model):
        lines += [f"**{MODELS[model]}**", ""]
        lines += [f"- {_name(row, page)}: {row.reading}{_remark(row)} ({_basis(row)})" for row in group]
        lines.append("")
    return lines


def _remark(row: Counterpart) -> str:
    return f"; {plain(row.comment)}" if row.comment else ""


def _name(row: Counterpart, page: str) -> str:
    if row.other in item_places():
        return item_link(row.other, page)
    local = row.other.partition(":")[2]
    return code(local) if row.label in ("", local) else f"{code(local)} {plain(row.label)}"


def terms(item: Item, level: int) -> list[str]:
    """The terms of ontologies that the source gives for the item."""
    rows = [row for row in counterparts().get(item.id, ()) if row.model == "ontologies"]
    if not rows:
        return []
    lines = [part("Terms for it", level), ""]
    return [*lines, *(f"- {code(row.other)}: {row.reading}{_remark(row)} ({_basis(row)})" for row in rows), ""]


def filled_by(dataset: Dataset, item: Item, level: int) -> list[str]:
    """The profiles that fill the item."""
    lines = [part("Which profiles fill it", level), ""]
    found = fields_of(item, dataset.classes[item.class_name])
    if not found:
        return [*lines, "None of the profiles that ship.", ""]
    lines += [f"- {code(profile)} from {_fields(fields)}" for profile, fields in found.items()]
    return [*lines, ""]


def _fields(fields: Iterable[str]) -> str:
    shown = list(fields)
    text = ", ".join(map(code, shown[:PATHS_SHOWN]))
    return text + (f" and {len(shown) - PATHS_SHOWN} more" if len(shown) > PATHS_SHOWN else "")


def note_lines(item: Item) -> list[str]:
    """The note of an item, set apart."""
    return ["!!! note", f"    {plain(item.note)}", ""] if item.note else []
