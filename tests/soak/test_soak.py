"""The long tests: damage at any place of every table, ten million pseudonyms, many subjects in flat memory."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.properties.test_accounting import assert_adds_up
from tests.registry import KEY, convert, make_registry
from tests.sentinel_plugin import Sentinels


@pytest.mark.parametrize("seed", range(40))
def test_damage_at_any_place(sentinels: Sentinels, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    registry = make_registry(tmp_path / "in", subjects=200, seed=seed)
    for path in sorted(registry.folder.glob("*.csv")):
        data = bytearray(path.read_bytes())
        start = data.index(b"\n")
        for _ in range(5):
            at = chance.randrange(start, len(data))
            data[at:at] = chance.choice([b'"', b",", b"\n", b"\0", b"\xff", sentinels.new().encode(), b'"\n"', b",,,"])
        path.write_bytes(bytes(data))
    assert_adds_up(convert(registry.folder, tmp_path / "again", max_errors="100%"))


def test_ten_million_pseudonyms_do_not_collide() -> None:
    seen = set()
    for number in range(10_000_000):
        seen.add(int(KEY.pseudonym("site", "subject", str(number))[:16], 16))
    # 64 of the 160 bits: a collision among ten million is expected in one of 370,000 runs.
    assert len(seen) == 10_000_000


def test_memory_is_flat(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r}); from harmonize.cli.main import main; "
        "from tests.peak_memory import peak_kilobytes\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\nprint(peak_kilobytes())"
    )
    (tmp_path / "key").write_text("00" * 32)
    (tmp_path / "key").chmod(0o600)
    peaks = []
    for subjects in (5_000, 100_000):
        make_registry(tmp_path / str(subjects), subjects=subjects)
        arguments = [
            "convert",
            tmp_path / str(subjects),
            "--profile",
            "eu/ern-cde",
            "--to",
            "hub,fhir-r4,phenopackets",
            "--quiet",
        ]
        command = [
            sys.executable,
            "-c",
            code,
            *map(str, arguments),
            "--out",
            str(tmp_path / f"o{subjects}"),
            "--pseudonym-key",
            str(tmp_path / "key"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout.split()[-1]))
    assert peaks[1] < 1.5 * peaks[0], peaks
