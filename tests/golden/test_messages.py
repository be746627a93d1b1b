"""What harmonize says of wrong calls and inputs, word for word: what, where, why and what to do.

Golden files hold the exit code and stderr, with the scratch folder as `~`. HARMONIZE_GOLDEN_UPDATE=1 rewrites them: read
every change as a tired engineer at night would.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from harmonize.output_folder import CHECKPOINT
from tests.hostile.profiles import copy_profile
from tests.hostile.run_cli import harmonize
from tests.registry import Registry, make_registry

FOLDER = Path(__file__).parent
UPDATE = bool(os.environ.get("HARMONIZE_GOLDEN_UPDATE"))
CONVERT = "convert in --profile eu/ern-cde --to hub --out out --pseudonym-key node.key --recorded 2026-01-31T12:00:00Z --quiet"
Prepare = Callable[[Path], object]


class Case(NamedTuple):
    """A call, and what is done in its folder before: a registry in `in/` and a key are there always."""

    name: str
    words: str
    prepare: Prepare = lambda folder: None


def _table(name: str, change: Callable[[bytes], bytes], to: str = "") -> Prepare:
    """The table *name* with its bytes changed, under the file name *to*."""

    def prepare(folder: Path) -> None:
        path = folder / "in" / f"{name}.csv"
        data = change(path.read_bytes())
        path.unlink()
        (path.parent / (to or path.name)).write_bytes(data)

    return prepare


def _file(name: str, text: str) -> Prepare:
    def prepare(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    return prepare


def _rename_column(old: str, new: str) -> Callable[[bytes], bytes]:
    return lambda data: data.replace(old.encode(), new.encode(), 1)


def _profile(file: str, old: str, new: str) -> Prepare:
    """A profile of one's own in `mine/eu/ern-cde`, with a mistake."""

    def prepare(folder: Path) -> None:
        path = copy_profile(folder / "mine") / file
        text = path.read_text("utf-8")
        assert old in text, "the test itself is out of step"
        path.write_text(text.replace(old, new, 1), "utf-8")

    return prepare


def _finished_run(folder: Path) -> None:
    assert harmonize(*CONVERT.split(), cwd=folder).code == 0


def _twice(folder: Path) -> None:
    data = (folder / "in" / "Sex.csv").read_bytes()
    (folder / "in" / "Sex.csv.gz").write_bytes(gzip.compress(data, mtime=0))


def _without_subjects(folder: Path) -> None:
    Registry(folder / "in").change("Phenotype", lambda rows: [row.update(pid="") for row in rows] and None)


COVERAGE_TABLE = (
    "#profile: eu/ern-cde\noutcome\tsystem\tcode\tlabel\tcolumn\tdistinct\trecords\tpersons\tshare\tcumulative\n"
    "not-mapped\tNCIT\tNCIT:C3020\tSeizure\ta.csv/x\t1\t2\t2\t1\t1\n"
)


def _finished_run_and_other_coverage(folder: Path) -> None:
    _finished_run(folder)
    (folder / "x.tsv").write_text(COVERAGE_TABLE.replace("eu/ern-cde", "intl/omop-5.4"), "utf-8")


def _stopped_run(folder: Path) -> None:
    (folder / "stopped" / "private").mkdir(parents=True)
    (folder / "stopped" / CHECKPOINT).write_text("{}", "utf-8")


def _schema(folder: Path) -> None:
    (folder / "x.json").write_text('{"properties": {"pid": {"$ref": "https://example.org/person.json"}}}', "utf-8")


