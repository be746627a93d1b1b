"""Code systems at run time: one read-only SQLite file per system and edition, opened in milliseconds.

Real records repeat their codes, so answers are memoised per process. Workers are given paths, not objects.
"""

from __future__ import annotations

import os
import re
import sqlite3
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

from harmonize.errors import CallError, SpecificationError
from harmonize.shipped import ontologies_folder
from harmonize.terminology import ucum
from harmonize.terminology.annotations import Annotation
from harmonize.terminology.answers import Ambiguous, Answer, Found, NotChecked, Obsolete, Replaced, Unknown
from harmonize.terminology.edition_order import Editions, in_order
from harmonize.terminology.editions import choose, year_of
from harmonize.terminology.notation import load_systems

FORMAT = "1"
CACHE_LIMIT = 500_000
_META = frozenset(("system", "title", "version", "licence", "sha256", "complete", "concepts"))


def normalise(text: str) -> str:
    """Text as it is compared: NFKC, case folded, runs of blanks and punctuation as one blank.

    >>> normalise("  Atrial septal-DEFECT ")
    'atrial septal defect'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"[^\W_]+", folded))


def user_folder() -> Path:
    """Where `harmonize terminology add` puts code systems: `HARMONIZE_TERMINOLOGIES`, else the data folder of XDG."""
    stated = os.environ.get("HARMONIZE_TERMINOLOGIES")
    if stated:
        return Path(stated)
    data = Path(os.environ.get("XDG_DATA_HOME", ""))
    if not data.is_absolute():  # the specification of XDG: ignore it then
        try:
            data = Path.home() / ".local" / "share"
        except RuntimeError:  # nobody's account, as in some containers
            data = Path("/nonexistent")
    return data / "harmonize" / "terminologies"


def editions_in(folder: Path) -> dict[str, Editions]:
    """CURIE prefix -> the editions that lie in *folder*, as `<system>-<edition>.sqlite`, from the oldest to the newest."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.sqlite")):
        system, _, edition = path.name.removesuffix(".sqlite").partition("-")
        found.setdefault(system, []).append(edition)
    return {system: in_order(names) for system, names in found.items()}


