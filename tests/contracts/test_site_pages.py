"""The pages that the site makes of data: whole, linked, the same every time, and nothing of a person in them."""

from __future__ import annotations

import posixpath
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from harmonize.datasets.specification import load_dataset
from harmonize.hub import hub_schema
from harmonize.profiles.loading import load_profile
from scripts.site_pages.__main__ import FOLDERS, pages
from scripts.site_pages.crosswalks import counterparts
from scripts.site_pages.filled_by import fields_of
from scripts.site_pages.places import REFERENCE, anchor, class_page, datasets, hub_page, item_place
from scripts.site_pages.targets import full_paths, support
from tests.shared_data import SHARED

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LINK = re.compile(r"(?<!\\)\]\((?!https?://)([^)\s]+)\)")
ANCHOR = re.compile(r"^#{1,6} .*\{#([a-z0-9-]+)\}$", re.MULTILINE)
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


@cache
def made() -> dict[str, str]:
    return pages()


def anchors(text: str) -> list[str]:
    return ANCHOR.findall(text)


def links(text: str) -> Iterator[str]:
    yield from LINK.findall(CODE.sub("code", text))


def broken_links(site: dict[str, str]) -> list[str]:
    broken = []
    for page, text in site.items():
        for target in links(text):
            file, _, wanted = target.partition("#")
            path = posixpath.normpath(posixpath.join(posixpath.dirname(page), file)) if file else page
            if path in site:
                if wanted and wanted not in anchors(site[path]):
                    broken.append(f"{page}: {target}")
            elif not (DOCS / path).is_file() or path.split("/")[0] in FOLDERS:
                broken.append(f"{page}: {target}")
    return broken


def test_every_link_leads_somewhere() -> None:
    assert broken_links(made()) == []
    total = sum(1 for text in made().values() for _ in links(text))
    assert total > 5_000


def test_a_broken_link_is_found() -> None:
    site = {
        "hub/a.md": "## A {#a}\n[x](b.md#b) [y](#a) [z](a.md#c) [w](../no.md) `[v](not-a-link.md)`",
        "hub/b.md": "## B {#b}",
    }
    assert broken_links(site) == ["hub/a.md: a.md#c", "hub/a.md: ../no.md"]


@pytest.mark.parametrize("dataset", datasets(), ids=lambda dataset: dataset.name)
def test_every_item_has_its_section(dataset) -> None:
    for item in dataset.items:
        text = made()[class_page(dataset, item.class_name)]
        assert anchors(text).count(anchor(item)) == 1, item.id
        section = text.partition(f"{{#{anchor(item)}}}")[2]
        assert section.index(f"`{item.id}`") < 2_000
        place = item_place(dataset, item).partition("#")[0]
        assert f"`{item.id}`" in made()[place]
        assert "Where it goes" in made()[place] and "Which profiles fill it" in made()[place]


def test_anchors_stand_once_a_page() -> None:
    for page, text in made().items():
        assert len(set(anchors(text))) == len(anchors(text)), page


def test_there_is_a_page_for_each_thing() -> None:
    reference = load_dataset(REFERENCE)
    items = [page for page in made() if page.startswith(f"datasets/{REFERENCE}/items/")]
    assert len(items) == len(reference.items) == 121
    classes = {class_page(dataset, name) for dataset in datasets() for name in dataset.classes}
    assert len(classes) == sum(len(dataset.classes) for dataset in datasets())
    hub = {hub_page(name) for name in hub_schema().classes}
    assert len(hub) == len(hub_schema().classes)
    assert classes | hub <= set(made())
    for name, slots in hub_schema().classes.items():
        assert {slot.replace("_", "-") for slot in slots} <= set(anchors(made()[hub_page(name)]))


def test_all_counterparts_and_values_are_shown() -> None:
    for dataset in datasets():
        for item in dataset.items:
            text = made()[item_place(dataset, item).partition("#")[0]]
            for row in counterparts().get(item.id, ()):
                assert row.predicate.removeprefix("skos:") in text
                for path in row.path.split(" | "):
                    assert path.strip() in text, (item.id, path)
    values = made()["datasets/hmd/value-sets.md"]
    for value_set in load_dataset("hmd").value_sets.values():
        for value in value_set.values:
            assert f"`{value.code}`" in values and f"({value.iri})" in values + "()"


