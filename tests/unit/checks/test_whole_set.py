"""Rules on a whole set of records: three ways each, the account as a sum, its caps; and free text that seems to hold an identifier."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.checks.documents import validate
from harmonize.checks.free_text import HUB_TEXTS, identifier_kind
from harmonize.checks.packet_records import packet_contribution
from harmonize.checks.whole_set import CAP, Contribution, SetAccount, hub_contribution
from harmonize.hub import hub_schema
from harmonize.hub.objects import hub_object
from harmonize.terminology.store import Terminologies
from tests.rich_record import RICH, coded, day
from tests.rich_record import code as coding
from tests.unit.checks.test_rules import PACKET, changed, hub

TERMINOLOGIES = Terminologies.installed()
VERSION = hub_schema().version


def counted(record: dict[str, Any]) -> tuple[str, ...]:
    return hub_contribution(hub_object({**record, "schema_version": record.get("schema_version", VERSION)})).counted


# rule: (a record for which it is not counted, one for which it is, one to which it does not apply)
COUNTED: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "privacy.exact-birth-date": ({"birth_date": day("1990-02")}, {"birth_date": day("1990-02-28")}, {}),
    "privacy.age-over-89": (
        {"birth_date": day("1900"), "vital_status": {"date_of_death": day("1989")}},
        {"vital_status": {"age_at_death": "P90Y"}},
        {"birth_date": day("1900")},
    ),
    "completeness.no-diagnosis": (
        {"diagnoses": [{"disease": {"text": "rare"}}]},
        {"diagnoses": [{"disease": {"null_flavor": "UNK"}}]},
        {"undiagnosed": True},
    ),
    "completeness.no-feature": (
        {"phenotypic_features": [{"type": {}, "excluded": True}]},
        {},
        {"phenotypic_features": [{}]},
    ),
    "completeness.no-sample": ({"samples": [{}]}, {}, {"samples": [{"sample_id": "a"}]}),
    "completeness.no-demographics": (
        {"sex_at_birth": coded(coding("BIRTHSEX:F"))},
        {"sex_at_birth": {"null_flavor": "UNK"}},
        {"birth_date": day("1990")},
    ),
    "completeness.uncoded": (
        {"diagnoses": [{"disease": coded(coding("ORPHA:558"))}]},
        {"diagnoses": [{"disease": coded(coding("ORPHA:558"))}, {"disease": {"text": "rare"}}]},
        {},
    ),
    "completeness.measurement-without-result": (
        {"measurements": [{"assay": {}, "coded_value": {}}, {"assay": {}, "value": {"value": "1"}}]},
        {"measurements": [{"assay": {}, "coded_value": {}}, {"assay": {}}]},
        {"measurements": [{"assay": {}, "status": "cancelled"}, {"assay": {}, "interpretation": {}}]},
    ),
    "completeness.value-without-unit": (
        {
            "measurements": [
                {"assay": {}, "value": {"value": "1", "unit": "1"}},
                {"assay": {}, "value": {"value": "1", "unit_source": {}}},
            ]
        },
        {"measurements": [{"assay": {}, "value": {"value": "1"}}]},
        {"measurements": [{"assay": {}, "coded_value": {}}]},
    ),
    "accounting.schema-version": ({"schema_version": VERSION}, {"schema_version": "0.1.0"}, {}),
}


@pytest.mark.parametrize("rule_id", COUNTED)
def test_what_a_record_counts_for(rule_id: str) -> None:
    holds, broken, not_applicable = COUNTED[rule_id]
    assert rule_id not in counted(holds) and rule_id in counted(broken) and rule_id not in counted(not_applicable)


def test_a_time_of_day() -> None:
    path = "subject/timeAtLastEncounter"
    for time, exact in (
        ("T00:00:00Z", False),
        ("T10:30:00Z", True),
        ("T00:00:00+02:00", True),
        ("T00:00:00.000Z", False),
    ):
        packet = changed(PACKET, path, {"timestamp": f"2020-01-01{time}"})
        assert ("privacy.exact-time" in packet_contribution(packet).counted) is exact, time
    assert "privacy.exact-time" not in packet_contribution(PACKET).counted  # the time of metaData is not the person's


def account(*contributions: Contribution, cap: int = CAP) -> SetAccount:
    made = SetAccount(cap)
    for contribution in contributions:
        made.add(contribution)
    return made


def findings(made: SetAccount) -> dict[str, int]:
    return {finding.rule: finding.count for finding in made.findings(TERMINOLOGIES)}


def person(number: int, *combination: str) -> Contribution:
    return Contribution(str(number), combination)


def test_rare_combinations() -> None:
    four = [person(number, "1990", "F", "ES", "ORPHA:558") for number in range(4)]
    assert "privacy.rare-combination" not in findings(account(*four))  # a set of less than five is no set
    five = [*four, person(4, "1990", "F", "ES", "ORPHA:558")]
    assert "privacy.rare-combination" not in findings(account(*five))
    assert findings(account(*five, person(5, "1990", "M", "ES", "ORPHA:558")))["privacy.rare-combination"] == 1
    assert "privacy.rare-combination" not in findings(
        account(*five, person(5, "", "", "", ""))
    )  # nothing is known of it


def test_more_combinations_than_the_cap_are_not_checked_and_never_passed() -> None:
    made = findings(account(*(person(number, str(number)) for number in range(7)), cap=6))
    assert made["privacy.not-checked"] == 1 and made["accounting.not-checked"] == 1
    assert "privacy.rare-combination" not in made and "accounting.duplicate-record" not in made


def test_records_of_one_id() -> None:
    assert findings(account(person(1), person(1), person(2), person(1)))["accounting.duplicate-record"] == 2
    assert "accounting.duplicate-record" not in findings(account(person(1), person(2)))
    assert "accounting.duplicate-record" not in findings(account(Contribution(None), Contribution(None)))


def test_editions() -> None:
    def of(version: str) -> dict[str, int]:
        return findings(account(Contribution("1", editions=frozenset({("HP", version)}))))

    assert of("hp/releases/2999-01-01") == {"accounting.newer-edition": 1}
    assert of("2020-08-11") == {"accounting.older-edition": 1}
    assert of(TERMINOLOGIES.editions()["HP"]) == {} and of("as of Monday") == {}


CONTRIBUTIONS = st.builds(
    Contribution,
    st.none() | st.sampled_from("abcdefgh"),
    st.tuples(st.sampled_from(["", "1990", "1991"]), st.sampled_from(["", "F"])),
    st.lists(st.sampled_from(sorted(COUNTED)), unique=True).map(tuple),
    st.frozensets(st.tuples(st.just("HP"), st.sampled_from(["2020-01-01", "2999-01-01"]))),
)


@given(st.lists(st.lists(CONTRIBUTIONS, max_size=6), max_size=5), st.integers(1, 6), st.randoms(use_true_random=False))
def test_parts_that_are_merged_say_what_the_whole_says(parts: list[list[Contribution]], cap: int, chance: Any) -> None:
    whole = account(*(one for part in parts for one in part), cap=cap)
    merged = [account(*part, cap=cap) for part in parts] or [SetAccount(cap)]
    while len(merged) > 1:  # in any order
        one = merged.pop(chance.randrange(len(merged)))
        merged[chance.randrange(len(merged))].merge(one)
    assert list(merged[0].findings(TERMINOLOGIES)) == list(whole.findings(TERMINOLOGIES))


def test_a_set_in_several_files(tmp_path: Path) -> None:
    for name, born in (("a", 1990), ("b", 1991)):
        lines = [hub(birth_date=day(str(born + number)), subject_id=f"{number}") for number in range(4)]
        (tmp_path / f"{name}.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = validate(tmp_path, "hub")
    assert result.records == 8
    assert result.counts["accounting.duplicate-record"] == 4 and result.counts["privacy.rare-combination"] == 8
    assert result.counts["accounting.schema-version"] == 8 and result.counts["completeness.no-diagnosis"] == 8


TEXTS = [
    ("seizures since birth, SCN1A", None),
    ("ask jane.doe@example.org", "an e-mail address"),
    ("see https://example.org/letter?patient=17", "an address of the web with a query"),
    ("see https://example.org/page", None),
    ("tel. +49 30 1234567", "a telephone number"),
    ("0049 171 1234567", "a telephone number"),
    ("GB82 WEST 1234 5698 7654 32", "a bank account (IBAN)"),
    ("born on 28.02.1990", "a whole date"),
    ("born on 1990-02-28", "a whole date"),
    ("in 1990", None),
    ("file 123456789", "a long number, as of a file or an insurance"),
    ("943 476 5919", "a long number, as of a file or an insurance"),
    ("SNOMEDCT:1229967007", None),  # a code
    ("PMID 12345678", None),
    ("NC_000015.10:g.48487153C>T", None),
    ("16q24.3(89161684-89505106)x1", None),
    ("HER2 3+, 40 % of 1200 cells", None),
    ("NM_000138.5:c.3037G>A", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "kind"), TEXTS)
def test_identifiers_in_text(text: str, kind: str | None, tmp_path: Path) -> None:
    assert identifier_kind(text) == kind
    (tmp_path / "a.json").write_text(json.dumps(hub(schema_version=VERSION, samples=[{"description": text}])))
    found = [f for f in validate(tmp_path / "a.json", "hub").findings if f.rule == "privacy.identifier-in-text"]
    assert [f.path for f in found] == (["/samples/0/description"] if kind else [])
    assert all(not text or text not in f.message for f in found)


@given(st.text(max_size=200) | st.text("0123456789 -+@.:/?=GB", max_size=200))
def test_no_text_breaks_the_patterns(text: str) -> None:
    assert identifier_kind(text) is None or isinstance(identifier_kind(text), str)


def test_slots_of_words_are_slots_of_the_hub(tmp_path: Path) -> None:
    slots = {name for attributes in hub_schema().classes.values() for name in attributes}
    assert slots >= HUB_TEXTS
    (tmp_path / "rich.json").write_text(json.dumps(RICH))  # its submission holds an e-mail address, rightly
    assert "privacy.identifier-in-text" not in validate(tmp_path / "rich.json", "hub").counts


def test_the_proband_of_a_family_who_stands_in_the_set_counts_once(tmp_path: Path) -> None:
    """A family holds the packet of its proband; where the packet is not there by itself, the family speaks for it."""
    family = {"id": "f", "proband": PACKET, "metaData": PACKET["metaData"]}
    (tmp_path / "families.ndjson").write_text(json.dumps(family) + "\n")
    alone = validate(tmp_path, "phenopackets")
    (tmp_path / "phenopackets.ndjson").write_text(json.dumps(PACKET) + "\n")
    both = validate(tmp_path, "phenopackets")
    assert "accounting.duplicate-record" not in both.counts
    of_set = {name: number for name, number in alone.counts.items() if name.startswith("completeness.")}
    assert of_set and of_set == {name: both.counts[name] for name in of_set}
    (tmp_path / "more.ndjson").write_text(json.dumps(PACKET) + "\n")
    assert validate(tmp_path, "phenopackets").counts["accounting.duplicate-record"] == 1


def test_more_families_than_the_cap_are_not_counted_and_that_is_said() -> None:
    families = [Contribution(str(number), of_family=True) for number in range(4)]
    assert "accounting.not-checked" not in findings(account(*families, cap=4))
    assert "accounting.not-checked" in findings(account(*families, cap=3))
    standing = [Contribution(f"p{number}") for number in range(4)]
    said = [f.message for f in account(*standing, families[0], cap=3).findings(TERMINOLOGIES)]
    assert any(message.startswith("families: ") for message in said), "nobody knows whether the proband stands there"
