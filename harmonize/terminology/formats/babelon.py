"""Translations of an ontology: names in other languages, added to a copy of the compiled ontology.

Source: Babelon, https://github.com/monarch-initiative/babelon, and obophenotype/hpo-translations: subject_id, predicate_id,
translation_language, source_value, translation_value, translation_status. Columns are found by the header, their order differs by file.
OFFICIAL rows become names; CANDIDATE ones, mostly machine-made, only where they are asked for; others never. A row whose source_value is no
longer what the ontology says is stale and left out. Definitions are not names.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

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
_LEFT_OUT = {
    "candidate": "are candidates, which count with --candidates",
    "status": "are not translated, or of another status",
    "stale": "translate what the ontology no longer says",
    "unknown": "are of codes that the ontology does not have",
    "twice": "stand twice with the same words",
    "predicate": "are no names (definitions and the like)",
}


def find_base(sources: Sequence[Source], system: str, installed: Mapping[str, Path]) -> Path:
    """The installed ontology that the file translates, by the prefix of its first subject."""
    row = next(read_rows(the_only(sources, ".tsv"), _COLUMNS), None)
    prefix = row["subject_id"].partition(":")[0] if row else ""
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
    for row in read_rows(source, _COLUMNS):
        code, kind, status = row["subject_id"], _KINDS.get(row["predicate_id"]), row["translation_status"]
        text = row["translation_value"].strip()
        known = store.names(code)
        if kind is None:
            left["predicate"] += 1
        elif status == "CANDIDATE" and not candidates:
            left["candidate"] += 1
        elif status not in ("OFFICIAL", "CANDIDATE") or not text:
            left["status"] += 1
        elif not known:
            left["unknown"] += 1
        elif row["source_value"].strip() not in (name for _, name in known):
            left["stale"] += 1
        else:
            yield code, _language(source, row["translation_language"]), kind, text


def _language(source: Source, tag: str) -> str:
    if not tag.replace("-", "").isalnum() or not tag.isascii():
        raise source.error("translation_language is no language tag")
    return tag
