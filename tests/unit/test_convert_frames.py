"""Frames in and out: equal to files, whatever holds the rows and in whatever order; the converter in other processes."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import pickle
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest

from harmonize import Converter, Subject, documents_reader, findings_reader, result_batches
from harmonize.convert import RunOptions, Settings, convert_files
from harmonize.convert.frames import texts
from harmonize.errors import CallError, InputError, NotAvailableError, UnknownNameError
from tests.registry import ALL_TARGETS, KEY, RECORDED, Registry, Run, convert, make_registry, write_registry

OBO = "http://purl.obolibrary.org/obo/"
OF_THE_RUN = {"Group", "Provenance"}  # documents on all subjects, which only a run over files writes


def converter(**options: Any) -> Converter:
    return Converter(
        "eu/ern-cde",
        **{"targets": ALL_TARGETS, "key": bytes(range(32)), "site": "test", "recorded": RECORDED, **options},
    )


def tables(registry: Registry) -> dict[str, pa.Table]:
    """The tables as texts; blank is null, as most readers of CSV make it."""
    made = {}
    for path in sorted(registry.folder.glob("*.csv")):
        rows, header = registry.rows(path.stem), path.read_text().partition("\n")[0].split(",")
        made[path.stem] = pa.table({name: pa.array([r[name] or None for r in rows], pa.string()) for name in header})
    return made


def documents_of_run(run: Run) -> Counter[tuple[str, str, str]]:
    files = [p for target in ALL_TARGETS for p in (run.folder / target).glob("*.ndjson") if p.stem not in OF_THE_RUN]
    return Counter((p.parent.name, p.stem, line) for p in files for line in p.read_text().splitlines())


def documents_of(subjects: list[Subject]) -> Counter[tuple[str, str, str]]:
    rows = documents_reader(subjects).read_all().to_pylist()
    return Counter((row["target"], row["kind"], row["document"]) for row in rows)


def said_of_rows(findings: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    """Findings on rows and cells, whatever ends the name of the file."""
    return Counter(
        (
            f["rule"], f["outcome"], f["subject"], f["source"]["file"].removesuffix(".csv"), f["source"]["row"],
            f["source"].get("column"), (f.get("target") or {}).get("path"), f["message"],
        )
        for f in findings
        if "source" in f and (f["source"]["row"] or 0) > 1 and f["rule"] != "mapping.left-out"  # files count those by column
    )  # fmt: skip


def assert_equal_to_files(frames: dict[str, Any], run: Run) -> list[Subject]:
    subjects = list(converter().convert_frames(frames))
    assert documents_of(subjects) == documents_of_run(run)
    made = said_of_rows([f.as_json() for s in subjects for f in s.findings])
    assert made == said_of_rows(run.findings(info=True))
    statuses = Counter(subject.status for subject in subjects)
    counts = run.counts["subjects"]
    assert {name: statuses[name] for name in ("converted", "skipped", "rejected")} == {
        name: counts[name] for name in ("converted", "skipped", "rejected")
    }
    return subjects


KINDS: dict[str, Callable[[pa.Table], Any]] = {
    "Table": lambda table: table,
    "RecordBatchReader": lambda table: table.to_reader(max_chunksize=3),
    "Dataset": pyarrow.dataset.dataset,
    "polars": lambda table: pl.from_arrow(table),
    "polars lazy": lambda table: pl.from_arrow(table).lazy(),  # type: ignore[union-attr]
    "polars categorical": lambda table: pl.from_arrow(table).cast(pl.Categorical),  # type: ignore[union-attr]
    "duckdb": lambda table: duckdb.from_arrow(table),
}


@pytest.mark.parametrize("kind", KINDS)
def test_frames_give_what_files_give(kind: str, registry: Registry, tmp_path: Path) -> None:
    run = convert(registry.folder, tmp_path / "out")
    assert_equal_to_files({name: KINDS[kind](table) for name, table in tables(registry).items()}, run)


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_rows_does_not_matter_beyond_what_files_say(seed: int, tmp_path: Path) -> None:
    registry = make_registry(tmp_path / "in", subjects=25, seed=seed)
    for path in sorted(registry.folder.glob("*.csv")):
        if registry.rows(path.stem):
            registry.change(path.stem, random.Random(seed).shuffle)
    assert_equal_to_files(tables(registry), convert(registry.folder, tmp_path / "out"))


def test_rows_are_numbered_through_slices_and_runs(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harmonize.convert import frames

    run = convert(registry.folder, tmp_path / "out")
    monkeypatch.setattr(frames, "ROWS", 3)
    assert_equal_to_files(tables(registry), run)


def test_bad_rows_and_identifiers_are_findings(registry: Registry, tmp_path: Path) -> None:
    def damage(rows: list[dict[str, str]]) -> None:
        rows[0]["pid"] = ""
        rows[1]["pid"] = "N/A"
        rows.append(dict(rows[5]))
        rows[3]["valueIRI"] = "a\0b"

    registry.change("Sex", damage)
    run = convert(registry.folder, tmp_path / "out")
    subjects = assert_equal_to_files(tables(registry), run)
    said = Counter(f.rule for s in subjects if s.status == "no-subject" for f in s.findings)
    assert said["source.no-subject-id"] == 2 and said["source.nul"] == 1
    assert all(f.fix for s in subjects for f in s.findings)


def test_identifiers_of_another_form_reject_the_subject(tmp_path: Path) -> None:
    import shutil

    from harmonize.profiles.loading import load_profile

    folder = tmp_path / "profile"
    shutil.copytree(load_profile("eu/ern-cde").folder, folder)
    card = folder / "profile.yaml"
    card.write_text(card.read_text().replace("subject: pid\n", "subject: pid\n  subject_pattern: '[0-9]+'\n", 1))
    rows = {"pid": ["x", "1", "x", "y"], "valueIRI": [f"{OBO}HP_0001250"] * 4}
    subjects = list(Converter(str(folder), key=bytes(32)).convert_frames({"Phenotype": pa.table(rows)}))
    statuses = [(s.status, len(s.findings)) for s in subjects if s.status == "rejected"]
    assert statuses == [("rejected", 2), ("rejected", 1)]


def test_typed_columns_are_what_a_file_would_hold(tmp_path: Path) -> None:
    sex = {"pid": pa.array([2, 1]), "valueIRI": [f"{OBO}NCIT_C16576"] * 2}
    born = {"pid": pa.array([1.0, 2.0]), "value_date": pa.array([dt.date(1990, 2, 28), None])}
    year = {"pid": pa.array([2, None], pa.int16()), "value": pa.array([1984.0, float("nan")])}
    frames = {"Sex": pa.table(sex), "Birthdate": pa.table(born), "Birthyear": pa.table(year)}
    as_text = {
        name: [dict(zip(table.column_names, cells, strict=True)) for cells in zip(*(
            [t for chunk in column.chunks for t in texts(chunk)] for column in table.columns
        ), strict=True)]
        for name, table in frames.items()
    }  # fmt: skip
    assert as_text["Birthdate"][0] == {"pid": "1", "value_date": "1990-02-28"}
    run = convert(write_registry(tmp_path / "in", as_text).folder, tmp_path / "out", max_errors="100%")
    assert_equal_to_files(frames, run)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([1, None, -3]), ["1", "", "-3"]),
        (pa.array([0.1, 3.0, 1e-7, float("nan"), None]), ["0.1", "3", "1e-7", "", ""]),
        (pa.array([0.1, 2.0], pa.float32()), ["0.1", "2"]),
        (pa.array([Decimal("3.50")], pa.decimal128(9, 2)), ["3.50"]),
        (pa.array([True, False, None]), ["true", "false", ""]),
        (pa.array([dt.date(2020, 1, 2), None]), ["2020-01-02", ""]),
        (pa.array([dt.date(2020, 1, 2)], pa.date64()), ["2020-01-02"]),
        (pa.array([dt.datetime(2020, 1, 2), dt.datetime(2020, 1, 2, 3, 4)]), ["2020-01-02", "2020-01-02T03:04:00"]),
        (pa.array([dt.datetime(2020, 1, 2)], pa.timestamp("ns", "UTC")), ["2020-01-02T00:00:00Z"]),
        (pa.array([dt.time(3, 4, 5, 600_000)]), ["03:04:05.6"]),
        (pa.array(["007", "", " x ", None]), ["007", "", " x ", ""]),
        (pa.array([dt.date(2020, 1, 2), None]).dictionary_encode(), ["2020-01-02", ""]),
        (pa.array([None, None]), ["", ""]),
    ],
    ids=str,
)
def test_cells(array: Any, expected: list[str]) -> None:
    assert texts(array) == expected


def test_calls_that_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'Sex'"):
        converter().convert_frames({"sex": pa.table({"pid": ["1"]})})
    with pytest.raises(CallError, match="no frame"):
        converter().convert_frames({})
    with pytest.raises(CallError, match="a dict, which streams no Arrow"):
        converter().convert_frames({"Sex": {"pid": ["1"]}})
    with pytest.raises(InputError, match="rename 'pidd'"):
        converter().convert_frames({"Sex": pa.table({"pidd": ["1"]})})
    with pytest.raises(InputError, match="twice"):
        converter().convert_frames({"Sex": pa.table([["1"], ["2"]], names=["pid", "pid"])})
    for wrong in (pa.array([["x"]]), pa.array([b"x"]), pa.array([dt.timedelta(1)])):
        with pytest.raises(InputError, match="'valueIRI' holds"):
            converter().convert_frames({"Sex": pa.table({"pid": ["1"], "valueIRI": wrong})})
    with pytest.raises(NotAvailableError, match="redcap"):
        Converter("intl/redcap-rdcdm", key=bytes(32)).convert_frames({"records": pa.table({"record_id": ["1"]})})
    with pytest.raises(CallError, match="positive"):
        next(result_batches([], size=0))


def test_columns_and_tables_that_are_not_known_or_not_there_are_said() -> None:
    frame = pa.table({"pid": ["1"], "valueIRI": [None], "valueIRi": ["x"], "extra": [[1]]})
    (about_tables, *_) = converter().convert_frames({"Sex": frame})
    assert about_tables.status == "no-subject" and about_tables.record is None
    unknown = [f for f in about_tables.findings if f.rule == "source.unknown-column"]
    assert [f.cell.column for f in unknown if f.cell] == ["valueIRi", "extra"] and "valueIRI" in (unknown[0].fix or "")
    assert "source.table-absent" in {f.rule for f in about_tables.findings}


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CallError, match=r"harmonize\[frames\]"):
        documents_reader([])


def test_a_failure_of_ours_rejects_one_subject(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    from harmonize.profiles.assembly import Assembler

    assemble = Assembler.assemble
    seen: list[str] = []

    def fails_on_the_second(self: Assembler, raw: Any) -> Any:
        seen.append(raw.key)
        if len(seen) == 2:
            raise ValueError(raw.key)
        return assemble(self, raw)

    monkeypatch.setattr(Assembler, "assemble", fails_on_the_second)
    subjects = [s for s in converter().convert_frames(tables(registry)) if s.status != "no-subject"]
    (finding,) = subjects[1].findings
    assert len(subjects) == 40 and finding.rule == "internal.error" and seen[1] not in finding.message
    assert finding.subject == KEY.pseudonym("test", "subject", seen[1])


def test_frames_are_read_when_subjects_are_asked_for() -> None:
    subjects = converter().convert_frames({"Sex": pa.table({"pid": ["1", "2"]})})
    next(subjects)
    subjects.close()  # type: ignore[attr-defined] - and the temporary folder is gone
    assert iter(subjects) is subjects


def test_results_come_in_batches_and_lazily(registry: Registry) -> None:
    asked: list[int] = []

    def counted(subjects: Iterator[Subject]) -> Iterator[Subject]:
        for number, subject in enumerate(subjects):
            asked.append(number)
            yield subject

    records = ({"pid": str(number)} for number in range(10))
    reader = documents_reader(counted(converter(targets=["hub"]).convert(records)), size=4)
    assert asked == []
    assert reader.read_next_batch().num_rows == 4 and len(asked) == 4
    assert [batch.num_rows for batch in reader] == [4, 2]
    both = list(result_batches(converter().convert_frames(tables(registry)), size=7))
    findings = findings_reader(converter().convert_frames(tables(registry))).read_all()
    assert pa.Table.from_batches([batch.findings for batch in both]) == findings
    frame = pl.from_arrow(findings)
    assert isinstance(frame, pl.DataFrame) and frame["row"].dtype == pl.Int64


def test_convert_is_lazy() -> None:
    taken: list[str] = []

    def records() -> Iterator[dict[str, str]]:
        for number in range(3):
            taken.append(str(number))
            yield {"pid": str(number)}

    subjects = converter(targets=["hub"]).convert(records())
    assert taken == [] and iter(subjects) is subjects
    next(subjects)
    assert taken == ["0"]


def lines(some: Converter, pid: str) -> list[bytes]:
    (subject,) = some.convert([{"pid": pid, "phenotype": [{"valueIRI": f"{OBO}HP_0001250"}]}])
    return [document.line for documents in subject.documents.values() for document in documents]


def test_a_converter_pickles_also_after_use_and_into_a_fresh_process() -> None:
    unused = converter()
    used = pickle.loads(pickle.dumps(unused))
    expected = lines(used, "7")
    assert expected and lines(pickle.loads(pickle.dumps(used)), "7") == expected == lines(unused, "7")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(lines, (used, "7")) == expected


def test_settings_of_files_and_of_converters_make_the_same_bytes(registry: Registry, tmp_path: Path) -> None:
    settings = Settings("eu/ern-cde", ("hub",), KEY, "test", recorded=RECORDED)
    convert_files(settings, RunOptions((registry.folder,), tmp_path / "out"))
    subjects = converter(targets=["hub"]).convert_frames(tables(registry))
    made = [document.line for subject in subjects for document in subject.documents.get("hub", [])]
    assert b"\n".join(made) + b"\n" == (tmp_path / "out" / "hub" / "subjects.ndjson").read_bytes()
