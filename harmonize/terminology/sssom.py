"""Code maps: SSSOM TSV, read by us: streamed, strict, with the row of every answer.

What other readers let pass is refused: several objects in one cell, prefixes that nobody declares, missing columns.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from harmonize.errors import SpecificationError
from harmonize.terminology.strict_yaml import load_strict_yaml

_REQUIRED = ("subject_id", "predicate_id", "object_id", "mapping_justification")
NO_TERM = "sssom:NoTermFound"
CANDIDATES = "/candidates/"
"""Part of the id of a set of candidates (`mappings suggest`). Such a set is read by curators alone and translates nothing."""
MAX_BYTES = 100_000_000


class Row(NamedTuple):
    """One row of a mapping set; `number` is its line in the file.

    `path` is the extension slot ext_path: where the object stands in a document of its format; `words` is ext_words: what the words
    that stand there mean. `denied` is set where
    predicate_modifier says Not: the row states that the predicate does not hold.
    """

    number: int
    subject: str
    predicate: str
    object: str
    justification: str
    confidence: str
    comment: str
    path: str = ""
    denied: bool = False
    words: str = ""


class Mapped(NamedTuple):
    """A translation, with the mapping set and row that gave it."""

    code: str
    predicate: str
    mapping_set: str
    row: int | None
    """None where several rows in a chain gave it."""


class Ambiguous(NamedTuple):
    """Several targets, none picked."""

    candidates: tuple[str, ...]
    mapping_set: str
    together: bool = False
    """Whether the candidates are one translation together."""


class NotMapped(NamedTuple):
    """No target, and why."""

    reason: str
    mapping_set: str
    by_design: bool = False
    """Whether the set says so itself (sssom:NoTermFound)."""


@dataclass(frozen=True)
class MappingSet:
    """A set of mappings, indexed by subject."""

    id: str
    version: str
    rows: tuple[Row, ...]
    by_subject: dict[str, tuple[Row, ...]]
    iris: Mapping[str, str] = field(default_factory=dict)
    """The set's own curie_map: prefix -> start of the IRI."""

    def knows(self, code: str) -> bool:
        """Whether a row begins with the CURIE *code*."""
        return code in self.by_subject

    def translate(self, code: str, predicates: Sequence[str]) -> Mapped | Ambiguous | NotMapped:
        """The target of the CURIE *code* by the first of *predicates* that has one."""
        rows = [row for row in self.by_subject.get(code, ()) if not row.denied]
        for predicate in predicates:
            targets = [row for row in rows if row.predicate == predicate and row.object != NO_TERM]
            if len({row.object for row in targets}) == 1:
                return Mapped(targets[0].object, predicate, self.id, targets[0].number)
            if targets:
                return Ambiguous(tuple(sorted({row.object for row in targets})), self.id)
        if any(row.object == NO_TERM for row in rows):
            return NotMapped("the mapping set says that there is no target", self.id, by_design=True)
        return NotMapped("the mapping set has no row that the accepted predicates allow", self.id)


def read_mapping_set(path: Path) -> MappingSet:
    """Read the SSSOM TSV file *path*. Raises SpecificationError with file and line."""
    name = path.name
    if path.stat().st_size > MAX_BYTES:
        raise SpecificationError(f"larger than {MAX_BYTES} bytes", file=name)
    try:
        return _read(path, name)
    except UnicodeDecodeError:
        raise SpecificationError("not UTF-8", file=name, fix="convert it to UTF-8") from None


