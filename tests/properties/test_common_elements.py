"""Elements of Phenopackets that are put together from texts: with a compiler and without, and beside those that are built slot by slot."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.extensions import extension
from harmonize.hub.objects import HubObject
from harmonize.terminology.notation import load_systems
from harmonize.writers import TargetLog, Writer, WriterContext, load_writer
from harmonize.writers.phenopackets.common_elements import (
    CATEGORIES,
    OF_AGENTS,
    OF_DISEASES,
    OF_OPERATIONS,
    Common,
    CommonElements,
    common_elements,
)
from tests.properties.effort import examples
from tests.properties.test_extensions import pure
from tests.registry import KEY, RECORDED

CODED: tuple[dict[str, Any], ...] = (
    {"codings": [{"system": "LOINC", "code": "LOINC:0", "origin": "stated", "label": "é"}]},
    {"codings": [{"system": "HP", "code": "HP:0000001", "origin": "stated"}]},
    {"codings": [{"system": "HP", "code": "HP:0000002", "origin": "stated"}], "qualifiers": ["left"]},
    {"codings": [], "text": "x"},
)
DAY = {"value": "2001-05-06", "precision": "day"}
OTHER_DAYS = [{"value": "2001-05", "precision": "month"}, {**DAY, "estimated": True}]
CODES, DAYS = st.sampled_from(CODED), st.sampled_from([DAY, *OTHER_DAYS])
USUAL_CODES, USUAL_DAYS = st.sampled_from([*CODED[:2] * 8, *CODED[2:]]), st.sampled_from([*[DAY] * 8, *OTHER_DAYS])
"""Nearly all of them need no word."""
QUANTITIES = st.fixed_dictionaries(
    {"value": st.sampled_from(["1.0", "0", "1e999"]), "unit": st.sampled_from(["kg", "m"])},
    optional={"comparator": st.just("<")},
)
EVALUATIONS = st.sampled_from(
    [{"codings": [{"code": f"HMD:tnm-{word}"}]} for word in ("pathological", "clinical")] + [{"text": "Pathological"}]
)
Strategies = dict[str, st.SearchStrategy[Any]]


def _some(slots: Strategies, *, most: int) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that state a few of *slots*, so that there are some of which nothing needs a word."""
    chosen = st.lists(st.sampled_from(sorted(slots)), max_size=most, unique=True)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: slots[name] for name in names}))


def _items(codes: st.SearchStrategy[Any], days: st.SearchStrategy[Any], *, usual: bool) -> Strategies:
    """Objects by the list of the record that holds them. *usual* ones state the slots that common elements may have."""
    tnm = {**dict.fromkeys(("stage", *CATEGORIES), codes), "pathology_clinical": EVALUATIONS, "version": st.just("8")}
    unusual = {} if usual else {"sample_id": st.sampled_from("ab")}
    diagnosis: Strategies = {
        **dict.fromkeys(("onset_date", "end_date", "date_of_diagnosis"), days),
        **dict.fromkeys(
            ("topography", "laterality", "body_site", "morphology", "severity", "stage_at_diagnosis"), codes
        ),
        "tnm_classifications": st.lists(_some({**tnm, **unusual}, most=6), min_size=1, max_size=2),
        "haematological_stagings": st.lists(st.fixed_dictionaries({}, optional={"stage": codes}), max_size=2),
        "gradings": st.lists(st.fixed_dictionaries({}, optional={"grade": codes, "scale": codes}), max_size=2),
        "role": st.sampled_from(["index_disease", "comorbidity"]),
        "certainty": st.sampled_from(["confirmed", "provisional", "entered_in_error"]),
        "excluded": st.booleans(),
        "onset_age": st.just("P1Y"),
        "age_at_diagnosis": st.just("P1Y"),
        "clinical_status": st.just("active"),
    }
    treatment: Strategies = {
        **dict.fromkeys(("start_date", "end_date"), days),
        **dict.fromkeys(("type", "procedure", "intention_to_treat", "response_to_treatment", "outcome"), codes),
        **dict.fromkeys(("surgical_resection_quality", "treatment_status", "setting", "radiation_type"), codes),
        **dict.fromkeys(("agents", "sites", "modalities", "routes_of_administration"), st.lists(codes, max_size=2)),
        **dict.fromkeys(("line", "fractions", "days_supply", "quantity"), st.just(1)),
        **dict.fromkeys(("subtype", "intended_duration", "dose_interval"), st.just("P1D")),
        "treated_disease": st.just("index_disease"),
        "pre_treated": st.booleans(),
        "cumulative_dose": QUANTITIES,
    }
    procedure: Strategies = {"date": days, "end_date": days, "body_site": codes, "status": st.just("completed")}
    measurement: Strategies = {"coded_value": codes, "value": QUANTITIES, "date": days, "reference_low": st.just("1")}
    items = {
        "measurements": _with({"assay": codes}, measurement, most=2),
        "diagnoses": _with({"disease": codes}, diagnosis, most=6),
        "procedures": _with({"code": codes}, procedure, most=2),
        "treatments": _some(treatment, most=5),
    }
    if not usual:
        return items
    of_agents, of_operations = (
        _only(treatment, OF_AGENTS - {"agents"}),
        _only(treatment, OF_OPERATIONS - {"type", "procedure"}),
    )
    return {
        "measurements": st.one_of(
            st.fixed_dictionaries({"assay": codes, "value": QUANTITIES}, optional={"date": days}),
            st.fixed_dictionaries({"assay": codes, "coded_value": codes}, optional={"date": days}),
        ),
        "diagnoses": st.fixed_dictionaries({"disease": codes}, optional=_only(diagnosis, OF_DISEASES)),
        "procedures": st.fixed_dictionaries({"code": codes, "date": days}, optional={"end_date": days}),
        "treatments": st.one_of(
            st.fixed_dictionaries({"agents": st.lists(codes, min_size=1, max_size=1)}, optional=of_agents),
            st.fixed_dictionaries({"type": codes}, optional=of_operations),
            st.fixed_dictionaries({"procedure": codes}, optional=of_operations),
        ),
    }


