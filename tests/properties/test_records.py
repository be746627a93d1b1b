"""Writers hold their declarations for arbitrary hub records: written, or declared as lost, or said to be lost. And never a crash."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path as FilePath
from typing import Any

import jsonschema_rs
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from hypothesis import given
from phenopackets.schema.v2.phenopackets_pb2 import Family, Phenopacket

from harmonize.checks.fhir_r4 import check_resource
from harmonize.checks.fhir_references import reference_key
from harmonize.findings import Outcome
from harmonize.hub import hub_json_schema, hub_schema
from harmonize.hub.objects import hub_object, local_code
from harmonize.terminology.store import Terminologies
from harmonize.writers import WRITERS, TargetLog, load_writer
from tests.properties.effort import examples
from tests.properties.hub_records import CLASSES, records, slots_of
from tests.properties.written import cached_context, write, write_objects, writer
from tests.registry import convert, make_registry

TARGETS = [target for target in WRITERS if target != "hub"]
ROOT = hub_schema().root
Path = tuple[Any, ...]
Made = list[tuple[str, dict[str, Any]]]


@cache
def schema() -> Any:
    """The hub's JSON Schema."""
    return jsonschema_rs.validator_for(hub_json_schema())


@cache
def terminologies() -> Terminologies:
    """Those that are installed."""
    return Terminologies.installed()


def walk(value: Any) -> Iterator[Any]:
    """*value* and everything in it."""
    yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(item)


def references(value: Any) -> list[str]:
    """Every reference to another resource."""
    return [v["reference"] for v in walk(value) if isinstance(v, dict) and isinstance(v.get("reference"), str)]


# --- documents are what their formats demand ------------------------------------------------------------------------


@examples(70)
@given(record=records())
def test_documents_are_sound(record: dict[str, Any]) -> None:
    assert schema().is_valid(record), "the strategy makes records of the hub"
    (line,) = write("hub", record)[0]
    assert json.loads(line.line) == record
    for target in TARGETS:
        documents, log = write(target, record)
        fresh = load_writer(target, cached_context())
        assert fresh.documents(hub_object(record), TargetLog(target)) == documents, (
            "what a writer remembers changes nothing"
        )
        keys = [(d.stem, d.document_id) for d in documents]
        assert len(set(keys)) == len(keys), "ids are unique"
        assert set(log.defaulted) <= set(fresh.defaults), "defaults are a closed list"
        made = [(document.stem, json.loads(document.line)) for document in documents]
        for value in walk([body for _, body in made]):
            assert value is not None and value != {} and value != [], "nothing is null, nothing is empty"
        SOUND[target](made)


def packets_come_back_from_protobuf(made: Made) -> None:
    """Protobuf gives packets and families back as they are, and every prefix in them has a resource."""
    for stem, body in made:
        message = Family() if stem == "families" else Phenopacket()
        assert MessageToDict(ParseDict(body, message)) == body
        packet = body["proband"] if stem == "families" else body
        prefixes = {resource["namespacePrefix"] for resource in packet["metaData"].get("resources", ())}
        parts = {name: value for name, value in packet.items() if name != "metaData"}
        used = {v["id"].partition(":")[0] for v in walk(parts) if isinstance(v, dict) and "label" in v}
        assert used <= prefixes


def resources_are_fhir(made: Made) -> None:
    """HL7's JSON Schema, the invariants and the claimed profiles hold, and every reference resolves in the set."""
    known = {reference_key(body) for _, body in made}
    for _, body in made:
        found = check_resource(body, known.__contains__, terminologies())
        assert [problem for problem in found if problem.rule.startswith("target.")] == []
        assert set(references(body)) <= known


SOUND: dict[str, Callable[[Made], None]] = {
    "phenopackets": packets_come_back_from_protobuf,
    "fhir-r4": resources_are_fhir,
}


# --- nothing is lost without a word ---------------------------------------------------------------------------------


def said_paths(target: str, record: dict[str, Any]) -> set[Path]:
    """The paths of all slots that the writer says it loses, whole or in part."""
    objects = hub_object(record)
    _, log = write_objects(target, objects)
    said = {(id(loss.hub_object), loss.slot) for loss in log.losses}
    found: set[Path] = set()
    met: set[int] = set()

    def collect(value: Any, path: Path) -> None:
        if isinstance(value, dict):
            met.add(id(value))
            for name, item in value.items():
                if (id(value), name) in said or (id(value), "*") in said:
                    found.add((*path, name))
                collect(item, (*path, name))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                collect(item, (*path, index))

    collect(objects, ())
    assert {holder for holder, _ in said} <= met, "a loss names an object of the record"
    return found


