"""Claims that occur again and again are written once and named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from harmonize.exports.claims import All, AtMost, Claim, Each, If, Negated, OneOf, Some

Names = Mapping[Claim, str]
_LEAST_PARTS = 5
_LEAST_USES = 3


def shared_claims(claims: Iterable[Claim]) -> dict[Claim, str]:
    """The claims inside of *claims* that are not small and not rare, with a name for each, in the order of their first use."""
    uses: Counter[Claim] = Counter()
    sizes: dict[Claim, int] = {}
    for claim in claims:
        _visit(claim, uses, sizes)
    found = [claim for claim, number in uses.items() if number >= _LEAST_USES and sizes[claim] >= _LEAST_PARTS]
    return {claim: f"claim-{number}" for number, claim in enumerate(found, start=1)}


def _visit(claim: Claim, uses: Counter[Claim], sizes: dict[Claim, int]) -> int:
    """Count *claim*; what is in it is counted with its first use only."""
    uses[claim] += 1
    if claim not in sizes:
        sizes[claim] = 1 + sum(_visit(part, uses, sizes) for part in _parts(claim))
    return sizes[claim]


def _parts(claim: Claim) -> tuple[Claim, ...]:
    match claim:
        case All(claims=claims) | OneOf(claims=claims):
            return claims
        case If(when=when, then=then):
            return (when, then)
        case Negated(claim=inner) | Each(claim=inner) | Some(claim=inner) | AtMost(claim=inner):
            return (inner,)
    return ()
