"""Profiles as they are written: `profile.yaml`, `source.yaml` and `map.yaml`, loaded, checked and frozen.

Every key is in a closed list; what is not, is refused by name with file and line. Nothing is ignored.
The subset of LinkML-Map is that of `../shared/reference/linkml-map.md`; ADR 0001 says why.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs
import orjson

from harmonize.errors import CallError, SpecificationError, UnknownNameError
from harmonize.profiles.expressions import Call, Expression, parse_expression, paths_of
from harmonize.profiles.xml_assembly import SUBJECT_ELEMENT, XmlAssembly, below, default_slot, lent_slots, xml_assembly
from harmonize.shipped import mappings_folder
from harmonize.terminology.added_sets import added_sets
from harmonize.terminology.map_policy import MapPolicy
from harmonize.terminology.notation import load_systems
from harmonize.terminology.patterns import compile_pattern
from harmonize.terminology.strict_yaml import load_strict_yaml

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
"""Names of classes, slots and tables: they become names in generated Python and names of files."""
_SCHEMA_FILE = Path(__file__).parent / "profile.schema.json"

_FILES = ("profile.yaml", "source.yaml", "map.yaml")

_SOURCE_KEYS = frozenset(
    (
        "id",
        "name",
        "title",
        "description",
        "version",
        "license",
        "prefixes",
        "imports",
        "default_prefix",
        "default_range",
        "classes",
        "enums",
    )
)
_SOURCE_CLASS_KEYS = frozenset(["description", "comments", "tree_root", "attributes"])
_SOURCE_SLOT_KEYS = frozenset(
    (
        "description",
        "comments",
        "range",
        "multivalued",
        "required",
        "identifier",
        "pattern",
        "inlined",
        "inlined_as_list",
        "annotations",
        "examples",
    )
)
_SLOT_ANNOTATIONS = frozenset(["branching", "code_system", "validation"])
_MAP_KEYS = frozenset(
    [
        "id",
        "title",
        "description",
        "comments",
        "source_schema",
        "target_schema",
        "prefixes",
        "class_derivations",
        "implements",
    ]
)
_CLASS_DERIVATION_KEYS = frozenset(["name", "populated_from", "description", "comments", "slot_derivations"])
_SLOT_DERIVATION_KEYS = frozenset(
    [
        "name",
        "populated_from",
        "expr",
        "value",
        "value_mappings",
        "class_derivations",
        "range",
        "description",
        "comments",
    ]
)
REFUSED_BECAUSE: Mapping[str, str] = {
    "missing_values": "linkml-map ignores it beside expr; declare blanks in profile.yaml, assemble.blank",
    "mirror_source": "it copies what nobody has mapped",
    "expression_to_value_mappings": "linkml-map bends it in silence on slots",
    "aggregation_operation": "it is undefined on lists of objects",
    "joins": "they need registered files and take the first match silently; join in profile.yaml, assemble",
    "unit_conversion": "it computes with floats; use the library's quantities",
    "annotations": "the linkml-map model refuses them in map.yaml; use comments",
    "pivot_operation": "shape the record in profile.yaml, assemble",
    "is_a": "derivations are written out",
    "hide": "there are no hidden slots",
    "sources": "it fails where two are filled; use first(a, b)",
    "offset": "it computes with floats",
}


@dataclass(frozen=True, slots=True)
class SourceSlot:
    """A slot of a source class."""

    name: str
    range: str
    multivalued: bool
    required: bool
    description: str
    branching: str | None = None
    """The condition under which a form shows the field."""


class Meaning(NamedTuple):
    """The code that a permissible value means, as a CURIE, and the label that the source has for it."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class SourceSchema:
    """The classes of `source.yaml`; the value of `root` is the class of one subject's record."""

    name: str
    version: str
    root: str
    classes: Mapping[str, Mapping[str, SourceSlot]]
    enums: Mapping[str, frozenset[str]]
    meanings: Mapping[str, Mapping[str, Meaning]] = field(default_factory=dict)
    """Enumeration -> text of a permissible value -> the code that it means, for values that state one."""


