"""What is rejected while a file is read does not wait in memory for the next good row."""

from __future__ import annotations

from pathlib import Path

from harmonize.input.log import MUCH
from harmonize.input.opening import Opening
from harmonize.profiles.loading import load_profile
from harmonize.readers import open_source


def test_a_stretch_of_bad_rows_is_handed_on_before_the_next_good_one(tmp_path: Path) -> None:
    bad = 5 * MUCH + 7
    (tmp_path / "Sex.csv").write_text("pid,valueIRI\n" + "1,2,3\n" * bad + "A,\n", "utf-8")
    source = open_source(Opening(load_profile("eu/ern-cde"), (tmp_path / "Sex.csv",), tmp_path / "work"))
    taken: list[int] = []
    source.log.when_full = lambda: taken.append(len(source.log.drain().rejected))
    assert len(list(source.subjects())) == 1
    assert taken == [MUCH] * 5 and len(source.log.rejected) == 7
