"""The whole of the sentinels: more than 10,000 documents with a sentinel in every field, and every damage of every table and form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harmonize.checks.documents import validate
from tests import redcap, registry
from tests.hostile_places import ALL_FORMS, DAMAGES, SHAPES, TABLES, leaves, planted_export, planted_registry, with_leaf
from tests.redcap import make_records, write_export
from tests.registry import ALL_TARGETS, make_registry
from tests.rich_record import RICH, write
from tests.sentinel_plugin import Sentinels


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shape", SHAPES, ids=range(len(SHAPES)))
def test_every_field_of_every_format(sentinels: Sentinels, tmp_path: Path, shape: str, seed: int) -> None:
    sentinels.documents += planted_registry(tmp_path / "in1", sentinels, shape, subjects=100, seed=seed)
    form = ALL_FORMS[seed % len(ALL_FORMS)]
    sentinels.documents += planted_export(tmp_path / "in2", sentinels, shape, subjects=100, seed=seed, form=form)
    for module, source in ((registry, "in1"), (redcap, "in2")):
        with sentinels.error_path():
            run = module.convert(tmp_path / source, tmp_path / f"out {source}", max_errors="100%")
            sentinels.say(run.outcome.report, run.outcome.manifest)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("place", [*TABLES, *ALL_FORMS])
def test_damaged_files(sentinels: Sentinels, tmp_path: Path, damage: str, place: str) -> None:
    planted = sentinels.new().encode()
    if place in TABLES:
        source = make_registry(tmp_path / "in", subjects=12)
        source.write_bytes(place, DAMAGES[damage](source.bytes_of(place), planted))
        with sentinels.error_path():
            registry.convert(source.folder, tmp_path / "out", max_errors="100%")
        return
    path = write_export(make_records(tmp_path / "in plain", 12), place, tmp_path / "in")
    path.write_bytes(DAMAGES[damage](path.read_bytes(), planted))
    with sentinels.error_path():
        redcap.convert(path, tmp_path / "out", max_errors="100%")


@pytest.mark.parametrize("target", ALL_TARGETS)
def test_validate_never_quotes(sentinels: Sentinels, tmp_path: Path, target: str) -> None:
    documents = [RICH] if target == "hub" else [json.loads(document.line) for document in write(target)[0]]
    file = tmp_path / "in.json"
    for document in documents:
        for path in leaves(document):
            for value in (sentinels.new(), [sentinels.new()], {sentinels.new(): sentinels.new()}):
                sentinels.documents += 1
                file.write_text(json.dumps(with_leaf(document, path, value)))
                with sentinels.error_path():
                    sentinels.say([finding.as_json() for finding in validate(file, target).findings])
