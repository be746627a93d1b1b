"""Hub records as rows of a filled template, and back: what a test needs to compare the two.

`hub_records` makes records of everything that the template can hold; `filled_rows` writes one as a person would; `facts` is what
a record says, without editions, labels and origins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from hypothesis import strategies as st

from harmonize.datasets.specification import load_dataset
from harmonize.exports.template_layout import (
    SUBJECT_KEY,
    USED_FOR,
    Column,
    Kind,
    Sheet,
    entries_of,
    entry,
    null_flavor_entry,
    sheets_of,
    systems_of,
)
from harmonize.hub import hub_schema
from tests.registry import KEY

Row = dict[str, str]
Rows = dict[str, list[Row]]
PROVISIONAL = "provisional_diagnosis_clinical_diagnosis"
LOCAL = {
    "ADDICTO": "0000311", "ATC": "L01DB03", "CHEBI": "16991", "EDAM": "format_3016", "EFO": "0008637", "FG": "0000124", "GENEPIO": "0001924",
    "HEMONC": "100", "HGNC": "1100", "HGVS": "NM_000138.5:c.1A>G", "HP": "0001250", "ICD10": "C50.4", "ICD10CM": "C50.411", "ICD10GM": "C50.4",
    "ICD11": "XA12C1", "ICDO3": "C50.4", "ISO3166": "FI", "ISO3166-2": "ES-CT", "MEDDRA": "10028813", "MESH": "D001706", "MONDO": "0007254",
    "NCBIGENE": "672", "NCBITAXON": "9606", "NCIT": "C14250", "OBI": "0002630", "OMIM": "154700", "ORPHA": "558", "RXNORM": "3639",
    "SNOMEDCT": "254837009", "SO": "0000147",
}  # fmt: skip
"""A code of every system that some set of HMD takes as a whole."""
WORDS = [
    "2.10",
    "=1+1",
    "true",
    "0123",
    "1/2",
    "2020-05-01",
    "a|b",
    "NA",
    "OTH",
    'O\'Neil said "yes"',
    "müde, sehr",
    "5",
    "p. 7 (draft)",
    "1e5",
]


@cache
def sheets() -> dict[str, Sheet]:
    """The sheets of the template by name."""
    return {sheet.name: sheet for sheet in sheets_of(load_dataset("hmd"))}


def is_many(hub_class: str, slot: str) -> bool:
    return hub_schema().classes[hub_class][slot].multivalued


# --- records --------------------------------------------------------------------------------------------------------


def code_values(column: Column) -> st.SearchStrategy[dict[str, Any]]:
    known = column.value_set
    if known is None:
        return st.sampled_from(["LOINC:48676-1", "NCIT:C16210"]).map(coded)
    codes = [value.code for value in known.values] + [f"{system}:{LOCAL[system]}" for system in systems_of(known)]
    flavors = sorted(column.item.null_flavors) if column.item else []
    kinds: list[st.SearchStrategy[dict[str, Any]]] = [st.sampled_from(codes).map(coded)] if codes else []
    kinds += [st.sampled_from(flavors).map(lambda flavor: {"null_flavor": flavor})] if flavors else []
    kinds += [st.sampled_from(["UICC 8, IIA", "something else"]).map(lambda text: {"text": text})] if known.text else []
    return st.one_of(kinds)


def coded(code: str) -> dict[str, Any]:
    return {"codings": [{"code": code}]}


def date(text: str) -> dict[str, Any]:
    return {"value": text, "precision": {4: "year", 7: "month", 10: "day"}[len(text)]}


def values(column: Column) -> st.SearchStrategy[Any]:
    """Hub values that one value of a cell of *column* can say."""
    match column.kind:
        case Kind.CODE:
            return code_values(column)
        case Kind.DATE:
            return st.sampled_from(["2020-02-29", "1999-12", "2021"]).map(date)
        case Kind.TRUTH:
            return st.booleans()
        case Kind.NUMBER:
            return st.sampled_from(["12", "0.10", "98.60", "1000000"])
        case Kind.WHOLE:
            return st.integers(0, 90)
        case Kind.DURATION:
            return st.sampled_from(["P14D", "P6W", "P3M"])
        case Kind.UNIT:
            return st.sampled_from(["mm", "mg", "/d", "/wk", "/a", "mg/m2"])
        case Kind.KEY | Kind.REFERENCE:
            return st.sampled_from(["x-1", "X 2", "é3"])
    if column.name == "variant_representation":
        return st.sampled_from(["NM_007294.4:c.5266dup", "NC_000017.11:g.43092919G>A"])
    return st.sampled_from(WORDS)


@st.composite
def objects(draw: Callable[..., Any], sheet: Sheet, every: bool = False) -> dict[str, Any]:
    """Hub objects of a sheet, those that nest in them not yet."""
    made: dict[str, Any] = {}
    columns = [
        c
        for c in sheet.columns
        if c.path and c.kind is not Kind.CODE_SYSTEM and c.name not in (SUBJECT_KEY, PROVISIONAL)
    ]
    chosen = columns if every else draw(st.lists(st.sampled_from(columns), min_size=1, unique_by=lambda c: c.name))
    for column in chosen:
        value = values(column)
        put(
            made,
            sheet.hub_class,
            column,
            draw(st.lists(value, min_size=1, max_size=3, unique_by=repr)) if column.multivalued else draw(value),
        )
    return {slot: value for slot, value in made.items() if is_whole(value)}


def put(made: dict[str, Any], hub_class: str, column: Column, value: Any) -> None:
    slot, *inner = column.path
    if not inner:
        made[slot] = value
    elif is_many(hub_class, slot):
        made.setdefault(slot, [{}])[0][inner[0]] = value
    else:
        made.setdefault(slot, {})[inner[0]] = value


def is_whole(value: Any) -> bool:
    """Whether the value says something: an amount without its number does not."""
    items = value if isinstance(value, list) else [value]
    return not any(isinstance(item, dict) and item.keys() == {"unit"} for item in items)


@st.composite
def hub_records(draw: Callable[..., Any], every: bool = False) -> dict[str, Any]:
    """Records of what the template can hold; with *every* of all items."""

    def several(name: str) -> list[dict[str, Any]]:
        made = [draw(objects(sheets()[name], every)) for _ in range(2 if every else draw(st.integers(0, 2)))]
        return [thing for thing in made if thing]

    record: dict[str, Any] = {SUBJECT_KEY: "p 1", **draw(objects(sheets()["Subject"], every))}
    for sheet in sheets().values():
        if not sheet.slot:
            continue
        if not is_many("Subject", sheet.slot):
            exposure = draw(objects(sheet, every))
            if exposure:
                record[sheet.slot] = exposure
            if every:
                exposure["travels"].append({"description": "Peru"})
                exposure["alcohol_amounts"].append({"value": "20", "unit": "/a"})
            continue
        made = [thing for thing in several(sheet.name) if sheet.name != "Diagnosis" or "disease" in thing]
        certain = draw(st.integers(0, 2)) if sheet.name == "Diagnosis" and not every else 1
        for number, thing in enumerate(made):
            if sheet.name == "Diagnosis" and number >= certain:
                thing["certainty"] = "provisional"
            if sheet.name in ("Sample", "Sequence"):
                thing[f"{sheet.name.lower()}_id"] = f"{sheet.name} {number}"
            for other in sheets().values():
                for role in other.roles:
                    if role.holder == sheet.name and (nested := several(other.name)):
                        thing[role.slot] = nested
        if (
            sheet.name == "Diagnosis"
        ):  # the profile reads diagnoses first, then provisional ones, then those of which nothing is known
            made.sort(key=lambda thing: ("null_flavor" in thing["disease"], thing.get("certainty") == "provisional"))
        if made:
            record[sheet.slot] = made
    return record


# --- rows -----------------------------------------------------------------------------------------------------------


def filled_rows(record: dict[str, Any], *, labels: bool = True) -> Rows:
    """The rows that a person would fill to say *record*; codes as entries of the lists, or bare."""
    rows: Rows = {name: [] for name in sheets()}
    rows["Subject"].append(_row(record, sheets()["Subject"], record, labels))
    for sheet in sheets().values():
        if not sheet.slot or sheet.slot not in record:
            continue
        if not is_many("Subject", sheet.slot):
            rows[sheet.name] += _exposure_rows(record, sheet, record[sheet.slot], labels)
            continue
        for number, thing in enumerate(record[sheet.slot]):
            row = _row(record, sheet, thing, labels)
            key = f"{sheet.name.lower()}_id"
            if any(column.name == key and not column.path for column in sheet.columns):
                row[key] = f"k{number}"
            if thing.get("certainty") == "provisional":
                row[PROVISIONAL] = row.pop("diagnosis")
            rows[sheet.name].append(row)
            for other in sheets().values():
                for role in other.roles:
                    for nested in thing.get(role.slot, []) if role.holder == sheet.name else []:
                        inner = {**_row(record, other, nested, labels), role.key: row[role.key]}
                        rows[other.name].append({**inner, USED_FOR: role.slot} if len(other.roles) > 1 else inner)
    return {name: made for name, made in rows.items() if made}


def _row(record: dict[str, Any], sheet: Sheet, thing: dict[str, Any], labels: bool, nth: int = 0) -> Row:
    made = {SUBJECT_KEY: record[SUBJECT_KEY]}
    for column in sheet.columns:
        if column.name in (SUBJECT_KEY, PROVISIONAL) or not column.path or column.kind is Kind.CODE_SYSTEM:
            continue
        value = thing.get(column.path[0])
        if len(column.path) == 2 and value is not None:
            whole = value[nth] if isinstance(value, list) and nth < len(value) else value
            value = whole.get(column.path[1]) if isinstance(whole, dict) else None
        if value is not None:
            made[column.name] = _cell(value, column, sheet, labels)
    return made


def _exposure_rows(record: dict[str, Any], sheet: Sheet, thing: dict[str, Any], labels: bool) -> list[Row]:
    lists = {
        slot: value
        for slot, value in thing.items()
        if isinstance(value, list) and isinstance(value[0], dict) and "codings" not in value[0]
    }
    lists = {slot: value for slot, value in lists.items() if slot in ("travels", "alcohol_amounts")}
    single = {slot: value for slot, value in thing.items() if slot not in lists}
    rows = [_row(record, sheet, {**single, **{s: v[:1] for s, v in lists.items()}}, labels)]
    for nth in range(1, max(map(len, lists.values()), default=0)):
        rows.append(_row(record, sheet, {s: [v[nth]] for s, v in lists.items() if nth < len(v)}, labels))
    return rows


def _cell(value: Any, column: Column, sheet: Sheet, labels: bool) -> str:
    if isinstance(value, list):
        return ("\n" if column.lines else " | ").join(_cell(item, column, sheet, labels) for item in value)
    if isinstance(value, bool) or column.kind is Kind.TRUTH:
        return "yes" if value else "no"
    if isinstance(value, dict) and "precision" in value:
        return str(value["value"])
    if isinstance(value, dict):
        return _coded_cell(value, column, sheet, labels)
    return str(value)


def _coded_cell(value: dict[str, Any], column: Column, sheet: Sheet, labels: bool) -> str:
    if "null_flavor" in value:
        text = null_flavor_entry(value["null_flavor"])
        assert text in entries_of(column, sheet), "what a set allows is in its list"
        return text
    if "text" in value:
        return str(value["text"])
    code = value["codings"][0]["code"]
    known = next((v for v in (column.value_set.values if column.value_set else ()) if v.code == code), None)
    return entry(known) if known is not None and labels else str(code)


# --- facts ----------------------------------------------------------------------------------------------------------


def facts(value: Any) -> Any:
    """What a hub record says: codes, NullFlavors, texts, dates, numbers."""
    if isinstance(value, dict):
        if "codings" in value:
            return {"codings": [coding["code"] for coding in value["codings"]]}
        return {key: facts(item) for key, item in value.items() if key not in ("schema_version", "level", "precision")}
    return [facts(item) for item in value] if isinstance(value, list) else value


def with_pseudonyms(value: Any, site: str, slot: str = "") -> Any:
    """*value* with the pseudonyms that a conversion at *site* gives to its identifiers."""
    kinds = {"subject_id": "subject", "sample_id": "sample", "sequence_id": "sequence", "related_samples": "sample"}
    if isinstance(value, dict):
        return {key: with_pseudonyms(item, site, key) for key, item in value.items()}
    if isinstance(value, list):
        return [with_pseudonyms(item, site, slot) for item in value]
    return KEY.pseudonym(site, kinds[slot], value) if slot in kinds else value


def slots_of(value: Any, hub_class: str = "Subject") -> Iterator[tuple[str, str]]:
    """(hub class, slot) of everything that a record fills."""
    for slot, item in value.items():
        yield hub_class, slot
        inner = hub_schema().classes[hub_class][slot].range
        for one in item if isinstance(item, list) else [item]:
            if isinstance(one, dict) and inner in hub_schema().classes:
                yield from slots_of(one, inner) if "codings" not in one else ()
