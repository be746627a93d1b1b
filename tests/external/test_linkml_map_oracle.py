"""The compiled plan against linkml-map on the same source.yaml and map.yaml: equal records, nulls stripped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harmonize.convert import Engine, Settings
from harmonize.profiles.assembly import Assembler
from harmonize.profiles.notes import SubjectLog
from harmonize.profiles.source_record import plain, source_object
from harmonize.profiles.specification import Profile
from harmonize.readers import open_source
from tests.linkml_map_oracle import derive
from tests.registry import KEY, make_registry

ENGINE = Engine(Settings("eu/ern-cde", ("hub",), KEY, "test"))


def source_records(folder: Path, work: Path) -> Iterator[Any]:
    """The assembled records of a registry."""
    work.mkdir()
    source = open_source(ENGINE.profile, [folder], work)
    assembler = Assembler(ENGINE.profile, source.headers, source.files)
    for raw in source.subjects():
        yield assembler.assemble(raw).record


def ours(record: Any) -> Any:
    derived = ENGINE.plan.derive(record, SubjectLog())
    return json.loads(json.dumps(derived)) if derived else None


def assert_equal(record: Any) -> None:
    assert ours(record) == without_incomplete(derive("eu/ern-cde", plain(record), "Registry"))


REQUIRED = {"phenotypic_features": "type", "diagnoses": "disease", "measurements": "assay"}


def without_incomplete(record: Any) -> Any:
    """Objects of the hub without the slot that they cannot be without: we drop them with a finding, linkml-map keeps them."""
    made = dict(record or {})
    for slot, required in REQUIRED.items():
        if slot in made:
            made[slot] = [without_number(item) for item in made[slot] if required in item]
    if "disabilities" in made:
        made["disabilities"] = [item for item in map(without_number, made["disabilities"]) if item]
    return {name: value for name, value in made.items() if value} or None


def without_number(item: Any) -> Any:
    for slot in ("value", "score"):
        if slot in item and "value" not in item[slot]:
            item = {name: value for name, value in item.items() if name != slot}
    return item


def test_samples(shared: Callable[[str], Path], tmp_path: Path) -> None:
    records = list(source_records(shared("national-formats/eu-ern-cde-csv/samples"), tmp_path / "work"))
    assert len(records) == 60
    for record in records:
        assert_equal(record)


def test_synthetic_registry(tmp_path: Path) -> None:
    make_registry(tmp_path / "registry", subjects=60, seed=3)
    for record in source_records(tmp_path / "registry", tmp_path / "work"):
        assert_equal(record)


TEXTS = st.sampled_from(
    [
        "1990-02-28", "1991", "1991-13", "2000-02-30", "8", "P7Y", "P0Y-3M", "12.50", "1,5", "true", "no", "NM_000138.5:c.3037G>A",
        "http://purl.obolibrary.org/obo/HP_0001250", "http://purl.obolibrary.org/obo/HP_0410382", "http://purl.obolibrary.org/obo/HP_9999999",
        "http://purl.obolibrary.org/obo/NCIT_C16576", "http://purl.obolibrary.org/obo/NCIT_C37987", "http://www.orpha.net/ORDO/Orphanet_558",
        "http://purl.obolibrary.org/obo/UO_0010003", "http://purl.obolibrary.org/obo/DUO_0000042", "http://semanticscience.org/resource/SIO_010059",
        "xsd:date", "xsd:gYear", "Laboratory", "Examination", "free text",
    ]
)  # fmt: skip


def records_of(profile: Profile, source_class: str) -> st.SearchStrategy[dict[str, Any]]:
    """Records in the shape of source.yaml."""
    slots: dict[str, st.SearchStrategy[Any]] = {}
    for slot in profile.source.classes[source_class].values():
        if slot.range in profile.source.classes:
            inner = records_of(profile, slot.range)
            slots[slot.name] = st.lists(inner, max_size=2) if slot.multivalued else inner
        else:
            slots[slot.name] = TEXTS
    return st.fixed_dictionaries({}, optional=slots)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(record=records_of(ENGINE.profile, "Registry"))
def test_any_record(record: dict[str, Any]) -> None:
    assert_equal(source_object({"pid": "1", **record}))
