"""Sources of every format with a sentinel in every field, and the damages that lead to every error path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.redcap import FORMS, KEYS, make_records, write_export
from tests.registry import make_registry
from tests.sentinel_plugin import Sentinels

SHAPES = (
    "{0}", "http://purl.obolibrary.org/obo/HP_{0}", "1990-{0}", "P{0}Y", "HP:{0}", "snomedct_{0}", " {0} ", '"{0}', "{0}\0", "{0},{0}",
    "\ufeff{0}", "{0}\t", "NM_000138.5:c.{0}", "=cmd|{0}", "<b>{0}</b>", "{0}" * 50,
)  # fmt: skip
Damage = Callable[[bytes, bytes], bytes]
DAMAGES: dict[str, Damage] = {
    "cut off in quotes": lambda data, s: data + b'"' + s,
    "ragged": lambda data, s: data + s + b"," + s + b"\n",
    "latin-1": lambda data, s: data + s + b"\xe4,\n",
    "no header": lambda data, s: data.split(b"\n", 1)[-1].replace(b"DEMO", s),
    "other delimiter": lambda data, s: data.replace(b",", b";").replace(b"DEMO", s),
    "one line": lambda data, s: data.replace(b"\n", s),
    "utf-16": lambda data, s: (s + data).decode().encode("utf-16"),
    "cut in the middle": lambda data, s: data.replace(b"DEMO", s)[: len(data) // 2],
    "binary": lambda data, s: bytes(range(256)) + s + data,
    "markup": lambda data, s: b"<!DOCTYPE x [<!ENTITY e '" + s + b"'>]><x>&e;</x>",
    "braces": lambda data, s: b'{"a": [' * 200 + b'"' + s + b'"',
    "not a number": lambda data, s: data.replace(b"DEMO", s) + b'[{"record_id": NaN, "x": "' + s + b'"}]',
}
TABLES = (
    "Sex", "Birthdate", "Phenotype", "Genetic", "Consent", "Diagnosis", "Laboratory", "Status", "Biobank", "Disability",
    "Hospitalization", "Deathdate", "First_visit",
)  # fmt: skip


def planted_registry(folder: Path, sentinels: Sentinels, shape: str, *, subjects: int, seed: int) -> int:
    """Tables of eu/ern-cde with a sentinel in every cell of every row but the identifier, which keeps rows together."""
    registry = make_registry(folder, subjects=subjects, seed=seed)
    for path in sorted(folder.glob("*.csv")):
        rows = [{**sentinels.planted(row, shape), "pid": row["pid"]} for row in registry.rows(path.stem)]
        registry.write(path.stem, rows)
    return subjects


def planted_export(folder: Path, sentinels: Sentinels, shape: str, *, subjects: int, seed: int, form: str) -> int:
    """An export of intl/redcap-rdcdm with a sentinel in every filled field."""
    records = make_records(folder / "plain", subjects, seed)
    keep = ("record_id", *KEYS)
    planted = [
        {name: value if name in keep or not value else shape.format(sentinels.new()) for name, value in record.items()}
        for record in records
    ]
    (folder / "plain" / "records.json").unlink()
    (folder / "plain").rmdir()
    write_export(planted, form, folder)
    return subjects


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all texts in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from leaves(item, (*path, name))
    if isinstance(value, str):
        yield path


def with_leaf(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """*document* with *value* at *path*."""
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = with_leaf(document[path[0]], path[1:], value)
    return copy


ALL_FORMS = tuple(FORMS)
