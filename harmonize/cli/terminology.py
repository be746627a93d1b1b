"""`harmonize terminology list | build | add | pull | lookup | translate | search | members | diff`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.cli.output import print_json, say, say_damaged, say_editions
from harmonize.errors import CallError

if TYPE_CHECKING:
    from harmonize.terminology.pull import ByHand, Origin

app = typer.Typer(help="The code systems that are installed.", no_args_is_help=True, rich_markup_mode=None)
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@app.command("list")
def list_systems(as_json: AsJson = False) -> None:
    """Installed code systems: edition, size, licence, tier, digest of their source. Leaves with 2 where a file is damaged."""
    from harmonize.terminology.added_sets import added_sets
    from harmonize.terminology.installed import installed_systems
    from harmonize.terminology.store import Terminologies

    entries, wrong = installed_systems(Terminologies.installed())
    if as_json:
        print_json(entries)
    for entry in () if as_json else entries:
        edition = entry["version"] or "codes in use"
        whole = "" if entry["complete"] else ", not all of its codes"
        print(f"{entry['system']:<12} {edition:<18} {entry['concepts']:>7} concepts{whole}  {entry['title']}")
        print(f"{'':<12} {entry['tier']}, {entry['licence']}; source sha256 {entry['sha256']}")
        if entry["tier"] == "user":
            print(f"{'':<12} added by you: {entry['file']}")
    for name, path in () if as_json else added_sets().items():
        print(f"{'code map':<12} {name}  added by you: {path}")
    for entry in entries:
        say_editions(entry)
    say_damaged(wrong)


@app.command("build")
def build(
    only: Annotated[
        list[str] | None, typer.Argument(metavar="[SYSTEM...]", help="Systems of the manifest; by default all.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the compiled files; by default ontologies/ of the checkout.")
    ] = None,
    downloads: Annotated[
        Path, typer.Option(help="Folder that keeps the packages; those in it are not downloaded again.")
    ] = Path("downloads"),
) -> None:
    """Compile the code systems of ontologies/manifest.yaml. Downloads packages from PyPI that are not in --downloads."""
    from harmonize.shipped import ontologies_folder
    from harmonize.terminology.build import build as compile_systems

    for path in compile_systems(out or ontologies_folder(), downloads, only or ()):
        say(f"written: {path}")


@app.command("add")
def add(
    file: Annotated[Path, typer.Argument(help="A file, .gz, .xz or .zip, or the folder of a release.")],
    system: Annotated[
        str, typer.Option(help="CURIE prefix, such as ICD10GM; needed where the file does not state its system.")
    ] = "",
    version: Annotated[str, typer.Option(help="Edition; needed where the file does not state it.")] = "",
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="babelon, cellxgene, claml, conceptmap, delimited, fhir, hpoa, loinc, obo, obographs, omop, orphanet, owl, rf2, sssom, "
            "valueset; found by itself.",
        ),
    ] = "",
    licence: Annotated[str, typer.Option(help="Licence under which you hold the file.")] = "",
    column: Annotated[
        list[str] | None, typer.Option(help="Of a list: code=NAME, label=NAME, parent=NAME, synonyms=NAME.")
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="The file holds only some codes of the system.")] = False,
    whole: Annotated[bool, typer.Option("--whole", help="The file, a list, holds all codes of the system.")] = False,
    encoding: Annotated[str, typer.Option(help="utf-8, iso-8859-1, iso-8859-15 or windows-1252.")] = "utf-8",
    candidates: Annotated[
        bool, typer.Option("--candidates", help="Of translations: those too that nobody has confirmed.")
    ] = False,
    language: Annotated[
        str,
        typer.Option(help="Of SNOMED CT: language of the labels, such as da, or the id of a language reference set."),
    ] = "",
    into: Annotated[
        Path | None, typer.Option(envvar="HARMONIZE_TERMINOLOGIES", help="Folder for compiled code systems.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compile a code system, or take a code map, from a file that you may use. Nothing is fetched; what was there stays where it fails."""
    from harmonize.curation.add_worker import MODULE
    from harmonize.terminology.add import add_code_system
    from harmonize.terminology.compiling import Order
    from harmonize.terminology.store import user_folder

    columns = dict(_column(text) for text in column or ())
    order = Order(str(file), system, version, form, licence, columns, partial, whole, encoding, candidates, language)
    added = add_code_system(order, into or user_folder(), worker=MODULE)
    if as_json:
        print_json(added)
        return
    for sentence in added["said"]:
        say(f"note: {sentence}")
    if added["file"]:
        say(f"written: {added['file']} ({added['system']} {added['version']}, {added['concepts']} concepts)")
    for one in added["sets"]:
        say(f"written: {one['file']} (code map {one['name']}, {one['rows']} mappings)")


