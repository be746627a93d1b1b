"""A mapping set with changes, as text: what is not changed stays as it is written, so that a version control shows what is.

SSSOM TSV: metadata in lines that begin with #, a line of columns, rows. https://mapping-commons.github.io/sssom/spec-formats-tsv/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from harmonize.curation.mapping_table import MappingTable, parse_mapping_table, quoted
from harmonize.errors import SpecificationError

_VERSION_LINE = re.compile(r"#\s*sssom_version:")
_PREFIXES_LINE = re.compile(r"#curie_map:\s*$")


@dataclass(frozen=True)
class Amendments:
    """What is to be changed in a table."""

    version: str
    """The version of SSSOM that the columns ask for."""
    prefixes: Mapping[str, str] = field(default_factory=dict)
    """Prefix -> start of its IRIs, for those that the set does not declare yet."""
    cells: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """Line -> column -> new text."""
    rows: Sequence[Mapping[str, str]] = ()
    """Rows to add at the end."""


def amended(text: str, name: str, changes: Amendments) -> str:
    """The mapping set *text* of the file *name* with *changes*. Raises SpecificationError where it is no table."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = [line.rstrip("\r") for line in text.split("\n")]
    table = parse_mapping_table(lines, name)
    stated = {column for cells in (*changes.cells.values(), *changes.rows) for column, text in cells.items() if text}
    more = [column for column in _in_order(changes) if column in stated and column not in table.columns]
    columns = (*table.columns, *more)
    rows = [(line, row) for line, row in enumerate(lines, start=1) if line > table.header_line and row.strip()]
    body = [_row(table, line, changes, columns) or row + "\t" * len(more) for line, row in rows]
    body += ["\t".join(quoted(cells.get(column, "")) for column in columns) for cells in changes.rows]
    return end.join([*_head(lines[: table.header_line - 1], table, changes), "\t".join(columns), *body, ""])


def _in_order(changes: Amendments) -> Iterable[str]:
    """Every column that is named, each once, as the rows name them."""
    return dict.fromkeys(column for cells in (*changes.rows, *changes.cells.values()) for column in cells)


def _row(table: MappingTable, line: int, changes: Amendments, columns: Sequence[str]) -> str:
    """The changed row of *line*; the empty text where nothing is changed."""
    new = changes.cells.get(line)
    if new is None:
        return ""
    old = next(row for row in table.rows if row.line == line)
    return "\t".join(quoted(new.get(column, old[column])) for column in columns)


def _head(lines: Sequence[str], table: MappingTable, changes: Amendments) -> list[str]:
    """The metadata, with a line more or less; as YAML writes them where that is not enough."""
    wanted = {**table.meta, "sssom_version": changes.version, "curie_map": {**table.iris, **changes.prefixes}}
    made = list(lines)
    if table.meta.get("sssom_version") != changes.version:
        others = (line for line in lines if not _VERSION_LINE.match(line))
        made = [f'#sssom_version: "{changes.version}"', *others]
    place = next((number for number, line in enumerate(made) if _PREFIXES_LINE.match(line)), None)
    if place is not None:
        made[place + 1 : place + 1] = [f"#  {prefix}: {iri}" for prefix, iri in changes.prefixes.items()]
    if _metadata_in(made, table.name) == wanted:
        return made
    return [
        f"#{line}" for line in yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True, width=10**9).splitlines()
    ]


def _metadata_in(lines: Sequence[str], name: str) -> Mapping[str, object] | None:
    """The metadata in *lines*; None where they are none, as where a line stands beside a mapping in braces."""
    try:
        return parse_mapping_table([*lines, "subject_id"], name).meta
    except SpecificationError:
        return None
