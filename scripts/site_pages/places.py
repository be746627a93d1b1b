"""Where things stand on the site: the one place that knows names of files and anchors below docs/."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from harmonize.datasets.specification import Dataset, DatasetClass, Item, dataset_names, load_dataset
from harmonize.hub import hub_schema
from scripts.site_pages.markdown import code, link, plain, slug, words

REFERENCE = "hmd"
"""The data set that has a page for each item."""
SHORT: Mapping[str, str] = {
    "hmd": "HMD",
    "mdc": "1+MG cancer",
    "erdri-cds": "ERDRI-CDS",
    "rd-cdm": "RD-CDM",
    "goe": "Genome of Europe",
    "ga4gh-wgs-qc": "GA4GH WGS QC",
}
"""Names for lines of links. A data set that is not here goes by its own name."""
INDEX = "datasets/index.md"
HUB_INDEX = "hub/index.md"
HUB_ENUMS = "hub/enumerations.md"


@cache
def datasets() -> tuple[Dataset, ...]:
    """All data sets, the reference first, then as in `SHORT`."""
    names = [*(name for name in SHORT if name in dataset_names()), *(n for n in dataset_names() if n not in SHORT)]
    return tuple(load_dataset(name) for name in names)


def short(dataset: Dataset) -> str:
    """The short name of a data set."""
    return SHORT.get(dataset.name, dataset.name)


def dataset_page(dataset: Dataset) -> str:
    """The page of a data set."""
    return f"datasets/{dataset.name}/index.md"


def class_page(dataset: Dataset, name: str) -> str:
    """The page of a class of a data set."""
    return f"datasets/{dataset.name}/{slug(name)}.md"


def value_sets_page(dataset: Dataset) -> str:
    """The page with all value sets of a data set."""
    return f"datasets/{dataset.name}/value-sets.md"


def anchor(item: Item) -> str:
    """The anchor of an item on the page of its class."""
    return slug(item.id.partition(":")[2])


def item_section(dataset: Dataset, item: Item) -> str:
    """The section of an item on the page of its class."""
    return f"{class_page(dataset, item.class_name)}#{anchor(item)}"


def item_place(dataset: Dataset, item: Item) -> str:
    """Where all is said of an item: its page, or its section."""
    if dataset.name == REFERENCE:
        return f"datasets/{dataset.name}/items/{anchor(item)}.md"
    return item_section(dataset, item)


@cache
def item_places() -> Mapping[str, tuple[Dataset, Item, str]]:
    """Item id -> data set, item, where all is said of it."""
    return {item.id: (dataset, item, item_place(dataset, item)) for dataset in datasets() for item in dataset.items}


def item_name(item: Item) -> str:
    """The name of an item as words, behind its number where it goes by one.

    >>> item_name(load_dataset("mdc").items[13])
    '14 · Birth Year'
    """
    local = item.id.partition(":")[2]
    return f"{local} · {words(item.item)}" if local[0].isdigit() else words(item.item)


def item_link(item_id: str, page: str) -> str:
    """A link to an item by its id."""
    dataset, item, place = item_places()[item_id]
    name = item_name(item) if item_name(item)[0].isdigit() else f"{words(item.class_name)}: {words(item.item)}"
    return link(f"{short(dataset)} {plain(name)}", place, page)


def hub_page(hub_class: str) -> str:
    """The page of a class of the hub."""
    return f"hub/{slug(hub_class)}.md"


def hub_slot_link(place: str, page: str, text: str = "") -> str:
    """A link to a slot of the hub, named as `Class.slot`."""
    hub_class, _, slot = place.partition(".")
    return link(code(text or place), f"{hub_page(hub_class)}#{slug(slot)}", page)


def range_link(name: str, page: str) -> str:
    """A range as a link, where it is a class or an enumeration of the hub."""
    if name in hub_schema().classes:
        return link(name, hub_page(name), page)
    if name in hub_schema().enums:
        return link(name, f"{HUB_ENUMS}#{slug(name)}", page)
    return code(name)


@cache
def _sources() -> Mapping[str, tuple[str, str]]:
    """Id of an item or of a class of a data set -> text and place of a link."""
    found: dict[str, tuple[str, str]] = {}
    for dataset in datasets():
        for owner in dataset.classes.values():
            text = f"{short(dataset)}, {words(owner.name)}"
            found[f"{dataset.id_prefix}:{owner.name}"] = (text, class_page(dataset, owner.name))
    return found


def source_link(source: str, page: str) -> str:
    """Where a slot of the hub comes from: an item or a class of a data set as a link, else as it is written."""
    if source in item_places():
        return item_link(source, page)
    if source in _sources():
        text, place = _sources()[source]
        return link(plain(text), place, page)
    if source.startswith("harmonize:"):
        return "of our own"
    return code(source)


def trail(page: str, *steps: tuple[str, str]) -> list[str]:
    """The line of links that leads to *page*, and an empty one."""
    return [" › ".join(link(plain(text), place, page) for text, place in steps), ""]


def class_title(dataset: Dataset, owner: DatasetClass) -> str:
    """The title of the page of a class."""
    return f"{short(dataset)}: {words(owner.name)}"
