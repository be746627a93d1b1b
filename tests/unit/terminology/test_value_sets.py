"""Value sets after FHIR ValueSet.compose, compiled over installed code systems: against sets made by hand and the expansion itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.datasets.judges import Judges
from harmonize.datasets.specification import dataset_names, load_dataset
from harmonize.datasets.value_set_codes import definition_of
from harmonize.errors import SpecificationError
from harmonize.terminology.build import Term
from harmonize.terminology.notation import load_systems
from harmonize.terminology.store import Terminologies
from harmonize.terminology.value_set_definition import (
    Definition,
    Expansion,
    Part,
    enumerated,
    read_value_set,
    value_set_of,
)
from harmonize.terminology.value_sets import Membership, ValueSets, all_of, any_of, opposite
from tests.hostile.run_cli import harmonize
from tests.properties.effort import examples
from tests.unit.curation.test_edition_diff import edition

HP, ICD, ORPHA, SCT = (
    "http://human-phenotype-ontology.org",
    "http://hl7.org/fhir/sid/icd-10",
    "http://www.orpha.net",
    "http://snomed.info/sct",
)
TREE = {  # code -> parents
    "HP:0000001": [], "HP:0000118": ["HP:0000001"], "HP:0000707": ["HP:0000118"], "HP:0012638": ["HP:0000707"],
    "HP:0001250": ["HP:0012638"], "HP:0002069": ["HP:0001250"], "HP:0007359": ["HP:0001250"], "HP:0001631": ["HP:0000118"],
}  # fmt: skip
LABELS = {"HP:0001250": "Seizure", "HP:0007359": "Focal-onset seizure", "HP:0002069": "Tonic-clonic seizure"}


@pytest.fixture(scope="module")
def terminologies(tmp_path_factory: pytest.TempPathFactory) -> Terminologies:
    """A small HP, whole; three codes of ORPHA, in part; nothing of SNOMED CT or ICD-10."""
    folder = tmp_path_factory.mktemp("stores")
    terms = [Term(code, LABELS.get(code, f"x{code[-2:]}"), parents=parents) for code, parents in TREE.items()]
    edition(folder / "HP-2026.sqlite", [*terms, Term("HP:0000002", "old", obsolete=True)], system="HP")
    part = [Term("ORPHA:1", "a"), Term("ORPHA:2", "b", parents=["ORPHA:1"]), Term("ORPHA:3", "c")]
    edition(folder / "ORPHA-1.sqlite", part, complete="false")
    return Terminologies.installed(folder)


def is_a(root: str) -> set[str]:
    """By hand: *root* and all that has it above it."""
    found = {root}
    while more := {code for code, parents in TREE.items() if found & set(parents)} - found:
        found |= more
    return found


def resource(include: list[Any], exclude: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "ValueSet",
        "url": "http://x.org/vs",
        "compose": {"include": include, "exclude": exclude or []},
        **more,
    }


def hp(op: str, value: str, name: str = "concept", **more: Any) -> dict[str, Any]:
    return {"system": HP, "filter": [{"property": name, "op": op, "value": value}], **more}


SEIZURES = is_a("HP:0001250")
COMPOSED = [
    ([{"system": HP, "concept": [{"code": "HP:0001250"}]}], [], {"HP:0001250"}),
    ([{"system": HP}], [], set(TREE)),
    ([hp("is-a", "HP:0001250")], [], SEIZURES),
    ([hp("descendent-of", "HP:0001250")], [], SEIZURES - {"HP:0001250"}),
    ([hp("is-not-a", "HP:0000707")], [], set(TREE) - is_a("HP:0000707")),
    ([hp("generalizes", "HP:0012638")], [], {"HP:0012638", "HP:0000707", "HP:0000118", "HP:0000001"}),
    ([hp("descendent-leaf", "HP:0000707")], [], {"HP:0002069", "HP:0007359"}),
    ([hp("in", "HP:0001250, HP:0001631")], [], {"HP:0001250", "HP:0001631"}),
    ([hp("not-in", "HP:0001250")], [], set(TREE) - {"HP:0001250"}),
    ([hp("=", "HP:0001250", "code")], [], {"HP:0001250"}),
    ([hp("regex", "HP:00012.*", "code")], [], {"HP:0001250"}),
    ([hp("regex", ".*onset seizure", "display")], [], {"HP:0007359"}),
    ([hp("=", "Seizure", "display")], [], {"HP:0001250"}),
    ([hp("is-a", "HP:0000707"), hp("is-a", "HP:0001631")], [], is_a("HP:0000707") | {"HP:0001631"}),
    ([hp("is-a", "HP:0000707")], [hp("is-a", "HP:0001250")], {"HP:0000707", "HP:0012638"}),
    ([{"system": HP, "filter": [{"property": "concept", "op": "is-a", "value": "HP:0000118"},
                                {"property": "concept", "op": "is-not-a", "value": "HP:0000707"}]}], [], {"HP:0000118", "HP:0001631"}),
    ([hp("is-a", "HP:0000118", valueSet=["http://x.org/seizures|1"])], [], SEIZURES),
    ([{"valueSet": ["http://x.org/seizures", "http://x.org/leaves"]}], [], {"HP:0002069", "HP:0007359"}),
    ([hp("is-a", "HP:0001250")], [{"valueSet": ["http://x.org/leaves"]}], {"HP:0001250"}),
]  # fmt: skip
IMPORTED = [
    value_set_of({**resource([hp("is-a", "HP:0001250")]), "url": "http://x.org/seizures", "version": "1"}),
    value_set_of({**resource([hp("descendent-leaf", "HP:0000001")]), "url": "http://x.org/leaves"}),
]


@pytest.mark.parametrize(("include", "exclude", "members"), COMPOSED)
def test_what_is_composed(
    terminologies: Terminologies, include: list[Any], exclude: list[Any], members: set[str]
) -> None:
    made = ValueSets(terminologies, IMPORTED).compiled(value_set_of(resource(include, exclude)))
    assert made.members == members and made.closed and not made.notes
    for code in (*TREE, "HP:0000002", "HP:9999999", "MONDO:0000001", "nonsense"):
        assert made.membership(code) is (Membership.YES if code in members else Membership.NO)
        assert (code in made) == (code in members)


def test_obsolete_codes_are_in_where_they_are_wanted(terminologies: Terminologies) -> None:
    wanted = resource([{"system": HP}])
    wanted["compose"]["inactive"] = True
    assert ValueSets(terminologies).compiled(value_set_of(wanted)).members == {*TREE, "HP:0000002"}


@pytest.mark.parametrize(("include", "exclude", "code", "answer"), [
    ([{"system": SCT}], [], "SNOMEDCT:73211009", "not-checked"),
    ([{"system": SCT}], [], "SNOMEDCT:12", "no"),  # it is not even written as codes of the system are
    ([{"system": SCT}], [], "HP:0001250", "no"),
    ([{"system": SCT, "concept": [{"code": "73211009"}]}], [], "SNOMEDCT:73211009", "yes"),
    ([{"system": SCT, "concept": [{"code": "73211009"}]}], [], "SNOMEDCT:22298006", "no"),
    ([{"system": SCT, "filter": [{"property": "concept", "op": "is-a", "value": "73211009"}]}], [], "SNOMEDCT:73211009", "not-checked"),
    ([{"system": ICD, "filter": [{"property": "code", "op": "regex", "value": "C5.*"}]}], [], "ICD10:C50.9", "not-checked"),
    ([{"system": ICD, "filter": [{"property": "code", "op": "regex", "value": "C5.*"}]}], [], "ICD10:A00.0", "no"),
    ([{"system": ORPHA, "filter": [{"property": "concept", "op": "is-a", "value": "1"}]}], [], "ORPHA:2", "yes"),
    ([{"system": ORPHA, "filter": [{"property": "concept", "op": "is-a", "value": "1"}]}], [], "ORPHA:3", "no"),
    ([{"system": ORPHA, "filter": [{"property": "concept", "op": "is-a", "value": "1"}]}], [], "ORPHA:4", "not-checked"),
    ([{"valueSet": ["http://x.org/nowhere"]}], [], "HP:0001250", "not-checked"),
    ([hp("is-a", "HP:0001250", valueSet=["http://x.org/nowhere"])], [], "HP:0001250", "not-checked"),
    ([hp("is-a", "HP:0001250", valueSet=["http://x.org/nowhere"])], [], "HP:0001631", "no"),
    ([hp("is-a", "HP:0001250")], [{"valueSet": ["http://x.org/nowhere"]}], "HP:0001250", "not-checked"),
    ([hp("is-a", "HP:0001250")], [{"system": SCT}], "HP:0001250", "yes"),
    ([{"system": "http://example.org/x", "concept": [{"code": "a"}]}], [], "http://example.org/x|a", "yes"),
    ([{"system": "http://example.org/x"}], [], "http://example.org/x|a", "not-checked"),
    ([{"system": "http://unitsofmeasure.org"}], [], "UCUM:mg/dL", "yes"),
    ([{"system": "http://unitsofmeasure.org"}], [], "UCUM:spoons", "no"),
])  # fmt: skip
def test_what_nobody_can_tell(
    terminologies: Terminologies, include: list[Any], exclude: list[Any], code: str, answer: str
) -> None:
    made = ValueSets(terminologies).compiled(value_set_of(resource(include, exclude)))
    assert made.membership(code).value == answer
    assert made.membership(code).value == answer, "the second time too"


def test_notes_say_what_it_was_compiled_over(terminologies: Terminologies) -> None:
    include = [hp("is-a", "HP:7777777", version="2019"), {"system": SCT}, {"valueSet": ["http://x.org/nowhere"]}]
    notes = "\n".join(ValueSets(terminologies).compiled(value_set_of(resource(include))).notes)
    for said in (
        "edition 2019, HP-2026 is installed",
        "SNOMEDCT is not installed",
        "nowhere is not there",
        "HP:7777777 is no active code",
    ):
        assert said in notes


EXPANSION = {"contains": [
    {"system": SCT, "code": "73211009", "abstract": True, "contains": [{"system": SCT, "code": "46635009"}]},
    {"system": HP, "code": "HP:0001631"},
]}  # fmt: skip


def test_an_expansion_decides_what_the_terminologies_do_not(terminologies: Terminologies) -> None:
    include = [
        {"system": SCT, "filter": [{"property": "concept", "op": "is-a", "value": "73211009"}]},
        hp("is-a", "HP:0001250"),
    ]
    made = ValueSets(terminologies).compiled(value_set_of(resource(include, expansion=EXPANSION)))
    assert [made.membership(code).value for code in ("SNOMEDCT:46635009", "SNOMEDCT:22298006", "HP:0001250", "HP:0001631")] == [
        "yes", "no", "yes", "no",
    ]  # fmt: skip
    alone = {"resourceType": "ValueSet", "expansion": EXPANSION}
    made = ValueSets(terminologies).compiled(value_set_of(alone))
    assert (made.members, made.closed) == ({"SNOMEDCT:46635009", "HP:0001631"}, True)


@pytest.mark.parametrize("part", [
    {"total": 900}, {"offset": 2},
    {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/valueset-unclosed", "valueBoolean": True}]},
])  # fmt: skip
def test_an_expansion_that_is_a_part_says_no_to_nothing(terminologies: Terminologies, part: dict[str, Any]) -> None:
    made = ValueSets(terminologies).compiled(
        value_set_of({"resourceType": "ValueSet", "expansion": {**EXPANSION, **part}})
    )
    assert made.membership("HP:0001631") is Membership.YES and made.membership("HP:0001250") is Membership.NOT_CHECKED


def test_it_is_compiled_once(terminologies: Terminologies, tmp_path: Path) -> None:
    sets = ValueSets(terminologies, IMPORTED)
    first, again = (value_set_of(resource([hp("is-a", "HP:0001250")])) for _ in range(2))
    assert sets.compiled(first) is sets.compiled(again)
    assert sets.compiled(first) is not sets.compiled(value_set_of(resource([hp("is-a", "HP:0001631")])))
    other = value_set_of({**resource([hp("is-a", "HP:0001631")]), "url": "http://x.org/seizures"})
    importing = value_set_of(resource([{"valueSet": ["http://x.org/seizures"]}]))
    assert sets.compiled(importing).members == SEIZURES
    assert ValueSets(terminologies, [other]).compiled(importing).members == {"HP:0001631"}


def test_a_set_that_imports_itself_is_refused(terminologies: Terminologies) -> None:
    a, b = (value_set_of({**resource([{"valueSet": [f"http://x.org/{other}"]}]), "url": f"http://x.org/{name}"})
            for name, other in (("a", "b"), ("b", "a")))  # fmt: skip
    with pytest.raises(SpecificationError, match="imports itself"):
        ValueSets(terminologies, [a, b]).compiled(a)


@pytest.mark.parametrize(("broken", "said"), [
    ({"resourceType": "CodeSystem"}, "no ValueSet"),
    ([], "no ValueSet"),
    ({"resourceType": "ValueSet"}, "neither compose nor expansion"),
    (resource([{}]), r"compose\.include\[0\]: neither a system nor value sets"),
    (resource([{"concept": [{"code": "x"}], "valueSet": ["y"]}]), "neither a system"),
    (resource([hp("is-a", "HP:0001250", concept=[{"code": "HP:0001250"}])]), "vsd-3"),
    (resource([hp("child-of", "HP:0001250")]), r"compose\.include\[0\]\.filter\[0\]: the filter child-of of concept"),
    (resource([hp("exists", "true", "inactive")]), "the filter exists of inactive"),
    (resource([{"system": HP, "filter": [{"op": "is-a", "value": "x"}]}]), "property is missing"),
    (resource([{"system": HP, "concept": [{}]}]), r"concept\[0\]: code is missing"),
    (resource([{"system": HP, "concept": []}]), r"compose\.include\[0\]: concept or filter is an empty list"),
    (resource([{"system": HP, "concept": {"code": "x"}}]), "a list of objects"),
    (resource([{"system": HP, "valueSet": "x"}]), "canonical URLs"),
    ({"resourceType": "ValueSet", "compose": {}}, "nothing"),
    ({"resourceType": "ValueSet", "compose": "x"}, "an object is expected"),
])  # fmt: skip
def test_what_is_not_understood_is_refused(broken: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "vs.json"
    path.write_text(json.dumps(broken))
    with pytest.raises(SpecificationError, match=said) as refused:
        read_value_set(path)
    assert "vs.json" in str(refused.value) and "To mend it" in str(refused.value)


def test_a_pattern_that_is_none_is_refused(terminologies: Terminologies) -> None:
    with pytest.raises(SpecificationError, match="RE2"):
        ValueSets(terminologies).compiled(value_set_of(resource([hp("regex", "(?=a)", "code")])))


@pytest.mark.parametrize("name", [name for name in dataset_names() if load_dataset(name).value_sets])
def test_value_sets_of_data_sets_say_what_the_grader_says(name: str) -> None:
    """The grader lets pass what nobody can tell, where it is written as a code of the system."""
    terminologies = Terminologies.installed()
    sets, judges = ValueSets(terminologies), Judges(load_dataset(name), terminologies)
    compared = 0
    for values in load_dataset(name).value_sets.values():
        if values.text and not (values.values or values.systems or values.descendants_of):
            continue
        made, is_member = sets.compiled(definition_of(values)), judges._membership(values)
        codes = {value.code for value in values.values} | set(values.descendants_of)
        codes |= {
            "HP:0001250",
            "HP:0410382",
            "HP:9999999",
            "ICDO3:C50.9",
            "ICDO3:8140/3",
            "ORPHA:558",
            "SNOMEDCT:73211009",
            "MONDO:0007947",
        }
        for code in sorted(codes):
            answer, graded = made.membership(code), is_member(code)
            compared += 1
            if answer is not Membership.NOT_CHECKED:
                assert graded == (answer is Membership.YES) or _is_exchanged(code, terminologies), (values.name, code)
            else:
                assert graded, (values.name, code)
    assert compared


def _is_exchanged(code: str, terminologies: Terminologies) -> bool:
    """Whether the code is obsolete: of all codes of a system the grader takes such, a value set only where it wants inactive ones."""
    return type(terminologies.lookup(code)).__name__ in ("Replaced", "Obsolete")


def test_the_command(tmp_path: Path) -> None:
    path = tmp_path / "vs.json"
    path.write_text(json.dumps(resource([{"valueSet": ["http://x.org/seizures"]}, {"system": SCT}])))
    (tmp_path / "other.json").write_text(
        json.dumps({**resource([hp("is-a", "HP:0001250")]), "url": "http://x.org/seizures"})
    )
    words = ("terminology", "members", "vs.json", "--import", "other.json")
    done = harmonize(*words, "HP:0002069", "SNOMEDCT:73211009", "HP:0001631", "--json", cwd=tmp_path)
    answer = json.loads(done.out)
    assert answer["answers"] == {"HP:0002069": "yes", "SNOMEDCT:73211009": "not-checked", "HP:0001631": "no"}
    assert done.code == 1 and answer["closed"] is False and "SNOMEDCT is not installed" in answer["notes"][0]
    listed = harmonize(*words, cwd=tmp_path)
    assert listed.code == 0 and "HP:0001250" in listed.out.split() and len(listed.out.split()) == answer["members"]
    assert harmonize("terminology", "members", "vs.json", "--import", "nowhere.json", cwd=tmp_path).code == 2
    (tmp_path / "deep.json").write_text("[" * 100_000)
    assert harmonize("terminology", "members", "deep.json", cwd=tmp_path).code == 2


ANSWERS = st.lists(st.sampled_from(list(Membership)), max_size=4)


@given(ANSWERS)
def test_three_answers_keep_the_laws_of_two(answers: list[Membership]) -> None:
    assert opposite(any_of(answers)) is all_of(map(opposite, answers))
    assert opposite(all_of(answers)) is any_of(map(opposite, answers))
    if Membership.NOT_CHECKED not in answers:
        truths = [answer is Membership.YES for answer in answers]
        assert (any_of(answers) is Membership.YES, all_of(answers) is Membership.YES) == (any(truths), all(truths))


CODES = st.sampled_from(sorted(TREE))
PARTS = st.one_of(
    CODES.map(lambda code: hp("is-a", code)), CODES.map(lambda code: hp("is-not-a", code)), st.just({"system": HP}),
    CODES.map(lambda code: {"system": HP, "concept": [{"code": code}]}), st.just({"system": SCT}),
    st.just({"valueSet": ["http://x.org/nowhere"]}), CODES.map(lambda code: hp("regex", code[:9] + ".*", "code")),
)  # fmt: skip


@given(st.lists(PARTS, min_size=1, max_size=3), st.lists(PARTS, max_size=2))
@examples(100)
def test_members_are_the_codes_that_are_in_it(
    terminologies: Terminologies, include: list[Any], exclude: list[Any]
) -> None:
    """The fast way and the slow one say the same; what is closed says no to everything else."""
    made = ValueSets(terminologies).compiled(value_set_of(resource(include, exclude)))
    for code in (*TREE, "HP:0000002", "SNOMEDCT:73211009", "ORPHA:1", "x"):
        assert made.membership(code) is made._decide(code)
        assert (code in made.members) == (made._decide(code) is Membership.YES)


def test_a_definition_by_hand(terminologies: Terminologies) -> None:
    made = ValueSets(terminologies).compiled(enumerated("x", ["HP:0001250", "ORPHA:99"]))
    assert made.members == {"HP:0001250", "ORPHA:99"} and made.membership("ORPHA:1") is Membership.NO
    whole = Definition(
        "y", "", "", (Part("HP", "", None, (), ()),), expansion=Expansion(frozenset({"HP:1"}), whole=True)
    )
    assert ValueSets(terminologies).compiled(whole).members == set(TREE)
    assert whole.digest != enumerated("y", ["HP:1"]).digest and load_systems()["HP"]
