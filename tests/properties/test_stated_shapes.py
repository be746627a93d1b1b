"""The functions that are made for the shape of an object make and say what the general function does."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.convert import Engine, Settings
from harmonize.profiles import stated_shapes
from harmonize.profiles.notes import SubjectLog
from harmonize.profiles.plan import Plan
from harmonize.profiles.source_record import source_object
from harmonize.profiles.stated_shapes import DeriveByShape
from tests.registry import KEY, RECORDED

PROFILES = ("de/obds", "eu/ern-cde", "intl/redcap-rdcdm", "intl/hmd-template")
TEXTS = st.sampled_from(
    ["1", "2", "J", "N", "C50.1", "T2", "cT2", "2020-05-06", "06.05.2020", "HP:0001250", "G2", "R0", "x", "I", "A"]
)


@cache
def plan_of(profile: str) -> Plan:
    return Engine(Settings(profile, ("hub",), KEY, "x", recorded=RECORDED)).plan


def functions_of(plan: Plan) -> dict[str, DeriveByShape]:
    known = plan.derive.__globals__  # type: ignore[attr-defined]
    return {name: value for name, value in known.items() if isinstance(value, DeriveByShape)}


@pytest.mark.parametrize("profile", PROFILES)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_functions_of_shapes_do_what_the_general_ones_do(profile: str, data: st.DataObject) -> None:
    plan = plan_of(profile)
    functions = functions_of(plan)
    if not functions:
        pytest.skip(f"{profile} has no lists of objects of many slots that are read by name")
    name = data.draw(st.sampled_from(sorted(functions)))
    general = functions[name]._namespace[functions[name]._name]
    lineage = plan.lineages[name.removeprefix("derive_").removesuffix("_of")]
    slots = sorted(plan.profile.source.text_slots(lineage.source_class))
    source = source_object(data.draw(st.dictionaries(st.sampled_from(slots), TEXTS, max_size=12)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stated_shapes, "OFTEN", 1)
        made = functions[name][tuple(source)]
    assert made is not general
    assert _said(made, source) == _said(general, source)


def _said(function: Any, source: Any) -> Any:
    log = SubjectLog()
    made = function(source, log)
    derivation = None if made is None else made.derivation
    return made, derivation, log.notes, log.left_out, [(feed, paths) for _, feed, paths in log.misses]


def test_a_function_of_its_own_is_made_for_what_is_met_often_and_not_for_more_than_the_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stated_shapes, "OFTEN", 3)
    monkeypatch.setattr(stated_shapes, "MOST", 1)
    functions = next(iter(functions_of(plan_of("de/obds")).values()))
    shapes = DeriveByShape(functions._text, functions._namespace, functions._name)
    general = functions._namespace[functions._name]
    assert [shapes[("x",)] is general for _ in range(4)] == [True, True, False, False]
    assert [shapes[("y",)] is general for _ in range(4)] == [True] * 4
