"""SSSOM TSV as its curators see it: every metadatum, every column, every cell as it is written. Read to be judged or exchanged.

`terminology.sssom` reads the same files for the run, strictly. Here only what makes a file no table is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harmonize.errors import SpecificationError
from harmonize.terminology.sssom import MAX_BYTES, cells_of
from harmonize.terminology.strict_yaml import load_strict_yaml


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row and its line in the file; `cells` by column. A row that does not fit its header has what is there."""

    line: int
    cells: Mapping[str, str]
    width: int

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class MappingTable:
    """A mapping set as it is written."""

    name: str
    meta: Mapping[str, Any]
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    header_line: int = 1

    @property
    def iris(self) -> dict[str, str]:
        """The prefixes that the set declares, and the starts of their IRIs."""
        return {str(prefix): str(iri) for prefix, iri in self.meta.get("curie_map", {}).items()}


def read_mapping_table(path: Path) -> MappingTable:
    """Read *path*. Raises SpecificationError where it is no table of SSSOM at all."""
    name = path.name
    if path.stat().st_size > MAX_BYTES:
        raise SpecificationError(f"larger than {MAX_BYTES} bytes", file=name)
    try:
        lines = path.read_text("utf-8").split("\n")
    except UnicodeDecodeError:
        raise SpecificationError("not UTF-8", file=name, fix="convert it to UTF-8") from None
    return parse_mapping_table(lines, name)


def parse_mapping_table(lines: Sequence[str], name: str) -> MappingTable:
    """The table in *lines*."""
    start = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    meta, _ = load_strict_yaml("\n".join(line[1:].rstrip("\r") for line in lines[:start]) or "{}", name=name)
    if not isinstance(meta, dict) or not isinstance(meta.get("curie_map", {}), dict):
        raise SpecificationError("the metadata, or curie_map in them, are no mapping", file=name, line=1)
    columns = tuple(lines[start].rstrip("\r").split("\t")) if start < len(lines) else ("",)
    if "subject_id" not in columns or len(set(columns)) != len(columns):
        what = "a column stands twice" if "subject_id" in columns else "there is no column subject_id"
        raise SpecificationError(what, file=name, line=start + 1, fix="write an SSSOM TSV file")
    rows = []
    for number, line in enumerate(lines[start + 1 :], start=start + 2):
        if line.strip():
            cells = cells_of(line.rstrip("\r"), number, name)
            rows.append(TableRow(number, dict(zip(columns, cells, strict=False)), len(cells)))
    return MappingTable(name, meta, columns, tuple(rows), start + 1)


def mapping_table_text(table: MappingTable) -> str:
    """The table as SSSOM TSV."""
    meta = yaml.safe_dump(dict(table.meta), sort_keys=False, allow_unicode=True, width=10**9) if table.meta else ""
    lines = [f"#{line}" for line in meta.splitlines()]
    lines.append("\t".join(table.columns))
    lines += ["\t".join(quoted(row[column]) for column in table.columns) for row in table.rows]
    return "\n".join(lines) + "\n"


def quoted(cell: str) -> str:
    """*cell* as it stands between tabs."""
    return '"' + cell.replace('"', '""') + '"' if '"' in cell or "\t" in cell else cell
