"""Impossible and unlikely combinations of site, morphology, sex, age and behaviour, as data (`tables/tumours.yaml`) with their sources."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from harmonize.terminology.strict_yaml import load_strict_yaml

FILE = Path(__file__).parent / "tables" / "tumours.yaml"
ALWAYS = frozenset({"C76", "C77", "C80"})
"""Ill-defined and unknown sites and lymph nodes: no morphology is unlikely there."""


class CodeRange(NamedTuple):
    """Codes from *first* to *last*; a code that begins with *last* is in the range."""

    first: str
    last: str

    def holds(self, code: str) -> bool:
        """Whether *code* is in the range.

        >>> CodeRange("C51", "C58").holds("C58.9"), CodeRange("C38.4", "C38.4").holds("C38.0")
        (True, False)
        """
        return self.first <= code and (code <= self.last or code.startswith(self.last))


Ranges = tuple[CodeRange, ...]


def holds(ranges: Ranges, code: str) -> bool:
    """Whether one of *ranges* holds *code*."""
    return any(span.holds(code) for span in ranges)


class Combination(NamedTuple):
    """A row of a table. What is empty or None says nothing; ages are completed years, neither bound is in the range."""

    source: str
    confidence: float
    sex: str = ""
    behaviour: str = ""
    below: int | None = None
    above: int | None = None
    sites: Ranges = ()
    morphologies: Ranges = ()
    codes: Ranges = ()
    systems: frozenset[str] = frozenset()
    """The code systems that `codes` are of."""
    group: int = 0
    unspecific_of: frozenset[int] = frozenset()
    systemic: bool = False


@cache
def tumour_tables() -> Mapping[str, tuple[Combination, ...]]:
    """The tables by name.

    >>> tumour_tables()["sex_and_site"][0].sites[0].holds("C53.9")
    True
    """
    tree, _ = load_strict_yaml(FILE, name=FILE.name)
    sources = tree.pop("sources")
    return {name: tuple(_combination(row, sources) for row in rows) for name, rows in tree.items()}


def _combination(row: Mapping[str, Any], sources: Mapping[str, str]) -> Combination:
    body: dict[str, Any] = {name: value for name, value in row.items() if name != "wider"}
    body["source"], body["confidence"] = sources[row["source"]], float(row["confidence"])
    for name in ("sites", "morphologies", "codes"):
        if name in row:
            body[name] = tuple(_range(text) for text in row[name])
    for name in ("below", "above", "group"):
        if name in row:
            body[name] = int(row[name])
    if "systems" in row:
        body["systems"] = frozenset(row["systems"])
    if "unspecific_of" in row:
        body["unspecific_of"] = frozenset(int(number) for number in row["unspecific_of"])
    body["systemic"] = row.get("systemic") == "true"
    return Combination(**body)


def _range(text: str) -> CodeRange:
    first, _, last = text.partition("-")
    return CodeRange(first, last or first)


@cache
def organ(topography: str) -> str:
    """The organ of a topography, by the first site of its group: tumours of one organ are counted once.

    >>> organ("C20.9"), organ("C50.4")
    ('C19', 'C50')
    """
    site = topography[:3]
    return next((row.sites[0].first for row in tumour_tables()["organs"] if holds(row.sites, site)), site)


@cache
def histology(morphology: str) -> Combination | None:
    """The group of histologies of a morphology (four digits); None where the rules give it none.

    >>> histology("8500").group
    3
    """
    return next((row for row in tumour_tables()["histologies"] if holds(row.morphologies, morphology)), None)
