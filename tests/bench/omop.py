"""The engine on an OMOP CDM of 31 rows a person: end to end, processes, bound, memory, start.

python -m tests.bench --persons 50000 [--million]
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from harmonize.convert import Engine, RunOptions, Settings, convert_files
from harmonize.input.opening import Opening
from harmonize.profiles.assembly import Assembler
from harmonize.profiles.loading import load_profile
from harmonize.profiles.notes import SubjectLog
from harmonize.profiles.source_record import plain
from harmonize.readers import open_source
from tests.bench.handwritten import convert as convert_by_hand
from tests.bench.result import Result, best, in_turns
from tests.bench.synthetic_cdm import ROWS_OF_A_PERSON, write_cdm
from tests.linkml_map_oracle import oracle
from tests.registry import KEY, RECORDED

PROFILE, SITE = "intl/omop-5.4", "bench"
ROOT = Path(__file__).parents[2]


def convert(source: Path, out: Path, *targets: str, jobs: int = 1) -> None:
    """Convert a CDM in this process, into a folder that is not there."""
    shutil.rmtree(out, ignore_errors=True)
    settings = Settings(PROFILE, targets, KEY, SITE, recorded=RECORDED)
    convert_files(settings, RunOptions((source,), out, jobs))


def bench_plan(scratch: Path) -> Iterator[Result]:
    """The compiled plan on source dicts, and on rows by index, against linkml-map on the same specification."""
    source = open_source(Opening(load_profile(PROFILE), (write_cdm(scratch / "plan", 300),), scratch / "work"))
    settings = Settings(PROFILE, ("hub",), KEY, SITE)
    on_dicts, on_rows = (Engine(settings, source.references, *more) for more in ((), (source.held, source.files)))
    raws = list(source.subjects())
    dicts = [Assembler(on_dicts.profile, source.held, source.files).assemble(raw).record for raw in raws]
    rows = [Assembler(on_rows.profile, source.held, source.files, on_rows.layouts).assemble(raw).record for raw in raws]
    transformer, few = oracle(PROFILE), [plain(record) for record in dicts[:60]]

    def derive(engine: Engine, records: list[Any]) -> None:
        for record in records:
            engine.plan.derive(record, SubjectLog())

    theirs, of_dicts, of_rows = in_turns(
        lambda: [transformer.map_object(record, source_type=on_dicts.profile.source.root) for record in few],
        lambda: derive(on_dicts, dicts),
        lambda: derive(on_rows, rows),
        rounds=4,
    )
    ratio = (theirs / len(few)) / (of_dicts / len(dicts))
    rate = len(raws) * ROWS_OF_A_PERSON
    figure = f"{ratio:.0f} times as fast ({rate / of_dicts:,.0f} rows a second; by index {rate / of_rows:,.0f})"
    yield Result("OMOP plan against linkml-map", figure, ">= 100", ratio >= 100)


def bench_end_to_end(scratch: Path, persons: int) -> Iterator[Result]:
    """From CSV to packets, with key, schema check and accounting, against what is written by hand; FHIR; both in one pass."""
    source, out = write_cdm(scratch / "cdm", persons), scratch / "out"
    rows = persons * ROWS_OF_A_PERSON
    convert(source, out, "phenopackets")
    meta, resources = packet_heads(out)
    by_hand = scratch / "by-hand.ndjson"
    convert_by_hand(source, by_hand, KEY, SITE, meta, resources)
    _require_equal(by_hand, out / "phenopackets" / "phenopackets.ndjson")
    hand, packets = in_turns(
        lambda: convert_by_hand(source, by_hand, KEY, SITE, meta, resources),
        lambda: convert(source, out, "phenopackets"),
        rounds=4,
    )
    ratio = packets / hand
    figure = f"{ratio:.2f} times its time ({rows / packets:,.0f} rows a second; by hand {rows / hand:,.0f})"
    yield Result("CSV to Phenopackets against by hand", figure, "<= 3.5", ratio <= 3.5)
    packets, fhir, both = in_turns(
        lambda: convert(source, out, "phenopackets"),
        lambda: convert(source, out, "fhir-r4"),
        lambda: convert(source, out, "phenopackets", "fhir-r4"),
        rounds=2,
    )
    yield Result("CSV to FHIR", f"{rows / fhir:,.0f} rows a second", "aim 100,000", True)
    figure = f"{both:.1f} s, one after the other {packets + fhir:.1f} s"
    yield Result("both targets in one pass", figure, "less than their sum", both < packets + fhir)
    two = best(lambda: convert(source, out, "phenopackets", "fhir-r4", jobs=2), 2)
    figure = f"{both / two:.2f} times as fast ({os.cpu_count()} cores)"
    yield Result("--jobs 2 against --jobs 1", figure, ">= 1.5", both / two >= 1.5)
    yield _bound(source, out, scratch, both)


def packet_heads(out: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What packets say of themselves, for those that are written by hand."""
    with (out / "phenopackets" / "phenopackets.ndjson").open("rb") as packets:
        known = json.loads(packets.readline())["metaData"]
    resources = {resource["namespacePrefix"]: resource for resource in known["resources"]}
    return {name: known[name] for name in ("created", "createdBy", "submittedBy")}, resources


