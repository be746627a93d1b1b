"""What somebody writes who needs one format and one target today: OMOP CSV to Phenopackets, by hand, without a hub.

csv, dicts and orjson; tables in the order of the persons; no check, no account, no finding, no report. It makes the same
packets as harmonize does of the synthetic CDM, which `tests.bench` compares before it compares the times.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from harmonize.pseudonyms import PseudonymKey

_PREFIXES = {"SNOMED": "SNOMEDCT", "LOINC": "LOINC", "RxNorm": "RXNORM", "ICD10CM": "ICD10CM", "UCUM": "UCUM"}
_SEX = {"8507": "MALE", "8532": "FEMALE"}


def _concepts(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "concept.csv").open(newline="", encoding="utf-8") as file:
        return {
            row["concept_id"]: {
                "id": f"{_PREFIXES[row['vocabulary_id']]}:{row['concept_code']}",
                "label": row["concept_code"] if row["vocabulary_id"] == "UCUM" else row["concept_name"],
            }
            for row in csv.DictReader(file)
            if row["vocabulary_id"] in _PREFIXES
        }


class _Table:
    """A table in the order of the persons: its columns by name, its rows by person."""

    def __init__(self, folder: Path, name: str) -> None:
        self._file = (folder / f"{name}.csv").open(newline="", encoding="utf-8")
        reader = csv.reader(self._file)
        self.at = {column: index for index, column in enumerate(next(reader))}
        self._groups = groupby(reader, key=itemgetter(self.at["person_id"]))
        self._head: tuple[str, Iterator[list[str]]] | None = next(self._groups, None)

    def of(self, person: str) -> list[list[str]]:
        """The rows of *person*."""
        if self._head is None or self._head[0] != person:
            return []
        rows = list(self._head[1])
        self._head = next(self._groups, None)
        return rows

    def close(self) -> None:
        self._file.close()


def convert(
    folder: Path, out: Path, key: PseudonymKey, site: str, meta: dict[str, Any], resources: dict[str, Any]
) -> None:
    """Write the packets of the CDM in *folder* to *out*, one a line."""
    concepts = _concepts(folder)
    names = ("condition_occurrence", "measurement", "observation", "procedure_occurrence", "drug_exposure")
    tables = {name: _Table(folder, name) for name in names}
    condition, measurement, observation, procedure, drug = (tables[name].at for name in names)
    c = itemgetter(*(condition[n] for n in ("condition_concept_id", "condition_start_date", "condition_end_date")))
    m = itemgetter(
        *(measurement[n] for n in ("measurement_concept_id", "measurement_date", "value_as_number", "unit_concept_id"))
    )
    o = itemgetter(*(observation[n] for n in ("observation_concept_id", "observation_date", "value_as_concept_id")))
    p = itemgetter(*(procedure[n] for n in ("procedure_concept_id", "procedure_date", "procedure_end_date")))
    d = drug["drug_concept_id"]
    with (folder / "person.csv").open(newline="", encoding="utf-8") as persons, out.open("wb") as packets:
        for row in csv.DictReader(persons):
            person = row["person_id"]
            subject = key.pseudonym(site, "subject", person)
            measurements = []
            for code, day, value, unit in map(m, tables["measurement"].of(person)):
                quantity = {"unit": concepts[unit]}
                if float(value):
                    quantity["value"] = float(value)
                time = {"timestamp": f"{day}T00:00:00Z"}
                measurements.append({"assay": concepts[code], "value": {"quantity": quantity}, "timeObserved": time})
            for code, day, value in map(o, tables["observation"].of(person)):
                time = {"timestamp": f"{day}T00:00:00Z"}
                measurements.append(
                    {"assay": concepts[code], "value": {"ontologyClass": concepts[value]}, "timeObserved": time}
                )
            diseases = []
            for code, start, end in map(c, tables["condition_occurrence"].of(person)):
                disease = {"term": concepts[code], "onset": {"timestamp": f"{start}T00:00:00Z"}}
                if end:
                    disease["resolution"] = {"timestamp": f"{end}T00:00:00Z"}
                diseases.append(disease)
            actions: list[dict[str, Any]] = []
            for code, start, end in map(p, tables["procedure_occurrence"].of(person)):
                interval = {"start": f"{start}T00:00:00Z", "end": f"{end}T00:00:00Z"}
                actions.append({"procedure": {"code": concepts[code], "performed": {"interval": interval}}})
            actions += [
                {"treatment": {"agent": concepts[exposure[d]]}} for exposure in tables["drug_exposure"].of(person)
            ]
            born = f"{row['year_of_birth']}-{row['month_of_birth']:>02}-{row['day_of_birth']:>02}T00:00:00Z"
            packet = {
                "id": key.pseudonym(site, "phenopacket", subject),
                "subject": {"id": subject, "dateOfBirth": born, "sex": _SEX[row["gender_concept_id"]]},
                "measurements": measurements,
                "diseases": diseases,
                "medicalActions": actions,
            }
            used = {
                "LOINC": measurements,
                "SNOMEDCT": diseases,
                "RXNORM": actions,
                "UCUM": measurements,
            }
            packet["metaData"] = {
                **meta,
                "resources": [resources[prefix] for prefix in sorted(used) if used[prefix]],
                "phenopacketSchemaVersion": "2.0",
            }
            packets.write(orjson.dumps(packet) + b"\n")
    for table in tables.values():
        table.close()


def digest(path: Path) -> str:
    """SHA-256 of a file: harmonize computes one of all that it writes, so the times are compared with it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
