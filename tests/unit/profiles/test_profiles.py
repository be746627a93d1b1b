"""Profiles: what is outside the closed part is refused by name with file and line; nothing is ignored."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest

from harmonize.convert import Engine, RunOptions, Settings, convert_files
from harmonize.errors import HarmonizeError, SpecificationError
from harmonize.profiles.expressions import parse_expression
from harmonize.profiles.loading import load_profile
from harmonize.profiles.specification_files import profile_folder
from harmonize.synthesis.tables import write_tables
from tests.properties.hub_records import filled_slots
from tests.registry import KEY, RECORDED


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of eu/ern-cde that a test may break."""
    target = tmp_path / "eu" / "ern-cde"
    shutil.copytree(profile_folder("eu/ern-cde"), target)
    return target


def compile_of(folder: Path) -> None:
    Engine(Settings(str(folder), ("hub",), KEY))


BREAKS = [
    ("map.yaml", "sex_at_birth: {expr", "sex_at_brith: {expr", "sex_at_birth"),
    ("map.yaml", "birth_date: {expr: \"first(date(birthdate.value), year(birthyear.value))\"", "birth_date: {expr: \"dait(birthdate.value)\"", "Did you mean 'date'"),
    ("map.yaml", "date(startdate)\", comments: [\"5.2;", "date(startdat)\", comments: [\"5.2;", "startdat"),
    ("map.yaml", "mapped(code_iri(sex.valueIRI, 'NCIT'), 'ncit-birthsex')", "mapped(code_iri(sex.valueIRI, 'NCITT'), 'ncit-birthsex')", "NCIT"),
    ("map.yaml", "'ncit-birthsex')", "'ncit-sex')", "ncit-birthsex"),
    ("map.yaml", "phenotypic_features: {populated_from: phenotype}", "phenotypic_features: {populated_from: diagnosis}", "PhenotypicFeature"),
    ("map.yaml", "listed(code_iri_if(valueIRI, 'DUO'))", "code_iri_if(valueIRI, 'DUO')", "listed"),
    ("map.yaml", "onset_age: {expr: \"typed_age(onset.value, onset.value_datatype)\"}", "onset_age: {expr: \"decimal(onset.value, 1)\"}", "arguments"),
    ("map.yaml", "date_of_diagnosis: {expr: \"date(startdate)\"", "date_of_diagnosis: {expr: \"duration(startdate)\"", "PartialDate"),
    ("map.yaml", "          Laboratory: laboratory", "          Laboratory: laboratories", "laboratory"),
    ("map.yaml", "    populated_from: DiagnosisRow", "    populated_from: DiagnosisRow\n    joins: {x: y}", "joins"),
    ("map.yaml", "      measurements: {populated_from: measurement}", "      measurements: {populated_from: measurement, missing_values: [NA]}", "missing_values"),
    ("map.yaml", "      measurements: {populated_from: measurement}", "      measurements: {populated_from: measurement, expr: \"date(pid)\"}", ""),
    ("map.yaml", "title: ERN", "annotations: {a: b}\ntitle: ERN", "annotations"),
    ("source.yaml", "      pid:\n        description", "      pid:\n        colour: red\n        description", "colour"),
    ("source.yaml", "        range: BirthdateRow", "        range: BirthdayRow", "birthdate"),
    ("profile.yaml", "  reader: delimited", "  reader: telepathy", "telepathy"),
    ("profile.yaml", "version: 1.0.0", "version: 1.0.0\nversion: 1.0.1", "version"),
    ("profile.yaml", "    slots: [site]", "    slots: [sight]", ""),
    ("profile.yaml", "shared:ncit-birthsex.sssom.tsv", "../../../secret.tsv", ""),
    ("profile.yaml", "shared:ncit-birthsex.sssom.tsv", "shared:../../secret.tsv", ""),
    ("profile.yaml", "shared:ncit-birthsex.sssom.tsv", "/etc/passwd", ""),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "message"), BREAKS, ids=[f"{b[0]}: {b[2][:40]!r}" for b in BREAKS])
