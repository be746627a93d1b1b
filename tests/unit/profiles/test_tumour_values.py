"""TNM categories with their symbols, and dates that another text decides about."""

from __future__ import annotations

from typing import Any

import pytest

from harmonize.convert import make_environment
from harmonize.findings import Outcome
from harmonize.profiles.functions import library_function
from harmonize.profiles.loading import load_profile
from harmonize.profiles.notes import Noted
from tests.registry import KEY


@pytest.fixture(scope="module")
def tnm() -> Any:
    return library_function("tnm", make_environment(load_profile("de/obds"), KEY, "x"))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("2", "T", "p", "8", "y", None, None, "m"), "TNM:ypT2(m)"), (("1mi(sn)", "N", "p"), "TNM:pN1mi(sn)"), (("T2", "T", None, None, None, None, None, "(3)"), "TNM:T2(3)")],
)  # fmt: skip
def test_a_category_with_its_symbols(tnm: Any, arguments: tuple[Any, ...], code: str) -> None:
    made = tnm(*arguments)
    value = made.value if isinstance(made, Noted) else made
    assert value["codings"][0]["code"] == code


def test_a_symbol_that_is_none_costs_the_symbol_and_not_the_category(tnm: Any) -> None:
    """DKTK's sample has the name of the field in the place of (m): it must not become part of a code."""
    made = tnm("4", "T", "c", "8", None, None, None, "TNM_m_Symbol2")
    assert isinstance(made, Noted) and made.outcome is Outcome.COARSENED and made.rule == "source.code"
    assert made.value["codings"][0]["code"] == "TNM:cT4" and "m_Symbol2" not in made.message


@pytest.mark.parametrize("text", ["2a foo", "5", "free text"])
def test_what_is_no_category_is_rejected(tnm: Any, text: str) -> None:
    made = tnm(text, "T", "c")
    assert isinstance(made, Noted) and made.value is None and made.outcome is Outcome.REJECTED
