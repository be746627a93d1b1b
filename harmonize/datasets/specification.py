"""Reads `mappings/datasets/<name>.yaml`: the items of a data set with hub path, level, condition, value set and source.

Everything that is written is checked here: paths against the hub schema, conditions against the closed language, codes
against the prefixes, levels and cardinalities against their words. Nothing is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harmonize.datasets.conditions import Condition, Not, parse_condition, petals_of
from harmonize.datasets.hub_paths import HubPath, hub_path
from harmonize.errors import SpecificationError, UnknownNameError
from harmonize.hub import hub_schema
from harmonize.shipped import mappings_folder
from harmonize.terminology.notation import load_systems
from harmonize.terminology.patterns import compile_pattern
from harmonize.terminology.strict_yaml import load_strict_yaml

LEVELS = ("mandatory", "recommended", "optional")
"""Requirement levels, strictest first. An item that is `conditional` is mandatory where its condition holds."""
CONDITIONAL = "conditional"
CORE = "core"

_CARDINALITY = re.compile(r"([0-9]+)\.\.([0-9]+|n)")
_DATASET_KEYS = frozenset(
    [
        "name",
        "title",
        "description",
        "version",
        "versions",
        "id_prefix",
        "iri",
        "source",
        "licence",
        "petals",
        "classes",
        "value_sets",
        "items",
    ]
)
_CLASS_KEYS = frozenset({"path", "paths", "required", "cardinality", "definition"})
_SET_KEYS = frozenset({"title", "values", "systems", "code_pattern", "descendants_of", "text", "source", "note"})
_ITEM_KEYS = frozenset(
    [
        "id",
        "class",
        "item",
        "slot",
        "level",
        "cardinality",
        "condition",
        "condition_text",
        "otherwise",
        "absent_where",
        "value_set",
        "null_flavors",
        "pattern",
        "petal",
        "definition",
        "note",
        "source",
    ]
)


@dataclass(frozen=True, slots=True)
class PermittedValue:
    """A code of a value set with the label and the IRI that the source of the data set prints."""

    code: str
    label: str
    iri: str


@dataclass(frozen=True, slots=True)
class ValueSet:
    """Codes that an item may hold: listed ones, all of some systems, all that are more special than some codes.

    `code_pattern` is the form of the codes of `systems`, where the set is one axis of a system with several. `text` says that
    the source's own words may stand where there is no code.
    """

    name: str
    title: str
    values: tuple[PermittedValue, ...]
    systems: tuple[str, ...]
    code_pattern: str
    descendants_of: tuple[str, ...]
    text: bool
    note: str


@dataclass(frozen=True, slots=True)
class DatasetClass:
    """A class of a data set: where its objects stand in the hub, and whether a record must have one.

    `cardinality` is how often the source lets it occur, as it says so; only `required` is judged.
    """

    name: str
    paths: tuple[HubPath, ...]
    required: bool
    cardinality: str
    definition: str

    @property
    def hub_class(self) -> str:
        """The hub class of its objects."""
        return self.paths[0].range


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a data set. `levels` has one level for each version that has the item.

    `slots` are paths from an object of the class, or from the record where their `start` is Subject; several are
    alternatives, of one kind or of several: an onset may be a date, an age or a code. Value set and NullFlavors are about
    the coded ones. Where the condition does not hold, the item may be given all the same (`otherwise` optional), must not
    be given (absent), or is not what the value is about (ignore). `forbidden` is where it must not be given.
    """

    id: str
    class_name: str
    item: str
    slots: tuple[HubPath, ...]
    levels: Mapping[str, str]
    cardinality: str
    condition: Condition | None
    condition_text: str
    otherwise: str
    forbidden: Condition | None
    value_set: str | None
    null_flavors: frozenset[str]
    pattern: str
    petal: str
    definition: str
    note: str
    source: str

    @property
    def ranges(self) -> frozenset[str]:
        """Classes and types of its values."""
        return frozenset(path.range for path in self.slots)

    @property
    def at_most(self) -> int | None:
        """How many values it may have; None for any number."""
        found = _CARDINALITY.fullmatch(self.cardinality)
        return None if found is None or found[2] == "n" else int(found[2])