@app.command("pull")
def pull(
    name: Annotated[str, typer.Argument(help="A source of ontologies/sources.yaml; `list` names them all.")],
    sha256: Annotated[
        str, typer.Option(help="The digest of the file, where its address moves with every release.")
    ] = "",
    version: Annotated[str, typer.Option(help="Edition, where the file does not state it.")] = "",
    mirror: Annotated[
        Path | None,
        typer.Option(envvar="HARMONIZE_MIRROR", help="A folder with the files, in place of the network."),
    ] = None,
    proxy: Annotated[
        str, typer.Option(envvar="HARMONIZE_PROXY", help="Proxy, as http://host:port; by default that of HTTPS_PROXY.")
    ] = "",
    sources: Annotated[Path | None, typer.Option(help="Another sources.yaml, of your own.")] = None,
    into: Annotated[
        Path | None, typer.Option(envvar="HARMONIZE_TERMINOLOGIES", help="Folder for what is compiled.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a code system or code map from its official address, check its digest and compile it. The only verb that uses the network."""
    from harmonize.terminology.pull import Pull, load_sources
    from harmonize.terminology.pull import pull as pull_source
    from harmonize.terminology.store import user_folder

    if name == "list":
        _list_sources(*load_sources(sources), as_json=as_json)
        return
    asked = Pull(name, sha256, version, mirror, proxy, sources)
    added = pull_source(asked, into or user_folder())
    if as_json:
        print_json(added)
        return
    for sentence in added["said"]:
        say(f"note: {sentence}")
    say(f"written: {added['file']} (SHA-256 of the source {added['sha256']}; licence: {added['licence']})")


def _list_sources(pulled: Mapping[str, Origin], by_hand: Mapping[str, ByHand], *, as_json: bool) -> None:
    """What can be pulled, and what a person has to fetch."""
    if as_json:
        stated = [
            {
                "name": o.name,
                "kind": o.kind,
                "title": o.title,
                "address": o.address,
                "sha256": o.sha256,
                "licence": o.licence,
            }
            for o in pulled.values()
        ]
        print_json({"sources": stated, "by_hand": [{"name": name, **vars(one)} for name, one in by_hand.items()]})
        return
    for origin in pulled.values():
        digest = "" if origin.sha256 else " (needs --sha256)"
        print(f"{origin.name:<24} {origin.kind:<9} {origin.title} ({origin.licence}){digest}")
    for name, one in by_hand.items():
        print(f"{name:<24} {'by hand':<9} {one.title}: {one.where}")


def _column(text: str) -> tuple[str, str]:
    role, equals, name = text.partition("=")
    if not equals or not name:
        raise CallError(f"--column {text!r} is not written as code=NAME")
    return role, name


def _as_written(code: str) -> str:
    """*code* as its system writes it, where it can be read: `ICD10CM:E119` is `ICD10CM:E11.9`."""
    from harmonize.terminology.notation import NotACode, load_systems

    prefix, _, local = code.strip().partition(":")
    parsed = load_systems().parse(local, prefix) if prefix in load_systems() else None
    return code if parsed is None or isinstance(parsed, NotACode) else str(parsed)


@app.command("lookup")
def lookup(
    code: Annotated[str, typer.Argument(help="A CURIE, such as HP:0001250.")],
    edition: Annotated[str, typer.Option(help="The edition that is meant; by default the newest.")] = "",
    date: Annotated[
        str, typer.Option(help="Date of the statement, for systems that have an edition for each year.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """What is known of a code. Leaves with 1 where it is unknown."""
    from harmonize.terminology.answers import as_json as answer_as_json
    from harmonize.terminology.editions import year_of
    from harmonize.terminology.store import Terminologies

    if ":" not in code:
        raise CallError(
            f"{code!r} is no CURIE. To mend it: write it as HP:0001250, or look for words with `harmonize terminology search`"
        )
    if date and not year_of(date):
        raise CallError("--date is no date. To mend it: write it as 2022-05-01, 2022-05 or 2022")
    answer = answer_as_json(Terminologies.installed().lookup_in(_as_written(code), edition, date))
    if as_json:
        print_json(answer)
    else:
        print(f"{answer['code']}: {answer['status']}" + (f", {answer['label']}" if answer.get("label") else ""))
        for candidate in answer["candidates"]:
            print(f"  {candidate['code']} {candidate['label']}")
        if answer.get("reason"):
            say(answer["reason"])
    if answer["status"] == "unknown":
        raise typer.Exit(1)


@app.command("search")
def search(
    text: Annotated[list[str], typer.Argument(help="Words of a label or synonym.")],
    system: Annotated[str | None, typer.Option(help="Only in this code system.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many terms.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Terms with all the words in a label or synonym."""
    from harmonize.errors import UnknownNameError
    from harmonize.terminology.store import Terminologies

    terminologies = Terminologies.installed()
    if system is not None and system not in terminologies.paths:
        raise UnknownNameError("code system", system, terminologies.paths)
    found = terminologies.search(" ".join(text), system, limit)
    if as_json:
        print_json([term._asdict() for term in found])
        return
    for term in found:
        print(f"{term.code:<16} {term.label}")
    if not found:
        say("nothing found")


@app.command("translate")
def translate(
    code: Annotated[str, typer.Argument(help="A CURIE, such as SNOMEDCT:248152002.")],
    to: Annotated[str, typer.Option(metavar="SYSTEM", help="The system that the code is wanted in.")],
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="FILE|NAME",
            help="An SSSOM file beside the code maps that ship, or the name of one of them: then only those named are used.",
        ),
    ] = None,
    predicates: Annotated[
        str, typer.Option(help="What is accepted, best first: exact, close, broad, narrow, related.")
    ] = "exact",
    through: Annotated[
        list[str] | None, typer.Option(metavar="SYSTEM", help="A system to go through; several in their order.")
    ] = None,
    minimum_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Rows that state less confidence, or none, do not count.")
    ] = 0,
    outcome: Annotated[
        str, typer.Option(help="Of a test: its result as the code map names it, such as H, L, N, POS or NEG.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """A code in another system, over the code maps. Leaves with 1 where it is not mapped."""
    from harmonize.terminology.code_maps import load_code_maps, parse_code, parse_system

    accepted = _accepted(predicates)
    maps = load_code_maps(sets or ())
    for stray in maps.strays:
        say(f"note: {stray}")
    known = maps.systems()
    answer = maps.translate(
        parse_code(code, known),
        parse_system(to, known),
        predicates=accepted,
        through=[parse_system(system, known) for system in through or ()],
        minimum_confidence=minimum_confidence,
        outcome=outcome,
    )
    if as_json:
        print_json(answer.as_json())
    else:
        print(f"{answer.source}: {answer.status}")
        for target in answer.targets:
            way = f" through {', '.join(target.through)}" if target.through else ""
            signs = f" [{', '.join(target.modifiers)}]" if target.modifiers else ""
            part = f" [scenario {target.scenario}, list {target.choice_list}]" if target.scenario else ""
            absent = " [excluded]" if target.excluded else ""
            print(f"  {target.code}{signs}{part}{absent} {target.predicate}{way} ({target.mapping_set})")
        if answer.reason:
            say(answer.reason)
    if answer.status == "not-mapped":
        raise typer.Exit(1)


def _accepted(predicates: str) -> list[str]:
    from harmonize.errors import UnknownNameError
    from harmonize.terminology.predicates import SHORT

    names = [name.strip() for name in predicates.split(",")]
    for name in names:
        if name not in SHORT:
            raise UnknownNameError("predicate", name, SHORT)
    return [SHORT[name] for name in names]


@app.command("members")
def members(
    file: Annotated[Path, typer.Argument(metavar="VALUESET.json", help="A FHIR ValueSet, R4 or R5.")],
    codes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CODE...]", help="CURIEs to ask for; by default all members are listed."),
    ] = None,
    imports: Annotated[
        list[Path] | None, typer.Option("--import", help="A ValueSet that it imports; may be given several times.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The codes of a value set over the code systems that are installed, or whether codes are in it: yes, no, not-checked.

    Asked for codes, it leaves with 1 where one is not in the set for certain.
    """
    from harmonize.terminology.store import Terminologies
    from harmonize.terminology.value_set_definition import read_value_set
    from harmonize.terminology.value_sets import ValueSets

    definition, *imported = map(read_value_set, (file, *(imports or ())))
    made = ValueSets(Terminologies.installed(), imported).compiled(definition)
    for note in made.notes:
        say(note)
    answers = {code: made.membership(code).value for code in codes or ()}
    listed = [] if codes else sorted(made.members)
    if as_json:
        head = {
            "url": definition.url,
            "version": definition.version,
            "members": len(made.members),
            "closed": made.closed,
        }
        print_json({**head, "notes": list(made.notes), **({"answers": answers} if codes else {"codes": listed})})
    else:
        for line in [f"{code} {answer}" for code, answer in answers.items()] or listed:
            print(line)
    if any(answer != "yes" for answer in answers.values()):
        raise typer.Exit(1)


@app.command("diff")
def diff(
    before: Annotated[
        Path,
        typer.Argument(metavar="A", help="The older edition: a compiled file, or SYSTEM@EDITION of what is installed."),
    ],
    after: Annotated[Path, typer.Argument(metavar="B", help="The newer edition.")],
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", "--mappings", metavar="FILE|NAME", help="A mapping set: which of its rows the change touches."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What is new, retired, relabelled and moved between two editions, and what that does to mapping sets."""
    from harmonize.curation.edition_diff import diff as compare
    from harmonize.curation.edition_diff import open_edition
    from harmonize.terminology.code_map_files import find_table
    from harmonize.terminology.sssom import read_mapping_set

    found = compare(
        open_edition(before), open_edition(after), [read_mapping_set(find_table(name)) for name in sets or ()]
    )
    if as_json:
        print_json(found.as_json())
        return
    print(f"{found.system} {found.before} -> {found.after}")
    for new in found.new:
        print(f"{'restored' if new.restored else 'new':<11} {new.code} {new.label}")
    for retired in found.retired:
        instead = f" -> {', '.join(retired.candidates)}" if retired.candidates else ""
        print(f"{'retired':<11} {retired.code} {retired.label}: {retired.status}{instead}")
    for relabelled in found.relabelled:
        print(f"{'relabelled':<11} {relabelled.code} {relabelled.label_before} -> {relabelled.label}")
    for moved in found.moved or ():
        print(
            f"{'moved':<11} {moved.code} {moved.label}: {', '.join(moved.parents_before)} -> {', '.join(moved.parents)}"
        )
    if found.moved is None:
        say("moved: not checked, for one of the editions has no hierarchy")
    for row in found.touched:
        now = f" -> {', '.join(row.now)}" if row.now else ""
        print(f"{'touched':<11} {row.mapping_set} line {row.row} {row.column}: {row.code} {row.change}{now}")
