"""Two editions of a code system, and what their difference does to a mapping set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.curation.edition_diff import Moved, New, Relabelled, Retired, Touched, diff, open_edition
from harmonize.errors import CallError, SpecificationError
from harmonize.shipped import ontologies_folder
from harmonize.terminology.build import Term, write_store
from harmonize.terminology.sssom import read_mapping_set
from harmonize.terminology.store import CodeSystemStore
from tests.hostile.run_cli import harmonize

BEFORE = [
    Term("ORPHA:1", "root"), Term("ORPHA:2", "group", parents=["ORPHA:1"]), Term("ORPHA:3", "a", parents=["ORPHA:2"]),
    Term("ORPHA:4", "b", parents=["ORPHA:2"]), Term("ORPHA:5", "merged"), Term("ORPHA:6", "vanishes"),
    Term("ORPHA:7", "split"), Term("ORPHA:8", "comes back", obsolete=True), Term("ORPHA:9", "stays obsolete", obsolete=True),
]  # fmt: skip
AFTER = [
    Term("ORPHA:1", "root"), Term("ORPHA:2", "group", parents=["ORPHA:1"]), Term("ORPHA:3", "a, renamed", parents=["ORPHA:2"]),
    Term("ORPHA:4", "b", parents=["ORPHA:1"], alternatives=["ORPHA:5"]),
    Term("ORPHA:7", "split", obsolete=True, consider=["ORPHA:3", "ORPHA:4"]), Term("ORPHA:8", "comes back"),
    Term("ORPHA:9", "stays obsolete", obsolete=True), Term("ORPHA:10", "new", parents=["ORPHA:1", "ORPHA:2"]),
]  # fmt: skip
SET = """#mapping_set_id: x:set
#curie_map:
#  Orphanet: http://www.orpha.net/ORDO/Orphanet_
#  ICD10: http://hl7.org/fhir/sid/icd-10/
subject_id\tpredicate_id\tobject_id\tmapping_justification
Orphanet:1\tskos:exactMatch\tICD10:A01\tsemapv:ManualMappingCuration
ICD10:A02\tskos:exactMatch\tOrphanet:7\tsemapv:ManualMappingCuration
Orphanet:3\tskos:exactMatch\tICD10:A03\tsemapv:ManualMappingCuration
Orphanet:4\tskos:exactMatch\tsssom:NoTermFound\tsemapv:ManualMappingCuration
"""


def edition(path: Path, terms: list[Term], *, system: str = "ORPHA", complete: str = "true") -> Path:
    meta = {"format": "1", "system": system, "title": "x", "version": path.stem, "licence": "x", "complete": complete}
    write_store(path, sorted(terms, key=lambda term: term.code), {**meta, "sha256": "0", "concepts": str(len(terms))})
    return path


@pytest.fixture
def editions(tmp_path: Path) -> tuple[Path, Path]:
    return edition(tmp_path / "2025.sqlite", BEFORE), edition(tmp_path / "2026.sqlite", AFTER)


def test_diff(editions: tuple[Path, Path], tmp_path: Path) -> None:
    own = tmp_path / "x.sssom.tsv"
    own.write_text(SET, "utf-8")
    made = diff(*map(open_edition, editions), [read_mapping_set(own)])
    assert (made.system, made.before, made.after) == ("ORPHA", "2025", "2026")
    assert made.new == (New("ORPHA:10", "new", False), New("ORPHA:8", "comes back", True))
    assert made.retired == (
        Retired("ORPHA:5", "merged", "replaced", ("ORPHA:4",)), Retired("ORPHA:6", "vanishes", "gone", ()),
        Retired("ORPHA:7", "split", "obsolete", ("ORPHA:3", "ORPHA:4")),
    )  # fmt: skip
    assert made.relabelled == (Relabelled("ORPHA:3", "a", "a, renamed"),)
    assert made.moved == (Moved("ORPHA:4", "b", ("ORPHA:2",), ("ORPHA:1",)),)
    assert made.touched == (
        Touched("x:set", 7, "object_id", "ORPHA:7", "retired", ("ORPHA:3", "ORPHA:4")),
        Touched("x:set", 8, "subject_id", "ORPHA:3", "relabelled", ("a, renamed",)),
        Touched("x:set", 9, "subject_id", "ORPHA:4", "moved", ("ORPHA:1",)),
    )  # fmt: skip


CODES = st.lists(st.tuples(st.integers(1, 6), st.sampled_from("ab"), st.booleans()), unique_by=lambda t: t[0])


@settings(max_examples=25, deadline=None)
@given(old=CODES, new=CODES)
def test_the_difference_makes_the_one_into_the_other(
    old: list[tuple[int, str, bool]], new: list[tuple[int, str, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("editions")
    one, two = (
        CodeSystemStore(edition(folder / f"{name}.sqlite", [Term(f"ORPHA:{n}", label, out) for n, label, out in codes]))
        for name, codes in (("1", old), ("2", new))
    )
    made = diff(one, two)
    before = {f"ORPHA:{n}": label for n, label, out in old if not out}
    after = {f"ORPHA:{n}": label for n, label, out in new if not out}
    replayed = before | {x.code: x.label for x in made.new} | {x.code: x.label for x in made.relabelled}
    for gone in made.retired:
        del replayed[gone.code]
    assert replayed == after and made.moved is None
    back = diff(two, one)
    assert [x.code for x in back.new] == [x.code for x in made.retired]


def test_an_edition_does_not_differ_from_itself() -> None:
    store = open_edition(ontologies_folder() / "HP-2026-02-16.sqlite")
    made = diff(store, store)
    assert (made.new, made.retired, made.relabelled, made.moved) == ((), (), (), ())
    assert ("HP:0001250", "Seizure", False) in set(store.terms())


def test_nearest_ancestors_are_the_parents_that_pronto_reads(tmp_path: Path) -> None:
    """HP:0001250: is_a HP:0012638 in hp.obo 2026-02-16."""
    store = open_edition(ontologies_folder() / "HP-2026-02-16.sqlite")
    empty = CodeSystemStore(
        edition(tmp_path / "x.sqlite", [Term("HP:0001250", "Seizure"), Term("HP:1", "x"), Term("HP:2", "y", parents=["HP:1"])],
                system="HP"))  # fmt: skip
    (moved,) = diff(empty, store).moved or ()
    assert moved == Moved("HP:0001250", "Seizure", (), ("HP:0012638",))


def test_what_cannot_be_compared_is_refused(editions: tuple[Path, Path], tmp_path: Path) -> None:
    other = edition(tmp_path / "hp.sqlite", [Term("HP:1", "x")], system="HP")
    with pytest.raises(CallError, match="two code systems"):
        diff(open_edition(editions[0]), open_edition(other))
    with pytest.raises(SpecificationError, match="only some codes"):
        open_edition(edition(tmp_path / "part.sqlite", [], complete="false"))
    with pytest.raises(CallError, match="no file"):
        open_edition(tmp_path / "absent.sqlite")
    (tmp_path / "junk.sqlite").write_text("junk " * 200)
    with pytest.raises(SpecificationError, match="no compiled"):
        open_edition(tmp_path / "junk.sqlite")


def test_the_verb(editions: tuple[Path, Path], tmp_path: Path) -> None:
    own = tmp_path / "x.sssom.tsv"
    own.write_text(SET, "utf-8")
    call = ("terminology", "diff", *map(str, editions), "--set", str(own))
    answer = json.loads(harmonize(*call, "--json").out)
    assert answer["retired"][0] == {
        "code": "ORPHA:5",
        "label": "merged",
        "status": "replaced",
        "candidates": ["ORPHA:4"],
    }
    text = harmonize(*call).out
    for line in (
        "ORPHA 2025 -> 2026", "new         ORPHA:10 new", "restored    ORPHA:8", "retired     ORPHA:7 split: obsolete -> ORPHA:3, ORPHA:4",
        "relabelled  ORPHA:3 a -> a, renamed", "moved       ORPHA:4 b: ORPHA:2 -> ORPHA:1",
        "touched     x:set line 7 object_id: ORPHA:7 retired -> ORPHA:3, ORPHA:4",
    ):  # fmt: skip
        assert line in text
    flat = [str(edition(tmp_path / f"{n}.sqlite", [Term("ORPHA:1", "x")])) for n in (1, 2)]
    assert "moved: not checked" in harmonize("terminology", "diff", *flat).err
