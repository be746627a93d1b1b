"""Editions side by side: the one that a statement means answers, and no other one. The lists are synthetic."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml

from harmonize.checks.codes import code_problem
from harmonize.convert import RunOptions, Settings, convert_files, make_environment
from harmonize.curation.edition_diff import diff, open_edition
from harmonize.errors import CallError, SpecificationError
from harmonize.profiles.coded_values import Environment
from harmonize.profiles.compiler import compile_profile
from harmonize.profiles.functions import library_function
from harmonize.profiles.loading import load_profile
from harmonize.profiles.notes import Noted
from harmonize.pseudonyms import key_from_secret
from harmonize.terminology.add import Order, add_code_system
from harmonize.terminology.answers import Found, NotChecked, Unknown
from harmonize.terminology.notation import load_systems
from harmonize.terminology.store import Terminologies
from harmonize.terminology.value_set_definition import Definition, Part
from harmonize.terminology.value_sets import Membership, ValueSets
from harmonize.writers.phenopackets.sheet import VERSION_NOT_STATED
from tests.registry import KEY, Run

LISTS = {
    ("ICD10GM", "2022"): {"U83.0": "Frei", "A00.0": "Probe 22"},
    ("ICD10GM", "2023"): {"U83.1": "Neu seit 2023", "A00.0": "Probe 23"},
    ("ICD10CM", "2025-10"): {"A00.0": "sample 25"},
    ("ICD10CM", "2026-04"): {"A00.1": "sample 26"},
    ("X", "1"): {"a": "one"},
    ("X", "2"): {"b": "two"},
}
"""Like UNDEF -> U83.1 in ICD-10-GM 2023: a code that an edition before does not have."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Terminologies:
    folder = tmp_path_factory.mktemp("editions")
    for (system, version), codes in LISTS.items():
        file = folder / "list.csv"
        file.write_text("code,label\n" + "".join(f"{code},{label}\n" for code, label in codes.items()), "utf-8")
        add_code_system(Order(str(file), system, version, whole=True), folder / "compiled")
    return Terminologies.installed(folder / "compiled")


CASES = {
    "the year of the date": ("ICD10GM:U83.1", "", "2023-02-01", Found),
    "the year before": ("ICD10GM:U83.1", "", "2022-12-31", Unknown),
    "the edition that is stated": ("ICD10GM:U83.1", "2022", "", Unknown),
    "what is stated wins over the date": ("ICD10GM:U83.1", "10 2022 GM", "2023-01-02", Unknown),
    "a day of 2022, as it is written in Germany": ("ICD10GM:U83.1", "", "05.01.2022", Unknown),
    "the same day a year later": ("ICD10GM:U83.1", "", "05.01.2023", Found),
    "a year that is not installed": ("ICD10GM:A00.0", "", "2021-05", NotChecked),
    "a year to come": ("ICD10GM:A00.0", "", "2024", NotChecked),
    "an edition of no year": ("ICD10GM:A00.0", "current", "", NotChecked),
    "no date: the newest": ("ICD10GM:A00.0", "", "", Found),
    "no date: the newest may be the wrong one": ("ICD10GM:U83.0", "", "", NotChecked),
    "a date says nothing of by-version": ("ICD10CM:A00.1", "", "1999", Found),
    "by-version, stated": ("ICD10CM:A00.0", "2025-10", "", Found),
    "by-version, stated and not in it": ("ICD10CM:A00.1", "2025-10", "", Unknown),
    "by-version, not installed": ("ICD10CM:A00.1", "2015-10", "", NotChecked),
    "no rule, stated": ("X:a", "1", "", Found),
    "no rule, not installed: the newest": ("X:b", "0", "", Found),
    "no system": ("Y:a", "0", "2020", NotChecked),
}


@pytest.mark.parametrize("name", CASES)
def test_the_right_edition_answers(name: str, installed: Terminologies) -> None:
    code, edition, date, expected = CASES[name]
    for terminologies in (installed, pickle.loads(pickle.dumps(installed))):
        answer = terminologies.lookup_in(code, edition, date)
        assert type(answer) is expected
        assert answer is terminologies.lookup_in(code, edition, date)
        if isinstance(answer, NotChecked) and code != "Y:a":
            assert "2023" in answer.reason or "2026-04" in answer.reason, "it says what is installed"


