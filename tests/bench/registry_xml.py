"""XML of a cancer registry to FHIR and Phenopackets against lxml.iterparse alone over the same file; memory as the file grows.

python -m tests.bench.registry_xml [--megabytes 10] [--memory 10,100] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from harmonize.convert import RunOptions, Settings, convert_files
from harmonize.input.opening import Opening
from harmonize.profiles.loading import load_profile
from harmonize.readers import open_source
from harmonize.synthesis.tables import write_tables
from tests.bench.result import Result, best, in_turns
from tests.registry import KEY, RECORDED

PROFILE = "de/obds"
TARGETS = ("fhir-r4", "phenopackets")
ROOT = Path(__file__).parents[2]
_SUBJECTS = 2_000
_GATE = 6
"""How many times a conversion may take the time of parsing."""


def write_registry(folder: Path, megabytes: float) -> Path:
    """One document of about *megabytes* (decimal): synthetic patients, the same ones again and again under other identifiers, not in their order."""
    folder.mkdir(parents=True)
    write_tables(load_profile(PROFILE), _SUBJECTS, 1, folder / "demo")
    text = next((folder / "demo").glob("*.xml")).read_text()
    head, _, rest = text.partition("<Patient ")
    patients, _, tail = rest.rpartition("</Patient>")
    body = f"<Patient {patients}</Patient>\n"
    out = folder / "registry.xml"
    with out.open("w") as stream:
        stream.write(head)
        number, written = 0, 0
        while written < megabytes * 1e6:
            copied = body.replace("DEMO-", f"D{99_999 - number:05}-")
            if written + len(copied) > megabytes * 1e6:  # the last copy is of as many patients as fit
                whole = copied[: int(megabytes * 1e6) - written].rpartition("</Patient>")[0]
                stream.write(f"{whole}</Patient>\n" if whole else "")
                break
            stream.write(copied)
            written += len(copied)
            number += 1
        stream.write(tail)
    shutil.rmtree(folder / "demo")
    return out


def iterparse_alone(path: Path) -> int:
    """What lxml needs to make every element and let it go."""
    seen = 0
    for _, element in etree.iterparse(str(path), events=("end",), resolve_entities=False, no_network=True):
        seen += 1
        if element.tag.endswith("}Patient"):
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    return seen


def read_alone(path: Path, work: Path) -> int:
    """Our reader and no more: rows by subject."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    source = open_source(Opening(load_profile(PROFILE), (path,), work))
    return sum(1 for _ in source.subjects())


def convert(path: Path, out: Path, jobs: int = 1) -> None:
    """The whole way, in this process or with others."""
    shutil.rmtree(out, ignore_errors=True)
    settings = Settings(PROFILE, TARGETS, KEY, "bench", recorded=RECORDED)
    convert_files(settings, RunOptions((path,), out, jobs, max_errors="100%"))


def bench_registry_xml(scratch: Path, megabytes: float) -> Iterator[Result]:
    """Both targets against parsing alone: in one process by its time of the processor, and by the clock with a process for each core."""
    path = write_registry(scratch / "xml", megabytes)
    out, work = scratch / "xml-out", scratch / "xml-work"
    in_one = _against_parsing(path, lambda: convert(path, out), time.process_time)
    reading = best(lambda: read_alone(path, work), 3, time.process_time)
    yield _result("in one process", path, in_one, f"; reading alone {reading / in_one.parsing:.1f} times")
    jobs = len(os.sched_getaffinity(0))
    in_several = _against_parsing(path, lambda: convert(path, out, jobs), time.perf_counter)
    yield _result(f"--jobs {jobs}", path, in_several, "")


class _Times(NamedTuple):
    """Shortest times in seconds."""

    whole: float
    parsing: float
    as_long: float
    """Of parsing the document so often that it takes as long as a conversion may, for each time."""


def _against_parsing(path: Path, work: Callable[[], object], clock: Callable[[], float]) -> _Times:
    """A conversion and parsing in turns. A short work finds the quiet moments of a shared machine and a long one does not, so that the ratio
    of their best times, which the gate is about, says something of the machine as well; parsing for as long is measured beside it."""
    each: list[float] = []

    def parse() -> None:
        each.extend(best(lambda: iterparse_alone(path), 1, clock) for _ in range(_GATE))

    as_long, whole = in_turns(parse, work, rounds=3, clock=clock)
    return _Times(whole, min(each), as_long / _GATE)


def _result(way: str, path: Path, times: _Times, more: str) -> Result:
    size, ratio = path.stat().st_size / 1e6, times.whole / times.parsing
    figure = (
        f"{ratio:.1f} times its best time, {times.whole / times.as_long:.1f} times where it parses as long "
        f"({size / times.whole:.2f} MB/s; lxml {size / times.parsing:.1f} MB/s{more})"
    )
    return Result(f"XML to FHIR and Phenopackets, {way}, iterparse", figure, f"<= {_GATE}", ratio <= _GATE)


def peak_megabytes(path: Path, out: Path) -> float:
    """Peak memory of a conversion in a process of its own."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[3]); from pathlib import Path; "
        "from tests.bench.memory import watched_peak; from tests.bench.registry_xml import convert; "
        "print(watched_peak(lambda: convert(Path(sys.argv[1]), Path(sys.argv[2]))))"
    )
    command = [sys.executable, "-c", code, str(path), str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) / 1e6


def bench_memory(scratch: Path, megabytes: Sequence[float]) -> Iterator[Result]:
    """Memory as the document grows."""
    peaks = []
    for size in megabytes:
        folder = scratch / f"xml{size}"
        peaks.append(peak_megabytes(write_registry(folder, size), folder / "out"))
        shutil.rmtree(folder)
    told = ", ".join(f"{peak:.0f} MB of {size:g} MB" for peak, size in zip(peaks, megabytes, strict=True))
    yield Result("XML: peak memory", told, "the largest at most 1.5 times the smallest", peaks[-1] <= 1.5 * peaks[0])


def main() -> None:
    """Print the figures, or the dearest functions."""
    words = argparse.ArgumentParser(prog="python -m tests.bench.registry_xml")
    words.add_argument("--megabytes", type=float, default=10)
    words.add_argument("--memory", default="", help="sizes in MB, with commas")
    words.add_argument("--profile", action="store_true", help="the dearest functions of a conversion")
    chosen = words.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        if chosen.profile:
            path = write_registry(scratch / "xml", chosen.megabytes)
            convert(path, scratch / "out")
            profile = cProfile.Profile()
            profile.runcall(convert, path, scratch / "out")
            pstats.Stats(profile).sort_stats("tottime").print_stats(40)
            return
        sizes = [float(size) for size in chosen.memory.split(",") if size]
        found = [*(bench_memory(scratch, sizes) if sizes else bench_registry_xml(scratch, chosen.megabytes))]
        for result in found:
            print(json.dumps(result._asdict()))


if __name__ == "__main__":
    main()
