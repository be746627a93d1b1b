"""The predicates of mappings: read backwards, and what follows from two in a row."""

from __future__ import annotations

EXACT, CLOSE, BROAD, NARROW, RELATED = (
    f"skos:{kind}Match" for kind in ("exact", "close", "broad", "narrow", "related")
)
XREF = "oboInOwl:hasDbXref"
_INVERSE = {BROAD: NARROW, NARROW: BROAD}
STRENGTH = {EXACT: 0, CLOSE: 1, BROAD: 2, NARROW: 2, RELATED: 3}
SHORT = {"exact": EXACT, "close": CLOSE, "broad": BROAD, "narrow": NARROW, "related": RELATED}
"""Predicates as options name them. An untyped cross reference translates nothing."""


def inverse(predicate: str) -> str:
    """The predicate of the row that is read from its object to its subject.

    >>> inverse("skos:broadMatch"), inverse("skos:exactMatch")
    ('skos:narrowMatch', 'skos:exactMatch')
    """
    return _INVERSE.get(predicate, predicate)


def weaker(one: str, two: str) -> str:
    """What follows from two predicates in a row: the weaker one; broad with narrow is related.

    >>> weaker("skos:exactMatch", "skos:closeMatch"), weaker("skos:broadMatch", "skos:narrowMatch")
    ('skos:closeMatch', 'skos:relatedMatch')
    >>> weaker("skos:closeMatch", "skos:broadMatch")
    'skos:broadMatch'
    """
    if {one, two} == {BROAD, NARROW} or one not in STRENGTH or two not in STRENGTH:
        return RELATED
    return max(one, two, key=STRENGTH.__getitem__)
