"""Texts that a person chose from a list, or typed beside one: `label (CODE)`, a CURIE, an IRI.

The lists are enumerations of source.yaml whose permissible values say what they mean (LinkML `meaning`); a label is shown to
people and never read as a code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harmonize.findings import Outcome, Severity
from harmonize.profiles.coded_values import Environment, coded_value, coding, make_code_iri, memoised
from harmonize.profiles.labelled_codes import stated_code, stated_label
from harmonize.profiles.notes import Noted, rejected
from harmonize.profiles.specification import Meaning
from harmonize.terminology.notation import Code, NotACode

_NOT_IN_THE_LIST = Noted(
    None,
    "mapping.value",
    Severity.WARNING,
    Outcome.UNMAPPED,
    "the value is none of the list",
    "choose an entry of the list, or write its code",
)


def make_labelled_code(environment: Environment) -> Callable[..., Any]:
    """`labelled_code(text, A, B)`: a code of one of the systems as CURIE or IRI, alone or in parentheses behind a label."""
    of_iri = make_code_iri(environment)

    def labelled_code(text: str, *systems: str) -> Any:
        found = of_iri(stated_code(text), *systems)
        if isinstance(found, Noted) and found.rule == "source.code":
            allowed = " or ".join(systems)
            return rejected("source.code", f"the value is no code of {allowed}", f"write it as {systems[0]}:CODE")
        return found

    return memoised(labelled_code)


def make_code_or_text(environment: Environment) -> Callable[..., Any]:
    """`code_or_text(text, A, B)`: as `labelled_code`; where the text holds no code of any system, the words themselves."""
    return memoised(_or_words(environment, make_labelled_code(environment)))


def make_known_or_text(environment: Environment) -> Callable[..., Any]:
    """`known_or_text(text, ENUMERATION, SYSTEM)`: what a permissible value means, a bare code of the system, else the words themselves.

    The empty text stands for no enumeration.
    """

    def known_or_text(text: str, enumeration: str, system: str) -> Any:
        words = text.strip()
        found = environment.meanings.get(enumeration, {}).get(words)
        if found is not None:
            return _meant(environment, found.code, found.label)
        parsed = environment.systems.parse(words, system)
        if not isinstance(parsed, NotACode):
            return coded_value(environment, parsed)
        return {"text": words} if words else None

    return memoised(known_or_text)


def make_meaning(environment: Environment) -> Callable[..., Any]:
    """`meaning(text, ENUMERATION, A, B)`: the code that a permissible value means, or a code of one of the other systems."""
    strictly = make_labelled_code(environment)

    def meaning(text: str, enumeration: str, *systems: str) -> Any:
        permitted = environment.meanings[enumeration]
        code = stated_code(text)
        found = permitted.get(text.strip()) or next((m for m in permitted.values() if code == m.code), None)
        if found is not None:
            return _as_chosen(text, permitted, found, _meant(environment, found.code, found.label))
        return strictly(text, *systems) if systems else _NOT_IN_THE_LIST

    return memoised(meaning)


def make_meaning_or_text(environment: Environment) -> Callable[..., Any]:
    """`meaning_or_text(text, ENUMERATION, A, B)`: as `meaning`; the words themselves where they hold no code of any system."""
    return memoised(_or_words(environment, make_meaning(environment)))


def _or_words(environment: Environment, strictly: Callable[..., Any]) -> Callable[..., Any]:
    """*strictly*, asked where the text holds a code of whatever system, or what is written as one and is none."""
    everything = tuple(environment.systems)

    def answer(text: str, *others: str) -> Any:
        found = strictly(text, *others)
        code = stated_code(text)
        is_code = not isinstance(environment.systems.parse_iri(code, everything), NotACode)
        if is_code or _is_written_as_code(environment, code) or not isinstance(found, Noted):
            return found
        words = text.strip()
        return {"text": words} if words else None

    return answer


def _is_written_as_code(environment: Environment, text: str) -> bool:
    """Whether *text* is a word behind the prefix of a code system that is known, in letters of any size."""
    prefix, colon, local = text.partition(":")
    known = prefix.upper() in environment.systems or prefix.upper() == "NULLFLAVOR"
    return bool(known and colon and local) and not any(map(str.isspace, local))


def _as_chosen(text: str, known: Mapping[str, Meaning], found: Meaning, value: Any) -> Any:
    """*value*; where another label stands beside the code than the list has, that is said."""
    label = stated_label(text)
    is_same = label.casefold() == found.label.casefold()
    if text.strip() in known or not label or is_same or isinstance(value, Noted):
        return value
    message = f"the words beside {found.code} are not those of the list; the code is what is read"
    fix = "choose the entry anew, or correct the code"
    return Noted(value, "source.entry-label", Severity.WARNING, Outcome.CARRIED, message, fix)


def _meant(environment: Environment, curie: str, label: str) -> Any:
    """The coded value of a permissible value, with its label where none is installed."""
    system, _, local = curie.partition(":")
    code = Code(system, local)
    made, _ = coding(environment, code, label=label or None)
    return coded_value(environment, code) if "replaced" in made else {"codings": [made]}


def make_code_of_system(environment: Environment) -> Callable[..., Any]:
    """`code_of_system(text, SYSTEM)`: a code whose system stands in another text; a CURIE or IRI states its own."""
    everything = tuple(environment.systems)

    def code_of_system(text: str | None, system: str | None) -> Any:
        if text is None:
            return None
        code = stated_code(text)
        parsed = environment.systems.parse_iri(code, everything)
        if isinstance(parsed, NotACode):
            if _is_written_as_code(environment, code):
                stated = code.partition(":")[0].upper()
                return rejected("source.code", f"the value is no code of {stated}", f"write it as {stated} does")
            if system is None:
                message = "the code states no system that is known"
                return rejected(
                    "source.code", message, "write it as CURIE with a prefix of prefixes.yaml, or fill the system"
                )
            name = _system_called(environment, system)
            if name is None:
                return rejected("source.code", "the code system is not known", "name it by a prefix of prefixes.yaml")
            parsed = environment.systems.parse(code, name)
            if isinstance(parsed, NotACode):
                return rejected("source.code", f"the value is no code of {name}", f"write it as {name} does")
        elif system is not None and _system_called(environment, system) != parsed.system:
            message = f"the code is of {parsed.system}, and another system is named beside it"
            return rejected("terms.wrong-system", message, "correct the code or its system")
        return coded_value(environment, parsed)

    return memoised(code_of_system)


def _system_called(environment: Environment, text: str) -> str | None:
    """The system that *text* names: by its prefix, its title, or a URI that FHIR has for it."""
    wanted = stated_code(text).rstrip("/").casefold()
    names: Mapping[str, str] = _names_of_systems(environment)
    return names.get(wanted)


def _names_of_systems(environment: Environment) -> Mapping[str, str]:
    made: dict[str, str] = {}
    for name, system in environment.systems.items():
        uris = (system.fhir.uri, *system.fhir.accepted) if system.fhir is not None else ()
        for called in (name, system.title, *uris):
            made.setdefault(called.rstrip("/").casefold(), name)
    return made
