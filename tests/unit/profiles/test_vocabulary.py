"""What profile.yaml says beside the tables: order of subjects, blanks of columns, references, tables that are left out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harmonize.errors import SpecificationError
from harmonize.profiles.lint import left_out_problems
from harmonize.profiles.loading import load_profile
from harmonize.profiles.specification import Profile, Reference
from harmonize.profiles.specification_files import profile_folder


def test_parsed() -> None:
    profile = load_profile("intl/omop-5.4")
    assembly = profile.assembly
    assert assembly.subject_order == "numeric" and load_profile("eu/ern-cde").assembly.subject_order == "text"
    assert assembly.column_blanks["unit_concept_id"] == {"0", "0.0"}
    assert assembly.column_blanks["operator_concept_id"] == {"0", "0.0", "4172703", "4172703.0"}
    assert "condition_concept_id" not in assembly.column_blanks
    assert assembly.references["CONCEPT"] == Reference(
        "concept.csv", "concept_id", "concept_code", "vocabulary_id", "concept_name", "invalid_reason"
    )
    assert "note" in profile.left_out_tables and "person" not in profile.left_out_tables
    assert left_out_problems(profile) == []


def changed(tmp_path: Path, old: str, new: str) -> Profile:
    folder = tmp_path / "intl" / "omop-5.4"
    shutil.copytree(profile_folder("intl/omop-5.4"), folder)
    text = (folder / "profile.yaml").read_text()
    assert old in text
    (folder / "profile.yaml").write_text(text.replace(old, new, 1))
    return load_profile(str(folder))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("subject_order: numeric", "subject_order: by-size", "by-size"),
        ("key: concept_id, ", "", "key"),
        ("key: concept_id, ", "key: concept_id, domain: domain_id, ", "domain"),
        ("- tables: [note, note_nlp]", "- tables: [note, note_nlp]\n    class: PersonRow", "left_out"),
        ("file: concept.csv", "file: ../concept.csv", "concept.csv"),
    ],
)
def test_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(SpecificationError, match=message):
        changed(tmp_path, old, new)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tables: [note, note_nlp]", "tables: [note, Person]", "the table person, which assemble reads"),
        ("tables: [note, note_nlp]", "tables: [note, concept]", "the table concept, which assemble reads"),
        ("- unit_concept_id\n", "- unti_concept_id\n", "the column unti_concept_id, which no table has"),
    ],
)
def test_linted(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert any(message in problem for problem in left_out_problems(changed(tmp_path, old, new)))
