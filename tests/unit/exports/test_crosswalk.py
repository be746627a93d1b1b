"""Crosswalks: direction, composition, gaps; the files are written here."""

from __future__ import annotations

from pathlib import Path

import pytest

from harmonize.errors import CallError, SpecificationError, UnknownNameError
from harmonize.exports.crosswalk import Crosswalk, crosswalk, sides
from harmonize.terminology.predicates import weaker

HEAD = "#mapping_set_id: https://w3id.org/harmonize/mappings/items/{name}\n#curie_map:\n" + "".join(
    f"#  {prefix}: https://w3id.org/harmonize/source/{prefix}/\n" for prefix in ("hmd", "mdc", "goe", "erdri", "beacon")
)
COLUMNS = "subject_id\tsubject_label\tpredicate_id\tobject_id\tobject_label\tmapping_justification\tconfidence\tmapping_source\tcomment\n"
FILES = {
    "hmd-goe": [
        ("hmd:Subject.Birth_Date", "exact", "goe:sex", ""),
        ("hmd:Sample.Date", "broad", "goe:age_at_sampling", "an age"),
    ],
    "hmd-mdc": [
        ("hmd:Subject.Birth_Date", "close", "mdc:14", "a year"),
        ("hmd:Subject.Birth_Date", "related", "mdc:16", ""),
        ("hmd:Sample.Date", "narrow", "mdc:28", "per block"),
        ("hmd:Sample.Date", "exact", "mdc:34", ""),
        ("hmd:Sample.Sampling_Intent", "NoTerm", "sssom:NoTermFound", "the MDC says nothing of it"),
    ],
    "goe-beacon": [("goe:sex", "exact", "beacon:individuals.sex", "")],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, rows in FILES.items():
        lines = [
            f"{subject}\t\t{'skos:exactMatch' if kind == 'NoTerm' else f'skos:{kind}Match'}\t{object_}\tlabel of {object_}\tsemapv:ManualMappingCuration\t0.9\tread\t{comment}\n"
            for subject, kind, object_, comment in rows
        ]
        (tmp_path / f"{name}.sssom.tsv").write_text(HEAD.format(name=name) + COLUMNS + "".join(lines), "utf-8")
    return tmp_path


def rows(found: Crosswalk) -> list[tuple[str, str, str]]:
    return [(row.subject, row.predicate.removeprefix("skos:"), row.object) for row in found.rows]


def test_forwards_in_the_order_of_the_items(folder: Path) -> None:
    found = crosswalk("hmd", "mdc", folder=folder)
    assert rows(found) == [
        ("hmd:Subject.Birth_Date", "closeMatch", "mdc:14"),
        ("hmd:Subject.Birth_Date", "relatedMatch", "mdc:16"),
        ("hmd:Sample.Date", "narrowMatch", "mdc:28"),
        ("hmd:Sample.Date", "exactMatch", "mdc:34"),
    ]
    assert found.mapping_sets == ("https://w3id.org/harmonize/mappings/items/hmd-mdc",)
    assert found.rows[0].object_label == "label of mdc:14" and found.rows[0].comment == "a year"


def test_backwards_broad_is_narrow(folder: Path) -> None:
    found = crosswalk("mdc", "hmd", folder=folder)
    assert ("mdc:28", "broadMatch", "hmd:Sample.Date") in rows(found)
    assert ("mdc:14", "closeMatch", "hmd:Subject.Birth_Date") in rows(found)
    assert found.rows[0].subject_label == "label of mdc:14"


def test_gaps_on_both_sides(folder: Path) -> None:
    found = crosswalk("hmd", "mdc", folder=folder)
    assert found.gaps_a is not None and found.gaps_b is not None
    assert len(found.gaps_a) == 119 and len(found.gaps_b) == 136
    assert [gap.reason for gap in found.gaps_a if gap.id == "hmd:Sample.Sampling_Intent"] == [
        "the MDC says nothing of it"
    ]
    there = {row.object for row in found.rows} | {gap.id for gap in found.gaps_b}
    assert len(there) == 140


def test_the_elements_of_others_are_not_known(folder: Path) -> None:
    assert crosswalk("goe", "beacon", folder=folder).gaps_b is None
    found = crosswalk("beacon", "goe", folder=folder)
    assert found.gaps_a is None and rows(found) == [("beacon:individuals.sex", "exactMatch", "goe:sex")]


def test_composed_the_weaker_predicate(folder: Path) -> None:
    found = crosswalk("goe", "mdc", through="hmd", folder=folder)
    assert rows(found) == [
        ("goe:sex", "closeMatch", "mdc:14"),
        ("goe:sex", "relatedMatch", "mdc:16"),
        ("goe:age_at_sampling", "narrowMatch", "mdc:28"),  # narrower than narrower
        ("goe:age_at_sampling", "narrowMatch", "mdc:34"),
    ]
    row = found.rows[2]
    assert (row.through, row.justification, row.confidence) == ("hmd:Sample.Date", "semapv:MappingChaining", "")
    assert row.comment == "an age; per block" and len(found.mapping_sets) == 2


def test_what_is_denied_is_no_row(tmp_path: Path) -> None:
    (tmp_path / "goe-beacon.sssom.tsv").write_text(
        HEAD.format(name="goe-beacon")
        + "subject_id\tpredicate_modifier\tpredicate_id\tobject_id\tmapping_justification\n"
        + "goe:sex\tNot\tskos:exactMatch\tbeacon:individuals.id\tsemapv:ManualMappingCuration\n"
        + "goe:sex\t\tskos:exactMatch\tbeacon:individuals.sex\tsemapv:ManualMappingCuration\n",
        "utf-8",
    )
    assert rows(crosswalk("goe", "beacon", folder=tmp_path)) == [("goe:sex", "exactMatch", "beacon:individuals.sex")]


PREDICATES = [
    ("exact", "exact", "exact"), ("exact", "close", "close"), ("close", "close", "related"), ("exact", "broad", "broad"),
    ("close", "narrow", "related"), ("broad", "broad", "broad"), ("broad", "narrow", "related"), ("narrow", "broad", "related"),
    ("related", "exact", "related"), ("related", "narrow", "related"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "two", "both"), PREDICATES)
def test_what_follows_from_two(one: str, two: str, both: str) -> None:
    assert weaker(f"skos:{one}Match", f"skos:{two}Match") == f"skos:{both}Match"


def test_nothing_is_made_up(folder: Path) -> None:
    with pytest.raises(CallError, match=r"no crosswalk between goe and mdc, and none is made up.*--through hmd"):
        crosswalk("goe", "mdc", folder=folder)
    with pytest.raises(CallError, match="nor one data set that both have one with"):
        crosswalk("erdri-cds", "mdc", folder=folder)
    with pytest.raises(CallError, match="two different things"):
        crosswalk("hmd", "hmd", folder=folder)
    with pytest.raises(UnknownNameError, match="Did you mean 'beacon'"):
        crosswalk("hmd", "becon", folder=folder)


def test_a_file_that_belongs_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "fhir-hmd.sssom.tsv").write_text("")
    with pytest.raises(SpecificationError, match="begins with no data set"):
        sides(tmp_path)


def test_every_file_that_ships_is_read_in_both_directions() -> None:
    for a, b in sides():
        there, back = crosswalk(a, b), crosswalk(b, a)
        assert there.rows and len(there.rows) == len(back.rows)
        assert {(row.subject, row.object) for row in there.rows} == {(row.object, row.subject) for row in back.rows}