@dataclass(frozen=True, slots=True)
class Petal:
    """A part of a data set for one use case, and how a record shows that it belongs to it; None: only where the call says so."""

    name: str
    title: str
    applies: Condition | None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set. `versions` are the releases whose levels it states; the last one holds where none is asked for."""

    name: str
    title: str
    description: str
    version: str
    versions: tuple[str, ...]
    id_prefix: str
    iri: str
    source: str
    licence: str
    petals: Mapping[str, Petal]
    classes: Mapping[str, DatasetClass]
    value_sets: Mapping[str, ValueSet]
    items: tuple[Item, ...]

    def items_of(self, version: str) -> tuple[Item, ...]:
        """The items that *version* has. Raises UnknownNameError for a version that the file does not state."""
        if version not in self.versions:
            raise UnknownNameError(f"version of {self.name}", version, self.versions)
        return tuple(item for item in self.items if version in item.levels)


def dataset_names() -> list[str]:
    """The names of the data sets that are installed.

    >>> "hmd" in dataset_names()
    True
    """
    return sorted(path.stem for path in (mappings_folder() / "datasets").glob("*.yaml"))


@cache
def load_dataset(name: str) -> Dataset:
    """The data set *name*. Raises UnknownNameError, or SpecificationError with file and line."""
    if name not in dataset_names():
        raise UnknownNameError("data set", name, dataset_names())
    return read_dataset(mappings_folder() / "datasets" / f"{name}.yaml")


def read_dataset(path: Path) -> Dataset:
    """The data set that the file *path* holds. Raises SpecificationError with file and line."""
    tree, lines = load_strict_yaml(path, name=path.name)
    return _Reader(path.name, lines).dataset(tree)


class _Reader:
    """Reads one file; knows its name and lines for messages."""

    def __init__(self, file: str, lines: Mapping[str, int]) -> None:
        self._file, self._lines = file, lines

    def _error(self, what: str, pointer: str, fix: str = "") -> SpecificationError:
        return SpecificationError(what, file=self._file, line=self._lines.get(pointer), fix=fix)

    def _keys(
        self, value: Any, allowed: frozenset[str], pointer: str, required: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._error("a mapping is expected", pointer)
        for key in value:
            if key not in allowed:
                raise self._error(
                    f"the key {key!r} is not known", f"{pointer}/{key}", f"use one of {', '.join(sorted(allowed))}"
                )
        for key in required:
            if key not in value:
                raise self._error(f"the key {key!r} is missing", pointer)
        return value

    def _text(self, value: Any, pointer: str) -> str:
        if not isinstance(value, str):
            raise self._error("a text is expected", pointer)
        return value

    def _texts(self, value: Any, pointer: str) -> tuple[str, ...]:
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._error("a text or a list of texts is expected", pointer)
        return tuple(value)

    def dataset(self, tree: Any) -> Dataset:
        body = self._keys(
            tree, _DATASET_KEYS, "", ("name", "title", "version", "id_prefix", "source", "licence", "classes", "items")
        )
        classes = {name: self._class(name, spec) for name, spec in body["classes"].items()}
        petals = {name: self._petal(name, spec) for name, spec in body.get("petals", {}).items()}
        sets = {name: self._value_set(name, spec) for name, spec in body.get("value_sets", {}).items()}
        version = self._text(body["version"], "/version")
        versions = self._texts(body.get("versions", version), "/versions")
        if versions[-1] != version:
            raise self._error(f"the last of versions is {versions[-1]!r}, version is {version!r}", "/versions")
        items = tuple(
            self._item(spec, f"/items/{i}", classes, petals, sets, versions) for i, spec in enumerate(body["items"])
        )
        self._unique(items)
        return Dataset(
            body["name"], body["title"], body.get("description", ""), version, versions, body["id_prefix"], body.get("iri", ""),
            body["source"], body["licence"], petals, classes, sets, items,
        )  # fmt: skip

    def _unique(self, items: tuple[Item, ...]) -> None:
        seen: set[str] = set()
        for index, item in enumerate(items):
            if item.id in seen:
                raise self._error(f"the item {item.id!r} stands twice", f"/items/{index}/id")
            seen.add(item.id)

    def _class(self, name: str, spec: Any) -> DatasetClass:
        pointer = f"/classes/{name}"
        body = self._keys(spec, _CLASS_KEYS, pointer)
        texts = self._texts(body.get("paths", body.get("path", "")), pointer)
        paths = tuple(self._path(text, "Subject", pointer) for text in texts)
        if len({path.range for path in paths}) != 1 or paths[0].range not in hub_schema().classes:
            raise self._error("the paths of a class end at objects of one hub class", pointer)
        cardinality, definition = body.get("cardinality", ""), body.get("definition", "")
        return DatasetClass(name, paths, body.get("required", "false") == "true", cardinality, definition)

    def _path(self, text: str, start: str, pointer: str) -> HubPath:
        try:
            return hub_path(text, start)
        except SpecificationError as error:
            raise self._error(error.what, pointer, error.fix) from None

    def _condition(self, text: str, class_name: str, holder: str | None, pointer: str) -> Condition:
        return parse_condition(text, class_name, holder, file=self._file, line=self._lines.get(pointer))

    def _petal(self, name: str, spec: Any) -> Petal:
        pointer = f"/petals/{name}"
        body = self._keys(spec, frozenset({"title", "applies", "note"}), pointer, ("title",))
        applies = self._condition(body["applies"], "Subject", None, pointer) if "applies" in body else None
        return Petal(name, body["title"], applies)

    def _value_set(self, name: str, spec: Any) -> ValueSet:
        pointer = f"/value_sets/{name}"
        body = self._keys(spec, _SET_KEYS, pointer, ("title",))
        values = []
        for index, value in enumerate(body.get("values", [])):
            where = f"{pointer}/values/{index}"
            known = self._keys(value, frozenset({"code", "label", "iri"}), where, ("code", "label"))
            self._known_system(known["code"].partition(":")[0], where)
            values.append(PermittedValue(known["code"], known["label"], known.get("iri", "")))
        systems = self._texts(body.get("systems", []), pointer)
        roots = self._texts(body.get("descendants_of", []), pointer)
        for system in (*systems, *(root.partition(":")[0] for root in roots)):
            self._known_system(system, pointer)
        text = body.get("text", "false") == "true"
        if not (values or systems or roots or text):
            raise self._error(f"the value set {name!r} holds nothing", pointer)
        pattern = self._pattern(body.get("code_pattern", ""), f"{pointer}/code_pattern")
        if pattern and not systems:
            raise self._error("code_pattern is about the codes of systems; there are none", f"{pointer}/code_pattern")
        return ValueSet(name, body["title"], tuple(values), systems, pattern, roots, text, body.get("note", ""))

    def _pattern(self, text: str, pointer: str) -> str:
        try:
            compile_pattern(text)
        except ValueError as error:
            raise self._error(f"the pattern is refused: {error}", pointer) from None
        return text

    def _known_system(self, system: str, pointer: str) -> None:
        if system not in load_systems():
            raise self._error(
                f"the code system {system!r} is not known",
                pointer,
                "add it to mappings/systems and mappings/prefixes.yaml",
            )

    def _item(
        self, spec: Any, pointer: str, classes: Mapping[str, DatasetClass], petals: Mapping[str, Petal],
        sets: Mapping[str, ValueSet], versions: tuple[str, ...],
    ) -> Item:  # fmt: skip
        body = self._keys(spec, _ITEM_KEYS, pointer, ("id", "class", "item", "slot", "level", "cardinality", "source"))
        owner = classes.get(body["class"])
        if owner is None:
            raise self._error(f"the class {body['class']!r} is not among classes", f"{pointer}/class")
        slots = tuple(
            self._path(text, owner.hub_class, f"{pointer}/slot")
            for text in self._texts(body["slot"], f"{pointer}/slot")
        )
        if not slots or any(not path.steps for path in slots):
            raise self._error("slot names no slot", f"{pointer}/slot")
        if not _CARDINALITY.fullmatch(body["cardinality"]):
            raise self._error(
                f"the cardinality {body['cardinality']!r} is not written as 0..1 or 1..n", f"{pointer}/cardinality"
            )
        holder = owner.paths[0].end_class if owner.paths[0].steps else None
        condition = (
            self._condition(body["condition"], owner.hub_class, holder, f"{pointer}/condition")
            if "condition" in body
            else None
        )
        absent = (
            self._condition(body["absent_where"], owner.hub_class, holder, f"{pointer}/absent_where")
            if "absent_where" in body
            else None
        )
        levels = self._levels(body["level"], versions, pointer)
        if CONDITIONAL in levels.values() and condition is None:
            raise self._error("a conditional item has no condition", pointer)
        petal, otherwise = body.get("petal", CORE), body.get("otherwise", "optional")
        for name in {petal} - {CORE} | petals_of(condition) | petals_of(absent):
            if name not in petals:
                raise self._error(f"the petal {name!r} is not among petals", pointer)
        if otherwise not in ("optional", "absent", "ignore"):
            raise self._error(f"otherwise is optional, absent or ignore, not {otherwise!r}", f"{pointer}/otherwise")
        if absent is not None and otherwise != "optional":
            raise self._error("absent_where says what otherwise says already", f"{pointer}/absent_where")
        if condition is not None and otherwise == "absent":
            absent = Not(condition)
        if body.get("value_set") is not None and body["value_set"] not in sets:
            raise self._error(f"the value set {body['value_set']!r} is not among value_sets", f"{pointer}/value_set")
        pattern = self._pattern(body.get("pattern", ""), f"{pointer}/pattern")
        return Item(
            body["id"], body["class"], body["item"], slots, levels, body["cardinality"], condition,
            body.get("condition_text", body.get("condition", "")), otherwise, absent, body.get("value_set"),
            self._null_flavors(body.get("null_flavors", "none"), slots, pointer), pattern, petal,
            body.get("definition", ""), body.get("note", ""), body["source"],
        )  # fmt: skip

    def _levels(self, spec: Any, versions: tuple[str, ...], pointer: str) -> Mapping[str, str]:
        levels = (
            dict.fromkeys(versions, spec)
            if isinstance(spec, str)
            else self._keys(spec, frozenset(versions), f"{pointer}/level")
        )
        for level in levels.values():
            if level not in (*LEVELS, CONDITIONAL):
                raise self._error(
                    f"the level {level!r} is none of {', '.join((*LEVELS, CONDITIONAL))}", f"{pointer}/level"
                )
        return levels

    def _null_flavors(self, spec: Any, slots: tuple[HubPath, ...], pointer: str) -> frozenset[str]:
        known = hub_schema().enums["NullFlavor"]
        if spec == "none":
            return frozenset()
        if all(path.range != "CodedValue" for path in slots):
            raise self._error(
                "NullFlavors are for coded values: a text, a date or a number has none", f"{pointer}/null_flavors"
            )
        flavors = known if spec == "all" else frozenset(self._texts(spec, f"{pointer}/null_flavors"))
        if not flavors <= known:
            raise self._error(
                f"null_flavors are all, none or some of {', '.join(sorted(known))}", f"{pointer}/null_flavors"
            )
        return flavors
