"""Answers of the terminology: values, never None. `NotChecked` is not the same as invalid."""

from __future__ import annotations

from typing import Any, NamedTuple


class Found(NamedTuple):
    """An active code. `label` is empty where an incomplete system has none."""

    code: str
    label: str
    system: str
    version: str


class Replaced(NamedTuple):
    """An alternative id, or an obsolete code with exactly one active replacement."""

    code: str
    by: Found
    obsolete: bool


class Ambiguous(NamedTuple):
    """A text that stands for several concepts."""

    code: str
    system: str
    candidates: tuple[Found, ...]


class Obsolete(NamedTuple):
    """An obsolete code that has no single replacement; the candidates are what the code system suggests."""

    code: str
    label: str
    system: str
    version: str
    candidates: tuple[Found, ...]


class Unknown(NamedTuple):
    """A code that the installed, complete edition does not have."""

    code: str
    system: str
    version: str


class NotChecked(NamedTuple):
    """Nobody could look: the system is not installed, or only some of its codes are."""

    code: str
    system: str
    reason: str


Answer = Found | Replaced | Ambiguous | Obsolete | Unknown | NotChecked


def as_json(answer: Answer) -> dict[str, Any]:
    """The answer as the contract writes it for scripts.

    >>> as_json(Unknown("HP:9999999", "HP", "2026-02-16"))["status"]
    'unknown'
    """
    document: dict[str, Any] = {"status": _STATUS[type(answer)], "code": answer.code, "label": None}
    if isinstance(answer, Replaced):
        document.update(system=answer.by.system, version=answer.by.version, candidates=[_candidate(answer.by)])
        return document
    document["label"] = getattr(answer, "label", None) or None
    document["system"] = answer.system
    document["version"] = getattr(answer, "version", None)
    document["candidates"] = [_candidate(found) for found in getattr(answer, "candidates", ())]
    if isinstance(answer, NotChecked):
        document["reason"] = answer.reason
    return document


def _candidate(found: Found) -> dict[str, str]:
    return {"code": found.code, "label": found.label}


_STATUS = {
    Found: "found",
    Replaced: "replaced",
    Ambiguous: "ambiguous",
    Obsolete: "obsolete",
    Unknown: "unknown",
    NotChecked: "not-checked",
}