def _require_equal(by_hand: Path, ours: Path, packets: int = 2_000) -> None:
    """The times compare only where the packets do."""
    with by_hand.open("rb") as theirs, ours.open("rb") as mine:
        for number, (a, b) in enumerate(zip(theirs, mine, strict=True)):
            if number < packets and json.loads(a) != json.loads(b):
                raise AssertionError(f"packet {number} written by hand is another one")


def _bound(source: Path, out: Path, scratch: Path, seconds: float) -> Result:
    """Nobody can be faster than who only reads the tables, as Parquet, and writes the bytes that came out."""
    parquet = scratch / "parquet"
    parquet.mkdir()
    for path in source.glob("*.csv"):
        to = parquet / f"{path.stem}.parquet"
        duckdb.connect().execute(
            f"COPY (SELECT * FROM read_csv('{path}', all_varchar=true)) TO '{to}' (FORMAT parquet)"
        )
    written = [path.read_bytes() for path in out.rglob("*.ndjson")]

    def read_and_write() -> None:
        for path in parquet.glob("*.parquet"):
            found = duckdb.connect().execute(f"SELECT * FROM read_parquet('{path}')")
            while found.fetchmany(10_000):
                pass
        with (scratch / "bound").open("wb") as file:
            for data in written:
                file.write(data)

    bound = best(read_and_write, 2)
    return Result(
        "both targets against the bound", f"{seconds / bound:.1f} times its time ({bound:.1f} s)", "printed", True
    )


_PEAK = """
import sys, threading, time
from pathlib import Path
import os
sys.path.insert(0, sys.argv[1])
from tests.bench.omop import convert
from tests.bench.memory import watched_peak
print(watched_peak(lambda: convert(Path(sys.argv[2]), Path(sys.argv[3]), "phenopackets", "fhir-r4")))
"""


def bench_memory(scratch: Path, sizes: tuple[int, ...]) -> Iterator[Result]:
    """Peak memory of all processes together, and its growth with the persons."""
    for persons in sizes:
        source = write_cdm(scratch / f"cdm{persons}", persons)
        call = [sys.executable, "-c", _PEAK, str(ROOT), str(source), str(scratch / "out-memory")]
        started = time.monotonic()
        done = subprocess.run(call, capture_output=True, text=True, check=True)
        seconds, megabytes = time.monotonic() - started, int(done.stdout.split()[-1]) >> 20
        shutil.rmtree(source)
        shutil.rmtree(scratch / "out-memory")
        rows = persons * ROWS_OF_A_PERSON
        figure = f"{megabytes} MB ({rows:,} rows to both targets in {seconds:.0f} s)"
        yield Result(f"peak memory, {persons:,} persons", figure, "< 700 MB", megabytes < 700)


_START = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from harmonize.convert import RunOptions, Settings, convert_files
from tests.registry import KEY, RECORDED
def first(progress):
    print(time.time() - float(sys.argv[4]), flush=True)
    raise KeyboardInterrupt
settings = Settings("intl/omop-5.4", ("phenopackets", "fhir-r4"), KEY, "bench", recorded=RECORDED)
try:
    convert_files(settings, RunOptions((Path(sys.argv[2]),), Path(sys.argv[3]), progress=first))
except KeyboardInterrupt:
    pass
"""


def bench_start(scratch: Path, source: Path) -> Iterator[Result]:
    """From the start of the process to the first records that are written."""
    seconds = min(_first_record(source, scratch / f"start{turn}") for turn in range(3))
    yield Result("start to the first records", f"{seconds:.2f} s", "< 1.5 s", seconds < 1.5)


def _first_record(source: Path, out: Path) -> float:
    call: Callable[[], list[str]] = lambda: [  # noqa: E731 - the clock is read last
        sys.executable, "-c", _START, str(ROOT), str(source), str(out), str(time.time())
    ]  # fmt: skip
    done = subprocess.run(call(), capture_output=True, text=True, check=True)
    return float(done.stdout.split()[0])
