"""Arbitrary hub records, built from the schema of the hub: every class, every slot, apt and inapt codes.

Nothing here names a class or a slot of the hub but the value classes: what the schema gains, the strategies gain. What is apt in a slot
is learnt from the rich record, which a test of its own holds to fill every slot.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import sqlite3
from collections.abc import Iterator
from functools import cache
from typing import Any

from hypothesis import strategies as st

from harmonize.hub import VALUE_CLASSES, hub_json_schema, hub_schema
from harmonize.terminology.notation import load_systems
from harmonize.terminology.store import Terminologies
from tests.properties.check_digits import with_check_digit
from tests.rich_record import RICH

CLASSES = hub_schema().classes
Strategy = st.SearchStrategy[Any]
_ASCII = st.characters(codec="ascii", categories=("L", "N", "P", "S"))
_WORDS = st.text(_ASCII, min_size=1, max_size=6) | st.sampled_from(("Ärger", "二 三", "a b", "x'\"<y>", "10"))


def slots_of(
    value: Any, class_name: str, path: tuple[Any, ...] = (), *, dropped: frozenset[str] = frozenset()
) -> Iterator[tuple[str, tuple[Any, ...], Any]]:
    """(`Class.slot`, path, value) of everything that an object fills, items of lists one by one, values taken whole; what stands
    in a slot of *dropped* is left out."""
    for name, slot in CLASSES[class_name].items():
        if name not in value:
            continue
        items = enumerate(value[name]) if slot.multivalued else ((None, value[name]),)
        for index, item in items:
            here = (*path, name) if index is None else (*path, name, index)
            if slot.range in CLASSES and slot.range not in VALUE_CLASSES:
                if f"{class_name}.{name}" not in dropped:
                    yield from slots_of(item, slot.range, here, dropped=dropped)
            else:
                yield f"{class_name}.{name}", here, item


def filled_slots(value: Any, class_name: str) -> Iterator[str]:
    """`Class.slot` of every slot that an object and those in it fill, objects and lists of them among them."""
    for name, slot in CLASSES[class_name].items():
        if name in value:
            yield f"{class_name}.{name}"
            if slot.range in CLASSES and slot.range not in VALUE_CLASSES:
                for item in value[name] if slot.multivalued else [value[name]]:
                    yield from filled_slots(item, slot.range)


@cache
def apt_values() -> dict[str, list[Any]]:
    """`Class.slot` -> what the rich record holds there."""
    found: dict[str, list[Any]] = {}
    for name, _, value in slots_of(RICH, hub_schema().root):
        found.setdefault(name, []).append(value)
    return found


# --- codes ----------------------------------------------------------------------------------------------------------


@cache
def terms(system: str) -> list[tuple[str, str]]:
    """(CURIE, label) of a few active terms of an installed system, over its whole range."""
    path = Terminologies.installed().paths.get(system)
    if path is None:
        return []
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as store:
        rows = store.execute("SELECT code, label FROM term WHERE obsolete = 0 ORDER BY id").fetchall()
    return rows[:: max(1, len(rows) // 12)]


def codings_of(system: str) -> Strategy:
    """Codings of terms of *system*; where it is not installed, of codes that its notation allows."""
    if terms(system):
        codes = st.sampled_from(terms(system))
    else:
        pattern = re.compile(load_systems()[system].pattern, re.ASCII)
        codes = st.from_regex(pattern, fullmatch=True, alphabet=_ASCII).map(
            lambda local: (f"{system}:{with_check_digit(local[:40], load_systems()[system])}", "")
        )
    return st.builds(_coding, st.just(system), codes, st.sampled_from(("stated", "stated", "mapped")), st.booleans())


def _coding(system: str, term: tuple[str, str], origin: str, versioned: bool) -> dict[str, Any]:
    made = {"system": system, "code": term[0], "origin": origin}
    if term[1]:
        made["label"] = term[1]
    if versioned:
        made["version"] = "2026-01-01"
    if origin == "mapped":
        made.update(predicate="skos:exactMatch", mapping_set="https://example.org/set", row=7)
    return made


ANY_CODING = st.sampled_from(sorted(load_systems())).flatmap(codings_of)


@cache
def coded_values(name: str) -> Strategy:
    """Coded values for the slot *name*: of systems that are apt there, of others, of several, of none."""
    apt = [coded for coded in apt_values().get(name, ()) if isinstance(coded, dict)]
    systems = sorted({c["system"] for coded in apt for c in coded.get("codings", ())} & set(load_systems()))
    learnt = [st.sampled_from(apt)] if apt else []
    own = [st.sampled_from(systems).flatmap(codings_of)] if systems else []
    codings = st.lists(st.one_of(*own, *own, ANY_CODING), min_size=1, max_size=3, unique_by=lambda c: c["code"])
    with_codes = st.fixed_dictionaries(
        {"codings": codings}, optional={"text": _WORDS, "qualifiers": st.just(["dagger"])}
    )
    without = st.fixed_dictionaries({"null_flavor": st.sampled_from(sorted(hub_schema().enums["NullFlavor"]))})
    return st.one_of(*learnt, with_codes, with_codes, without, st.fixed_dictionaries({"text": _WORDS}))


# --- other values ---------------------------------------------------------------------------------------------------


def _partial_date(day: dt.date, precision: str, estimated: bool | None) -> dict[str, Any]:
    text = day.isoformat()[: {"year": 4, "month": 7, "day": 10}[precision]]
    made: dict[str, Any] = {"value": text, "precision": precision}
    return made if estimated is None else {**made, "estimated": estimated}


PARTIAL_DATES = st.builds(
    _partial_date,
    st.dates(dt.date(1, 1, 1)) | st.dates(dt.date(1950, 1, 1), dt.date(2025, 1, 1)),
    st.sampled_from(("day", "day", "month", "year")),
    st.sampled_from((None, None, True, False)),
)
DURATIONS = st.one_of(
    st.integers(0, 120).map(lambda years: f"P{years}Y"),
    st.tuples(st.integers(0, 99), st.integers(0, 11), st.integers(0, 30)).map(lambda p: f"P{p[0]}Y{p[1]}M{p[2]}D"),
    st.sampled_from(("P0D", "P3W", "PT36H", "P1DT1.5S", "P99999999999999999999Y")),
)
IDENTIFIERS = st.sampled_from(("0123456789abcdef", "father-1", "sample.2", "x" * 64))
HGVS_TEXTS = st.sampled_from(
    ("NC_000017.11:g.43092919G>A", "NC_000001.10:g.1A>T", "NC_000017.11:g.43092919del", "NM_000138.5(FBN1):c.3037G>A", "NP_000129.3:p.Gly1013Arg", "NR_1.1:n.1A>G")
)  # fmt: skip


@cache
def _json_schema(class_name: str, slot: str) -> dict[str, Any]:
    schema: dict[str, Any] = hub_json_schema()["$defs"][class_name]["properties"][slot]
    return schema


@cache
def values(class_name: str, slot: str) -> Strategy:
    """Values of one item of a slot, of the form that the hub's JSON Schema and the description of the slot demand."""
    known, schema, name = CLASSES[class_name][slot], _json_schema(class_name, slot), f"{class_name}.{slot}"
    if known.range == "CodedValue":
        return coded_values(name)
    if known.range == "PartialDate":
        return PARTIAL_DATES
    if known.range in CLASSES:
        return objects(known.range)
    if known.range in hub_schema().enums:
        return st.sampled_from(sorted(hub_schema().enums[known.range]))
    if known.range == "boolean":
        return st.booleans()
    if known.range == "integer":
        return st.integers(schema.get("minimum", -1000), 2**31)
    if "Keyed pseudonym" in known.description:
        return IDENTIFIERS
    if "pattern" in schema:
        texts = st.from_regex(re.compile(schema["pattern"], re.ASCII), fullmatch=True, alphabet=_ASCII)
        return texts.filter(lambda text: len(text) < 65)
    if "ISO 8601 duration" in known.description:
        return DURATIONS
    if "HGVS description as written" in known.description:
        return HGVS_TEXTS
    return st.one_of(_WORDS, *([st.sampled_from(apt_values()[name])] if name in apt_values() else []))


@cache
def objects(class_name: str) -> Strategy:
    """Objects of a hub class with any of its slots, never empty."""
    required, optional = {}, {}
    for name, slot in CLASSES[class_name].items():
        one = st.deferred(lambda name=name: values(class_name, name))
        several = st.lists(one, min_size=1, max_size=2) if slot.multivalued else one
        (required if slot.required else optional)[name] = several
    return st.fixed_dictionaries(required, optional=optional).filter(bool)


def records() -> Strategy:
    """Records of one subject."""
    return objects(hub_schema().root).map(lambda record: {**record, "schema_version": hub_schema().version})
