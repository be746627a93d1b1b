"""Codes of a source record as coded values of the hub: looked up, replaced, translated, with what is to be said of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from harmonize.errors import SpecificationError
from harmonize.findings import Outcome, Severity
from harmonize.profiles.labelled_codes import stated_code
from harmonize.profiles.notes import Noted, RunNote, rejected
from harmonize.profiles.specification import Meaning
from harmonize.profiles.text_values import HGVS
from harmonize.pseudonyms import PseudonymKey
from harmonize.terminology.answers import Ambiguous, Found, NotChecked, Obsolete, Replaced, Unknown
from harmonize.terminology.concept_table import Concepts
from harmonize.terminology.editions import year_of
from harmonize.terminology.map_policy import ProfileCodeMap
from harmonize.terminology.notation import Code, NotACode, Systems
from harmonize.terminology.sssom import Ambiguous as AmbiguousMapping
from harmonize.terminology.sssom import Mapped, NotMapped
from harmonize.terminology.store import Terminologies

CACHE_LIMIT = 200_000


@dataclass
class Environment:
    """What functions need beside their arguments. One per process; `run_notes` collects what is said once per run."""

    systems: Systems
    terminologies: Terminologies
    code_maps: Mapping[str, ProfileCodeMap]
    predicates: tuple[str, ...]
    key: PseudonymKey
    site: str
    missing: Mapping[str, str] = field(default_factory=dict)
    """Text that says why there is no value -> HL7 NullFlavor."""
    meanings: Mapping[str, Mapping[str, Meaning]] = field(default_factory=dict)
    """Enumeration of source.yaml -> text of a permissible value -> the code that it means."""
    concepts: Concepts | None = None
    """The source's own CONCEPT table, None where it has none."""
    check_value: Callable[[Mapping[str, Any]], None] | None = None
    """Raises where a coded value or a date that a function made breaks the hub's schema. Asked once for each distinct value."""
    run_notes: dict[tuple[str, str], RunNote] = field(default_factory=dict)

    def say_once(self, rule: str, subject: str, severity: Severity, message: str, fix: str | None = None) -> None:
        """Note for the run that *rule* applies to the public code or system *subject*."""
        self.run_notes.setdefault((rule, subject), RunNote(rule, severity, message, fix))


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


def coding(
    environment: Environment,
    code: Code,
    origin: str = "stated",
    *,
    quotable: bool = True,
    label: str | None = None,
    date: str = "",
) -> tuple[dict[str, Any], Noted | None]:
    """The Coding of *code* with the label and edition that are installed, and what is to be said of the code.

    *label* is the source's own public label, for where none is installed; *date* that of the statement, which says the edition
    of systems that have one for each year, where the code does not state its own.

    A code that nobody knows is quoted only where it is *quotable*: bare digits in the wrong column may be a person's number.
    """
    curie = str(code)
    made: dict[str, Any] = {"system": code.system, "code": curie, "origin": origin}
    answer = environment.terminologies.lookup_in(curie, code.edition or "", date)
    if isinstance(answer, NotChecked):
        reason = f"{code.system}: codes are not checked, {answer.reason}"
        fix = "install the code system or its edition with `harmonize terminology add`, or leave it unchecked"
        environment.say_once("terms.not-checked", reason, Severity.INFO, reason, fix)
    elif isinstance(answer, Unknown):
        what = curie if quotable else "the code"
        message = f"{what} is not in {code.system} {answer.version}"
        return made, rejected("terms.unknown", message, "correct the code, or install the edition that has it")
    elif isinstance(answer, Replaced):
        return _replaced(made, answer)
    if isinstance(answer, Found | Obsolete):
        if answer.version:
            made["version"] = answer.version
        if answer.label:
            made["label"] = answer.label
    if code.edition is not None:
        made.setdefault("version", code.edition)
    if label is not None:
        made.setdefault("label", label)
    if "label" not in made:
        message = f"{code.system}: not all labels are installed; where there is none the code stands for it"
        environment.say_once("terms.no-label", code.system, Severity.INFO, message)
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


def coded_value(environment: Environment, code: Code, *, quotable: bool = True, date: str = "") -> Any:
    """The CodedValue of one stated code, or a Noted value."""
    made, noted = coding(environment, code, quotable=quotable, date=date)
    if "replaced" in made:
        value: Any = {"codings": [made["replaced"], made["stated"]]}
    else:
        value = {"codings": [made]}
    if code.modifiers:
        value["qualifiers"] = list(code.modifiers)
    if noted is None:
        return value
    return noted if noted.outcome is Outcome.REJECTED else noted._replace(value=value)


