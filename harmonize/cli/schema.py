"""`harmonize schema list | show | crosswalk | export`: the hub, the data sets and what connects them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harmonize.cli.output import print_json, say, write_file, write_folder
from harmonize.errors import CallError

if TYPE_CHECKING:
    from harmonize.exports.crosswalk import Crosswalk, Gap
    from harmonize.exports.item_rows import ItemRow

app = typer.Typer(help="The data sets, their crosswalks and exports.", no_args_is_help=True, rich_markup_mode=None)
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="hub, or a data set of `schema list`; a release of it: hmd@1.0.")
]
Version = Annotated[str | None, typer.Option(help="The release; by default the newest that the data set states.")]


def _versioned(name: str, version: str | None) -> tuple[str, str | None]:
    """hmd@1.0 is hmd with --version 1.0."""
    plain, _, release = name.partition("@")
    return plain, version if version is not None or not release else release


@app.command("list")
def list_datasets(as_json: AsJson = False) -> None:
    """The hub and the data sets, with the number of their slots and items."""
    from harmonize.datasets.specification import dataset_names, load_dataset
    from harmonize.exports.item_rows import HUB, hub_rows
    from harmonize.hub import hub_schema

    title = "The record of 1+MG that everything goes through"
    entries: list[dict[str, Any]] = [
        {"name": HUB, "title": title, "version": hub_schema().version, "items": len(hub_rows())}
    ]
    for dataset in map(load_dataset, dataset_names()):
        items = len(dataset.items_of(dataset.version))
        entries.append({"name": dataset.name, "title": dataset.title, "version": dataset.version, "items": items})
    if as_json:
        print_json(entries)
        return
    for entry in entries:
        print(f"{entry['name']:<14} {entry['version']:<8} {entry['items']:>4}  {entry['title']}")


@app.command("show")
def show(name: Name, version: Version = None, as_json: AsJson = False) -> None:
    """The items of a data set: hub path, level, condition, values; or the slots of the hub."""
    from harmonize.exports.data_dictionary import rows_of
    from harmonize.exports.item_rows import exported
    from harmonize.hub import hub_schema

    plain, release = _versioned(name, version)
    dataset = exported(plain)
    if dataset is None:
        _not_for_the_hub(("--version", release))
    rows = rows_of(dataset, release)
    shown = hub_schema().version if dataset is None else (release or dataset.version)
    if as_json:
        print_json({"name": plain, "version": shown, "items": rows})
        return
    title = "Hub" if dataset is None else dataset.title
    print(f"{plain} {shown}: {title}, {len(rows)} items")
    _print_rows(rows)


def _print_rows(rows: list[ItemRow]) -> None:
    from harmonize.datasets.value_set_words import value_set_text

    width = max((len(row["item"]) for row in rows), default=0)
    for class_name in dict.fromkeys(row["class"] for row in rows):
        print(f"\n{class_name}")
        for row in rows:
            if row["class"] != class_name:
                continue
            petal = "" if row["petal"] == "core" else f" [{row['petal']}]"
            print(f"  {row['item']:<{width}}  {row['level']:<11} {row['cardinality']:<5} {row['slot']}{petal}")
            if row["condition"]:
                print(f"  {'':<{width}}    where {row['condition']}")
            values = value_set_text(row["value_set"], row["null_flavors"], 4)
            if values:
                print(f"  {'':<{width}}    values {values}")


@app.command("crosswalk")
def crosswalk(
    a: Annotated[str, typer.Argument(metavar="A", help="A data set, or a standard that one has a crosswalk with.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    through: Annotated[
        str | None, typer.Option(help="Compose two crosswalks through this data set: weaker predicates, derived rows.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Which item of A is which of B, how exactly, and what neither has of the other."""
    from harmonize.exports.crosswalk import as_json as crosswalk_as_json
    from harmonize.exports.crosswalk import crosswalk as read

    found = read(a, b, through=through)
    if as_json:
        print_json(crosswalk_as_json(found))
        return
    _print_crosswalk(found)


def _print_crosswalk(found: Crosswalk) -> None:
    through = f", composed through {found.through}: derived, not curated" if found.through else ""
    print(f"{found.a} to {found.b}: {len(found.rows)} rows{through}")
    left = max((len(row.subject) for row in found.rows), default=0)
    for row in found.rows:
        predicate = row.predicate.removeprefix("skos:").removesuffix("Match")
        via = f"  through {row.through}" if row.through else ""
        via += f"  at {row.path}" if row.path else ""
        label = f"  {row.object_label}" if row.object_label and row.object_label not in row.object else ""
        print(f"  {row.subject:<{left}}  {predicate:<7}  {row.object}{label}{via}")
    _print_gaps(found.a, found.b, found.gaps_a)
    _print_gaps(found.b, found.a, found.gaps_b)


def _print_gaps(name: str, other: str, gaps: tuple[Gap, ...] | None) -> None:
    if gaps is None:
        print(
            f"\n{name} is no data set of harmonize: which of its elements have no counterpart in {other} is not known here"
        )
        return
    print(f"\n{len(gaps)} items of {name} without a row in {other}{':' if gaps else ''}")
    for gap in gaps:
        print(f"  {gap.id}  {gap.label}{f' ({gap.reason})' if gap.reason else ''}")


@app.command("export")
def export(
    name: Name,
    format_name: Annotated[
        str,
        typer.Option(
            "--format", help="json-schema, shacl, pydantic, markdown, csv, xlsx, template-xlsx or template-csv."
        ),
    ],
    level: Annotated[
        str | None,
        typer.Option(
            help="mandatory (default), recommended or optional: what must not be missing. For schemas and models."
        ),
    ] = None,
    version: Version = None,
    petal: Annotated[
        str | None,
        typer.Option(
            help="The use cases of all records, as cancer,goe. Without it each record shows its own. For schemas."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The file or, for template-csv, the folder to write; by default stdout."),
    ] = None,
) -> None:
    """The hub or a data set in a form that others use."""
    from harmonize.exports.formats import export as make

    plain, release = _versioned(name, version)
    petals = None if petal is None else [part.strip() for part in petal.split(",") if part.strip()]
    made = make(plain, format_name, level=level, version=release, petals=petals)
    for note in made.notes:
        say(f"not expressed: {note.id}: {note.text}")
    if out is None:
        if not isinstance(made.content, str):
            ending = format_name.removeprefix("template-").replace("csv", "template")
            raise CallError(f"{format_name} is not for a terminal. To mend it: --out {plain}.{ending}")
        sys.stdout.write(made.content)
        return
    if isinstance(made.content, str | bytes):
        write_file(out, made.content if isinstance(made.content, bytes) else made.content.encode())
    else:
        write_folder(out, made.content)
    say(f"written: {out}")


def _not_for_the_hub(*options: tuple[str, object]) -> None:
    for option, given in options:
        if given is not None:
            raise CallError(
                f"{option} is for data sets: the hub has one release and its own required slots. To mend it: leave it out"
            )
