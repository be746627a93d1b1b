"""Grade what every profile makes of its synthetic records by every data set: `python scripts/grade_profiles.py [SUBJECTS]`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harmonize.checks.conformance import Conformance, conformance
from harmonize.convert import RunOptions, Settings, convert_files
from harmonize.datasets.specification import CONDITIONAL, LEVELS, dataset_names
from harmonize.profiles.loading import load_profile
from harmonize.profiles.specification_files import profile_ids
from harmonize.pseudonyms import key_from_secret
from harmonize.synthesis.tables import write_tables

SEED = 1


def hub_records(profile: str, subjects: int, folder: Path) -> Path:
    """The hub records of synthetic subjects of *profile*."""
    write_tables(load_profile(profile), subjects, SEED, folder / "source")
    settings = Settings(profile, ("hub",), key_from_secret(bytes(32)), "grading", consent="record")
    convert_files(settings, RunOptions((folder / "source",), folder / "out"))
    return folder / "out" / "hub"


def row(profile: str, result: Conformance) -> str:
    """One row: of the items that each level asks for, the share that is filled, and the items that no record fills."""
    cells = []
    for level in (*LEVELS, CONDITIONAL):
        asked = [c.records for c in result.items if c.level == level]
        wanted = sum(n for counts in asked for word, n in counts.items() if word != "not_applicable")
        good = sum(counts["filled"] + counts["null_flavor"] for counts in asked)
        cells.append(f"{good / wanted:.0%} of {len(asked)}" if wanted else f"- of {len(asked)}")
    never = sum(not c.records["filled"] for c in result.items)
    invalid = sum(c.records["invalid"] for c in result.items)
    return f"| {profile} | {result.dataset.name} | {' | '.join(cells)} | {len(result.items) - never} of {len(result.items)} | {invalid} |"


def table(subjects: int) -> Iterator[str]:
    """The lines of the table."""
    yield "| profile | data set | mandatory | recommended | optional | conditional | items filled at all | invalid |"
    yield "|---|---|---|---|---|---|---|---|"
    for profile in profile_ids():
        with tempfile.TemporaryDirectory() as scratch:
            records = hub_records(profile, subjects, Path(scratch))
            for name in dataset_names():
                yield row(profile, conformance(records, name))


if __name__ == "__main__":
    for line in table(int(sys.argv[1]) if len(sys.argv) > 1 else 200):
        print(line)
