"""Translations of an ontology: names in other languages, added to a copy of the compiled ontology.

Source: Babelon, https://github.com/monarch-initiative/babelon, and obophenotype/hpo-translations: subject_id, predicate_id,
translation_language, source_value, translation_value, translation_status. Columns are found by the header, their order differs by file.
OFFICIAL rows become names; CANDIDATE ones, mostly machine-made, only where they are asked for; others never. A row whose source_value is no
longer what the ontology says is stale and left out. Definitions are not names.

The synonyms of hpo-translations are templates of ROBOT (https://robot.obolibrary.org/template): below the header stands what a column
makes, with the language; they do not say what was translated, and where a row states no status it counts.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harmonize.errors import CallError, InputError
from harmonize.terminology.build import LANGUAGES_TABLE
from harmonize.terminology.formats.source import Source, read_rows, the_only
from harmonize.terminology.store import CodeSystemStore, normalise

_COLUMNS = [
    "subject_id",
    "predicate_id",
    "translation_language",
    "source_value",
    "translation_value",
    "translation_status",
]
_KINDS = {"rdfs:label": "exact"} | {
    f"oboInOwl:has{k.title()}Synonym": k for k in ("exact", "broad", "narrow", "related")
}
_STATES = {"OFFICIAL", "CANDIDATE", "NOT_TRANSLATED", "UNDER_REVIEW"}
_TEMPLATE = re.compile(r"AL? (oboInOwl:\w+)@([\w-]+)(?: SPLIT=(\S))?")
_LEFT_OUT = {
    "candidate": "are candidates, which count with --candidates",
    "status": "are not translated, or of another status",
    "stale": "translate what the ontology no longer says",
    "unknown": "are of codes that the ontology does not have",
    "twice": "stand twice with the same words",
    "predicate": "are no names (definitions and the like)",
    "unstated": "state no status and count as official ones",
}


class _Row(NamedTuple):
    """A row of either kind; `source_value` is None where the file does not say what was translated."""

    code: str
    kind: str | None
    language: str
    source_value: str | None
    text: str
    status: str


def _rows(source: Source) -> Iterator[_Row]:
    """The rows of a Babelon file, or of a ROBOT template of synonyms."""
    header = next((line for line in source.lines() if not line.startswith("#")), "").rstrip("\r\n").split("\t")
    if "translation_status" not in header:
        yield from _synonyms(source)
        return
    for row in read_rows(source, _COLUMNS):
        yield _Row(
            row["subject_id"],
            _KINDS.get(row["predicate_id"]),
            row["translation_language"],
            row["source_value"].strip(),
            row["translation_value"].strip(),
            row["translation_status"],
        )


def _synonyms(source: Source) -> Iterator[_Row]:
    """Rows below a template, as `ID`, `AL oboInOwl:hasExactSynonym@de SPLIT=|`; the status stands in whatever column holds one."""
    rows = read_rows(source, ["subject_id", "translation_value"])
    template = next(rows, {"subject_id": "", "translation_value": ""})
    found = _TEMPLATE.fullmatch(template["translation_value"].strip())
    if template["subject_id"] != "ID" or found is None or found[1] not in _KINDS:
        raise source.error(
            "no translations: no translation_status, and no template of ROBOT as `AL oboInOwl:hasExactSynonym@de`"
        )
    for row in rows:
        status = next((cell for column, cell in row.items() if cell in _STATES and column != "translation_value"), "")
        for text in row["translation_value"].split(found[3]) if found[3] else [row["translation_value"]]:
            yield _Row(row["subject_id"], _KINDS[found[1]], found[2], None, text.strip(), status)


def find_base(sources: Sequence[Source], system: str, installed: Mapping[str, Path]) -> Path:
    """The installed ontology that the file translates, by the prefix of its first subject."""
    row = next(_rows(the_only(sources, ".tsv")), None)
    prefix = row.code.partition(":")[0] if row else ""
    if row is None:
        raise InputError("it holds no translations", file=sources[0].name)
    if system not in ("", prefix):
        raise CallError(f"the file translates {prefix[:40]!r} and --system says {system}")
    if prefix not in installed:
        raise CallError(f"{prefix[:40]!r} is not installed. To mend it: add the ontology before its translations")
    return installed[prefix]


def add_translations(sources: Sequence[Source], base: Path, target: Path, *, candidates: bool) -> tuple[int, list[str]]:
    """Write *target*, the ontology *base* with the names of the file. The number of names, and what has to be said."""
    source = the_only(sources, ".tsv")
    left: Counter[str] = Counter()
    store = CodeSystemStore(base)
    rows = list(_names(source, store, left, candidates))
    found = sorted(set(rows))
    left["twice"] = len(rows) - len(found)
    store.close()
    shutil.copyfile(base, target)
    target.chmod(0o600)
    connection = sqlite3.connect(target, isolation_level=None)
    connection.execute(LANGUAGES_TABLE.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"))
    connection.execute("BEGIN")
    insert = connection.executemany
    insert("INSERT OR IGNORE INTO name SELECT id, ?, ? FROM term WHERE code = ?", ((k, t, c) for c, _, k, t in found))
    insert(
        "INSERT OR IGNORE INTO searched SELECT ?, id, ? FROM term WHERE code = ?",
        ((normalise(t), k, c) for c, _, k, t in found),
    )
    insert(
        "INSERT OR IGNORE INTO language SELECT id, ?, ? FROM term WHERE code = ?", ((g, t, c) for c, g, _, t in found)
    )
    connection.execute("COMMIT")
    connection.execute("VACUUM")
    connection.close()
    return len(found), [f"{left[why]} rows {words}" for why, words in _LEFT_OUT.items() if left[why]]


def _names(
    source: Source, store: CodeSystemStore, left: Counter[str], candidates: bool
) -> Iterator[tuple[str, str, str, str]]:
    """(code, language, kind, text) of the rows that count; the others are counted in *left*."""
    unstated = 0
    for row in _rows(source):
        known = store.names(row.code)
        unstated += not row.status and row.source_value is None
        if row.kind is None:
            left["predicate"] += 1
        elif row.status == "CANDIDATE" and not candidates:
            left["candidate"] += 1
        elif not row.text or row.status not in ("OFFICIAL", "CANDIDATE", *(("",) if row.source_value is None else ())):
            left["status"] += 1
        elif not known:
            left["unknown"] += 1
        elif row.source_value is not None and row.source_value not in (name for _, name in known):
            left["stale"] += 1
        else:
            yield row.code, _language(source, row.language), row.kind, row.text
    left["unstated"] = unstated


def _language(source: Source, tag: str) -> str:
    if not tag.replace("-", "").isalnum() or not tag.isascii():
        raise source.error("translation_language is no language tag")
    return tag
