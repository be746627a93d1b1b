"""phenotype.hpoa: its rows come back as they were, by disease and by phenotype."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.errors import CallError, InputError
from harmonize.terminology.add import Order, add_code_system, compile_file
from harmonize.terminology.annotations import frequency_bounds
from harmonize.terminology.answers import NotChecked
from harmonize.terminology.store import Terminologies

HEAD = (
    '#description: "made up"\n#version: 2099-01-16\n#hpo-version: http://purl.obolibrary.org/obo/hp/releases/2099-01-15/hp.json\n'
    "database_id\tdisease_name\tqualifier\thpo_id\treference\tevidence\tonset\tfrequency\tsex\tmodifier\taspect\tbiocuration\n"
)
ROWS = (
    "OMIM:100100\tA syndrome\t\tHP:0001250\tPMID:1\tPCS\tHP:0003577\t1/3\t\t\tP\tHPO:x[2099-01-01]\n"
    "OMIM:100100\tA syndrome\tNOT\tHP:0001251\tPMID:1\tPCS\t\t\tMALE\tHP:0012825\tP\tHPO:x[2099-01-01]\n"
    "ORPHA:558\tAnother syndrome\t\tHP:0001250\tORPHA:558\tTAS\t\tHP:0040281\t\t\tP\tORPHA:orphadata[2099-01-01]\n"
    "OMIM:100100\tA syndrome, other name\t\tHP:0000006\tOMIM:100100\tIEA\t\t\t\t\tI\tHPO:x[2099-01-01]\n"
)


def test_annotations(tmp_path: Path) -> None:
    path = tmp_path / "phenotype.hpoa"
    path.write_text(HEAD + ROWS)
    answer = add_code_system(Order(str(path)), tmp_path / "mine")
    assert (answer["system"], answer["version"], answer["concepts"], answer["format"]) == (
        "HPOA",
        "2099-01-16",
        2,
        "hpoa",
    )
    assert answer["said"] == ["its phenotypes are of HPO 2099-01-15", "4 annotations of 2 diseases"]
    terms = Terminologies.installed(tmp_path / "mine")
    found = terms.annotations(disease="OMIM:100100")
    assert found is not None and [(a.phenotype, a.excluded, a.onset, a.sex, a.modifier, a.aspect) for a in found] == [
        ("HP:0000006", False, "", "", "", "I"), ("HP:0001250", False, "HP:0003577", "", "", "P"), ("HP:0001251", True, "", "MALE", "HP:0012825", "P"),
    ]  # fmt: skip
    assert (
        found[1].bounds() == (Fraction(1, 3), Fraction(1, 3))
        and found[0].bounds() is None
        and found[1].reference == "PMID:1"
    )
    assert [a.disease for a in terms.annotations(phenotype="HP:0001250") or ()] == ["OMIM:100100", "ORPHA:558"]
    assert terms.annotations(disease="ORPHA:558", phenotype="HP:0001251") == []
    assert terms.by_text("HPOA", "a syndrome other name").code == "OMIM:100100"
    assert isinstance(terms.lookup("OMIM:100100"), NotChecked), "they are no code system of their diseases"
    assert Terminologies({}).annotations(disease="OMIM:100100") is None
    with pytest.raises(CallError, match="of nothing"):
        terms.annotations()


WRONG = {
    "qualifier": ("NOT\t", "not\t"), "aspect": ("\tI\t", "\tX\t"), "sex": ("MALE", "M"), "evidence": ("IEA", "GUESS"), "frequency": ("1/3", "4/3"),
    "hpo_id": ("HP:0001251", "MP:0001251"), "database_id": ("ORPHA:558\tA", "558\tA"), "onset": ("HP:0003577", "birth"),
}  # fmt: skip


@pytest.mark.parametrize("column", WRONG)
def test_a_row_that_is_none_is_named(tmp_path: Path, column: str) -> None:
    path = tmp_path / "x.hpoa"
    path.write_text(HEAD + ROWS.replace(*WRONG[column], 1))
    with pytest.raises(InputError, match=column) as caught:
        compile_file(Order(str(path)), tmp_path / "x.sqlite")
    assert caught.value.row and caught.value.row >= 5


@given(st.integers(0, 500), st.integers(1, 500))
def test_frequencies(part: int, whole: int) -> None:
    if part > whole:
        with pytest.raises(ValueError, match="no frequency"):
            frequency_bounds(f"{part}/{whole}")
    else:
        assert frequency_bounds(f"{part}/{whole}") == (Fraction(part, whole),) * 2
    assert frequency_bounds(f"{part / 10}%" if part <= 1000 else "1%") == (Fraction(str(part / 10)) / 100,) * 2


@given(st.text(max_size=12))
def test_any_text_is_a_frequency_or_told(text: str) -> None:
    try:
        bounds = frequency_bounds(text)
    except ValueError:
        return
    assert bounds is None or 0 <= bounds[0] <= bounds[1] <= 1
