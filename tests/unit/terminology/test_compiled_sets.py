"""Mapping sets compiled: the same answers as row by row, from a cache that cannot lie; forms that are no SSSOM."""

from __future__ import annotations

import gzip
import itertools
import lzma
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.errors import CallError, InputError, SpecificationError
from harmonize.terminology import code_map_files
from harmonize.terminology.code_map_files import add_set, find_set, find_table, load_set, read_content
from harmonize.terminology.code_maps import CodeMaps, load_code_maps
from harmonize.terminology.code_names import CodeNames
from harmonize.terminology.compiled_sets import CompiledSet
from harmonize.terminology.notation import Code, load_systems
from harmonize.terminology.predicates import BROAD, CLOSE, EXACT, NARROW, SHORT
from harmonize.terminology.sssom import read_mapping_set
from tests.unit.terminology.test_code_maps import write

GEM = """"icd10cm","icd9cm","flags","approximate","no_map","combination","scenario","choice_list"
"A000","0010","00000",0,0,0,0,0
"A0100","0020","10000",1,0,0,0,0
"A021","0031","10111",1,0,1,1,1
"A021","99591","10112",1,0,1,1,2
"A1801","01500","10000",1,0,0,0,0
"A1801","01500","10111",1,0,1,1,1
"A1801","73740","10112",1,0,1,1,2
"B99","0030","10111",1,0,1,1,1
"B99","0031","10111",1,0,1,1,1
"B99","0032","10112",1,0,1,1,2
"R402130","NoDx","11000",1,1,0,0,0
"T360X1A","E8560","10000",1,0,0,0,0
"T360X1A","9600","10000",1,0,0,0,0
"""
LOINC2HPO = """loincId\tloincScale\toutcome\thpoTermId\tsupplementalTermId\tcuration\tcomment
2951-2\tQn\tL\tHP:0002902\t.\tx\t.
2951-2\tQn\tN\tHP:0010931\t.\tx\t.
2951-2\tQn\tH\tHP:0003228\t.\tx\t.
5802-4\tOrd\tPOS\tHP:0031812\t.\tx\t.
5802-4\tOrd\tNEG\tHP:0031812\t.\tx\t.
"""


@pytest.fixture
def maps(tmp_path: Path) -> CodeMaps:
    (tmp_path / "gem.csv.xz").write_bytes(lzma.compress(GEM.encode()))
    (tmp_path / "loinc2hpo.tsv.gz").write_bytes(gzip.compress(LOINC2HPO.encode()))
    own = write(
        tmp_path,
        "own",
        "ICD10CM:A02.1||exact|MONDO:0000001\nMONDO:0000002||exact|ICD10CM:A02.1".replace("ICD10CM", "ICD10"),
    )
    return CodeMaps(map(load_set, (tmp_path / "gem.csv.xz", tmp_path / "loinc2hpo.tsv.gz", own)))