def is_said(path: Path, said: set[Path]) -> bool:
    """Whether the slot at *path*, or an object that holds it, is said to be lost."""
    return any(path[:end] in said for end in range(1, len(path) + 1))


def holder_at(record: Any, path: Path) -> Any:
    """The object whose slot *path* is."""
    *parents, _ = path if isinstance(path[-1], str) else path[:-1]
    for part in parents:
        record = record[part]
    return record


def without(record: dict[str, Any], path: Path) -> dict[str, Any]:
    """A copy of *record* without the value at *path*; no list is left empty."""
    changed = copy.deepcopy(record)
    holder: Any = changed
    for part in path[:-1]:
        holder = holder[part]
    del holder[path[-1]]
    return without(record, path[:-1]) if holder == [] else changed


_KEYED = re.compile(r"(?:[A-Za-z]+/)?[0-9a-f]{40}")


def facts(target: str, record: dict[str, Any]) -> Any:
    """What the documents say: without ids that are hashes of contents, and without the metadata."""
    return [plain(json.loads(document.line)) for document in write(target, record)[0]]


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in ("metaData", "meta")}
        return {k: plain(v) for k, v in kept.items() if not (isinstance(v, str) and _KEYED.fullmatch(v))}
    return [plain(item) for item in value] if isinstance(value, list) else value


def is_default(name: str, value: Any) -> bool:
    """Whether *value* is what a slot that is absent means."""
    return value is False or (name.endswith(".affected_status") and value == "missing")


# What another slot of the same object says too, so that nothing is lost where it is left out.
Holder = dict[str, Any]
OF_DEATH = ("date_of_death", "age_at_death", "cause_of_death")
SEXES = {"F": "female", "M": "male", "OTH": "other", "UNK": "unknown", "ASKU": "unknown"}


def same_sex(subject: Holder) -> bool:
    """Whether the sex at birth and the gender say the same, or nothing that is known."""
    said = {SEXES.get(local_code(subject.get("sex_at_birth"), "BIRTHSEX") or "", "unknown")}
    said |= {local_code(subject.get("administrative_gender"), "GENDER") or "unknown"}
    return len(said) == 1


def proband_of_the_same_sex(record: Holder, member: Holder) -> bool:
    """Whether a member of the pedigree is the subject, whose sex at birth is the same."""
    sexes = {local_code(member["sex"], "BIRTHSEX"), local_code(record.get("sex_at_birth"), "BIRTHSEX")}
    return member["individual_id"] == record["subject_id"] and len(sexes) == 1


def said_to_be_refuted(diagnosis: Holder) -> bool:
    """Whether both the certainty and the exclusion say that the person does not have the disease."""
    return diagnosis.get("certainty") == "refuted" and diagnosis.get("excluded") is True


REDUNDANT: dict[str, Callable[[Holder, Holder, frozenset[str]], bool]] = {
    "Subject.administrative_gender": lambda _, subject, lost: same_sex(subject),
    "Subject.sex_at_birth": lambda _, subject, lost: same_sex(subject),
    "VitalStatus.status": lambda _, vital, lost: local_code(vital["status"], "VITALSTATUS") == "deceased" and any(slot in vital for slot in OF_DEATH),
    "Quantity.unit_source": lambda _, quantity, lost: "unit" in quantity,  # translated to UCUM
    "VariantExpression.level": lambda _, expression, lost: "hgvs" not in expression or "hgvs" in lost,  # a level of nothing
    "VariantExpression.text": lambda _, expression, lost: expression["text"] == expression.get("reference", {}).get("text"),
    "PedigreeMember.sex": lambda record, member, lost: proband_of_the_same_sex(record, member),
    "PedigreeMember.deceased": lambda _, member, lost: member["deceased"] is True and "age_at_death" in member,
    "PedigreeMember.record_status": lambda _, member, lost: member["record_status"] == "partial",  # what is written without one
    "Variant.reference_assembly": lambda _, variant, lost: variant["reference_assembly"] == variant.get("vcf", {}).get("assembly"),
    "Diagnosis.certainty": lambda _, diagnosis, lost: said_to_be_refuted(diagnosis),
    "Diagnosis.excluded": lambda _, diagnosis, lost: said_to_be_refuted(diagnosis),
    "Diagnosis.clinical_status": lambda _, diagnosis, lost: diagnosis["clinical_status"] == "inactive" and "end_date" in diagnosis,
    "Measurement.status": lambda _, measurement, lost: measurement["status"] == "final",
    "Consent.status": lambda _, consent, lost: consent["status"] == "active",
    "Procedure.status": lambda _, procedure, lost: procedure["status"] == "unknown",
    "CareEpisode.status": lambda _, episode, lost: episode["status"] == ("finished" if "end_date" in episode else "unknown"),
}  # fmt: skip