def _only(slots: Strategies, names: frozenset[str]) -> Strategies:
    return {slot: values for slot, values in slots.items() if slot in names}


def _with(stated: Strategies, others: Strategies, *, most: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda first, more: {**more, **first}, st.fixed_dictionaries(stated), _some(others, most=most))


USUAL, ANY = _items(USUAL_CODES, USUAL_DAYS, usual=True), _items(CODES, DAYS, usual=False)
LISTS: Strategies = {
    name: st.one_of(st.lists(USUAL[name], max_size=3), st.lists(USUAL[name] | ANY[name], max_size=3)) for name in USUAL
}


def _sexes(*codes: str) -> st.SearchStrategy[dict[str, Any]]:
    codings = [{"system": code.partition(":")[0], "code": code, "origin": "stated"} for code in (*codes, "HL7:F")]
    return st.lists(st.sampled_from(codings), max_size=2).map(lambda stated: {"codings": stated})


PERSONS = st.fixed_dictionaries(
    {},
    optional={
        "birth_date": DAYS | USUAL_DAYS,
        "date_of_last_follow_up": DAYS | USUAL_DAYS,
        "sex_at_birth": _sexes("BIRTHSEX:F", "BIRTHSEX:M", "BIRTHSEX:UNK", "BIRTHSEX:X"),
        "administrative_gender": _sexes("GENDER:female", "GENDER:unknown", "GENDER:x"),
        "gender_identity": CODES,
        "karyotypic_sex": CODES,
        "vital_status": st.just({"status": {"codings": [{"system": "VITALSTATUS", "code": "VITALSTATUS:alive"}]}}),
        "symptom_onsets": st.just([{"age": "P1Y"}]),
        "samples": st.lists(st.sampled_from("abs").map(lambda name: {"sample_id": name}), max_size=2),
    },
)
"""What a record states beside its lists."""


def _shared(value: Any) -> Any:
    """*value* as objects of the hub; coded values, which are told by their identity, stay those that they are."""
    if isinstance(value, dict) and "codings" not in value:
        return HubObject({slot: _shared(item) for slot, item in value.items()})
    return [_shared(item) for item in value] if isinstance(value, list) else value


def _elements() -> CommonElements:
    """Of values of which some are known."""
    common = Common()
    common.learn_term(CODED[0], "LOINC:0", "é", "LOINC")
    common.learn_term(CODED[1], "HP:0000001", "HP:0000001", "HP")
    common.learn_unit("kg")
    common.learn_number("1.0", 1.0)
    return common_elements(
        common, lambda subject_id, diagnosis: f'{subject_id}"{len(diagnosis)}', OF_AGENTS | {"end_date"}
    )


def _raw(text: str | bytes | None) -> bytes | None:
    return text.encode() if isinstance(text, str) else text