# code, accepted: status, targets as code/scenario/list
COMBINATIONS = {
    "identical": ("ICD10CM:A00.0", [EXACT], "mapped", "001.0"),
    "approximate is not exact": ("ICD10CM:A01.00", [EXACT], "not-mapped", ""),
    "approximate": ("ICD10CM:A01.00", [EXACT, CLOSE], "mapped", "002.0"),
    "two together": ("ICD10CM:A02.1", [CLOSE], "combination", "003.1/1/1 995.91/1/2"),
    "one alone, or two together": ("ICD10CM:A18.01", [CLOSE], "ambiguous", "015.00 015.00/1/1 737.40/1/2"),
    "two together, one of a list": ("ICD10CM:B99", [CLOSE], "ambiguous", "003.0/1/1 003.1/1/1 003.2/1/2"),
    "two alternatives": ("ICD10CM:T36.0X1A", [CLOSE], "ambiguous", "960.0 E856.0"),
    "no map": ("ICD10CM:R40.2130", [EXACT, CLOSE], "not-mapped", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", COMBINATIONS)
def test_combinations_and_scenarios_are_kept(name: str, maps: CodeMaps) -> None:
    code, accepted, status, targets = COMBINATIONS[name]
    answer = maps.translate(code, "ICD9CM", predicates=accepted)
    assert answer.status == status
    written = [t.code[7:] + (f"/{t.scenario}/{t.choice_list}" if t.scenario else "") for t in answer.targets]
    assert " ".join(written) == targets
    if status == "combination":
        assert [t["scenario"] for t in answer.as_json()["targets"]] == [1, 1] and "all of these" in answer.reason
    if name == "no map":
        assert answer.by_design and "there is no target" in answer.reason


def test_a_gem_is_read_one_way_and_no_chain_goes_on_from_a_part(tmp_path: Path, maps: CodeMaps) -> None:
    assert maps.translate("ICD9CM:001.0", "ICD10CM").status == "not-checked"
    rows = "ICD10CM:A02.1||exact|MONDO:0000001".replace("ICD10CM", "ICD10")
    text = write(tmp_path, "chained", rows).read_text().replace("ICD10:", "ICD9CM:").replace("A02.1", "003.1")
    (tmp_path / "chained.sssom.tsv").write_text(text)
    both = CodeMaps([*maps.sets, load_set(tmp_path / "chained.sssom.tsv")])
    answer = both.translate("ICD10CM:A02.1", "MONDO", through=["ICD9CM"], predicates=[EXACT, CLOSE])
    assert answer.status == "not-mapped" and "combination" in answer.reason


def test_text_files_of_cms_say_their_direction_by_their_name(tmp_path: Path) -> None:
    text = "A000    0010    00000\nA021    0031    10111\nA021    99591   10112\nR402130 NoDx    11000\n"
    for name, fits in (("2018_I10gem.txt", True), ("2018_I9gem.txt", False), ("gem.txt", False)):
        (tmp_path / name).write_text(text)
        if fits:
            made = load_set(tmp_path / name)
            assert [(s.code, s.scenario, s.choice_list) for s in made.forwards("ICD10CM:A02.1")] == [
                ("ICD9CM:003.1", 1, 1), ("ICD9CM:995.91", 1, 2)]  # fmt: skip
        else:
            with pytest.raises(InputError):
                load_set(tmp_path / name)
    for bad in (
        "A000 0010 00000\nrubbish\n",
        GEM + '"A000","0010","0",0,0,0,0\n',
        GEM + '"A000","zz","00000",0,0,0,0,0\n',
    ):
        (tmp_path / "I10gem.txt").write_text(bad)
        with pytest.raises(InputError, match="row"):
            load_set(tmp_path / "I10gem.txt")


def test_the_outcome_of_a_test_decides_and_normal_is_excluded(maps: CodeMaps) -> None:
    answers = {outcome: maps.translate("LOINC:2951-2", "HP", outcome=outcome) for outcome in ("H", "L", "N", "POS", "")}
    assert {o: [(t.code, t.excluded) for t in a.targets] for o, a in answers.items()} == {
        "H": [("HP:0003228", False)], "L": [("HP:0002902", False)], "N": [("HP:0010931", True)], "POS": [], "": [],
    }  # fmt: skip
    assert "excluded" not in answers["H"].as_json()["targets"][0] and answers["N"].as_json()["targets"][0]["excluded"]
    assert answers[""].status == "not-mapped" and "H, L, N" in answers[""].reason
    negative = maps.translate("LOINC:5802-4", "HP", outcome="NEG")
    assert negative.status == "mapped" and negative.targets[0].excluded


@pytest.mark.parametrize(("predicate", "status"), [("exact", "mapped"), ("narrow", "mapped"), ("broad", "not-mapped")])
def test_what_is_excluded_stays_excluded_behind_a_chain(
    tmp_path: Path, maps: CodeMaps, predicate: str, status: str
) -> None:
    """That a sign is absent says nothing of what is broader than it."""
    text = write(tmp_path, "chained", f"ICD10:A01||{predicate}|MONDO:0000001").read_text()
    (tmp_path / "chained.sssom.tsv").write_text(text.replace("ICD10:", "HP:").replace("HP:A01", "HP:0010931"))
    both = CodeMaps([*maps.sets, load_set(tmp_path / "chained.sssom.tsv")])
    accepted = [SHORT[name] for name in ("exact", "narrow", "broad")]
    answer = both.translate("LOINC:2951-2", "MONDO", through=["HP"], outcome="N", predicates=accepted)
    assert answer.status == status and all(target.excluded for target in answer.targets)


def test_confidence(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "x",
        "ORPHA:1||exact|ICD10:A01\nORPHA:1||exact|ICD10:A02\nORPHA:2||exact|ICD10:A03".replace("ORPHA", "Orphanet"),
    )
    lines = path.read_text().splitlines()
    head, stated = [*lines[:6], lines[6] + "\tconfidence"], ("0.9", "0.5", "")
    path.write_text("\n".join([*head, *(f"{line}\t{c}" for line, c in zip(lines[7:], stated, strict=True))]) + "\n")
    made = CodeMaps([load_set(path)])
    assert made.translate("ORPHA:1", "ICD10").status == "ambiguous"
    sure = made.translate("ORPHA:1", "ICD10", minimum_confidence=0.6)
    assert (sure.status, sure.targets[0].code, sure.as_json()["targets"][0]["confidence"]) == (
        "mapped",
        "ICD10:A01",
        0.9,
    )
    assert made.translate("ICD10:A02", "ORPHA", minimum_confidence=0.6).status == "not-mapped"
    assert "no confidence of 0.6" in made.translate("ORPHA:2", "ICD10", minimum_confidence=0.6).reason


LOCALS = st.sampled_from(
    ["1", "558", "0558", "A01", "a01", "A01+", "A018", "248152002", "248152003", "C1", "LD50", "HP_0000118", "x y", " 1", "é", "203655"]
)  # fmt: skip
PREFIXES = ("Orphanet", "ICD10", "SCTID", "UMLS", "icd11", "OBO", "OMIMPS", "HP", "DOID")
IRIS = {
    "Orphanet": "http://www.orpha.net/ORDO/Orphanet_", "SCTID": "http://snomed.info/id/", "OBO": "http://purl.obolibrary.org/obo/",
    "UMLS": "http://linkedlifedata.com/resource/umls/id/", "OMIMPS": "https://omim.org/phenotypicSeries/PS",
}  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.builds("{}:{}".format, st.sampled_from(PREFIXES), LOCALS), max_size=60))
def test_naming_in_bulk_names_as_one_by_one(curies: list[str]) -> None:
    bulk, single = CodeNames(IRIS), CodeNames(IRIS)
    bulk.learn(curies)
    for curie in curies:
        one = single.parsed(curie)
        assert bulk.parsed(curie) == one or not (isinstance(one, Code) or isinstance(bulk.parsed(curie), Code))


