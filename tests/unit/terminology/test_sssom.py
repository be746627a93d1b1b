"""SSSOM sets: what is shipped is sound, what is wrong is refused with its line, ambiguity is never picked silently."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from harmonize.errors import SpecificationError
from harmonize.shipped import mappings_folder
from harmonize.terminology.sssom import Ambiguous, Mapped, NotMapped, read_mapping_set

SHIPPED = sorted(mappings_folder().rglob("*.sssom.tsv"))
HEAD = "#mapping_set_id: https://example.org/set\n#curie_map:\n#  A: https://example.org/A/\n#  B: https://example.org/B/\n"
COLUMNS = "subject_id\tpredicate_id\tobject_id\tmapping_justification\n"
ROWS = {
    "A:1": "A:1\tskos:exactMatch\tB:1\tsemapv:ManualMappingCuration\n",
    "A:2": "A:2\tskos:broadMatch\tB:2\tsemapv:ManualMappingCuration\n",
    "A:3": "A:3\tskos:exactMatch\tB:3\tsemapv:LexicalMatching\nA:3\tskos:exactMatch\tB:4\tsemapv:LexicalMatching\n",
    "A:4": "A:4\tskos:exactMatch\tsssom:NoTermFound\tsemapv:ManualMappingCuration\n",
}


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "set.sssom.tsv"
    path.write_text(text)
    return path


def test_translate(tmp_path: Path) -> None:
    mapping = read_mapping_set(write(tmp_path, HEAD + COLUMNS + "".join(ROWS.values())))
    exact = ["skos:exactMatch"]
    found = mapping.translate("A:1", exact)
    assert isinstance(found, Mapped) and (found.code, found.predicate, found.row) == ("B:1", "skos:exactMatch", 6)
    assert isinstance(mapping.translate("A:2", exact), NotMapped), (
        "a broad match is not accepted unless the profile says so"
    )
    assert isinstance(mapping.translate("A:2", ["skos:exactMatch", "skos:broadMatch"]), Mapped)
    assert mapping.translate("A:3", exact) == Ambiguous(("B:3", "B:4"), "https://example.org/set")
    assert isinstance(mapping.translate("A:4", exact), NotMapped) and isinstance(
        mapping.translate("A:9", exact), NotMapped
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (COLUMNS, "mapping_set_id is missing"),
        (HEAD + "subject_id\tobject_id\n", "is missing"),
        (HEAD + COLUMNS + "A:1\tskos:exactMatch\tB:1\n", ":6: 3 cells under 4 columns"),
        (HEAD + COLUMNS + "C:1\tskos:exactMatch\tB:1\tsemapv:X\n", "prefix of 'C:1' is not declared"),
        (HEAD + COLUMNS + "A:1\tskos:exactMatch\tB:1|B:2\tsemapv:X\n", "several codes"),
        (HEAD + COLUMNS + "A:1\tskos:exactMatch\tB:1\t\n", "mapping_justification is empty"),
    ],
)
def test_wrong_sets_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SpecificationError, match=message):
        read_mapping_set(write(tmp_path, text))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_sets_are_valid_for_sssom_itself(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sssom.parsers import parse_sssom_table

        frame = parse_sssom_table(str(path)).df
    ours = read_mapping_set(path)
    assert len(frame) == len(ours.rows)
    assert set(frame["subject_id"]) == set(ours.by_subject)
