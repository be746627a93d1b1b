"""The pages of the data sets: the index, one for each data set, class and (of the reference data set) item, the value sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harmonize.datasets.specification import CONDITIONAL, LEVELS, Dataset, DatasetClass, Item
from scripts.site_pages import crosswalks
from scripts.site_pages.items import (
    elsewhere,
    filled_by,
    item_facts,
    levels_of,
    note_lines,
    terms,
    value_set_body,
    value_set_lines,
    where_it_goes,
    written,
)
from scripts.site_pages.markdown import code, counted, facts, heading, link, page_of, plain, slug, table, words
from scripts.site_pages.places import (
    HUB_INDEX,
    INDEX,
    REFERENCE,
    anchor,
    class_page,
    class_title,
    dataset_page,
    datasets,
    hub_page,
    hub_slot_link,
    item_link,
    item_name,
    item_place,
    item_section,
    short,
    trail,
    value_sets_page,
)
from scripts.site_pages.targets import full_paths

_ALL_LEVELS = (*LEVELS, CONDITIONAL)


def dataset_pages() -> Iterator[tuple[str, str]]:
    """Path below docs/ and text of every page."""
    yield INDEX, _index()
    for dataset in datasets():
        yield dataset_page(dataset), _dataset(dataset)
        if dataset.value_sets:
            yield value_sets_page(dataset), _value_sets(dataset)
        for owner in dataset.classes.values():
            yield class_page(dataset, owner.name), _class(dataset, owner)
        if dataset.name == REFERENCE:
            for item in dataset.items:
                yield item_place(dataset, item), _item(dataset, item)


def _index() -> str:
    lines = ["# Data sets", ""]
    lines += [
        "What a record is asked to hold, by whom, and where it stands in the hub. "
        "`harmonize validate PATH --as NAME` grades records by one of them, item by item; "
        f"{link('Grading by a data set', 'reference/datasets.md', INDEX)} tells how. "
        f"The hub itself, class by class, is {link('here', HUB_INDEX, INDEX)}.",
        "",
    ]
    rows = []
    for dataset in datasets():
        count = Counter(item.levels.get(dataset.version) for item in dataset.items)
        name = link(plain(short(dataset)), dataset_page(dataset), INDEX)
        rows.append(
            [name, code(dataset.name), dataset.version, *(str(n) for n in (len(dataset.classes), len(dataset.items)))]
            + [str(count[level] or "") for level in _ALL_LEVELS]
        )
    lines += table(["data set", "`--as`", "version", "classes", "items", *_ALL_LEVELS], rows)
    lines += [heading(2, "Crosswalks", "crosswalks"), ""]
    lines += [
        "Which item of one is which item or element of the other: SSSOM files in `mappings/items`. "
        "Pages of items show their rows. *A hint only* is not the item: such a row never counts as the item being there.",
        "",
    ]
    predicates = tuple(crosswalks.READINGS)
    rows = [
        [f"{crosswalks.MODELS[a]} and {crosswalks.MODELS[b]}", code(name), str(sum(count.values()))]
        + [str(count[predicate] or "") for predicate in predicates]
        for name, a, b, count in crosswalks.files()
    ]
    heads = [crosswalks.READINGS[predicate] for predicate in predicates]
    lines += table(["between", "file", "rows", *heads], rows)
    lines += [
        "Behind a counterpart stand in brackets its SKOS predicate, a confidence (1 where we read both definitions and saw no "
        "difference), and where the row comes from:",
        "",
    ]
    return page_of(
        [*lines, *table(["basis", "a row says"], [[code(name), said] for name, said in crosswalks.BASES.items()])]
    )


def _dataset(dataset: Dataset) -> str:
    page = dataset_page(dataset)
    lines = [*trail(page, ("Data sets", INDEX)), f"# {plain(dataset.title)}", "", plain(dataset.description), ""]
    lines += facts(
        [
            ("Name", code(dataset.name)),
            ("Version", f"{dataset.version}{_other_versions(dataset)}"),
            ("Size", f"{counted(len(dataset.classes), 'class', 'classes')}, {counted(len(dataset.items), 'item')}"),
            ("Source", plain(dataset.source)),
            ("Licence", plain(dataset.licence)),
            ("IRI", code(dataset.iri) if dataset.iri else ""),
            ("To grade records", code(f"harmonize validate PATH --as {dataset.name}")),
            ("Values", link("all value sets", value_sets_page(dataset), page) if dataset.value_sets else ""),
        ]
    )
    lines += _levels(dataset) + _petals(dataset)
    lines += [heading(2, "Classes", "classes"), ""]
    rows = []
    for owner in dataset.classes.values():
        number = sum(item.class_name == owner.name for item in dataset.items)
        needed = "yes" if owner.required else ""
        name = link(plain(words(owner.name)), class_page(dataset, owner.name), page)
        rows.append([name, str(number), needed, _hub_class(owner, page), plain(owner.definition)])
    lines += table(["class", "items", "required", "hub", "what it is"], rows)
    lines += [heading(2, "Items", "items"), ""]
    for owner in dataset.classes.values():
        name = link(plain(words(owner.name)), class_page(dataset, owner.name), page)
        lines += [heading(3, name, slug(f"class {owner.name}")), "", *_item_table(dataset, owner, page)]
    return page_of(lines, boost=1.5)


def _other_versions(dataset: Dataset) -> str:
    others = dataset.versions[:-1]
    asked = ", ".join(code(f"--as {dataset.name}@{version}") for version in others)
    return f"; levels of {', '.join(others)} as well ({asked})" if others else ""


def _hub_class(owner: DatasetClass, page: str) -> str:
    return link(owner.hub_class, hub_page(owner.hub_class), page)


def _levels(dataset: Dataset) -> list[str]:
    lines = [heading(2, "Levels", "levels"), ""]
    rows = []
    for version in dataset.versions:
        count = Counter(item.levels.get(version) for item in dataset.items)
        rows.append([version, *(str(count[level]) for level in _ALL_LEVELS), str(len(dataset.items_of(version)))])
    return [*lines, *table(["version", *_ALL_LEVELS, "items"], rows)]


def _petals(dataset: Dataset) -> list[str]:
    if not dataset.petals:
        return []
    lines = [
        heading(2, "Petals", "petals"),
        "",
        "Parts for one use case. `--petal` says which ones all records belong to.",
        "",
    ]
    for name, petal in dataset.petals.items():
        raw = written(dataset.name)["petals"][name]
        number = counted(sum(item.petal == name for item in dataset.items), "item")
        lines.append(f"- **{plain(petal.title)}** ({code(name)}, {number} of its own). {plain(raw.get('note', ''))}")
        if "applies" in raw:
            lines += ["", f"    As expression: {code(raw['applies'])}", ""]
    return [*lines, ""]


def _item_table(dataset: Dataset, owner: DatasetClass, page: str) -> list[str]:
    rows = []
    for item in dataset.items:
        if item.class_name == owner.name:
            paths = {steps[-1]: None for _, steps in full_paths(item, owner)}
            shown = [hub_slot_link(slot, page) for slot in list(paths)[:2]] + (["…"] if len(paths) > 2 else [])
            name = link(plain(item_name(item)), item_place(dataset, item), page)
            rows.append([name, _level(dataset, item), code(item.cardinality), ", ".join(shown)])
    return table(["item", "level", "times", "hub slot"], rows)


def _level(dataset: Dataset, item: Item) -> str:
    """The level for a table: by version only where versions differ."""
    is_one = len(set(item.levels.values())) == 1 and len(item.levels) == len(dataset.versions)
    return item.levels[dataset.version] if is_one else levels_of(item)


def _value_sets(dataset: Dataset) -> str:
    page = value_sets_page(dataset)
    lines = [*trail(page, ("Data sets", INDEX), (short(dataset), dataset_page(dataset)))]
    lines += [f"# {plain(short(dataset))}: value sets", ""]
    lines += ["A code that is a link leads to the IRI that the source of the data set prints.", ""]
    for values in dataset.value_sets.values():
        lines += [heading(2, plain(words(values.name.replace("-", " "))), slug(values.name)), ""]
        used = [item_link(item.id, page) for item in dataset.items if item.value_set == values.name]
        lines += [*value_set_body(values), f"Used by {', '.join(used)}." if used else "No item uses it.", ""]
    return page_of(lines)


def _class(dataset: Dataset, owner: DatasetClass) -> str:
    page = class_page(dataset, owner.name)
    lines = [*trail(page, ("Data sets", INDEX), (short(dataset), dataset_page(dataset)))]
    lines += [f"# {plain(class_title(dataset, owner))}", "", plain(owner.definition), ""]
    places = [code(path.text) if path.text else "the record itself" for path in owner.paths]
    lines += facts(
        [
            ("Hub class", _hub_class(owner, page)),
            ("Where its objects stand", "; ".join(places)),
            ("Required", "a record must have one" if owner.required else "no"),
            ("Cardinality in the source", code(owner.cardinality) if owner.cardinality else ""),
        ]
    )
    lines += _item_table_of_sections(dataset, owner, page)
    for item in dataset.items:
        if item.class_name == owner.name:
            lines += _section(dataset, item, page)
    return page_of(lines)


def _item_table_of_sections(dataset: Dataset, owner: DatasetClass, page: str) -> list[str]:
    rows = [
        [link(plain(item_name(item)), item_section(dataset, item), page), _level(dataset, item), plain(item.definition)]
        for item in dataset.items
        if item.class_name == owner.name
    ]
    return table(["item", "level", "what it is"], rows)


def _section(dataset: Dataset, item: Item, page: str) -> list[str]:
    lines = [heading(2, plain(item_name(item)), anchor(item)), "", plain(item.definition), ""]
    lines += [*item_facts(dataset, item, page), *note_lines(item)]
    lines += value_set_lines(dataset, item, page, whole=False)
    if dataset.name == REFERENCE:
        all_of_it = link("Targets, counterparts, profiles", item_place(dataset, item), page)
        return [*lines, f"{all_of_it} of this item.", ""]
    lines += where_it_goes(dataset, item, page, 3) + elsewhere(item, page, 3)
    return [*lines, *terms(item, 3), *filled_by(dataset, item, 3)]


def _item(dataset: Dataset, item: Item) -> str:
    page = item_place(dataset, item)
    owner = dataset.classes[item.class_name]
    lines = trail(
        page,
        ("Data sets", INDEX),
        (short(dataset), dataset_page(dataset)),
        (words(owner.name), class_page(dataset, owner.name)),
    )
    lines += [f"# {plain(short(dataset))} {plain(words(owner.name))}: {plain(item_name(item))}", ""]
    lines += [plain(item.definition), "", *item_facts(dataset, item, page), *note_lines(item)]
    if item.value_set is not None:
        lines += [heading(2, "Values", "values"), "", *value_set_lines(dataset, item, page, whole=True)]
    lines += where_it_goes(dataset, item, page, 2) + elsewhere(item, page, 2)
    lines += [*terms(item, 2), *filled_by(dataset, item, 2)]
    return page_of(lines, boost=2)
