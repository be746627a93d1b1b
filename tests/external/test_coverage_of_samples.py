"""Coverage of sample sets of others: every filled cell of a coded column is counted, and no text of it is shown."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from lxml import etree

from harmonize.curation.coverage import Coverage, as_tsv
from harmonize.mapping_coverage import measure
from tests.shared_data import SHARED

FORMATS = SHARED / "national-formats"
SETS = {
    "eu/ern-cde": FORMATS / "eu-ern-cde-csv" / "samples",
    "intl/omop-5.4": FORMATS / "eu-omop54-csv" / "samples",
    "intl/redcap-rdcdm": FORMATS / "eu-redcap-rarelink" / "samples" / "evco_redcap_records_1-6.json",
}


def measured(profile: str) -> Coverage:
    path = SETS[profile]
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return measure(profile, [path])


def cells(path: Path, column: str, blank: tuple[str, ...] = ("",)) -> int:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return sum(row[column] not in blank for row in csv.DictReader(file))


@pytest.mark.parametrize(("profile", "column", "blank"), [
    ("eu/ern-cde", "Diagnosis.csv/valueIRI", ("",)),
    ("eu/ern-cde", "Phenotype.csv/valueIRI", ("",)),
    ("eu/ern-cde", "Sex.csv/valueIRI", ("",)),
    ("intl/omop-5.4", "condition_occurrence.csv/condition_concept_id", ("",)),
    ("intl/omop-5.4", "measurement.csv/measurement_concept_id", ("",)),
    ("intl/omop-5.4", "visit_occurrence.csv/visit_concept_id", ("",)),
])  # fmt: skip
def test_every_filled_cell_is_counted(profile: str, column: str, blank: tuple[str, ...]) -> None:
    made = measured(profile)
    table, _, name = column.partition("/")
    counted = sum(row.records for row in made.rows if row.column == column)
    assert counted == cells(SETS[profile] / table, name, blank) > 0


def test_what_the_maps_lack_is_found() -> None:
    made = measured("intl/redcap-rdcdm")
    assert {row.code for row in made.rows if row.outcome == "no-target"} == {"UO:0000178", "UO:0000179"}
    assert made.subjects == {"read": 4, "skipped": 2}, "two of the six refused the reuse of their data"


def test_no_source_value_of_a_cdm_is_shown() -> None:
    shown = as_tsv(measured("intl/omop-5.4"))
    for path in sorted(SETS["intl/omop-5.4"].glob("*.csv")):
        with path.open(newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                for column, text in row.items():
                    if column.endswith("_source_value") and len(text) > 4 and not text.isdigit():
                        assert f"\t{text}\t" not in shown


# --- XML ------------------------------------------------------------------------------------------------------------

OBDS = FORMATS / "de-obds-cancer-registry"
DOCUMENTS = sorted(
    path for folder in ("samples/obds-v2", "expected/obds-v3", "samples/dktk-adt") for path in (OBDS / folder).glob("*.xml")
)  # fmt: skip
ONE_TEXT = "values that repeat make one text"
REPLACED = "a newer statement of the document replaces it, with the finding source.superseded"
FEWER = {
    "Diagnose/Menge_Histologie/Histologie/Morphologie_Code": REPLACED,
    "Menge_OP/OP/Residualstatus/Gesamtbeurteilung_Residualstatus": REPLACED,
    "OP/Residualstatus/Gesamtbeurteilung_Residualstatus": REPLACED,
    "Menge_ST/ST/Menge_Nebenwirkung/ST_Nebenwirkung/Nebenwirkung_Art": ONE_TEXT,
    "Menge_SYST/SYST/Menge_Nebenwirkung/SYST_Nebenwirkung/Nebenwirkung_Art": ONE_TEXT,
    "Menge_SYST/SYST/Menge_Substanz/SYST_Substanz": ONE_TEXT,
    "Menge_SYST/SYST/Menge_Therapieart/SYST_Therapieart": ONE_TEXT,
    "SYST/Menge_Substanz/Substanz/Bezeichnung": ONE_TEXT,
}
"""Element in a message -> why fewer cells are counted than stand in a document."""


def elements(path: Path) -> Counter[str]:
    """Path below the patient -> how many elements with text stand there, by lxml alone."""
    found = Counter[str]()
    for person in etree.parse(str(path)).iterfind(".//{*}Patient"):
        for element in person.iter("{*}*"):
            steps = [etree.QName(one).localname for one in (element, *element.iterancestors())]
            found["/".join(reversed(steps[: steps.index("Patient")]))] += bool((element.text or "").strip())
    return found


@pytest.mark.skipif(not DOCUMENTS, reason=f"needs {OBDS}, which is not on this machine")
def test_every_element_that_states_a_code_is_counted() -> None:
    counted, stand, fewer = Counter[str](), Counter[str](), set()
    for path in DOCUMENTS:
        made = measure("de/obds", [path])
        assert sum(made.subjects.values()) == len(etree.parse(str(path)).findall(".//{*}Patient"))
        here, there = Counter[str](), elements(path)
        for row in made.rows:
            here[row.column.partition("/")[2]] += row.records
        for column, records in here.items():
            assert 0 < records <= there[column], (path.name, column)
            if records < there[column]:
                fewer.add(column.removeprefix("Menge_Meldung/Meldung/"))
            counted[column] += records
            stand[column] += there[column]
    assert fewer == set(FEWER)
    icd = [column for column in counted if "Primaertumor_ICD" in column]
    assert len(icd) == 3 and all(counted[column] == stand[column] > 0 for column in icd)
