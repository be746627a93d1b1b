"""The rule family of codes on documents of any format: unknown, obsolete, an alternative id, another term's label."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import NamedTuple

from harmonize.terminology.answers import Found, NotChecked, Obsolete, Replaced, Unknown
from harmonize.terminology.notation import Code, load_systems
from harmonize.terminology.store import Terminologies, normalise


class CodeProblem(NamedTuple):
    """A broken rule. The message quotes the public code and no label of the document."""

    rule: str
    message: str


def code_problem(
    code: str, label: str | None, terminologies: Terminologies, beside: Collection[str] = (), edition: str = ""
) -> CodeProblem | None:
    """What is wrong with the CURIE *code* that carries *label*; None where nothing is.

    *beside* are the other codes of the same thing: an old code is no problem where its active replacement stands with it.
    *edition* is the one that the document states beside the code.

    >>> terminologies = Terminologies.installed()
    >>> code_problem("HP:0410382", None, terminologies).message
    'HP:0410382 is obsolete; its active replacement is HP:0410379'
    >>> code_problem("HP:0001250", "Seizure", terminologies) is None
    True
    """
    match terminologies.lookup_in(code, edition):
        case Unknown(system=system, version=version) if _is_newer(edition, version):
            message = (
                f"{system}: codes that {version} does not have are not checked, for {edition_date(edition)} is stated"
            )
            return CodeProblem("terms.not-checked", message)
        case Unknown(system=system, version=version):
            return CodeProblem("terms.unknown", f"{_quotable(code, system)} is not in {system} {version}".rstrip())
        case Replaced(by=by) if by.code in beside:
            return None
        case Replaced(by=by, obsolete=True):
            return CodeProblem("terms.obsolete", f"{code} is obsolete; its active replacement is {by.code}")
        case Replaced(by=by):
            return CodeProblem("terms.alternative-id", f"{code} is an alternative id of {by.code}")
        case Obsolete(candidates=candidates):
            hint = f"; consider {' or '.join(found.code for found in candidates)}" if candidates else ""
            return CodeProblem("terms.obsolete", f"{code} is obsolete and has no single replacement{hint}")
        case NotChecked(system=system, reason=reason):
            if system in load_systems():
                return CodeProblem("terms.not-checked", f"{system}: codes are not checked, {reason}")
            return CodeProblem(
                "terms.not-checked", "codes of a prefix that mappings/systems does not know are not checked"
            )
        case Found(label=known) as found if (
            label and known and label != code and not _names(found, label, terminologies)
        ):
            return CodeProblem(
                "terms.label-differs", f"the label beside {code} is neither its label nor an exact synonym of it"
            )
    return None


def edition_date(version: str) -> str | None:
    """The date in the name of an edition.

    >>> edition_date("v2026-05-05"), edition_date("releases/2024-04-04"), edition_date("32")
    ('2026-05-05', '2024-04-04', None)
    """
    found = re.search(r"(?<![0-9])[12][0-9]{3}-[0-9]{2}-[0-9]{2}(?![0-9])", version)
    return found.group() if found else None


def _is_newer(edition: str, installed: str) -> bool:
    """Whether the edition that a document states is later than the one that is *installed*, which need not have all its codes."""
    stated, known = edition_date(edition), edition_date(installed)
    return stated is not None and known is not None and stated > known


def _quotable(code: str, system: str) -> str:
    """The code where only a code of its system is written so; anything else could be a person's data."""
    if not isinstance(load_systems().parse(code, system), Code):
        return "a code that is not in the system's notation"
    return code if _is_telling(system) else "the code"


_OF_A_PERSON = ("Jane", "19850910", "19850917", "Jane1985")
"""A name, two dates or numbers (the second ends in a check digit), a login: where a notation allows one, an unknown code may be one."""


@cache
def _is_telling(system: str) -> bool:
    """Whether the notation of *system* tells its codes from names and numbers.

    >>> _is_telling("HP"), _is_telling("SNOMEDCT"), _is_telling("UCUM")
    (True, False, False)
    """
    systems = load_systems()
    return not any(isinstance(systems.parse(f"{system}:{text}", system), Code) for text in _OF_A_PERSON)


def _names(found: Found, label: str, terminologies: Terminologies) -> bool:
    names = terminologies.names(found.code, found.version)
    folded = normalise(label)
    return not names or any(normalise(name) == folded for _, name in names)
