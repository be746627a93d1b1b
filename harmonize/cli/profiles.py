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
    dictionary: Annotated[
        Path | None,
        typer.Option("--from", help="An XSD, or a REDCap data dictionary: the designer's CSV or the API's metadata."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the draft; by default ./SCOPE/NAME.")] = None,
    repeating: Annotated[
        str, typer.Option(help="Instruments that repeat, with commas: a dictionary does not say which do.")
    ] = "",
    root: Annotated[str | None, typer.Option(help="XSD: the root element, where it allows several.")] = None,
    subject: Annotated[
        str | None, typer.Option(help="XSD: path of the subjects below the root, such as Patients/Patient.")
    ] = None,
    identifier: Annotated[
        str | None, typer.Option(help="XSD: path of the subject's identifier below its element, such as @id.")
    ] = None,
) -> None:
    """Draft a profile. It maps nothing but the subject's identifier: `profiles check` lists what waits for a decision."""
    from harmonize.curation.draft import draft_from_redcap_dictionary

    if dictionary is None:
        raise CallError("`profiles new` drafts from a file. To mend it: --from DICTIONARY.csv or --from FILE.xsd")
    if not dictionary.is_file():
        raise CallError(f"there is no file {dictionary}. To mend it: check the path after --from")
    folder = out or Path(profile_id)
    names = [name.strip() for name in repeating.split(",") if name.strip()]
    if dictionary.suffix == ".xsd":
        from harmonize.curation.xsd_draft import draft_from_xsd

        if names:
            raise CallError("an XSD says which elements repeat. To mend it: leave --repeating out")
        written = draft_from_xsd(dictionary, profile_id, folder, root=root, subject=subject, identifier=identifier)
    elif root or subject or identifier:
        raise CallError("--root, --subject and --identifier are for an XSD. To mend it: leave them out")
    else:
        written = draft_from_redcap_dictionary(dictionary, profile_id, folder, names)
    for path in written:
        say(f"written: {path}")
    say(f"next: `harmonize profiles check {folder}` lists what waits for a decision")


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
