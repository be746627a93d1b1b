"""A converter that was written by hand, for the benchmark, as a judge: of records in which nothing is wrong its packets are ours."""

from __future__ import annotations

import json
from pathlib import Path

from tests.bench.handwritten import convert as convert_by_hand
from tests.bench.omop import SITE, convert, packet_heads
from tests.bench.synthetic_cdm import write_cdm
from tests.registry import KEY


def test_packets_are_those_that_are_written_by_hand(tmp_path: Path) -> None:
    source, out, by_hand = write_cdm(tmp_path / "cdm", 40), tmp_path / "out", tmp_path / "by-hand.ndjson"
    convert(source, out, "phenopackets")
    meta, resources = packet_heads(out)
    convert_by_hand(source, by_hand, KEY, SITE, meta, resources)
    theirs = [json.loads(line) for line in by_hand.read_bytes().splitlines()]
    ours = [json.loads(line) for line in (out / "phenopackets" / "phenopackets.ndjson").read_bytes().splitlines()]
    assert len(ours) == 40
    assert ours == theirs
