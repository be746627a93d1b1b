"""From a file to a store: the format is found, its terms are read, named, checked and written. Runs in the process that `add` starts."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harmonize.errors import CallError, InputError, NotAvailableError
from harmonize.shipped import ontologies_folder
from harmonize.terminology.added_sets import write_set
from harmonize.terminology.build import Term, write_store
from harmonize.terminology.canonical_codes import CanonicalCodes, without_strays
from harmonize.terminology.formats import FORMATS, PLANNED, SETS, TRANSLATIONS
from harmonize.terminology.formats.babelon import add_translations, find_base
from harmonize.terminology.formats.detect import find_format
from harmonize.terminology.formats.source import Request, Source, Stated, open_sources
from harmonize.terminology.notation import load_systems
from harmonize.terminology.store import FORMAT, Terminologies

PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,39}")
SetReader = Callable[[Sequence[Source]], str]
"""The file of a code map -> SSSOM TSV."""


@dataclass(frozen=True)
class Order:
    """What `harmonize terminology add` was asked."""

    file: str
    system: str = ""
    version: str = ""
    format: str = ""
    licence: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    partial: bool = False
    whole: bool = False
    """A list, which does not say so itself, holds all codes of its system."""
    encoding: str = "utf-8"
    candidates: bool = False
    """Translations that nobody has confirmed count too."""
    language: str = ""
    """Of SNOMED CT: the language of the labels, or the id of a language reference set."""
    into: str = ""
    """The folder of what was added before; `add_code_system` states it."""


def compile_file(order: Order, target: Path, sets: Mapping[str, SetReader] = SETS) -> dict[str, Any]:
    """Read the file and write the store *target*, and the code maps that it holds beside that, in this process.

    *sets*: the formats of code maps, of which no store is written.
    """
    path = Path(order.file)
    sources = open_sources(path, order.encoding)
    form = order.format or find_format(sources, order.columns)
    if form in sets:
        _check_set(order)
        made = [write_set(sets[form](sources), target.parent, path.name)._asdict()]
        return {"system": None, "version": None, "format": form, "concepts": 0, "sets": made, "said": []}
    if form in PLANNED:
        raise NotAvailableError(
            f"the format {form!r} here", "The command line reads it, and harmonize.curation.add_worker."
        )
    if form == TRANSLATIONS:
        return _translate(order, sources, target)
    stated = Stated()
    request = Request(order.system.partition("/")[0], order.version, order.columns, order.encoding, order.language)
    terms = _collect(FORMATS[form](sources, request, stated), order, sources, stated)
    system = _system(order, stated)
    version = order.version or stated.version
    if not version:
        raise CallError("the file does not state its edition. To mend it: give --version")
    if stated.version not in ("", version):
        stated.said.append(f"the file calls its edition {stated.version[:80]!r}; --version wins")
    if not terms:
        raise InputError("it holds no codes", file=path.name)
    terms.sort(key=lambda term: term.code)
    _say_about(terms, system, stated)
    known = load_systems().get(system)
    if stated.listed and known and not (order.partial or order.whole):
        stated.complete = False
        stated.said.append(
            f"a list does not say that it holds all codes of {system}: those that it lacks count as not checked; "
            "where it holds all, say so with --whole"
        )
    digest, options = _digest(path), _options(order, form, version)
    meta = {
        "format": FORMAT,
        "system": system,
        "title": stated.title or (known.title if known else system),
        "version": version,
        "licence": order.licence or stated.licence or (known.licence if known else "not stated"),
        "citation": f"{stated.title or system}, {version}, as in {path.name}",
        "source": path.name,
        "imported_as": form,
        "sha256": digest,
        "options": options,
        "digest": _joined(digest, options),
        "tier": "user",
        "complete": "true" if stated.complete and not order.partial else "false",
        "concepts": str(len(terms)),
    }
    try:
        write_store(target, terms, meta)
    except InputError as error:
        raise InputError(error.what, file=path.name, fix=error.fix) from None
    answer = {"system": system, "version": version, "format": form, "complete": meta["complete"] == "true"}
    made = [write_set(text, target.parent, path.name)._asdict() for text in stated.sets]
    return {**answer, "concepts": len(terms), "sets": made, "said": stated.said}


def _check_set(order: Order) -> None:
    """A code map says itself what it is: options of code systems mean nothing there."""
    for name in ("system", "version", "licence", "columns", "partial", "whole", "candidates", "language"):
        if getattr(order, name):
            raise CallError(f"--{name.rstrip('s')} means nothing for a code map, which says itself what it is")


def _translate(order: Order, sources: Sequence[Source], target: Path) -> dict[str, Any]:
    """The installed ontology with the names of the file; its digest is of both."""
    added = Terminologies.installed(Path(order.into)).paths if order.into else {}
    base = find_base(sources, order.system, {**Terminologies.installed(ontologies_folder()).paths, **added})
    names, said = add_translations(sources, base, target, candidates=order.candidates)
    with sqlite3.connect(target) as connection:
        meta = dict(connection.execute("SELECT key, value FROM meta"))
        if order.version not in ("", meta["version"]):
            raise CallError(f"the edition {meta['version']} is installed and --version says {order.version[:60]}")
        path = Path(order.file)
        digest, options = _digest(path), _options(order, TRANSLATIONS, meta["version"])
        changed = {
            "sha256": _joined(meta["sha256"], digest),
            "digest": _joined(meta.get("digest", meta["sha256"]), digest, options),
            "options": f"{meta.get('options', '')} {options}".strip(),
            "translations": f"{meta.get('translations', '')} {path.name}".strip(),
            "tier": "user",
        }
        connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", changed.items())
    connection.close()
    answer = {
        "system": meta["system"],
        "version": meta["version"],
        "format": TRANSLATIONS,
        "complete": meta["complete"] == "true",
    }
    return {**answer, "concepts": int(meta["concepts"]), "sets": [], "said": [f"{names} names were added", *said]}


def _collect(terms: Iterable[Term], order: Order, sources: Sequence[Source], stated: Stated) -> list[Term]:
    """All terms, by their canonical codes; a code that stands twice is an error where it stands the second time."""
    found: dict[str, Term] = {}
    rows: dict[str, int] = {}
    name: CanonicalCodes | None = None
    folded = 0
    for term in terms:
        if name is None:  # the importer knows its system when it yields its first term
            system = _system(order, stated)
            name = CanonicalCodes(order.system or system, curies=stated.curies)
        name.rename(term)
        if term.code not in found:
            found[term.code] = term
            if term.code in name.wrong:
                rows[term.code] = max((source.line for source in sources), default=0) if len(sources) == 1 else 0
        elif stated.folds and found[term.code] == term:
            folded += 1
        else:
            read = [source for source in sources if source.line]
            what = f"the code {term.code[:60]} stands twice"
            raise read[0].error(what) if len(read) == 1 else InputError(what)
    if folded:
        stated.said.append(f"{folded} codes stand twice with the same words and count once")
    kept, said = without_strays(list(found.values()), name.wrong, rows) if name else ([], [])
    stated.said += said
    own = [term for term in kept if term.code in term.parents]
    for term in own:
        term.parents = [parent for parent in term.parents if parent != term.code]
    if own:
        stated.said.append(f"{len(own)} codes name themselves as their parent, which is passed over")
    return kept


def _system(order: Order, stated: Stated) -> str:
    asked = order.system.partition("/")[0]
    if asked and stated.system not in ("", asked):
        raise CallError(f"the file is of {stated.system[:60]} and --system says {asked}")
    system = asked or stated.system
    if not system:
        raise CallError("the file does not state its code system. To mend it: give --system, such as ICD10GM")
    if not PREFIX.fullmatch(system):
        raise CallError("the name of its code system is no CURIE prefix. To mend it: give --system")
    return system


def _say_about(terms: Sequence[Term], system: str, stated: Stated) -> None:
    """Parents that are not there; those of other systems are left out of an ontology on purpose."""
    lost = {parent for term in terms for parent in term.parents} - {term.code for term in terms}
    own = {parent for parent in lost if parent.startswith(f"{system}:")}
    if own:
        stated.said.append(f"{len(own)} parents are not in the file, such as {min(own)[:60]}")


def _options(order: Order, form: str, version: str) -> str:
    """What was asked, as JSON: the same file with other options is another store."""
    asked = asdict(order) | {"format": form, "version": version}
    return json.dumps({key: asked[key] for key in sorted(asked) if key not in ("file", "into")})


def _joined(*texts: str) -> str:
    return hashlib.sha256("".join(f"{text}\n" for text in texts).encode()).hexdigest()


def _digest(path: Path) -> str:
    """SHA-256 of the file; of a folder that of the names and digests of its files."""
    if path.is_dir():
        names = sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink())
        listed = "".join(f"{_digest(p)}  {p.relative_to(path).as_posix()}\n" for p in names)
        return hashlib.sha256(listed.encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
