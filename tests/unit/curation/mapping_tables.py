"""Mapping sets for the tests of `curation`."""

from __future__ import annotations

from hypothesis import strategies as st

from harmonize.curation.mapping_table import MappingTable, TableRow

COLUMNS = (
    "subject_id", "subject_label", "predicate_modifier", "predicate_id", "object_id", "object_label", "mapping_justification",
    "confidence", "mapping_source", "comment", "ext_path", "my-own column",
)  # fmt: skip
META = {
    "mapping_set_id": "https://example.org/sets/x",
    "mapping_set_version": "1.0",
    "license": "https://spdx.org/licenses/CC0-1.0",
    "creator_id": ["orcid:0000-0001", "no"],
    "curie_map": {
        "SNOMEDCT": "http://snomed.info/id/", "SCTID": "http://snomed.info/id/", "HP": "http://purl.obolibrary.org/obo/HP_",
        "Orphanet": "http://www.orpha.net/ORDO/Orphanet_", "UCUM": "https://w3id.org/harmonize/ucum/", "DOID": "http://x.org/DOID_",
        "skos": "http://www.w3.org/2004/02/skos/core#", "semapv": "https://w3id.org/semapv/vocab/",
    },
}  # fmt: skip
TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp")) | st.just(" "), max_size=12)
_CODES = st.builds(
    "{}:{}".format,
    st.sampled_from(("SNOMEDCT", "SCTID", "HP", "Orphanet", "UCUM", "DOID")),
    st.sampled_from(("1", "0001250", "%25", "kg/m2", "mm%5BHg%5D", "mm[Hg]", "HP:1", "%C3%A4")),
)
_NONE = st.just("sssom:NoTermFound")
_CONFIDENCE = st.sampled_from(("", "0.9", "1.0", "0.90", "1", "0.123456789012", "1e-3"))


@st.composite
def rows(draw: st.DrawFn) -> dict[str, str]:
    """Cells of a row that the strict reader accepts."""
    return {
        "subject_id": draw(_CODES | _NONE), "subject_label": draw(TEXT), "predicate_modifier": draw(st.sampled_from(("", "Not"))),
        "predicate_id": draw(st.sampled_from([*(f"skos:{p}Match" for p in ("exact", "close", "broad", "narrow", "related")),
                                              "oboInOwl:hasDbXref"])),
        "object_id": draw(_CODES | _NONE), "object_label": draw(TEXT),
        "mapping_justification": draw(st.sampled_from(("semapv:ManualMappingCuration", "semapv:UnspecifiedMatching"))),
        "confidence": draw(_CONFIDENCE), "mapping_source": draw(TEXT), "comment": draw(TEXT), "ext_path": draw(TEXT),
        "my-own column": draw(TEXT),
    }  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> MappingTable:
    """Mapping sets of any rows, twice the same among them."""
    made = tuple(
        TableRow(n, cells, len(COLUMNS)) for n, cells in enumerate(draw(st.lists(rows(), max_size=6)), start=20)
    )
    return MappingTable("x.sssom.tsv", META, COLUMNS, made)