def test_labels_are_of_the_edition(installed: Terminologies) -> None:
    assert installed.lookup_in("ICD10GM:A00.0", date="2022").label == "Probe 22"  # type: ignore[union-attr]
    assert code_problem("ICD10GM:A00.0", "Probe 22", installed, edition="2022") is None
    assert code_problem("ICD10GM:A00.0", "Probe 22", installed, edition="2023").rule == "terms.label-differs"  # type: ignore[union-attr]
    assert code_problem("ICD10GM:U83.1", None, installed, edition="2022").rule == "terms.unknown"  # type: ignore[union-attr]
    assert code_problem("ICD10GM:U83.1", None, installed, edition="2020").rule == "terms.not-checked"  # type: ignore[union-attr]


def test_every_edition_stands_in_the_manifest_and_none_is_that_of_all_codes(installed: Terminologies) -> None:
    versions = [digest["version"] for digest in installed.digests() if digest["system"] == "ICD10GM"]
    assert sorted(versions) == ["2022", "2023"]
    assert "ICD10GM" not in installed.editions() and installed.editions()["ICD10CM"] == "2026-04"


@pytest.mark.parametrize(
    ("system", "version", "code", "answer"),
    [
        ("ICD10GM", "2022", "ICD10GM:U83.1", Membership.NO),
        ("ICD10GM", "2022", "ICD10GM:A00.0", Membership.YES),
        ("ICD10GM", "2023", "ICD10GM:U83.1", Membership.YES),
        ("ICD10GM", "2019", "ICD10GM:A00.0", Membership.NOT_CHECKED),
        ("ICD10CM", "2015-10", "ICD10CM:A00.1", Membership.NOT_CHECKED),
        ("ICD10CM", "2025-10", "ICD10CM:A00.1", Membership.NO),
        ("ICD10CM", "", "ICD10CM:A00.1", Membership.YES),
    ],
)
def test_a_value_set_is_of_the_edition_that_it_states(
    installed: Terminologies, system: str, version: str, code: str, answer: Membership
) -> None:
    whole = Definition("x", "", "", (Part(system, version, None, (), ()),))
    made = ValueSets(installed).compiled(whole)
    assert made.membership(code) is answer
    assert (answer is not Membership.NOT_CHECKED) or any("is not installed" in note for note in made.notes)


@pytest.fixture
def environment(installed: Terminologies) -> Environment:
    return Environment(load_systems(), installed, {}, (), key_from_secret(b"x" * 32), "site")


def test_a_code_of_a_profile_is_checked_in_the_year_of_its_date(environment: Environment) -> None:
    code_on = library_function("code_on", environment)

    def coding(*arguments: Any) -> Any:
        answer = code_on(*arguments)
        return answer if isinstance(answer, Noted) else answer["codings"][0]

    made = {"system": "ICD10GM", "code": "ICD10GM:A00.0", "origin": "stated"}
    assert coding("A000", "ICD10GM", "20220501") == {**made, "version": "2022", "label": "Probe 22"}
    assert coding("A00.0", "ICD10GM", {"value": "2023-01", "precision": "month"})["label"] == "Probe 23"
    assert coding("U83.1", "ICD10GM", "31.12.2022").rule == "terms.unknown"
    assert coding("U83.1", "ICD10GM", "2022-12-31", "2023")["version"] == "2023"
    assert environment.run_notes == {}
    assert coding("U83.1", "ICD10GM", "2019-01-01") == {**made, "code": "ICD10GM:U83.1"}, "no edition is invented"
    assert coding("U83.1", "ICD10GM", None, "2019")["version"] == "2019", "it is what the source says"
    assert coding("U83.0", "ICD10GM", "nobody knows").get("version") is None
    said = sorted(note.message for (rule, _), note in environment.run_notes.items() if rule == "terms.not-checked")
    assert len(said) == 2 and "its edition 2019 is not installed (2022, 2023 are)" in said[0]
    assert "the year of its edition is not stated" in said[1]


