"""REDCap exports of synthetic projects for tests: the four forms in which REDCap hands out the same records."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from harmonize.convert import RunOptions, Settings, convert_files
from harmonize.profiles.loading import load_profile
from harmonize.synthesis.tables import write_tables
from tests.registry import ALL_TARGETS, KEY, RECORDED, Run

Record = dict[str, str]
KEYS = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")


def make_records(folder: Path, subjects: int = 30, seed: int = 5) -> list[Record]:
    """The rows of a synthetic flat export."""
    write_tables(load_profile("intl/redcap-rdcdm"), subjects, seed, folder)
    records: list[Record] = json.loads((folder / "records.json").read_text())
    return records


def flat_json(records: list[Record], path: Path) -> None:
    path.write_text(json.dumps(records))


def flat_csv(records: list[Record], path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)


def values(records: list[Record]) -> Iterable[Record]:
    """The same records as single values."""
    for record in records:
        place = {"record": record["record_id"], **{name: record[name] for name in KEYS if name in record}}
        for name, value in record.items():
            if value and name not in (*KEYS, "record_id"):
                yield {**place, "field_name": name, "value": value}


def eav_json(records: list[Record], path: Path) -> None:
    path.write_text(json.dumps(list(values(records))))


def eav_csv(records: list[Record], path: Path) -> None:
    flat_csv(list(values(records)), path)


FORMS: dict[str, tuple[str, Callable[[list[Record], Path], None]]] = {
    "flat JSON": ("export.json", flat_json),
    "flat CSV": ("export.csv", flat_csv),
    "EAV JSON": ("export.json", eav_json),
    "EAV CSV": ("export.csv", eav_csv),
}


def write_export(records: list[Record], form: str, folder: Path) -> Path:
    """*records* in one of the `FORMS`."""
    folder.mkdir(parents=True, exist_ok=True)
    name, write = FORMS[form]
    write(records, folder / name)
    return folder / name


def convert(source: Path, out: Path, profile: str = "intl/redcap-rdcdm", **options: Any) -> Run:
    """Convert *source* with the tests' key and instant."""
    of_run = {name: options.pop(name) for name in ("jobs", "limit", "max_errors") if name in options}
    targets = options.pop("targets", ALL_TARGETS)
    settings = Settings(profile, targets, KEY, "test", recorded=RECORDED, **options)
    return Run(out, convert_files(settings, RunOptions((source,), out, **of_run)))
