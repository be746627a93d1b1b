"""Elements that most records consist of, put together from texts that are kept: no object is made, and nothing needs a word.

The functions give all elements as one text, with commas between them. Where an item is of any other kind, or they are wanted *apart*,
they give a list: each element as a text, and None for such an item, which goes the long way. Where a compiler was there,
`element_texts.pyx` does the same, in UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harmonize.extensions import extension

Texts = Mapping[Any, Any]
"""What is kept, by the identity of a hub value or by its text (`Common` of the sheet)."""
Prefixes = set[str]
Text = str | bytes
Made = Text | list[Text | None]


def _made(texts: Sequence[str | None], *, apart: bool) -> Made:
    stated = [text for text in texts if text is not None]
    return list(texts) if apart or len(stated) < len(texts) else ",".join(stated)


def common_element_functions() -> Mapping[str, Callable[..., Made]]:
    """The functions by the name of their kind: those of the compiled extension, or those of this file."""
    compiled = extension("harmonize.writers.phenopackets.element_texts")
    if compiled is not None:
        texts = compiled.ElementTexts()
        return {kind: getattr(texts, kind) for kind in _FUNCTIONS}
    return _FUNCTIONS


def common_measurements(
    terms: Texts, units: Texts, numbers: Texts, measurements: Sequence[Any], prefixes: Prefixes, apart: bool
) -> Made:
    """Measurements of an assay, with a number in UCUM or a code, of a known day or without a date."""
    return _made([_measurement(terms, units, numbers, m, prefixes) for m in measurements], apart=apart)


def common_diseases(terms: Texts, diagnoses: Sequence[Any], prefixes: Prefixes, apart: bool) -> Made:
    """Diseases with the known day of their onset and perhaps of their end, of which nothing else is said."""
    return _made([_disease(terms, diagnosis, prefixes) for diagnosis in diagnoses], apart=apart)


def common_procedures(terms: Texts, procedures: Sequence[Any], prefixes: Prefixes, apart: bool) -> Made:
    """Procedures of a known day, or from one to another, of which nothing else is said."""
    return _made([_procedure(terms, procedure, prefixes) for procedure in procedures], apart=apart)


def common_treatments(
    terms: Texts, without_a_word: frozenset[str], treatments: Sequence[Any], prefixes: Prefixes, apart: bool
) -> Made:
    """Treatments of one agent, of which the target holds nothing but slots that are dropped *without_a_word*."""
    return _made([_treatment(terms, without_a_word, treatment, prefixes) for treatment in treatments], apart=apart)


def _measurement(terms: Texts, units: Texts, numbers: Texts, measurement: Any, prefixes: Prefixes) -> str | None:
    size = len(measurement)
    if size != 2 and size != 3:
        return None
    try:
        assay = terms[id(measurement["assay"])]
        day = None if size == 2 else _known_day(measurement["date"])
        quantity = measurement.get("value")
        code = terms[id(measurement["coded_value"])] if quantity is None else None
        unit, number = ("", "") if quantity is None else (units[quantity["unit"]], numbers[quantity["value"]])
    except KeyError:
        return None
    if (size == 3 and day is None) or (quantity is not None and "comparator" in quantity):
        return None
    prefixes.add(assay[1])
    prefixes.add("UCUM" if code is None else code[1])
    value = f'{{"quantity":{{"unit":{unit},"value":{number}}}}}' if code is None else f'{{"ontologyClass":{code[0]}}}'
    time = "" if day is None else f',"timeObserved":{{"timestamp":"{day}T00:00:00Z"}}'
    return f'{{"assay":{assay[0]},"value":{value}{time}}}'


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


_FUNCTIONS: Mapping[str, Callable[..., Made]] = {
    "measurements": common_measurements,
    "diseases": common_diseases,
    "procedures": common_procedures,
    "treatments": common_treatments,
}