def is_redundant(name: str, path: Path, record: Holder, said: set[Path]) -> bool:
    """Whether the value at *path* is in the target by another slot."""
    parents = path[:-1] if isinstance(path[-1], str) else path[:-2]
    lost = frozenset(lost[-1] for lost in said if lost[:-1] == parents)
    return name in REDUNDANT and REDUNDANT[name](record, holder_at(record, path), lost)


@pytest.mark.parametrize("target", TARGETS)
@examples(70)
@given(record=records())
def test_nothing_is_lost_without_a_word(target: str, record: dict[str, Any]) -> None:
    declaration, said, whole = writer(target).declaration, said_paths(target, record), facts(target, record)
    dropped = frozenset(name for name, support in declaration.items() if support.outcome is Outcome.DROPPED)
    for name, path, value in slots_of(record, ROOT, dropped=dropped):
        class_name, _, slot = name.partition(".")
        if declaration[name].outcome is not Outcome.CARRIED or is_said(path, said) or is_default(name, value):
            continue
        if CLASSES[class_name][slot].required or is_redundant(name, path, record, said):
            continue
        assert facts(target, without(record, path)) != whole, f"{target} loses {name} at {path} without a word"


# Slots whose codes become a value of an enumeration, a name or a unit of the target.
TRANSLATED = {
    "fhir-r4": {
        "Subject.administrative_gender", "Subject.country_of_birth", "VitalStatus.status", "Quantity.unit_source", "Treatment.treatment_status",
    },
    "phenopackets": {
        "Subject.administrative_gender", "Subject.sex_at_birth", "Subject.karyotypic_sex", "VitalStatus.status",
        "Variant.classification", "PedigreeMember.sex", "Quantity.unit_source",
    },
}  # fmt: skip


def written_code(target: str, coding: dict[str, Any]) -> str:
    """The code as *target* writes it."""
    systems, code = cached_context().systems, str(coding["code"])
    return systems[coding["system"]].fhir_code(code) if target == "fhir-r4" and coding["system"] in systems else code


@pytest.mark.parametrize("target", TARGETS)
@examples(70)
@given(record=records())
def test_codes_stand_in_the_target_unchanged(target: str, record: dict[str, Any]) -> None:
    """FHIR holds every stated code of a value; an ontology class of Phenopackets holds one code of it, and its label."""
    declaration, said = writer(target).declaration, said_paths(target, record)
    documents = [json.loads(document.line) for document in write(target, record)[0]]
    texts = {value for document in documents for value in walk(plain(document)) if isinstance(value, str)}
    dropped = frozenset(name for name, support in declaration.items() if support.outcome is Outcome.DROPPED)
    for name, path, value in slots_of(record, ROOT, dropped=dropped):
        if not (isinstance(value, dict) and "codings" in value) or name in TRANSLATED[target]:
            continue
        if declaration[name].outcome is not Outcome.CARRIED or is_said(path, said):
            continue
        if target == "fhir-r4":
            stated = [coding for coding in value["codings"] if coding["origin"] == "stated"]
            assert {written_code(target, coding) for coding in stated} <= texts, name
        else:
            label = "code" if name == "VariantExpression.reference" else "label"  # xrefs are codes alone
            assert any({c["code"], c.get(label, c["code"])} <= texts for c in value["codings"]), name


