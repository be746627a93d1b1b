"""Coverage of a data set by the maps of a profile: counts that anybody can count, and no text of the source."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from typer.testing import CliRunner

from harmonize.cli.main import app
from harmonize.curation.coverage import (
    MOST_TEXTS,
    NOT_SHOWN,
    SHARED_BY,
    CodeOutcome,
    Coverage,
    Fact,
    Tally,
    as_tsv,
    coverage,
    digest,
    read_tsv,
)
from harmonize.errors import InputError
from harmonize.mapping_coverage import measure
from harmonize.profiles.loading import load_profile
from harmonize.synthesis.tables import write_tables
from tests.obds import document, message, patient
from tests.registry import Registry
from tests.unit.profiles.test_nested_rows import profile as nested_profile

NCIT = "http://purl.obolibrary.org/obo/NCIT_"
SECRET = "Maria Musterfrau, 1961"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Twelve synthetic persons; the sex of four is a code that the map lacks, a diagnosis is a name."""
    folder = tmp_path_factory.mktemp("registry") / "in"
    write_tables(load_profile("eu/ern-cde"), 12, 5, folder)
    made = Registry(folder)
    sexes = made.rows("Sex")
    for number, row in enumerate(sexes):
        row["valueIRI"] = f"{NCIT}C{999991 if number < 3 else 999992 if number == 3 else 16576}"
    made.write("Sex", sexes)
    diagnoses = made.rows("Diagnosis")
    diagnoses[0]["valueIRI"] = SECRET
    made.write("Diagnosis", diagnoses)
    return made


@pytest.fixture(scope="module")
def measured(registry: Registry) -> Coverage:
    return measure("eu/ern-cde", [registry.folder])


def rows_of(made: Coverage, column: str) -> dict[tuple[str, str], tuple[int, int]]:
    return {(row.outcome.value, row.code): (row.records, row.persons) for row in made.rows if row.column == column}


def test_codes_are_counted_by_outcome(measured: Coverage) -> None:
    assert rows_of(measured, "Sex.csv/valueIRI") == {
        ("exact", "NCIT:C16576"): (8, 8),
        ("not-mapped", "NCIT:C999991"): (3, 3),
        ("not-mapped", "NCIT:C999992"): (1, 1),
    }


def test_every_filled_cell_is_counted_once(measured: Coverage, registry: Registry) -> None:
    counted = Counter[str]()
    for row in measured.rows:
        counted[row.column] += row.records
    for table, column in (
        ("Sex", "valueIRI"),
        ("Diagnosis", "valueIRI"),
        ("Phenotype", "valueIRI"),
        ("Status", "valueIRI"),
    ):
        assert counted[f"{table}.csv/{column}"] == sum(bool(row[column]) for row in registry.rows(table)) > 0


def test_the_pareto_list(measured: Coverage) -> None:
    pareto = [
        (row.column.partition("/")[0], row.code, row.records, round(up_to, 3)) for row, _, up_to in measured.pareto()
    ]
    assert pareto == [
        ("Sex.csv", "NCIT:C999991", 3, 0.5),
        ("Diagnosis.csv", "", 1, 0.667),
        ("Sex.csv", "NCIT:C999992", 1, 0.833),
        ("Status.csv", "NCIT:C49634", 1, 1.0),
    ]


def test_no_text_of_the_source_is_shown(measured: Coverage, registry: Registry) -> None:
    called = CliRunner().invoke(app, ["mappings", "coverage", str(registry.folder), "--profile", "eu/ern-cde"])
    assert called.exit_code == 0 and NOT_SHOWN in called.output
    shown = as_tsv(measured) + json.dumps(measured.as_json()) + called.output
    assert not any(word in shown for word in SECRET.replace(",", "").split())
    people = {row["pid"] for row in registry.rows("Sex")}
    assert not any(f"\t{person}\t" in shown for person in people)


def test_whatever_jobs_are_the_same_comes_out(measured: Coverage, registry: Registry, monkeypatch: Any) -> None:
    monkeypatch.setattr("harmonize.mapping_coverage.BATCH_SUBJECTS", 5)
    assert as_tsv(measure("eu/ern-cde", [registry.folder], jobs=2)) == as_tsv(measured)


