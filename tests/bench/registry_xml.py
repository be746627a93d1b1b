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
from collections.abc import Iterator, Sequence
from pathlib import Path

from lxml import etree

from harmonize.convert import RunOptions, Settings, convert_files
from harmonize.input.opening import Opening
from harmonize.profiles.loading import load_profile
from harmonize.readers import open_source
from harmonize.synthesis.tables import write_tables
from tests.bench.result import Result, in_turns
from tests.registry import KEY, RECORDED

PROFILE = "de/obds"
TARGETS = ("fhir-r4", "phenopackets")
ROOT = Path(__file__).parents[2]
_SUBJECTS = 2_000
_GATE = 6
"""How many times a conversion may take the time of parsing. The document is parsed as often in a turn: a work that is much shorter than the
other one finds the quiet moments of a shared machine, and the ratio would measure these."""


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


def parse_as_long(path: Path) -> None:
    """Parse so often that it takes as long as a conversion may."""
    for _ in range(_GATE):
        iterparse_alone(path)


def bench_registry_xml(scratch: Path, megabytes: float) -> Iterator[Result]:
    """Both targets against parsing alone: in one process by its time of the processor, and by the clock with a process for each core."""
    path = write_registry(scratch / "xml", megabytes)
    size = path.stat().st_size / 1e6
    parsing, reading, whole = in_turns(
        lambda: parse_as_long(path),
        lambda: read_alone(path, scratch / "xml-work"),
        lambda: convert(path, scratch / "xml-out"),
        rounds=3,
        clock=time.process_time,
    )
    figure = (
        f"{whole / parsing * _GATE:.1f} times its time of the processor ({size / whole:.2f} MB/s; "
        f"reading alone {reading / parsing * _GATE:.1f} times; lxml {size / parsing * _GATE:.1f} MB/s)"
    )
    yield Result("XML to FHIR and Phenopackets in one process, iterparse", figure, f"<= {_GATE}", whole <= parsing)
    jobs = len(os.sched_getaffinity(0))
    parsing, whole = in_turns(lambda: parse_as_long(path), lambda: convert(path, scratch / "xml-out", jobs), rounds=3)
    figure = f"{whole / parsing * _GATE:.1f} times its time ({size / whole:.2f} MB/s; lxml {size / parsing * _GATE:.1f} MB/s)"
    yield Result(f"XML to FHIR and Phenopackets, --jobs {jobs}, iterparse", figure, f"<= {_GATE}", whole <= parsing)


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
