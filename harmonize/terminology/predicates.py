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
    """What follows from two predicates in a row: exact keeps the other one, broad and narrow go on as themselves; else they are related.

    Close does not go on: it is not transitive (SKOS Reference, section 10.1), and what is broader than something close need not be broader.

    >>> weaker("skos:exactMatch", "skos:closeMatch"), weaker("skos:broadMatch", "skos:narrowMatch")
    ('skos:closeMatch', 'skos:relatedMatch')
    >>> weaker("skos:broadMatch", "skos:broadMatch"), weaker("skos:closeMatch", "skos:broadMatch")
    ('skos:broadMatch', 'skos:relatedMatch')
    """
    if EXACT in (one, two):
        other = two if one == EXACT else one
        return other if other in STRENGTH else RELATED
    return one if one == two and one in (BROAD, NARROW) else RELATED
