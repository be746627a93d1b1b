"""What each writer declares of every hub slot, held against what it does: written, lost with a finding, or declared as lost."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from harmonize.errors import NotAvailableError, UnknownNameError
from harmonize.findings import Outcome
from harmonize.hub import VALUE_CLASSES, hub_schema
from harmonize.hub.objects import hub_object
from harmonize.writers import PLANNED_TARGETS, WRITERS, TargetLog, load_writer
from tests.rich_record import RICH, context, write

IDENTIFIERS = {"Subject.schema_version", "Subject.subject_id", "Pedigree.family_id", "PedigreeMember.individual_id"}


def slots(value: Any, class_name: str, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """(`Class.slot`, path) of everything that a record fills, values taken whole."""
    for name, slot in hub_schema().classes[class_name].items():
        if name not in value:
            continue
        for index, item in enumerate(value[name] if isinstance(value[name], list) else [value[name]]):
            here = (*path, name, index) if isinstance(value[name], list) else (*path, name)
            if slot.range in hub_schema().classes and slot.range not in VALUE_CLASSES:
                yield from slots(item, slot.range, here)
            else:
                yield f"{class_name}.{name}", here


def without(path: tuple[str | int, ...]) -> dict[str, Any]:
    """The rich record without the value at *path*."""
    record = copy.deepcopy(RICH)
    holder: Any = record
    for part in path[:-1]:
        holder = holder[part]
    del holder[path[-1]]
    return record


def facts(target: str, record: dict[str, Any]) -> str:
    """The documents without what hangs on everything: ids that are hashes of contents, and the meta data."""
    documents, _ = write(target, record)
    return json.dumps([_plain(json.loads(d.line)) for d in documents], sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            k: _plain(v)
            for k, v in value.items()
            if k not in ("id", "metaData", "reference", "meta") or "label" in value
        }
    return [_plain(item) for item in value] if isinstance(value, list) else value


FILLED = list(slots(RICH, "Subject"))
NEEDED = {
    "Diagnosis.disease",
    "PhenotypicFeature.type",
    "Measurement.assay",
    "Quantity.value",
    "PedigreeMember.individual_id",
}


def test_the_rich_record_fills_every_slot() -> None:
    classes = {name for name in hub_schema().classes if name not in VALUE_CLASSES}
    everything = {
        f"{name}.{slot}"
        for name in classes
        for slot, known in hub_schema().classes[name].items()
        if known.range not in classes
    }
    assert {name for name, _ in FILLED} == everything


def lost(target: str) -> set[tuple[int | str, ...]]:
    """The paths of all slots of the rich record that the writer says it loses; an object that is lost whole ends with `*`."""
    record = hub_object(RICH)
    log = TargetLog(target)
    load_writer(target, context()).documents(record, log)
    said = {(id(loss.hub_object), loss.slot) for loss in log.losses}
    found: set[tuple[int | str, ...]] = set()

    def walk(value: Any, path: tuple[int | str, ...]) -> None:
        if isinstance(value, dict):
            for name, item in value.items():
                if (id(value), name) in said or (id(value), "*") in said:
                    found.add((*path, name))
                walk(item, (*path, name))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                walk(item, (*path, index))

    walk(record, ())
    return found


def holders(path: tuple[int | str, ...]) -> list[str]:
    """`Class.slot` of the slots that what is at *path* stands in."""
    found, class_name = [], "Subject"
    for part in path[:-1]:
        if isinstance(part, str):
            found.append(f"{class_name}.{part}")
            class_name = hub_schema().classes[class_name][part].range
    return found


def is_said(path: tuple[int | str, ...], said: set[tuple[int | str, ...]]) -> bool:
    """Whether the slot at *path*, or an object that holds it, is said to be lost."""
    return any(path[:end] in said for end in range(1, len(path) + 1))


@pytest.mark.parametrize("target", [t for t in WRITERS if t != "hub"])
def test_declared_as_lost_is_not_written_and_declared_as_carried_is_written_or_said(target: str) -> None:
    declaration = load_writer(target, context()).declaration
    said = lost(target)
    whole = facts(target, RICH)
    carried: set[str] = set()
    for name, path in FILLED:
        if name in IDENTIFIERS | NEEDED or name.startswith("VcfCoordinates."):
            continue
        changed = facts(target, without(path)) != whole
        if any(declaration[holder].outcome is Outcome.DROPPED for holder in holders(path)):
            assert not changed, f"{target} declares what holds {name} as dropped and writes it"
            continue
        if declaration[name].outcome is Outcome.DROPPED:
            assert not changed, f"{target} declares {name} as dropped and writes it"
            assert declaration[name].reason
        elif changed:
            carried.add(name)
        elif declaration[name].outcome is Outcome.CARRIED:
            assert is_said(path, said) or name in REDUNDANT[target], f"{target} loses {name} at {path} without a word"
    missing = {
        n for n, _ in FILLED if declaration[n].outcome is Outcome.CARRIED and n not in carried | IDENTIFIERS | NEEDED
    }
    assert {n for n in missing if not n.startswith("VcfCoordinates")} <= NEVER_HERE[target], (
        "declared as carried, never written"
    )


# What another slot of the rich record says too, so that nothing is lost where it is left out.
REDUNDANT: dict[str, set[str]] = {
    "fhir-r4": {
        "Subject.administrative_gender",  # the sex at birth gives the same gender
        "Quantity.unit_source",  # translated to UCUM
        "PedigreeMember.sex",  # the proband is the Patient
        "VariantExpression.level",  # of an expression that is said to be lost
        "VitalStatus.status",  # the date of death says it
        "PedigreeMember.deceased",  # the age at death says it
    },
    "phenopackets": {
        "Subject.administrative_gender",
        "Subject.sex_at_birth",
        "Quantity.unit_source",
        "PedigreeMember.affected_status",  # missing is the default of the enumeration
        "VitalStatus.status",
    },
}


# Slots that other slots of the rich record hide; each is written by the tests of its own below.
NEVER_HERE = {
    "fhir-r4": {"Subject.administrative_gender", "VitalStatus.status", "SymptomOnset.date", "SymptomOnset.age", "SymptomOnset.stage", "Quantity.unit_source"},
    "phenopackets": {
        "Subject.sex_at_birth", "Subject.administrative_gender", "SymptomOnset.date", "SymptomOnset.age", "SymptomOnset.stage",
        "Subject.date_of_last_follow_up", "Quantity.unit_source", "Measurement.age", "VitalStatus.status", "VitalStatus.age_at_death", "Diagnosis.onset_date",
    },
}  # fmt: skip


def test_a_writer_declares_every_slot() -> None:
    for target in WRITERS:
        declaration = load_writer(target, context()).declaration
        assert set(declaration) == {f"{name}.{slot}" for name, known in hub_schema().classes.items() for slot in known}


def test_every_default_is_of_the_closed_list() -> None:
    for target in WRITERS:
        writer = load_writer(target, context())
        _, log = write(target)
        assert set(log.defaulted) <= set(writer.defaults)


@pytest.mark.parametrize("target", PLANNED_TARGETS)
def test_planned_targets_are_refused_by_name(target: str) -> None:
    with pytest.raises(NotAvailableError, match=target):
        load_writer(target, context())
    with pytest.raises(UnknownNameError):
        load_writer("fhir-r3", context())


@pytest.mark.parametrize("target", WRITERS)
def test_ids_outlive_a_release_of_labels_and_do_not_hang_on_positions(target: str) -> None:
    relabelled = json.loads(json.dumps(RICH).replace('"Arachnodactyly"', '"Long fingers"'))
    ids = [d.document_id for d in write(target)[0]]
    assert [d.document_id for d in write(target, relabelled)[0]] == ids
    turned = copy.deepcopy(RICH)
    turned["phenotypic_features"].reverse()
    assert sorted(d.document_id for d in write(target, turned)[0]) == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_twins_have_ids_of_their_own() -> None:
    record = {**RICH, "phenotypic_features": [RICH["phenotypic_features"][0]] * 2}
    ids = [d.document_id for d in write("fhir-r4", record)[0]]
    assert len(set(ids)) == len(ids)


def test_a_log_traces_what_it_is_asked_to() -> None:
    log = TargetLog("hub")
    log.made("/a", None)  # type: ignore[arg-type]
    assert log.trace is None