def make_code(environment: Environment) -> Callable[..., Any]:
    """`code(text, SYSTEM)`: a code in the notation of SYSTEM."""

    def code(text: str, system: str, date: str = "", edition: str = "") -> Any:
        parsed = environment.systems.parse(text, system)
        if isinstance(parsed, NotACode):
            return rejected(
                "source.code", f"the value is no code of {system}: {parsed.reason}", f"write it as {system} does"
            )
        if edition and parsed.edition is None:
            parsed = parsed._replace(edition=edition)
        quotable = parsed.local not in (text.strip(), text.strip().upper())
        return coded_value(environment, parsed, quotable=quotable, date=date)

    return memoised(code)


def make_code_on(environment: Environment) -> Callable[..., Any]:
    """`code_on(text, SYSTEM, date)`: a code in the edition of its date, or in the one that the source states.

    Of the date only the year counts; what is wrong with it is said where the date has a place of its own.
    """
    of_edition = make_code(environment)

    def code_on(text: str, system: str, date: Any, edition: str | None = None) -> Any:
        written = date.get("value", "") if isinstance(date, dict) else date or ""
        return of_edition(text, system, year_of(written), (edition or "").strip())

    return code_on


def make_map_code(environment: Environment) -> Callable[..., Any]:
    """`map_code(CODE, SYSTEM)`: a code that the map itself states."""

    def map_code(text: str, system: str) -> Any:
        parsed = environment.systems.parse(text, system)
        if isinstance(parsed, NotACode):
            raise SpecificationError(f"map_code: {text!r} is no code of {system}", fix="correct the code in map.yaml")
        made, _ = coding(environment, parsed, origin="mapped")
        return {"codings": [made]}

    return memoised(map_code)


def make_chosen(environment: Environment) -> Callable[..., Any]:
    """`chosen(text, SYSTEM, '1=F', ...)`: the code of SYSTEM that a choice stands for."""
    of_map = make_map_code(environment)

    def chosen(text: str, system: str, *choices: str) -> Any:
        codes = {choice: code for choice, _, code in (pair.partition("=") for pair in choices)}
        code = codes.get(text.strip())
        if code is None:
            message = "the value is none of the choices that the map knows"
            fix = "add the choice to the map, or correct the source"
            return Noted(None, "mapping.value", Severity.WARNING, Outcome.UNMAPPED, message, fix)
        return of_map(code, system)

    return memoised(chosen)


def make_chosen_if(environment: Environment) -> Callable[..., Any]:
    """`chosen_if(text, SYSTEM, '1=F', ...)`: as `chosen`, and nothing for other texts: another slot takes them."""
    strictly = make_chosen(environment)

    def chosen_if(text: str, system: str, *choices: str) -> Any:
        answer = strictly(text, system, *choices)
        return None if isinstance(answer, Noted) else answer

    return memoised(chosen_if)


def make_code_iri(environment: Environment) -> Callable[..., Any]:
    """`code_iri(text, A, B)`: the IRI or CURIE of a term of one of the systems."""
    everything = tuple(environment.systems)

    def code_iri(text: str, *systems: str) -> Any:
        parsed = environment.systems.parse_iri(text, systems)
        if not isinstance(parsed, NotACode):
            return coded_value(environment, parsed)
        allowed = " or ".join(systems)
        elsewhere = environment.systems.parse_iri(text, everything)
        if not isinstance(elsewhere, NotACode):
            message = f"{elsewhere} is a code of {elsewhere.system}; this place takes {allowed}"
            return rejected("terms.wrong-system", message, f"state a code of {allowed}")
        return rejected(
            "source.code", f"the value is no IRI of {allowed}", f"write the full IRI of a term of {allowed}"
        )

    return memoised(code_iri)


def make_code_iri_if(environment: Environment) -> Callable[..., Any]:
    """As code_iri, but a code of another system gives None without a word: another slot takes it."""
    strictly = make_code_iri(environment)

    def code_iri_if(text: str, *systems: str) -> Any:
        answer = strictly(text, *systems)
        return None if isinstance(answer, Noted) and answer.rule in ("terms.wrong-system", "source.code") else answer

    return memoised(code_iri_if)


def _translate(environment: Environment, value: dict[str, Any], map_name: str, *, silent: bool) -> Any:
    mapping_set = environment.code_maps[map_name]
    if "codings" not in value:  # a NullFlavor stays one
        return None if silent else value
    stated = [coding["code"] for coding in value["codings"]]
    for curie in stated:
        answer = mapping_set.translate(curie, environment.predicates)
        if isinstance(answer, Mapped):
            return _mapped_value(environment, value, answer)
        if isinstance(answer, AmbiguousMapping) and not silent:
            what = "is several codes together" if answer.together else "has several targets"
            message = f"{curie} {what} in {mapping_set.id}"
            return Noted(
                value, "terms.ambiguous", Severity.WARNING, Outcome.UNMAPPED, message, "decide in the mapping set"
            )
    if silent:
        return None
    by_design = isinstance(answer, NotMapped) and answer.by_design if stated else False
    message = f"{', '.join(stated)} has no target in {mapping_set.id}"
    if by_design:  # somebody looked, and there is none
        return Noted(
            value, "terms.unmapped", Severity.INFO, Outcome.UNMAPPED, f"{message}, as the set itself says", None
        )
    return Noted(value, "terms.unmapped", Severity.WARNING, Outcome.UNMAPPED, message, "add a row to the mapping set")


