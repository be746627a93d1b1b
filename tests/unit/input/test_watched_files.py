"""What is replaced while a source is opened, which may read it whole, has changed as well."""

from __future__ import annotations

from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from harmonize.convert import RunOptions, Settings, convert_files, run
from harmonize.input.files import fingerprint
from harmonize.input.opening import Opening
from harmonize.input.watched_files import WatchedFiles
from harmonize.profiles.loading import load_profile
from harmonize.readers import Source, open_source
from harmonize.synthesis.tables import write_tables
from tests.registry import KEY, RECORDED


def test_a_document_that_is_replaced_while_it_is_opened_makes_the_run_partial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XML is read whole when it is opened: what lies there afterwards is not what was converted."""
    write_tables(load_profile("de/obds"), 3, 1, tmp_path / "in")
    document = next((tmp_path / "in").glob("*.xml"))

    def opened_and_replaced(opening: Opening) -> Source:
        source = open_source(opening)
        document.write_text(document.read_text("utf-8") + "\n", "utf-8")
        return source

    monkeypatch.setattr(run, "open_source", opened_and_replaced)
    settings = Settings("de/obds", ("hub",), KEY, "x", "record", RECORDED)
    outcome = convert_files(settings, RunOptions((tmp_path / "in",), tmp_path / "out", max_errors="100%"))
    assert outcome.partly_read and outcome.manifest["status"] == "partial"
    assert '"source.changed"' in (tmp_path / "out" / "private" / "findings.ndjson").read_text()


def test_digests_that_nobody_waits_for_are_given_up(tmp_path: Path) -> None:
    """A run that ends early would wait for the digests of all its input: here hours."""
    vast = tmp_path / "vast.csv"
    with vast.open("wb") as file:
        file.truncate(1 << 42)  # of holes
    watched = WatchedFiles({vast: fingerprint(vast)})
    watched.close()
    with pytest.raises(CancelledError):  # and what was read of it makes no digest
        watched.digests()