def test_the_generator_is_deterministic(tmp_path: Path) -> None:
    """Another process with another order of hashes makes the same bytes."""
    script = "import hashlib; from scripts.site_pages.__main__ import pages; print(hashlib.sha256(repr(sorted(pages().items())).encode()).hexdigest())"
    digests = set()
    for seed in ("1", "2"):
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, env=environment, cwd=ROOT, check=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def test_the_navigation_names_every_data_set() -> None:
    config = (ROOT / "mkdocs.yml").read_text()
    for dataset in datasets():
        assert f"datasets/{dataset.name}/index.md" in config
    assert {f"/docs/{folder}/" for folder in FOLDERS} <= set((ROOT / ".gitignore").read_text().splitlines())


def test_nothing_is_loaded_from_the_network() -> None:
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    assert config["theme"]["font"] is False
    loaded = [*config["extra"]["polyfills"], *config["extra_css"]]
    assert loaded and all((DOCS / file).is_file() for file in loaded)


def test_no_source_data_are_on_the_pages() -> None:
    """Pages are made of schemas, maps and data sets; what a case or a demo holds of a person is on none of them."""
    names = {"cases", "demo"}
    opened = re.findall(
        r"[\"'](\w+)[\"']", "".join(path.read_text() for path in (ROOT / "scripts/site_pages").glob("*.py"))
    )
    assert not names & set(opened)


# --- what they say ------------------------------------------------------------------------------------------------------


def item_of(dataset: str, item_id: str):
    found = load_dataset(dataset)
    item = next(item for item in found.items if item.id == item_id)
    return item, found.classes[item.class_name]


@pytest.mark.parametrize(
    ("dataset", "item_id", "profile", "field"),
    [
        ("hmd", "hmd:Subject.Birth_Date", "eu/ern-cde", "Registry.birthdate.value"),
        ("hmd", "hmd:Diagnosis.Diagnosis", "eu/ern-cde", "DiagnosisRow.valueIRI"),
        ("erdri-cds", "erdri:8.1", "eu/ern-cde", None),
    ],
)
def test_a_profile_fills_an_item(dataset: str, item_id: str, profile: str, field: str | None) -> None:
    found = fields_of(*item_of(dataset, item_id))
    assert profile in found and (field is None or field in found[profile])


def test_no_profile_fills_an_item() -> None:
    assert fields_of(*item_of("mdc", "mdc:30")) == {}  # a sample of a solid primary tumour: no profile fills the origin
    assert set(fields_of(*item_of("hmd", "hmd:Treatment.Fractions"))) == {"intl/hmd-template"}


def test_a_profile_that_never_says_provisional_fills_no_provisional_diagnosis() -> None:
    slots = {
        slot.slot
        for one in load_profile("eu/ern-cde").derivations
        if one.hub_class == "Diagnosis"
        for slot in one.slots
    }
    assert "certainty" not in slots
    assert "eu/ern-cde" not in fields_of(*item_of("hmd", "hmd:Diagnosis.Provisional_diagnosis_clinical_diagnosis"))


def test_what_is_inside_of_something_dropped_is_dropped() -> None:
    [(text, steps)] = full_paths(*item_of("erdri-cds", "erdri:7.1"))
    assert text.startswith("consents[purpose == 'contact'") and steps == ["Subject.consents", "Consent.decision"]
    assert support("phenopackets", steps).outcome == "dropped"
    assert support("fhir-r4", steps).outcome == "carried"


def test_rows_are_turned_for_the_other_side() -> None:
    [there] = [row for row in counterparts()["hmd:Diagnosis.Diagnosis"] if row.other == "erdri:6.1"]
    [back] = [row for row in counterparts()["erdri:6.1"] if row.other == "hmd:Diagnosis.Diagnosis"]
    assert (there.reading, back.reading) == ("narrower", "broader")


def test_shared_tables_are_not_copied() -> None:
    """The definitions of HMD are not on the pages; they belong to their owners."""
    import csv

    table = SHARED / "minimal-datasets" / "hmd" / "HMD_merged_fields.csv"
    if not table.exists():
        pytest.skip("the table is not there")
    text = " ".join(made().values())
    with table.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            assert len(row["definition_v1.1"]) < 60 or row["definition_v1.1"] not in text