def test_wrong_profiles_are_refused(folder: Path, file: str, old: str, new: str, message: str) -> None:
    path = folder / file
    text = path.read_text()
    assert old in text, "the test itself is out of step"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(HarmonizeError) as error:
        compile_of(folder)
    assert message in str(error.value) and error.value.exit_code == 2


def test_a_forgotten_slot_is_refused(folder: Path) -> None:
    path = folder / "source.yaml"
    path.write_text(
        path.read_text().replace(
            "      pid:\n        description",
            "      hair:\n        description: Colour of hair.\n      pid:\n        description",
            1,
        )
    )
    with pytest.raises(SpecificationError, match=r"Registry\.hair.*left_out"):
        compile_of(folder)


@pytest.mark.parametrize("missing", ["profile.yaml", "source.yaml", "map.yaml"])
def test_a_missing_file_is_named(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(HarmonizeError, match=missing if missing != "profile.yaml" else "profile"):
        compile_of(folder)


def test_a_profile_outside_the_package_is_its_folder(folder: Path) -> None:
    compile_of(folder)
    assert load_profile(str(folder)).sha256 == load_profile("eu/ern-cde").sha256


ESCAPES = [
    "__import__('os')", "date.__class__", "date(pid).x", "[x for x in pid]", "lambda: 1", "pid + pid", "pid[0]", "f'{pid}'", "date(*pid)", "date(a=pid)", "1 if pid else 2",
    "pid == 'x'", "not pid", "(yield pid)", "await pid", "pid := 1", "date(pid) and pid", "{pid}", "{'a': pid}", "...", "None", "True", "b'x'", "1.5", "pid.__class__", "_x(pid)",
    "pid._private", "date(date)", "eval('1')", "exec('1')", "open('/etc/passwd')", "", " ", "date(", "pid; pid", "a\nb", "\0", "pid if", "date(pid,,)", "@pid", "date(pid)" * 3,
    "(" * 200 + "pid" + ")" * 200, "x" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("text", ESCAPES, ids=range(len(ESCAPES)))
def test_nothing_escapes_the_expression_language(folder: Path, text: str) -> None:
    path = folder / "map.yaml"
    import json

    body = path.read_text().replace(
        'first_contact_date: {expr: "date(first_visit.value)"', f"first_contact_date: {{expr: {json.dumps(text)}"
    )
    path.write_text(body)
    with pytest.raises(SpecificationError):
        compile_of(folder)


def test_expressions_are_values() -> None:
    assert parse_expression("date(birthdate.value)") == parse_expression(" date( birthdate.value ) ")


def test_the_plan_is_python_that_can_be_read() -> None:
    engine = Engine(Settings("eu/ern-cde", ("hub",), KEY))
    assert "def derive_Subject_0(src, log):" in engine.plan.source and "import" not in engine.plan.source


@pytest.mark.parametrize(
    "profile", ["eu/ern-cde", "intl/omop-5.4", "intl/redcap-rdcdm", "intl/hmd-template", "de/obds"]
)
def test_records_fill_no_slot_that_the_plan_does_not_name(profile: str, tmp_path: Path) -> None:
    """By what a plan fills, writers and checks leave out what it never needs."""
    known = load_profile(profile)
    write_tables(known, 40, 7, tmp_path / "in")
    told = Settings(profile, ("hub",), KEY, "x", recorded=RECORDED)
    convert_files(told, RunOptions((tmp_path / "in",), tmp_path / "out", max_errors="100%"))
    lines = (tmp_path / "out" / "hub" / "subjects.ndjson").read_bytes().splitlines()
    filled = {slot for line in lines for slot in filled_slots(orjson.loads(line), "Subject")}
    assert len(lines) > 30
    assert filled <= Engine(told).plan.filled | {"Subject.schema_version"}
