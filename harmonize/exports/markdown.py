"""The hub and the data sets as a Markdown page: a section for each class, a row for each item, the value sets at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harmonize.datasets.specification import CORE, Dataset, ValueSet
from harmonize.datasets.value_set_words import parts_of, value_set_as_json, value_set_text
from harmonize.exports.item_rows import ItemRow, hub_rows, item_rows
from harmonize.hub import hub_schema

_SHOWN = 8


def dataset_markdown(dataset: Dataset, version: str | None = None) -> str:
    """The page of *dataset* in *version*."""
    chosen = dataset.version if version is None else version
    rows = item_rows(dataset, chosen)
    lines = [f"# {dataset.title} {chosen}", "", *_paragraph(dataset.description)]
    lines += [f"{len(rows)} items. Source: {_text(dataset.source)}. Licence: {_text(dataset.licence)}.", ""]
    lines += _petals(dataset)
    for name, owner in dataset.classes.items():
        own = [row for row in rows if row["class"] == name]
        if own:
            where = ", ".join(f"`{path.text or 'record'}`" for path in owner.paths)
            required = " A record has at least one." if owner.required else ""
            lines += [f"## {name}", "", *_paragraph(owner.definition), f"In the hub: {where}.{required}", ""]
            lines += _item_table(own)
    used = {row["value_set"]["name"] for row in rows if row["value_set"]}
    for values in dataset.value_sets.values():
        if values.name in used:
            lines += _value_set(values)
    return "\n".join(lines).rstrip() + "\n"


def hub_markdown() -> str:
    """The page of the hub."""
    lines = [f"# Hub {hub_schema().version}", "", "One record for one person. `Subject` is the record.", ""]
    for name in dict.fromkeys(row["class"] for row in hub_rows()):
        lines += [f"## {name}", "", "| slot | type | cardinality | definition | source |", "|---|---|---|---|---|"]
        for row in hub_rows():
            if row["class"] == name:
                values = f" ({value_set_text(row['value_set'], [])})" if row["value_set"] else ""
                cells = (
                    f"`{row['item']}`",
                    row["range"] + values,
                    row["cardinality"],
                    row["definition"],
                    row["source"],
                )
                lines.append(_row(cells))
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _petals(dataset: Dataset) -> Iterator[str]:
    for petal in dataset.petals.values():
        shown = "the record shows it" if petal.applies is not None else "only where it is asked for"
        yield f"- **{petal.name}**: {_text(petal.title)}; {shown}."
    if dataset.petals:
        yield ""


def _item_table(rows: Sequence[ItemRow]) -> list[str]:
    lines = ["| item | level | cardinality | hub path | values | definition |", "|---|---|---|---|---|---|"]
    for row in rows:
        level = row["level"] + (f" ({row['petal']})" if row["petal"] != CORE else "")
        level += f": {row['condition']}" if row["condition"] else ""
        values = value_set_text(row["value_set"], row["null_flavors"], _SHOWN)
        definition = " ".join(part for part in (row["definition"], row["note"]) if part)
        path = " or ".join(f"`{path}`" for path in row["slot"].split(" | "))
        lines.append(
            _row((f"**{_text(row['item'])}** `{row['id']}`", level, row["cardinality"], path, values, definition))
        )
    return [*lines, ""]


def _value_set(values: ValueSet) -> list[str]:
    lines = [f"## Value set {values.name}", "", f"{_text(values.title)}.", "", *_paragraph(values.note)]
    for part in parts_of(value_set_as_json(values)):
        lines += [f"{_text(part.words[0].upper() + part.words[1:])}.", ""]
    if values.values:
        lines += ["| code | label | IRI |", "|---|---|---|"]
        lines += [_row((f"`{value.code}`", value.label, value.iri)) for value in values.values] + [""]
    return lines


def _paragraph(text: str) -> list[str]:
    return [_text(text), ""] if text else []


def _row(cells: Sequence[str]) -> str:
    """A row of a table; what would end a cell is escaped, code spans stay as they are."""
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    return _text(text).replace("|", "\\|")


def _text(text: str) -> str:
    """*text* in one line, in which no HTML begins.

    >>> _text("a <b>\\n c")
    'a &lt;b> c'
    """
    return " ".join(text.split()).replace("<", "&lt;")
