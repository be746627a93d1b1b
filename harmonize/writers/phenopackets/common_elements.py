"""Elements that most records consist of, put together from texts that are kept: no object is made, and nothing needs a word.

The functions give None for an item of any other kind, which goes the long way. Where a compiler was there, this file is also
there compiled as it is (`harmonize.extensions`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Texts = Mapping[Any, Any]
"""What is kept, by the identity of a hub value or by its text (`Common` of the sheet)."""
Prefixes = set[str]
Made = list[str | None]


def common_measurements(
    terms: Texts, units: Texts, numbers: Texts, measurements: Sequence[Any], prefixes: Prefixes
) -> Made:
    """Measurements of an assay, with a number in UCUM or a code, of a known day."""
    return [_measurement(terms, units, numbers, measurement, prefixes) for measurement in measurements]


def common_diseases(terms: Texts, diagnoses: Sequence[Any], prefixes: Prefixes) -> Made:
    """Diseases with the known day of their onset and perhaps of their end, of which nothing else is said."""
    return [_disease(terms, diagnosis, prefixes) for diagnosis in diagnoses]


def common_procedures(terms: Texts, procedures: Sequence[Any], prefixes: Prefixes) -> Made:
    """Procedures of a known day, or from one to another, of which nothing else is said."""
    return [_procedure(terms, procedure, prefixes) for procedure in procedures]


def common_treatments(
    terms: Texts, without_a_word: frozenset[str], treatments: Sequence[Any], prefixes: Prefixes
) -> Made:
    """Treatments of one agent, of which the target holds nothing but slots that are dropped *without_a_word*."""
    return [_treatment(terms, without_a_word, treatment, prefixes) for treatment in treatments]


def _measurement(terms: Texts, units: Texts, numbers: Texts, measurement: Any, prefixes: Prefixes) -> str | None:
    if len(measurement) != 3:
        return None
    try:
        assay = terms[id(measurement["assay"])]
        day = _known_day(measurement["date"])
        if day is None:
            return None
        time = f'{{"timestamp":"{day}T00:00:00Z"}}'
        quantity = measurement.get("value")
        if quantity is None:
            code = terms[id(measurement["coded_value"])]
            prefixes.add(assay[1])
            prefixes.add(code[1])
            return f'{{"assay":{assay[0]},"value":{{"ontologyClass":{code[0]}}},"timeObserved":{time}}}'
        if "comparator" in quantity:
            return None
        unit, number = units[quantity["unit"]], numbers[quantity["value"]]
    except KeyError:
        return None
    prefixes.add(assay[1])
    prefixes.add("UCUM")
    return f'{{"assay":{assay[0]},"value":{{"quantity":{{"unit":{unit},"value":{number}}}}},"timeObserved":{time}}}'


def _known_day(date: Any) -> Any:
    """The text of a date of which the day is known, and which is no estimate. It is made anew: days are too many to be kept near."""
    return date["value"] if len(date) == 2 and date["precision"] == "day" else None


def _disease(terms: Texts, diagnosis: Any, prefixes: Prefixes) -> str | None:
    size = len(diagnosis)
    if size != 2 and size != 3:
        return None
    try:
        term = terms[id(diagnosis["disease"])]
        onset = _known_day(diagnosis["onset_date"])
        end = None if size == 2 else _known_day(diagnosis["end_date"])
    except KeyError:
        return None
    if onset is None or (size == 3 and end is None):
        return None
    prefixes.add(term[1])
    if end is None:
        return f'{{"term":{term[0]},"onset":{{"timestamp":"{onset}T00:00:00Z"}}}}'
    return (
        f'{{"term":{term[0]},"onset":{{"timestamp":"{onset}T00:00:00Z"}},'
        f'"resolution":{{"timestamp":"{end}T00:00:00Z"}}}}'
    )


def _procedure(terms: Texts, procedure: Any, prefixes: Prefixes) -> str | None:
    size = len(procedure)
    if size != 2 and size != 3:
        return None
    try:
        code = terms[id(procedure["code"])]
        start = _known_day(procedure["date"])
        end = None if size == 2 else _known_day(procedure["end_date"])
    except KeyError:
        return None
    if start is None or (size == 3 and end is None):
        return None
    prefixes.add(code[1])
    time = f'{{"timestamp":"{start}T00:00:00Z"}}'
    if end is not None:
        time = f'{{"interval":{{"start":"{start}T00:00:00Z","end":"{end}T00:00:00Z"}}}}'
    return f'{{"procedure":{{"code":{code[0]},"performed":{time}}}}}'


def _treatment(terms: Texts, without_a_word: frozenset[str], treatment: Any, prefixes: Prefixes) -> str | None:
    agents = treatment.get("agents")
    if agents is None or len(agents) != 1:
        return None
    known = terms.get(id(agents[0]))
    if known is None:
        return None
    for slot in treatment:
        if slot not in without_a_word:
            return None
    prefixes.add(known[1])
    return f'{{"treatment":{{"agent":{known[0]}}}}}'
