"""The hub and the data sets as a module of pydantic models.

The hub's models are those that are committed. A data set becomes one model for each of its classes, whose fields are its items
(`item_values` makes them from a hub record): for forms, for code that writes records, for tools that read pydantic.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import harmonize.hub
from harmonize.datasets.conditions import Every
from harmonize.datasets.specification import CONDITIONAL, CORE, LEVELS, Dataset, DatasetClass, Item, ValueSet
from harmonize.datasets.value_set_words import forms_of, limits_of, parts_of, value_set_as_json
from harmonize.errors import UnknownNameError
from harmonize.exports.calendar_pattern import ANY_DATE
from harmonize.exports.demands import Note, limits_of_item
from harmonize.exports.item_rows import full_paths
from harmonize.exports.item_values import class_fields, field_names, is_repeated
from harmonize.exports.json_schema import any_prefix, whole
from harmonize.exports.model_conditions import OutOfReachError, model_condition
from harmonize.exports.python_names import distinct, type_name
from harmonize.exports.vocabulary import code_prefixes
from harmonize.hub import hub_schema

_SCALARS = {"string": "Text", "integer": "int", "boolean": "bool", "PartialDate": "PartialDate", "Quantity": "Quantity"}
_OWN_NAMES = (
    "NullFlavor",
    "PartialDate",
    "Text",
    "Words",
    "Code",
    "NoCode",
    "Quantity",
    "HubObject",
    "Any",
    "Annotated",
    "Literal",
    "Field",
)


class Models(NamedTuple):
    """The text of a module, and what it does not check."""

    text: str
    notes: tuple[Note, ...]


def hub_models() -> str:
    """The pydantic models of the hub: those that harmonize itself ships."""
    return (Path(harmonize.hub.__file__).parent / "generated" / "models.py").read_text("utf-8")


def dataset_models(dataset: Dataset, *, level: str = "mandatory", version: str | None = None) -> Models:
    """The models of *dataset*, in which the items of *level* and of stricter ones are required. Raises UnknownNameError."""
    if level not in LEVELS:
        raise UnknownNameError("level", level, LEVELS)
    chosen = dataset.version if version is None else version
    dataset.items_of(chosen)
    return _Module(dataset, chosen, level).models()


class _Module:
    def __init__(self, dataset: Dataset, version: str, level: str) -> None:
        self._dataset, self._version, self._level = dataset, version, level
        self._demanded = {*LEVELS[: LEVELS.index(level) + 1], CONDITIONAL}
        self._items = dataset.items_of(version)
        self._fields = field_names(dataset, version)
        self._owners = [o for o in dataset.classes.values() if any(i.class_name == o.name for i in self._items)]
        names = distinct([*(type_name(owner.name) for owner in self._owners), "Record"], _OWN_NAMES)
        self._classes = dict(zip([*(owner.name for owner in self._owners), ""], names, strict=True))
        coded = [item for item in self._items if "CodedValue" in item.ranges]
        used = {item.value_set for item in coded}
        self._sets = [values for values in dataset.value_sets.values() if values.name in used]
        enums = sorted({path.range for item in self._items for path in item.slots if path.range in hub_schema().enums})
        made = distinct([*(type_name(v.name) for v in self._sets), *map(type_name, enums)], [*_OWN_NAMES, *names])
        self._set_names = dict(zip((values.name for values in self._sets), made, strict=False))
        self._enum_names = dict(zip(enums, made[len(self._sets) :], strict=True))
        self._notes: list[Note] = []

    def models(self) -> Models:
        parts = [self._value_set(values) for values in self._sets]
        parts += [_literal(name, sorted(hub_schema().enums[enum])) for enum, name in self._enum_names.items()]
        parts += [self._model(owner) for owner in self._owners]
        parts.append(self._record())
        notes = tuple(dict.fromkeys(self._notes))
        return Models("\n\n\n".join([self._head(notes), *parts]).rstrip() + "\n", notes)

    def _head(self, notes: Iterable[Note]) -> str:
        unsaid = "".join(f"- {_comment(note.id)}: {_comment(note.text)}\n" for note in notes)
        title = f"{self._dataset.title} {self._version}, {self._level} items required: one model for each class."
        return _HEAD.format(
            title=_comment(title),
            name=self._dataset.name,
            unsaid=f"Not checked by these models:\n\n{unsaid}" if unsaid else "Everything is checked.\n",
            flavors=_list(sorted(hub_schema().enums["NullFlavor"])),
            date=repr(f"^{ANY_DATE}$"),
            prefixes=_list(sorted(code_prefixes())),
        )

    def _value_set(self, values: ValueSet) -> str:
        """A type for the codes of a value set; its labels stand as comments."""
        name, forms = self._set_names[values.name], forms_of(values)
        where = f"value set {values.name}"
        parts = []
        if values.values:
            lines = "".join(f"    {json.dumps(v.code)},  # {_comment(v.label)}\n" for v in values.values)
            parts.append(f"Literal[\n{lines}]")
        patterns = [any_prefix(forms.systems)] if forms.systems else []
        patterns += [any_prefix(forms.patterned, forms.code_pattern)] if forms.patterned else []
        parts += [f"Annotated[str, Field(pattern={pattern!r})]" for pattern in patterns]
        if forms.any_code:
            parts.append("Code")
        if values.text:
            parts.append("Words" if forms.any_code else "NoCode")
        self._notes += [Note(where, text) for text in limits_of(values)]
        if values.text and not forms.any_code:
            self._notes.append(Note(where, "a text that is written as a code is judged as one"))
        said = [values.title, *(part.words for part in parts_of(value_set_as_json(values))), values.note]
        about = " ".join(f"{_comment(text).rstrip('.')}." for text in said if text)
        return f'{name} = {" | ".join(parts)}\n"""{about}"""'

    # --- one class ---

    def _model(self, owner: DatasetClass) -> str:
        items = [item for item in self._items if item.class_name == owner.name]
        lines = [
            f"class {self._classes[owner.name]}(_Model):",
            f'    """{_comment(owner.definition or owner.name)}"""',
            "",
        ]
        for item in items:
            lines += self._field(owner, item)
        checks = [check for item in items for check in self._checks(item, items)]
        if checks:
            lines += [
                "",
                '    @model_validator(mode="after")',
                f"    def _conditions(self) -> {self._classes[owner.name]}:",
            ]
            lines += [f"        {check}" for check in checks] + ["        return self"]
        return "\n".join(lines)

    def _field(self, owner: DatasetClass, item: Item) -> list[str]:
        level = item.levels[self._version]
        required = level in self._demanded - {CONDITIONAL} and item.condition is None and item.petal == CORE
        several = item.at_most != 1
        kind = " | ".join(dict.fromkeys(self._types(item)))
        options = []
        if several:
            kind = f"list[{kind}]"
            options += ["min_length=1"] if required else ["default_factory=list"]
            options += [f"max_length={item.at_most}"] if item.at_most is not None else []
        elif not required:
            kind, options = f"{kind} | None", ["default=None"]
        options += [f"title={item.item!r}"]
        described = " ".join(
            part for part in (item.definition, item.condition_text and f"Where {item.condition_text}.") if part
        )
        options += [f"description={described!r}"] if described else []
        extra = {"id": item.id, "level": level, "hub_paths": full_paths(owner, item)}
        options.append(f"json_schema_extra={extra!r}")
        lines = "".join(f"        {option},\n" for option in options)
        return [f"    {self._fields[item.id]}: {kind} = Field(\n{lines}    )"]

    def _types(self, item: Item) -> list[str]:
        made = []
        self._notes += [Note(item.id, text) for text in limits_of_item(item)]
        if len(item.ranges) > 1 and "string" in item.ranges and not item.pattern:
            self._notes.append(
                Note(item.id, "its codes, dates and other forms: one alternative is a text, so that any is")
            )
        for path in item.slots:
            if path.range == "CodedValue":
                made += [self._set_names.get(item.value_set or "", "Words"), *_flavors(item)]
            elif path.range == "string" and item.pattern:
                made.append(f"Annotated[str, Field(pattern={whole(item.pattern)!r})]")
            elif path.range in _SCALARS:
                made.append(_SCALARS[path.range])
            elif path.range in self._enum_names:
                made.append(self._enum_names[path.range])
            else:
                made.append("HubObject")
                self._notes.append(Note(item.id, f"what is in an object of the hub's {path.range}"))
        return made

    def _checks(self, item: Item, items: list[Item]) -> list[str]:
        """Statements for the condition of *item*; what they cannot say is noted."""
        demanded = item.levels[self._version] in self._demanded
        if item.petal != CORE and demanded:
            self._notes.append(Note(item.id, f"that it is there where the petal {item.petal} is in use"))
            demanded = False
        fields = {
            other.slots[0].steps[0].slot: self._fields[other.id]
            for other in items
            if len(other.slots) == 1 and other.slots[0].is_plain and not other.slots[0].from_record
        }
        name, checks = self._fields[item.id], []
        text = f"{item.id}: {item.condition_text}".replace("{", "(").replace("}", ")")
        try:
            if item.forbidden is not None:
                forbidden = model_condition(item.forbidden, fields)
                checks += [
                    f"if {forbidden} and _given(self.{name}):",
                    f"    raise ValueError({f'given although it must not be; {text}'!r})",
                ]
            if item.condition is not None and demanded and item.condition != Every(()):
                holds = model_condition(item.condition, fields)
                free = f" and not {model_condition(item.forbidden, fields)}" if item.forbidden is not None else ""
                checks += [
                    f"if {holds}{free} and not _given(self.{name}):",
                    f"    raise ValueError({f'missing; {text}'!r})",
                ]
        except OutOfReachError:
            self._notes.append(Note(item.id, f"its condition, which asks of other classes: {item.condition_text}"))
        return checks

    # --- the record ---

    def _record(self) -> str:
        lines = [f"class {self._classes['']}(_Model):", f'    """One record of {_comment(self._dataset.title)}."""', ""]
        fields = class_fields(self._dataset, self._version)
        for owner in self._owners:
            name, field = self._classes[owner.name], fields[owner.name]
            if is_repeated(owner):
                options = "min_length=1" if owner.required else "default_factory=list"
                lines.append(f"    {field}: list[{name}] = Field({options})")
            elif not owner.paths[0].steps or owner.required:
                lines.append(f"    {field}: {name}")
            else:
                lines.append(f"    {field}: {name} | None = None")
        return "\n".join(lines)


def _flavors(item: Item) -> list[str]:
    known = hub_schema().enums["NullFlavor"]
    if not item.null_flavors:
        return []
    return ["NullFlavor"] if item.null_flavors == known else [f"Literal[{_list(sorted(item.null_flavors))}]"]


def _literal(name: str, values: Iterable[str]) -> str:
    return f"{name} = Literal[{_list(values)}]"


def _list(values: Iterable[str]) -> str:
    return ", ".join(json.dumps(value) for value in values)


def _comment(text: str) -> str:
    """*text* in one line, which ends no comment and no docstring.

    >>> _comment('a "b"\\n c')
    "a 'b' c"
    """
    return " ".join(text.split()).replace("\\", "/").replace('"', "'")


_HEAD = '''"""{title}

