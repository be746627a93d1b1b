"""Concepts of the OMOP CDM as coded values of the hub: `concept`, `concepts`, `ucum`.

Source: OMOP CDM 5.4. A concept id is a whole number that means something in the source's own CONCEPT table only: there it is a
code of a vocabulary. Which code system a vocabulary is, mappings/systems say (`omop`). Where the table, the system or a valid
code is missing, the concept id itself is carried as a code of the system OMOP: nothing is rejected because a table lacks it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from harmonize.findings import Outcome, Severity
from harmonize.profiles.coded_values import Environment, coding, memoised
from harmonize.profiles.notes import Noted, rejected
from harmonize.terminology.answers import Unknown
from harmonize.terminology.concept_table import Concept
from harmonize.terminology.notation import Code

MAPPING_SET = "OMOP standard concept"
_CONCEPT_ID = re.compile(r"([0-9]{1,10})(?:[.]0+)?")
_LARGEST = 2**31 - 1
"""CDM 5.4 keeps concept ids as integers of 32 bits; a longer number is something else, perhaps a person's."""

NO_CONCEPT = Noted(
    {"null_flavor": "OTH"},
    "terms.unmapped",
    Severity.WARNING,
    Outcome.UNMAPPED,
    "concept 0: no standard concept matches what the source says",
    "map the source value to a standard concept in the ETL",
)
_SOURCE_ALONE = "concept 0: no standard concept matches; the source concept stands alone"
_ONE_UNUSABLE = "one of the two columns holds no concept id; the other one is carried"
_FIX_ID = "write the concept_id of the CONCEPT table"


def concept_id(text: str) -> str | None:
    """The concept id *text* as digits, also where a program has made it a float; None where it is none.

    >>> concept_id("9201.0"), concept_id(" 0 "), concept_id("I10")
    ('9201', '0', None)
    """
    match = _CONCEPT_ID.fullmatch(text.strip())
    return str(int(match[1])) if match and int(match[1]) <= _LARGEST else None


def _coding(environment: Environment, number: str, origin: str) -> dict[str, Any]:
    """The coding of a concept: of its own system where that is known, else of OMOP."""
    concept = environment.concepts.lookup(number) if environment.concepts is not None else None
    code = _code(environment, concept) if concept is not None else None
    _say_what_is_known(environment, number, concept)
    if code is None or concept is None:
        label = {"label": concept.name} if concept is not None and concept.name else {}
        return {"system": "OMOP", "code": f"OMOP:{number}", "origin": origin, **label}
    made, noted = coding(environment, code, origin, label=concept.name or None)
    if noted is None:
        return made
    environment.say_once(noted.rule, str(code), Severity.WARNING, noted.message, _FIX_TABLE)
    stated: dict[str, Any] = made.get("stated", made)  # the CDM's own code stays; which one is active, the note tells
    return {**stated, "label": concept.name} if concept.name else stated


_FIX_TABLE = "update the vocabulary of the CDM, or install the edition that it holds"


def _code(environment: Environment, concept: Concept) -> Code | None:
    """The code of *concept* in its own system; None where no system is called so, or writes codes otherwise."""
    system = environment.systems.of_omop(concept.vocabulary)
    parsed = environment.systems.parse_local(concept.code, system) if system is not None else None
    return parsed if isinstance(parsed, Code) else None


def _say_what_is_known(environment: Environment, number: str, concept: Concept | None) -> None:
    if environment.concepts is None:
        message = "there is no CONCEPT table: concept ids are carried as codes of OMOP, without labels and unchecked"
        fix = "put the concept.csv of the CDM beside its tables"
        environment.say_once("terms.not-checked", "OMOP", Severity.INFO, message, fix)
    elif concept is None:
        message = f"the CONCEPT table does not have OMOP:{number}, which is carried as it is"
        fix = "export the concepts that the tables use, or correct the concept id"
        environment.say_once("terms.no-concept", f"OMOP:{number}", Severity.WARNING, message, fix)
    elif concept.invalid:
        message = f"OMOP:{number} is no longer valid in the CONCEPT table (invalid_reason)"
        fix = "map the source value to the concept that replaces it"
        environment.say_once("terms.obsolete", f"OMOP:{number}", Severity.WARNING, message, fix)


def _one(environment: Environment, number: str) -> Any:
    return NO_CONCEPT if number == "0" else {"codings": [_coding(environment, number, "stated")]}


def _no_concept_id() -> Noted:
    return rejected("source.code", "the value is no concept id", _FIX_ID)


def make_concept(environment: Environment) -> Callable[..., Any]:
    """`concept(text)`: the code that an OMOP concept id stands for."""

    def concept(text: str) -> Any:
        number = concept_id(text)
        return _no_concept_id() if number is None else _one(environment, number)

    return memoised(concept)


def make_concepts(environment: Environment) -> Callable[..., Any]:
    """`concepts(concept_id, source_concept_id)`: the standard concept, and beside it the concept of the source."""

    def concepts(text: str | None, source_text: str | None) -> Any:
        number = concept_id(text) if text is not None else None
        source = concept_id(source_text) if source_text is not None else None
        unusable = (text is not None and number is None) or (source_text is not None and source is None)
        value = _pair(environment, number, None if source == "0" else source)
        if not unusable:
            return value
        if value is None or value is NO_CONCEPT:
            return _no_concept_id()
        return Noted(value, "source.code", Severity.ERROR, Outcome.COARSENED, _ONE_UNUSABLE, _FIX_ID)

    return memoised(concepts)


def _pair(environment: Environment, number: str | None, source: str | None) -> Any:
    if source is None or source == number:
        return _one(environment, number) if number is not None else None
    stated = _one(environment, source)
    if number is None:
        return stated
    if number == "0":
        return Noted(stated, "terms.unmapped", Severity.INFO, Outcome.CARRIED, _SOURCE_ALONE, NO_CONCEPT.fix)
    standard = {**_coding(environment, number, "mapped"), "mapping_set": MAPPING_SET}
    return {"codings": [standard, *stated["codings"]]}


def make_ucum(environment: Environment) -> Callable[..., Any]:
    """`ucum(text)`: the UCUM code of a unit concept, nothing where the concept is of another system."""
    of_concept = make_concept(environment)

    def ucum(text: str) -> str | None:
        value = of_concept(text)
        stated = value["codings"][0]["code"] if isinstance(value, dict) else ""
        known = stated.startswith("UCUM:") and not isinstance(environment.terminologies.lookup(stated), Unknown)
        return stated.removeprefix("UCUM:") if known else None  # OMOP's UCUM holds units that are not in its grammar

    return memoised(ucum)
