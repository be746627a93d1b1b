"""Lint of mapping sets: every rule fires at its line, and the shipped sets are sound."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.checks.catalogue import rules
from harmonize.curation.set_lint import SEVERITIES, files_of, lint
from harmonize.curation.set_relations import components
from harmonize.errors import CallError
from harmonize.terminology.store import Terminologies
from tests.hostile.run_cli import harmonize

HEAD = """#mapping_set_id: https://example.org/{kind}/x
#license: https://spdx.org/licenses/CC0-1.0
#curie_map:
#  HP: http://purl.obolibrary.org/obo/HP_
#  MONDO: http://purl.obolibrary.org/obo/MONDO_
#  SNOMEDCT: http://snomed.info/id/
#  UCUM: https://w3id.org/harmonize/ucum/
#  hmd: https://w3id.org/harmonize/source/hmd/
"""
COLUMNS = "subject_id\tsubject_label\tpredicate_modifier\tpredicate_id\tobject_id\tmapping_justification\tconfidence\n"
LINE = HEAD.count("\n") + 2


def row(subject: str, target: str = "SNOMEDCT:91175000", predicate: str = "exact", **more: str) -> str:
    return "\t".join(
        (subject, more.get("label", ""), more.get("modifier", ""), f"skos:{predicate}Match", target,
         more.get("justification", "semapv:ManualMappingCuration"), more.get("confidence", "")),
    ) + "\n"  # fmt: skip


GOOD = row("HP:0001250", label="Seizure")
SET = HEAD.format(kind="sets")
ITEMS = HEAD.format(kind="items")
OTHER = SET.replace("#  UCUM: https://w3id.org/harmonize/ucum/", "#  HPO: http://purl.obolibrary.org/obo/HP_")
"""A set that writes HP in another way too."""

# text of the set: rule, line, words of the message
CASES = {
    "unknown code": (SET + COLUMNS + GOOD + row("HP:9999999"), "unknown-code", LINE + 1, "HP:9999999 is not in HP 2026"),
    "not as the system writes codes": (SET + COLUMNS + row("HP:1250"), "unknown-code", LINE, "otherwise"),
    "no unit": (SET + COLUMNS + row("HP:0001250", "UCUM:furlong"), "unknown-code", LINE, "UCUM:furlong"),
    "obsolete": (SET + COLUMNS + row("HP:0000489"), "obsolete-code", LINE, "suggested: HP:0100886, HP:0100887"),
    "replaced": (SET + COLUMNS + row("HP:0410382"), "obsolete-code", LINE, "is now HP:0410379"),
    "label": (SET + COLUMNS + row("HP:0001250", label="Ataxia"), "label", LINE, "is called 'Seizure', not 'Ataxia'"),
    "exact to several": (SET + COLUMNS + GOOD + row("HP:0001250", "SNOMEDCT:84757009"), "contradiction", LINE + 1, f"line {LINE} also"),
    "exact and broad": (SET + COLUMNS + GOOD + row("HP:0001250", predicate="broad"), "contradiction", LINE + 1, f"line {LINE} says"),
    "broad and narrow": (
        SET + COLUMNS + row("HP:0001250", predicate="narrow") + row("HP:0001250", predicate="broad"), "contradiction", LINE + 1, "says"),
    "stated and denied": (SET + COLUMNS + GOOD + row("HP:0001250", modifier="Not"), "contradiction", LINE + 1, "Not skos:exactMatch"),
    "denied and stated": (SET + COLUMNS + row("HP:0001250", modifier="Not") + GOOD, "contradiction", LINE + 1, "says Not"),
    "denied in the opposite direction": (
        SET + COLUMNS + GOOD + row("SNOMEDCT:91175000", "HP:0001250", modifier="Not"), "contradiction", LINE + 1, "says skos:exactMatch"),
    "broader in both directions": (
        SET + COLUMNS + row("HP:0001250", predicate="broad") + row("SNOMEDCT:91175000", "HP:0001250", "broad"), "contradiction", LINE + 1,
        "says skos:narrowMatch"),
    "exact and not even close": (
        SET + COLUMNS + row("HP:0001250", predicate="close", modifier="Not") + GOOD, "contradiction", LINE + 1, "says Not skos:closeMatch"),
    "target and none": (SET + COLUMNS + GOOD + row("HP:0001250", "sssom:NoTermFound"), "contradiction", LINE + 1, "no target"),
    "none and a target": (SET + COLUMNS + row("HP:0001250", "sssom:NoTermFound") + GOOD, "contradiction", LINE + 1, "no target"),
    "cycle": (
        SET + COLUMNS + row("HP:0001250", "MONDO:0000001", "broad") + row("HP:0002069", "MONDO:0000001", "narrow")
        + row("HP:0002069", "HP:0001250", "broad"),
        "cycle", LINE, "MONDO:0000001 is broader than HP:0001250"),
    "cycle over codes that are the same": (
        SET + COLUMNS + row("HP:0001250", "MONDO:0000001", "broad") + row("HP:0002069", "MONDO:0000001")
        + row("HP:0002069", "HP:0001250", "broad"),
        "cycle", LINE, "MONDO:0000001 is broader than HP:0001250"),
    "cycle of a code and itself": (SET + COLUMNS + row("HP:0001250", "HP:0001250", "narrow"), "cycle", LINE, "HP:0001250 is broader than HP:0001250"),
    "another spelling of a code, obsolete": (OTHER + COLUMNS + row("HPO:0000489"), "obsolete-code", LINE, "HP:0000489 is obsolete"),
    "another spelling of a code, unknown": (OTHER + COLUMNS + row("HPO:9999999"), "unknown-code", LINE, "HP:9999999 is not in HP 2026"),
    "another spelling of a code, twice": (OTHER + COLUMNS + row("HP:0001250") + row("HPO:0001250"), "duplicate", LINE + 1, f"line {LINE}"),
    "another spelling of a code, contradicted": (
        OTHER + COLUMNS + row("HP:0001250") + row("HPO:0001250", predicate="broad"), "contradiction", LINE + 1, f"line {LINE} says"),
    "another spelling of a code, in a cycle": (
        OTHER + COLUMNS + row("HP:0001250", "MONDO:0000001", "broad") + row("MONDO:0000001", "HPO:0001250", "broad"), "cycle", LINE, "HP:0001250"),
    "no justification": (SET + COLUMNS + row("HP:0001250", justification=""), "justification", LINE, "no justification"),
    "no column of it": (SET + "subject_id\tpredicate_id\tobject_id\nHP:0001250\tskos:exactMatch\tSNOMEDCT:91175000\n",
                        "justification", LINE - 1, "no column"),
    "no licence": (SET.replace("#license", "#licence") + COLUMNS + GOOD, "licence", 1, "no license"),
    "confidence over 1": (SET + COLUMNS + row("HP:0001250", confidence="1.5"), "confidence", LINE, "from 0 to 1"),
    "confidence is a word": (SET + COLUMNS + row("HP:0001250", confidence="high"), "confidence", LINE, "from 0 to 1"),
    "confidence nan": (SET + COLUMNS + row("HP:0001250", confidence="nan"), "confidence", LINE, "from 0 to 1"),
    "prefix of nobody": (SET + COLUMNS + GOOD + row("HPO:0001250"), "prefix", LINE + 1, "HPO is not in mappings/prefixes.yaml"),
    "prefix not declared": (SET + COLUMNS + row("HP:0001250", "ORPHA:1"), "prefix", LINE, "ORPHA is not in curie_map"),
    "prefix of items not declared": (ITEMS + COLUMNS + row("mdc:1"), "prefix", LINE, "mdc is not in curie_map"),
    "another IRI": (SET.replace("obo/HP_", "obo/HPO_") + COLUMNS + GOOD, "prefix", 1, "prefixes.yaml says"),
    "predicate": (SET + COLUMNS + row("HP:0001250", predicate="same"), "predicate", LINE, "skos:sameMatch is none of"),
    "modifier": (SET + COLUMNS + row("HP:0001250", modifier="not"), "predicate", LINE, "neither empty nor Not"),
    "twice": (SET + COLUMNS + GOOD + GOOD, "duplicate", LINE + 1, f"line {LINE}"),
    "several codes": (SET + COLUMNS + row("HP:0001250|HP:0002069"), "unreadable", LINE, "several codes"),
    "no CURIE": (SET + COLUMNS + row("seizure"), "unreadable", LINE, "no CURIE"),
    "cells": (SET + COLUMNS + "HP:0001250\n", "unreadable", LINE, "1 cells under 7 columns"),
    "no id": (SET.replace("mapping_set_id", "id") + COLUMNS + GOOD, "unreadable", 1, "no mapping_set_id"),
    "no object": (SET + "subject_id\tpredicate_id\tmapping_justification\nHP:0001250\tskos:exactMatch\tsemapv:X\n", "unreadable", LINE - 1,
                  "no column object_id"),
    "no table": ("a,b\n1,2\n", "unreadable", 1, "no column subject_id"),
    "column twice": ("subject_id\tsubject_id\n", "unreadable", 1, "twice"),
    "metadata are a list": ("#- a\n" + COLUMNS, "unreadable", 1, "no mapping"),
    "empty": ("", "unreadable", 1, "no column subject_id"),
    "a cell too long": (SET + COLUMNS + "x" * 200_000 + "\n", "unreadable", LINE, "cell"),
    "not UTF-8": (b"\xff\xfe", "unreadable", None, "not UTF-8"),
    "not installed": (SET + COLUMNS + GOOD, "not-checked", LINE, "SNOMEDCT is not installed; cells that were not looked up: 1"),
}  # fmt: skip


def findings(folder: Path, text: str | bytes) -> list[tuple[str, int | None, str]]:
    path = folder / "x.sssom.tsv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    made = lint(files_of([path]), Terminologies.installed())
    assert all(f.cell is not None and f.cell.file == str(path) for f in made.findings)
    return [(f.rule.removeprefix("mapping.set-"), f.cell.row, f.message) for f in made.findings if f.cell]


@pytest.mark.parametrize("name", CASES)
def test_rule(name: str, tmp_path: Path) -> None:
    text, rule, line, words = CASES[name]
    found = findings(tmp_path, text)
    assert [one for one in found if one[0] == rule and one[1] == line and words in one[2]], found


def test_every_rule_is_explained_and_has_a_case() -> None:
    assert {f"mapping.set-{rule}" for _, rule, _, _ in CASES.values()} == set(SEVERITIES)
    assert {rule: rules()[rule].severity for rule in SEVERITIES} == SEVERITIES


SOUND = {
    "a good row": SET + COLUMNS + GOOD,
    "a synonym as label": SET + COLUMNS + row("HP:0001250", label="Epileptic seizure") ,
    "a code of FHIR's units": SET + COLUMNS + row("HP:0001250", "UCUM:mm%5BHg%5D", "related"),
    "exact in two systems": SET + COLUMNS + GOOD + row("HP:0001250", "MONDO:0005027"),
    "broad to several": SET + COLUMNS + row("HP:0001250", predicate="broad") + row("HP:0001250", "SNOMEDCT:84757009", "broad"),
    "items are not looked up": ITEMS + COLUMNS + row("hmd:a", "hmd:b") + row("hmd:a", "hmd:c"),
    "windows line ends": (SET + COLUMNS + GOOD).replace("\n", "\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_sound(name: str, tmp_path: Path) -> None:
    assert [one for one in findings(tmp_path, SOUND[name]) if one[0] != "not-checked"] == []


def test_the_shipped_sets_are_sound_and_systems_are_said_once() -> None:
    made = lint(files_of([]), Terminologies.installed())
    assert not made.failed and len(made.tables) > 40
    said = [f.message.partition(":")[0] for f in made.findings if f.rule == "mapping.set-not-checked"]
    assert len(said) == len(set(said)) and "SNOMEDCT" in said and "HP" not in said


def test_cycles_over_files(tmp_path: Path) -> None:
    (tmp_path / "a.sssom.tsv").write_text(SET + COLUMNS + row("HP:0001250", "MONDO:0005027", "broad"), "utf-8")
    (tmp_path / "b.sssom.tsv").write_text(SET + COLUMNS + row("MONDO:0005027", "HP:0001250", "broad"), "utf-8")
    made = lint(files_of([tmp_path]), Terminologies.installed())
    assert [f.rule for f in made.findings] == ["mapping.set-cycle"] * 2 and made.failed


def test_a_long_cycle_over_files_with_one_row_each(tmp_path: Path) -> None:
    """A circle of a thousand codes, and a chain that leads into it: the rows of the circle, no other; without recursion."""
    codes = [f"MONDO:{n:07}" for n in range(1_000)]
    rows = [row(a, b, "broad") for a, b in zip(codes, [*codes[1:], codes[0]], strict=True)]
    (tmp_path / "a.sssom.tsv").write_text(SET + COLUMNS + "".join(rows[:500]), "utf-8")
    (tmp_path / "b.sssom.tsv").write_text(
        SET + COLUMNS + "".join(rows[500:]) + row("HP:0001250", codes[0], "broad"), "utf-8"
    )
    made = lint(files_of([tmp_path]), Terminologies({}))
    assert sum(f.rule == "mapping.set-cycle" for f in made.findings) == 1_000


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_components_are_those_that_lead_to_each_other(edges: set[tuple[int, int]]) -> None:
    leads = {str(n): [str(b) for a, b in sorted(edges) if a == n] for n in range(10)}
    reach = {code: {code} for code in leads}
    for _ in leads:
        reach = {code: {end for step in ends for end in (step, *leads[step])} for code, ends in reach.items()}
    expected = {frozenset(b for b in leads if b in reach[a] and a in reach[b]) for a in leads}
    assert {frozenset(codes) for codes in components(leads)} == expected


def test_a_path_without_a_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="no mapping set"):
        files_of([tmp_path])


def test_the_verb(tmp_path: Path) -> None:
    path = tmp_path / "x.sssom.tsv"
    path.write_text(SET + COLUMNS + row("HP:9999999"), "utf-8")
    done = harmonize("mappings", "lint", str(path), "--json")
    answer = json.loads(done.out)
    assert done.code == 1 and answer["sets"] == [
        {"file": str(path), "mapping_set": "https://example.org/sets/x", "rows": 1}
    ]
    assert answer["findings"][0]["source"] == {"file": str(path), "row": LINE, "column": "subject_id"}
    done = harmonize("mappings", "lint", str(path))
    assert f"{path}:{LINE}: error mapping.set-unknown-code: HP:9999999" in done.out
    assert harmonize("mappings", "lint").code == 0
