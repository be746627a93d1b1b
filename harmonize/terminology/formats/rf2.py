"""SNOMED CT releases: the snapshot of Release Format 2.

Source: SNOMED CT Release File Specifications, https://docs.snomed.org/snomed-ct-specifications/snomed-ct-release-file-specification:
sct2_Concept, sct2_Description, sct2_Relationship (is-a, 116680003), der2_cRefset_Language, der2_cRefset_Association. The label is the
synonym that the language reference set prefers, the fully specified name is an exact name; names in other languages than English carry
their language. Extended maps become code maps (`rf2_maps`). Full and delta files, OWL expressions and concrete values are not read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from harmonize.errors import CallError, InputError
from harmonize.terminology.build import Term
from harmonize.terminology.formats.rf2_maps import COLUMNS, read_maps
from harmonize.terminology.formats.source import Request, Source, Stated

IS_A = "116680003"
ROOT = "138875005"
FSN = "900000000000003001"
PREFERRED = "900000000000548007"
US_ENGLISH = "900000000000509007"
_REPLACED = {"900000000000526001", "900000000000527005"}
"""REPLACED BY and SAME AS; the one target, where there is one, is the active concept."""
_CONSIDER = {"900000000000523009"}
"""POSSIBLY EQUIVALENT TO."""
_FILE = re.compile(
    r"x?(?:sct2_(Concept|Description|Relationship)_|der2_(?:cRefset_(?=Lang|Ass)|iisssccRefset_(?=Ext))(Language|Association|ExtendedMap)(?:Reference)?)"
    r"Snapshot(?:-[\w-]+?)?_[A-Za-z0-9]+_(\d{8})\.txt"
)


def read_rf2(sources: Sequence[Source], request: Request, stated: Stated) -> Iterator[Term]:
    """The folder or .zip of a release."""
    stated.system, stated.title = "SNOMEDCT", "SNOMED CT"
    files: dict[str, list[Source]] = {}
    for source in sources:
        found = _FILE.fullmatch(source.base)
        if found:
            files.setdefault(found.group(1) or found.group(2), []).append(source)
            stated.version = max(stated.version, found.group(3))
    if missing := [name for name in ("Concept", "Description", "Relationship") if name not in files]:
        raise InputError(
            f"no snapshot of SNOMED CT: it has no {' and no '.join(missing)} snapshot file",
            fix="give the folder or .zip of the release",
        )
    terms = _concepts(files["Concept"])
    if ROOT not in terms:
        stated.complete = False
        stated.said.append(
            f"it holds no root concept ({ROOT}): an extension without the edition that it extends, so it counts as partial"
        )
    preferred = _preferred(files.get("Language", []), files["Description"], request.language, stated)
    _describe(files["Description"], terms, preferred)
    for source in files["Relationship"]:
        for row in _rows(source, 10):
            if row[2] == "1" and row[7] == IS_A:
                _of(source, terms, row[4]).parents.append(row[5])
    for source in files.get("Association", []):
        for row in _rows(source, 7):
            term = terms.get(row[5]) if row[2] == "1" else None
            if term is not None and term.obsolete:
                term.replaced_by += [row[6]] * (row[4] in _REPLACED)
                term.consider += [row[6]] * (row[4] in _CONSIDER)
    if maps := files.get("ExtendedMap"):
        labels = {code: term.label for code, term in terms.items() if not term.obsolete}
        rows = ((source, row) for source in maps for row in _rows(source, COLUMNS))
        stated.sets = read_maps(rows, labels, stated)
    yield from terms.values()


def _rows(source: Source, columns: int) -> Iterator[list[str]]:
    """The rows of an RF2 file, as cells: id, effectiveTime, active, moduleId and what follows."""
    for line in source.lines():
        row = line.rstrip("\r\n").split("\t")
        if len(row) != columns:
            raise source.error(f"{len(row)} cells, this file of RF2 has {columns}")
        if source.line == 1:
            if row[:4] != ["id", "effectiveTime", "active", "moduleId"]:
                raise source.error("the header is not one of RF2")
            continue
        if row[2] not in ("0", "1"):
            raise source.error("active is neither 0 nor 1")
        yield row


def _concepts(sources: Sequence[Source]) -> dict[str, Term]:
    terms: dict[str, Term] = {}
    for source in sources:
        for row in _rows(source, 5):
            if row[0] in terms:
                raise source.error(
                    f"the concept {row[0][:20]} stands twice", fix="give a snapshot and not a full release"
                )
            terms[row[0]] = Term(row[0], "", obsolete=row[2] == "0")
    return terms


def _of(source: Source, terms: dict[str, Term], code: str) -> Term:
    term = terms.get(code)
    if term is None:
        raise source.error(f"the concept {code[:20]} is not in the concept file")
    return term


def _preferred(sources: Sequence[Source], descriptions: Sequence[Source], wanted: str, stated: Stated) -> set[int]:
    """The descriptions that one language reference set prefers: the one that is *wanted* by its id or by its language, else US English,
    else the set that prefers most."""
    spoken = _in_language(descriptions, wanted) if wanted and not wanted.isdigit() else None
    counts: Counter[str] = Counter()
    for source in sources:
        rows = (row for row in _rows(source, 7) if row[2] == "1" and row[6] == PREFERRED)
        counts.update(row[4] for row in rows if spoken is None or _number(source, row[5]) in spoken)
    if wanted and wanted not in counts and (wanted.isdigit() or not counts):
        listed = ", ".join(sorted(counts)[:9]) or "none"
        raise CallError(f"no language reference set prefers terms of --language {wanted[:20]}; there are: {listed}")
    if not counts:
        stated.said.append("there is no language reference set: the fully specified names are the labels")
        return set()
    if wanted.isdigit():
        chosen = wanted
    else:
        english = US_ENGLISH in counts and not wanted
        chosen = US_ENGLISH if english else min(counts, key=lambda name: (-counts[name], name))
    if len(counts) > 1:
        stated.said.append(f"{len(counts)} language reference sets: the labels are those of {chosen}")
    return {
        _number(source, row[5])
        for source in sources
        for row in _rows(source, 7)
        if row[2] == "1" and row[4] == chosen and row[6] == PREFERRED
    }


def _in_language(sources: Sequence[Source], language: str) -> set[int]:
    """The active descriptions in *language*."""
    rows = ((source, row) for source in sources for row in _rows(source, 9))
    return {_number(source, row[0]) for source, row in rows if row[2] == "1" and row[5] == language}


def _number(source: Source, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise source.error("the id of a description is no number")
    return int(text)


def _describe(sources: Sequence[Source], terms: dict[str, Term], preferred: set[int]) -> None:
    full: dict[str, str] = {}
    for source in sources:
        for row in _rows(source, 9):
            if row[2] == "0":
                continue
            term, text = _of(source, terms, row[4]), row[7]
            is_full = row[6] == FSN
            if is_full:
                full.setdefault(row[4], text)
            if row[5] != "en":
                term.languages.append((row[5], text))
            if _number(source, row[0]) in preferred and not is_full and not term.label:
                term.label = text
            else:
                term.names.append(("exact", text))
    for code, text in full.items():
        if not terms[code].label:
            terms[code].label = text
            terms[code].names = [name for name in terms[code].names if name[1] != text]
