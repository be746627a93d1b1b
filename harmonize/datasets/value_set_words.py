"""What a value set of a data set takes besides the codes that it lists, and how that is said: the one description for every export.

Schemas, shapes and models cannot look into a code system. What of a code they can judge is its form: `forms_of`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from harmonize.datasets.specification import PermittedValue, ValueSet

IN_SUMMARY = 8


class Forms(NamedTuple):
    """Which codes a value set takes, as far as their form tells: listed ones, all of `systems`, of others those of a pattern."""

    listed: tuple[str, ...]
    systems: tuple[str, ...]
    patterned: tuple[str, ...]
    code_pattern: str

    @property
    def any_code(self) -> bool:
        """Whether nothing is said of codes, so that all are taken."""
        return not (self.listed or self.systems or self.patterned)


class Part(NamedTuple):
    """A part of a value set that is no list: the codes that stand for it, each with its words, and the words for all of them."""

    codes: tuple[tuple[str, str], ...]
    words: str


def forms_of(values: ValueSet) -> Forms:
    """The forms of the codes of *values*; of the descendants of a code, all codes of its system."""
    roots = tuple(root.partition(":")[0] for root in values.descendants_of)
    whole = tuple(dict.fromkeys(roots if values.code_pattern else (*values.systems, *roots)))
    patterned = tuple(system for system in values.systems if values.code_pattern and system not in whole)
    listed = tuple(value.code for value in values.values if value.code.partition(":")[0] not in whole)
    return Forms(listed, whole, patterned, values.code_pattern if patterned else "")


def systems_of(values: ValueSet) -> tuple[str, ...]:
    """The code systems that *values* takes codes of besides those that it lists.

    >>> systems_of(ValueSet("x", "X", (), ("ICD10",), "", ("SNOMEDCT:404684003",), False, ""))
    ('ICD10', 'SNOMEDCT')
    """
    forms = forms_of(values)
    return tuple(dict.fromkeys((*values.systems, *forms.systems)))


def parts_of(values: Mapping[str, Any]) -> list[Part]:
    """The parts of a value set (`value_set_as_json`) that are no list of codes.

    >>> [part.words for part in parts_of({"systems": ["ICDO3"], "code_pattern": "C[0-9]{2}", "text": True})]
    ['codes of ICDO3 of the form C[0-9]{2}', 'a text where there is no code']
    >>> [part.words for part in parts_of({"systems": ["HP", "ORPHA"], "descendants_of": ["MONDO:0000001"]})]
    ['any code of HP, ORPHA', 'MONDO:0000001 and all that is below it']
    """
    parts = []
    systems, pattern = values.get("systems", ()), values.get("code_pattern", "")
    if systems:
        codes = tuple((f"{system}:*", _of_systems((system,), pattern)) for system in systems)
        parts.append(Part(codes, _of_systems(systems, pattern)))
    parts += [Part(((root, words),), words) for root in values.get("descendants_of", ()) for words in (_below(root),)]
    if values.get("text"):
        words = "a text where there is no code"
        parts.append(Part((("", words),), words))
    return parts


def _of_systems(systems: Sequence[str], pattern: str) -> str:
    names = ", ".join(systems)
    return f"codes of {names} of the form {pattern}" if pattern else f"any code of {names}"


def _below(root: str) -> str:
    return f"{root} and all that is below it"


def limits_of(values: ValueSet) -> list[str]:
    """What of *values* nothing can judge that looks at forms alone."""
    limits = []
    if values.descendants_of:
        roots = ", ".join(values.descendants_of)
        limits.append(f"for the descendants of {roots} all codes of the system pass: the hierarchy is not looked at")
    if values.systems:
        systems = ", ".join(values.systems)
        form = f" of the form {values.code_pattern}" if values.code_pattern else ""
        limits.append(f"every code of {systems}{form} passes: whether it is in an edition is not looked at")
    return limits


def value_set_as_json(values: ValueSet) -> dict[str, Any]:
    """A value set with its values; empty parts are left out."""
    whole = {
        "name": values.name,
        "title": values.title,
        "values": [{key: text for key, text in _fields(value).items() if text} for value in values.values],
        "systems": list(values.systems),
        "code_pattern": values.code_pattern,
        "descendants_of": list(values.descendants_of),
        "text": values.text,
        "note": values.note,
    }
    return {key: value for key, value in whole.items() if value or key in ("name", "title")}


def _fields(value: PermittedValue) -> dict[str, str]:
    return {"code": value.code, "label": value.label, "iri": value.iri}


def value_set_text(values: Mapping[str, Any] | None, null_flavors: Sequence[str], shown: int | None = None) -> str:
    """A value set in one line: its name, then what it holds; of listed values at most *shown*.

    >>> value_set_text({"name": "sex", "title": "Sex", "values": [{"code": "GENDER:male", "label": "Male"}]}, ["UNK"])
    'sex: GENDER:male Male; NullFlavor UNK'
    """
    parts = []
    if values is not None:
        listed = [f"{value['code']} {value['label']}" for value in values.get("values", [])]
        if shown is not None and len(listed) > shown:
            listed = [*listed[:shown], f"... {len(listed)} in all"]
        parts += [", ".join(listed)] if listed else []
        parts += [part.words for part in parts_of(values)]
    if null_flavors:
        parts.append(f"NullFlavor {', '.join(null_flavors)}")
    name = f"{values['name']}: " if values is not None else ""
    return name + "; ".join(parts)


def summary(values: ValueSet) -> str:
    """What *values* holds, short enough for a message: the title, the first codes, what else it takes."""
    listed = [value.code for value in values.values]
    more = [f"{len(listed) - IN_SUMMARY} more codes"] if len(listed) > IN_SUMMARY else []
    parts = [*listed[:IN_SUMMARY], *more, *(part.words for part in parts_of(value_set_as_json(values)))]
    return f"{values.title} ({', '.join(parts)})" if parts else values.title