def _mapped_value(environment: Environment, value: dict[str, Any], answer: Mapped) -> Any:
    system, _, local = answer.code.partition(":")
    made, _ = coding(environment, Code(system, local), origin="mapped")
    made = made.get("replaced", made)
    made = {**made, "predicate": answer.predicate, "mapping_set": answer.mapping_set}
    if answer.row is not None:
        made["row"] = answer.row
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


def make_mapped(environment: Environment) -> Callable[..., Any]:
    """`mapped(coded, map)`: the coded value with its translation beside it."""
    return _by_identity(lambda value, name: _translate(environment, value, name, silent=False))


def make_mapped_if(environment: Environment) -> Callable[..., Any]:
    """`mapped_if(coded, map)`: as `mapped`, and nothing where the map has no target."""
    return _by_identity(lambda value, name: _translate(environment, value, name, silent=True))


def make_unit(environment: Environment) -> Callable[..., Any]:
    """`unit(coded, map)`: the UCUM code that a code map gives for a unit."""
    translate = make_mapped(environment)

    def unit(value: Any, map_name: str) -> Any:
        answer = translate(value, map_name)
        if isinstance(answer, Noted):
            return answer._replace(value=None)
        if "codings" not in answer:
            return None
        return answer["codings"][-1]["code"].removeprefix("UCUM:")

    return unit


def make_classified(environment: Environment) -> Callable[..., Any]:
    """`classified(coded, map)`: the class of a code, as a value of an enumeration."""

    def classify(value: Mapping[str, Any], map_name: str) -> Any:
        mapping_set = environment.code_maps[map_name]
        if "codings" not in value:
            return None
        stated = [coding["code"] for coding in value["codings"]]
        for curie in stated:
            answer = mapping_set.translate(curie, ("skos:exactMatch", "skos:broadMatch"))
            if isinstance(answer, Mapped):
                return answer.code.partition(":")[2]
        message = f"{', '.join(stated)} has no target in {mapping_set.id}"
        fix = "add a row to the mapping set"
        return Noted(None, "terms.unmapped", Severity.WARNING, Outcome.UNMAPPED, message, fix)

    return _by_identity(classify)


def make_together(environment: Environment) -> Callable[..., Any]:
    """`together(a, b)`: one thing, said by several stated codes that stand side by side."""
    memo: dict[tuple[int, ...], tuple[Any, Any]] = {}

    def together(*values: Any) -> Any:
        known = [value for value in values if value is not None]
        if len(known) < 2:
            return known[0] if known else None
        key = tuple(map(id, known))
        found = memo.get(key)
        if found is None:
            if len(memo) >= CACHE_LIMIT:
                memo.clear()
            codings = [coding for value in known for coding in value.get("codings", ())]
            made = {"codings": codings} if codings else known[0]
            found = memo[key] = (known, made)  # holds the values, so that their ids stay their own
        return found[1]

    return together


def make_gene(environment: Environment) -> Callable[..., Any]:
    """`gene(text)`: the HGNC gene whose symbol an HGVS description states."""

    def gene(text: str) -> Any:
        match = HGVS.fullmatch(text.strip())
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


def make_pseudonym(environment: Environment) -> Callable[..., Any]:
    """`pseudonym(text, CLASS)`: the keyed pseudonym of an identifier; blanks around it are no part of it."""

    @cache
    def of_class(kind: str) -> Callable[[str], str]:
        return environment.key.of_class(environment.site, kind)

    def pseudonym(text: str, kind: str) -> str | None:
        identifier = text.strip()
        return of_class(kind)(identifier) if identifier else None

    return pseudonym


def make_unit_code(environment: Environment) -> Callable[..., Any]:
    """`unit_code(text)`: a unit that is written in UCUM; of `label (CODE)` the code."""

    def unit_code(text: str) -> Any:
        found = stated_code(text).removeprefix("UCUM:")
        if isinstance(environment.terminologies.lookup(f"UCUM:{found}"), Unknown):
            return rejected("source.code", "the value is no unit of UCUM", "write the unit as UCUM does, such as mg/dL")
        return found

    return memoised(unit_code)
