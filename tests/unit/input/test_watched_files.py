"""What is replaced while a source is opened, which may read it whole, has changed as well."""

from __future__ import annotations

from pathlib import Path

from harmonize.input.watched_files import WatchedFiles, fingerprints


def test_a_file_that_is_replaced_between_the_look_and_the_reading_has_changed(tmp_path: Path) -> None:
    path, other = tmp_path / "registry.xml", tmp_path / "other.xml"
    path.write_text("<a/>")
    other.write_text("<b/>")
    before = fingerprints([tmp_path])
    path.write_text("<a>more</a>")
    watched = WatchedFiles([path, other], before)
    assert watched.changed() == [path]
    assert [path.name, len("<a/>")] in [known[:2] for known in watched.as_json()]