class CodeSystemStore:
    """One edition of one code system. Raises SpecificationError, now or at a question, where the file is damaged or no store."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"  # quotes what a URI cannot hold: ? # % and blanks
            self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        except sqlite3.Error:
            raise self._damaged("it cannot be opened") from None
        with ExitStack() as undo:
            undo.callback(self._connection.close)
            self.meta = self._checked_meta()
            undo.pop_all()
        self.system, self.version = self.meta["system"], self.meta["version"]
        self.complete = self.meta["complete"] == "true"

    def _checked_meta(self) -> Mapping[str, str]:
        self._one("PRAGMA mmap_size=268435456")
        meta = dict(self._all("SELECT key, value FROM meta"))
        if meta.get("format") != FORMAT:
            raise SpecificationError(
                f"compiled by another version of harmonize (its format is {str(meta.get('format'))[:20]}, here it is {FORMAT})",
                file=str(self.path),
                fix="compile it again with `harmonize terminology add` or `build`",
            )
        if lost := _META - meta.keys():
            raise self._damaged(f"it does not state {min(lost)}")
        pages, size = self._one("PRAGMA page_count")[0], self._one("PRAGMA page_size")[0]
        if self.path.stat().st_size != pages * size:
            raise self._damaged("it is cut off, or something stands behind its end")
        return meta

    def _damaged(self, why: str) -> SpecificationError:
        return SpecificationError(
            f"no compiled code system, or a damaged one: {why}",
            file=str(self.path),
            fix="compile it again with `harmonize terminology add` or `build`, or delete it",
        )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _one(self, query: str, *values: Any) -> Any:
        try:
            return self._connection.execute(query, values).fetchone()
        except sqlite3.DatabaseError as error:
            raise self._unreadable(error) from None

    def _all(self, query: str, *values: Any) -> list[Any]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: sqlite3.DatabaseError) -> SpecificationError:
        return self._damaged(f"{type(error).__name__} when it was read")

    def _term(self, number: int) -> Found:
        code, label = self._one("SELECT code, label FROM term WHERE id = ?", number)
        return Found(code, label, self.system, self.version)

    def lookup(self, code: str) -> Answer:
        """What the edition says of the CURIE *code*; alternative ids and replacements are followed to the active term."""
        row = self._one("SELECT id, label, obsolete FROM term WHERE code = ?", code)
        if row is None:
            alternative = self._one("SELECT term FROM alternative WHERE code = ?", code)
            if alternative is not None:
                return Replaced(code, self._term(alternative[0]), obsolete=False)
            if self.complete:
                return Unknown(code, self.system, self.version)
            return NotChecked(code, self.system, f"only some codes of {self.system} are installed")
        number, label, obsolete = row
        if not obsolete:
            return Found(code, label, self.system, self.version)
        active = self._active_replacement(number)
        if active is not None:
            return Replaced(code, active, obsolete=True)
        candidates = self._all("SELECT target FROM replacement WHERE term = ? ORDER BY target", number)
        return Obsolete(code, label, self.system, self.version, tuple(self._candidates(code for (code,) in candidates)))

    def _candidates(self, codes: Iterator[str]) -> Iterator[Found]:
        for code in codes:
            answer = self.lookup(code)
            if isinstance(answer, Found):
                yield answer
            elif isinstance(answer, Replaced):
                yield answer.by

    def _active_replacement(self, number: int) -> Found | None:
        """Follow `replaced_by` as long as there is exactly one; None at a fork, a loop or an end that is not active."""
        seen = {number}
        while True:
            targets = self._all("SELECT target FROM replacement WHERE term = ? AND kind = 'replaced_by'", number)
            if len(targets) != 1:
                return None
            row = self._one("SELECT id, obsolete FROM term WHERE code = ?", targets[0][0])
            if row is None:
                alternative = self._one("SELECT term FROM alternative WHERE code = ?", targets[0][0])
                return self._term(alternative[0]) if alternative else None
            number = row[0]
            if number in seen:
                return None
            seen.add(number)
            if not row[1]:
                return self._term(number)

    def ancestors(self, code: str) -> frozenset[str]:
        """All more general terms of an active *code*, itself included; empty where the edition has none."""
        query = "SELECT t.code FROM term s JOIN closure c ON c.term = s.id JOIN term t ON t.id = c.ancestor WHERE s.code = ?"
        found = {row[0] for row in self._all(query, code)}
        return frozenset(found | {code}) if self._one("SELECT 1 FROM term WHERE code = ?", code) else frozenset()

    def descendants(self, code: str) -> frozenset[str]:
        """All more special terms of *code*, itself included."""
        query = "SELECT t.code FROM term s JOIN closure c ON c.ancestor = s.id JOIN term t ON t.id = c.term WHERE s.code = ?"
        found = {row[0] for row in self._all(query, code)}
        return frozenset(found | {code}) if self._one("SELECT 1 FROM term WHERE code = ?", code) else frozenset()

    def terms(self) -> Iterator[tuple[str, str, bool]]:
        """Code, label and whether it is obsolete, of every term, by code."""
        rows = self._all("SELECT code, label, obsolete FROM term ORDER BY code")
        return ((code, label, bool(obsolete)) for code, label, obsolete in rows)

    def hierarchy(self) -> dict[str, set[str]]:
        """Code -> all more general terms, of every term that has any."""
        query = "SELECT s.code, t.code FROM closure c JOIN term s ON s.id = c.term JOIN term t ON t.id = c.ancestor"
        made: dict[str, set[str]] = {}
        for code, ancestor in self._all(query):
            if code != ancestor:
                made.setdefault(code, set()).add(ancestor)
        return made

    def label(self, code: str) -> str:
        """The label of *code*, empty where the edition does not have the code."""
        row = self._one("SELECT label FROM term WHERE code = ?", code)
        return str(row[0]) if row else ""

    def names(self, code: str) -> list[tuple[str, str]]:
        """(kind, text) of the label and the synonyms of *code*."""
        query = (
            "SELECT n.kind, n.text FROM name n JOIN term t ON t.id = n.term WHERE t.code = ? ORDER BY n.kind, n.text"
        )
        label = self.label(code)
        labels = [("label", label)] if label else []
        return labels + [(kind, text) for kind, text in self._all(query, code)]

    def languages(self, code: str) -> list[tuple[str, str]]:
        """(BCP 47 tag, text) of those names of *code* whose language the source states."""
        if not self._one("SELECT 1 FROM sqlite_master WHERE name = 'language'"):
            return []
        query = (
            "SELECT l.tag, l.text FROM language l JOIN term t ON t.id = l.term WHERE t.code = ? ORDER BY l.tag, l.text"
        )
        return [(tag, text) for tag, text in self._all(query, code)]

    def named(self, language: str | None = None) -> Iterator[tuple[str, str, str]]:
        """(code, kind, text) of every name of every active term, labels as kind `label`; with a *language*, of names in it.

        A language is a BCP 47 tag: `de` takes `de-AT` too. There are none where the source states no languages.
        """
        if language is None:
            labels = "SELECT code, 'label', label FROM term WHERE obsolete = 0 AND label <> ''"
            names = "SELECT t.code, n.kind, n.text FROM name n JOIN term t ON t.id = n.term WHERE t.obsolete = 0"
            yield from self._connection.execute(f"{labels} UNION ALL {names} ORDER BY 1, 2, 3")
        elif self._one("SELECT 1 FROM sqlite_master WHERE name = 'language'"):
            query = (
                "SELECT t.code, CASE WHEN l.text = t.label THEN 'label' ELSE coalesce(min(n.kind), 'exact') END, l.text "
                "FROM language l JOIN term t ON t.id = l.term LEFT JOIN name n ON n.term = l.term AND n.text = l.text "
                "WHERE t.obsolete = 0 AND (lower(l.tag) = ? OR lower(l.tag) LIKE ?) GROUP BY 1, 3 ORDER BY 1, 2, 3"
            )
            yield from self._connection.execute(query, (language.lower(), f"{language.lower()}-%"))

    def annotations(self, *, disease: str = "", phenotype: str = "") -> list[Annotation]:
        """What the store says of the phenotypes of *disease*, or of diseases with *phenotype*; nothing where it holds no annotations."""
        if not self._one("SELECT 1 FROM sqlite_master WHERE name = 'annotation'"):
            return []
        wanted = {"disease": disease, "phenotype": phenotype}
        given = {column: code for column, code in wanted.items() if code}
        if not given:
            raise CallError("annotations of nothing. To mend it: name a disease or a phenotype")
        where = " AND ".join(f"{column} = ?" for column in given)
        rows = self._all(f"SELECT * FROM annotation WHERE {where} ORDER BY id", *given.values())  # noqa: S608 - names of ours
        return [Annotation(*row[1:])._replace(excluded=bool(row[3])) for row in rows]

    def xrefs(self, code: str) -> list[str]:
        """Cross references of *code*. They are untyped: never exact matches."""
        query = "SELECT x.target FROM xref x JOIN term t ON t.id = x.term WHERE t.code = ? ORDER BY x.target"
        return [row[0] for row in self._all(query, code)]

    def by_text(self, text: str) -> Answer:
        """The active term whose label or exact synonym is *text*. A label wins over synonyms of other terms."""
        for kinds in ("('label')", "('label','exact','alias')"):
            query = (
                f"SELECT DISTINCT t.id FROM searched n JOIN term t ON t.id = n.term "  # noqa: S608 - constants of ours
                f"WHERE n.norm = ? AND n.kind IN {kinds} AND t.obsolete = 0 ORDER BY t.id"
            )
            rows = self._all(query, normalise(text))
            if len(rows) == 1:
                return self._term(rows[0][0])
            if rows:
                return Ambiguous(text, self.system, tuple(self._term(row[0]) for row in rows))
        if self.complete:
            return Unknown(text, self.system, self.version)
        return NotChecked(text, self.system, f"only some codes of {self.system} are installed")

    def search(self, text: str, limit: int = 20) -> list[Found]:
        """Active terms with all words of *text* in one name, exact names first, then the shortest names."""
        norm = normalise(text)
        words = norm.split()
        if not words:
            return []
        # Built of constants only; the words are parameters.
        query = (
            "SELECT n.norm, n.term FROM searched n JOIN term t ON t.id = n.term WHERE t.obsolete = 0"  # noqa: S608
            + " AND ' ' || n.norm LIKE ?" * len(words)
            + " ORDER BY n.norm <> ?, length(n.norm), t.code LIMIT ?"
        )
        rows = self._all(query, *(f"% {word}%" for word in words), norm, limit * 5)
        return [self._term(number) for number in list(dict.fromkeys(row[1] for row in rows))[:limit]]


class Terminologies:
    """The code systems that are installed, by CURIE prefix. Opened when first used; pickles as paths.

    *beside* are the files of other editions of the same systems, which answer only where they are the right ones.
    """

    def __init__(self, paths: Mapping[str, Path], beside: Iterable[Path] = ()) -> None:
        self.paths = dict(paths)
        self.beside = tuple(beside)
        self._stores: dict[str, CodeSystemStore] = {}
        self._answers: dict[str, Answer] = {}
        self._ancestors: dict[str, frozenset[str]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"paths": self.paths, "beside": self.beside}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["paths"], state["beside"])  # type: ignore[misc]

    @classmethod
    def installed(cls, folder: Path | None = None) -> Terminologies:
        """All compiled systems in *folder*; by default those that ship with harmonize and those of the user's folder, which win.

        Of several editions of a system in one folder the newest counts, by the dates or numbers of their names (`edition_order`).
        """
        places = [folder] if folder else [ontologies_folder(), user_folder()]
        found = [(place, editions_in(place)) for place in places]
        used = {
            system: place / f"{system}-{editions.newest}.sqlite" if editions.newest else place / f"{system}.sqlite"
            for place, by_system in found
            for system, editions in by_system.items()
        }
        files = [path for place in places for path in sorted(place.glob("*.sqlite"))]
        return cls(used, [path for path in files if path not in used.values()])

    def store(self, system: str) -> CodeSystemStore | None:
        """The store of *system*, or None where it is not installed."""
        store = self._stores.get(system)
        if store is None and system in self.paths:
            store = CodeSystemStore(self.paths[system])
            if store.system != system:
                store.close()
                raise SpecificationError(
                    f"its name says {system} and it holds {store.system[:40]}",
                    file=str(store.path),
                    fix=f"name it {store.system[:40]}-{store.version[:40]}.sqlite, or delete it",
                )
            self._stores[system] = store
        return store

    def stores(self) -> list[CodeSystemStore]:
        """The store of every system that is used where nothing is said of its edition, by name."""
        return [store for system in sorted(self.paths) if (store := self.store(system))]

    @cached_property
    def _stores_beside(self) -> list[CodeSystemStore]:
        return [CodeSystemStore(path) for path in self.beside]

    def all_editions(self) -> list[CodeSystemStore]:
        """The stores of all systems and editions, by name."""
        return sorted([*self.stores(), *self._stores_beside], key=lambda store: store.system)

    def editions_of(self, system: str) -> list[CodeSystemStore]:
        """All installed editions of *system*; the last one is used where nothing is said of the edition."""
        store = self.store(system)
        return [beside for beside in self._stores_beside if beside.system == system] + ([store] if store else [])

    def lookup(self, code: str) -> Answer:
        """What is known of the CURIE *code*.

        >>> Terminologies.installed().lookup("HP:0001250").label
        'Seizure'
        """
        answer = self._answers.get(code)
        if answer is None:
            answer = self._remember(self._answers, code, self._lookup)
        return answer

    def _lookup(self, code: str) -> Answer:
        system, _, local = code.partition(":")
        if system == "UCUM":  # a grammar and no list of codes
            return ucum.check_unit(local)
        store = self.store(system)
        return store.lookup(code) if store else NotChecked(code, system, f"{system} is not installed")

    def lookup_in(self, code: str, edition: str = "", date: str = "") -> Answer:
        """What is known of the CURIE *code* in the edition that the statement means: the stated one, else that of its date.

        Never the answer of another edition: where the right one is not installed, `NotChecked` says so. Which systems have
        editions that differ so is said in mappings/systems (`editions`); of the others the newest edition answers.
        """
        rule = system.editions if (system := load_systems().get(code.partition(":")[0])) else None
        if rule is None and not edition:
            return self.lookup(code)
        key = f"{code}\n{edition}\n{year_of(date)}"
        answer = self._answers.get(key)
        if answer is None:
            answer = self._remember(self._answers, key, lambda _: self._lookup_in(code, rule, edition, date))
        return answer

    def _lookup_in(self, code: str, rule: str | None, edition: str, date: str) -> Answer:
        system = code.partition(":")[0]
        stores = self.editions_of(system)
        if not stores:
            return self.lookup(code)
        chosen = choose(rule, [store.version for store in stores], edition, date)
        if isinstance(chosen, str):
            return NotChecked(code, system, chosen)
        answer = stores[chosen.place].lookup(code)
        if isinstance(answer, Unknown) and not chosen.certain:
            what = f"the year of its edition is not stated, and {system} {answer.version} does not have all codes of all years"
            return NotChecked(code, system, what)
        return answer

    def names(self, code: str, edition: str) -> list[tuple[str, str]]:
        """(kind, text) of the label and the synonyms of *code* in the installed edition *edition*."""
        stores = self.editions_of(code.partition(":")[0])
        return next((store.names(code) for store in reversed(stores) if store.version == edition), [])

    def _remember(self, memo: dict[str, Any], code: str, compute: Callable[[str], Any]) -> Any:
        if len(memo) >= CACHE_LIMIT:
            memo.clear()
        memo[code] = answer = compute(code)
        return answer

    def resolve(self, code: str) -> Answer:
        """The active term of *code* as `Found`, or the answer that says why there is none."""
        answer = self.lookup(code)
        return answer.by if isinstance(answer, Replaced) else answer

    def ancestors(self, code: str) -> frozenset[str]:
        """All more general terms of *code*, itself included."""
        found = self._ancestors.get(code)
        if found is None:
            store = self.store(code.partition(":")[0])
            found = self._remember(self._ancestors, code, store.ancestors if store else lambda _: frozenset())
        return found

    def is_a(self, code: str, ancestor: str) -> bool:
        """Whether *code* is *ancestor* or more special.

        >>> Terminologies.installed().is_a("HP:0002069", "HP:0001250")
        True
        """
        return ancestor in self.ancestors(code)

    def by_text(self, system: str, text: str) -> Answer:
        """The term of *system* whose label or exact synonym is *text*."""
        store = self.store(system)
        return store.by_text(text) if store else NotChecked(text, system, f"{system} is not installed")

    def search(self, text: str, system: str | None = None, limit: int = 20) -> list[Found]:
        """Terms of one or all systems with all words of *text*."""
        stores = [self.store(system)] if system else self.stores()
        return [found for store in stores if store for found in store.search(text, limit)][:limit]

    def annotations(self, *, disease: str = "", phenotype: str = "") -> list[Annotation] | None:
        """The annotations of HPO (phenotype.hpoa) of a disease, or with a phenotype; None where they are not installed."""
        store = self.store("HPOA")
        return store.annotations(disease=disease, phenotype=phenotype) if store else None

    @cached_property
    def _editions(self) -> dict[str, str]:
        by_year = {name for name, system in load_systems().items() if system.editions == "by-year"}
        several = {store.system for store in self._stores_beside} & by_year
        stores = [store for store in self.stores() if store.version and store.system not in several]
        return {store.system: store.version for store in stores} | {"UCUM": ucum.VERSION}

    def editions(self) -> dict[str, str]:
        """CURIE prefix -> installed edition; a list of the codes in use from several editions has none.

        Nor has a system of which an edition for each year is installed: its codes are of the year that each states.
        """
        return dict(self._editions)

    def digests(self) -> list[dict[str, str]]:
        """Every installed system and edition for manifests: the digest of its source, and that of source and options together."""
        return [
            {
                "system": store.system,
                "version": store.version,
                "source_sha256": store.meta["sha256"],
                "digest": store.meta.get("digest", store.meta["sha256"]),
            }
            for store in self.all_editions()
        ]
