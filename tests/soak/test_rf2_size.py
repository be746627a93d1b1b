"""A SNOMED CT of 500,000 made-up concepts in less than 3 minutes and 2 GB; with RF2_CONCEPTS smaller, in as much less."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from harmonize.terminology.check_digits import CHECKS
from harmonize.terminology.store import CodeSystemStore

CONCEPTS = int(os.environ.get("RF2_CONCEPTS", "500000"))
HEAD = "id\teffectiveTime\tactive\tmoduleId\t"


@cache
def number(n: int) -> int:
    """The id of concept *n*, with its check digit; 138875005 is the root."""
    if not n:
        return 138875005
    return next(code for code in range(10 * (10_000_000 + n), 10 * (10_000_001 + n)) if CHECKS["verhoeff"](str(code)))


def made_up_release(folder: Path, concepts: int) -> Path:
    """A hierarchy as wide and deep as SNOMED CT's: 1.6 parents, 15 to 20 ancestors a concept; three names each, one of them preferred."""
    folder.mkdir()
    chance = random.Random(1)
    with (
        (folder / "sct2_Concept_Snapshot_INT_20990101.txt").open("w") as concept,
        (folder / "sct2_Description_Snapshot-en_INT_20990101.txt").open("w") as description,
        (folder / "sct2_Relationship_Snapshot_INT_20990101.txt").open("w") as relationship,
        (folder / "der2_cRefset_LanguageSnapshot-en_INT_20990101.txt").open("w") as language,
    ):
        concept.write(HEAD + "definitionStatusId\n")
        description.write(HEAD + "conceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId\n")
        relationship.write(
            HEAD + "sourceId\tdestinationId\trelationshipGroup\ttypeId\tcharacteristicTypeId\tmodifierId\n"
        )
        language.write(HEAD + "refsetId\treferencedComponentId\tacceptabilityId\n")
        state = "20990101\t1\t900000000000207008"
        for n in range(concepts):
            code = number(n)
            concept.write(f"{code}\t{state}\t900000000000074008\n")
            for kind, text in enumerate(
                ("made-up disorder (disorder)", "made-up disorder", "made-up disease of something")
            ):
                name = code * 10 + kind
                type_id = "900000000000003001" if kind == 0 else "900000000000013009"
                description.write(f"{name}\t{state}\t{code}\ten\t{type_id}\tNumber {n} {text}\t900000000000448009\n")
                acceptable = "900000000000549004" if kind == 2 else "900000000000548007"
                language.write(f"u{name}\t{state}\t900000000000509007\t{name}\t{acceptable}\n")
            for _ in range((n > 0) + (chance.random() < 0.6)):
                parent = number(int(n * chance.random() ** 3))
                if n:
                    relationship.write(
                        f"{n}1\t{state}\t{code}\t{parent}\t0\t116680003\t900000000000011006\t900000000000451002\n"
                    )
            relationship.write(
                f"{n}2\t{state}\t{code}\t{number(0)}\t1\t363698007\t900000000000011006\t900000000000451002\n"
            )
    return folder


def test_speed_and_memory(tmp_path: Path) -> None:
    release = made_up_release(tmp_path / "release", CONCEPTS)
    start = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "harmonize.cli.main",
        "terminology",
        "add",
        str(release),
        "--into",
        str(tmp_path / "out"),
    ]
    subprocess.run(command, check=True)
    wall = time.monotonic() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds, megabytes = (
        used.ru_utime + used.ru_stime,
        used.ru_maxrss / 1024,
    )  # one process works: on a quiet machine this is the time
    path = tmp_path / "out" / "SNOMEDCT-20990101.sqlite"
    store = CodeSystemStore(path)
    pairs = store._one("SELECT count(*) FROM closure")[0]
    print(
        f"{CONCEPTS:,} concepts, {pairs:,} ancestors, {path.stat().st_size >> 20} MB: {seconds:.1f} s of processor, {wall:.1f} s, {megabytes:.0f} MB"
    )
    assert int(store.meta["concepts"]) == CONCEPTS
    assert seconds < 180 * CONCEPTS / 500_000 + 5 and megabytes < 2_000 * CONCEPTS / 500_000 + 100
