"""Chromosomes of the human reference assemblies, and genomic substitutions in HGVS as VCF coordinates.

Source: NCBI assembly reports of GRCh37 and GRCh38 (RefSeq accessions of the primary assemblies); HGVS nomenclature, DNA
substitution; VCF 4.x. HGVS and VCF count alike for substitutions: 1-based, one base for one base. Nothing else is converted.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_VERSIONS = {  # version of NC_0000NN, by chromosome 1 to 22, X, Y
    "GRCh37": (10, 11, 11, 11, 9, 11, 13, 10, 11, 10, 9, 11, 10, 8, 9, 9, 10, 9, 9, 10, 8, 10, 10, 9),
    "GRCh38": (11, 12, 12, 12, 10, 12, 14, 11, 12, 11, 10, 12, 11, 9, 10, 10, 11, 10, 10, 11, 9, 11, 11, 10),
}
_CHROMOSOMES = (*map(str, range(1, 23)), "X", "Y")
_ACCESSIONS = {
    f"NC_{number:06d}.{version}": (assembly, _CHROMOSOMES[number - 1])
    for assembly, versions in _VERSIONS.items()
    for number, version in enumerate(versions, start=1)
}
# No chromosome has 10^9 bases.
_SUBSTITUTION = re.compile(r"(NC_[0-9]{6}\.[0-9]{1,2}):g\.([1-9][0-9]{0,8})([ACGT])>([ACGT])")


class Substitution(NamedTuple):
    """A single base on a chromosome, as a VCF record states it."""

    assembly: str
    chromosome: str
    position: int
    reference: str
    alternative: str


def genomic_substitution(hgvs: str) -> Substitution | None:
    """The coordinates of a genomic substitution; None for anything else and for accessions of no known assembly.

    >>> genomic_substitution("NC_000017.11:g.43092919G>A")
    Substitution(assembly='GRCh38', chromosome='17', position=43092919, reference='G', alternative='A')
    """
    match = _SUBSTITUTION.fullmatch(hgvs)
    if match is None or match[1] not in _ACCESSIONS:
        return None
    assembly, chromosome = _ACCESSIONS[match[1]]
    return Substitution(assembly, chromosome, int(match[2]), match[3], match[4])
