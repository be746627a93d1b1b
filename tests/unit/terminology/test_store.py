"""Answers of the shipped terminologies: values, never None, whatever is asked."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.terminology.answers import Ambiguous, Found, NotChecked, Obsolete, Replaced, Unknown, as_json
from harmonize.terminology.store import Terminologies

TERMS = Terminologies.installed()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("HP:0001250", Found), ("HP:0001275", Replaced), ("HP:0410382", Replaced), ("HP:0000489", Obsolete), ("HP:9999999", Unknown),
        ("MONDO:0007947", Found), ("HGNC:3603", Found), ("ICD10CM:Q87.4", Found), ("ICD10CM:Z99.99", Unknown), ("NCIT:C99999999", NotChecked),
        ("ATC:A01", NotChecked), ("UCUM:mg/dL", Found), ("UCUM:furlong!", Unknown), ("", NotChecked), ("HP", Unknown), (":", NotChecked),
    ],
)  # fmt: skip
def test_lookup(code: str, kind: type) -> None:
    answer = TERMS.lookup(code)
    assert isinstance(answer, kind)
    assert TERMS.lookup(code) == answer
    assert as_json(answer)["code"] == code


def test_replacements_are_followed() -> None:
    assert TERMS.lookup("HP:0410382") == Replaced("HP:0410382", TERMS.lookup("HP:0410379"), obsolete=True)
    assert TERMS.resolve("HP:0001275") == TERMS.lookup("HP:0001250")
    obsolete = TERMS.lookup("HP:0000489")
    assert isinstance(obsolete, Obsolete) and {c.code for c in obsolete.candidates} == {"HP:0100886", "HP:0100887"}


def test_hierarchy() -> None:
    assert TERMS.is_a("HP:0002069", "HP:0001250") and not TERMS.is_a("HP:0001250", "HP:0002069")
    assert "HP:0000118" in TERMS.ancestors("HP:0001250") and "HP:0001250" in TERMS.ancestors("HP:0001250")
    assert TERMS.ancestors("HP:9999999") == frozenset() == TERMS.ancestors("ATC:A01")
    store = TERMS.store("HP")
    assert store is not None and "HP:0002069" in store.descendants("HP:0001250")


def test_texts() -> None:
    assert TERMS.by_text("HP", "Seizure").code == "HP:0001250"
    assert isinstance(TERMS.by_text("HP", "no such sign at all"), Unknown)
    assert isinstance(TERMS.by_text("ATC", "x"), NotChecked)
    found = TERMS.search("short stature", "HP")
    assert found[0].code == "HP:0004322" and TERMS.search("") == []


def test_gene_symbols_and_aliases() -> None:
    assert TERMS.by_text("HGNC", "FBN1").code == "HGNC:3603"
    assert isinstance(TERMS.by_text("HP", "ASD"), Ambiguous), "an abbreviation of several terms is never picked"


@given(code=st.text(max_size=40))
def test_any_text_has_an_answer(code: str) -> None:
    assert TERMS.lookup(code) is not None
    assert isinstance(TERMS.ancestors(code), frozenset)


def test_editions_and_pickle() -> None:
    assert TERMS.editions()["HP"] == "2026-02-16" and "NCIT" not in TERMS.editions(), "no edition is invented"
    again = pickle.loads(pickle.dumps(TERMS))
    assert again.lookup("HP:0001250") == TERMS.lookup("HP:0001250")
    assert all(len(entry["source_sha256"]) == 64 for entry in TERMS.digests())
