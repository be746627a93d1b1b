"""The account adds up under arbitrary damage, and whatever the size of a batch or the number of processes is."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harmonize.convert.run
from harmonize.errors import InputError
from tests.properties.effort import examples
from tests.registry import ALL_TARGETS, Registry, Run, convert, make_registry

COUNTED = ("carried", "coarsened", "dropped", "unmapped", "rejected", "skipped")
TABLES = ("Sex", "Birthdate", "Phenotype", "Symptoms_onset", "Laboratory", "Genetic", "Consent", "Status")
DAMAGE = st.tuples(
    st.sampled_from(TABLES),
    st.integers(0, 10_000),
    st.sampled_from(
        [b"", b'"', b",", b"\n", b"\0", b"\xff", b"x", b"http://purl.obolibrary.org/obo/HP_0410382", b",,,,"]
    ),
    st.integers(0, 40),
)


def assert_adds_up(run: Run) -> None:
    counts = run.counts
    subjects = counts["subjects"]
    assert subjects["read"] == subjects["converted"] + subjects["rejected"] + subjects["skipped"]
    for rows in counts["rows"].values():
        assert rows["read"] == rows["used"] + rows["rejected"] + rows["skipped"]
    for columns in counts["values"].values():
        for column, values in columns.items():
            assert values["read"] == sum(values[name] for name in COUNTED), column
            assert min(values.values()) >= 0, column
    for target in ALL_TARGETS:
        assert set(counts["values"][target]) == set(counts["values"]["hub"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry to be copied and damaged."""
    return make_registry(tmp_path_factory.mktemp("whole") / "in", subjects=8, seed=5).folder


@examples(12)
@given(damages=st.lists(DAMAGE, max_size=6))
def test_any_damage(whole: Path, damages: list[tuple[str, int, bytes, int]]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copytree(whole, folder / "in")
        registry = Registry(folder / "in")
        for table, place, put, removed in damages:
            data = registry.bytes_of(table)
            at = place % (len(data) + 1)
            registry.write_bytes(table, data[:at] + put + data[at + removed :])
        try:
            run = convert(folder / "in", folder / "out", max_errors="100%")
        except InputError as error:
            assert "To mend it" in str(error)
            return
        assert_adds_up(run)
        assert len(run.lines("hub/subjects.ndjson")) == run.counts["subjects"]["converted"]


def test_rows_and_values_are_those_of_the_files(tmp_path: Path) -> None:
    registry = make_registry(tmp_path / "in", subjects=60, seed=9)
    run = convert(registry.folder, tmp_path / "out", limit=40)
    assert_adds_up(run)
    for file in registry.folder.iterdir():
        rows = registry.rows(file.stem)
        assert run.counts["rows"][file.name]["read"] == len(rows)
        for column in rows[0]:
            filled = sum(bool(row[column]) for row in rows)
            assert run.counts["values"]["hub"][f"{file.name}/{column}"]["read"] == filled, column
    assert run.counts["subjects"]["skipped"] >= 20


def everything(run: Run) -> dict[str, bytes]:
    """The bytes of every file of a run."""
    return {str(p.relative_to(run.folder)): p.read_bytes() for p in sorted(run.folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("options", [{"batch": 1}, {"batch": 7}, {"batch": 1000}, {"jobs": 2}])
def test_same_bytes_whatever_the_batch_and_the_processes(
    tmp_path: Path, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = make_registry(tmp_path / "in", subjects=50, seed=2)
    expected = everything(convert(registry.folder, tmp_path / "expected"))
    monkeypatch.setattr(harmonize.convert.run, "BATCH_SUBJECTS", options.get("batch", 20))
    found = everything(convert(registry.folder, tmp_path / "found", jobs=options.get("jobs", 1)))
    assert expected.keys() == found.keys()
    for name, data in expected.items():
        assert found[name] == data, name


def test_same_bytes_twice_and_in_another_order_of_rows(tmp_path: Path) -> None:
    registry = make_registry(tmp_path / "in", subjects=30, seed=4)
    first = everything(convert(registry.folder, tmp_path / "first"))
    assert everything(convert(registry.folder, tmp_path / "again")) == first
    for table in ("Sex", "Status", "Birthdate"):
        registry.change(table, lambda rows: rows.reverse())
    shuffled = convert(registry.folder, tmp_path / "shuffled")
    for name in ("hub/subjects.ndjson", "fhir-r4/Observation.ndjson", "phenopackets/phenopackets.ndjson"):
        assert (shuffled.folder / name).read_bytes() == first[name]
