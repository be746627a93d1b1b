"""The compiled plan against linkml-map on the same source.yaml and map.yaml: equal records, nulls stripped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harmonize.convert import Engine, Settings
from harmonize.hub import VALUE_CLASSES, hub_schema
from harmonize.input.opening import Opening
from harmonize.profiles.assembly import Assembler
from harmonize.profiles.loading import load_profile
from harmonize.profiles.notes import SubjectLog
from harmonize.profiles.source_record import plain, source_object
from harmonize.profiles.specification import ClassDerivation, Profile
from harmonize.readers import open_source
from harmonize.synthesis.tables import write_tables
from tests.linkml_map_oracle import derive
from tests.properties.effort import examples
from tests.registry import KEY

PROFILES = ("eu/ern-cde", "intl/hmd-template", "intl/omop-5.4", "intl/redcap-rdcdm")
SAMPLES = {
    "eu/ern-cde": ("national-formats/eu-ern-cde-csv/samples", 60),
    "intl/omop-5.4": ("national-formats/eu-omop54-csv/samples", 14),
    "intl/redcap-rdcdm": ("national-formats/eu-redcap-rarelink/samples/evco_redcap_records_1-6.json", 6),
}


@cache
def engine(profile: str) -> Engine:
    return Engine(Settings(profile, ("hub",), KEY, "test"))


def source_records(profile: str, source_path: Path, work: Path) -> Iterator[Any]:
    """The assembled records of a source."""
    work.mkdir()
    source = open_source(Opening(engine(profile).profile, (source_path,), work))
    assembler = Assembler(engine(profile).profile, source.held, source.files)
    for raw in source.subjects():
        yield assembler.assemble(raw).record


def ours(profile: str, record: Any) -> Any:
    derived = engine(profile).plan.derive(record, SubjectLog())
    return json.loads(json.dumps(derived)) if derived else None


def assert_equal(profile: str, record: Any) -> None:
    plan = engine(profile).plan
    root = plan.profile.source.root
    theirs = derive(profile, undecided_left_out(plan.profile, plain(record), root), root)
    assert ours(profile, record) == as_we_say_it(theirs, "Subject", constants_of(plan.profile))


# --- differences that are named -------------------------------------------------------------------------------------
# Objects of the hub without a slot that they cannot be without are dropped by us with a finding; linkml-map keeps them.
# Where it is stated, but cannot be read, whether something is excluded, we say neither; linkml-map says that it is there.
# Objects that hold nothing but constants of the map say nothing of anybody: we make none; linkml-map makes them.


def undecided_left_out(profile: Profile, record: dict[str, Any], source_class: str) -> dict[str, Any]:
    """The source record without the rows of which it cannot be read whether they are excluded."""
    made: dict[str, Any] = {}
    for name, value in record.items():
        inner = profile.source.classes[source_class][name].range
        if inner not in profile.source.classes:
            made[name] = value
        elif isinstance(value, list):
            made[name] = [undecided_left_out(profile, v, inner) for v in value if not is_undecided(profile, v, inner)]
        elif not is_undecided(profile, value, inner):
            made[name] = undecided_left_out(profile, value, inner)
    return made


def is_undecided(profile: Profile, row: dict[str, Any], source_class: str) -> bool:
    """Whether the column that feeds `excluded` holds none of the texts that the map knows."""
    for derivation in profile.derivations:
        for slot in derivation.slots if derivation.source_class == source_class else ():
            if slot.slot == "excluded" and slot.populated_from is not None and slot.value_mappings is not None:
                return row.get(slot.populated_from[-1]) not in (None, *slot.value_mappings)
    return False


def constants_of(profile: Profile) -> dict[str, frozenset[str]]:
    """Hub class -> slots that some derivation fills with a constant."""
    found: dict[str, set[str]] = {}

    def walk(derivations: tuple[ClassDerivation, ...]) -> None:
        for derivation in derivations:
            for slot in derivation.slots:
                if slot.value is not None:
                    found.setdefault(derivation.hub_class, set()).add(slot.slot)
                walk(slot.nested)

    walk(profile.derivations)
    return {name: frozenset(slots) for name, slots in found.items()}


def as_we_say_it(value: Any, hub_class: str, constants: dict[str, frozenset[str]]) -> Any:
    """The record of linkml-map without the objects that we do not make."""
    slots = hub_schema().classes[hub_class]
    made = {}
    for name, item in (value or {}).items():
        inner = slots[name].range if slots[name].range in hub_schema().classes else None
        if inner is None or inner in VALUE_CLASSES:
            made[name] = item
        elif isinstance(item, list):
            made[name] = [one for one in (as_we_say_it(i, inner, constants) for i in item) if one]
        else:
            made[name] = as_we_say_it(item, inner, constants)
    made = {name: item for name, item in made.items() if item not in (None, [], {})}
    if made.keys() <= constants.get(hub_class, frozenset()):
        return None
    required = [name for name, slot in slots.items() if slot.required and hub_class != "Subject"]
    return made if all(name in made for name in required) else None


# --- tests ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", sorted(SAMPLES))
def test_samples(profile: str, shared: Callable[[str], Path], tmp_path: Path) -> None:
    path, number = SAMPLES[profile]
    records = list(source_records(profile, shared(path), tmp_path / "work"))
    assert len(records) == number
    for record in records:
        assert_equal(profile, record)


@pytest.mark.parametrize("profile", PROFILES)
def test_synthetic_records(profile: str, tmp_path: Path) -> None:
    write_tables(load_profile(profile), 60, 3, tmp_path / "source")
    for record in source_records(profile, tmp_path / "source", tmp_path / "work"):
        assert_equal(profile, record)


TEXTS = st.sampled_from(
    [
        "1990-02-28", "1991", "1991-13", "2000-02-30", "8", "P7Y", "P0Y-3M", "12.50", "1,5", "true", "no", "NM_000138.5:c.3037G>A",
        "http://purl.obolibrary.org/obo/HP_0001250", "http://purl.obolibrary.org/obo/HP_0410382", "http://purl.obolibrary.org/obo/HP_9999999",
        "http://purl.obolibrary.org/obo/NCIT_C16576", "http://purl.obolibrary.org/obo/NCIT_C37987", "http://www.orpha.net/ORDO/Orphanet_558",
        "http://purl.obolibrary.org/obo/UO_0010003", "http://purl.obolibrary.org/obo/DUO_0000042", "http://semanticscience.org/resource/SIO_010059",
        "xsd:date", "xsd:gYear", "Laboratory", "Examination", "free text", "HP:0001250", "hp_0011463", "MONDO:0007843", "OMIM:154700", "UNK", "-999",
        "loinc_la6705-3", "loinc_la26220-6", "8302_2", "2160-0", "UO_0000175", "UO_0000179", "38+4", "HGNC:3603", "I46.9", "FRA", "d450",
        "yes", "unknown (NullFlavor:UNK)", "NCIT:C8509", "primary tumour (NCIT:C8509)", "other (SPREC:ZZZ) | SPREC:BLD | x", "Homo sapiens (NCBITAXON:9606)",
        "LOINC", "48676-1", "mm", "P14D | P2W", "a | b", "a\nb", "UICC 8, IIA", "SNOMEDCT:1222592004", "EDAM:format_3016",
        "0", "0.0", "9201", "9202.0", "8507", "320128", "35207668", "4171756", "32893", "32906", "32528", "1998", "4", "14", "-3", "99999999999",
    ]
)  # fmt: skip


def records_of(profile: Profile, source_class: str) -> st.SearchStrategy[dict[str, Any]]:
    """Records in the shape of source.yaml; a choice is one of its codes, or any other text."""
    slots: dict[str, st.SearchStrategy[Any]] = {}
    for slot in profile.source.classes[source_class].values():
        if slot.range in profile.source.classes:
            inner = records_of(profile, slot.range)
            slots[slot.name] = st.lists(inner, max_size=2) if slot.multivalued else inner
        elif slot.range in profile.source.enums:
            slots[slot.name] = st.one_of(st.sampled_from(sorted(profile.source.enums[slot.range])), TEXTS)
        else:
            slots[slot.name] = TEXTS
    return st.fixed_dictionaries({}, optional=slots)


@pytest.mark.parametrize("profile", PROFILES)
@settings(examples(150), suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_record(profile: str, data: st.DataObject) -> None:
    loaded = engine(profile).profile
    record = data.draw(records_of(loaded, loaded.source.root))
    record[loaded.assembly.subject] = "1"
    assert_equal(profile, source_object(record))