Generated by harmonize from mappings/datasets/{name}.yaml. Do not edit.

The models hold items, not hub records: a coded value is a CURIE (or a NullFlavor, or a text, where the item permits it), a date is
cut where knowledge ends. `harmonize.exports.item_values` makes them from a hub record.

{unsaid}"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

NullFlavor = Literal[{flavors}]
NULL_FLAVORS = ({flavors})


def _no_null_flavor(text: str) -> str:
    if text in NULL_FLAVORS:
        raise ValueError("a NullFlavor stands where it is not allowed")
    return text


Text = Annotated[str, Field(min_length=1)]
Words = Annotated[str, Field(min_length=1), AfterValidator(_no_null_flavor)]
"""A code of any system, or a text."""
PREFIXES = frozenset([{prefixes}])


def _no_code(text: str) -> str:
    prefix, colon, local = text.partition(":")
    if colon and prefix in PREFIXES and local and not any(character.isspace() for character in local):
        raise ValueError("a code stands where a text, or a code of the value set, is allowed")
    return text


Code = Annotated[str, Field(pattern=r"^[^:\\s]+:\\S")]
NoCode = Annotated[Words, AfterValidator(_no_code)]
"""A text that is no code."""
PartialDate = Annotated[str, Field(pattern={date})]
HubObject = dict[str, Any]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=(), strict=True)


class Quantity(_Model):
    """A number with the written digits and its unit in UCUM."""

    value: Annotated[str, Field(pattern="^-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?$")]
    comparator: Literal["<", "<=", ">=", ">"] | None = None
    unit: str | None = None
    unit_source: HubObject | None = None


def _values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _given(value: Any) -> bool:
    return bool(_values(value))


def _is_one_of(value: Any, constants: tuple[Any, ...]) -> bool:
    return any(one in constants for one in _values(value))


def _filled(value: Any) -> bool:
    return any(one not in NULL_FLAVORS for one in _values(value))


def _has_system(value: Any, systems: tuple[str, ...]) -> bool:
    return any(isinstance(one, str) and one.partition(":")[0] in systems for one in _values(value))'''
