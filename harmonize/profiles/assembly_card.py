"""`assemble` of profile.yaml, which its schema has checked: how rows or elements become the source record of a subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harmonize.profiles.specification import Assembly, Group, Join, Reference, Selection, TableAssembly
from harmonize.profiles.xml_assembly import SUBJECT_ELEMENT, lent_slots, xml_assembly


def read_assembly(spec: Mapping[str, Any]) -> Assembly:
    """What `assemble` says, as it stands in profile.yaml."""
    if spec["reader"] == "xml":
        return _xml_assembly(spec)
    tables = []
    for name, table in spec["tables"].items():
        join, group = table.get("join"), table.get("group")
        tables.append(
            TableAssembly(
                name=name,
                file=table.get("file", f"{name}.csv"),
                row_class=table["class"],
                slot=table.get("slot", ""),
                columns=table.get("columns", {}),
                repeats=table.get("repeats", "many") == "many",
                expected=table.get("expected") == "true",
                of_every_subject=table.get("of_every_subject") == "true",
                join=_join(join) if join else None,
                group=Group(group["class"], tuple(group["by"]), group["rows"], tuple(group.get("lift", ())))
                if group
                else None,
                rows_of=table.get("rows_of", name),
                where=_selections(table.get("where", {})),
                unless=_selections(table.get("unless", {})),
            )
        )
    physical = spec.get("delimited", {})
    return Assembly(
        reader=spec["reader"],
        subject=spec["subject"],
        subject_pattern=spec.get("subject_pattern"),
        encoding=physical.get("encoding", "utf-8"),
        delimiter=physical.get("delimiter", ","),
        quote=physical.get("quote", '"'),
        blank=tuple(spec.get("blank", ())),
        missing=spec.get("missing", {}),
        tables=tuple(tables),
        subject_order=spec.get("subject_order", "text"),
        column_blanks=_column_blanks(spec.get("blanks", [])),
        references={name: Reference(**columns) for name, columns in spec.get("references", {}).items()},
    )


def _xml_assembly(spec: Mapping[str, Any]) -> Assembly:
    xml = xml_assembly(spec["xml"], spec["tables"])
    identifiers = frozenset(dialect.identifier for dialect in xml.dialects.values())
    tables = tuple(
        TableAssembly(
            name=f"{table.name} {path}",
            file=path,
            row_class=table.row_class,
            slot=table.slot,
            columns=table.columns,
            repeats=table.repeats,
            expected=False,
            of_every_subject=False,
            join=None,
            group=None,
            rows_of=path,
            element=path,
            identifiers=identifiers if path == SUBJECT_ELEMENT else frozenset(),
            lent=lent_slots(xml, table, path),
        )
        for table in xml.tables.values()
        for path in table.elements
    )
    return Assembly(
        reader="xml",
        subject=spec["subject"],
        subject_pattern=spec.get("subject_pattern"),
        encoding="utf-8",
        delimiter=",",
        quote='"',
        blank=tuple(spec.get("blank", ())),
        missing=spec.get("missing", {}),
        tables=tables,
        subject_order=spec.get("subject_order", "text"),
        column_blanks=_column_blanks(spec.get("blanks", [])),
        xml=xml,
    )


def _join(spec: Mapping[str, Any]) -> Join:
    into = (spec["into"],) if isinstance(spec["into"], str) else tuple(spec["into"])
    return Join(into, spec["slot"], spec["on"], spec.get("when"), spec.get("repeats", "once") == "many")


def _column_blanks(spec: Sequence[Mapping[str, Sequence[str]]]) -> Mapping[str, frozenset[str]]:
    """Column -> texts that are blank in it; what several entries say of a column holds together."""
    made: dict[str, frozenset[str]] = {}
    for item in spec:
        for column in item["columns"]:
            made[column] = made.get(column, frozenset()) | frozenset(item["texts"])
    return made


def _selections(spec: Mapping[str, Any]) -> tuple[Selection, ...]:
    return tuple(
        Selection(column, (texts,) if isinstance(texts, str) else tuple(texts)) for column, texts in spec.items()
    )
