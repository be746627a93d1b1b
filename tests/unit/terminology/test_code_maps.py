"""Translation over mapping sets: both directions, chains, nothing picked."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.errors import CallError, SpecificationError, UnknownNameError
from harmonize.terminology.code_map_files import find_set
from harmonize.terminology.code_maps import CodeMaps, load_code_maps, parse_code, parse_system
from harmonize.terminology.code_names import CodeNames
from harmonize.terminology.predicates import EXACT, SHORT, STRENGTH, inverse, weaker
from harmonize.terminology.sssom import read_mapping_set

HEAD = """#mapping_set_id: test:{name}
#curie_map:
#  ICD10: http://hl7.org/fhir/sid/icd-10/
#  Orphanet: http://www.orpha.net/ORDO/Orphanet_
#  MONDO: http://purl.obolibrary.org/obo/MONDO_
#  DOID: http://purl.obolibrary.org/obo/DOID_
subject_id\tpredicate_modifier\tpredicate_id\tobject_id\tmapping_justification
"""
ROWS = {
    "ordo": """Orphanet:1||exact|ICD10:A01
Orphanet:2||broad|ICD10:A02
Orphanet:3||broad|ICD10:A02
Orphanet:4||exact|ICD10:A04
Orphanet:4||exact|ICD10:A05
Orphanet:5||exact|sssom:NoTermFound
Orphanet:6||exact|ICD10:A06
Orphanet:7||close|ICD10:A07
sssom:NoTermFound||exact|ICD10:A08
Orphanet:9|Not|exact|ICD10:A09
Orphanet:10||narrow|ICD10:A10
Orphanet:11||broad|ICD10:A10
Orphanet:11||broad|ICD10:A11
Orphanet:12||exact|ICD10:A12
Orphanet:13|Not|exact|sssom:NoTermFound
Orphanet:13||exact|ICD10:A13""",
    "mondo": """MONDO:0000001||exact|Orphanet:1