def test_a_cache_is_checked_before_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMONIZE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(code_map_files, "CACHED_FROM", 0)
    path = write(tmp_path, "own", "ICD10:A01||exact|MONDO:0000001")
    assert load_set(path).rows == 1
    (compiled,) = (tmp_path / "cache" / "code-maps").glob("*.sqlite")
    assert (tmp_path / "cache" / "code-maps").stat().st_mode & 0o077 == 0
    before = compiled.read_bytes()
    for damaged in (before[:-1] + b"\0", before[:100], b""):
        compiled.write_bytes(damaged)
        assert load_set(path).forwards("ICD10:A01")[0].code == "MONDO:0000001"
        assert compiled.read_bytes() == before, "it was made again, and is the same"
    age = compiled.stat().st_mtime_ns
    load_set(path)
    assert compiled.stat().st_mtime_ns == age, "it was used"
    write(tmp_path, "own", "ICD10:A02||exact|MONDO:0000001")
    assert load_set(path).forwards("ICD10:A02") and len(list(compiled.parent.glob("*.sqlite"))) == 2
    assert not list(compiled.parent.glob("*.part"))


def test_without_a_place_to_write_a_set_is_compiled_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_map_files, "CACHED_FROM", 0)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("HARMONIZE_CACHE", str(tmp_path / "file"))
    assert load_set(write(tmp_path, "own", "ICD10:A01||exact|MONDO:0000001")).rows == 1
    assert (tmp_path / "file").read_text() == "in the way"