@examples(300)
@given(st.fixed_dictionaries(LISTS), PERSONS, st.booleans())
def test_compiled_elements_are_those_of_python(lists: dict[str, Any], person: dict[str, Any], apart: bool) -> None:
    record = _shared({"subject_id": "é", **person, **lists})
    with pure():
        in_python = _elements()
    answers = []
    for elements in (in_python, _elements()):
        answer: list[Any] = []
        for make, items in (
            (elements.measurements, record["measurements"]),
            (elements.diseases, record["diagnoses"]),
            (elements.procedures, record["procedures"]),
            (elements.treatments, record["treatments"]),
        ):
            prefixes: set[str] = set()
            made = make(items, prefixes, apart)
            answer.append(([*map(_raw, made)] if isinstance(made, list) else _raw(made), prefixes))
        prefixes, seen = set(), {'é\\"3'}
        answer.append(_raw(elements.subject(record, prefixes)))
        answer += [_raw(elements.tissue(diagnosis, "é\\", seen, prefixes)) for diagnosis in record["diagnoses"]]
        answers.append((answer, prefixes, seen))
    assert answers[0] == answers[1]


def _written(writer: Writer, record: HubObject, *, long_way: bool) -> Any:
    """What is made and said of a record: by texts as far as may be, or slot by slot."""
    log = TargetLog("phenopackets", trace=[] if long_way else None)
    documents = writer.documents(record, log)
    said = [(id(loss.hub_object), loss[1:]) for loss in log.losses]
    return [document.line for document in documents], said, log.defaulted


@examples(400)
@given(st.fixed_dictionaries(LISTS), PERSONS, st.booleans())
def test_common_elements_are_those_of_the_long_way(
    lists: dict[str, Any], person: dict[str, Any], is_compiled: bool
) -> None:
    record = _shared({"subject_id": "s", **person, **{name: items for name, items in lists.items() if items}})
    context = WriterContext("x", RECORDED, "de/obds", "1", KEY, load_systems(), {}, "0")
    with pure() if not is_compiled else nullcontext():
        writer = load_writer("phenopackets", context)
    long = _written(writer, record, long_way=True)  # values are learnt on the long way
    assert _written(writer, record, long_way=False) == long


@pytest.mark.parametrize("is_compiled", [True, False])
def test_a_tumour_and_its_operation_are_common(is_compiled: bool) -> None:
    """What a registry states of most subjects is put together from texts: slot by slot it would be as slow as before."""
    known, day = CODED[0], DAY
    tnm = {**dict.fromkeys(("stage", *CATEGORIES), known), "pathology_clinical": {"text": "Pathological"}}
    diagnosis = {"disease": known, "topography": known, "morphology": known, "date_of_diagnosis": day}
    tumour = _shared({**diagnosis, "tnm_classifications": [tnm], "gradings": [{"grade": known}]})
    operation = _shared({"type": known, "intention_to_treat": known, "start_date": day})
    person = {"subject_id": "s", "birth_date": day, "administrative_gender": {"codings": [{"system": "GENDER", "code": "GENDER:male"}]}}  # fmt: skip
    with pure() if not is_compiled else nullcontext():
        elements = _elements()
    assert _raw(elements.subject(HubObject(person), set())) == b'{"id":"s","dateOfBirth":"2001-05-06T00:00:00Z","sex":"MALE"}'  # fmt: skip
    for made in (elements.diseases([tumour], set(), False), elements.treatments([operation], set(), False)):
        assert made and not isinstance(made, list)
    assert elements.tissue(tumour, "s", set(), set())


@pytest.mark.parametrize("wrong", [None, 7, "x", [None], [7], [{"agents": 7}]])
def test_wrong_calls_are_refused(wrong: Any) -> None:
    compiled = extension("harmonize.writers.phenopackets.element_texts")
    if compiled is None:
        pytest.skip("harmonize was installed without its extensions")
    elements = _elements()
    for make in (elements.measurements, elements.diseases, elements.procedures, elements.treatments):
        if wrong != [{"agents": 7}] or make == elements.treatments:
            with pytest.raises((TypeError, SystemError)):
                make(wrong, set(), False)
    with pytest.raises((TypeError, SystemError)):
        elements.tissue(wrong, "s", set(), set())
    with pytest.raises((TypeError, SystemError)):
        elements.subject(wrong, set())
    with pytest.raises(TypeError):
        elements.subject(HubObject(subject_id=7), set())
    unmade = compiled.ElementTexts.__new__(compiled.ElementTexts)
    with pytest.raises(ValueError, match="no elements"):
        unmade.diseases([{}], set(), False)