_NEW = "profiles new xx/mine --from"
_PROFILE = "profiles check mine/eu/ern-cde"
REVIEW = "mappings review x.sssom.tsv --reviewer 0000-0002-1825-0097"
CANDIDATES = (
    "#mapping_set_id: https://w3id.org/harmonize/mappings/candidates/eu/ern-cde/HP\n#license: https://w3id.org/sssom/license/unspecified\n"
    "#curie_map:\n#  HP: http://purl.obolibrary.org/obo/HP_\n#  MONDO: http://purl.obolibrary.org/obo/MONDO_\n"
    "subject_id\tpredicate_id\tobject_id\tmapping_justification\n"
    "MONDO:0005027\tskos:exactMatch\tHP:0001250\tsemapv:LexicalMatching\nMONDO:0005027\tskos:exactMatch\tHP:0002069\tsemapv:LexicalMatching\n"
)
CASES = [
    # --- wrong calls ---
    Case("no-key", CONVERT.replace("--pseudonym-key node.key", "")),
    Case("key-missing", CONVERT.replace("node.key", "nod.key")),
    Case("key-open-to-others", CONVERT, lambda folder: (folder / "node.key").chmod(0o644)),
    Case("key-is-none", CONVERT, lambda folder: (folder / "node.key").write_text("password")),
    Case("key-exists", "key new node.key"),
    Case("profile-misspelt", CONVERT.replace("eu/ern-cde", "eu/ern-cd")),
    Case("profile-folder-missing", CONVERT.replace("eu/ern-cde", "./mine")),
    Case("target-misspelt", CONVERT.replace("--to hub", "--to hub,fhir-r3")),
    Case("target-planned", CONVERT.replace("--to hub", "--to omop")),
    Case("target-empty", CONVERT.replace("--to hub", "--to ,")),
    Case("consent-wrong", f"{CONVERT} --consent requir"),
    Case("recorded-wrong", CONVERT.replace("2026-01-31T12:00:00Z", "31.01.2026")),
    Case("recorded-without-zone", CONVERT.replace("12:00:00Z", "12:00:00")),
    Case("max-errors-wrong", f"{CONVERT} --max-errors ten"),
    Case("max-errors-over-100", f"{CONVERT} --max-errors 200%"),
    Case("jobs-zero", f"{CONVERT} --jobs 0"),
    Case("engine-planned", f"{CONVERT} --engine spark"),
    Case("engine-unknown", f"{CONVERT} --engine loca"),
    Case("option-misspelt", f"{CONVERT} --consnt require"),
    Case("verb-misspelt", "convrt in"),
    Case("terminology-diff-no-file", "terminology diff a.sqlite b.sqlite"),
    Case("terminology-diff-no-edition", "terminology diff x.txt x.txt", _file("x.txt", "no database " * 100)),
    Case("terminology-pull-by-hand", "terminology pull ICD10GM"),
    Case("terminology-pull-misspelt", "terminology pull mondo-orphanett"),
    Case("terminology-pull-no-digest", "terminology pull SO"),
    Case("terminology-pull-empty-mirror", "terminology pull mondo-orphanet --mirror ."),
    Case("mappings-add-no-file", "mappings add gem.csv --name gem"),
    Case("mappings-lint-no-set", "mappings lint in"),
    Case("gdi-no-job", "gdi-validate --input nowhere.json --output result.json"),
    Case("mappings-review-no-candidates", "mappings review x.sssom.tsv", _file("x.sssom.tsv", "#mapping_set_id: x:y\nsubject_id\n")),
    Case("mappings-review-nobody", "mappings review x.sssom.tsv --refuse 1", _file("x.sssom.tsv", CANDIDATES)),
    Case("mappings-review-check-digit", "mappings review x.sssom.tsv --refuse 1 --reviewer 0000-0002-1825-0098", _file("x.sssom.tsv", CANDIDATES)),
    Case("mappings-review-no-row", f"{REVIEW} --refuse 3", _file("x.sssom.tsv", CANDIDATES)),
    Case("mappings-review-both", f"{REVIEW} --refuse 1 --accept 1-2", _file("x.sssom.tsv", CANDIDATES)),
    Case("mappings-review-no-licence", f"{REVIEW} --accept 1 --into own.sssom.tsv", _file("x.sssom.tsv", CANDIDATES)),
    Case("mappings-review-not-sound", f"{REVIEW} --accept all --into own.sssom.tsv --license https://spdx.org/licenses/CC0-1.0", _file("x.sssom.tsv", CANDIDATES)),
    Case("mappings-suggest-no-profile", "mappings suggest in --to HP --out x.sssom.tsv"),
    Case("mappings-suggest-not-installed", "mappings suggest x.tsv --to NOSUCH --out x.sssom.tsv", _file("x.tsv", COVERAGE_TABLE)),
    Case("mappings-suggest-no-language", "mappings suggest x.tsv --to HP --language xx --out x.sssom.tsv", _file("x.tsv", COVERAGE_TABLE)),
    Case("mappings-suggest-into-code-maps", "mappings suggest x.tsv --to HP --out codes/x.sssom.tsv", _file("x.tsv", COVERAGE_TABLE)),
    Case("mappings-suggest-no-table", "mappings suggest x.tsv --to HP --out x.sssom.tsv", _file("x.tsv", "#profile: eu/ern-cde\nx\n")),
    Case("mappings-suggest-other-profile", "mappings suggest x.tsv --profile intl/omop-5.4 --to HP --out x.sssom.tsv", _file("x.tsv", COVERAGE_TABLE)),
    Case("mappings-export-format-misspelt", "mappings export uo-ucum --format concept-map-r6 --out x.json"),
    Case("mappings-export-set-misspelt", "mappings export uo-ucumm --format concept-map-r4 --out x.json"),
    Case("mappings-export-out-nowhere", "mappings export uo-ucum --format concept-map-r4 --out nowhere/x.json"),
    Case("mappings-export-no-concept-map", "mappings export x.json --format sssom --out x.tsv", _file("x.json", "{}")),
    Case(
        "mappings-export-broken-set",
        "mappings export x.sssom.tsv --format concept-map-r5 --out x.json",
        _file("x.sssom.tsv", "#mapping_set_id: x:y\nsubject_id\tpredicate_id\tobject_id\n"),
    ),
    Case("out-holds-foreign-files", CONVERT, _file("out/letter.txt", "x")),
    Case("out-is-a-file", CONVERT, _file("out", "x")),
    Case("explain-unknown-rule", "explain terms.obsolet"),
    Case("explain-nothing", "explain"),
    Case("terminology-search-unknown-system", "terminology search seizure --system HPO"),
    Case("terminology-lookup-unknown-code", "terminology lookup HP:9999999"),
    Case("terminology-lookup-no-code", "terminology lookup seizure"),
    Case("terminology-translate-no-code", "terminology translate seizure --to MONDO"),
    Case("terminology-translate-unknown-system", "terminology translate HP:0001250 --to MONDOO"),
    Case("terminology-translate-unknown-predicate", "terminology translate HP:0001250 --to MONDO --predicates xref"),
    Case("terminology-translate-unknown-set", "terminology translate HP:0001250 --to MONDO --set loinc-origins"),
    Case("terminology-translate-set-missing", "terminology translate HP:0001250 --to MONDO --set mine.sssom.tsv"),
    Case("terminology-translate-bad-code", "terminology translate HP:1250 --to MONDO"),
    Case("trace-unknown-subject", "trace out --subject 0000", _finished_run),
    Case("trace-no-run", "trace in --subject 0000"),
    Case("report-no-run", "report build in"),
    Case("report-stopped-run", "report build stopped", _stopped_run),
    Case("report-language-unknown", "report build out --language xx", _finished_run),
    Case("report-coverage-of-other-profile", "report build out --coverage x.tsv", _finished_run_and_other_coverage),
    Case("report-format-needs-run", "report build nowhere --as hub --out made --formats md,operation-outcome"),
    Case("report-format-misspelt", "report build out --formats sarf", _finished_run),
    Case("validate-nothing-there", "validate nowhere --as hub"),
    Case("validate-empty-folder", "validate empty --as fhir-r4", lambda folder: (folder / "empty").mkdir()),
    Case("validate-format-misspelt", "validate in --as fhir-r5x"),
    Case("validate-format-planned", "validate in --as beacon"),
    Case("demo-into-filled-folder", "demo --out in"),
    Case("demo-unknown-profile", "demo --out new --profile eu/ern"),
    Case("schema-unknown-data-set", "schema show hdm"),
    Case("schema-unknown-version", "schema show hmd --version 2.0"),
    Case("schema-version-of-hub", "schema show hub --version 1.0"),
    Case("schema-unknown-format", "schema export hmd --format json"),
    Case("schema-unknown-level", "schema export hmd --format shacl --level mandatry"),
    Case("schema-unknown-petal", "schema export hmd --format shacl --petal cancr"),
    Case("schema-level-without-effect", "schema export hmd --format csv --level mandatory"),
    Case("schema-level-of-hub", "schema export hub --format shacl --level mandatory"),
    Case("schema-xlsx-to-terminal", "schema export hmd --format xlsx"),
    Case("schema-out-nowhere", "schema export goe --format csv --out nowhere/goe.csv"),
    Case("schema-crosswalk-misspelt", "schema crosswalk hmd mcde"),
    Case("schema-crosswalk-none", "schema crosswalk erdri-cds mdc"),
    Case("schema-crosswalk-with-itself", "schema crosswalk hmd hmd"),
    # --- configuration ---
    Case("toml-unknown-option", "doctor", _file("harmonize.toml", 'consnt = "require"\n')),
    Case("toml-broken", "doctor", _file("harmonize.toml", "site = here\n")),
    Case("toml-verb-is-no-table", "doctor", _file("harmonize.toml", 'convert = "in"\n')),
    # --- input ---
    Case("input-missing", CONVERT.replace("convert in", "convert inn")),
    Case("input-glob-without-match", CONVERT.replace("convert in", "convert in/*.tsv")),
    Case("input-without-tables", CONVERT.replace("convert in", "convert other"), _file("other/letter.txt", "x")),
    Case("input-wrong-delimiter", CONVERT, _table("Sex", lambda data: data.replace(b",", b";"))),
    Case("input-empty-file", CONVERT, _table("Sex", lambda data: b"")),
    Case("input-subject-column-misspelt", CONVERT, _table("Sex", _rename_column("pid", "pidd"))),
    Case("input-column-twice", CONVERT, _table("Sex", _rename_column("pid", "valueIRI,pid"))),
    Case("input-utf-16", CONVERT, _table("Sex", lambda data: data.decode().encode("utf-16"))),
    Case("input-gz-cut-off", CONVERT, _table("Sex", lambda data: gzip.compress(data, mtime=0)[:-9], "Sex.csv.gz")),
    Case("input-no-gz", CONVERT, _table("Sex", lambda data: data, "Sex.csv.gz")),
    Case("input-no-zip", CONVERT, _table("Sex", lambda data: data, "Sex.csv.zip")),
    Case("input-table-twice", CONVERT, _twice),
    Case("input-line-too-long", CONVERT, _table("Sex", lambda data: data + b"x" * 4_000_001)),
    Case("input-too-many-columns", CONVERT, _table("Sex", lambda data: b"pid" + b",x" * 5_500)),
    Case("input-quote-never-closed", CONVERT, _table("Sex", lambda data: data + b'DEMO-1,"1')),
    Case("input-unknown-file-among", CONVERT.replace(" --quiet", ""), _table("Phenotype", lambda data: data, "Phenotypes.csv")),
    Case("input-too-many-rejects", CONVERT, _without_subjects),
    # --- profiles ---
    Case("profile-broken-yaml", _PROFILE, _profile("map.yaml", "class_derivations:", "class_derivations: [")),
    Case("profile-unknown-slot", _PROFILE, _profile("map.yaml", "sex_at_birth:", "sex_at_brith:")),
    Case("profile-unknown-function", _PROFILE, _profile("map.yaml", "first(date(birthdate.value)", "first(dat(birthdate.value)")),
    Case("profile-expression-refused", _PROFILE, _profile("map.yaml", "first(date(birthdate.value)", "first(birthdate.value[:4]")),
    Case("profile-unknown-key", _PROFILE, _profile("profile.yaml", "owner:", "ownr: me\nowner:")),
    Case("profile-name-refused", _PROFILE, _profile("source.yaml", "      birthdate:\n", "      birth-date:\n")),
    Case("profile-code-map-missing", _PROFILE, _profile("profile.yaml", "shared:uo-ucum.sssom.tsv", "codes/uo.tsv")),
    Case("profile-pattern-refused", _PROFILE, _profile("profile.yaml", "  subject: pid", "  subject: pid\n  subject_pattern: '(?=D)D.*'")),
    Case("profile-new-no-source", "profiles new xx/mine"),
    Case("profile-new-missing", f"{_NEW} nowhere"),
    Case("profile-new-no-subject", f"{_NEW} in"),
    Case("profile-new-subject-misspelt", f"{_NEW} in --subject pidd"),
    Case("profile-new-values-misspelt", f"{_NEW} in --subject pid --values valueIRl"),
    Case("profile-new-option-of-others", f"{_NEW} in --subject pid --root Patient"),
    Case("profile-new-wrong-encoding", f"{_NEW} in --subject pid", _table("Sex", lambda data: data + b"\xe4,,,,,,\n")),
    Case("profile-new-remote-reference", f"{_NEW} x.json --subject pid", _schema),
    Case("profile-new-of-tables", f"{_NEW} in --subject pid"),
    Case("profile-tab", _PROFILE, _profile("source.yaml", "    tree_root: true", "\ttree_root: true")),
]  # fmt: skip


