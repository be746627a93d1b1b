"""The words of a template: what a column is for and how it is written, for people who fill it."""

from __future__ import annotations

from harmonize.datasets.specification import CONDITIONAL, Dataset
from harmonize.datasets.value_set_words import parts_of, systems_of, value_set_as_json
from harmonize.exports.template_layout import (
    NULL_FLAVORS,
    Column,
    Kind,
    Sheet,
    entries_of,
    is_closed,
    null_flavor_entry,
)

LEVELS = {
    "mandatory": "every row needs it",
    CONDITIONAL: "needed where its condition holds; the note on the column says when",
    "recommended": "give it if you have it",
    "optional": "may be given",
    "key": "names the row, or the row of another sheet that this one belongs to",
}
"""Level of a column -> what it asks of whoever fills the template."""

_HOW = {
    Kind.KEY: "Your own identifier, the same wherever this row is meant. It is replaced by a pseudonym and never leaves your site.",
    Kind.REFERENCE: "The identifier that the row of the other sheet has. It is replaced by a pseudonym and never leaves your site.",
    Kind.USED_FOR: "What the resource was used for. Choose from the list.",
    Kind.DATE: "A date as YYYY-MM-DD, or what is known of it: YYYY-MM, YYYY.",
    Kind.TRUTH: "yes or no; empty where it is not known.",
    Kind.NUMBER: "A number with a point: 12.5",
    Kind.WHOLE: "A whole number.",
    Kind.DURATION: "An ISO 8601 duration: P14D is 14 days, P6W six weeks, P3M three months.",
    Kind.UNIT: "The unit as UCUM writes it: mm, mg, Gy, /d (a day), /wk, /mo, /a.",
    Kind.CODE_SYSTEM: "The code system of the code beside it, by its prefix: LOINC, SNOMEDCT, NCIT. Empty where the code has one already.",
    Kind.WORDS: "Words. Never names or anything else that tells who the person is.",
}


def level_of(column: Column, dataset: Dataset) -> str:
    """The level of *column* in the version of the data set, `key` for keys that are no items."""
    if column.item is None:
        return "key" if column.kind in (Kind.KEY, Kind.REFERENCE, Kind.USED_FOR) else "optional"
    return column.item.levels[dataset.version]


def how_to_write(column: Column, sheet: Sheet) -> str:
    """How a cell of *column* is written."""
    how = _HOW[column.kind] if column.kind is not Kind.CODE else _how_to_code(column, sheet)
    if column.kind in (Kind.KEY, Kind.REFERENCE) and not column.path:
        how = f"Any name that you give: it ties rows of this workbook to the row of {column.of} and is not kept."
    if column.lines:
        return f"{how} Several: each on a line of its own in the cell (Alt+Enter)."
    return f"{how} Several: with ' | ' between them." if column.multivalued else how


def _how_to_code(column: Column, sheet: Sheet) -> str:
    known = column.value_set
    if known is None:
        return "A code with its system in front: LOINC:48676-1."
    parts = []
    if entries_of(column, sheet):
        parts.append("Choose from the list." if is_closed(column) else "Choose from the list, or write a code.")
    for part in parts_of(value_set_as_json(known)):
        parts.append(f"{part.words[0].upper()}{part.words[1:]}.")
    if systems_of(known):
        parts.append(f"Codes have their system in front: {systems_of(known)[0]}:...")
    return " ".join(parts)


def note_of(column: Column, sheet: Sheet, dataset: Dataset) -> str:
    """What stands in the note on the header of *column*."""
    item, lines = column.item, []
    if item is not None:
        lines += [f"{item.item} ({item.id})", item.definition]
        level = item.levels[dataset.version]
        lines.append(f"Level: {level}, {item.cardinality}. {LEVELS[level].capitalize()}.")
        if item.condition_text:
            lines.append(f"Condition: {item.condition_text}.")
    lines.append(how_to_write(column, sheet))
    if column.value_set is not None:
        lines.append(f"Values: {column.value_set.title}.")
    if item is not None and item.null_flavors:
        lines.append(
            "Where there is no value, why: " + ", ".join(n for n in NULL_FLAVORS if n in item.null_flavors) + "."
        )
    return "\n".join(line for line in lines if line)


def read_me(dataset: Dataset, sheets: tuple[Sheet, ...]) -> list[str]:
    """The lines of the page that says how the template is filled."""
    return [
        f"{dataset.title}, version {dataset.version}",
        "",
        "A template for sites without a system of their own. Fill what you have and leave the rest empty.",
        "",
        "1. One sheet for each kind of thing; row 1 names the columns and stays as it is. Every row starts with subject_id:",
        "   your own identifier of the person, the same on every sheet. Rows of one person may stand anywhere.",
        "2. Subject and EnvironmentalExposure: one row a person. All other sheets: as many rows as there are things to tell.",
        "   A second journey or amount of alcohol is a further row of EnvironmentalExposure with these columns alone.",
        "3. Rows that belong together have the same key: a TNM names the diagnosis_id of its diagnosis, a sequencing the",
        "   sample_id of its sample, a variant the sequence_id of the sequencing that found it.",
        "4. Values from a list are chosen as they stand: 'primary tumour (NCIT:C8509)'. The code in parentheses is what is",
        "   read; the code alone (NCIT:C8509) will do. Other codes are written with their system in front: ICD10:C50.9.",
        "5. Where a list allows it, say why a value is missing: "
        + null_flavor_entry("UNK")
        + ". An empty cell says nothing.",
        "6. Dates: YYYY-MM-DD, or what is known of it (YYYY-MM, YYYY). Never 00 for a day or month that is not known.",
        "7. Several values in one cell: with a bar and blanks around it between them: NCIT:C15650 | NCIT:C66897. Only in the",
        "   column parameters each line of the cell (Alt+Enter) is a value, because command lines hold bars.",
        "8. One row of Diagnosis is one disease: fill diagnosis, or provisional_diagnosis_clinical_diagnosis.",
        "9. Never write names, addresses or numbers of persons into columns of words. Identifiers are replaced by pseudonyms",
        "   when the template is converted; diagnosis_id and variant_id are not kept at all.",
        "",
        "What the colours of the columns mean:",
        *(f"   {level}: {meaning}" for level, meaning in LEVELS.items()),
        "",
        "Why a value is missing (HL7 NullFlavor):",
        *(f"   {null_flavor_entry(flavor)}" for flavor in NULL_FLAVORS),
        "",
        "Sheets:",
        *(f"   {sheet.name}: {sheet.dataset_class.definition.partition('. ')[0].rstrip('.')}." for sheet in sheets),
        "",
        "Read it back: harmonize convert FILLED.xlsx --profile intl/hmd-template --to hub --out OUT --pseudonym-key KEY",
        f"Source of the items: {dataset.source}",
    ]
