"""The shipped data sets: how many items, of which level, the same as in the tables they are facts of; and who cites them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harmonize.datasets.specification import Dataset, dataset_names, load_dataset
from harmonize.hub import hub_schema
from harmonize.terminology.notation import Code, load_systems

Shared = Callable[[str], Path]

COUNTS = {
    "mdc": {"mandatory": 37, "recommended": 40, "optional": 63},
    "erdri-cds": {"mandatory": 5, "recommended": 8, "conditional": 3},
    "rd-cdm": {"optional": 78},
    "goe": {"mandatory": 4, "recommended": 1},
    "ga4gh-wgs-qc": {"optional": 16},
}
COPIED = 40
"""Characters of a definition that may not stand in ours: the tables are not ours to copy."""


def levels(dataset: Dataset) -> list[str]:
    return [item.levels[dataset.version] for item in dataset.items]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def table(shared: Shared, name: str) -> list[dict[str, str]]:
    return rows(shared(f"minimal-datasets/{name}"))


def words(text: str) -> str:
    return " ".join(text.lower().split())


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name: str) -> None:
    assert Counter(levels(load_dataset(name))) == COUNTS[name]


@pytest.mark.parametrize("name", COUNTS)
def test_ids_are_of_the_data_set(name: str) -> None:
    dataset = load_dataset(name)
    assert dataset.name == name
    assert {item.id.partition(":")[0] for item in dataset.items} == {dataset.id_prefix}


@pytest.mark.parametrize("name", COUNTS)
def test_nothing_is_stated_for_nobody(name: str) -> None:
    """Every value set and every class is used, every item is explained, every code is written as its system writes codes."""
    dataset = load_dataset(name)
    assert set(dataset.value_sets) == {item.value_set for item in dataset.items} - {None}
    assert set(dataset.classes) == {item.class_name for item in dataset.items}
    assert all(item.definition and item.source for item in dataset.items)
    codes = [value.code for values in dataset.value_sets.values() for value in values.values]
    assert [code for code in codes if not isinstance(load_systems().parse(code, code.partition(":")[0]), Code)] == []
    assert all(len(set(v.values)) == len(v.values) for v in dataset.value_sets.values())


def test_mdc_is_the_table(shared: Shared) -> None:
    dataset = load_dataset("mdc")
    ours = [(i.id, i.class_name, i.item, level) for i, level in zip(dataset.items, levels(dataset), strict=True)]
    theirs = [
        (
            f"mdc:{row['Item number']}",
            row["Subdomain category"] or row["Subdomain"] or row["Domain"],
            row["Item"],
            row["Item conformance"].lower(),
        )
        for row in table(shared, "1plusmg-mdc/1plusMG-MDC_140_items.csv")
    ]
    assert ours == theirs


def test_erdri_is_the_table(shared: Shared) -> None:
    ours = [(i.id, i.class_name, i.item) for i in load_dataset("erdri-cds").items]
    assert ours == [(f"erdri:{r['no']}", r["group"], r["element"]) for r in table(shared, "jrc-cde/JRC_CDE_16.csv")]


def test_rd_cdm_is_the_table(shared: Shared) -> None:
    ours = [(i.id, i.class_name, i.item) for i in load_dataset("rd-cdm").items]
    theirs = table(shared, "rd-cdm/data_elements.csv")
    assert ours == [(f"rdcdm:{row['ordinal']}", row["section"], row["elementName"]) for row in theirs]


def test_wgs_metrics_are_those_of_the_standard(shared: Shared) -> None:
    pages = shared("minimal-datasets/ga4gh-wgs-qc").glob("*.md")
    lines = [line for page in pages for line in page.read_text("utf-8").splitlines()]
    theirs = {line.rpartition(" ")[2] for line in lines if line.startswith("- **ID:**")}
    assert {item.id.removeprefix("wgsqc:") for item in load_dataset("ga4gh-wgs-qc").items} == theirs


@pytest.mark.parametrize(
    ("name", "path", "column"),
    [
        ("mdc", "1plusmg-mdc/1plusMG-MDC_140_items.csv", "Item definition"),
        ("rd-cdm", "rd-cdm/data_elements.csv", "description"),
    ],
)
def test_definitions_are_our_own(shared: Shared, name: str, path: str, column: str) -> None:
    """No long piece of a definition of the table stands in the definition or the note of the item."""
    for item, row in zip(load_dataset(name).items, table(shared, path), strict=True):
        theirs, ours = words(row[column]), words(f"{item.definition} | {item.note}")
        pieces = (theirs[start : start + COPIED] for start in range(len(theirs) - COPIED + 1))
        assert not any(piece in ours for piece in pieces), item.id


def test_what_hub_slots_cite_exists() -> None:
    """A slot whose source is an item or a class of a data set names one that the data set has."""
    known: dict[str, set[str]] = {}
    for name in dataset_names():
        dataset = load_dataset(name)
        known[dataset.id_prefix] = {item.id for item in dataset.items} | {
            f"{dataset.id_prefix}:{owner}" for owner in dataset.classes
        }
    wrong = [
        f"{owner}.{name}: {slot.source}"
        for owner, slots in hub_schema().classes.items()
        for name, slot in slots.items()
        if slot.source.partition(":")[0] in {load_dataset(name).id_prefix for name in COUNTS}
        and slot.source not in known[slot.source.partition(":")[0]]
    ]
    assert wrong == []
