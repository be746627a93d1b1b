"""The LOINC table.

Source: LOINC Users' Guide, "LOINC Table Core": LOINC_NUM, LONG_COMMON_NAME, SHORTNAME, STATUS (ACTIVE, TRIAL, DISCOURAGED,
DEPRECATED). The replacements of deprecated codes stand in MapTo.csv (LOINC, MAP_TO), which is read where it lies in the folder or .zip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harmonize.errors import InputError
from harmonize.terminology.build import Term
from harmonize.terminology.formats.source import Request, Source, Stated, read_rows

_STATES = {"ACTIVE", "TRIAL", "DISCOURAGED", "DEPRECATED"}


def read_loinc(sources: Sequence[Source], request: Request, stated: Stated) -> Iterator[Term]:
    """Loinc.csv alone, or the folder or .zip of a release."""
    stated.system, stated.title = "LOINC", "Logical Observation Identifiers Names and Codes"
    table = sources[0] if len(sources) == 1 else _named(sources, "loinc.csv")
    maps = _named(sources, "mapto.csv")
    if table is None:
        raise InputError("there is no Loinc.csv in it")
    replaced: dict[str, list[str]] = {}
    for row in read_rows(maps, ["LOINC", "MAP_TO"]) if maps and maps is not table else ():
        replaced.setdefault(row["LOINC"], []).append(row["MAP_TO"])
    for row in read_rows(table, ["LOINC_NUM", "LONG_COMMON_NAME", "STATUS"], separators=",\t"):
        code, status = row["LOINC_NUM"], row["STATUS"]
        if status not in _STATES:
            raise table.error(f"STATUS is none of {', '.join(sorted(_STATES))}")
        targets = replaced.get(code, [])
        term = Term(code, row["LONG_COMMON_NAME"], obsolete=status == "DEPRECATED")
        term.replaced_by, term.consider = (targets, []) if len(targets) == 1 else ([], targets)
        if row.get("SHORTNAME"):
            term.names.append(("exact", row["SHORTNAME"]))
        yield term
    if maps is None:
        stated.said.append("MapTo.csv was not given: deprecated codes have no replacement")


def _named(sources: Sequence[Source], name: str) -> Source | None:
    """The file of that name that stands highest."""
    fitting = [source for source in sources if source.base.lower() == name]
    return min(fitting, key=lambda source: (source.name.count("/"), source.name), default=None)
