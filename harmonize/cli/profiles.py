"""`harmonize profiles list | show | check | new | doc`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from harmonize.cli.output import print_json, say, write_file
from harmonize.errors import CallError

app = typer.Typer(help="The national formats that harmonize knows.", no_args_is_help=True, rich_markup_mode=None)
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="Profile id such as eu/ern-cde, or a folder.")]


@app.command("list")
def list_profiles(as_json: AsJson = False) -> None:
    """The profiles that are installed."""
    from harmonize.profiles.loading import load_profile
    from harmonize.profiles.specification_files import profile_ids
    from harmonize.writers import WRITERS

    entries = [
        {"id": p.id, "title": p.title, "version": p.version, "reader": p.assembly.reader, "targets": list(WRITERS)}
        for p in map(load_profile, profile_ids())
    ]
    if as_json:
        print_json(entries)
        return
    for entry in entries:
        print(f"{entry['id']:<24} {entry['version']:<8} {entry['reader']:<12} {entry['title']}")


@app.command("show")
def show(profile_id: Id, as_json: AsJson = False) -> None:
    """What a profile reads, what it maps and what it leaves out."""
    from harmonize.profile_check import describe_profile

    shown: dict[str, Any] = describe_profile(profile_id)
    if as_json:
        print_json(shown)
        return
    print(f"{shown['id']} {shown['version']}: {shown['title']}")
    print(f"  {shown['description']}")
    after = shown["specification"]
    print(f"  owner {shown['owner']}, licence {shown['licence']}")
    print(f"  after {after.get('name', '')} {after.get('version', '')}, {after.get('url', '')}")
    print("  files:")
    for table in shown["tables"]:
        presence = "expected" if table["expected"] else "optional"
        print(f"    {table['file']:<24} {presence}, {'several rows' if table['repeats'] else 'one row'} a subject")
    print("  mapped:")
    for line in shown["mapped"]:
        print(f"    {line['hub']:<44} from {', '.join(line['from']) or '(constant)'}")
    print(f"  left out: {len(shown['left_out'])} slots, each with its reason (--json lists them)")


@app.command("check")
def check(profile_id: Id, as_json: AsJson = False) -> None:
    """Lint a profile and run its cases. Leaves with 1 where it must not be used."""
    from harmonize.profile_check import check_profile

    result = check_profile(profile_id)
    if as_json:
        print_json(result.as_json())
    else:
        unaccounted = len(result.unaccounted)
        print(
            f"{result.profile}: {result.mapped} slots mapped, {result.left_out} left out with a reason, {unaccounted} forgotten"
        )
        print(f"  cases: {len(result.passed)} passed, {len({f.split(':')[0] for f in result.failed})} failed")
        for problem in result.as_json()["problems"]:
            print(f"  {problem}")
    if not result.good:
        raise typer.Exit(1)


@app.command("new")
def new(
    profile_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the new profile, such as de/my-registry.")],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="An XSD, a JSON Schema, a REDCap data dictionary (designer's CSV or API metadata), a table or a folder of tables.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the draft; by default ./SCOPE/NAME.")] = None,
    repeating: Annotated[
        str, typer.Option(help="REDCap: instruments that repeat, with commas: a dictionary does not say which do.")
    ] = "",
    root: Annotated[
        str | None, typer.Option(help="XSD, JSON Schema: the root element or definition, where there are several.")
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(
            help="Tables, JSON Schema: column of the subject's identifier. XSD: path of the subjects, such as Patients/Patient."
        ),
    ] = None,
    identifier: Annotated[
        str | None, typer.Option(help="XSD: path of the subject's identifier below its element, such as @id.")
    ] = None,
    values: Annotated[
        str,
        typer.Option(
            help="Tables: columns, with commas, that hold a public list of codes; of these alone values are written."
        ),
    ] = "",
    delimiter: Annotated[str | None, typer.Option(help="Tables: , ; | or tab, where headers do not show it.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Tables: by default utf-8.")] = None,
) -> None:
    """Draft a profile. It maps nothing but the subject's identifier: `profiles check` lists what waits for a decision."""
    from harmonize.curation.draft_origin import Origin, origin_of

    if source is None:
        known = "FILE.xsd, FILE.schema.json, DICTIONARY.csv or a folder of tables"
        raise CallError(f"`profiles new` drafts from what says how a source looks. To mend it: --from {known}")
    if not (source.is_file() or source.is_dir()):
        raise CallError(f"there is no file or folder {source}. To mend it: check the path after --from")
    origin, folder = origin_of(source), out or Path(profile_id)
    given = {
        "--repeating": repeating,
        "--root": root,
        "--subject": subject,
        "--identifier": identifier,
        "--values": values,
        "--delimiter": delimiter,
        "--encoding": encoding,
    }
    options = {
        Origin.XSD: ("--root", "--subject", "--identifier"),
        Origin.JSON_SCHEMA: ("--root", "--subject"),
        Origin.REDCAP_DICTIONARY: ("--repeating",),
        Origin.TABLES: ("--subject", "--values", "--delimiter", "--encoding"),
    }[origin]
    wrong = [name for name, value in given.items() if value and name not in options]
    if wrong:
        raise CallError(
            f"{', '.join(wrong)} is not for {origin.value}, as which {source.name} is read. "
            f"To mend it: leave it out; there are {', '.join(options)}"
        )
    match origin:
        case Origin.XSD:
            from harmonize.curation.xsd_draft import draft_from_xsd

            written = draft_from_xsd(source, profile_id, folder, root=root, subject=subject, identifier=identifier)
        case Origin.JSON_SCHEMA:
            from harmonize.curation.json_schema_draft import draft_from_json_schema

            written = draft_from_json_schema(source, profile_id, folder, subject=subject, root=root)
        case Origin.REDCAP_DICTIONARY:
            from harmonize.curation.draft import draft_from_redcap_dictionary

            written = draft_from_redcap_dictionary(source, profile_id, folder, _names(repeating))
        case Origin.TABLES:
            from harmonize.curation.table_draft import draft_from_tables

            written = draft_from_tables(
                source,
                profile_id,
                folder,
                subject=subject,
                values=_names(values),
                delimiter=delimiter,
                encoding=encoding or "utf-8",
            )
    for path in written:
        say(f"written: {path}")
    say(f"next: `harmonize profiles check {folder}` lists what waits for a decision")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


@app.command("doc")
def doc(
    profile_id: Id,
    out: Annotated[Path | None, typer.Option(help="The file to write; by default the page goes to stdout.")] = None,
    xsd: Annotated[
        list[Path] | None, typer.Option(help="An XSD: the page lists every element of it. Repeatable.")
    ] = None,
) -> None:
    """The field-by-field page of a profile, in Markdown: where every slot goes, or why it does not."""
    from harmonize.profile_page import profile_page

    page = profile_page(profile_id, xsd or ())
    if out is None:
        print(page, end="")
        return
    write_file(out, page.encode())
    say(f"written: {out}")
