"""Synthetic messages of de/obds for tests: whole documents of oBDS 3, written here, and conversions of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harmonize.convert import RunOptions, Settings, convert_files
from harmonize.profiles.loading import load_profile
from harmonize.terminology.strict_yaml import load_strict_yaml
from tests.registry import ALL_TARGETS, KEY, RECORDED, Run

NAMESPACE = "http://www.basisdatensatz.de/oBDS/XML"
CASES = load_profile("de/obds").folder / "cases"


def message(number: str, body: str = "", *, icd: str = "C61", tumour: str = "1", reason: str = "I") -> str:
    return (
        f'<Meldung Meldung_ID="{number}" Melder_ID="SITE"><Meldebegruendung>{reason}</Meldebegruendung><Eigene_Leistung>J</Eigene_Leistung>'
        f'<Tumorzuordnung Tumor_ID="{tumour}"><Primaertumor_ICD><Code>{icd}</Code><Version>10 2021 GM</Version></Primaertumor_ICD>'
        f'<Diagnosedatum Datumsgenauigkeit="E">2021-03-04</Diagnosedatum></Tumorzuordnung>{body}</Meldung>'
    )


def patient(number: str, messages: Sequence[str], birth: str = "1950-01-01", sex: str = "M") -> str:
    return (
        f'<Patient Patient_ID="{number}"><Patienten_Stammdaten><Geschlecht>{sex}</Geschlecht>'
        f'<Geburtsdatum Datumsgenauigkeit="E">{birth}</Geburtsdatum></Patienten_Stammdaten>'
        f"<Menge_Meldung>{''.join(messages)}</Menge_Meldung></Patient>"
    )


def document(
    patients: Sequence[str], date: str = "2024-06-11", *, version: str = "3.0.4", namespace: str = NAMESPACE
) -> str:
    body = "\n".join(patients)
    return (
        f'<oBDS xmlns="{namespace}" Schema_Version="{version}"><Meldedatum>{date}</Meldedatum>\n'
        f'<Menge_Patient>\n{body}\n</Menge_Patient><Menge_Melder><Melder ID="SITE"/></Menge_Melder></oBDS>\n'
    )


def case_documents(name: str) -> dict[str, str]:
    case, _ = load_strict_yaml(CASES / f"{name}.yaml", name=name)
    documents: dict[str, str] = case["documents"]
    return documents


def convert(
    folder: Path,
    documents: dict[str, str | bytes],
    *,
    schemas: tuple[Path, ...] = (),
    consent: str = "require",
    jobs: int = 1,
) -> Run:
    """The conversion of *documents*, which are written into *folder*."""
    source = folder / "in"
    source.mkdir(parents=True)
    for name, text in documents.items():
        (source / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    settings = Settings("de/obds", ALL_TARGETS, KEY, "test", consent, RECORDED)
    options = RunOptions((source,), folder / "out", jobs=jobs, max_errors="100%", schemas=schemas)
    return Run(folder / "out", convert_files(settings, options))
