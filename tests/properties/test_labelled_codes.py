"""Laws of entries of lists: what is written as `label (code)` is read back as exactly that code and that label."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from harmonize.datasets.specification import dataset_names, load_dataset
from harmonize.exports.template_layout import NULL_FLAVORS, entry, null_flavor_entry
from harmonize.profiles.labelled_codes import labelled, stated_code, stated_label
from tests.properties.effort import examples
from tests.properties.texts import shuffled_pieces

CODES = ("NCIT:C8509", "ICD10:C50.9", "HGVS:NC_000023.10:g.(31060227_31100351)", "mg/(24.h)", "[in_i'H2O]", "F",
         "http://purl.obolibrary.org/obo/HP_0001250")  # fmt: skip
LABELS = ("tumour", "(primary)", "a: b", "(", ")", " ", "\n", "C50.9", "NCIT:C1", "ü")
BLANKS = st.sampled_from(("", " ", "\t", "\n "))


@given(shuffled_pieces(LABELS, 8), st.sampled_from(CODES), BLANKS, BLANKS)
@example("C50.9 Malignant neoplasm", "ICD10:C50.9", "", "")
@example("Female (F)", "GENDER:female", " ", "")
@examples(200)
def test_what_is_written_is_read_back(label: str, code: str, before: str, behind: str) -> None:
    assume(re.search(r"[(][^()\s:]+:[^()\s]+[)]", label) is None)  # which would be another entry
    text = before + labelled(label, code) + behind
    assert (stated_label(text), stated_code(text)) == (label.strip(), code)


@given(st.sampled_from(CODES), BLANKS, BLANKS)
def test_a_code_alone_has_no_label(code: str, before: str, behind: str) -> None:
    assert (stated_label(before + code + behind), stated_code(before + code + behind)) == ("", code)


@pytest.mark.parametrize(
    ("text", "label", "code"),
    [
        ("primary tumour(NCIT:C8509)", "primary tumour", "NCIT:C8509"),  # the blank was left out
        ("C50.9 Malignant neoplasm", "", "C50.9 Malignant neoplasm"),  # never guessed: no code of any system
        ("p. 7 (draft copy)", "", "p. 7 (draft copy)"),
        ("(NCIT:C8509)", "", "NCIT:C8509"),
        (
            "male (GENDER:male) | female (GENDER:female)",
            "",
            "male (GENDER:male) | female (GENDER:female)",
        ),  # never the last one
        ("male (GENDER:male) / female (GENDER:female)", "", "male (GENDER:male) / female (GENDER:female)"),
        ("kilogram (kg) | gram (g)", "", "kilogram (kg) | gram (g)"),
        ("", "", ""),
        ("()", "", "()"),
    ],
)
def test_what_people_write(text: str, label: str, code: str) -> None:
    assert (stated_label(text), stated_code(text)) == (label, code)


@pytest.mark.parametrize("name", dataset_names())
def test_every_entry_of_every_value_set(name: str) -> None:
    for values in load_dataset(name).value_sets.values():
        for value in values.values:
            assert stated_code(entry(value)) == value.code
    assert all(stated_code(null_flavor_entry(flavor)) == f"NullFlavor:{flavor}" for flavor in NULL_FLAVORS)
