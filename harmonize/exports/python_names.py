"""Names of items, classes and value sets as names of Python."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

_TAKEN = frozenset(
    {"copy", "json", "dict", "schema", "validate", "construct", "from_orm", "parse_obj", "parse_raw", "parse_file"}
)
"""Names that pydantic's models have already."""


def _unnumbered(text: str) -> str:
    """*text* without the number of its section."""
    return re.sub(r"^[0-9.]+[\s_]+(?=\S)", "", text)


def field_name(text: str) -> str:
    """*text* as the name of a field.

    >>> field_name("Date of last follow-up"), field_name("15x coverage"), field_name("class"), field_name("2.1_Personal_Data")
    ('date_of_last_follow_up', 'item_15x_coverage', 'class_', 'personal_data')
    """
    name = re.sub(r"[^0-9a-z]+", "_", _unnumbered(text).casefold()).strip("_") or "item"
    if name[0].isdigit():
        name = f"item_{name}"
    return f"{name}_" if keyword.iskeyword(name) or name in _TAKEN or name.startswith("model_") else name


def type_name(text: str) -> str:
    """*text* as the name of a class.

    >>> type_name("administrative-gender"), type_name("TNM"), type_name("2.1 Personal Data")
    ('AdministrativeGender', 'TNM', 'PersonalData')
    """
    words = re.findall(r"[0-9A-Za-z]+", _unnumbered(text))
    name = "".join(word[0].upper() + word[1:] for word in words) or "Class"
    return f"Class{name}" if name[0].isdigit() else name


def distinct(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """*names* in their order, with a number behind those that stand there already.

    >>> distinct(["date", "date", "id"])
    ['date', 'date_2', 'id']
    """
    used, made = set(taken), list[str]()
    for name in names:
        number, candidate = 1, name
        while candidate in used:
            number += 1
            candidate = f"{name}_{number}"
        used.add(candidate)
        made.append(candidate)
    return made
