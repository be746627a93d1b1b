"""`harmonize mappings lint | add | export`; coverage, suggest and review are planned and refused by name."""

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


@app.command("add")
def add(
    file: Annotated[
        Path, typer.Argument(help="SSSOM TSV, a GEM of CMS or the annotations of loinc2hpo; .gz, .xz or .zip too.")
    ],
    name: Annotated[str, typer.Option(help="The name that --set and profiles (`added:NAME`) call it by.")],
    into: Annotated[
        Path | None, typer.Option(help="Folder for compiled sets; by default beside the code systems that were added.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Compile a code map that you may use. An older one of the name stays where it fails."""
    from harmonize.terminology.code_map_files import add_set

    added = add_set(file, name, into)
    if as_json:
        print_json(added)
        return
    for sentence in added["said"]:
        say(f"note: {sentence}")
    say(f"written: {added['file']} ({added['rows']} rows of {added['id']})")


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
    from harmonize.terminology.code_map_files import find_table
    from harmonize.terminology.sssom import read_mapping_set

    if format_name not in FORMATS:
        raise UnknownNameError("format of mapping sets", format_name, FORMATS)
    path = find_table(mapping_set)
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


refuse(app, "coverage", "mappings coverage", "What of a data set the mapping sets cover")
refuse(app, "suggest", "mappings suggest", "Candidates for codes without a mapping")
refuse(app, "review", "mappings review", "Accept or refuse candidates")
