"""Terminologies and code maps: opening, look-ups that are cold and memoised, and the compiling of a large mapping set."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from harmonize.terminology.code_map_files import read_content
from harmonize.terminology.compiled_sets import CompiledSet, write_compiled
from harmonize.terminology.notation import load_systems
from harmonize.terminology.store import Terminologies
from tests.bench.result import Result, best, in_turns

ROWS = 33_236
"""As many as ORDO's set of 2025-03-07 has."""
HEAD = """#mapping_set_id: https://example.org/bench
#curie_map:
#  ICD10: http://hl7.org/fhir/sid/icd-10/
#  OMIM: https://omim.org/entry/
#  UMLS: http://linkedlifedata.com/resource/umls/id/
#  Orphanet: http://www.orpha.net/ORDO/Orphanet_
subject_id\tsubject_label\tpredicate_id\tobject_id\tmapping_justification
"""


def _synthetic_set(path: Path) -> None:
    """A set that looks like ORDO's: four rows for each subject, prefixes of ours, of others and of none."""
    with path.open("w", encoding="utf-8") as file:
        file.write(HEAD)
        for number in range(ROWS):
            subject, kind = 10 + number // 4, number % 4
            target = (
                f"ICD10:{chr(65 + subject % 26)}{subject % 100:02}.{subject % 10}",
                f"OMIM:{100_000 + subject}",
                f"UMLS:C{subject:07}",
                f"ICD10:{chr(65 + subject % 26)}{subject % 90:02}",
            )[kind]
            predicate = "exact" if kind in (1, 2) else "broad"
            row = (
                f"Orphanet:{subject}",
                f"A synthetic disease {subject}",
                f"skos:{predicate}Match",
                target,
                "semapv:UnspecifiedMatching",
            )
            file.write("\t".join(row) + "\n")


def bench_terminology() -> Iterator[Result]:
    """Open and first look-up; look-ups of codes that were not asked for before; memoised look-ups."""

    def first() -> object:
        return Terminologies.installed().lookup("HP:0001250")

    opening = best(first, 5)
    yield Result("terminology: open and first look-up", f"{opening * 1000:.1f} ms", "< 50 ms", opening < 0.05)
    store = Terminologies.installed().store("HP")
    assert store is not None
    codes = [code for code, _, _ in store.terms()][::4]
    cold = min(best(lambda: [*map(Terminologies.installed().lookup, codes)], 1) for _ in range(3)) / len(codes)
    yield Result("terminology: cold look-up", f"{cold * 1e6:.1f} microseconds", "< 100 microseconds", cold < 100e-6)
    terms = Terminologies.installed()
    repeated = ["HP:0001250", "HP:0410382", "MONDO:0007947", "HGNC:3603", "HP:9999999"] * 40_000
    rate = len(repeated) / best(lambda: [terms.lookup(code) for code in repeated], 3)
    yield Result("terminology: memoised look-up", f"{rate / 1e6:.1f} million a second", "> 1 million", rate > 1e6)


def bench_mapping_sets(scratch: Path) -> Iterator[Result]:
    """Compiling a set as large as ORDO's against reading its cells with the csv module; opening it; answers a second."""
    source, compiled = scratch / "bench.sssom.tsv", scratch / "bench.sqlite"
    _synthetic_set(source)
    load_systems()

    def compile_it() -> None:
        write_compiled(compiled, read_content(source), "")

    def cells_alone() -> int:
        with source.open(encoding="utf-8", newline="") as file:
            return sum(len(row) for row in csv.reader(file, delimiter="\t"))

    ours, bound = in_turns(compile_it, cells_alone, rounds=5)
    figure = f"{ours:.2f} s for {ROWS:,} rows, {ours / bound:.0f} times what the csv module takes for the cells alone"
    yield Result("mapping set: read, name, compile", figure, "< 1 s", ours < 1)
    opening = best(lambda: CompiledSet.open(compiled).forwards("ORPHA:100"), 5)
    yield Result("mapping set: open and first answer", f"{opening * 1000:.1f} ms", "< 50 ms", opening < 0.05)
    opened = CompiledSet.open(compiled)
    subjects = [f"ORPHA:{number}" for number in range(10, 4010)]
    seconds = best(lambda: [opened.steps(code, "ICD10") for code in subjects], 3) / len(subjects)
    assert len(opened.steps("ORPHA:100", "ICD10")) == 2
    yield Result(
        "mapping set: cold answer", f"{seconds * 1e6:.1f} microseconds", "< 100 microseconds", seconds < 100e-6
    )
