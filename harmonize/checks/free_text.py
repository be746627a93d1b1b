"""What looks like an identifier of a person in free text. Names cannot be found: there is no list of names, and every word may be one.

A finding says which kind and where, never the text. National numbers are not told apart (no country is in Python): every long group
of digits counts, but not behind a colon, where codes and coordinates stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

HUB_TEXTS = frozenset(
    {
        "additional_quality_control_metrics", "alignment_genome_settings", "description", "label", "line", "name",
        "other_exposure_description", "panel_of_normals_description", "parameters", "policies", "relation_description",
        "residential_areas_at_risk", "sampling_intents", "settings", "subtype", "text", "wet_lab_protocol",
    }
)  # fmt: skip
"""Slots of the hub that hold words."""
PACKET_TEXTS = frozenset({"description", "label", "text", "cohort", "notes"})
"""Elements of phenopackets that hold words."""
_NOT_OF_THE_PERSON = frozenset({"submission", "metaData", "variationDescriptor"})
"""Who submits or made a record is named there, rightly; labels of variants are full of coordinates."""
LONGEST = 100_000
"""Characters of a text that are looked at."""

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("an e-mail address", re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:[.][\w-]{1,64}){1,5}")),
    ("an address of the web with a query", re.compile(r"https?://[^\s?]{1,500}[?][^\s=]{1,100}=")),
    ("a telephone number", re.compile(r"(?<![\w.])(?:[+]|00)[1-9][0-9](?:[ ()/-]{0,2}[0-9]){6,12}(?![\w-])")),
    ("a bank account (IBAN)", re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")),
    (
        "a whole date",
        re.compile(
            r"(?<![\w-])(?:(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]"
            r"|[0-3]?[0-9][./][01]?[0-9][./](?:19|20)[0-9]{2})(?![\w-])"
        ),
    ),
    (
        "a long number, as of a file or an insurance",
        re.compile(r"(?<![\w:.-])(?:[0-9]{9,20}|[0-9]{2,4}(?:[ -][0-9]{2,4}){2,5})(?![\w-])"),
    ),
)


def identifier_kind(text: str) -> str | None:
    """The kind of identifier that *text* seems to hold, in words; None where it holds none.

    >>> identifier_kind("ask jane@example.org"), identifier_kind("SCN1A, seizures since birth")
    ('an e-mail address', None)
    """
    text = text[:LONGEST]
    for kind, pattern in _KINDS:
        found = pattern.search(text)
        if found is not None and (not kind.endswith("(IBAN)") or _is_iban(found.group().replace(" ", ""))):
            return kind
    return None


def _is_iban(text: str) -> bool:
    """Whether the check digits hold: ISO 13616, mod 97 of the digits with letters as two of them.

    >>> _is_iban("GB82WEST12345698765432"), _is_iban("GB83WEST12345698765432")
    (True, False)
    """
    moved = text[4:] + text[:4]
    return len(text) >= 15 and int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def identifiers_in(document: Any, slots: frozenset[str], path: str = "") -> Iterator[tuple[str, str]]:
    """(path, kind) of every text in *slots*, at any depth, that seems to hold an identifier.

    >>> list(identifiers_in({"samples": [{"description": "tel. +49 30 1234567"}]}, HUB_TEXTS))
    [('/samples/0/description', 'a telephone number')]
    """
    if isinstance(document, dict):
        for name, value in document.items():
            if name in _NOT_OF_THE_PERSON:
                continue
            below = f"{path}/{name}"
            if name in slots and isinstance(value, str):
                kind = identifier_kind(value)
                if kind is not None:
                    yield below, kind
            elif name in slots and isinstance(value, list) and all(isinstance(item, str) for item in value):
                for index, item in enumerate(value):
                    kind = identifier_kind(item)
                    if kind is not None:
                        yield f"{below}/{index}", kind
            else:
                yield from identifiers_in(value, slots, below)
    elif isinstance(document, list):
        for index, item in enumerate(document):
            yield from identifiers_in(item, slots, f"{path}/{index}")