MONDO:0000002||exact|Orphanet:2
MONDO:0000003||narrow|Orphanet:3
MONDO:0000006||exact|Orphanet:6
MONDO:0000007||broad|Orphanet:7
MONDO:0000010||narrow|Orphanet:10
MONDO:0000010||exact|Orphanet:11
MONDO:0000012||exact|Orphanet:12
MONDO:0000012|Not|exact|ICD10:A12
MONDO:0000001||exact|DOID:4""",
    "denies": "Orphanet:6|Not|exact|ICD10:A06",
}


def write(folder: Path, name: str, rows: str) -> Path:
    path = folder / f"{name}.sssom.tsv"
    lines = [row.split("|") for row in rows.splitlines()]
    body = "".join(f"{s}\t{m}\tskos:{p}Match\t{o}\tsemapv:ManualMappingCuration\n" for s, m, p, o in lines)
    path.write_text(HEAD.format(name=name) + body, "utf-8")
    return path


@pytest.fixture
def maps(tmp_path: Path) -> CodeMaps:
    return CodeMaps(read_mapping_set(write(tmp_path, name, rows)) for name, rows in ROWS.items())


# source, to, accepted, through: status, targets
CASES = {
    "forwards": ("ORPHA:1 ICD10 exact", "mapped", "ICD10:A01 exact"),
    "backwards": ("ICD10:A01 ORPHA exact", "mapped", "ORPHA:1 exact"),
    "exact only by default": ("ORPHA:2 ICD10 exact", "not-mapped", ""),
    "broad where it is accepted": ("ORPHA:2 ICD10 exact,broad", "mapped", "ICD10:A02 broad"),
    "broad backwards is narrow": ("ICD10:A02 ORPHA exact,broad", "not-mapped", ""),
    "several backwards": ("ICD10:A02 ORPHA narrow", "ambiguous", "ORPHA:2 narrow, ORPHA:3 narrow"),
    "several exact": ("ORPHA:4 ICD10 exact", "ambiguous", "ICD10:A04 exact, ICD10:A05 exact"),
    "no target by design": ("ORPHA:5 ICD10 exact", "not-mapped", ""),
    "no source by design": ("ICD10:A08 ORPHA exact", "not-mapped", ""),
    "unknown to the set": ("ORPHA:77 ICD10 exact", "not-mapped", ""),
    "no set between": ("ORPHA:1 SNOMEDCT exact", "not-checked", ""),
    "no set on the way": ("ORPHA:1 MONDO exact SNOMEDCT", "not-checked", ""),
    "only denied": ("ORPHA:9 ICD10 exact", "not-mapped", ""),
    "denied by another set": ("ORPHA:6 ICD10 exact", "ambiguous", "ICD10:A06 exact"),
    "chain": ("ICD10:A01 MONDO exact ORPHA", "mapped", "MONDO:0000001 exact"),
    "chain of three": ("ICD10:A01 DOID exact ORPHA,MONDO", "mapped", "DOID:4 exact"),
    "chain carries the weaker": (
        "MONDO:0000002 ICD10 exact,broad ORPHA", "mapped", "ICD10:A02 broad"),
    "broad with narrow is related": ("MONDO:0000003 ICD10 related ORPHA", "mapped", "ICD10:A02 related"),
    "close with broad is not broad": ("MONDO:0000007 ICD10 broad ORPHA", "not-mapped", ""),
    "close with broad is related": ("MONDO:0000007 ICD10 related ORPHA", "mapped", "ICD10:A07 related"),
    "one code is broader by one way and narrower by another": (
        "MONDO:0000010 ICD10 exact,broad ORPHA", "ambiguous", "ICD10:A10 broad, ICD10:A11 broad"),
    "a chain whose ends are denied": ("MONDO:0000012 ICD10 exact ORPHA", "ambiguous", "ICD10:A12 exact"),
    "that there is none is denied": ("ORPHA:13 ICD10 exact", "mapped", "ICD10:A13 exact"),
    "chain over what is denied": ("MONDO:0000006 ICD10 exact ORPHA", "ambiguous", "ICD10:A06 exact"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_translate(name: str, maps: CodeMaps) -> None:
    call, status, targets = CASES[name]
    code, to, accepted, *through = call.split()
    answer = maps.translate(
        code, to, predicates=[SHORT[p] for p in accepted.split(",")], through=through[0].split(",") if through else ()
    )
    assert answer.status == status
    assert ", ".join(f"{t.code} {t.predicate[5:-5]}" for t in answer.targets) == targets
    assert bool(answer.reason) == (status != "mapped")


def test_a_target_names_its_rows_and_sets(maps: CodeMaps) -> None:
    target = maps.translate("ICD10:A01", "MONDO", through=["ORPHA"]).as_json()["targets"][0]
    assert target == {
        "code": "MONDO:0000001", "predicate": "skos:exactMatch", "mapping_set": "test:ordo test:mondo", "rows": [8, 8],
        "justification": "semapv:MappingChaining", "through": ["ORPHA:1"],
    }  # fmt: skip


def test_what_the_set_says_of_no_target_is_the_reason(maps: CodeMaps) -> None:
    assert maps.translate("ORPHA:5", "ICD10").reason == "test:ordo says that there is no target"
    assert maps.translate("ICD10:A08", "ORPHA").reason == "test:ordo says that there is no target"
    assert "only by skos:broadMatch" in maps.translate("ORPHA:2", "ICD10").reason


@given(st.sampled_from(sorted(STRENGTH)), st.sampled_from(sorted(STRENGTH)))
def test_reading_backwards_and_chaining_fit(one: str, two: str) -> None:
    assert inverse(inverse(one)) == one
    assert weaker(one, two) == weaker(two, one)
    assert inverse(weaker(one, two)) == weaker(inverse(two), inverse(one))
    assert STRENGTH[weaker(one, two)] >= max(STRENGTH[one], STRENGTH[two])
    assert weaker(EXACT, one) == one


def test_shipped_sets_and_files(tmp_path: Path) -> None:
    own = str(write(tmp_path, "mine", "ICD10:A01||exact|MONDO:0000001"))
    assert load_code_maps().translate("SNOMEDCT:248152002", "BIRTHSEX").targets[0].code == "BIRTHSEX:F"
    assert {"BIRTHSEX", "MONDO"} <= load_code_maps([own]).systems()
    assert load_code_maps([own, "uo-ucum"]).systems() == {"ICD10", "MONDO", "UO", "UCUM"}
    with pytest.raises(UnknownNameError):
        find_set("uo-ucumm")


def test_codes_and_systems_are_checked() -> None:
    assert parse_code("orpha:1".upper(), ()) == "ORPHA:1"
    assert parse_code("DOID:4", {"DOID"}) == "DOID:4"
    for wrong in ("seizure", "HP:", "HP:12", "DOID:4"):
        with pytest.raises(CallError):
            parse_code(wrong, ())
    with pytest.raises(UnknownNameError):
        parse_system("DOID", ())


def test_another_modifier_than_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecificationError, match="neither empty nor Not"):
        read_mapping_set(write(tmp_path, "x", "ORPHA:1|Perhaps|exact|ICD10:A01".replace("ORPHA", "Orphanet")))


def test_a_denied_row_translates_nothing(tmp_path: Path) -> None:
    one = read_mapping_set(write(tmp_path, "x", "Orphanet:1|Not|exact|ICD10:A01"))
    assert "no row" in one.translate("Orphanet:1", [EXACT]).reason  # type: ignore[union-attr]


NAMES = """#mapping_set_id: test:names
#curie_map:
#  OMIMPS: https://omim.org/phenotypicSeries/PS
#  OBO: http://purl.obolibrary.org/obo/
#  MONDO: http://purl.obolibrary.org/obo/MONDO_
#  ICD10: http://hl7.org/fhir/sid/icd-10/
#  DOID: http://purl.obolibrary.org/obo/DOID_
subject_id\tpredicate_id\tobject_id\tmapping_justification
MONDO:0016012\tskos:exactMatch\tOMIMPS:203655\tsemapv:ManualMappingCuration
"""


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("OMIMPS:203655", "OMIM:PS203655"), ("OBO:HP_0001250", "HP:0001250"), ("OBO:MONDO_0000001", "MONDO:0000001"), ("DOID:4", "DOID:4"),
        ("ICD10:E119", "ICD10:E11.9"), ("ICD10:DZ400B", "ICD10:DZ400B"), ("sssom:NoTermFound", "sssom:NoTermFound"),
    ],
)  # fmt: skip
def test_a_code_is_named_as_its_notation_says(tmp_path: Path, written: str, canonical: str) -> None:
    path = tmp_path / "x.sssom.tsv"
    path.write_text(NAMES, "utf-8")
    name = CodeNames(read_mapping_set(path))
    assert name("OBO:HP_0000118") == "HP:0000118", "a prefix that stands for several systems"
    assert name(written) == name(written) == canonical
    assert load_code_maps([str(path)]).translate("MONDO:0016012", "OMIM").targets[0].code == "OMIM:PS203655"


def test_rows_with_a_dagger_are_found_by_their_code_and_rows_without_a_code_are_counted(tmp_path: Path) -> None:
    rows = "Orphanet:1||exact|ICD10:G01*\nOrphanet:2||exact|ICD10:E854+\nOrphanet:3||exact|ICD10:A18.0,\nOrphanet:4||exact|ICD10:DZ400B"
    maps = CodeMaps([read_mapping_set(write(tmp_path, "signs", rows))])
    back = maps.translate("ICD10:G01", "ORPHA")
    assert [target.code for target in back.targets] == ["ORPHA:1"] and "modifiers" not in back.targets[0].as_json()
    there = maps.translate("ORPHA:1", "ICD10").targets[0].as_json()
    assert (there["code"], there["modifiers"]) == ("ICD10:G01", ["asterisk"])
    assert maps.translate("ORPHA:2", "ICD10").targets[0].modifiers == ("dagger",)
    assert maps.translate("ICD10:E85.4", "ORPHA").status == "mapped"
    (stray,) = maps.strays
    assert (stray.rows, stray.first, stray.code) == (2, 10, "ICD10:A18.0,") and "otherwise" in str(stray)
    assert load_code_maps().strays == []


@pytest.mark.parametrize(
    ("prefix", "iri", "named"),
    [
        ("ICD10", "http://hl7.org/fhir/sid/icd-10-cm/", "ICD10CM:K55.3"),
        ("ICD10", "http://hl7.org/fhir/sid/icd-10/", "ICD10:K55.3"),
        ("ICD10", "https://example.org/of-nobody/", "ICD10:K55.3"),
    ],
)
def test_a_prefix_means_what_the_set_binds_it_to(prefix: str, iri: str, named: str) -> None:
    """SSSOM: the curie_map of a set says what its prefixes stand for. K55.3 is another disease in ICD-10-CM."""
    asked, learnt = CodeNames({prefix: iri}), CodeNames({prefix: iri})
    learnt.learn([f"{prefix}:K55.3", f"{prefix}:K55.2"])
    assert asked(f"{prefix}:K55.3") == learnt(f"{prefix}:K55.3") == named
