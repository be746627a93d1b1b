"""What a JSON Schema allows: the tree of its properties, with their lists of values.

Source: JSON Schema drafts 4, 6, 7, 2019-09 and 2020-12 (json-schema.org). Read are properties, items, enumerations and references
inside of the file; what `allOf`, `anyOf`, `oneOf`, `if` and `dependentSchemas` add is put together, as a record may have any of
it. References to other files and addresses are never followed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote, urldefrag, urljoin

import jsonschema_rs

from harmonize.errors import InputError, UnknownNameError
from harmonize.input.files import open_bytes
from harmonize.safe_text import plain

MAX_BYTES = 8_000_000
MAX_JSON_DEPTH = 200
"""Objects and arrays in one another in the file. Written by hand, none has 60."""
MAX_LEVELS = 40
"""Properties in one another, references followed."""
MAX_PROPERTIES = 5_000
"""Properties in all places together: a schema whose types hold one another has more places than anybody can decide on."""
_DATA = frozenset(["enum", "const", "default", "examples", "example"])
"""Keywords whose values are data: what looks like a reference there is none."""
_KEYWORDS = frozenset(
    ["$schema", "$defs", "definitions", "properties", "items", "prefixItems", "$ref", "allOf", "anyOf", "oneOf"]
)
_TOGETHER = ("allOf", "anyOf", "oneOf")
_ALTERNATIVES = ("if", "then", "else")
Node = dict[str, Any]


@dataclass
class SchemaProperty:
    """A property in its place: a value where it has no properties in it."""

    name: str
    title: str = ""
    description: str = ""
    values: tuple[str, ...] = ()
    """The values that are allowed, where the schema lists them."""
    formats: tuple[str, ...] = ()
    required: bool = False
    repeats: bool = False
    """Whether it is an array; `properties` are then those of its items."""
    is_open: bool = False
    """Whether it allows properties that have no name in the schema."""
    is_cut: bool = False
    """Whether it contains itself: what it holds here is not told again."""
    properties: dict[str, SchemaProperty] = field(default_factory=dict)


@dataclass(frozen=True)
class JsonSchema:
    """What a file says: its root, and the properties that contain themselves and were cut."""

    root: SchemaProperty
    recursive: tuple[str, ...]


def read_json_schema(path: Path, root: str | None = None) -> JsonSchema:
    """The properties of the schema *path*; *root* names a definition (`$defs`, `definitions`) to begin with in place of the schema itself.

    Raises InputError where the file is no JSON Schema, refers to other files, or is too large or too deep; UnknownNameError
    for a definition that is not there.
    """
    document = _document(path)
    reader = _Reader(path.name, _Index(document, path.name))
    start: Any = document
    if root is not None:
        definitions = _definitions(document)
        if root not in definitions:
            raise UnknownNameError("definition", root, definitions)
        start = definitions[root]
    made = reader.property(root or "", [(start, True)], True, frozenset(), 0)
    if not made.properties:
        known = ", ".join(list(_definitions(document))[:20])
        fix = (
            f"say which definition describes the data with --root: {known}" if known else "check that it is the schema"
        )
        raise InputError("the schema describes no property", file=path.name, fix=fix)
    return JsonSchema(made, tuple(dict.fromkeys(reader.recursive)))


def _definitions(document: Node) -> Node:
    return {**_mapping(document.get("definitions")), **_mapping(document.get("$defs"))}


def _mapping(value: Any) -> Node:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# --- the document -------------------------------------------------------------------------------------------------------


def _document(path: Path) -> Node:
    with open_bytes(path) as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InputError(
            f"larger than {MAX_BYTES:,} bytes", file=path.name, fix="give the part that describes the data"
        )
    try:
        document = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_refuse)
    except UnicodeDecodeError:
        raise InputError("bytes that are no UTF-8", file=path.name, fix="save it in UTF-8") from None
    except json.JSONDecodeError as error:
        raise InputError(f"no JSON: {error.msg}", file=path.name, row=error.lineno, fix="check the file") from None
    except RecursionError:
        raise _too_deep(path.name) from None
    except ValueError as error:
        raise InputError(f"no JSON: {error}", file=path.name, fix="check the file") from None
    _require_shallow(document, path.name)
    if not isinstance(document, dict) or not _KEYWORDS & document.keys():
        what = "an array" if isinstance(document, list) else "a document"
        message = f"it is no JSON Schema but {what} without any of its keywords"
        raise InputError(message, file=path.name, fix="give the schema, not the data that it describes")
    _require_schema(document, path.name)
    return document


def _once(pairs: list[tuple[str, Any]]) -> Node:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice in an object")
    return made


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _too_deep(file: str) -> InputError:
    return InputError("nested too deeply to be a schema", file=file, fix="give the part that describes the data")


def _require_shallow(document: Any, file: str) -> None:
    level = [document]
    for _ in range(MAX_JSON_DEPTH):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise _too_deep(file)


def _require_schema(document: Node, file: str) -> None:
    """Judged by the meta-schema of its draft, where that is one of the standard's."""
    try:
        jsonschema_rs.meta.validate(document)
    except jsonschema_rs.ValidationError as error:
        where = "".join(f"/{part}" for part in error.instance_path) or "/"
        raise InputError(f"no valid JSON Schema at {plain(where)}", file=file, fix="validate it by its draft") from None
    except (jsonschema_rs.ReferencingError, ValueError):
        return  # a meta-schema of its own, which is not fetched


