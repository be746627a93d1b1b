"""Where the time of a conversion goes, by a profiler: `python -m tests.bench.profile [PERSONS] [TARGETS]`.

cProfile counts calls, so functions that are called often look dearer than they are; shares tell the order, not the seconds.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import tempfile
from pathlib import Path

from tests.bench.omop import convert
from tests.bench.synthetic_cdm import write_cdm

PARTS = (
    ("reading", ("harmonize/input", "harmonize/readers", "{method 'split'", "{method 'count'", "zstandard", "gzip")),
    ("source rows to hub records", ("<plan of", "harmonize/profiles", "harmonize/hub", "harmonize/terminology", "re2")),
    ("hub records to documents", ("harmonize/writers", "orjson")),
    ("checks of records", ("harmonize/checks", "jsonschema_rs")),
    ("accounting, lineage, findings", ("harmonize/convert", "harmonize/findings", "harmonize/report")),
    ("keyed hashes", ("pseudonyms", "blake2")),
    ("output folder", ("harmonize/output_folder", "sha256", "BufferedWriter")),
)


def shares(profile: cProfile.Profile) -> dict[str, float]:
    """The part of the time of each of `PARTS`; `other` is what Python itself does for all of them."""
    times: dict[str, float] = {}
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        place = f"{file} {name}"
        part = next((part for part, marks in PARTS if any(mark in place for mark in marks)), "other")
        times[part] = times.get(part, 0) + own
    whole = sum(times.values())
    return {part: time / whole for part, time in sorted(times.items(), key=lambda item: -item[1])}


def main() -> None:
    """Profile a conversion and print the shares."""
    persons = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    targets = sys.argv[2].split(",") if len(sys.argv) > 2 else ["phenopackets"]
    with tempfile.TemporaryDirectory() as scratch:
        source = write_cdm(Path(scratch) / "cdm", persons)
        convert(source, Path(scratch) / "out", *targets)
        profile = cProfile.Profile()
        profile.enable()
        convert(source, Path(scratch) / "out", *targets)
        profile.disable()
    for part, share in shares(profile).items():
        print(f"{share:6.1%}  {part}")


if __name__ == "__main__":
    main()
