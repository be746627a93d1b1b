"""The Harmonised Minimal Data model as data: complete, as printed where it is printed, and its known traps decided."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harmonize.datasets.conditions import Either, Not, parse_condition
from harmonize.datasets.hub_paths import hub_path
from harmonize.datasets.specification import Item, load_dataset, read_dataset
from harmonize.errors import SpecificationError
from harmonize.hub import hub_schema
from harmonize.terminology.notation import Code, load_systems

HMD = load_dataset("hmd")
ITEMS = {(item.class_name, item.item): item for item in HMD.items}
NAMESPACE = "https://w3id.org/harmonize/source/hmd-1.1/"

CARDINALITIES = {
    ("Sequence", "WIP ; Wet lab protocol"): "0..1",  # none is printed
    ("Variant", "Variant_representation"): "1..n",  # 1..1 is printed; the hub holds several descriptions of one variant
}
"""Cardinalities that are on purpose not those that HMD prints."""

PETALS = {"Core": "core", "Core / Cancer": "core", "Cancer": "cancer", "Infectious Diseases": "infectious-diseases"}


def codes() -> list[tuple[str, str]]:
    """Each code of a value set with the IRI that the source prints, and each root."""
    sets = HMD.value_sets.values()
    return [(v.code, v.iri) for s in sets for v in s.values] + [(root, "") for s in sets for root in s.descendants_of]


@pytest.fixture
def printed_rows(shared: Callable[[str], Path]) -> list[dict[str, str]]:
    """What HMD prints; the licence does not let it into the project."""
    with shared("minimal-datasets/hmd/HMD_merged_fields.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_it_is_complete() -> None:
    assert len(HMD.items) == 121 and len(HMD.classes) == 12
    levels = {"mandatory": 18, "recommended": 24, "optional": 52, "conditional": 26}
    assert Counter(item.levels["1.0"] for item in HMD.items_of("1.0")) == levels
    assert Counter(item.levels["1.1"] for item in HMD.items_of("1.1")) == levels | {"optional": 53}
    assert {name for name, owner in HMD.classes.items() if owner.required} == {"Subject", "Sample", "Sequence"}


def test_ids_are_made_of_class_and_item() -> None:
    for item in HMD.items:
        local = re.sub("[^A-Za-z0-9]+", "_", item.item).strip("_")
        assert item.id == f"hmd:{item.class_name}.{local}"


def test_it_says_what_is_printed(printed_rows: list[dict[str, str]]) -> None:
    assert [(row["class"], row["item"]) for row in printed_rows if (row["class"], row["item"]) not in ITEMS] == []
    assert len(printed_rows) == len(ITEMS)
    for row in printed_rows:
        item = ITEMS[row["class"], row["item"]]
        assert item.levels.get("1.0", "") == row["requirement_v1"], item.id
        printed = row["cardinality_v1.1"].removesuffix(" (conditional)")
        assert item.cardinality == CARDINALITIES.get((row["class"], row["item"]), printed), item.id
        petal = row["petal"] if row["petal"] in PETALS else "Cancer"
        assert item.petal == PETALS[petal], item.id


def test_every_printed_code_is_held(printed_rows: list[dict[str, str]]) -> None:
    """IRIs of concepts that are printed as values stand in the value set of their item."""
    concept = re.compile(r"<https?://\S*?(?:SNOMEDCT/|MESH/|/ncit/|FG_|obo/SO_|obo/OBI_|ADDICTO_|EFO_)([A-Z]?[0-9]+)>")
    seen = 0
    for row in printed_rows:
        item = ITEMS[row["class"], row["item"]]
        for local in concept.findall(row["value_v1.1"]):
            values = HMD.value_sets[item.value_set or ""]
            held = {v.code for v in values.values} | set(values.descendants_of)
            assert local in {code.partition(":")[2] for code in held}, (item.id, local)
            seen += 1
    assert seen == 109


def test_nothing_is_copied(printed_rows: list[dict[str, str]]) -> None:
    definitions = {(row["class"], row["item"]): row["definition_v1.1"] for row in printed_rows}
    for key, item in ITEMS.items():
        assert item.definition.rstrip(".").lower() != definitions[key].rstrip(".").lower(), item.id


def test_slots_of_the_hub_cite_items_and_classes_that_exist() -> None:
    known = {item.id for item in HMD.items} | {f"hmd:{name}" for name in HMD.classes}
    for class_name, slots in hub_schema().classes.items():
        for name, slot in slots.items():
            source = slot.source.replace(NAMESPACE, "hmd:")
            assert not source.startswith("hmd:") or source in known, (class_name, name, source)


def test_slots_of_items_cite_their_item() -> None:
    """Where a slot of the hub says that it is from an item, the item of that id has this slot."""
    by_id = {item.id: item for item in HMD.items}
    elsewhere = {
        "certainty",  # says which of two items the disease is
        "other_classifications",  # the item's list has the classes of ACMG alone
        "sequence_id",  # ties a variant to its sequencing
    }
    for slots in hub_schema().classes.values():
        for name, slot in slots.items():
            item = by_id.get(slot.source)
            if item is not None and name not in elsewhere:
                assert any(name in path.slots for path in item.slots), (name, item.id)


def _verhoeff(digits: str) -> bool:
    """Whether the check digit of a SNOMED CT identifier is right (dihedral group of order ten)."""
    permutations = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
    while len(permutations) < 8:
        permutations.append([permutations[-1][permutations[1][i]] for i in range(10)])
    check = 0
    for place, digit in enumerate(reversed(digits)):
        other = permutations[place % 8][int(digit)]
        turn, flip = (1, other >= 5) if check < 5 else (-1, other < 5)
        check = (check + turn * other) % 5 + 5 * flip
    return check == 0


def test_check_digits() -> None:
    assert _verhoeff("64572001") and not _verhoeff("64572002") and not _verhoeff("64527001")
    written = Path(__file__).parents[3].joinpath("mappings/datasets/hmd.yaml").read_text("utf-8")
    snomed = set(re.findall(r"SNOMEDCT:([0-9]+)", written))
    assert len(snomed) >= 60
    assert {code for code in snomed if not _verhoeff(code)} == set()


def test_codes_are_written_as_their_systems_write_them() -> None:
    for code, iri in codes():
        system, _, local = code.partition(":")
        assert load_systems().parse_local(local, system) == Code(system, local), code
        if iri:
            assert re.split("[/_#]", iri)[-1] == local.removeprefix("Storage_"), (code, iri)


def test_codes_of_a_value_set_are_said_once() -> None:
    for values in HMD.value_sets.values():
        assert len({v.code for v in values.values}) == len(values.values), values.name
        assert len({v.label for v in values.values}) == len(values.values), values.name


def test_conditions_name_codes_that_their_item_may_hold() -> None:
    """A typing error in a condition would make it never hold."""
    may = {code for code, _ in codes()}
    written = Path(__file__).parents[3].joinpath("mappings/datasets/hmd.yaml").read_text("utf-8")
    for line in re.findall(r"(?:condition|absent_where|applies): (.*)", written):
        for code in re.findall(r"'([A-Z]+:[A-Za-z0-9_-]+)'", line):
            assert code in may or code.startswith("EDAM:format_"), code


def test_null_flavors_are_for_lists() -> None:
    """Legal where a list is mandatory or conditional; a URI, a date, a number or a text has none."""
    for item in HMD.items:
        demanded = item.levels["1.1"] in ("mandatory", "conditional")
        coded = any(path.range == "CodedValue" for path in item.slots)
        if item.null_flavors:
            assert coded, item.id
        if demanded and coded and item.id != "hmd:TargetGene.URI":
            assert item.null_flavors == hub_schema().enums["NullFlavor"], item.id
    assert ITEMS["Treatment", "Setting"].null_flavors == {"NA"}


def _item(class_name: str, name: str) -> Item:
    return ITEMS[class_name, name]


def test_the_traps() -> None:
    assert _item("TNM", "Date of evaluation").levels == {"1.1": "optional"}
    slipped = ("Sequence", "Variant_calling"), ("Variant", "Variant_calling_software_deviation")
    for key in slipped:
        assert ITEMS[key].condition == Either(()), "the row that slipped demands nothing"
        assert ITEMS[key].levels["1.0"] == "conditional" and ITEMS[key].note
    assert _item("DigitalResource", "Version").slots[0].range == "string", "2.10 is not 2.1"
    assert "primary_tumor" not in {slot for item in HMD.items for path in item.slots for slot in path.slots}, "no T"
    assert {"SNOMEDCT:1222588006", "SNOMEDCT:1222590007"} <= set(HMD.value_sets["lymph_nodes"].descendants_of)
    assert HMD.value_sets["file_format"].descendants_of == ("EDAM:format_1915",)
    assert _item("Sequence", "Variant").slots[0].from_record
    one, other = _item("Diagnosis", "Diagnosis"), _item("Diagnosis", "Provisional diagnosis / clinical diagnosis")
    assert (
        one.slots == other.slots and one.otherwise == other.otherwise == "ignore" and one.condition != other.condition
    )
    assert all(item.forbidden for item in HMD.items if item.item in ("Pack years", "Smoking amount", "Fractions"))


def test_every_conditional_item_says_when_in_words() -> None:
    for item in HMD.items:
        if item.condition is not None:
            assert item.condition_text and "(" not in item.condition_text, item.id


def test_a_condition_that_never_holds_and_a_path_from_the_record() -> None:
    assert parse_condition("False", "Sample") == Either(())
    with pytest.raises(SpecificationError):
        parse_condition("True", "Sample")
    path = hub_path("record/variants", "Sequence")
    assert (path.start, path.range, path.slots) == ("Subject", "Variant", ("variants",))


@pytest.mark.parametrize(
    ("lines", "good"),
    [
        ("absent_where: 'filled(type)'", True),
        ("otherwise: absent", True),
        ("{otherwise: absent, absent_where: 'filled(type)'}", False),
        ("absent_where: 'filled(colour)'", False),
    ],
)
def test_where_an_item_must_not_be_given(lines: str, good: bool, tmp_path: Path) -> None:
    keys = lines.strip("{}").replace(", ", "\n    ")
    file = tmp_path / "x.yaml"
    file.write_text(
        f"""
name: x
title: x
version: "1"
id_prefix: x
source: x
licence: x
classes:
  Sample: {{path: samples}}
items:
  - id: x:1
    class: Sample
    item: origin
    slot: origin
    level: conditional
    condition: filled(organism)
    cardinality: 0..1
    source: x
    {keys}
""",
        "utf-8",
    )
    if not good:
        with pytest.raises(SpecificationError):
            read_dataset(file)
        return
    (item,) = read_dataset(file).items
    assert item.forbidden is not None and isinstance(item.forbidden, Not) == ("otherwise" in lines)