def _read(path: Path, name: str) -> MappingSet:
    header: list[str] = []
    rows: list[Row] = []
    with path.open(encoding="utf-8", newline="") as file:
        lines = enumerate(file, start=1)
        first = ""
        for _, line in lines:
            if not line.startswith("#"):
                first = line
                break
            header.append(line[1:])
        meta = _meta("".join(header), name)
        columns = first.rstrip("\r\n").split("\t")
        missing = [column for column in _REQUIRED if column not in columns]
        if missing or "mapping_set_id" not in meta:
            what = missing[0] if missing else "mapping_set_id"
            raise SpecificationError(
                f"{what} is missing",
                file=name,
                line=len(header) + 1,
                fix="`harmonize mappings lint` says all that is wrong",
            )
        if CANDIDATES in meta["mapping_set_id"]:
            fix = "accept rows into a set of your own with `harmonize mappings review`"
            raise SpecificationError("a set of candidates, which nobody has accepted", file=name, line=1, fix=fix)
        prefixes = {*meta.get("curie_map", {}), "skos", "sssom", "semapv", "oboInOwl"}
        for number, line in lines:
            if line.strip():
                rows.append(_row(cells_of(line, number, name), columns, number, prefixes, name))
    index: dict[str, list[Row]] = {}
    for row in rows:
        index.setdefault(row.subject, []).append(row)
    frozen = {subject: tuple(found) for subject, found in index.items()}
    iris = {str(prefix): str(iri) for prefix, iri in meta.get("curie_map", {}).items()}
    return MappingSet(meta["mapping_set_id"], meta.get("mapping_set_version", ""), tuple(rows), frozen, iris)


def _meta(header: str, name: str) -> dict[str, Any]:
    """The metadata block, whose id and version are texts."""
    meta, _ = load_strict_yaml(header or "{}", name=name)
    if not isinstance(meta, dict):
        raise SpecificationError("the metadata are no mapping", file=name, line=1)
    for key in ("mapping_set_id", "mapping_set_version"):
        if not isinstance(meta.get(key, ""), str):
            raise SpecificationError(f"{key} is no text", file=name, fix="write one text")
    if not isinstance(meta.get("curie_map", {}), dict):
        raise SpecificationError("curie_map is no mapping of prefixes to IRIs", file=name)
    return meta


def cells_of(line: str, number: int, name: str) -> list[str]:
    """The cells of the line *number* of the TSV file *name*."""
    if '"' not in line and len(line) < csv.field_size_limit():
        return line.rstrip("\r\n").split("\t")  # the same cells, sooner
    try:
        return next(csv.reader([line], delimiter="\t"))
    except csv.Error:
        raise SpecificationError("no line of TSV: a cell is too long", file=name, line=number) from None


def _row(cells: list[str], columns: list[str], number: int, prefixes: set[str], name: str) -> Row:
    if len(cells) != len(columns):
        raise SpecificationError(f"{len(cells)} cells under {len(columns)} columns", file=name, line=number)
    values: dict[str, Any] = dict(zip(columns, cells, strict=True))
    for column in ("subject_id", "predicate_id", "object_id"):
        curie = values[column]
        if "|" in curie:
            raise SpecificationError(f"{column} holds several codes", file=name, line=number, fix="write one row each")
        if curie.partition(":")[0] not in prefixes or ":" not in curie:
            raise SpecificationError(
                f"{column}: the prefix of {curie!r} is not declared",
                file=name,
                line=number,
                fix="declare it in curie_map",
            )
    if not values["mapping_justification"]:
        raise SpecificationError("mapping_justification is empty", file=name, line=number)
    if values.get("predicate_modifier", "") not in ("", "Not"):
        raise SpecificationError("predicate_modifier is neither empty nor Not", file=name, line=number)
    if is_refused(values.get("reviewer_agreement", "")):
        fix = "take the row out of the set, or ask the reviewer again"
        raise SpecificationError(
            "reviewer_agreement is negative: its reviewer refused the row", file=name, line=number, fix=fix
        )
    return Row(
        number,
        _unquoted(values["subject_id"]),  # a CURIE is a reference: what an IRI cannot hold is percent-encoded in it
        values["predicate_id"],
        _unquoted(values["object_id"]),
        values["mapping_justification"],
        values.get("confidence", ""),
        values.get("comment", ""),
        values.get("ext_path", ""),
        bool(values.get("predicate_modifier", "")),
        values.get("ext_words", ""),
    )


def is_refused(reviewer_agreement: str) -> bool:
    """Whether a reviewer disagrees: the slot is from -1.0 (fully disagrees) to 1.0 (fully agrees), and 1.0 where it is empty.

    Source: SSSOM 1.1, reviewer_agreement, https://mapping-commons.github.io/sssom/reviewer_agreement/

    >>> is_refused("-1.0"), is_refused("0.5"), is_refused(""), is_refused("no number")
    (True, False, False, False)
    """
    try:
        return float(reviewer_agreement or 1) < 0
    except ValueError:
        return False


def _unquoted(curie: str) -> str:
    return unquote(curie) if "%" in curie else curie
