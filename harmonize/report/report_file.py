"""Reading and writing `report.json`, the one document that every report is made of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from harmonize.errors import CallError
from harmonize.report.run_report import SCHEMA_VERSION
from harmonize.whole_files import write_whole

REPORT = "report.json"
_SCHEMA = Path(__file__).parent / "generated" / "report.schema.json"
_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
MAX_BYTES = 256 * 1024 * 1024


def report_schema() -> dict[str, Any]:
    """The published JSON Schema of `report.json`."""
    schema: dict[str, Any] = orjson.loads(_SCHEMA.read_bytes())
    return schema


@cache
def _validator() -> Any:
    return jsonschema_rs.validator_for(report_schema())


def report_path(path: Path) -> Path:
    """Where the report of *path* is: a report itself, or that in the folder of a run. Raises CallError."""
    if path.is_file():
        return path
    if (path / REPORT).is_file():
        return path / REPORT
    raise CallError(
        f"{path} holds no {REPORT}: it is no folder of a run, or the run did not end. To mend it: give the --out folder of a "
        "run that ended, or convert again"
    )


def read_report(path: Path) -> dict[str, Any]:
    """The report at *path*, a file or the folder of a run.

    Raises CallError where there is none, where it is of another version, or where it breaks its schema.
    """
    file = report_path(path)
    if file.stat().st_size > MAX_BYTES:
        raise CallError(f"{file} is larger than {MAX_BYTES} bytes: no report is. To mend it: convert again")
    try:
        report = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError:
        raise CallError(f"{file} is no report of harmonize. To mend it: convert again") from None
    version = report.get("schema_version") if isinstance(report, dict) else None
    if not isinstance(version, str):
        raise CallError(f"{file} is no report of harmonize. To mend it: convert again")
    if version != SCHEMA_VERSION:
        raise CallError(
            f"{file} has schema_version {version[:20]!r}; this version of harmonize reads {SCHEMA_VERSION}. To mend it: convert again, "
            "or use the version of harmonize that wrote it"
        )
    if not _validator().is_valid(report):
        error = next(iter(_validator().iter_errors(report)))
        place = "/".join(map(str, error.instance_path)) or "its root"
        raise CallError(f"{file} breaks the schema of reports at {place[:120]}. To mend it: convert again")
    return dict(report)


def report_bytes(report: Mapping[str, Any]) -> bytes:
    """The canonical bytes of *report*: keys in order, two blanks of indent."""
    return orjson.dumps(report, option=_OPTIONS) + b"\n"


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write *report* as the file *path*, aside and renamed. Raises CallError where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, report_bytes(report))
    except OSError as error:
        raise CallError(
            f"{path.name} cannot be written ({error.strerror}). To mend it: free space, or give --out another folder"
        ) from None
