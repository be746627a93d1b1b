"""Lint of mapping sets: what is wrong with their rows and codes, with file and line.

Sets of items are no code maps: none of their codes is looked up, and an item may be several elements of a target.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from harmonize.curation.mapping_table import MappingTable, TableRow, read_mapping_table
from harmonize.curation.set_relations import NamedSet, contradictions, cycles
from harmonize.errors import CallError, SpecificationError
from harmonize.findings import Cell, Finding, Severity
from harmonize.shipped import mappings_folder
from harmonize.terminology.answers import Found, NotChecked, Obsolete, Replaced, Unknown
from harmonize.terminology.code_names import CodeNames
from harmonize.terminology.notation import NotACode
from harmonize.terminology.predicates import STRENGTH, XREF
from harmonize.terminology.sssom import CANDIDATES, NO_TERM, MappingSet, is_refused
from harmonize.terminology.store import Terminologies, normalise
from harmonize.terminology.strict_yaml import load_strict_yaml

SEVERITIES: Mapping[str, Severity] = {
    "mapping.set-unreadable": Severity.ERROR,
    "mapping.set-prefix": Severity.ERROR,
    "mapping.set-predicate": Severity.ERROR,
    "mapping.set-justification": Severity.ERROR,
    "mapping.set-licence": Severity.ERROR,
    "mapping.set-confidence": Severity.ERROR,
    "mapping.set-contradiction": Severity.ERROR,
    "mapping.set-cycle": Severity.ERROR,
    "mapping.set-unknown-code": Severity.ERROR,
    "mapping.set-obsolete-code": Severity.WARNING,
    "mapping.set-label": Severity.WARNING,
    "mapping.set-duplicate": Severity.WARNING,
    "mapping.set-not-checked": Severity.INFO,
}
"""The rules, as `checks/rules.yaml` explains them; a test holds the two together."""
PREDICATES = (*STRENGTH, XREF)
SUFFIX = "*.sssom.tsv"
_SIDES = (("subject_id", "subject_label"), ("object_id", "object_label"))
_STANDARD = frozenset(("sssom", "skos", "semapv", "oboInOwl"))


@dataclass
class Linted:
    """What was read, and what is to be said of it."""

    tables: list[tuple[str, MappingTable]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether any finding is an error."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def files_of(paths: Iterable[Path]) -> list[tuple[str, Path]]:
    """The mapping sets in *paths*, with the names that findings call them by; without paths all that ship."""
    given = list(paths)
    if not given:
        folder = mappings_folder()
        return [(path.relative_to(folder).as_posix(), path) for path in sorted(folder.rglob(SUFFIX))]
    found: list[tuple[str, Path]] = []
    for path in given:
        inside = sorted(path.rglob(SUFFIX)) if path.is_dir() else [path] if path.is_file() else []
        if not inside:
            raise CallError(f"{path} is no mapping set and no folder with one. To mend it: give files {SUFFIX}")
        found += [(str(one), one) for one in inside]
    return list(dict.fromkeys(found))


def lint(files: Iterable[tuple[str, Path]], terminologies: Terminologies) -> Linted:
    """Judge the mapping sets *files*."""
    made = Linted()
    unchecked: dict[str, list[tuple[str, int, str]]] = {}
    named: list[NamedSet] = []
    for name, path in files:
        try:
            table = read_mapping_table(path)
        except SpecificationError as error:
            made.findings.append(_finding("mapping.set-unreadable", error.what, name, error.line))
            continue
        made.tables.append((name, table))
        judged = _Set(name, table, terminologies, unchecked)
        made.findings += judged.findings()
        named.append(NamedSet(name, table, judged.name_of, of_codes=not judged.items))
    made.findings += [_finding("mapping.set-cycle", text, name, line) for name, line, text in cycles(named)]
    for system, places in sorted(unchecked.items()):
        file, line, reason = places[0]
        message = f"{system}: {reason}; cells that were not looked up: {len(places)}"
        made.findings.append(_finding("mapping.set-not-checked", message, file, line))
    return made


def _finding(rule: str, message: str, file: str, line: int | None, column: str | None = None) -> Finding:
    return Finding(rule, SEVERITIES[rule], message, cell=Cell(file, line, column))


@cache
def our_prefixes() -> Mapping[str, str]:
    """CURIE prefix -> start of its IRIs, of `mappings/prefixes.yaml`."""
    tree, _ = load_strict_yaml(mappings_folder() / "prefixes.yaml", name="prefixes.yaml")
    return dict(tree)


def is_of_items(table: MappingTable) -> bool:
    """Whether the set maps items of data sets and no codes."""
    return "/items/" in str(table.meta.get("mapping_set_id", ""))


class _Set:
    """One mapping set under judgement."""

    def __init__(
        self,
        name: str,
        table: MappingTable,
        terminologies: Terminologies,
        unchecked: dict[str, list[tuple[str, int, str]]],
    ) -> None:
        self.name, self.table, self.items = name, table, is_of_items(table)
        self._terminologies, self._unchecked = terminologies, unchecked
        self._names = CodeNames(MappingSet(name, "", (), {}, table.iris))
        self._seen: set[str] = set()

    def _say(self, rule: str, message: str, line: int | None, column: str | None = None) -> Finding:
        return _finding(rule, message, self.name, line, column)

    def name_of(self, cell: str) -> str:
        """The code in *cell* as `translate` names it. Items of data sets have the names that stand there."""
        return cell if self.items else self._names(unquote(cell))

    def findings(self) -> Iterator[Finding]:
        """All that is to be said of the set by itself, in the order of its lines."""
        yield from self._metadata()
        sound = []
        pairs: dict[tuple[str, ...], int] = {}
        for row in self.table.rows:
            wrong = list(self._shape(row))
            yield from wrong
            if wrong:
                continue
            sound.append(row)
            subject, target = self.name_of(row["subject_id"]), self.name_of(row["object_id"])
            key = (subject, row["predicate_modifier"], row["predicate_id"], target, row["ext_path"])
            if key in pairs:
                yield self._say("mapping.set-duplicate", f"the row of line {pairs[key]} again", row.line)
            pairs.setdefault(key, row.line)
            yield from self._statements(row)
            for column, label in _SIDES:
                yield from self._code(row, column, label)
        for line, text in contradictions(sound, self.name_of, one_target=not self.items):
            yield self._say("mapping.set-contradiction", text, line)

    def _metadata(self) -> Iterator[Finding]:
        meta, line = self.table.meta, self.table.header_line
        if not isinstance(meta.get("mapping_set_id"), str):
            yield self._say("mapping.set-unreadable", "the metadata have no mapping_set_id", 1)
        if not isinstance(meta.get("license"), str) or not meta["license"].strip():
            yield self._say("mapping.set-licence", "the metadata have no license: nobody knows who may use the set", 1)
        for column in ("predicate_id", "object_id", "mapping_justification"):
            if column not in self.table.columns:
                rule = "justification" if column == "mapping_justification" else "unreadable"
                yield self._say(f"mapping.set-{rule}", f"there is no column {column}", line)
        for prefix, iri in self.table.iris.items():
            ours = our_prefixes().get(prefix)
            if ours is not None and ours != iri:
                yield self._say(
                    "mapping.set-prefix", f"curie_map says {prefix}: {iri}, prefixes.yaml says {ours}", 1, "curie_map"
                )

    def _shape(self, row: TableRow) -> Iterator[Finding]:
        if row.width != len(self.table.columns):
            what = f"{row.width} cells under {len(self.table.columns)} columns"
            yield self._say("mapping.set-unreadable", what, row.line)
            return
        for column in ("subject_id", "object_id"):
            prefix, colon, local = row[column].partition(":")
            if "|" in row[column]:
                yield self._say("mapping.set-unreadable", "several codes in one cell", row.line, column)
            elif column in self.table.columns and not (prefix and colon and local):
                yield self._say("mapping.set-unreadable", "no CURIE", row.line, column)

    def _statements(self, row: TableRow) -> Iterator[Finding]:
        columns = self.table.columns
        if "mapping_justification" in columns and not row["mapping_justification"].strip():
            yield self._say("mapping.set-justification", "no justification", row.line, "mapping_justification")
        if "predicate_id" in columns and row["predicate_id"] not in PREDICATES:
            message = f"{row['predicate_id'][:60] or 'nothing'} is none of {', '.join(PREDICATES)}"
            yield self._say("mapping.set-predicate", message, row.line, "predicate_id")
        if row["predicate_modifier"] not in ("", "Not"):
            message = "predicate_modifier is neither empty nor Not"
            yield self._say("mapping.set-predicate", message, row.line, "predicate_modifier")
        if row["confidence"] and not _is_number(row["confidence"], 0):
            yield self._say("mapping.set-confidence", "no number from 0 to 1", row.line, "confidence")
        agreement = row["reviewer_agreement"]
        if agreement and not _is_number(agreement, -1):
            yield self._say("mapping.set-confidence", "no number from -1 to 1", row.line, "reviewer_agreement")
        elif is_refused(agreement) and CANDIDATES not in str(self.table.meta.get("mapping_set_id")):
            message = "its reviewer refused the row, and it stands among those that translate"
            yield self._say("mapping.set-contradiction", message, row.line, "reviewer_agreement")

    def _code(self, row: TableRow, column: str, label: str) -> Iterator[Finding]:
        written = unquote(row[column])
        if written == NO_TERM or column not in self.table.columns:
            return
        yield from self._prefix(written.partition(":")[0], row, column)
        parsed = None if self.items else self._names.parsed(written)
        if isinstance(parsed, NotACode):
            yield self._say("mapping.set-unknown-code", f"{written[:80]}: {parsed.reason}", row.line, column)
        elif parsed is not None:
            yield from self._looked_up(str(parsed), parsed.system, row, column, label)

    def _looked_up(self, code: str, prefix: str, row: TableRow, column: str, label: str) -> Iterator[Finding]:
        match self._terminologies.lookup(code):
            case Unknown(version=version):
                message = f"{code} is not in {prefix}{f' {version}' if version else ''}"
                yield self._say("mapping.set-unknown-code", message, row.line, column)
            case Obsolete(candidates=candidates):
                instead = f"; suggested: {', '.join(found.code for found in candidates)}" if candidates else ""
                yield self._say("mapping.set-obsolete-code", f"{code} is obsolete{instead}", row.line, column)
            case Replaced(by=by):
                yield self._say("mapping.set-obsolete-code", f"{code} is now {by.code} {by.label}", row.line, column)
            case NotChecked(reason=reason):
                self._unchecked.setdefault(prefix, []).append((self.name, row.line, reason))
            case Found(label=known):
                yield from self._label(row, code, label, known)

    def _prefix(self, prefix: str, row: TableRow, column: str) -> Iterator[Finding]:
        known = prefix in _STANDARD or prefix in (self.table.iris if self.items else our_prefixes())
        if prefix in self._seen or (known and (prefix in _STANDARD or prefix in self.table.iris)):
            return
        self._seen.add(prefix)
        where = "curie_map" if known or self.items else "mappings/prefixes.yaml"
        yield self._say("mapping.set-prefix", f"the prefix {prefix[:40]} is not in {where}", row.line, column)

    def _label(self, row: TableRow, code: str, column: str, known: str) -> Iterator[Finding]:
        stated = row[column]
        if not stated or not known or normalise(stated) == normalise(known):
            return
        store = self._terminologies.store(code.partition(":")[0])
        names = store.names(code) if store is not None else []
        if any(kind in ("exact", "alias") and normalise(text) == normalise(stated) for kind, text in names):
            return
        yield self._say("mapping.set-label", f"{code} is called {known!r}, not {stated[:80]!r}", row.line, column)


def _is_number(text: str, least: int) -> bool:
    """Whether *text* is a number from *least* to 1."""
    try:
        return least <= float(text) <= 1
    except ValueError:
        return False
