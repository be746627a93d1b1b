"""`harmonize mappings lint | add | coverage | suggest | review | export`."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.cli.output import print_json, say, write_file
from harmonize.errors import CallError

if TYPE_CHECKING:
    from harmonize.curation.coverage import Coverage
    from harmonize.curation.mapping_table import MappingTable

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


@app.command("suggest")
def suggest(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="COVERAGE.tsv|INPUT...", help="A table of `mappings coverage`, or what it takes."),
    ],
    to: Annotated[str, typer.Option(help="The code system of the candidates, by its prefix: HP, MONDO.")],
    out: Annotated[Path, typer.Option(help="The SSSOM file of candidates to write; not in a folder of code maps.")],
    profile: Annotated[
        str | None,
        typer.Option(envvar="HARMONIZE_PROFILE", help="Profile id or folder; a table of coverage names its own."),
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="The language of the labels, as de; by default every name that is installed.")
    ] = None,
    kept: Annotated[bool, typer.Option("--kept", help="Also for codes that are kept as they are.")] = False,
    without: Annotated[
        list[Path] | None,
        typer.Option(metavar="REVIEWED.tsv", help="Leave out what was refused there; may be repeated."),
    ] = None,
    jobs: Annotated[int, typer.Option(envvar="HARMONIZE_JOBS", min=1, help="Processes.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Candidates for codes that are not mapped, by the names of an installed code system; those by which most records gain first.

    Nothing translates by candidates: `mappings review` takes those that you accept into a code map.
    """
    from harmonize.curation.mapping_table import mapping_table_text
    from harmonize.curation.review import has_decisions, refused_pairs
    from harmonize.curation.set_lint import our_prefixes
    from harmonize.curation.suggestions import suggest as find_candidates
    from harmonize.terminology.store import Terminologies

    if out.resolve().parent.name == "codes":
        raise CallError(
            f"{out} is in a folder of code maps, and candidates are none. To mend it: give --out another folder"
        )
    if has_decisions(out):
        raise CallError(
            f"{out} holds decisions of reviewers. To mend it: give --out another file, and {out} to --without"
        )
    refused = refused_pairs(without or ())
    made = _coverage_of(inputs, profile, jobs)
    found = find_candidates(
        made, Terminologies.installed(), to, our_prefixes(), language=language, kept=kept, without=refused
    )
    write_file(out, mapping_table_text(found.table).encode())
    if as_json:
        counts = {name: getattr(found, name) for name in ("codes", "without_label", "without_candidate", "left_out")}
        print_json({**counts, "candidates": [dict(row.cells) for row in found.table.rows]})
    say(
        f"written: {out}: {len(found.table.rows)} candidates for {found.codes} codes; "
        f"{found.without_label} have no label, {found.without_candidate} no candidate"
        + (f"; {found.left_out} were refused before" if found.left_out else "")
    )


def _coverage_of(inputs: list[str], profile: str | None, jobs: int) -> Coverage:
    """A table of coverage as it is read, or the coverage of other input."""
    from harmonize.cli.convert import paths_of
    from harmonize.curation.coverage import is_table, read_tsv
    from harmonize.mapping_coverage import measure

    paths = paths_of(inputs)
    if len(paths) == 1 and is_table(paths[0]):
        made = read_tsv(paths[0])
        if profile not in (None, made.profile):
            raise CallError(
                f"{paths[0]} is of {made.profile}. To mend it: leave --profile out, or give the input itself"
            )
        return made
    if profile is None:
        raise CallError(
            "there is no --profile, and the input is no table of `mappings coverage`. To mend it: --profile ID"
        )
    return measure(profile, paths, jobs=jobs)


@app.command("review")
def review(
    candidates: Annotated[Path, typer.Argument(metavar="CANDIDATES.tsv", help="A file of `mappings suggest`.")],
    accept: Annotated[
        str | None, typer.Option(metavar="ROWS", help="Rows that you accept: 1,4-7 as they are listed, or all.")
    ] = None,
    refuse: Annotated[
        str | None, typer.Option(metavar="ROWS", help="Rows that you refuse; `suggest --without` leaves them out.")
    ] = None,
    reviewer: Annotated[
        str | None, typer.Option(envvar="HARMONIZE_REVIEWER", metavar="ORCID", help="Your ORCID iD.")
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(metavar="SET.sssom.tsv", help="The code map that takes what you accept; made if not there."),
    ] = None,
    reviewed: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="The day of the review; by default today.")
    ] = None,
    set_id: Annotated[str | None, typer.Option(metavar="IRI", help="The mapping_set_id of a new set.")] = None,
    licence: Annotated[
        str | None, typer.Option("--license", metavar="IRI", help="The licence of a new set, which it must have.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Candidates on which nobody has decided; with --accept and --refuse, decide.

    What you accept is judged in the set that takes it, as `mappings lint` judges it, before anything is written.
    """
    from harmonize.curation.accepted_rows import NewSet
    from harmonize.curation.review import Review, chosen, decide, read_candidates
    from harmonize.curation.reviewers import reviewer_curie
    from harmonize.terminology.store import Terminologies

    table = read_candidates(candidates)
    if accept is None and refuse is None:
        if into is not None or reviewed is not None:
            raise CallError("nothing is accepted or refused. To mend it: --accept ROWS, --refuse ROWS, or both")
        _list_candidates(table, as_json=as_json)
        return
    if reviewer is None:
        raise CallError("nobody is named who decides. To mend it: --reviewer with your ORCID iD")
    decision = Review(
        chosen(accept, table, "--accept") if accept is not None else {},
        chosen(refuse, table, "--refuse") if refuse is not None else {},
        reviewer_curie(reviewer),
        _day(reviewed),
    )
    made = decide(candidates, decision, into, NewSet(set_id or "", licence or ""), Terminologies.installed())
    for finding in made.said:
        say(f"note: {finding.rule}: {finding.message}")
    if as_json:
        answer = {"accepted": made.accepted, "refused": made.refused, "open": made.open}
        print_json({**answer, "into": str(into) if made.accepted else None})
    if made.accepted:
        say(f"written: {into} ({len(made.accepted)} rows accepted)")
    say(f"written: {candidates} ({len(made.accepted)} accepted, {len(made.refused)} refused, {made.open} open)")


def _list_candidates(table: MappingTable, *, as_json: bool) -> None:
    from harmonize.curation import review as of

    rows = of.open_rows(table)
    if as_json:
        print_json([of.as_json(number, row) for number, row in rows])
        return
    for number, row in rows:
        print(of.as_line(number, row))
    say(f"{len(rows)} of {len(table.rows)} rows are open")


def _day(text: str | None) -> date:
    """The day that --reviewed names; else that of SOURCE_DATE_EPOCH, else today."""
    from harmonize.convert.run import default_instant

    try:
        return datetime.strptime(text or default_instant()[:10], "%Y-%m-%d").date()
    except ValueError:
        raise CallError(f"--reviewed {text!r} is no day. To mend it: write it as 2026-01-31") from None
