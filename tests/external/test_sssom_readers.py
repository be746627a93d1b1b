"""Mapping sets as sssom-py and sssom-pydantic read them: rows, confidences and denials are ours, on every file that they can read."""

from __future__ import annotations

import lzma
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from harmonize.shipped import mappings_folder
from harmonize.terminology.sssom import read_mapping_set

CODE_MAPS = sorted(p for p in mappings_folder().rglob("*.sssom.tsv") if p.parent.name == "codes")
OF_MONDO = (
    "mondo_broadmatch_icd10cm",
    "mondo_exactmatch_omimps",
    "mondo_exactmatch_icd10who",
    "mondo_hasdbxref_icdo",
    "mondo_narrowmatch_icd10cm",
)
Rows = Counter[tuple[str, str, str, str, float | None, bool]]


def ours(path: Path) -> Rows:
    """The rows of *path* as harmonize reads them."""
    return Counter(
        (
            row.subject,
            row.predicate,
            row.object,
            row.justification,
            float(row.confidence) if row.confidence else None,
            row.denied,
        )
        for row in read_mapping_set(path).rows
    )


def of_sssom_pydantic(path: Path) -> Rows:
    import sssom_pydantic

    return Counter(
        (
            unquote(
                m.subject.curie
            ),  # what an IRI cannot hold is percent-encoded in CURIEs, and read as what it stands for by us
            m.predicate.curie,
            unquote(m.object.curie),
            m.justification.curie,
            m.confidence,
            m.predicate_modifier is not None,
        )
        for m in sssom_pydantic.read(path).mappings
    )


def of_sssom_py(path: Path) -> Rows:
    from sssom.parsers import parse_sssom_table

    frame = parse_sssom_table(str(path)).df
    made: Rows = Counter()
    for row in frame.to_dict("records"):
        known: dict[str, Any] = {str(k): v for k, v in row.items() if v == v and v != ""}  # NaN is unequal to itself
        made[
            unquote(known["subject_id"]),
            known["predicate_id"],
            unquote(known["object_id"]),
            known["mapping_justification"],
            float(known["confidence"]) if "confidence" in known else None,
            known.get("predicate_modifier") == "Not",
        ] += 1
    return made


@pytest.mark.parametrize("read", [of_sssom_pydantic, of_sssom_py])
@pytest.mark.parametrize("path", CODE_MAPS, ids=lambda path: f"{path.parent.parent.name}-{path.name}")
def test_code_maps_that_ship(path: Path, read: Callable[[Path], Rows]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert read(path) == ours(path)


@pytest.mark.parametrize("read", [of_sssom_pydantic, of_sssom_py])
@pytest.mark.parametrize("name", OF_MONDO)
def test_sets_of_mondo(name: str, read: Callable[[Path], Rows], shared: Callable[[str], Path], tmp_path: Path) -> None:
    packed = shared(f"terminologies/{name}.sssom.tsv.xz")
    path = tmp_path / f"{name}.sssom.tsv"
    path.write_bytes(lzma.decompress(packed.read_bytes()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert read(path) == ours(path)
