"""Candidates of mappings: lexical, aware of the hierarchy, ranked by what gains; and never used until somebody accepts them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.curation.coverage import CodeOutcome, Coverage, Row, as_tsv
from harmonize.curation.lexical_index import LexicalIndex
from harmonize.curation.mapping_table import mapping_table_text, parse_mapping_table
from harmonize.curation.set_lint import lint, our_prefixes
from harmonize.curation.suggestions import COMPOSITE, LEXICAL, Candidate, candidates_for, suggest
from harmonize.errors import CallError, SpecificationError
from harmonize.profiles.loading import load_profile
from harmonize.shipped import mappings_folder
from harmonize.terminology.build import Term
from harmonize.terminology.code_maps import find_set, load_code_maps
from harmonize.terminology.sssom import read_mapping_set
from harmonize.terminology.store import Terminologies
from tests.hostile.run_cli import harmonize
from tests.properties.effort import examples
from tests.registry import ALL_TARGETS, convert, make_registry
from tests.unit.curation.test_edition_diff import edition

TERMS = [
    Term("ORPHA:1", "Disease"),
    Term("ORPHA:2", "Abnormal bleeding", parents=["ORPHA:1"], names=[("exact", "Bleeding tendency")]),
    Term("ORPHA:3", "Nasal hemorrhage", parents=["ORPHA:2"], names=[("exact", "Epistaxis"), ("related", "Nosebleed")]),
    Term("ORPHA:4", "Joint hemorrhage", parents=["ORPHA:2"], languages=[("de", "Gelenkblutung"), ("de-AT", "Gelenksblutung")],
         names=[("exact", "Gelenkblutung"), ("exact", "Gelenksblutung")]),
    Term("ORPHA:5", "Seizure", parents=["ORPHA:1"], names=[("broad", "Attack"), ("narrow", "Convulsion")]),
    Term("ORPHA:6", "Focal disorder", parents=["ORPHA:5"], names=[("exact", "Twin name")]),
    Term("ORPHA:7", "Other disorder", parents=["ORPHA:5"], names=[("exact", "Twin name")]),
    Term("ORPHA:8", "Gone", obsolete=True),
]  # fmt: skip


@pytest.fixture(scope="module")
def terminologies(tmp_path_factory: pytest.TempPathFactory) -> Terminologies:
    folder = tmp_path_factory.mktemp("stores")
    edition(folder / "ORPHA-1.sqlite", TERMS)
    return Terminologies.installed(folder)


def found(terminologies: Terminologies, label: str, language: str | None = None) -> list[Candidate]:
    store = terminologies.store("ORPHA")
    assert store is not None
    return candidates_for(label, LexicalIndex(store.named(language)), store)


@pytest.mark.parametrize(("label", "code", "predicate", "confidence"), [
    ("seizure", "ORPHA:5", "skos:exactMatch", 0.9),
    ("SEIZURES", "ORPHA:5", "skos:exactMatch", 0.8),
    ("epistaxis", "ORPHA:3", "skos:exactMatch", 0.85),
    ("Nosebleed", "ORPHA:3", "skos:closeMatch", 0.7),
    ("Attack", "ORPHA:5", "skos:narrowMatch", 0.7),  # a broad synonym is broader than its term
    ("Convulsion", "ORPHA:5", "skos:broadMatch", 0.7),
    ("bleeding, abnormal", "ORPHA:2", "skos:exactMatch", 0.8),
    ("Nasal haemorrhage", "ORPHA:3", "skos:exactMatch", 0.8),
])  # fmt: skip
def test_the_same_name(terminologies: Terminologies, label: str, code: str, predicate: str, confidence: float) -> None:
    first = found(terminologies, label)[0]
    assert (first.code, first.predicate, first.confidence, first.justification) == (
        code,
        predicate,
        confidence,
        LEXICAL,
    )


def test_some_of_the_words(terminologies: Terminologies) -> None:
    first, *_ = found(terminologies, "Abnormal severe bleeding")
    assert (first.code, first.predicate) == ("ORPHA:2", "skos:broadMatch") and 0 < first.confidence < 0.6
    assert found(terminologies, "Gone") == [], "an obsolete term is no candidate"
    assert found(terminologies, "") == found(terminologies, "!?") == found(terminologies, "xyz") == []


@pytest.mark.parametrize(("label", "below", "parent"), [
    ("Hemorrhages", ["ORPHA:3", "ORPHA:4"], "ORPHA:2"),  # it is a part of both names
    ("Twin name", ["ORPHA:6", "ORPHA:7"], "ORPHA:5"),  # it is the name of both
])  # fmt: skip
def test_several_candidates_and_their_common_parent(
    terminologies: Terminologies, label: str, below: list[str], parent: str
) -> None:
    *several, last = found(terminologies, label)
    assert sorted(one.code for one in several) == below
    assert (last.code, last.predicate, last.justification) == (parent, "skos:broadMatch", COMPOSITE)
    assert 0 < last.confidence < min(one.confidence for one in several)


def test_the_root_is_no_parent_worth_offering(tmp_path: Path) -> None:
    edition(tmp_path / "ORPHA-1.sqlite", [Term("ORPHA:1", "Disease"), *(
        Term(f"ORPHA:{n}", f"x{n}", parents=["ORPHA:1"], names=[("exact", "Twin")]) for n in (2, 3))])  # fmt: skip
    assert [one.code for one in found(Terminologies.installed(tmp_path), "twin")] == ["ORPHA:2", "ORPHA:3"]


def test_in_a_language(terminologies: Terminologies) -> None:
    assert [one.code for one in found(terminologies, "gelenksblutung", "de")] == ["ORPHA:4"]
    assert found(terminologies, "epistaxis", "de") == []
    with pytest.raises(CallError, match="'fi'"):
        suggest(made(), terminologies, "ORPHA", our_prefixes(), language="fi")
    with pytest.raises(CallError, match="NOSUCH is not installed"):
        suggest(made(), terminologies, "NOSUCH", our_prefixes())


def row(
    code: str, label: str, records: int, outcome: CodeOutcome = CodeOutcome.NOT_MAPPED, system: str = "ICD10"
) -> Row:
    return Row(outcome, system, code, label, "a.csv/x", 1, records, records)


def made(*more: Row) -> Coverage:
    return Coverage("eu/ern-cde", {"read": 9}, (
        row("ICD10:R56", "Seizure", 2), row("ICD10:R04.0", "Epistaxis", 7), row("ICD10:Z99", "", 50),
        row("ICD10:Z98", "nothing like it", 1), row("ja/nein", "", 3, system=""), row("", "", 40),
        row("ICD10:A00", "Seizure", 90, CodeOutcome.KEPT), row("ORPHA:5", "Seizure", 90, system="ORPHA"), *more,
    ))  # fmt: skip


def test_what_gains_most_stands_first(terminologies: Terminologies) -> None:
    answer = suggest(made(row("nosebleed", "", 1, system="")), terminologies, "ORPHA", our_prefixes())
    assert [(r["subject_id"], r["object_id"]) for r in answer.table.rows] == [
        ("ICD10:R04.0", "ORPHA:3"), ("ICD10:R56", "ORPHA:5"), ("WORD:nosebleed", "ORPHA:3"),
    ]  # fmt: skip
    assert (answer.codes, answer.without_label, answer.without_candidate) == (6, 1, 2)
    assert answer.table.rows[0]["comment"] == "7 records and 7 persons of a.csv/x would gain"
    with_kept = suggest(made(), terminologies, "ORPHA", our_prefixes(), kept=True)
    assert with_kept.table.rows[0]["subject_id"] == "ICD10:A00"


def test_the_set_is_sssom_that_curators_read(terminologies: Terminologies, tmp_path: Path) -> None:
    answer = suggest(made(), terminologies, "ORPHA", our_prefixes())
    path = tmp_path / "x.sssom.tsv"
    path.write_text(mapping_table_text(answer.table))
    assert [r.cells for r in parse_mapping_table(path.read_text().split("\n"), "x").rows] == [
        dict(r.cells) for r in answer.table.rows
    ]
    assert not lint([("x", path)], terminologies).failed


def test_nothing_translates_by_candidates(terminologies: Terminologies, tmp_path: Path) -> None:
    """Neither a profile that names them, nor `terminology translate`, nor `mappings export`."""
    text = mapping_table_text(suggest(made(), terminologies, "ORPHA", our_prefixes()).table)
    path = tmp_path / "x.sssom.tsv"
    path.write_text(text)
    with pytest.raises(SpecificationError, match="candidates, which nobody has accepted"):
        read_mapping_set(path)
    with pytest.raises(SpecificationError, match="mappings review"):
        load_code_maps([str(find_set(str(path)))])
    profile = tmp_path / "p"
    shutil.copytree(mappings_folder() / "eu" / "ern-cde", profile)
    card = (profile / "profile.yaml").read_text()
    assert "shared:ncit-birthsex.sssom.tsv" in card
    (profile / "profile.yaml").write_text(card.replace("shared:ncit-birthsex.sssom.tsv", "x.sssom.tsv"))
    (profile / "x.sssom.tsv").write_text(text)
    done = harmonize("profiles", "check", "p", cwd=tmp_path)
    assert done.code == 1 and "nobody has accepted" in done.out


def test_candidates_beside_a_profile_change_nothing(terminologies: Terminologies, tmp_path: Path) -> None:
    registry = make_registry(tmp_path / "in", 5)
    before = convert(registry.folder, tmp_path / "a")
    text = mapping_table_text(suggest(made(), terminologies, "ORPHA", our_prefixes()).table)
    (registry.folder.parent / "candidates.sssom.tsv").write_text(text)
    after = convert(registry.folder, tmp_path / "b")
    for target in ALL_TARGETS:
        assert before.outcome.manifest["counts"]["values"][target] == after.outcome.manifest["counts"]["values"][target]
    assert not any("candidates" in str(path) for path in load_profile("eu/ern-cde").code_maps.values())


def test_from_a_table_of_coverage(tmp_path: Path) -> None:
    table = tmp_path / "c.tsv"
    table.write_text(
        as_tsv(Coverage("eu/ern-cde", {"read": 1}, (row("ICD10:R56", "Seizures", 2), row("ICD10:Z99", "", 5))))
    )
    done = harmonize("mappings", "suggest", "c.tsv", "--to", "HP", "--out", "x.sssom.tsv", "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert (answer["codes"], answer["without_label"]) == (2, 1)
    assert answer["candidates"][0]["object_id"] == "HP:0001250" and "WORD" not in (tmp_path / "x.sssom.tsv").read_text()


def test_from_records(tmp_path: Path) -> None:
    registry = make_registry(tmp_path / "in", 6)
    registry.change("Sex", lambda rows: rows[0].update(valueIRI="http://purl.obolibrary.org/obo/NCIT_C46110") or None)  # type: ignore[func-returns-value]
    words = ("mappings", "suggest", "in", "--profile", "eu/ern-cde", "--to", "BIRTHSEX", "--out", "x.sssom.tsv")
    done = harmonize(*words, cwd=tmp_path)
    assert done.code == 0 and "written: x.sssom.tsv" in done.err


WORDS = st.lists(
    st.sampled_from(("seizure", "focal", "hemorrhage", "of", "nose", "Störung", "X1", "-", "  ")), max_size=5
)


@given(WORDS, WORDS)
@examples(150)
def test_the_order_of_names_and_words_changes_nothing(label: list[str], name: list[str]) -> None:
    names = [("X:1", "label", " ".join(name)), ("X:2", "label", "focal seizure"), ("X:3", "exact", "nose")]
    one = {(m.code, m.score) for m in LexicalIndex(names).matches(" ".join(label))}
    other = {(m.code, m.score) for m in LexicalIndex(names[::-1]).matches(" ".join(label[::-1]))}
    assert one == other and all(0.4 <= score <= 1 for _, score in one)
