"""Delimited lists of codes, and the nomenclature of Orphanet as a table.

Source: RFC 4180 for quoted cells. One row a code: code, label, and where there are such columns parent and synonyms, several with |.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harmonize.terminology.build import Term
from harmonize.terminology.formats.source import Request, Source, Stated, read_rows, the_only

ROLES = ("code", "label", "parent", "synonyms")
_SUFFIXES = (".csv", ".tsv", ".txt")


def read_delimited(sources: Sequence[Source], request: Request, stated: Stated) -> Iterator[Term]:
    """A list with the columns code, label, parent and synonyms, or those that `--column` names."""
    columns = {role: role for role in ROLES} | dict(request.columns)
    stated.listed = True
    must = [columns[role] for role in ROLES if role in ("code", "label") or role in request.columns]
    yield from _terms(the_only(sources, *_SUFFIXES), columns, must, stated)


def read_orphanet(sources: Sequence[Source], request: Request, stated: Stated) -> Iterator[Term]:
    """Orphanet's nomenclature as a table: orpha_code, label, type, synonyms, parents."""
    stated.system, stated.title, stated.licence = "ORPHA", "Orphanet nomenclature of rare diseases", "CC BY 4.0"
    columns = {"code": "orpha_code", "label": "label", "parent": "parents", "synonyms": "synonyms"}
    yield from _terms(the_only(sources, *_SUFFIXES), columns, list(columns.values()), stated)


def _terms(source: Source, columns: dict[str, str], must: list[str], stated: Stated) -> Iterator[Term]:
    code, label, parent, synonyms = (columns[role] for role in ROLES)
    stated.folds, unnamed = True, 0
    for row in read_rows(source, must):
        if not row[code].strip():
            raise source.error("no code")
        term = Term(row[code].strip(), row[label].strip())
        unnamed += not term.label
        term.parents = _several(row.get(parent, ""))
        term.names = [("exact", text) for text in _several(row.get(synonyms, ""))]
        yield term
    if unnamed:
        stated.said.append(f"{unnamed} codes have no label")


def _several(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]
