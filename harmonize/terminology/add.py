"""`harmonize terminology add`: a file that a user may use -> a compiled code system in the user's folder.

The file is read in a process of its own, which has limits of time and memory and cannot reach the network. It writes aside; what it
wrote is opened and then renamed, so that an edition that was there stays as it was whatever happens.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from harmonize.errors import CallError, HarmonizeError, InputError, NotAvailableError, UnknownNameError
from harmonize.shipped import ontologies_folder
from harmonize.terminology.build import Term, write_store
from harmonize.terminology.canonical_codes import CanonicalCodes, without_strays
from harmonize.terminology.formats import FORMATS, PLANNED, TRANSLATIONS
from harmonize.terminology.formats.babelon import add_translations, find_base
from harmonize.terminology.formats.delimited import ROLES
from harmonize.terminology.formats.detect import find_format
from harmonize.terminology.formats.source import Request, Source, Stated, open_sources
from harmonize.terminology.notation import load_systems
from harmonize.terminology.store import FORMAT, CodeSystemStore, Terminologies, editions_in

TIMEOUT_SECONDS = 900
MEMORY_BYTES = 4 << 30
"""Address space of the process that reads."""
ENCODINGS = ("utf-8", "iso-8859-1", "iso-8859-15", "windows-1252")
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,39}")
_ASIDE = ".adding-"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._+-]+")


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
    into: str = ""
    """The folder of what was added before; `add_code_system` states it."""


def add_code_system(order: Order, into: Path) -> dict[str, Any]:
    """Compile the file into the folder *into*: system, version, format, concepts, file, and what has to be said.

    Raises CallError for a wrong order, InputError for a file that is not what it says; then *into* is as it was.
    """
    _check(order)
    path = Path(order.file)
    if not path.is_file() and not path.is_dir():
        raise CallError(f"there is no file or folder {order.file}")
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone_in(into) as aside:
            answer = _compile_apart(replace(order, into=str(into)), aside / "store.sqlite")
            CodeSystemStore(aside / "store.sqlite").close()
            version = _NOT_IN_NAMES.sub("_", answer["version"])[:60]
            target = into / f"{answer['system']}-{version}.sqlite"
            (aside / "store.sqlite").replace(target)
    except OSError as error:
        raise CallError(f"cannot write into {into}: {error.strerror}") from None
    editions = editions_in(into)[answer["system"]]
    if len(editions.names) > 1:
        why = (
            ""
            if editions.sure
            else ", though their names do not say which is newer: delete those that are not to be used"
        )
        answer["said"].append(
            f"{len(editions.names) - 1} other editions lie there: {editions.newest} is the one that is used{why}"
        )
    return {**answer, "file": str(target)}


@contextmanager
def _alone_in(folder: Path) -> Iterator[Path]:
    """A place of our own inside *folder*, which nobody else adds to meanwhile: another process waits.

    The lock ends with the process that holds it, so whatever lies aside when we hold it was left by one that was killed.
    """
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder.glob(f"{_ASIDE}*"):
            shutil.rmtree(left, ignore_errors=True)
        aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=folder))
        try:
            yield aside
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    finally:
        os.close(lock)


def _check(order: Order) -> None:
    if order.format in PLANNED:
        raise NotAvailableError(f"the format {order.format!r} of `harmonize terminology add`")
    if order.format and order.format not in (*FORMATS, TRANSLATIONS):
        raise UnknownNameError("format of code systems", order.format, (*FORMATS, TRANSLATIONS))
    if order.partial and order.whole:
        raise CallError("--partial and --whole say opposite things. To mend it: give one of them")
    if order.encoding not in ENCODINGS:
        raise UnknownNameError("encoding", order.encoding, ENCODINGS)
    prefix, axis, _ = order.system.partition("/")
    if prefix and not _PREFIX.fullmatch(prefix):
        raise CallError(f"{prefix[:60]!r} is no CURIE prefix. To mend it: write letters and digits, such as ICD10GM")
    if axis and order.system not in load_systems().notations:
        raise UnknownNameError("axis of a code system", order.system, (n for n in load_systems().notations if "/" in n))
    if prefix == "UCUM":
        raise CallError("UCUM is a grammar and no list of codes; it is built in")
    for role in order.columns:
        if role not in ROLES:
            raise UnknownNameError("role of a column", role, ROLES)


def _compile_apart(order: Order, target: Path) -> dict[str, Any]:
    """Compile in a process that can be killed. Its answer, or the error that it names."""
    command = [sys.executable, "-P", "-m", "harmonize.terminology.add", str(target)]
    name = Path(order.file).name
    try:
        done = subprocess.run(
            command, input=json.dumps(asdict(order)).encode(), check=False, capture_output=True, timeout=TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"it was not read within {TIMEOUT_SECONDS} s", file=name) from None
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise InputError(f"the process that reads it broke off ({done.returncode})", file=name) from None
    if "error" in answer:
        if answer["error"] == "CallError":
            raise CallError(answer["what"])
        raise InputError(answer["what"], file=answer["file"], row=answer["row"], fix=answer["fix"])
    return answer


def compile_file(order: Order, target: Path) -> dict[str, Any]:
    """Read the file and write the store *target*, in this process."""
    path = Path(order.file)
    sources = open_sources(path, order.encoding)
    form = order.format or find_format(sources, order.columns)
    if form in PLANNED:
        raise NotAvailableError(f"the format {form!r} of `harmonize terminology add`")
    if form == TRANSLATIONS:
        return _translate(order, sources, target)
    stated = Stated()
    request = Request(order.system.partition("/")[0], order.version, order.columns, order.encoding)
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
    return {**answer, "concepts": len(terms), "said": stated.said}


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
    return {**answer, "concepts": int(meta["concepts"]), "said": [f"{names} names were added", *said]}


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
    if not _PREFIX.fullmatch(system):
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


def _limit() -> None:
    """No more memory than is granted, and no network."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.exec"):
            raise RuntimeError("a code system may not reach the network or start programs")

    sys.addaudithook(refuse)


def _main() -> None:
    order = Order(**json.load(sys.stdin))
    _limit()
    try:
        answer = compile_file(order, Path(sys.argv[1]))
    except InputError as error:
        file = error.file or Path(order.file).name
        answer = {"error": "InputError", "what": error.what, "file": file, "row": error.row, "fix": error.fix}
    except HarmonizeError as error:
        answer = {"error": "CallError", "what": str(error)}
    except MemoryError:
        what = f"more than {MEMORY_BYTES >> 30} GiB of memory are needed to read it"
        answer = {"error": "InputError", "what": what, "file": Path(order.file).name, "row": None, "fix": ""}
    print(json.dumps(answer))


if __name__ == "__main__":
    _main()
