"""What a file is that a draft is made from."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from harmonize.curation.draft_origin import Origin, origin_of

DICTIONARY = "1,Form Name,Section Header,Field Type\n"


@pytest.mark.parametrize(
    ("name", "content", "origin"),
    [
        ("a.xsd", "", Origin.XSD),
        ("a.json", ' {"properties": {}}', Origin.JSON_SCHEMA),
        ("a.json", '\ufeff [{"field_name": "x"}]', Origin.REDCAP_DICTIONARY),
        ("a.schema.json", "[]", Origin.JSON_SCHEMA),
        ("a.json", "", Origin.JSON_SCHEMA),
        ("a.csv", DICTIONARY, Origin.REDCAP_DICTIONARY),
        ("a.csv", "record_id,sex\n1,f\n", Origin.TABLES),
        ("a.tsv", "pid\tsex\n", Origin.TABLES),
        ("a.csv", "", Origin.TABLES),
        ("a.dat", 'a "quote" inside;b\n', Origin.TABLES),
    ],
)
def test_a_file_is_told_by_its_name_and_its_beginning(name: str, content: str, origin: Origin, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content.encode()))
    assert origin_of(tmp_path / name) is origin_of(tmp_path / f"{name}.gz") is origin
    assert origin_of(tmp_path) is Origin.TABLES
