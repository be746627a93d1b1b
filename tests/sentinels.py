"""Unique texts planted in fields, and the search for them wherever harmonize writes or speaks."""

from __future__ import annotations

import contextlib
import io
import logging
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harmonize.errors import HarmonizeError
from harmonize.safe_messages import safe_message
from tests.registry import Registry, convert

# What a record says of a person may stand in the documents of the targets; nowhere else.
DOCUMENTS = ("hub", "fhir-r4", "phenopackets")


@dataclass
class Planted:
    """What was planted and what came out."""

    sentinels: list[str] = field(default_factory=list)
    spoken: str = ""
    files: dict[str, bytes] = field(default_factory=dict)

    def leaks(self) -> list[str]:
        """Sentinels that stand where no patient's value may stand."""
        found = [f"{s} was spoken" for s in self.sentinels if s in self.spoken]
        for name, data in self.files.items():
            found += [f"{s} stands in {name}" for s in self.sentinels if s.encode() in data]
        return found


def sentinel(number: int) -> str:
    """A text that no program makes by chance."""
    return f"Zyx{number:05d}Qvk"


@contextlib.contextmanager
def listening(planted: Planted) -> Iterator[None]:
    """Collect stdout, stderr, logs and what an exception would say."""
    out, handler_out = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(handler_out)
    logging.getLogger().addHandler(handler)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            yield
    except HarmonizeError as error:
        planted.spoken += str(error) + "".join(traceback.format_exception_only(error)) + safe_message(error)
    except Exception as error:
        planted.spoken += safe_message(error)
        raise
    finally:
        logging.getLogger().removeHandler(handler)
        planted.spoken += out.getvalue() + handler_out.getvalue()


def convert_and_collect(registry: Registry, out: Path, planted: Planted) -> None:
    """Convert and read everything that is no document of a target."""
    with listening(planted):
        run = convert(registry.folder, out, max_errors="100%")
        planted.spoken += str(run.outcome.report) + str(run.outcome.manifest)
    for path in out.rglob("*"):
        if path.is_file() and path.relative_to(out).parts[0] not in DOCUMENTS:
            planted.files[str(path.relative_to(out))] = path.read_bytes()


def plant_everywhere(registry: Registry, shape: str = "{}") -> Planted:
    """A sentinel in the second row of every column of every table; the subject's identifier is one too."""
    planted = Planted()
    for path in sorted(registry.folder.glob("*.csv")):
        rows = registry.rows(path.stem)
        if len(rows) < 2:
            continue
        for column in rows[0]:
            text = shape.format(sentinel(len(planted.sentinels)))
            planted.sentinels.append(sentinel(len(planted.sentinels)))
            rows[1][column] = text
        registry.write(path.stem, rows)
    return planted


def plant_subject(registry: Registry) -> Planted:
    """One subject whose identifier is a sentinel in every table, so that its rows are joined and converted."""
    planted = Planted([sentinel(77_777)])
    for path in sorted(registry.folder.glob("*.csv")):
        rows = registry.rows(path.stem)
        for row in rows:
            if row["pid"] == "DEMO-00000003":
                row["pid"] = planted.sentinels[0]
        registry.write(path.stem, rows)
    return planted