# Cases of what was once lost, or counted as carried, without a word: (target, slots of the record, slot that is said, outcome).
HP = {"codings": [{"system": "HP", "code": "HP:0001250", "origin": "stated", "label": "Seizure"}]}
SIO = {"system": "SIO", "code": "SIO:000001", "origin": "stated"}
DUO = {"system": "DUO", "code": "DUO:0000042", "origin": "stated"}
AMB = {"system": "ACTCODE", "code": "ACTCODE:AMB", "origin": "stated"}
FEMALE = {"codings": [{"system": "GENDER", "code": "GENDER:female", "origin": "stated"}]}
UNKNOWN = {"codings": [{"system": "BIRTHSEX", "code": "BIRTHSEX:UNK", "origin": "stated"}]}
ABSENT = {"codings": [{"system": "SNOMEDCT", "code": "SNOMEDCT:2667000", "origin": "stated"}]}
DIED = {"value": "2001-02-03", "precision": "day"}
PROBAND = {"family_id": "f", "members": [{"individual_id": "s", "diseases": [HP]}]}
HUGE = {"value": "1e999", "unit": "mg"}
SAID = (
    ("phenopackets", {"administrative_gender": {"text": "x"}}, "administrative_gender", Outcome.DROPPED),
    ("phenopackets", {"administrative_gender": FEMALE, "sex_at_birth": UNKNOWN}, "administrative_gender", Outcome.DROPPED),
    ("phenopackets", {"vital_status": {"status": HP, "date_of_death": DIED}}, "status", Outcome.DROPPED),
    ("phenopackets", {"diagnoses": [{"disease": {**HP, "qualifiers": ["dagger"]}}]}, "disease", Outcome.COARSENED),
    ("phenopackets", {"diagnoses": [{"disease": HP, "excluded": True, "gradings": [{"grade": HP}]}]}, "grade", Outcome.DROPPED),
    ("phenopackets", {"diagnoses": [{"disease": HP, "excluded": True, "morphology": HP}]}, "morphology", Outcome.DROPPED),
    ("phenopackets", {"measurements": [{"assay": HP, "coded_value": HP, "interpretation": ABSENT}]}, "*", Outcome.DROPPED),
    ("phenopackets", {"variants": [{"gene": HP, "expressions": [{"level": "g", "reference": {"text": "x"}}]}]}, "reference", Outcome.DROPPED),
    ("fhir-r4", {"diagnoses": [{"disease": HP, "excluded": True, "certainty": "confirmed"}]}, "certainty", Outcome.DROPPED),
    ("fhir-r4", {"vital_status": {"status": HP, "date_of_death": DIED}}, "status", Outcome.DROPPED),
    ("fhir-r4", {"variants": [{"expressions": [{"reference": {"codings": [SIO]}}]}]}, "reference", Outcome.DROPPED),
    ("fhir-r4", {"variants": [{"expressions": [{"text": "rs1", "reference": {**HP, "text": "x"}}]}]}, "reference", Outcome.COARSENED),
    ("fhir-r4", {"measurements": [{"assay": HP, "value": {"value": "1", "unit_source": {"null_flavor": "UNK"}}}]}, "unit_source", Outcome.DROPPED),
    ("fhir-r4", {"measurements": [{"assay": HP, "value": HUGE}]}, "*", Outcome.DROPPED),
    ("fhir-r4", {"pedigree": PROBAND}, "diseases", Outcome.DROPPED),
    ("fhir-r4", {"consents": [{"decision": "permit", "data_use": [{"codings": [DUO, SIO]}]}]}, "data_use", Outcome.COARSENED),
    ("fhir-r4", {"care_episodes": [{"kind": {"codings": [AMB, SIO]}}]}, "kind", Outcome.COARSENED),
)  # fmt: skip


@pytest.mark.parametrize(("target", "slots", "slot", "outcome"), SAID)
def test_a_loss_is_said(target: str, slots: dict[str, Any], slot: str, outcome: Outcome) -> None:
    _, log = write(target, {"schema_version": hub_schema().version, "subject_id": "s", **slots})
    assert (slot, outcome) in {(loss.slot, loss.outcome) for loss in log.losses}


def test_first_symptoms_of_a_disease_that_is_not_written_are_said_to_be_lost() -> None:
    slots = {"diagnoses": [{"disease": {"null_flavor": "UNK"}}], "symptom_onsets": [{"age": "P1Y"}]}
    _, log = write("phenopackets", {"schema_version": hub_schema().version, "subject_id": "s", **slots})
    assert {"age": "P1Y"} in [loss.hub_object for loss in log.losses if loss.slot == "*"]


def test_scores_that_phenopackets_drop_are_not_counted_as_carried(tmp_path: FilePath) -> None:
    run = convert(make_registry(tmp_path / "in", subjects=20, seed=3).folder, tmp_path / "out")
    counts = run.counts["values"]["phenopackets"]["Disability.csv/value"]
    assert counts["carried"] == 0 and counts["dropped"] == counts["read"] > 0
