"""`harmonize trace`: which file, row, column and rule made an element, from the plan and the lineage of a run.

`private/lineage.ndjson` keeps for each subject the rows of every file and of every object of the hub record. The plan knows
which columns feed which slot by which line of map.yaml. Values are shown only where the input is given again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

import harmonize
from harmonize.errors import CallError
from harmonize.hub.objects import HubObject, hub_object
from harmonize.input.opening import Opening
from harmonize.input.subjects import RowsOutOfOrder
from harmonize.output_folder import ndjson_files, read_manifest
from harmonize.profiles.expressions import paths_of
from harmonize.profiles.loading import load_profile
from harmonize.profiles.source_record import Rows
from harmonize.profiles.specification import ClassDerivation, Profile, SlotDerivation
from harmonize.pseudonyms import key_from_secret
from harmonize.readers import open_source
from harmonize.writers import TargetLog, WriterContext, load_writer


class Origin(NamedTuple):
    """Where an element comes from. `rule` is the derivation and its line in map.yaml; `value` only where input is given."""

    path: str
    file: str
    row: int | None
    column: str
    rule: str
    value: str | None

    def as_json(self) -> dict[str, Any]:
        """The origin, `value` left out where it is not known."""
        document = self._asdict()
        if self.value is None:
            del document["value"]
        return document


def trace(folder: Path, subject: str, path: str | None, inputs: Sequence[Path]) -> list[Origin]:
    """Where the elements of *subject* at or below *path* come from.

    *path* is a JSON Pointer into the hub record, or `TARGET:/...`: `phenopackets:/phenotypicFeatures/3`,
    `fhir-r4:/Observation/<id>`. Raises CallError where the run, the subject or the element is not there.
    """
    manifest = read_manifest(folder)
    profile = load_profile(manifest["profile"].get("folder", manifest["profile"]["id"]))
    if profile.sha256 != manifest["profile"]["sha256"]:
        raise CallError(
            f"the run used another version of the profile {profile.id}. To mend it: install the version of the manifest"
        )
    lineage = _line(folder, "private/lineage", "subject", subject)
    lineage["rows"] = {
        file: [number for first, last in ranges for number in range(first, last + 1)]
        for file, ranges in lineage["rows"].items()
    }
    wanted = "" if path is None else _hub_path(folder, manifest, subject, path)
    if profile.assembly.xml is not None:
        return _of_tree(profile, inputs, lineage["rows"], folder, wanted)
    values = _values(profile, inputs, lineage["rows"], folder) if inputs else {}
    read = {column for columns in manifest["counts"]["values"].values() for column in columns}
    record = _record(folder, subject) if "hub" in manifest["targets"] else None
    found = [
        origin
        for origin in _origins(_Traced(profile, manifest["tables"], lineage, values))
        if f"{origin.file}/{origin.column}" in read
        and _is_at(origin.path, wanted)
        and (record is None or _holds(record, origin.path))
    ]
    if not found:
        raise CallError(f"nothing of this subject was made at {path}. To mend it: leave --path out to see every path")
    return found


def _of_tree(profile: Profile, inputs: Sequence[Path], rows: Rows, folder: Path, wanted: str) -> list[Origin]:
    """The origins of a subject of XML, which is made again from its documents."""
    from harmonize.tree_trace import traced_cells  # lxml is imported where it is used

    if not inputs:
        raise CallError("XML is traced in its documents. To mend it: give the input of the run with --input")
    found = [
        Origin(at, cell.file, cell.row, cell.column or "", rule, text)
        for at, cell, rule, text in traced_cells(profile, inputs, rows, folder / "private")
        if _is_at(at, wanted)
    ]
    if not found:
        raise CallError("nothing of this subject was made there. To mend it: leave --path out to see every path")
    return found


def _record(folder: Path, subject: str) -> HubObject:
    """The hub record of *subject* as the run wrote it."""
    record: HubObject = hub_object(_line(folder, "hub/subjects", "subject_id", subject))
    return record


def _holds(record: Any, path: str) -> bool:
    """Whether there is something at *path* of the record."""
    for part in path.split("/")[1:]:
        if isinstance(record, list):
            if not part.isdigit() or int(part) >= len(record):
                return False
            record = record[int(part)]
        elif isinstance(record, dict) and part in record:
            record = record[part]
        else:
            return False
    return True


def _is_at(path: str, wanted: str) -> bool:
    """Whether *path* is *wanted*, stands below it, or holds it."""
    return path == wanted or path.startswith(f"{wanted}/") or wanted.startswith(f"{path}/")


def _line(folder: Path, stem: str, name: str, value: str) -> dict[str, Any]:
    """The document of `<stem>.ndjson`, or of its shards, in which *name* is *value*."""
    files = ndjson_files(folder, stem)
    if not files:
        raise CallError(
            f"{folder / stem}.ndjson is not there. To mend it: give the folder of a finished run that still has "
            f"{stem.partition('/')[0]}/"
        )
    needle = value.encode()
    for line in _lines(files):
        if needle in line:
            document: dict[str, Any] = orjson.loads(line)
            if document.get(name) == value:
                return document
    raise CallError("the run holds no such subject. To mend it: give the pseudonym as it stands in the output")


def _lines(files: Sequence[Path]) -> Iterator[bytes]:
    for file in files:
        with file.open("rb") as lines:
            yield from lines


# --- elements and the rows that made them ---------------------------------------------------------------------------


class _Traced(NamedTuple):
    """What is the same for all elements of a subject."""

    profile: Profile
    files: Mapping[str, str]
    """Physical table -> its file."""
    lineage: Mapping[str, Any]
    values: Mapping[tuple[str, int, str], str]


def _origins(traced: _Traced) -> Iterator[Origin]:
    profile = traced.profile
    derivation = next(d for d in profile.derivations if d.source_class == profile.source.root)
    for slot in derivation.slots:
        yield from _slot_origins(traced, slot, derivation, f"/{slot.slot}", traced.lineage["rows"])


def _slot_origins(
    traced: _Traced, slot: SlotDerivation, derivation: ClassDerivation, path: str, rows: Rows
) -> Iterator[Origin]:
    """The origins of a slot; of a slot that holds objects, of every slot of each object."""
    below = _nested(traced.profile, slot, derivation)
    if below:
        objects = _rows_by_object(traced.lineage["objects"].get(slot.slot, ()), rows) if path.count("/") == 1 else []
        items = [(f"{path}/{index}", made_of) for index, made_of in enumerate(objects)]
        for item_path, item_rows in items or [(path, rows)]:
            for nested in below:
                for child in nested.slots:
                    yield from _slot_origins(traced, child, nested, f"{item_path}/{child.slot}", item_rows)
        return
    rule = f"{derivation.hub_class}.{slot.slot} (map.yaml:{slot.line})"
    for (file, column), tables in _columns(traced, slot, derivation.source_class, rows).items():
        for number in _rows_of_tables(traced, tables, rows[file]):
            value = traced.values.get((file, number, column))
            if not traced.values or value:
                yield Origin(path, file, number, column, rule, value)


def _rows_by_object(lineage: Sequence[Any], rows: Rows) -> list[Rows]:
    """The rows of each object of a slot. A file alone stands for one object of every row of it, in order."""
    made: list[Rows] = []
    for entry in lineage:
        made += [{entry: [number]} for number in rows[entry]] if isinstance(entry, str) else [entry]
    return made


def _nested(profile: Profile, slot: SlotDerivation, derivation: ClassDerivation) -> tuple[ClassDerivation, ...]:
    if slot.nested:
        return slot.nested
    if slot.populated_from is None:
        return ()
    source_range = _range(profile, derivation.source_class, slot.populated_from)
    return tuple(d for d in profile.derivations if d.source_class == source_range)


def _range(profile: Profile, source_class: str, path: tuple[str, ...]) -> str:
    for name in path:
        slots = profile.source.classes.get(source_class, {})
        if name not in slots:
            return ""
        source_class = slots[name].range
    return source_class


def _rows_of_tables(traced: _Traced, tables: Sequence[str], rows: Sequence[int]) -> list[int]:
    """Those of *rows* that are of one of *tables*; a table that shares no rows has all of its file."""
    physical = traced.profile.assembly.physical_tables().values()
    shared = {table.name for members in physical if len(members) > 1 for table in members}
    known = traced.lineage.get("tables", {})
    chosen = {number for table in tables for number in (known.get(table, ()) if table in shared else rows)}
    return [number for number in rows if number in chosen]


def _columns(traced: _Traced, slot: SlotDerivation, source_class: str, rows: Rows) -> dict[tuple[str, str], list[str]]:
    """(file, column) of every path that the derivation reads -> the tables that it reads it from."""
    profile = traced.profile
    stated = [path.names for path in paths_of(slot.expression)] if slot.expression else []
    found: dict[tuple[str, str], list[str]] = {}
    for path in [slot.populated_from] if slot.populated_from else stated:
        holder = _range(profile, source_class, path[:-1])
        for table in profile.assembly.tables:
            shared = table.group is not None and table.group.row_class == holder
            subject = holder == profile.source.root and path[-1] == profile.assembly.subject
            if table.row_class != holder and not shared and not subject:
                continue
            file = traced.files.get(table.rows_of)
            if file in rows:
                column = next((name for name, renamed in table.columns.items() if renamed == path[-1]), path[-1])
                found.setdefault((file, column), []).append(table.name)
    return found


def _values(profile: Profile, inputs: Sequence[Path], rows: Rows, work: Path) -> dict[tuple[str, int, str], str]:
    """(file, row, column) -> the cell, of the rows of one subject, read again from *inputs*."""
    to_sort: frozenset[str] = frozenset()
    file, numbers = next((file, set(numbers)) for file, numbers in rows.items() if numbers)
    for _ in range(
        2
    ):  # again where a table was thought to be in order: here each subject is whole whatever the order is
        with tempfile.TemporaryDirectory(dir=work / "private") as scratch:
            source = open_source(Opening(profile, tuple(inputs), Path(scratch), to_sort))
            table = next((table for table, name in source.files.items() if name == file), "")
            try:
                for raw in source.subjects():
                    if numbers & {row.number for row in raw.rows.get(table, ())}:
                        return {
                            (source.files[name], row.number, column): cell
                            for name, found in raw.rows.items()
                            for row in found
                            for column, cell in zip(
                                source.headers[name], row.all_cells(profile.assembly.delimiter), strict=False
                            )
                        }
            except RowsOutOfOrder:
                to_sort = frozenset(source.files)
    raise CallError("the input does not hold the rows of this subject. To mend it: give the input of the run")


# --- from a target element to the hub -------------------------------------------------------------------------------


def _hub_path(folder: Path, manifest: Mapping[str, Any], subject: str, path: str) -> str:
    """The path in the hub record of what *path* names."""
    target, colon, pointer = path.partition(":")
    if not colon or target == "hub":
        return (pointer if colon else path).rstrip("/")
    if target not in manifest["targets"] or "hub" not in manifest["targets"]:
        raise CallError(
            f"an element of {target} is traced through the hub records. To mend it: convert with --to hub,{target}"
        )
    record = _record(folder, subject)
    made = _made(record, target, manifest)
    if target == "fhir-r4":
        pointer = _fhir_pointer(folder, subject, pointer, made)
    candidates = [(p, o) for p, o in made if pointer == p or pointer.startswith(f"{p}/")]
    if not candidates:
        raise CallError(f"nothing of this subject was made at {path}. To mend it: leave --path out to see every path")
    holder = max(candidates, key=lambda pair: len(pair[0]))[1]
    return next(hub for hub, known in _objects(record, "") if known is holder)


def _made(record: HubObject, target: str, manifest: Mapping[str, Any]) -> list[tuple[str, HubObject]]:
    from harmonize.terminology.notation import load_systems

    profile = manifest["profile"]
    context = WriterContext(
        site=manifest["site"],
        recorded=manifest["recorded"],
        profile_id=profile["id"],
        profile_version=profile["version"],
        key=key_from_secret(bytes(32)),
        systems=load_systems(),
        editions={},
        software_version=harmonize.__version__,
    )
    log = TargetLog(target, trace=[])
    load_writer(target, context).documents(record, log)
    return log.trace or []


def _fhir_pointer(folder: Path, subject: str, pointer: str, made: list[tuple[str, HubObject]]) -> str:
    """The key's ids are not known here: the n-th resource of a type of this subject is the n-th that is made again."""
    parts = pointer.split("/")
    if len(parts) < 3 or not parts[2]:
        raise CallError("a FHIR element is named by type and id. To mend it: write fhir-r4:/Observation/ID")
    kind, resource_id = parts[1], parts[2]
    files = ndjson_files(folder, f"fhir-r4/{kind}")
    if not files:
        raise CallError(f"the run wrote no {kind}")
    of_subject = (f'"Patient/{subject}"'.encode(), f'"id":"{subject}"'.encode())
    ids = [orjson.loads(line)["id"] for line in _lines(files) if any(mark in line for mark in of_subject)]
    again = [path for path, _ in made if path.split("/")[1] == kind]
    if resource_id not in ids:
        raise CallError(f"the run holds no such {kind} of this subject")
    return again[ids.index(resource_id)]


def _objects(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield path, value
        for name, item in value.items():
            yield from _objects(item, f"{path}/{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _objects(item, f"{path}/{index}")
