"""The closed function library of `expr`: dates, ages, codes, numbers, HGVS, pseudonyms.

Every function is total: it takes the values of paths, which may be None, and returns a value, None, or a
`Noted` value with what is to be said. Coded values and dates are interned: the same text gives the same
immutable-by-convention dict, so that real records, which repeat their codes and dates, cost one dictionary look-up.

A *strict* function is never called with None as its first argument: None gives None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from harmonize.findings import Outcome, Severity
from harmonize.hub.objects import is_stated
from harmonize.profiles.coded_values import (
    Environment,
    make_chosen,
    make_chosen_if,
    make_classified,
    make_code,
    make_code_iri,
    make_code_iri_if,
    make_code_on,
    make_gene,
    make_map_code,
    make_mapped,
    make_mapped_if,
    make_pseudonym,
    make_together,
    make_unit,
    make_unit_code,
    memoised,
)
from harmonize.profiles.concepts import make_concept, make_concepts, make_ucum
from harmonize.profiles.notes import Noted
from harmonize.profiles.outcomes import make_outcome_absent, make_outcome_excluded, make_outcome_feature
from harmonize.profiles.permitted_values import (
    make_code_of_system,
    make_code_or_text,
    make_known_or_text,
    make_labelled_code,
    make_meaning,
    make_meaning_or_text,
)
from harmonize.profiles.text_values import (
    accession,
    choice,
    hgvs_level,
    if_stated,
    parts_of,
    read_age,
    read_date,
    read_date_of_parts,
    read_days,
    read_decimal,
    read_decision,
    read_duration,
    read_gestation,
    read_hgvs,
    read_integer,
    read_whole,
    read_words,
    read_year,
    replace_text,
    text_if,
    text_unless,
    typed_age,
    typed_date,
)
from harmonize.profiles.tumour_values import (
    known_date,
    known_date_if,
    make_code_if_stated,
    make_code_of_edition,
    make_tnm,
    make_tnm_basis,
)


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


def listed(*values: Any) -> list[Any] | None:
    """Those of *values* that are known as a list, or None where none is.

    >>> listed(None, "a"), listed(None)
    (['a'], None)
    """
    return [value for value in values if value is not None] or None


def first_known(*values: Any) -> Any:
    """The first value that is more than the reason why nothing is known; without one, the first that is not None.

    >>> first_known(None, {"null_flavor": "UNK"}, "a", "b"), first_known(None, {"null_flavor": "UNK"})
    ('a', {'null_flavor': 'UNK'})
    """
    given = [value for value in values if value is not None]
    return next(filter(is_stated, given), given[0] if given else None)


PLAIN_VALUES = frozenset({"CodedValue", "PartialDate", "string", "integer"})
"""What a function that `each` may call gives: a value that one text makes."""


def make_each(environment: Environment) -> Callable[..., Any]:
    """`each(text, SEPARATOR, FUNCTION, ...)`: what the function makes of every value in the text, as a list.

    A value of which nothing can be made is lost alone: the others are carried, and the cell is coarsened.
    """
    functions: dict[str, Callable[..., Any]] = {}

    def each(text: str, separator: str, name: str, *others: str) -> Any:
        function = functions.get(name)
        if function is None:
            function = functions[name] = library_function(name, environment)
        answers = [function(part, *others) for part in parts_of(text, separator)]
        made = [a.value if isinstance(a, Noted) else a for a in answers]
        values = [value for value in made if value is not None]
        notes = [_of_part(answer, whole=not values) for answer in answers if isinstance(answer, Noted)]
        if not notes:
            return values or None
        return notes[0]._replace(value=values or None, others=tuple(notes[1:]))

    return memoised(each)


def _of_part(noted: Noted, *, whole: bool) -> Noted:
    """What is said of one of several values of a cell: where others of them stay, the cell is not lost but says less."""
    lost = noted.outcome not in (Outcome.CARRIED, Outcome.COARSENED)
    return (
        noted._replace(outcome=Outcome.COARSENED, message=f"of several values: {noted.message}")
        if lost and not whole
        else noted
    )


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
    "gestation": Function(
        _pure(read_gestation),
        1,
        1,
        True,
        "string",
        "`gestation(text)`: weeks+days of a pregnancy as a duration in days.",
    ),
    "replace_text": Function(
        _pure(replace_text), 3, 3, True, "string", "`replace_text(text, 'old', 'new')`: the text, otherwise spelt."
    ),
    "together": Function(
        make_together,
        2,
        9,
        False,
        "CodedValue",
        "`together(a, b)`: one coded value with the codes of all that are known, side by side.",
        False,
    ),
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
        make_gene, 1, 1, True, "CodedValue", "`gene(text)`: the HGNC gene whose symbol an HGVS description states."
    ),
    "code": Function(make_code, 2, 2, True, "CodedValue", "`code(text, 'SYSTEM')`: a code in the notation of SYSTEM."),
    "code_on": Function(
        make_code_on,
        3,
        4,
        True,
        "CodedValue",
        "`code_on(text, 'SYSTEM', date)`, `code_on(text, 'SYSTEM', date, edition)`: a code in the edition that the source states, else in "
        "that of the year of the date, for systems with an edition for each year.",
        False,
    ),
    "chosen": Function(
        make_chosen,
        3,
        40,
        True,
        "CodedValue",
        "`chosen(text, 'SYSTEM', '1=F', '2=M')`: the code that a choice stands for; a choice is written before the first `=`.",
    ),
    "map_code": Function(
        make_map_code,
        2,
        2,
        True,
        "CodedValue",
        "`map_code('CODE', 'SYSTEM')`: a code that the map itself states, for what a table or column says by its name.",
    ),
    "code_iri": Function(
        make_code_iri,
        2,
        9,
        True,
        "CodedValue",
        "`code_iri(text, 'A', 'B')`: the IRI or CURIE of a term of one of the systems.",
    ),
    "code_iri_if": Function(
        make_code_iri_if,
        2,
        9,
        True,
        "CodedValue",
        "`code_iri_if(text, 'A')`: as code_iri, and nothing for other systems.",
    ),
    "mapped": Function(
        make_mapped,
        2,
        2,
        True,
        "CodedValue",
        "`mapped(coded, 'map')`: the coded value with its translation by a code map beside it.",
    ),
    "mapped_if": Function(
        make_mapped_if,
        2,
        2,
        True,
        "CodedValue",
        "`mapped_if(coded, 'map')`: as mapped, and nothing where the map has no target.",
    ),
    "outcome_feature": Function(
        make_outcome_feature,
        3,
        3,
        True,
        "CodedValue",
        "`outcome_feature(coded, outcome, 'map')`: the feature that the outcome of a test (H, L, POS ...) shows, by a code map such "
        "as loinc2hpo; nothing where the outcome rules it out.",
        False,
    ),
    "outcome_absent": Function(
        make_outcome_absent,
        3,
        3,
        True,
        "CodedValue",
        "`outcome_absent(coded, outcome, 'map')`: the feature that the outcome of a test (N, NEG) rules out, for an object "
        "with `excluded`; nothing for other outcomes.",
        False,
    ),
    "outcome_excluded": Function(
        make_outcome_excluded,
        3,
        3,
        True,
        "boolean",
        "`outcome_excluded(coded, outcome, 'map')`: whether the outcome of a test rules its feature out, for the slot `excluded` beside "
        "`first(outcome_feature(...), outcome_absent(...))`.",
        False,
    ),
    "classified": Function(
        make_classified,
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
        make_unit, 2, 2, True, "string", "`unit(coded, 'map')`: the UCUM code that a code map gives for a unit."
    ),
    "pseudonym": Function(
        make_pseudonym,
        2,
        2,
        True,
        "string",
        "`pseudonym(text, 'class')`: the keyed pseudonym of an identifier, without the blanks around it.",
        False,
    ),
    "chosen_if": Function(
        make_chosen_if,
        3,
        40,
        True,
        "CodedValue",
        "`chosen_if(text, 'SYSTEM', '1=F')`: as chosen, and nothing for other texts, which another slot takes.",
    ),
    "choice": Function(
        _pure(choice),
        2,
        40,
        True,
        "string",
        "`choice(text, '1=disease', '2=treatment')`: the value that a choice stands for, and nothing for other texts.",
    ),
    "concept": Function(
        make_concept,
        1,
        1,
        True,
        "CodedValue",
        "`concept(text)`: the code that an OMOP concept id stands for, in its own system where that is known.",
    ),
    "concepts": Function(
        make_concepts,
        2,
        2,
        False,
        "CodedValue",
        "`concepts(concept_id, source_concept_id)`: the standard concept of OMOP, and beside it the concept of the source.",
    ),
    "ucum": Function(
        make_ucum,
        1,
        1,
        True,
        "string",
        "`ucum(text)`: the UCUM code of an OMOP unit concept, nothing for other systems.",
    ),
    "date_of_parts": Function(
        _pure(read_date_of_parts),
        3,
        3,
        False,
        "PartialDate",
        "`date_of_parts(year, month, day)`: a date of the parts that are there.",
    ),
    "days": Function(_pure(read_days), 1, 1, True, "string", "`days(text)`: a number of days as an ISO 8601 duration."),
    "whole": Function(_pure(read_whole), 1, 1, True, "string", "`whole(text)`: a whole number, as digits."),
    "integer": Function(
        _pure(read_integer), 1, 1, True, "integer", "`integer(text)`: a whole number, for slots that hold numbers."
    ),
    "words": Function(_pure(read_words), 1, 1, True, "string", "`words(text)`: the text without blanks around it."),
    "if_stated": Function(
        _pure(if_stated),
        2,
        2,
        True,
        "string",
        "`if_stated(text, 'value')`: the value that the map states, where the text is there.",
    ),
    "text_if": Function(
        _pure(text_if),
        3,
        20,
        True,
        "string",
        "`text_if(text, other, 'S')`: the text where another text is one of those written, and nothing elsewhere.",
    ),
    "text_unless": Function(
        _pure(text_unless),
        3,
        20,
        True,
        "string",
        "`text_unless(text, other, 'S')`: the text where another text is none of those written, and nothing elsewhere.",
    ),
    "each": Function(
        make_each,
        3,
        20,
        True,
        "any",
        "`each(text, '|', 'code', 'HP')`: what the function makes of every value in the text, as a list. Values are separated by "
        "` | `; with `'line'` each stands on a line of its own.",
    ),
    "meaning": Function(
        make_meaning,
        2,
        20,
        True,
        "CodedValue",
        "`meaning(text, 'Enumeration', 'A')`: the code that a permissible value of source.yaml means, or a code of one of the systems.",
    ),
    "meaning_or_text": Function(
        make_meaning_or_text,
        2,
        20,
        True,
        "CodedValue",
        "`meaning_or_text(text, 'Enumeration', 'A')`: as meaning; the words themselves where they hold no code of any system.",
    ),
    "known_or_text": Function(
        make_known_or_text,
        3,
        3,
        True,
        "CodedValue",
        "`known_or_text(text, 'Enumeration', 'SYSTEM')`: the code that a permissible value means, or a bare code of the system, else "
        "the words themselves. Without an enumeration: `''`.",
    ),
    "labelled_code": Function(
        make_labelled_code,
        2,
        20,
        True,
        "CodedValue",
        "`labelled_code(text, 'A', 'B')`: a code as CURIE or IRI, alone or in parentheses behind a label.",
    ),
    "code_or_text": Function(
        make_code_or_text,
        2,
        20,
        True,
        "CodedValue",
        "`code_or_text(text, 'A', 'B')`: as labelled_code; the words themselves where they hold no code of any system.",
    ),
    "code_of_system": Function(
        make_code_of_system,
        2,
        2,
        False,
        "CodedValue",
        "`code_of_system(text, system)`: a code whose system another column names.",
    ),
    "known_date": Function(
        _pure(known_date),
        1,
        10,
        True,
        "PartialDate",
        "`known_date(text, accuracy, 'E=day', 'T=month', 'V=estimated')`: a date written year or day first, as exact as another "
        "text says; a part that is `00` is not known.",
    ),
    "known_date_if": Function(
        _pure(known_date_if),
        3,
        10,
        True,
        "PartialDate",
        "`known_date_if(text, other, 'S')`: as known_date where another text is one of those written, and nothing elsewhere.",
    ),
    "code_of_edition": Function(
        make_code_of_edition,
        3,
        20,
        True,
        "CodedValue",
        "`code_of_edition(text, edition, '10 # WHO=ICD10', '31=ICDO3 3.1')`: a code whose system and edition another text names.",
    ),
    "code_if_stated": Function(
        make_code_if_stated,
        3,
        3,
        True,
        "CodedValue",
        "`code_if_stated(text, 'CODE', 'SYSTEM')`: a code that the map states, where the text is there.",
    ),
    "tnm": Function(
        make_tnm,
        2,
        8,
        True,
        "CodedValue",
        "`tnm(text, 'T', prefix, edition, y, r, a, m)`: a category of TNM with its prefix and symbols.",
    ),
    "tnm_basis": Function(
        make_tnm_basis,
        1,
        3,
        False,
        "CodedValue",
        "`tnm_basis(T, N, M)`: whether a TNM classification is clinical or pathological, where its prefixes agree.",
    ),
    "unit_code": Function(make_unit_code, 1, 1, True, "string", "`unit_code(text)`: a unit that is written in UCUM."),
    "first": Function(
        lambda _: first_known,
        2,
        9,
        False,
        "any",
        "`first(a, b)`: the first that is known; a reason why nothing is known gives way to a value.",
        False,
    ),
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


MISSING_DATUM = Noted(
    None,
    "source.missing-data-code",
    Severity.INFO,
    Outcome.DROPPED,
    "the text says why there is no value, and the slot has no way to say so",
)


def library_function(name: str, environment: Environment) -> Callable[..., Any]:
    """The function *name* for a profile: what stands for missing data becomes a NullFlavor where a code is asked for.

    Source: HL7 NullFlavor; HMD v1.1 allows it for coded items and not for texts, dates and numbers.
    """
    function = FUNCTIONS[name]
    made = function.make(environment)
    if (
        not environment.missing or not function.strict or name in ("each", "if_stated")
    ):  # they look at more than the value
        return made
    missing, coded = environment.missing, function.result == "CodedValue"

    def answer(text: Any, *others: Any) -> Any:
        flavor = missing.get(text.strip()) if isinstance(text, str) else None
        if flavor is None:
            return made(text, *others)
        return {"null_flavor": flavor} if coded else MISSING_DATUM

    return answer


def linkml_map_functions(environment: Environment) -> dict[str, Callable[..., Any]]:
    """The library as `ObjectTransformer.extension_functions` of linkml-map: None in, None out, notes stripped."""

    def plain(name: str, function: Function) -> Callable[..., Any]:
        made = library_function(name, environment)

        def call(*arguments: Any) -> Any:
            if function.strict and arguments[0] is None:
                return None
            answer = made(*arguments)
            return answer.value if isinstance(answer, Noted) else answer

        return call

    return {name: plain(name, function) for name, function in FUNCTIONS.items()}
