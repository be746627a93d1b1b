"""Laws of the function library and of HGVS: total for every text, nothing guessed, coordinates of known chromosomes only."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harmonize import Converter
from harmonize.convert import make_environment
from harmonize.profiles.coded_values import Environment
from harmonize.profiles.functions import FUNCTIONS
from harmonize.profiles.loading import load_profile
from harmonize.profiles.notes import Noted
from harmonize.profiles.specification import Meaning
from harmonize.profiles.text_values import accession, hgvs_level, read_hgvs
from harmonize.terminology.reference_sequences import genomic_substitution
from tests.properties.effort import examples
from tests.properties.texts import any_text, shuffled_pieces
from tests.registry import KEY

HGVS_TEXTS = st.one_of(
    shuffled_pieces(("NC_000017.11", "NM_000138.5", "(FBN1)", ":", "g.", "c.", "p.", "43092919", "G>A", "del", " ", "=", "[", "\n", "٣")),
    st.tuples(
        st.sampled_from(("NC_", "NG_", "NM_", "nc_", "")),
        st.integers(0, 30),
        st.integers(0, 20),
        st.sampled_from((":g.", ":c.", ":m.", ".g.", ":g.-", ":g.0")),
        st.integers(0, 300_000_000) | st.integers(0, 10**25),
        st.sampled_from(("A>T", "G>A", "N>A", "a>t", "A>TT", "AC>GT", "A>A", "del", "A=", "A>T ")),
    ).map(lambda p: f"{p[0]}{p[1]:06d}.{p[2]}{p[3]}{p[4]}{p[5]}"),
    any_text(40),
)  # fmt: skip
CHROMOSOMES = {f"{number:06d}": name for number, name in enumerate((*map(str, range(1, 23)), "X", "Y"), start=1)}


@examples(1200)
@given(text=HGVS_TEXTS)
@example(text=f"NC_000017.11:g.{'9' * 5000}A>T")
def test_hgvs_is_read_or_not_and_never_changed(text: str) -> None:
    clean = text.strip()
    read, level, other = read_hgvs(text), hgvs_level(text), accession(text)
    assert (read is None) == (level is None), "what is HGVS has a level"
    assert (read is None) != (other is None), "it is HGVS, or an accession, or rejected"
    if read is not None:
        assert read == clean and f":{level}." in read and level in "cgmnopr"
        assert read_hgvs(read) == read
    elif isinstance(other, Noted):
        assert other.value is None and other.message == accession("?").message, "a message says nothing of the text"
    else:
        assert other == clean and other.isascii() and " " not in other and any(c.isdigit() for c in other)
    found = genomic_substitution(text)
    if found is not None:
        assert text == clean == read and level == "g"
        reference, _, change = text.partition(":g.")
        assert reference.startswith("NC_") and CHROMOSOMES[reference[3:9]] == found.chromosome
        assert change == f"{found.position}{found.reference}>{found.alternative}"
        assert 0 < found.position < 10**9, "no chromosome is longer"


@pytest.mark.parametrize("number", range(26))
def test_coordinates_are_of_one_assembly_of_known_chromosomes(number: int) -> None:
    made = {v: genomic_substitution(f"NC_{number:06d}.{v}:g.100A>T") for v in range(30)}
    known = {version: found for version, found in made.items() if found is not None}
    if 1 <= number <= 24:
        assert sorted(found.assembly for found in known.values()) == ["GRCh37", "GRCh38"]
        older = next(v for v, found in known.items() if found.assembly == "GRCh37")
        assert known[older + 1].assembly == "GRCh38", "the version after that of GRCh37"
        assert {found.chromosome for found in known.values()} == {CHROMOSOMES[f"{number:06d}"]}
    else:
        assert not known


@cache
def environment() -> Environment:
    """The environment of functions of a profile."""
    made = make_environment(load_profile("eu/ern-cde"), KEY, "test")
    made.meanings = {"List": {"Seizure (HP:0001250)": Meaning("HP:0001250", "Seizure")}}
    return made


@cache
def function(name: str) -> Any:
    """A function of the library."""
    return FUNCTIONS[name].make(environment())


TEXTS = st.one_of(
    HGVS_TEXTS,
    shuffled_pieces((" | ", "HP:0001250", "Seizure (", ")", "\n", "ORPHA:558", "UNK")),
    shuffled_pieces(("HP:0001250", "http://purl.obolibrary.org/obo/HP_", "0410382", "ORPHA", "558", ":", "1985-09", "P1Y", "12", "xsd:date", "é", "#")),
)  # fmt: skip
SYSTEMS = st.lists(st.sampled_from(sorted(environment().systems)), min_size=1, max_size=3).map(tuple)
FURTHER = {
    "typed_date": st.tuples(st.none() | any_text(8) | st.sampled_from(("xsd:date", "xsd:integer"))),
    "typed_age": st.tuples(st.none() | any_text(8) | st.sampled_from(("xsd:date", "xsd:integer"))),
    "code": st.tuples(st.sampled_from(sorted(environment().systems))),
    "code_iri": st.lists(st.sampled_from(sorted(environment().systems)), min_size=1, max_size=3).map(tuple),
    "code_iri_if": st.lists(st.sampled_from(sorted(environment().systems)), min_size=1, max_size=3).map(tuple),
    "pseudonym": st.tuples(st.sampled_from(("subject", "sample"))),
    "labelled_code": SYSTEMS,
    "code_or_text": SYSTEMS,
    "meaning": SYSTEMS.map(lambda systems: ("List", *systems)) | st.just(("List",)),
    "meaning_or_text": SYSTEMS.map(lambda systems: ("List", *systems)) | st.just(("List",)),
    "code_of_system": st.tuples(st.none() | any_text(8) | st.sampled_from(("HP", "http://loinc.org", "x"))),
    "if_stated": st.just(("provisional",)),
    "each": st.tuples(st.sampled_from(("|", "line")), st.just("labelled_code"), st.sampled_from(("HP", "ORPHA"))),
}
OF_TEXTS = sorted(name for name, known in FUNCTIONS.items() if known.maximum == 1) + sorted(FURTHER)
OF_CODES = ("mapped", "mapped_if", "unit", "classified")


@examples(800)
@given(name=st.sampled_from([name for name in OF_TEXTS if name != "listed"]), text=TEXTS, data=st.data())
def test_every_function_of_texts_is_total(name: str, text: str, data: st.DataObject) -> None:
    further = data.draw(FURTHER[name]) if name in FURTHER else ()
    answer = function(name)(text, *further)
    assert function(name)(text, *further) == answer, "asking twice changes nothing"
    value = answer.value if isinstance(answer, Noted) else answer
    for one in value if isinstance(value, list) else [value]:
        assert one is None or isinstance(one, str | int | dict)
        for coding in one.get("codings", ()) if isinstance(one, dict) else ():
            assert coding["system"] in environment().systems and coding["code"].startswith(f"{coding['system']}:")


@examples(150)
@given(
    name=st.sampled_from(OF_CODES),
    map_name=st.sampled_from(sorted(environment().code_maps)),
    codes=st.lists(st.sampled_from(("HP:0001250", "NCIT:C16576", "UO:0000022", "ORPHA:558", "X:1")), max_size=3),
    more=st.sampled_from(({}, {"null_flavor": "UNK"}, {"text": "a"})),
)
def test_every_function_of_codes_is_total(name: str, map_name: str, codes: list[str], more: dict[str, str]) -> None:
    coded = {"codings": [{"system": c.partition(":")[0], "code": c, "origin": "stated"} for c in codes], **more}
    answer = function(name)(coded, map_name)
    value = answer.value if isinstance(answer, Noted) else answer
    if isinstance(value, dict):
        assert value["codings"][: len(codes)] == coded["codings"], "what was translated keeps what it was"


# --- records in memory ----------------------------------------------------------------------------------------------

CONVERTER = Converter("eu/ern-cde", targets=["hub", "fhir-r4", "phenopackets"], key=bytes(32), site="test")
SOURCE = load_profile("eu/ern-cde").source


def source_values(class_name: str, depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of a source class with any text in any slot."""
    slots = {}
    for name, slot in SOURCE.classes[class_name].items():
        value = source_values(slot.range, depth + 1) if slot.range in SOURCE.classes else TEXTS
        slots[name] = st.lists(value, max_size=2) if slot.multivalued else value
    return st.fixed_dictionaries({}, optional=slots)


@examples(80)
@given(record=source_values(SOURCE.root))
@example(record={"pid": "\ud800"})
@example(record={"genetic": [{"rows": [{"value": f"NC_000017.11:g.{'9' * 5000}A>T"}]}]})
@example(record={"phenotype": [{"onset": {"value": "1" * 30, "value_datatype": "xsd:integer"}}]})
@example(record={"genetic": [{"rows": [{"value": "NM_1:c.\udc00"}]}]})
def test_no_record_in_memory_breaks_the_conversion(record: dict[str, Any]) -> None:
    (subject,) = CONVERTER.convert([{"pid": "1", **record}])
    assert "internal.error" not in {finding.rule for finding in subject.findings}
    for documents in subject.documents.values():
        for document in documents:
            orjson.loads(document.line)