@cache
def _tables() -> dict[str, bytes]:
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        folder = make_registry(Path(scratch) / "in", subjects=3).folder
        return {path.name: path.read_bytes() for path in folder.glob("*.csv")}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a registry in `in/` and a key."""
    (tmp_path / "in").mkdir()
    for name, data in _tables().items():
        (tmp_path / "in" / name).write_bytes(data)
    key = tmp_path / "node.key"
    key.write_text("00" * 31 + "01\n")
    key.chmod(0o600)
    return tmp_path


def _answer(case: Case, folder: Path) -> str:
    """The exit code and what was said, without what differs from machine to machine."""
    done = harmonize(*case.words.split(), cwd=folder)
    text = done.err + (f"(stdout)\n{done.out}" if case.words.startswith(("profiles", "terminology lookup")) else "")
    text = re.sub(re.escape(str(folder.resolve())) + "|" + re.escape(str(folder)), "~", text)
    return f"$ harmonize {case.words}\nexit {done.code}\n{text}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_messages(case: Case, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")
    case.prepare(place)
    found = _answer(case, place)
    golden = FOLDER / f"{case.name}.txt"
    if UPDATE:
        golden.write_text(found, "utf-8")
    assert golden.is_file(), "no golden file: run with HARMONIZE_GOLDEN_UPDATE=1 and read what it writes"
    assert found == golden.read_text("utf-8")


def test_every_golden_file_has_its_case() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == {case.name for case in CASES}


def test_refusals_say_what_to_do() -> None:
    """A message ends with the way out, or names what is known."""
    for path in FOLDER.glob("*.txt"):
        text = path.read_text("utf-8")
        assert "Traceback" not in text and "internal error" not in text, path.name
        if not text.split("\n")[1].endswith(("exit 0", "exit 1")):
            ways = ("To mend it", "Did you mean", "Known:", "that are:", "Try 'harmonize", "instead", "not available")
            assert any(way in text for way in ways), path.name


def test_the_key_is_not_shown(place: Path) -> None:
    shutil.copy(place / "node.key", place / "harmonize.toml")
    done = harmonize("doctor", cwd=place)
    assert done.code == 2 and "00000000" not in done.err
