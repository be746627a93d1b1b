"""The closed function library of `expr`: dates, ages, codes, numbers, HGVS, pseudonyms.

Every function is total: it takes the values of paths, which may be None, and returns a value, None, or a
`Noted` value with what is to be said. Coded values and dates are interned: the same text gives the same
immutable-by-convention dict, so that real records, which repeat their codes and dates, cost one dictionary look-up.

A *strict* function is never called with None as its first argument: None gives None.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harmonize.errors import SpecificationError
from harmonize.findings import Outcome, Severity
from harmonize.profiles.notes import Noted, RunNote
from harmonize.pseudonyms import PseudonymKey
from harmonize.terminology.answers import Ambiguous, Found, NotChecked, Obsolete, Replaced, Unknown
from harmonize.terminology.notation import Code, NotACode, Systems
from harmonize.terminology.sssom import Ambiguous as AmbiguousMapping
from harmonize.terminology.sssom import Mapped, MappingSet
from harmonize.terminology.store import Terminologies

CACHE_LIMIT = 200_000
"""Entries of one memo before it is emptied: memory stays flat on data that never repeat."""


@dataclass
class Environment:
    """What functions need beside their arguments. One per process; `run_notes` collects what is said once per run."""

    systems: Systems
    terminologies: Terminologies
    code_maps: Mapping[str, MappingSet]
    predicates: tuple[str, ...]
    key: PseudonymKey
    site: str
    run_notes: dict[tuple[str, str], RunNote] = field(default_factory=dict)

    def say_once(self, rule: str, subject: str, severity: Severity, message: str, fix: str | None = None) -> None:
        """Note for the run that *rule* applies to the public code or system *subject*."""
        self.run_notes.setdefault((rule, subject), RunNote(rule, severity, message, fix))


class Function(NamedTuple):
    """A function of the library: how it is made, how many arguments it takes, whether None gives None."""

    make: Callable[[Environment], Callable[..., Any]]
    minimum: int
    maximum: int
    strict: bool
    result: str
    documentation: str
    pure: bool = True
    """Whether the answer may be kept by the text of the first argument."""


def memoised(function: Callable[..., Any]) -> Callable[..., Any]:
    """*function* with a memo of its positional arguments, emptied when it is full."""
    memo: dict[Any, Any] = {}
    get = memo.get
    missing = object()

    def answer(*arguments: Any) -> Any:
        key = arguments[0] if len(arguments) == 1 else arguments
        found = get(key, missing)
        if found is missing:
            if len(memo) >= CACHE_LIMIT:
                memo.clear()
            found = memo[key] = function(*arguments)
        return found

    answer.__wrapped__ = function  # type: ignore[attr-defined]
    return answer


def _rejected(rule: str, message: str, fix: str, severity: Severity = Severity.ERROR) -> Noted:
    return Noted(None, rule, severity, Outcome.REJECTED, message, fix)


# --- dates and ages -------------------------------------------------------------------------------------------------

_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(T[0-9:.]+(?:Z|[+-][0-9:]+)?)?)?)?")
_YEAR = re.compile(r"[0-9]{4}")
_AGE = re.compile(r"[0-9]{1,3}")
_DURATION = re.compile(
    r"P(?:[0-9]+W|(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+D)?(?:T(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:[.][0-9]+)?S)?)?)"
)
_PRECISIONS = ("year", "month", "day")


def read_date(text: str) -> dict[str, str] | Noted | None:
    """The ISO 8601 date *text* as a PartialDate with the parts that are there; a time of day is cut off and said.

    >>> read_date("1985-09")
    {'value': '1985-09', 'precision': 'month'}
    >>> read_date("2011-03-35").rule
    'source.date'
    """
    match = _DATE.fullmatch(text.strip())
    parts = [int(part) for part in match.groups()[:3] if part] if match else []
    if match is None or not _is_calendar_date(parts):
        return _rejected("source.date", "the value is no ISO 8601 calendar date", "write YYYY-MM-DD, YYYY-MM or YYYY")
    precision = _PRECISIONS[len(parts) - 1]
    value = {"value": text.strip()[: (4, 7, 10)[len(parts) - 1]], "precision": precision}
    if match.group(4):
        message = "the time of day is dropped: the profile declares no time zone"
        return Noted(value, "source.time-of-day", Severity.INFO, Outcome.COARSENED, message, None)
    return value


def _is_calendar_date(parts: list[int]) -> bool:
    """Whether year, month and day, as far as they are there, are in the calendar."""
    try:
        dt.date(*parts, *(1, 1)[len(parts) - 1 :])
    except ValueError:
        return False
    return True


def read_year(text: str) -> dict[str, str] | Noted:
    """A year of four digits as a PartialDate.

    >>> read_year("1984")
    {'value': '1984', 'precision': 'year'}
    """
    if _YEAR.fullmatch(text.strip()) is None or text.strip() == "0000":
        return _rejected("source.date", "the value is no year", "write four digits")
    return {"value": text.strip(), "precision": "year"}


def read_age(text: str) -> str | Noted:
    """Completed years as an ISO 8601 duration.

    >>> read_age("42")
    'P42Y'
    """
    if _AGE.fullmatch(text.strip()) is None or int(text) > 130:
        return _rejected("source.age", "the value is no age in completed years", "write a whole number from 0 to 130")
    return f"P{int(text)}Y"


def read_duration(text: str) -> str | Noted:
    """An ISO 8601 duration, as written.

    >>> read_duration("P10Y"), read_duration("P").rule
    ('P10Y', 'source.duration')
    """
    clean = text.strip()
    if clean in ("P", "PT") or clean.endswith("T") or _DURATION.fullmatch(clean) is None:
        return _rejected("source.duration", "the value is no ISO 8601 duration", "write for example P10Y, P3M or P1Y6M")
    return clean


_AGE_TYPES = ("xsd:integer", "xsd:int", "xsd:nonNegativeInteger", "xsd:float", "xsd:decimal")


def typed_date(text: str, datatype: str | None) -> dict[str, str] | Noted | None:
    """*text* as a date where its XSD *datatype* says date or nothing; None where it says a number.

    >>> typed_date("1990-07-20", "xsd:date"), typed_date("12", "xsd:integer")
    ({'value': '1990-07-20', 'precision': 'day'}, None)
    """
    return None if datatype in _AGE_TYPES else read_date(text)


def typed_age(text: str, datatype: str | None) -> str | Noted | None:
    """*text* as an age in completed years where its XSD *datatype* says a number; else None.

    >>> typed_age("12", "xsd:integer"), typed_age("1990-07-20", "xsd:date")
    ('P12Y', None)
    """
    return read_age(text) if datatype in _AGE_TYPES else None


# --- numbers and texts ----------------------------------------------------------------------------------------------

_DECIMAL = re.compile(r"-?[0-9]+(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?")


def read_decimal(text: str) -> str | Noted:
    """A decimal number with the digits that were written.

    >>> read_decimal("138.0"), read_decimal("1,5").rule
    ('138.0', 'source.number')
    """
    clean = text.strip()
    if len(clean) > 60 or _DECIMAL.fullmatch(clean) is None:
        return _rejected("source.number", "the value is no decimal number", "write digits with a decimal point")
    return clean


def listed(*values: Any) -> list[Any] | None:
    """Those of *values* that are known as a list, or None where none is.

    >>> listed(None, "a"), listed(None)
    (['a'], None)
    """
    return [value for value in values if value is not None] or None


def first_known(*values: Any) -> Any:
    """The first value that is not None.

    >>> first_known(None, "a", "b")
    'a'
    """
    return next((value for value in values if value is not None), None)


_DECISIONS = {
    **dict.fromkeys(("true", "yes", "y", "1", "permit"), "permit"),
    **dict.fromkeys(("false", "no", "n", "0", "deny"), "deny"),
}


def read_decision(text: str) -> str | Noted:
    """`permit` or `deny`. A word that is neither is no consent: the caller must not take it for one.

    >>> read_decision(" False "), read_decision("perhaps").rule
    ('deny', 'source.decision')
    """
    decision = _DECISIONS.get(text.strip().casefold())
    if decision is None:
        return _rejected("source.decision", "the value says neither yes nor no", "write true or false")
    return decision


# --- HGVS -----------------------------------------------------------------------------------------------------------

_HGVS = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)(?:\(([A-Za-z0-9_-]+)\))?:([cgmnopr])[.](\S+)")


def read_hgvs(text: str) -> str | None:
    """*text* where it is an HGVS description (reference, level, change), else None. The change itself is not checked.

    Source: HGVS nomenclature, https://hgvs-nomenclature.org/stable/.

    >>> read_hgvs("NM_000341.3(SLC3A1):c.-82T>G"), read_hgvs("601556")
    ('NM_000341.3(SLC3A1):c.-82T>G', None)
    """
    return text.strip() if _HGVS.fullmatch(text.strip()) else None


def hgvs_level(text: str) -> str | None:
    """The level letter of an HGVS description.

    >>> hgvs_level("NM_000341.3(SLC3A1):c.-82T>G")
    'c'
    """
    match = _HGVS.fullmatch(text.strip())
    return match.group(3) if match else None


_ACCESSION = re.compile(r"(?=[^0-9]*[0-9])[A-Za-z0-9][A-Za-z0-9_.:()>*=+/;,|\[\]-]{1,79}")


def accession(text: str) -> str | Noted | None:
    """*text* where it is an accession number or another notation of a variant, None where it is HGVS (another slot takes it).

    Words are rejected: free text of a person may name persons and is never carried.

    >>> accession("rs137854480"), accession("NM_000341.3:c.1A>G"), accession("as in the letter").rule
    ('rs137854480', None, 'source.free-text')
    """
    clean = text.strip()
    if _HGVS.fullmatch(clean):
        return None
    if _ACCESSION.fullmatch(clean):
        return clean
    message = "the value is neither HGVS nor an accession; free text is never carried"
    return _rejected("source.free-text", message, "write HGVS, or the accession number alone", Severity.WARNING)


# --- codes ----------------------------------------------------------------------------------------------------------


def coding(environment: Environment, code: Code, origin: str = "stated") -> tuple[dict[str, Any], Noted | None]:
    """The Coding of *code* with the label and edition that are installed, and what is to be said of the code."""
    curie = str(code)
    made: dict[str, Any] = {"system": code.system, "code": curie, "origin": origin}
    answer = environment.terminologies.lookup(curie)
    if isinstance(answer, NotChecked):
        reason = f"{code.system}: codes are not checked, {answer.reason}"
        fix = "install the code system with `harmonize terminology build` or leave it unchecked"
        environment.say_once("terms.not-checked", code.system, Severity.INFO, reason, fix)
    elif isinstance(answer, Unknown):
        message = f"{curie} is not in {code.system} {answer.version}"
        return made, _rejected("terms.unknown", message, "correct the code, or install the edition that has it")
    elif isinstance(answer, Replaced):
        return _replaced(made, answer)
    if isinstance(answer, Found | Obsolete):
        if answer.version:
            made["version"] = answer.version
        if answer.label:
            made["label"] = answer.label
    if "label" not in made:
        environment.say_once(
            "terms.no-label", curie, Severity.INFO, f"no label of {curie} is installed; the code stands for it"
        )
    if isinstance(answer, Obsolete | Ambiguous):
        candidates = ", ".join(found.code if isinstance(found, Found) else str(found) for found in answer.candidates)
        hint = f"; consider {candidates}" if candidates else ""
        message = f"{curie} is obsolete and has no single replacement{hint}"
        return made, Noted(None, "terms.obsolete", Severity.WARNING, Outcome.CARRIED, message, "choose an active term")
    return made, None


def _replaced(made: dict[str, Any], answer: Replaced) -> tuple[dict[str, Any], Noted]:
    """An alternative or obsolete id: the active term stands first, the stated id beside it."""
    active = answer.by
    alternative = not getattr(answer, "obsolete", True)
    rule = "terms.alternative-id" if alternative else "terms.obsolete"
    verb = "is an alternative id of" if alternative else "is obsolete; its active replacement is"
    replaced = {
        "system": active.system,
        "version": active.version,
        "code": active.code,
        "label": active.label,
        "origin": "mapped",
        "predicate": "skos:exactMatch" if alternative else "IAO:0100001",
        "mapping_set": f"{active.system} {active.version}",
    }
    message = f"{made['code']} {verb} {active.code}"
    made = {**made, "version": active.version}
    return {"replaced": replaced, "stated": made}, Noted(
        None, rule, Severity.WARNING, Outcome.CARRIED, message, "replaced"
    )


def coded_value(environment: Environment, code: Code) -> Any:
    """The CodedValue of one stated code, or a Noted value."""
    made, noted = coding(environment, code)
    if "replaced" in made:
        value: Any = {"codings": [made["replaced"], made["stated"]]}
    else:
        value = {"codings": [made]}
    if noted is None:
        return value
    return noted if noted.outcome is Outcome.REJECTED else noted._replace(value=value)


def _make_code(environment: Environment) -> Callable[..., Any]:
    def code(text: str, system: str) -> Any:
        parsed = environment.systems.parse(text, system)
        if isinstance(parsed, NotACode):
            return _rejected(
                "source.code", f"the value is no code of {system}: {parsed.reason}", f"write it as {system} does"
            )
        return coded_value(environment, parsed)

    return memoised(code)


def _make_map_code(environment: Environment) -> Callable[..., Any]:
    def map_code(text: str, system: str) -> Any:
        parsed = environment.systems.parse(text, system)
        if isinstance(parsed, NotACode):
            raise SpecificationError(f"map_code: {text!r} is no code of {system}", fix="correct the code in map.yaml")
        made, _ = coding(environment, parsed, origin="mapped")
        return {"codings": [made]}

    return memoised(map_code)


def _make_code_iri(environment: Environment) -> Callable[..., Any]:
    everything = tuple(environment.systems)

    def code_iri(text: str, *systems: str) -> Any:
        parsed = environment.systems.parse_iri(text, systems)
        if not isinstance(parsed, NotACode):
            return coded_value(environment, parsed)
        allowed = " or ".join(systems)
        elsewhere = environment.systems.parse_iri(text, everything)
        if not isinstance(elsewhere, NotACode):
            message = f"{elsewhere} is a code of {elsewhere.system}; this place takes {allowed}"
            return _rejected("terms.wrong-system", message, f"state a code of {allowed}")
        return _rejected(
            "source.code", f"the value is no IRI of {allowed}", f"write the full IRI of a term of {allowed}"
        )

    return memoised(code_iri)


def _make_code_iri_if(environment: Environment) -> Callable[..., Any]:
    """As code_iri, but a code of another system gives None without a word: another slot takes it."""
    strictly = _make_code_iri(environment)

    def code_iri_if(text: str, *systems: str) -> Any:
        answer = strictly(text, *systems)
        return None if isinstance(answer, Noted) and answer.rule in ("terms.wrong-system", "source.code") else answer

    return memoised(code_iri_if)


def _translate(environment: Environment, value: dict[str, Any], map_name: str, *, silent: bool) -> Any:
    mapping_set = environment.code_maps[map_name]
    stated = [coding["code"] for coding in value.get("codings", ())]
    for curie in stated:
        answer = mapping_set.translate(curie, environment.predicates)
        if isinstance(answer, Mapped):
            return _mapped_value(environment, value, answer)
        if isinstance(answer, AmbiguousMapping) and not silent:
            message = f"{curie} has several targets in {mapping_set.id}"
            return Noted(
                value, "terms.ambiguous", Severity.WARNING, Outcome.UNMAPPED, message, "decide in the mapping set"
            )
    if silent:
        return None
    message = f"{', '.join(stated)} has no target in {mapping_set.id}"
    return Noted(value, "terms.unmapped", Severity.WARNING, Outcome.UNMAPPED, message, "add a row to the mapping set")


def _mapped_value(environment: Environment, value: dict[str, Any], answer: Mapped) -> Any:
    system, _, local = answer.code.partition(":")
    made, _ = coding(environment, Code(system, local), origin="mapped")
    made = made.get("replaced", made)
    made = {**made, "predicate": answer.predicate, "mapping_set": answer.mapping_set, "row": answer.row}
    result = {**value, "codings": [*value["codings"], made]}
    if answer.predicate in ("skos:broadMatch",):
        message = f"{answer.code} is broader than what the source states"
        return Noted(result, "terms.broad", Severity.INFO, Outcome.COARSENED, message, None)
    return result


def _by_identity(translate: Callable[[dict[str, Any], str], Any]) -> Callable[..., Any]:
    """Memo of a translation by the identity of the interned coded value, which it keeps alive."""
    memo: dict[tuple[int, str], tuple[Any, Any]] = {}

    def answer(value: Any, map_name: str) -> Any:
        found = memo.get((id(value), map_name))
        if found is None:
            if len(memo) >= CACHE_LIMIT:
                memo.clear()
            found = memo[(id(value), map_name)] = (value, translate(value, map_name))
        return found[1]

    return answer


def _make_mapped(environment: Environment) -> Callable[..., Any]:
    return _by_identity(lambda value, name: _translate(environment, value, name, silent=False))


def _make_mapped_if(environment: Environment) -> Callable[..., Any]:
    return _by_identity(lambda value, name: _translate(environment, value, name, silent=True))


def _make_unit(environment: Environment) -> Callable[..., Any]:
    translate = _make_mapped(environment)

    def unit(value: Any, map_name: str) -> Any:
        answer = translate(value, map_name)
        if isinstance(answer, Noted):
            return answer._replace(value=None)
        return answer["codings"][-1]["code"].removeprefix("UCUM:")

    return unit


def _make_classified(environment: Environment) -> Callable[..., Any]:
    def classify(value: Mapping[str, Any], map_name: str) -> Any:
        mapping_set = environment.code_maps[map_name]
        stated = [coding["code"] for coding in value.get("codings", ())]
        for curie in stated:
            answer = mapping_set.translate(curie, ("skos:exactMatch", "skos:broadMatch"))
            if isinstance(answer, Mapped):
                return answer.code.partition(":")[2]
        message = f"{', '.join(stated)} has no target in {mapping_set.id}"
        fix = "add a row to the mapping set"
        return Noted(None, "terms.unmapped", Severity.WARNING, Outcome.UNMAPPED, message, fix)

    return _by_identity(classify)


def _make_gene(environment: Environment) -> Callable[..., Any]:
    def gene(text: str) -> Any:
        match = _HGVS.fullmatch(text.strip())
        symbol = match.group(2) if match else None
        if not symbol:
            return None
        answer = environment.terminologies.by_text("HGNC", symbol)
        if isinstance(answer, Found):
            system, _, local = answer.code.partition(":")
            return coded_value(environment, Code(system, local))
        if isinstance(answer, Ambiguous):
            message = "the gene symbol of the HGVS description stands for several genes"
            return Noted(None, "terms.ambiguous", Severity.WARNING, Outcome.CARRIED, message, "state the HGNC id")
        return None

    return memoised(gene)


def _make_pseudonym(environment: Environment) -> Callable[..., Any]:
    def pseudonym(text: str, kind: str) -> str:
        return environment.key.pseudonym(environment.site, kind, text)

    return pseudonym


def _pure(function: Callable[..., Any]) -> Callable[[Environment], Callable[..., Any]]:
    return lambda _: memoised(function)


FUNCTIONS: Mapping[str, Function] = {
    "date": Function(
        _pure(read_date), 1, 1, True, "PartialDate", "`date(text)`: an ISO 8601 date, with the parts that are known."
    ),
    "year": Function(_pure(read_year), 1, 1, True, "PartialDate", "`year(text)`: a year of four digits."),
    "age": Function(_pure(read_age), 1, 1, True, "string", "`age(text)`: completed years as an ISO 8601 duration."),
    "typed_date": Function(
        _pure(typed_date),
        2,
        2,
        True,
        "PartialDate",
        "`typed_date(text, datatype)`: a date, where the XSD datatype says so.",
    ),
    "typed_age": Function(
        _pure(typed_age),
        2,
        2,
        True,
        "string",
        "`typed_age(text, datatype)`: an age in years, where the XSD datatype says so.",
    ),
    "duration": Function(_pure(read_duration), 1, 1, True, "string", "`duration(text)`: an ISO 8601 duration."),
    "decimal": Function(_pure(read_decimal), 1, 1, True, "string", "`decimal(text)`: a decimal number, digits kept."),
    "hgvs": Function(_pure(read_hgvs), 1, 1, True, "string", "`hgvs(text)`: the text where it is an HGVS description."),
    "hgvs_level": Function(_pure(hgvs_level), 1, 1, True, "string", "`hgvs_level(text)`: c, g, m, n, o, p or r."),
    "accession": Function(
        _pure(accession),
        1,
        1,
        True,
        "string",
        "`accession(text)`: an accession number or another notation that is not HGVS.",
    ),
    "gene": Function(
        _make_gene, 1, 1, True, "CodedValue", "`gene(text)`: the HGNC gene whose symbol an HGVS description states."
    ),
    "code": Function(_make_code, 2, 2, True, "CodedValue", "`code(text, 'SYSTEM')`: a code in the notation of SYSTEM."),
    "map_code": Function(
        _make_map_code,
        2,
        2,
        True,
        "CodedValue",
        "`map_code('CODE', 'SYSTEM')`: a code that the map itself states, for what a table or column says by its name.",
    ),
    "code_iri": Function(
        _make_code_iri,
        2,
        9,
        True,
        "CodedValue",
        "`code_iri(text, 'A', 'B')`: the IRI or CURIE of a term of one of the systems.",
    ),
    "code_iri_if": Function(
        _make_code_iri_if,
        2,
        9,
        True,
        "CodedValue",
        "`code_iri_if(text, 'A')`: as code_iri, and nothing for other systems.",
    ),
    "mapped": Function(
        _make_mapped,
        2,
        2,
        True,
        "CodedValue",
        "`mapped(coded, 'map')`: the coded value with its translation by a code map beside it.",
    ),
    "mapped_if": Function(
        _make_mapped_if,
        2,
        2,
        True,
        "CodedValue",
        "`mapped_if(coded, 'map')`: as mapped, and nothing where the map has no target.",
    ),
    "classified": Function(
        _make_classified,
        2,
        2,
        True,
        "string",
        "`classified(coded, 'map')`: the class of a code, as a value of an enumeration; a broader target is what is asked for.",
    ),
    "decision": Function(
        _pure(read_decision),
        1,
        1,
        True,
        "string",
        "`decision(text)`: permit or deny, for words of yes and no in any case.",
    ),
    "unit": Function(
        _make_unit, 2, 2, True, "string", "`unit(coded, 'map')`: the UCUM code that a code map gives for a unit."
    ),
    "pseudonym": Function(
        _make_pseudonym,
        2,
        2,
        True,
        "string",
        "`pseudonym(text, 'class')`: the keyed pseudonym of an identifier.",
        False,
    ),
    "first": Function(lambda _: first_known, 2, 9, False, "any", "`first(a, b)`: the first that is known.", False),
    "listed": Function(
        lambda _: listed,
        1,
        9,
        False,
        "any",
        "`listed(a, b)`: those that are known as a list, for a slot of several values.",
        False,
    ),
}
"""The library. A new function is Python and is shared by all profiles; its name never changes its meaning."""


def linkml_map_functions(environment: Environment) -> dict[str, Callable[..., Any]]:
    """The library as `ObjectTransformer.extension_functions` of linkml-map: None in, None out, notes stripped."""

    def plain(function: Function) -> Callable[..., Any]:
        made = function.make(environment)

        def call(*arguments: Any) -> Any:
            if function.strict and arguments[0] is None:
                return None
            answer = made(*arguments)
            return answer.value if isinstance(answer, Noted) else answer

        return call

    return {name: plain(function) for name, function in FUNCTIONS.items()}
