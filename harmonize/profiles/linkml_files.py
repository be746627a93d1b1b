"""`source.yaml` and `map.yaml`: the subset of LinkML and LinkML-Map that profiles are written in, read and checked.

Every key is in a closed list; what is not, is refused by name with file and line. Nothing is ignored.
The subset of LinkML-Map is that of `../shared/reference/linkml-map.md`; ADR 0001 says why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harmonize.errors import SpecificationError
from harmonize.profiles.expressions import Call, parse_expression
from harmonize.profiles.specification import ClassDerivation, Meaning, SlotDerivation, SourceSchema, SourceSlot
from harmonize.profiles.specification_files import read_file

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
"""Names of classes, slots and tables: they become names in generated Python and names of files."""
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


def read_source_schema(folder: Path) -> SourceSchema:
    """`source.yaml` of the profile in *folder*. Raises SpecificationError with file and line."""
    file = folder / "source.yaml"
    body, lines = read_file(file)
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


def read_derivations(folder: Path) -> tuple[ClassDerivation, ...]:
    """`map.yaml` of the profile in *folder*. Raises SpecificationError with file and line."""
    file = folder / "map.yaml"
    body, lines = read_file(file)
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
