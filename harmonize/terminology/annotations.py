"""Phenotypes of diseases: what phenotype.hpoa states, row by row, as values."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

FREQUENCIES = {
    "HP:0040280": (Fraction(1), Fraction(1)),
    "HP:0040281": (Fraction(80, 100), Fraction(99, 100)),
    "HP:0040282": (Fraction(30, 100), Fraction(79, 100)),
    "HP:0040283": (Fraction(5, 100), Fraction(29, 100)),
    "HP:0040284": (Fraction(1, 100), Fraction(4, 100)),
    "HP:0040285": (Fraction(0), Fraction(0)),
}
"""The terms below HP:0040279 (Frequency) with the bounds of their definitions: obligate, very frequent, frequent, occasional, very rare,
excluded."""


class Annotation(NamedTuple):
    """A row: the disease has (or, where it is *excluded*, has not) the phenotype. Codes are CURIEs, what is not stated is empty."""

    disease: str
    phenotype: str
    excluded: bool
    aspect: str
    """P phenotypic abnormality, I inheritance, C course, M modifier, H past medical history."""
    frequency: str
    """As it is written: a term of HPO, n/m, or n%."""
    onset: str
    sex: str
    """MALE, FEMALE or empty."""
    modifier: str
    reference: str
    evidence: str
    """IEA inferred from electronic annotation, PCS published clinical study, TAS traceable author statement."""
    curation: str

    def bounds(self) -> tuple[Fraction, Fraction] | None:
        """The share of patients with the phenotype, from and to; None where it is not stated.

        >>> row = Annotation("OMIM:1", "HP:0000001", False, "P", "HP:0040282", "", "", "", "", "TAS", "")
        >>> [str(bound) for bound in row.bounds()], row._replace(frequency="1/3").bounds()[0]
        (['3/10', '79/100'], Fraction(1, 3))
        """
        return frequency_bounds(self.frequency)


@lru_cache(maxsize=10_000)
def frequency_bounds(text: str) -> tuple[Fraction, Fraction] | None:
    """The bounds that the column frequency states. Raises ValueError for what is none."""
    if not text:
        return None
    if text in FREQUENCIES:
        return FREQUENCIES[text]
    try:
        share = Fraction(text[:-1]) / 100 if text.endswith("%") else Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError("no frequency") from None
    if not ("/" in text or text.endswith("%")) or not 0 <= share <= 1:
        raise ValueError("no frequency")
    return share, share
