"""JSON Schema violations without the values that they refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import jsonschema_rs

ELEMENT_NAME = re.compile(r"[a-z][A-Za-z_]{0,39}")
"""Names of elements that a message may quote; anything else, as a name of a person or a number, could be a value in the place of one."""
LIMIT = 1_000


class StructureProblem(NamedTuple):
    """Where a document breaks its schema (JSON Pointer) and how; a message never quotes a value."""

    path: str
    message: str


def pointer(parts: Any) -> str:
    """A JSON Pointer (RFC 6901) of *parts*.

    >>> pointer(["a/b", 0])
    '/a~1b/0'
    """
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def structure_problems(validator: Any, document: Any) -> Iterator[StructureProblem]:
    """The violations of *validator*'s schema by *document*; the text that jsonschema-rs would give quotes values.

    Behind the thousandth one more says that there are others.

    >>> validator = jsonschema_rs.validator_for({"properties": {"sex": {"enum": ["MALE"]}}})
    >>> list(structure_problems(validator, {"sex": "Anna"}))
    [StructureProblem(path='/sex', message='its value is none of MALE')]
    """
    if validator.is_valid(document):
        return
    for number, error in enumerate(validator.iter_errors(document)):
        if number == LIMIT:
            yield StructureProblem("", f"it breaks the schema more than {LIMIT} times; the others are not counted")
            return
        detail: Any = error.kind
        missing = [detail.property] if detail.name == "required" else []  # it stands where the element should
        yield StructureProblem(pointer([*error.instance_path, *missing]), problem_message(error))


def problem_message(error: jsonschema_rs.ValidationError) -> str:
    """What *error* is about, in our words: the text that jsonschema-rs would give quotes values."""
    detail: Any = error.kind
    kind = detail.name
    if kind in ("additionalProperties", "unevaluatedProperties"):
        names = [name for name in detail.unexpected if ELEMENT_NAME.fullmatch(name)]
        return (
            f"the schema has no element {', '.join(names[:3])}"
            if names
            else "it has an element that the schema does not have"
        )
    if kind == "required":
        return f"the element {detail.property} is missing"
    if kind == "type":
        return f"it must be of JSON type {' or '.join(detail.types)}"
    if kind == "enum" and all(isinstance(word, str) for word in detail.options):
        words = sorted(detail.options)
        return f"its value is none of {', '.join(words[:12])}{', ...' if len(words) > 12 else ''}"
    return _SENTENCES.get(str(kind), f"it breaks the schema ({kind})")


_SENTENCES = {
    "enum": "its value is not in the enumeration",
    "const": "its value is not the one that is fixed",
    "pattern": "its text has not the form that the schema demands",
    "not": "it has two members of which only one may be there",
    "minItems": "the array is empty",
}
