"""Every spelling of `tests/cases/notation.tsv`: the codes of the stated system with their modifiers and edition, or a reason."""

from __future__ import annotations

import csv
import lzma
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harmonize.profiles.coded_values import Environment, coded_value
from harmonize.pseudonyms import key_from_secret
from harmonize.terminology.notation import Code, NotACode, load_systems
from harmonize.terminology.store import Terminologies
from tests.shared_data import SHARED

SYSTEMS = load_systems()
FILE = Path(__file__).parents[2] / "cases" / "notation.tsv"
with FILE.open(encoding="utf-8", newline="") as _lines:
    CASES = list(csv.DictReader(_lines, delimiter="\t", quoting=csv.QUOTE_NONE))
TERMINOLOGIES = SHARED / "terminologies"
FINNISH = SHARED / "national-formats/fi-finngen-registers/spec/vocab/icd10fi_source_for_usagi.csv"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['system']} {case['text']!a}")
def test_case(case: dict[str, str]) -> None:
    answer = SYSTEMS.parse_cell(case["text"], case["system"])
    if case["reason"]:
        assert isinstance(answer, NotACode) and case["reason"] in answer.reason
        assert f"; {case['system']} writes codes as " in answer.reason, "a refusal names the system and what it expects"
        return
    assert not isinstance(answer, NotACode), answer.reason
    assert " ".join(str(code) for code in answer) == case["codes"]
    assert " ".join(",".join(code.modifiers) for code in answer).strip() == case["modifiers"]
    assert (answer[0].edition or "") == case["edition"]
    one = SYSTEMS.parse(case["text"], case["system"])
    assert one == answer[0] if len(answer) == 1 else "pair" in getattr(one, "reason", "")


def test_the_table_holds_each_case_once_and_says_one_thing() -> None:
    assert len({(case["system"], case["text"]) for case in CASES}) == len(CASES) >= 230
    assert all(bool(case["codes"]) != bool(case["reason"]) for case in CASES)
    for name in (
        "ICD10",
        "ICD10FI",
        "ICD9CM/diagnosis",
        "SKS",
        "ICDO3",
        "OPS",
        "ATC",
        "ORPHA",
        "OMIM",
        "LOINC",
        "NPU",
        "UCUM",
    ):
        mine = [bool(case["reason"]) for case in CASES if case["system"] == name]
        assert any(mine) and not all(mine), name


@pytest.mark.parametrize("text", ["", " ", "x" * 501, "\ud800", "G63.2**", "G63.2*E11.4+ x"])
@pytest.mark.parametrize("parse", [SYSTEMS.parse, SYSTEMS.parse_cell, SYSTEMS.parse_local])
def test_every_refusal_names_the_system_what_is_wrong_and_what_is_expected(
    parse: Callable[[str, str], object], text: str
) -> None:
    answer = parse(text, "ICD10GM")
    assert isinstance(answer, NotACode)
    wrong, _, expected = answer.reason.partition("; ")
    assert wrong.startswith(("it ", "the cell ", "a sign ")) and expected.startswith("ICD10GM writes codes as [A-Z]")


def test_an_axis_is_stated_and_is_no_system() -> None:
    assert "ICD9CM/diagnosis" in SYSTEMS.notations and "ICD9CM/diagnosis" not in SYSTEMS
    code = SYSTEMS.parse_iri("ICDO3:C61.9", ("ICDO3/topography",))
    assert code == Code("ICDO3", "C61.9")
    assert isinstance(SYSTEMS.parse_iri("ICDO3:C61.9", ("ICDO3/morphology",)), NotACode)


def test_signs_become_qualifiers_and_an_edition_the_version() -> None:
    environment = Environment(SYSTEMS, Terminologies({}), {}, (), key_from_secret(b"x" * 32), "site")
    pair = SYSTEMS.parse_cell("E11.40† G63.2*", "ICD10GM")
    assert not isinstance(pair, NotACode)
    assert [coded_value(environment, code)["qualifiers"] for code in pair] == [["dagger"], ["asterisk"]]
    dated = SYSTEMS.parse("https://icd.who.int/browse10/2019/en#/G35", "ICD10")
    assert isinstance(dated, Code)
    value = coded_value(environment, dated)
    assert value["codings"][0]["version"] == "2019" and "qualifiers" not in value


@pytest.mark.skipif(not FINNISH.is_file(), reason="FinnGen's vocabulary lies only under ../shared")
def test_every_code_of_the_finnish_edition_is_read() -> None:
    with FINNISH.open(encoding="utf-8", newline="") as lines:
        cells = [row["concept_code"] for row in csv.DictReader(lines)]
    answers = {cell: SYSTEMS.parse_cell(cell, "ICD10FI") for cell in cells}
    assert [cell for cell, answer in answers.items() if isinstance(answer, NotACode)] == []
    assert sum(len(answer) == 2 for answer in answers.values()) > 800


@pytest.mark.skipif(not TERMINOLOGIES.is_dir(), reason="the terminologies lie only under ../shared")
def test_every_code_of_the_files_is_read() -> None:
    """ORDO's ICD-10 but for its one dirty row, ICD-9-CM without dots, LOINC's and SNOMED CT's check digits."""
    ordo = set(re.findall(r"\tICD10:([^\t]*)\t", _text("ordo-2025-03-07.without-meddra.sssom.tsv.xz")))
    assert len(ordo) == 2174
    assert [code for code in ordo if isinstance(SYSTEMS.parse(code, "ICD10"), NotACode)] == ["A18.0,"]
    for file, system, count, pattern in (
        ("icd9dx2015.csv.xz", "ICD9CM/diagnosis", 14567, r'^"([0-9A-Z]+)"'),
        ("snomed-gps-20200731.tsv.xz", "SNOMEDCT", 26158, r"^([0-9]+)\t"),
        ("loinc2hpo-annotations-2023-06.tsv.xz", "LOINC", 3118, r"\b([0-9]+-[0-9])\b"),
        ("orphanet-nomenclature-en-2025-12.tsv.xz", "ORPHA", 9960, r"^(?:ORPHA:)?([0-9]+)\t"),
    ):
        codes = set(re.findall(pattern, _text(file), re.MULTILINE))
        assert len(codes) == count, file
        assert [code for code in codes if isinstance(SYSTEMS.parse(code, system), NotACode)] == []


def _text(name: str) -> str:
    with lzma.open(TERMINOLOGIES / name, "rt", encoding="utf-8") as lines:
        return lines.read()