@dataclass(frozen=True, slots=True)
class SlotDerivation:
    """How one hub slot is made: exactly one of the four ways is set."""

    slot: str
    line: int | None
    populated_from: tuple[str, ...] | None = None
    expression: Expression | None = None
    value: str | None = None
    value_mappings: Mapping[str, str] | None = None
    nested: tuple[ClassDerivation, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassDerivation:
    """How objects of a hub class are made of objects of a source class."""

    hub_class: str
    source_class: str
    slots: tuple[SlotDerivation, ...]
    line: int | None


@dataclass(frozen=True, slots=True)
class Join:
    """Rows of one table that become objects inside the matching rows of other tables of the same subject.

    `into` names the tables whose rows take them; where `repeats`, one row takes many.
    """

    into: tuple[str, ...]
    slot: str
    on: Mapping[str, str]
    when: str | None
    repeats: bool = False

    @property
    def told(self) -> str:
        """The tables as messages name them."""
        return " or ".join(self.into)


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of one table that share keys become one object that holds them."""

    row_class: str
    by: tuple[str, ...]
    rows: str
    lift: tuple[str, ...]


class Selection(NamedTuple):
    """A column and the texts that select a row by it; the empty text means blank."""

    column: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableAssembly:
    """How the rows of one table enter the source record."""

    name: str
    file: str
    row_class: str
    slot: str
    columns: Mapping[str, str]
    """Column -> slot, where they are not spelt alike; the empty text: the table does not read the column."""
    repeats: bool
    expected: bool
    join: Join | None
    group: Group | None
    rows_of: str
    """The physical table whose rows these are: the table itself, or one that several tables share."""
    where: tuple[Selection, ...] = ()
    unless: tuple[Selection, ...] = ()
    element: str | None = None
    """XML: the path of the elements whose rows these are; columns are paths as well, and `columns` names them below the element."""
    identifiers: frozenset[str] = frozenset()
    """Columns that hold the subject's identifier and are not called like its slot."""

    lent: tuple[tuple[str, str], ...] = ()
    """(slot, class) of rows of other tables that take the slot from rows of this one."""

    def slot_of(self, column: str) -> str:
        """The slot of the row class that *column* fills."""
        if self.element is None:
            return self.columns.get(column, column)
        path = below(column, self.element)
        return self.columns.get(path, default_slot(path))


@dataclass(frozen=True, slots=True)
class Reference:
    """A table that belongs to no subject and is looked up by key: a source's own list of codes (OMOP CDM 5.4, CONCEPT).

    `key`, `code`, `vocabulary`, `name` and `invalid` name its columns.
    """

    file: str
    key: str
    code: str
    vocabulary: str
    name: str
    invalid: str | None = None


@dataclass(frozen=True, slots=True)
class Assembly:
    """How physical records become one source record per subject."""

    reader: str
    subject: str
    subject_pattern: str | None
    encoding: str
    delimiter: str
    quote: str
    blank: tuple[str, ...]
    missing: Mapping[str, str]
    """Text that says why there is no value -> HL7 NullFlavor."""
    tables: tuple[TableAssembly, ...]
    subject_order: str = "text"
    """The order of identifiers: `text`, or `numeric` for whole numbers, which is by length and then as text."""
    column_blanks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Column -> texts that stand for no value in this column only."""
    references: Mapping[str, Reference] = field(default_factory=dict)
    """Name -> a table that belongs to no subject."""
    xml: XmlAssembly | None = None
    """Dialects and tables of an XML format; `tables` then has one for each table and path of its elements."""

    def blank_texts(self, column: str) -> frozenset[str]:
        """The texts that are no value in *column*, the empty one among them."""
        return frozenset(("", *self.blank, *self.column_blanks.get(column, ())))

    def physical_tables(self) -> dict[str, tuple[TableAssembly, ...]]:
        """The physical tables, each with the tables that are made of its rows."""
        made: dict[str, tuple[TableAssembly, ...]] = {}
        for table in self.tables:
            made[table.rows_of] = (*made.get(table.rows_of, ()), table)
        return made


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A source slot that is not mapped, and why. `*` stands for every class; `columns` for what is a column and no slot."""

    source_class: str
    slot: str
    reason: str
    values: frozenset[str] = frozenset()
    """Where given: only these texts say nothing, the slot itself is mapped."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A national format as data."""

    id: str
    folder: Path
    title: str
    version: str
    description: str
    licence: str
    owner: str
    specification: Mapping[str, str]
    identifiers: Mapping[str, Mapping[str, str]]
    code_maps: Mapping[str, MapPolicy]
    predicates: tuple[str, ...]
    assembly: Assembly
    left_out: tuple[LeftOut, ...]
    left_out_columns: Mapping[str, str]
    """Columns of the files that are no slots -> why they are not carried."""
    source: SourceSchema
    derivations: tuple[ClassDerivation, ...]
    sha256: str
    left_out_tables: Mapping[str, str] = field(default_factory=dict)
    """Tables that are known and not read, as stems of files in small letters -> why."""

    def mapped_slots(self) -> frozenset[tuple[str, str]]:
        """(source class, slot) of everything that map.yaml reads."""
        found: set[tuple[str, str]] = set()
        waiting = list(self.derivations)
        while waiting:
            derivation = waiting.pop()
            for slot in derivation.slots:
                waiting += slot.nested
                stated = [path.names for path in paths_of(slot.expression)] if slot.expression is not None else []
                for path in [slot.populated_from] if slot.populated_from is not None else stated:
                    owner = derivation.source_class
                    for name in path:
                        found.add((owner, name))
                        known = self.source.classes.get(owner, {}).get(name)
                        owner = known.range if known is not None else ""
        return frozenset(found)

    def left_out_reason(self, source_class: str, slot: str) -> str | None:
        """Why *slot* of *source_class* is not mapped, or None where the profile does not say."""
        for item in self.left_out:
            if item.slot == slot and item.source_class in (source_class, "*") and not item.values:
                return item.reason
        return None

    def left_out_column(self, column: str) -> str | None:
        """Why *column* is not carried though it is no slot. In XML what is left out is left out with all below it.

        `//NAME` is any element of the name.
        """
        reason = self.left_out_columns.get(column)
        if reason is not None or self.assembly.xml is None:
            return reason
        steps = column.split("/")
        for number in range(len(steps), 0, -1):
            for name in ("/".join(steps[:number]), f"//{steps[number - 1]}"):
                if name in self.left_out_columns:
                    return self.left_out_columns[name]
        return None

    def left_out_values(self, source_class: str) -> dict[str, dict[str, str]]:
        """Slot -> text that says nothing -> why, for the slots of *source_class* of which some texts are left out."""
        made: dict[str, dict[str, str]] = {}
        for item in self.left_out:
            if item.values and item.source_class in (source_class, "*"):
                made.setdefault(item.slot, {}).update(dict.fromkeys(item.values, item.reason))
        return made


def profile_folder(name: str) -> Path:
    """The folder of the profile *name*: an id such as `eu/ern-cde`, or a path to a folder with a `profile.yaml`."""
    candidate = Path(name)
    if (candidate / "profile.yaml").is_file():
        return candidate.resolve()
    known = profile_ids()
    if name in known:
        return mappings_folder() / name
    if candidate.is_dir() or name.startswith((".", "/", "~")):
        raise CallError(
            f"{name} is no folder with a profile.yaml. To mend it: check the path, or give one of {', '.join(known)}"
        )
    raise UnknownNameError("profile", name, known)


def profile_ids() -> list[str]:
    """The ids of the profiles that are installed.

    >>> "eu/ern-cde" in profile_ids()
    True
    """
    return sorted(f"{p.parent.parent.name}/{p.parent.name}" for p in mappings_folder().glob("*/*/profile.yaml"))


def load_profile(name: str) -> Profile:
    """Load and check the profile *name* (an id or a folder).

    Raises UnknownNameError where there is none, SpecificationError with file and line where it is wrong.

    >>> load_profile("eu/ern-cde").source.root
    'Registry'
    """
    folder = profile_folder(name)
    try:
        digest = folder_digest(folder)
    except (
        SpecificationError
    ):  # a file is missing or is none: reading the profile says what it is needed for, if anything
        _load_profile.__wrapped__(folder, "")
        raise
    return _load_profile(folder, digest)


@lru_cache(maxsize=32)
def _load_profile(folder: Path, sha256: str) -> Profile:
    """The profile in *folder*, once for each digest: a process may load it as often as it likes."""
    card, lines = _load(folder / "profile.yaml")
    _check_card(card, lines, folder)
    _check_pattern(card["assemble"].get("subject_pattern"), folder, lines.get("/assemble/subject_pattern"))
    source = _source_schema(folder)
    derivations = _derivations(folder)
    return Profile(
        id=card["id"],
        folder=folder,
        title=card["title"],
        version=card["version"],
        description=card.get("description", ""),
        licence=card["licence"],
        owner=card["owner"],
        specification=card["specification"],
        identifiers=card.get("identifiers", {}),
        code_maps=_code_maps(folder, card.get("code_maps", {})),
        predicates=tuple(card.get("predicates", ["skos:exactMatch"])),
        assembly=_assembly(card["assemble"]),
        left_out=tuple(
            LeftOut(item["class"], slot, item["reason"], frozenset(item.get("values", ())))
            for item in card.get("left_out", [])
            for slot in item.get("slots", ())
        ),
        left_out_columns={
            name: item["reason"] for item in card.get("left_out", []) for name in item.get("columns", ())
        },
        source=source,
        derivations=derivations,
        sha256=sha256,
        left_out_tables={
            name.lower(): item["reason"] for item in card.get("left_out", []) for name in item.get("tables", ())
        },
    )


MAX_FILE_BYTES = 100_000_000
"""The largest file of a profile that is read at all, a code map; what each kind of file may hold is for its reader to say."""


def folder_digest(folder: Path) -> str:
    """SHA-256 over the specification files of a profile, in the order of their paths. Raises SpecificationError for one that is none."""
    digest = hashlib.sha256()
    files = [folder / n for n in _FILES] + sorted((folder / "codes").glob("*.tsv"))
    for file in files:
        require_inside(file, folder)
        if file.stat().st_size > MAX_FILE_BYTES:
            raise SpecificationError(f"larger than {MAX_FILE_BYTES} bytes", file=str(file))
        digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _load(path: Path) -> tuple[Any, Mapping[str, int]]:
    if not path.is_file():
        raise SpecificationError(
            "the file is missing", file=str(path), fix="a profile has profile.yaml, source.yaml and map.yaml"
        )
    require_inside(path, path.parent)
    return load_strict_yaml(path, name=str(path))


def require_inside(path: Path, folder: Path) -> None:
    """Raise SpecificationError where *path* is no ordinary file of *folder*: a link out of it, a pipe, a device."""
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise SpecificationError(
            "it is no ordinary file inside of the profile's folder", file=str(path), fix="put the file itself there"
        )


def _check_card(card: Any, lines: Mapping[str, int], folder: Path) -> None:
    """Check `profile.yaml` against its published JSON Schema. Scalars are text, so flags are 'true' or 'false'."""
    schema = orjson.loads(_SCHEMA_FILE.read_bytes())
    validator = jsonschema_rs.validator_for(schema)
    for error in validator.iter_errors(card):
        pointer = "".join(f"/{part}" for part in error.instance_path)
        for key in getattr(error.kind, "unexpected", ()):
            wrong = UnknownNameError(f"key of {pointer or 'profile.yaml'}", key, _schema_names(schema))
            raise SpecificationError(str(wrong), file=str(folder / "profile.yaml"), line=lines.get(f"{pointer}/{key}"))
        raise SpecificationError(
            f"{pointer or '/'}: {error.message}", file=str(folder / "profile.yaml"), line=lines.get(pointer)
        )


def _schema_names(schema: Any) -> set[str]:
    """The names of all properties of a JSON Schema, at any depth."""
    if isinstance(schema, list):
        return {name for item in schema for name in _schema_names(item)}
    if not isinstance(schema, dict):
        return set()
    properties = schema.get("properties", {})
    return {*properties, *(name for item in schema.values() for name in _schema_names(item))}


def _check_pattern(pattern: str | None, folder: Path, line: int | None) -> None:
    """Refuse a `subject_pattern` that RE2 cannot run in linear time and little memory."""
    if pattern is None:
        return
    try:
        compile_pattern(pattern)
    except ValueError as error:
        raise SpecificationError(
            f"assemble.subject_pattern is refused: {error}",
            file=str(folder / "profile.yaml"),
            line=line,
            fix="write an RE2 pattern (github.com/google/re2/wiki/Syntax)",
        ) from None


def _refuse_keys(found: Mapping[str, Any], allowed: frozenset[str], where: str, file: Path, line: int | None) -> None:
    for key in found:
        if key not in allowed:
            why = REFUSED_BECAUSE.get(key, f"only {', '.join(sorted(allowed))} are used here")
            raise SpecificationError(f"{where}: {key!r} is refused: {why}", file=str(file), line=line)


def _mapping(value: Any, where: str, file: Path) -> Mapping[str, Any]:
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise SpecificationError(f"{where} must be a mapping", file=str(file))
    return value


def _text(value: Any, where: str, file: Path, line: int | None) -> str:
    if not isinstance(value, str):
        raise SpecificationError(f"{where} must be a text", file=str(file), line=line)
    return value


def _name(value: Any, what: str, file: Path, line: int | None) -> str:
    """*value* where it is a plain name; nothing else may get near the Python that the compiler generates."""
    if not isinstance(value, str) or _NAME.fullmatch(value) is None:
        shown = repr(value if len(str(value)) <= 60 else str(value)[:60] + "...")
        raise SpecificationError(
            f"{shown} is no name for a {what}",
            file=str(file),
            line=line,
            fix="start with a letter A to Z, go on with letters, digits and underscores, 100 characters at most",
        )
    return value


def _flag(value: Any) -> bool:
    return bool(value == "true")


def _source_schema(folder: Path) -> SourceSchema:
    file = folder / "source.yaml"
    body, lines = _load(file)
    tree = _mapping(body, "source.yaml", file)
    _refuse_keys(tree, _SOURCE_KEYS, "source schema", file, 1)
    if tree.get("imports", ["linkml:types"]) != ["linkml:types"]:
        raise SpecificationError(
            "imports other than linkml:types are refused", file=str(file), line=lines.get("/imports")
        )
    classes: dict[str, dict[str, SourceSlot]] = {}
    roots = []
    for name, body in _mapping(tree.get("classes"), "classes", file).items():
        line = lines.get(f"/classes/{name}")
        body = _mapping(body, f"class {_name(name, 'class', file, line)}", file)
        _refuse_keys(body, _SOURCE_CLASS_KEYS, f"class {name}", file, line)
        if _flag(body.get("tree_root")):
            roots.append(name)
        classes[name] = {
            slot: _source_slot(name, slot, spec, file, lines.get(f"/classes/{name}/attributes/{slot}"))
            for slot, spec in _mapping(body.get("attributes"), f"attributes of {name}", file).items()
        }
    if len(roots) != 1:
        raise SpecificationError("there must be exactly one class with tree_root: true", file=str(file))
    enums = {
        name: frozenset(_mapping(_mapping(body, name, file).get("permissible_values"), name, file))
        for name, body in _mapping(tree.get("enums"), "enums", file).items()
    }
    title = _text(tree.get("name"), "name", file, lines.get("/name"))
    version = _text(tree.get("version", ""), "version", file, lines.get("/version"))
    return SourceSchema(title, version, roots[0], classes, enums, _meanings(tree, file, lines))


def _meanings(tree: Mapping[str, Any], file: Path, lines: Mapping[str, int]) -> Mapping[str, Mapping[str, Meaning]]:
    """What the permissible values of `enums` mean, where they say it."""
    made: dict[str, dict[str, Meaning]] = {}
    for name, body in _mapping(tree.get("enums"), "enums", file).items():
        for text, value in _mapping(_mapping(body, name, file).get("permissible_values"), name, file).items():
            spec = _mapping(value, f"{name}.{text}", file)
            if "meaning" in spec:
                line = lines.get(f"/enums/{name}/permissible_values/{text}")
                code = _text(spec["meaning"], f"meaning of {name}.{text}", file, line)
                label = _text(spec.get("title", ""), f"title of {name}.{text}", file, line)
                made.setdefault(name, {})[text] = Meaning(code, label)
    return made


def _source_slot(class_name: str, name: str, spec: Any, file: Path, line: int | None) -> SourceSlot:
    spec = _mapping(spec, f"slot {class_name}.{_name(name, 'slot', file, line)}", file)
    _refuse_keys(spec, _SOURCE_SLOT_KEYS, f"slot {class_name}.{name}", file, line)
    annotations = _mapping(spec.get("annotations"), "annotations", file)
    _refuse_keys(annotations, _SLOT_ANNOTATIONS, f"annotations of {class_name}.{name}", file, line)
    return SourceSlot(
        name=name,
        range=_text(spec.get("range", "string"), f"range of {class_name}.{name}", file, line),
        multivalued=_flag(spec.get("multivalued")),
        required=_flag(spec.get("required")),
        description=spec.get("description", ""),
        branching=_text(annotations["branching"], f"branching of {class_name}.{name}", file, line)
        if "branching" in annotations
        else None,
    )


def _derivations(folder: Path) -> tuple[ClassDerivation, ...]:
    file = folder / "map.yaml"
    body, lines = _load(file)
    tree = _mapping(body, "map.yaml", file)
    _refuse_keys(tree, _MAP_KEYS, "map", file, 1)
    return _class_derivations(tree.get("class_derivations"), "/class_derivations", file, lines)


def _class_derivations(items: Any, pointer: str, file: Path, lines: Mapping[str, int]) -> tuple[ClassDerivation, ...]:
    if not isinstance(items, list):
        raise SpecificationError(
            "class_derivations must be a list of {name, populated_from, slot_derivations}", file=str(file)
        )
    result = []
    for index, item in enumerate(items):
        here = f"{pointer}/{index}"
        line = lines.get(here)
        _refuse_keys(_mapping(item, "class derivation", file), _CLASS_DERIVATION_KEYS, "class derivation", file, line)
        if not item.get("name") or not item.get("populated_from"):
            raise SpecificationError("a class derivation needs name and populated_from", file=str(file), line=line)
        slots = tuple(
            _slot_derivation(slot, spec, f"{here}/slot_derivations/{slot}", file, lines)
            for slot, spec in _mapping(item.get("slot_derivations"), "slot_derivations", file).items()
        )
        name = _text(item["name"], "name of a class derivation", file, line)
        origin = _text(item["populated_from"], f"populated_from of {name}", file, line)
        result.append(ClassDerivation(name, origin, slots, line))
    return tuple(result)


def _slot_derivation(slot: str, spec: Any, pointer: str, file: Path, lines: Mapping[str, int]) -> SlotDerivation:
    line = lines.get(pointer)
    spec = _mapping(spec, f"slot {slot}", file)
    _refuse_keys(spec, _SLOT_DERIVATION_KEYS, f"slot derivation {slot}", file, line)
    ways = [way for way in ("populated_from", "expr", "value", "class_derivations") if way in spec]
    if len(ways) > 1:
        raise SpecificationError(f"slot {slot}: {' and '.join(ways)} exclude one another", file=str(file), line=line)
    if "value_mappings" in spec and ways != ["populated_from"]:
        raise SpecificationError(
            f"slot {slot}: value_mappings are refused beside expr, value or nothing: linkml-map ignores them",
            file=str(file),
            line=line,
        )
    if "expr" in spec:
        expression = parse_expression(_text(spec["expr"], f"expr of {slot}", file, line), file=str(file), line=line)
        if not isinstance(expression, Call):
            raise SpecificationError(
                f"slot {slot}: expr must call a function; use populated_from for a copy", file=str(file), line=line
            )
        return SlotDerivation(slot, line, expression=expression)
    if "value" in spec:
        return SlotDerivation(slot, line, value=_text(spec["value"], f"value of {slot}", file, line))
    if "class_derivations" in spec:
        return SlotDerivation(
            slot,
            line,
            nested=_class_derivations(spec["class_derivations"], f"{pointer}/class_derivations", file, lines),
        )
    return SlotDerivation(
        slot,
        line,
        populated_from=tuple(
            _text(spec.get("populated_from", slot), f"populated_from of {slot}", file, line).split(".")
        ),
        value_mappings=_value_mappings(spec.get("value_mappings"), slot, file, line),
    )


def _value_mappings(spec: Any, slot: str, file: Path, line: int | None) -> Mapping[str, str] | None:
    if spec is None:
        return None
    result = {}
    for key, item in _mapping(spec, f"value_mappings of {slot}", file).items():
        value = item.get("value") if isinstance(item, dict) else item
        if not isinstance(value, str) or (isinstance(item, dict) and set(item) != {"value"}):
            raise SpecificationError(
                f"slot {slot}: a value mapping is `from: to` or `from: {{value: to}}`", file=str(file), line=line
            )
        result[key] = value
    return result


def _code_maps(folder: Path, spec: Mapping[str, Any]) -> Mapping[str, MapPolicy]:
    """Code maps by name: a path, or the sets with what is accepted of them."""
    result = {}
    for name, entry in spec.items():
        stated: Mapping[str, Any] = {"sets": [entry]} if isinstance(entry, str) else entry
        result[name] = MapPolicy(
            sets=tuple(_code_map(folder, name, text) for text in stated["sets"]),
            predicates=tuple(stated.get("predicates", ())),
            minimum_confidence=float(stated.get("minimum_confidence", "0")),
            to=stated.get("to", ""),
            through=tuple(stated.get("through", ())),
        )
        for system in (*result[name].through, result[name].to):
            if system and system not in load_systems():
                file = str(folder / "profile.yaml")
                raise SpecificationError(
                    f"code map {name!r}: {UnknownNameError('code system', system, load_systems())}", file=file
                )
    return result


def _code_map(folder: Path, name: str, text: str) -> Path:
    """A path that starts in the profile's folder or, after `shared:`, in mappings/codes, and never leaves it; or an added set."""
    if text.startswith("added:"):
        known = added_sets()
        if text.removeprefix("added:") in known:
            return known[text.removeprefix("added:")]
        raise SpecificationError(
            f"code map {name!r}: {text!r} is not installed",
            file=str(folder / "profile.yaml"),
            fix="add it with `harmonize mappings add FILE --name NAME`",
        )
    base = mappings_folder() / "codes" if text.startswith("shared:") else folder
    path = (base / text.removeprefix("shared:").replace("\0", "?")).resolve()  # no file has a NUL in its name
    if not path.is_relative_to(base.resolve()) or not path.is_file():
        raise SpecificationError(
            f"code map {name!r}: there is no file {text!r} below {base.name}/", file=str(folder / "profile.yaml")
        )
    return path


def _assembly(spec: Mapping[str, Any]) -> Assembly:
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
                expected=_flag(table.get("expected")),
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
