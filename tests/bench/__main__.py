"""Speed and memory as ratios inside one run: `make bench`. Leaves with 1 where a gate does not hold.

Both sides of a ratio run in turns and the best of several rounds counts, so that a busy machine hurts both alike.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harmonize.convert import Engine, Settings
from harmonize.input.opening import Opening
from harmonize.profiles.assembly import Assembler
from harmonize.profiles.notes import SubjectLog
from harmonize.profiles.source_record import plain
from harmonize.readers import open_source
from harmonize.writers import TargetLog
from tests.bench.conformance import bench_conformance
from tests.bench.omop import bench_end_to_end, bench_start
from tests.bench.omop import bench_memory as bench_memory_of_omop
from tests.bench.omop import bench_plan as bench_plan_of_omop
from tests.bench.registry_xml import bench_memory as bench_memory_of_xml
from tests.bench.registry_xml import bench_registry_xml
from tests.bench.result import Result, best
from tests.bench.terminology import bench_mapping_sets, bench_terminology
from tests.bench.value_sets import bench_value_sets
from tests.linkml_map_oracle import oracle
from tests.registry import KEY, make_registry


def source_records(engine: Engine, subjects: int, folder: Path) -> list[Any]:
    """Assembled records of a synthetic registry."""
    registry = make_registry(folder / "registry", subjects=subjects, seed=1)
    (folder / "work").mkdir()
    source = open_source(Opening(engine.profile, (registry.folder,), folder / "work"))
    assembler = Assembler(engine.profile, source.held, source.files)
    return [assembler.assemble(raw).record for raw in source.subjects()]


def bench_plan(engine: Engine, records: list[Any]) -> Iterator[Result]:
    """The compiled plan against linkml-map on the same specification and the same records."""
    transformer = oracle("eu/ern-cde")
    plains = [plain(record) for record in records]
    ours = theirs = float("inf")
    for _ in range(3):
        ours = min(ours, best(lambda: [engine.plan.derive(record, SubjectLog()) for record in records], 3))
        theirs = min(
            theirs, best(lambda: [transformer.map_object(record, source_type="Registry") for record in plains], 1)
        )
    ratio = theirs / ours
    yield Result(
        "plan against linkml-map",
        f"{ratio:.0f} times as fast ({len(records) / ours:,.0f} subjects a second)",
        ">= 100",
        ratio >= 100,
    )


def bench_fhir(engine: Engine, records: list[Any]) -> Iterator[Result]:
    """Writing FHIR from hub records against building all the same resources with fhir.resources and serialising them."""
    hub_records = [engine.derive(record, SubjectLog()) for record in records]
    writer = engine.writers["fhir-r4"]

    def ours() -> list[bytes]:
        return [d.line for record in hub_records for d in writer.documents(record, TargetLog("fhir-r4"))]

    documents = [json.loads(line) for line in ours()]
    models = {
        kind: getattr(importlib.import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
        for kind in {d["resourceType"] for d in documents}
    }

    def theirs() -> list[str]:
        return [models[document["resourceType"]](**document).model_dump_json() for document in documents]

    mine = other = float("inf")
    for _ in range(3):
        mine, other = min(mine, best(ours, 3)), min(other, best(theirs, 1))
    ratio = other / mine
    yield Result(
        "FHIR against fhir.resources",
        f"{ratio:.0f} times as fast ({len(documents) / mine:,.0f} resources a second)",
        ">= 20",
        ratio >= 20,
    )


def peak_megabytes(subjects: int, folder: Path) -> float:
    """Peak memory of one conversion in a process of its own."""
    make_registry(folder / f"in{subjects}", subjects=subjects, seed=1)
    code = (
        "import sys; sys.path.insert(0, sys.argv[3]); from pathlib import Path; "
        "from tests.peak_memory import peak_kilobytes; from tests.registry import convert; "
        "convert(Path(sys.argv[1]), Path(sys.argv[2])); print(peak_kilobytes())"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", code, str(folder / f"in{subjects}"), str(folder / f"out{subjects}"), str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


def bench_memory(folder: Path) -> Iterator[Result]:
    """Memory from 1,000 to 100,000 subjects."""
    small, middle, large = (peak_megabytes(number, folder) for number in (1_000, 10_000, 100_000))
    figure = f"{small:.0f} MB at 1,000 subjects, {middle:.0f} MB at 10,000, {large:.0f} MB at 100,000"
    holds = large <= 1.5 * middle and large <= 2 * small
    yield Result("peak memory", figure, "100,000 at most 1.5 times 10,000 and twice 1,000", holds)


def bench_help() -> Iterator[Result]:
    """Start-up of the command line."""
    command = [str(Path(sys.executable).with_name("harmonize")), "--help"]
    seconds = best(lambda: subprocess.run(command, capture_output=True, check=True), 7)
    yield Result("harmonize --help", f"{seconds:.2f} s", "< 0.3 s", seconds < 0.3)


def main() -> None:
    """Run every benchmark and print what it gave."""
    logging.getLogger("linkml_map").setLevel(logging.ERROR)
    results: list[Result] = []

    def report(found: Iterator[Result]) -> None:
        for result in found:
            results.append(result)
            print(
                f"{'ok  ' if result.holds else 'FAIL'} {result.name:<38} {result.figure:<78} gate: {result.gate}",
                flush=True,
            )

    words = argparse.ArgumentParser(prog="python -m tests.bench")
    words.add_argument("--persons", type=int, default=50_000, help="persons of the CDM, of 31 rows each")
    words.add_argument(
        "--million", action="store_true", help="peak memory with a million persons too: ten minutes and 20 GB"
    )
    chosen = words.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        engine = Engine(Settings("eu/ern-cde", ("hub", "fhir-r4"), KEY, "bench", consent="record"))
        records = source_records(engine, 300, Path(scratch))
        report(bench_help())
        report(bench_terminology())
        report(bench_mapping_sets(Path(scratch)))
        report(bench_value_sets())
        report(bench_plan(engine, records))
        report(bench_fhir(engine, records))
        report(bench_conformance(Path(scratch)))
        report(bench_memory(Path(scratch)))
        report(bench_plan_of_omop(Path(scratch)))
        report(bench_end_to_end(Path(scratch), chosen.persons))
        report(bench_start(Path(scratch), Path(scratch) / "cdm"))
        report(bench_registry_xml(Path(scratch), 40))
        report(bench_memory_of_xml(Path(scratch), (10, 100)))
        sizes = (10_000, 100_000, *([1_000_000] if chosen.million else []))
        report(bench_memory_of_omop(Path(scratch), sizes))
    sys.exit(any(not result.holds for result in results))


if __name__ == "__main__":
    main()