def test_the_table_is_read_back(measured: Coverage, tmp_path: Path) -> None:
    path = tmp_path / "c.tsv"
    path.write_text(as_tsv(measured))
    back = read_tsv(path)
    assert (back.profile, back.subjects, sorted(back.rows)) == ("eu/ern-cde", {"read": 12}, sorted(measured.rows))
    path.write_text(as_tsv(measured).replace("\t8\t", "\teight\t"))
    with pytest.raises(InputError, match=r"c\.tsv, row \d+: .*To mend it"):
        read_tsv(path)
    path.write_text("a\tb\n")
    with pytest.raises(InputError, match="columns"):
        read_tsv(path)


def test_who_refused_is_left_out(registry: Registry, tmp_path: Path) -> None:
    copy = tmp_path / "in"
    copy.mkdir()
    for path in registry.folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    person = registry.rows("Sex")[0]["pid"]
    consents = [row for row in registry.rows("Consent") if row["pid"] != person]
    refusal = dict.fromkeys(registry.rows("Consent")[0], "") | {
        "pid": person,
        "valueIRI": "http://purl.obolibrary.org/obo/DUO_0000001",
        "value": "false",
    }
    Registry(copy).write("Consent", [*consents, refusal])
    made = measure("eu/ern-cde", [copy])
    assert made.subjects == {"read": 11, "skipped": 1}
    assert rows_of(made, "Sex.csv/valueIRI")["not-mapped", "NCIT:C999991"] == (2, 2)


