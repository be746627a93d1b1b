"""`harmonize mappings lint | coverage | export`; suggest and review are planned and refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harmonize.cli.output import print_json, say, write_file
from harmonize.cli.planned import refuse

app = typer.Typer(help="Code maps, for those who curate them.", no_args_is_help=True, rich_markup_mode=None)
FORMATS = ("concept-map-r4", "concept-map-r5", "sssom")


@app.command("lint")
def lint(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH...]", help="SSSOM files, or folders with them; by default all that ship."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """What is wrong with mapping sets, with file and line. Leaves with 1 on errors."""
    from harmonize.curation.set_lint import files_of
    from harmonize.curation.set_lint import lint as lint_sets
    from harmonize.terminology.store import Terminologies

    made = lint_sets(files_of(paths or ()), Terminologies.installed())
    if as_json:
        sets = [
            {"file": name, "mapping_set": table.meta.get("mapping_set_id"), "rows": len(table.rows)}
            for name, table in made.tables
        ]
        print_json({"sets": sets, "findings": [finding.as_json() for finding in made.findings]})
    else:
        for finding in made.findings:
            cell = finding.cell
            where = f"{cell.file}:{cell.row}: " if cell else ""
            print(f"{where}{finding.severity.value} {finding.rule}: {finding.message}")
        rows = sum(len(table.rows) for _, table in made.tables)
        say(f"{len(made.tables)} sets, {rows} rows, {len(made.findings)} findings")
    if made.failed:
        raise typer.Exit(1)


@app.command("export")
def export(
    mapping_set: Annotated[
        str, typer.Argument(metavar="SET", help="An SSSOM file, the name of a set that ships, or a ConceptMap (.json).")
    ],
    format_name: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
) -> None:
    """A mapping set as FHIR ConceptMap, and back to SSSOM. Nothing of a row is lost."""
    from harmonize.curation.concept_map import concept_map
    from harmonize.curation.concept_map_reading import read_concept_map
    from harmonize.curation.concept_map_terms import RELEASES
    from harmonize.curation.mapping_table import mapping_table_text, read_mapping_table
    from harmonize.errors import UnknownNameError
    from harmonize.terminology.code_maps import find_set
    from harmonize.terminology.sssom import read_mapping_set

    if format_name not in FORMATS:
        raise UnknownNameError("format of mapping sets", format_name, FORMATS)
    path = find_set(mapping_set)
    if path.suffix == ".json":
        table = read_concept_map(path)
    else:
        read_mapping_set(path)  # strictly: what is wrong with it is not handed on
        table = read_mapping_table(path)
    if format_name == "sssom":
        text = mapping_table_text(table)
    else:
        text = json.dumps(concept_map(table, RELEASES[format_name]), indent=1, ensure_ascii=False) + "\n"
    write_file(out, text.encode())
    say(f"written: {out} ({len(table.rows)} rows)")


@app.command("coverage")
def coverage(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Files, folders or globs, as `convert` takes them.")
    ],
    profile: Annotated[
        str, typer.Option(envvar="HARMONIZE_PROFILE", help="Profile id such as eu/ern-cde, or a folder.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="A table (.tsv) with every code; `mappings suggest` reads it.")
    ] = None,
    top: Annotated[int, typer.Option(min=0, help="How many of the codes that are not mapped are printed.")] = 20,
    jobs: Annotated[int, typer.Option(envvar="HARMONIZE_JOBS", min=1, help="Processes.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Which codes of a data set the maps cover: by column and outcome, and what is not mapped, most records first.

    Counts and codes of public code lists alone: no text of the source is shown.
    """
    from harmonize.cli.convert import paths_of
    from harmonize.curation.coverage import as_lines, as_tsv
    from harmonize.mapping_coverage import measure

    made = measure(profile, paths_of(inputs), jobs=jobs)
    if out is not None:
        write_file(out, as_tsv(made).encode())
        say(f"written: {out} ({len(made.rows)} rows)")
    if as_json:
        print_json(made.as_json(top))
    else:
        print(*as_lines(made, top), sep="\n")


refuse(app, "suggest", "mappings suggest", "Candidates for codes without a mapping")
refuse(app, "review", "mappings review", "Accept or refuse candidates")