def test_sets_that_are_added_are_known_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMONIZE_TERMINOLOGIES", str(tmp_path / "mine"))
    path = write(tmp_path, "own", "ICD10:A01||exact|MONDO:0000001\nICD10:A18.0,||exact|MONDO:0000002")
    added = add_set(path, "our-map")
    assert (added["rows"], len(added["said"])) == (2, 1)
    assert load_code_maps(["our-map"]).translate("MONDO:0000001", "ICD10").targets[0].code == "ICD10:A01"
    assert load_code_maps().translate("ICD10:A01", "MONDO").status == "mapped", "it is used with those that ship"
    before = find_set("our-map").read_bytes()
    path.write_text("rubbish")
    with pytest.raises(SpecificationError):
        add_set(path, "our-map")
    assert find_set("our-map").read_bytes() == before and len(list((tmp_path / "mine" / "code-maps").iterdir())) == 1
    with pytest.raises(CallError, match="compiled"):
        find_table("our-map")
    table = tmp_path / "mine" / "code-maps" / "a-table.sssom.tsv"
    table.write_text(write(tmp_path, "a-table", "ICD10:A01||exact|MONDO:0000009").read_text())
    with pytest.raises(CallError, match="would be used"):
        add_set(table, "a-table")
    for wrong in ("", "../x", "uo-ucum", "é"):
        with pytest.raises(CallError):
            add_set(path, wrong)
    find_set("our-map").write_bytes(b"no database")
    with pytest.raises(SpecificationError, match="add it again"):
        load_set(find_set("our-map"))


# --- the real sets --------------------------------------------------------------------------------------------------


def test_ordo_is_compiled_in_less_than_a_second(shared: Callable[[str], Path], tmp_path: Path) -> None:
    plain = tmp_path / "ordo.sssom.tsv"
    plain.write_bytes(lzma.decompress(shared("terminologies/ordo-2025-03-07.without-meddra.sssom.tsv.xz").read_bytes()))
    load_systems()
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        made = CompiledSet.in_memory(read_content(plain))
        best = min(best, time.process_time() - start)
    assert made.rows == 31_568 and best < 1.5, "the gate of a second is that of `make bench`, on a quiet machine"
    assert len(made.steps("ICD10:Q87.8", "ORPHA")) == 555
    (stray,) = made.strays
    assert (stray.rows, stray.code) == (1, "ICD10:A18.0,")
    names = CodeNames(read_mapping_set(plain))
    rows = read_mapping_set(plain).rows[::37]
    for row in rows:
        for curie in (row.subject, row.object):
            assert made.forwards(names(curie)) or made.backwards(names(curie)), "the bulk names are the single ones"


def test_national_to_mondo_over_ordo_carries_the_weakest_predicate(shared: Callable[[str], Path]) -> None:
    sets = ("ordo-2025-03-07.without-meddra", "mondo_exactmatch_orphanet")
    maps = CodeMaps(load_set(shared(f"terminologies/{name}.sssom.tsv.xz")) for name in sets)
    one = maps.translate("ICD10:Q87.8", "MONDO", through=["ORPHA"], predicates=[EXACT])
    assert one.status == "not-mapped" and "narrowMatch" in one.reason, "a broad row backwards is narrow, and stays it"
    several = maps.translate("ICD10:Q87.8", "MONDO", through=["ORPHA"], predicates=[NARROW])
    assert several.status == "ambiguous" and len(several.targets) > 400
    back = maps.translate("MONDO:0008840", "ICD10", through=["ORPHA"], predicates=[EXACT, BROAD])
    assert (back.status, back.targets[0].code, back.targets[0].predicate) == ("mapped", "ICD10:G11.3", BROAD)


def test_gems_and_loinc2hpo_whole(shared: Callable[[str], Path]) -> None:
    gem = load_set(shared("terminologies/icd9toicd10cmgem.csv.xz"))
    assert gem.rows == 23_912 - 425 and gem.pairs == {("ICD9CM", "ICD10CM")}
    systems = load_systems()
    import csv

    text = lzma.decompress(shared("terminologies/icd9toicd10cmgem.csv.xz").read_bytes()).decode()
    for row in itertools.islice(csv.DictReader(text.splitlines()), 0, None, 211):
        nine, ten = systems.parse(row["icd9cm"], "ICD9CM/diagnosis"), systems.parse(row["icd10cm"], "ICD10CM")
        if row["no_map"] == "1":
            assert gem.says_there_is_none(str(nine))
        else:
            assert str(ten) in [step.code for step in gem.forwards(str(nine))], (
                "dots stand where the notation puts them"
            )
    loinc = load_set(shared("terminologies/loinc2hpo-annotations-2023-06.tsv.xz"))
    assert loinc.rows == 7_415
    assert all(step.excluded == (step.outcome in ("N", "NEG")) for step in loinc.forwards("LOINC:2951-2"))