def test_words_of_a_list_are_shown_and_others_are_not(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    kinds = ["frozen (SPREC:Storage_B) | SPREC:Storage_Q | the fridge", "frozen (SPREC:Storage_B)", "unknown", "Maria"]
    with (source / "Sample.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([["pid", "sample", "kinds"], *([str(n), f"s{n}", text] for n, text in enumerate(kinds))])
    found = rows_of(measure(str(nested_profile(tmp_path / "p")), [source]), "Sample.csv/kinds")
    assert found == {
        ("not-checked", "SPREC:Storage_B"): (2, 2),
        ("not-checked", "SPREC:Storage_Q"): (1, 1),
        ("not-mapped", ""): (2, 2),
        ("no-value", ""): (1, 1),
    }


def fact(code: str, *, public: bool, text: bytes = b"") -> Fact:
    return Fact("a.csv/x", CodeOutcome.NOT_CHECKED, "SNOMEDCT", code, "", public, text)


@pytest.mark.parametrize(("persons", "public", "shown"), [
    (SHARED_BY, False, True), (SHARED_BY - 1, False, False), (1, True, True),
])  # fmt: skip
def test_bare_digits_are_shown_where_several_persons_share_them(persons: int, public: bool, shown: bool) -> None:
    tally = Tally()
    for _ in range(persons):
        tally.add([fact("SNOMEDCT:73211009", public=public)] * 2)
    tally.add([fact("", public=False, text=digest("a")), fact("", public=False, text=digest("b"))])
    rows = coverage("x", tally).rows
    assert [row.code for row in rows if row.code] == ["SNOMEDCT:73211009"] * shown
    assert sum(row.records for row in rows) == 2 * persons + 2
    (hidden,) = [row for row in rows if not row.code]
    assert hidden.distinct == (2 if shown else 3)


def test_memory_is_bounded_by_distinct_codes() -> None:
    tally = Tally()
    for number in range(MOST_TEXTS + 50):
        tally.add([fact("", public=False, text=digest(str(number)))])
    (row,) = coverage("x", tally).rows
    assert (row.distinct, row.records) == (MOST_TEXTS, MOST_TEXTS + 50)
    assert len(tally.records) == 1


# --- XML ------------------------------------------------------------------------------------------------------------

EVENT = (
    '<Verlauf Verlauf_ID="{number}"><Meldeanlass>statusaenderung</Meldeanlass>'
    '<Untersuchungsdatum_Verlauf Datumsgenauigkeit="E">{date}</Untersuchungsdatum_Verlauf>'
    "<Gesamtbeurteilung_Tumorstatus>{status}</Gesamtbeurteilung_Tumorstatus></Verlauf>"
)


@pytest.fixture
def registry_xml(tmp_path: Path) -> Path:
    """Two documents of three persons: one is in both; one tumour is stated by three messages; a status that no list has."""
    seen = [EVENT.format(number=n, date=f"2022-0{n}-01", status=s) for n, s in enumerate("VBB", start=1)]
    first = [
        patient("1", [message("m1", seen[0]), message("m2", seen[1])]),
        patient("2", [message("m4", seen[0], icd="C50.1")], sex="W"),
    ]
    second = [
        patient("1", [message("m3", seen[2])]),
        patient("3", [message("m5", seen[0].replace(">V<", f">{SECRET}<"), icd=SECRET)]),
    ]
    folder = tmp_path / "xml"
    folder.mkdir()
    (folder / "a.xml").write_text(document(first))
    (folder / "b.xml").write_text(document(second, "2024-07-01"))
    return folder


def elements(folder: Path) -> dict[str, Counter[str]]:
    """Path below the patient -> how often each text stands there, by lxml alone."""
    found: dict[str, Counter[str]] = {}
    for path in sorted(folder.glob("*.xml")):
        tree = etree.parse(str(path))
        for person in tree.iterfind(".//{*}Patient"):
            for element in person.iter("{*}*"):
                steps = [etree.QName(one).localname for one in (element, *element.iterancestors())]
                name = "/".join(reversed(steps[: steps.index("Patient")]))
                if (element.text or "").strip():
                    found.setdefault(name, Counter())[element.text] += 1
    return found


@pytest.mark.parametrize("path", [
    "Menge_Meldung/Meldung/Tumorzuordnung/Primaertumor_ICD/Code",
    "Menge_Meldung/Meldung/Verlauf/Gesamtbeurteilung_Tumorstatus",
    "Patienten_Stammdaten/Geschlecht",
])  # fmt: skip
def test_every_element_that_states_a_code_is_counted_once(registry_xml: Path, path: str) -> None:
    made = measure("de/obds", [registry_xml])
    assert made.subjects == {"read": 3}
    counted = sum(row.records for row in made.rows if row.column == f"*.xml/{path}")
    assert counted == elements(registry_xml)[path].total() > 2


def test_codes_of_xml_by_outcome(registry_xml: Path) -> None:
    made = measure("de/obds", [registry_xml])
    status = rows_of(made, "*.xml/Menge_Meldung/Meldung/Verlauf/Gesamtbeurteilung_Tumorstatus")
    assert status == {
        ("not-checked", "OBDS:overall-V"): (2, 2),
        ("not-checked", "OBDS:overall-B"): (2, 1),
        ("not-mapped", ""): (1, 1),
    }
    sums = {
        (column, system): by_outcome for column, system, by_outcome in made.columns() if column.endswith("ICD/Code")
    }
    assert [by_outcome for (_, system), by_outcome in sums.items() if system == "ICD10GM"] == [
        {CodeOutcome.NOT_CHECKED: (2, 4, 2)}
    ]
    assert not any(row.column.endswith("/Version") for row in made.rows), "an edition is no code"
    assert not any(word in as_tsv(made) for word in SECRET.replace(",", "").split())


def test_one_document_is_counted_under_its_name(registry_xml: Path) -> None:
    made = measure("de/obds", [registry_xml / "a.xml"])
    assert {row.column.partition("/")[0] for row in made.rows} == {"a.xml"}


def test_xml_comes_out_the_same_whatever_jobs_are(registry_xml: Path, monkeypatch: Any) -> None:
    made = as_tsv(measure("de/obds", [registry_xml]))
    monkeypatch.setattr("harmonize.mapping_coverage.BATCH_SUBJECTS", 1)
    assert as_tsv(measure("de/obds", [registry_xml], jobs=2)) == made


def test_a_new_statement_replaces_the_old_one_in_the_counts(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(document([patient("1", [message("m1", icd="C61")])], "2024-01-01"))
    (tmp_path / "b.xml").write_text(document([patient("1", [message("m2", icd="C50.1")])], "2024-07-01"))
    made = measure("de/obds", [tmp_path])
    counted = [row.records for row in made.rows if row.column.endswith("Primaertumor_ICD/Code")]
    assert counted == [1], "the code that is not carried is none that a map could translate"


def test_candidates_for_codes_of_xml(registry_xml: Path, tmp_path: Path) -> None:
    out = tmp_path / "c.sssom.tsv"
    called = CliRunner().invoke(app, ["mappings", "suggest", str(registry_xml), "--profile", "de/obds", "--to", "HP",
                                      "--kept", "--out", str(out)])  # fmt: skip
    assert called.exit_code == 0, called.output
    assert "candidates for 2 codes" in called.output and "/candidates/de/obds/HP" in out.read_text()
