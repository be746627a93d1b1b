"""Genomic substitutions against the coordinates that published phenopackets state beside the same HGVS expression."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harmonize.terminology.reference_sequences import genomic_substitution


def descriptors(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "vcfRecord" in value and "expressions" in value:
            yield value
        for item in value.values():
            yield from descriptors(item)
    elif isinstance(value, list):
        for item in value:
            yield from descriptors(item)


def test_phenopacket_store(shared: Callable[[str], Path]) -> None:
    compared = 0
    for path in shared("targets/phenopackets/phenopacket-store-sample-200").rglob("*.json"):
        for descriptor in descriptors(json.loads(path.read_text())):
            stated = descriptor["vcfRecord"]
            for expression in descriptor["expressions"]:
                ours = genomic_substitution(expression.get("value", ""))
                if ours is not None and len(stated["ref"]) == len(stated["alt"]) == 1:
                    compared += 1
                    assembly = {"hg38": "GRCh38", "hg19": "GRCh37"}.get(
                        stated["genomeAssembly"], stated["genomeAssembly"]
                    )
                    found = (
                        assembly,
                        stated["chrom"].removeprefix("chr"),
                        int(stated["pos"]),
                        stated["ref"],
                        stated["alt"],
                    )
                    assert tuple(ours) == found, path.name
    assert compared > 50
