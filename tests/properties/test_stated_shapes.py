"""The functions and steps that are made for the shape of an object make and say what the general function does."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.convert import Engine, Settings
from harmonize.convert.engine import make_environment
from harmonize.extensions import extension
from harmonize.hub.objects import DerivedObject
from harmonize.profiles import stated_shapes
from harmonize.profiles.compiler import compile_profile
from harmonize.profiles.loading import load_profile
from harmonize.profiles.notes import Noted, SubjectLog
from harmonize.profiles.plan import Plan
from harmonize.profiles.source_record import source_object
from harmonize.profiles.stated_shapes import DeriveByShape
from tests.properties.effort import examples
from tests.registry import KEY, RECORDED

PROFILES = ("de/obds", "eu/ern-cde", "intl/redcap-rdcdm", "intl/hmd-template")
TEXTS = st.sampled_from(
    ["1", "2", "J", "N", "C50.1", "T2", "cT2", "2020-05-06", "06.05.2020", "HP:0001250", "G2", "R0", "x", "I", "A"]
)


@cache
def plan_of(profile: str) -> Plan:
    return Engine(Settings(profile, ("hub",), KEY, "x", recorded=RECORDED)).plan


def functions_of(plan: Plan) -> dict[str, DeriveByShape]:
    """Name of a derivation -> its functions by shape."""
    known = plan.derive.__globals__  # type: ignore[attr-defined]
    machines = {name: getattr(made, "of_shape", getattr(made, "__self__", None)) for name, made in known.items()}
    return {
        name.removeprefix("derive_").removesuffix("_of"): of_shape
        for name, of_shape in machines.items()
        if isinstance(of_shape, DeriveByShape)
    }


def _objects_of(plan: Plan, name: str) -> st.SearchStrategy[Any]:
    """Source objects of a class, with objects in them."""
    classes = plan.profile.source.classes
    inner = {
        slot: st.lists(texts, max_size=2) if stated.multivalued else texts
        for slot, stated in classes[name].items()
        if stated.range in classes
        for texts in [st.dictionaries(st.sampled_from(sorted(plan.profile.source.text_slots(stated.range))), TEXTS)]
    }
    texts = st.dictionaries(st.sampled_from(sorted(plan.profile.source.text_slots(name))), TEXTS, max_size=12)
    return st.tuples(texts, st.fixed_dictionaries({}, optional=inner)).map(lambda both: {**both[0], **both[1]})


@pytest.mark.parametrize("profile", PROFILES)
@examples(300)
@given(data=st.data())
def test_functions_of_shapes_do_what_the_general_ones_do(profile: str, data: st.DataObject) -> None:
    plan = plan_of(profile)
    functions = functions_of(plan)
    if not functions:
        pytest.skip(f"{profile} has no lists of objects of many slots that are read by name")
    name = data.draw(st.sampled_from(sorted(functions)))
    of_shape = functions[name]
    general = of_shape._namespace[of_shape._name]
    source = source_object(data.draw(_objects_of(plan, plan.lineages[name].source_class)))
    shape = tuple(source)
    folded = of_shape._made(frozenset(shape))
    assert _said(folded, source) == _said(general, source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stated_shapes, "SOME", 1)
        patch.setattr(stated_shapes, "OFTEN", 1)
        of_shape.clear()
        of_shape._met.clear()
        assert _said(of_shape[shape], source) == _said(general, source)


def _said(function: Any, source: Any) -> Any:
    log = SubjectLog()
    made = function(source, log)
    misses = [(id(missed), feed, paths) for missed, feed, paths in log.misses]
    return _whole(made), log.notes, log.left_out, misses, log.exceptional_cells()


def _whole(made: Any) -> Any:
    """A value of the hub with what made it and the order of its slots."""
    if isinstance(made, DerivedObject):
        return id(made.source), made.derivation, [(slot, _whole(value)) for slot, value in made.items()]
    return [_whole(item) for item in made] if isinstance(made, list) else made


def test_objects_that_are_met_often_are_made_by_steps() -> None:
    """Nothing but a miss is said of them, so they do not come to the function: it would be as slow as before."""
    if extension("harmonize.profiles.row_machine") is None:
        pytest.skip("harmonize was installed without its extensions")
    plan = compile_profile(load_profile("de/obds"), make_environment(load_profile("de/obds"), KEY, "x"))
    known = functions_of(plan)
    tnm = source_object(
        {"T": "2", "N": "0", "c_p_u_Praefix_T": "c", "Version": "8", "Datum": "2020-05-06", "UICC": "II"}
    )
    finding = source_object({"Diagnosesicherung": "7", "what": "Diagnosesicherung"})
    for name, source in (("TNM_5", tnm), ("Measurement_8", finding)):
        of_shape, shape = known[name], tuple(source)
        log = SubjectLog()
        expected = of_shape.objects([source], log)
        steps = of_shape._by_steps(_never, shape)
        assert type(steps).__name__ == "ShapeMachine" and steps is not None
        of_shape[shape] = steps
        machine_log = SubjectLog()
        assert of_shape.objects_function()([source], machine_log) == expected and len(expected) == 1
        assert (machine_log.notes, machine_log.misses) == (log.notes, log.misses)


def _never(source: Any, log: SubjectLog) -> Any:
    raise AssertionError("the steps gave it up")


def test_wrong_calls_of_the_steps_are_refused() -> None:
    machine = extension("harmonize.profiles.row_machine")
    if machine is None:
        pytest.skip("harmonize was installed without its extensions")
    of_shape = functions_of(plan_of("de/obds"))["TNM_5"]
    steps = of_shape._by_steps(_never, ("T", "N"))
    assert steps is not None
    for wrong in ({"T": "2"}, {}, ["T", "N"], None):
        with pytest.raises(TypeError):
            steps(wrong, SubjectLog())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="another shape"):
        machine.ShapeMachine(of_shape._program(("T", "N")), DerivedObject, Noted, _never, 1_000)
    with pytest.raises(TypeError):
        machine.ObjectsMachine([])
    for objects in ([["T"]], [None], 7):
        with pytest.raises(TypeError):
            machine.ObjectsMachine(of_shape)(objects, SubjectLog())
    with pytest.raises(TypeError):
        machine.ShapeMachine.__new__(machine.ShapeMachine)({}, SubjectLog())


def _unmet(functions: DeriveByShape) -> DeriveByShape:
    """The functions of the same derivation before the first object."""
    return DeriveByShape(functions._text, functions._namespace, functions._name, functions._program)


def test_a_function_of_its_own_is_made_for_what_is_met_often_and_not_for_more_than_the_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stated_shapes, "OFTEN", 3)
    monkeypatch.setattr(stated_shapes, "MOST", 1)
    shapes = _unmet(next(iter(functions_of(plan_of("de/obds")).values())))
    general = shapes._general_function
    assert [shapes[("x",)] is general for _ in range(4)] == [True, True, False, False]
    assert [shapes[("y",)] is general for _ in range(4)] == [True] * 4


def test_steps_are_there_after_some_objects_and_a_function_for_what_they_give_up_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if extension("harmonize.profiles.row_machine") is None:
        pytest.skip("harmonize was installed without its extensions")
    monkeypatch.setattr(stated_shapes, "SOME", 2)
    monkeypatch.setattr(stated_shapes, "OFTEN", 3)
    shapes = _unmet(functions_of(plan_of("de/obds"))["TNM_5"])
    made: list[frozenset[str]] = []
    monkeypatch.setattr(shapes, "_made", lambda stated: made.append(stated) or shapes._general_function)
    source = source_object({"T": "no category", "Version": "8"})
    assert shapes[tuple(source)] is shapes._general_function
    steps = shapes[tuple(source)]
    assert type(steps).__name__ == "ShapeMachine" and shapes[tuple(source)] is steps
    expected = _said(shapes._general_function, source)
    assert [_said(steps, source) == expected for _ in range(4)] == [True] * 4
    assert made == [frozenset(source)]