class _Index:
    """The places that references can name: the file, subschemas with an address, anchors."""

    def __init__(self, document: Node, file: str) -> None:
        self.file = file
        self.places: dict[str, Any] = {"": document}
        self.bases: dict[int, str] = {}
        """Identity of a subschema -> the address that its references start from."""
        key = "id" if "draft-04" in str(document.get("$schema", "")) else "$id"
        waiting: list[tuple[Any, str]] = [(document, "")]
        while waiting:
            node, base = waiting.pop()
            if isinstance(node, list):
                waiting += [(inner, base) for inner in node]
            if not isinstance(node, dict):
                continue
            base = self._named(node, node.get(key), base)
            self.bases[id(node)] = base
            waiting += [(inner, base) for name, inner in node.items() if name not in _DATA]

    def _named(self, node: Node, address: Any, base: str) -> str:
        if isinstance(address, str) and not address.startswith("#"):
            base = urldefrag(urljoin(base, address)).url
            self.places[base] = node
        anchors = (address, *(f"#{node[k]}" for k in ("$anchor", "$dynamicAnchor") if isinstance(node.get(k), str)))
        for anchor in anchors:
            if isinstance(anchor, str) and anchor.startswith("#"):
                self.places.setdefault(base + anchor, node)
        return base

    def target(self, node: Node, reference: str) -> Any:
        """What *reference* in *node* names. Raises InputError where that is not in the file."""
        base = self.bases[id(node)]
        whole = base + reference if reference.startswith("#") else urljoin(base, reference)
        address, _, fragment = whole.partition("#")
        shown = plain(reference)[:200]
        if address not in self.places:
            message = f"it refers to {shown}, which is not in the file; other files and addresses are never fetched"
            raise InputError(message, file=self.file, fix="bundle the schema into one file")
        if fragment and not fragment.startswith("/"):
            found = self.places.get(f"{address}#{fragment}")
        else:
            found = _pointed(self.places[address], unquote(fragment))
        if not isinstance(found, dict | bool):
            raise InputError(f"it refers to {shown}, where no schema is", file=self.file, fix="correct the reference")
        return found