CARD: dict[str, Any] = {
    "id": "xx/years", "title": "Years", "version": "1.0.0", "licence": "Apache-2.0", "owner": "tests",
    "specification": {"name": "none", "version": "1"},
    "assemble": {"reader": "delimited", "subject": "pid", "tables": {"Stay": {"class": "Stay", "slot": "stays"}}},
}  # fmt: skip
SLOTS: dict[str, Any] = {
    "Record": {"pid": {}, "stays": {"range": "Stay", "multivalued": True, "inlined_as_list": True, "inlined": True}},
    "Stay": {"icd": {}, "admitted": {}},
}
MAP: list[dict[str, Any]] = [
    {"name": "Subject", "populated_from": "Record", "slot_derivations": {
        "subject_id": {"expr": "pseudonym(pid, 'subject')"}, "diagnoses": {"populated_from": "stays"}}},
    {"name": "Diagnosis", "populated_from": "Stay", "slot_derivations": {
        "disease": {"expr": "code_on(icd, 'ICD10GM', admitted)"}, "date_of_diagnosis": {"expr": "date(admitted)"}}},
]  # fmt: skip
ROWS = """pid,icd,admitted
1,U83.1,2023-01-01
2,U83.1,2022-12-31
3,U83.0,2022-12-31
4,U83.1,2019-04-04
5,U83.1,
"""


def profile(folder: Path, disease: str) -> Path:
    folder.mkdir()
    classes: dict[str, Any] = {name: {"attributes": slots} for name, slots in SLOTS.items()}
    classes["Record"]["tree_root"] = True
    derivations = [
        MAP[0],
        {**MAP[1], "slot_derivations": {**MAP[1]["slot_derivations"], "disease": {"expr": disease}}},
    ]
    trees = {
        "profile": CARD,
        "source": {"id": "https://x/s", "name": "s", "classes": classes},
        "map": {"id": "https://x/m", "class_derivations": derivations},
    }
    for name, tree in trees.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    return folder


def test_a_run_checks_every_code_in_its_year(
    tmp_path: Path, installed: Terminologies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARMONIZE_TERMINOLOGIES", str(installed.paths["ICD10GM"].parent))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "Stay.csv").write_text(ROWS, "utf-8")
    disease = MAP[1]["slot_derivations"]["disease"]["expr"]
    settings = Settings(str(profile(tmp_path / "p", disease)), ("hub", "phenopackets"), KEY, "x")
    options = RunOptions((tmp_path / "in",), tmp_path / "out", max_errors="100%")
    made = Run(tmp_path / "out", convert_files(settings, options))
    codings = [
        r["diagnoses"][0]["disease"]["codings"][0] for r in made.lines("hub/subjects.ndjson") if "diagnoses" in r
    ]
    assert [(c["code"], c.get("version")) for c in codings] == [
        ("ICD10GM:U83.1", "2023"), ("ICD10GM:U83.0", "2022"), ("ICD10GM:U83.1", None), ("ICD10GM:U83.1", "2023"),
    ]  # fmt: skip
    found = [(f["rule"], (f.get("source") or {}).get("row")) for f in made.findings(info=True)]
    assert ("terms.unknown", 3) in found and ("terms.not-checked", None) in found
    values = made.counts["values"]["hub"]["Stay.csv/icd"]
    assert (values["carried"], values["rejected"]) == (4, 1)
    packets = made.lines("phenopackets/phenopackets.ndjson")
    versions = {r["version"] for packet in packets for r in packet["metaData"].get("resources", ())}
    assert versions == {VERSION_NOT_STATED}, "a packet has one version for a system; its codes may be of several years"


@pytest.mark.parametrize(
    ("expr", "said"),
    [("code_on(icd, admitted, admitted)", "written in the map"), ("code_on(icd, 'ICD10GN', admitted)", "ICD10GM")],
)
def test_a_system_is_written_in_the_map(tmp_path: Path, expr: str, said: str) -> None:
    loaded = load_profile(str(profile(tmp_path / "p", expr)))
    with pytest.raises(SpecificationError, match=said):
        compile_profile(loaded, make_environment(loaded, KEY, "x"))


def test_installed_editions_are_compared_by_name(installed: Terminologies, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMONIZE_TERMINOLOGIES", str(installed.paths["ICD10GM"].parent))
    made = diff(*(open_edition(Path(f"ICD10GM@{year}")) for year in (2022, 2023)))
    assert [new.code for new in made.new] == ["ICD10GM:U83.1"] and [r.code for r in made.retired] == ["ICD10GM:U83.0"]
    with pytest.raises(CallError, match="ICD10GM@2021 is no file"):
        open_edition(Path("ICD10GM@2021"))