def _pointed(place: Any, pointer: str) -> Any:
    """RFC 6901."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(place, dict):
            place = place.get(name)
        elif isinstance(place, list) and name.isascii() and name.isdigit() and int(name) < len(place):
            place = place[int(name)]
        else:
            return None
    return place


# --- the properties -----------------------------------------------------------------------------------------------------

_Part = tuple[Any, bool]
"""A subschema, and whether all records are bound by it, or only those that take an alternative."""


@dataclass
class _Reader:
    file: str
    index: _Index
    recursive: list[str] = field(default_factory=list)
    count: int = 0

    def property(
        self, name: str, parts: list[_Part], required: bool, above: frozenset[int], level: int
    ) -> SchemaProperty:
        """The property of which all *parts* speak; *above* has the subschemas on the way to here."""
        self.count += 1
        if self.count > MAX_PROPERTIES:
            raise InputError(
                f"more than {MAX_PROPERTIES:,} properties in all places together",
                file=self.file,
                fix="say which definition describes the data with --root",
            )
        if level > MAX_LEVELS:
            raise InputError(
                f"properties in one another, more than {MAX_LEVELS}", file=self.file, fix="give a part with --root"
            )
        made = SchemaProperty(name, required=required)
        inner: dict[str, list[_Part]] = {}
        items: list[_Part] = []
        wanted: set[str] = set()
        above, cut = self._spread(parts, above, made, inner, items, wanted)
        if cut:
            self.recursive.append(name)
            made.is_cut = True
        if items and inner:  # an object, or an array of such
            made.repeats = True
            above, _ = self._spread(items, above, made, inner, [], set())
        elif items:
            item = self.property(name, items, required, above, level + 1)
            item.repeats, item.required = True, required
            item.title, item.description = made.title or item.title, made.description or item.description
            self.count -= 1
            return item
        for key, schemas in inner.items():
            made.properties[key] = self.property(key, schemas, key in wanted, above, level + 1)
        return made

    def _spread(
        self,
        parts: list[_Part],
        above: frozenset[int],
        made: SchemaProperty,
        inner: dict[str, list[_Part]],
        items: list[_Part],
        wanted: set[str],
    ) -> tuple[frozenset[int], bool]:
        """Put what *parts* say into *made*, *inner*, *items* and *wanted*: (*above* with what was spread, whether something was cut)."""
        waiting, cut, seen = parts[::-1], False, set[int]()
        while waiting:
            schema, sure = waiting.pop()
            if not isinstance(schema, dict) or id(schema) in seen:
                continue
            seen.add(id(schema))
            _say(schema, made)
            for key, value in _mapping(schema.get("properties")).items():
                inner.setdefault(key, []).append((value, True))
            if sure:
                wanted.update(name for name in _items(schema.get("required", [])) if isinstance(name, str))
            for key in ("prefixItems", "items"):
                items += [(item, True) for item in _items(schema.get(key)) if isinstance(item, dict)]
            waiting += list(_more(schema, sure))[::-1]
            for key in ("$ref", "$dynamicRef", "$recursiveRef"):
                if isinstance(schema.get(key), str):
                    target = self.index.target(schema, schema[key])
                    if id(target) in above:
                        cut = True
                    elif isinstance(target, dict):
                        waiting.append((target, sure))
        return above | seen, cut


def _more(schema: Node, sure: bool) -> Iterator[_Part]:
    """The subschemas that speak of the same value."""
    for key in _TOGETHER:
        alternatives = _items(schema.get(key, []))
        yield from ((part, sure and (key == "allOf" or len(alternatives) == 1)) for part in alternatives)
    yield from ((schema[key], False) for key in _ALTERNATIVES if key in schema)
    for key in ("dependentSchemas", "dependencies"):
        yield from ((part, False) for part in _mapping(schema.get(key)).values())


def _say(schema: Node, made: SchemaProperty) -> None:
    """What *schema* says of the value itself; what was said first, nearest to the property, stands."""
    made.title = made.title or _line(schema.get("title"))
    made.description = made.description or _line(schema.get("description"))
    listed = [*_items(schema.get("enum", [])), *([schema["const"]] if "const" in schema else [])]
    texts = [text for value in listed if (text := _text(value))]
    made.values = tuple(dict.fromkeys((*made.values, *texts)))
    if isinstance(schema.get("format"), str):
        made.formats = tuple(dict.fromkeys((*made.formats, _line(schema["format"]))))
    is_named = "properties" in schema
    types = _items(schema.get("type", []))
    made.is_open |= bool(_mapping(schema.get("patternProperties"))) or (
        not is_named and ("object" in types or isinstance(schema.get("additionalProperties"), dict))
    )


def _line(value: Any) -> str:
    return plain(" ".join(value.split())) if isinstance(value, str) else ""


def _text(value: Any) -> str:
    """A value of a list as a cell has it; the empty text for what is no value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() if isinstance(value, str | int | float) else ""
