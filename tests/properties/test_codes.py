"""Laws of codes: read back from every spelling, never another system's, never a crash; code maps as `sssom` reads them."""

from __future__ import annotations

import re
import tempfile
import warnings
from pathlib import Path
from urllib.parse import quote

import pytest
import re2
from hypothesis import example, given
from hypothesis import strategies as st

from harmonize.errors import SpecificationError
from harmonize.terminology.notation import Code, NotACode, load_systems
from harmonize.terminology.sssom import NO_TERM, Ambiguous, Mapped, MappingSet, NotMapped, read_mapping_set
from tests.properties.check_digits import with_check_digit
from tests.properties.effort import examples
from tests.properties.texts import any_text, shuffled_pieces

SYSTEMS = load_systems()
NAMES = sorted(SYSTEMS)
ASCII = st.characters(codec="ascii", categories=("L", "N", "P", "S"))


def matching(pattern: str) -> st.SearchStrategy[str]:
    """Texts of printable ASCII that *pattern* matches whole."""
    texts = st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True, alphabet=ASCII)
    return texts.filter(lambda text: len(text) < 80)


LOCALS = {
    name: st.builds(with_check_digit, matching(system.pattern), st.just(system)) for name, system in SYSTEMS.items()
}
OTHER_SPELLINGS = {
    name: [(spelling, matching(spelling.pattern)) for spelling in (*system.spellings, *system.iri)]
    for name, system in SYSTEMS.items()
}
CODES = st.sampled_from(NAMES).flatmap(lambda name: LOCALS[name].map(lambda local: Code(name, local)))


@examples(500)
@given(code=CODES, blank=st.sampled_from(("", " ", "\t", "\n", "\u00a0")))
def test_a_code_is_read_back_from_its_curie(code: Code, blank: str) -> None:
    assert SYSTEMS.parse(f"{blank}{code}{blank}", code.system) == code
    assert SYSTEMS.parse_iri(str(code), NAMES) == code
    if not code.local.startswith(f"{code.system}:"):
        assert SYSTEMS.parse(code.local, code.system) == code
    others = [name for name in NAMES if name != code.system]
    assert isinstance(SYSTEMS.parse_iri(str(code), others), NotACode), "no other system takes it"


@examples(300)
@given(data=st.data(), name=st.sampled_from([name for name in NAMES if OTHER_SPELLINGS[name]]))
def test_a_code_is_read_back_from_every_spelling(data: st.DataObject, name: str) -> None:
    spelling, texts = data.draw(st.sampled_from(OTHER_SPELLINGS[name]))
    text = data.draw(texts)
    match = re.fullmatch(spelling.pattern, text)
    assert match is not None
    if SYSTEMS[name].check:
        text = text.replace(match[1], with_check_digit(match[1], SYSTEMS[name]))
        match = re.fullmatch(spelling.pattern, text)
        assert match is not None
    code = SYSTEMS.parse(text, name)
    groups = (text, *(group or "" for group in match.groups()))
    edition = spelling.edition.format(*groups) if spelling.edition else None
    assert isinstance(code, Code) and code.edition == edition and not code.modifiers
    assert code.local.casefold() == spelling.code.format(*groups).casefold()
    assert SYSTEMS.parse(str(code), name) == code._replace(edition=None)
    if spelling in SYSTEMS[name].iri:
        assert SYSTEMS.parse_iri(text, NAMES) == code
        assert isinstance(SYSTEMS.parse_iri(text, [other for other in NAMES if other != name]), NotACode)


@examples(200)
@given(code=CODES)
def test_what_targets_write_says_the_system_and_the_code(code: Code) -> None:
    system = SYSTEMS[code.system]
    assert system.fhir_code(str(code)) in (str(code), code.local)
    assert SYSTEMS.parse(system.fhir_code(str(code)), code.system) == code or code.local.startswith(code.system)
    answer = SYSTEMS.parse_iri(f"{system.phenopackets.iri_prefix}{code.local}", NAMES)
    part_of_an_entry = code.system == "OMIM" and "." in code.local  # an allelic variant has no page of its own
    answer = answer._replace(edition=None) if isinstance(answer, Code) else answer
    assert answer == code or (isinstance(answer, NotACode) and (part_of_an_entry or not system.iri))


def test_no_two_systems_share_a_name_in_a_target() -> None:
    uris = [uri for system in SYSTEMS.values() if system.fhir for uri in (system.fhir.uri, *system.fhir.accepted)]
    assert len(set(uris)) == len(uris)
    for names in zip(*((s.phenopackets.id, s.phenopackets.iri_prefix) for s in SYSTEMS.values()), strict=True):
        assert len(set(names)) == len(names)


ALMOST_CODES = shuffled_pieces(
    ("HP", "ORPHA", "HGNC", "SNOMEDCT", ":", "_", "0001250", "558", "http://purl.obolibrary.org/obo/", "C16576", "Q87.4", " ", "#", "\n", "٣", "é")
)  # fmt: skip
ALMOST_NATIONAL = shuffled_pieces(
    ("E11", "E119", ".", "40", "+", "*", "!", "†", "#", "&", "G63.2", "DZ400B", "591,99", "8140", "/", "3", "5-324", "0010", "10", " ", "V30", "U822+0")
)  # fmt: skip


@examples(600)
@given(text=st.one_of(ALMOST_CODES, ALMOST_NATIONAL, any_text(30), st.just("x" * 501)), name=st.sampled_from(NAMES))
@example(text="\ud800", name="HGVS")
def test_any_text_is_a_code_or_a_reason_that_does_not_quote_it(text: str, name: str) -> None:
    for answer in (SYSTEMS.parse(text, name), SYSTEMS.parse_iri(text, (name,)), SYSTEMS.parse_iri(text, NAMES)):
        if isinstance(answer, NotACode):
            assert not re.search(r"[^ -~]", answer.reason) and (len(text) < 30 or text not in answer.reason)
        else:
            assert SYSTEMS.parse(str(answer), answer.system) == answer._replace(modifiers=(), edition=None)
            assert re2.fullmatch(SYSTEMS[answer.system].pattern, answer.local)
            assert _signs(answer.local) in _signs(text), "nothing is invented"


@examples(400)
@given(text=st.one_of(ALMOST_CODES, ALMOST_NATIONAL, any_text(30)), name=st.sampled_from(sorted(SYSTEMS.notations)))
@example(text="+" * 500, name="ICD10FI")
def test_a_cell_holds_one_code_or_two_or_a_reason(text: str, name: str) -> None:
    cell, one = SYSTEMS.parse_cell(text, name), SYSTEMS.parse(text, name)
    if isinstance(cell, NotACode):
        assert one == cell
        return
    system = SYSTEMS[name.partition("/")[0]]
    assert isinstance(one, Code) == (len(cell) == 1) and len(cell) in (1, 2)
    for code in cell:
        assert code.system == system.id and set(code.modifiers) <= set(system.modifiers.values())
        assert SYSTEMS.parse(str(code), name) == code._replace(modifiers=(), edition=None)
        assert _signs(code.local) in _signs(text), "nothing is invented"


@examples(300)
@given(name=st.sampled_from([name for name in NAMES if SYSTEMS[name].modifiers]), data=st.data())
def test_signs_are_kept_beside_the_code(name: str, data: st.DataObject) -> None:
    code = Code(name, data.draw(LOCALS[name]))
    sign = data.draw(st.sampled_from(sorted(SYSTEMS[code.system].modifiers)))
    for text in (f"{code}{sign}", f"{code.local} {sign}"):
        assert SYSTEMS.parse(text, code.system) == code._replace(modifiers=(SYSTEMS[code.system].modifiers[sign],))
        assert isinstance(SYSTEMS.parse_local(text, code.system), NotACode)


def _signs(text: str) -> str:
    """The letters and digits of *text*, without case."""
    return re.sub(r"[^a-z0-9]", "", text.casefold())


# --- code maps ------------------------------------------------------------------------------------------------------

PREDICATES = ("skos:exactMatch", "skos:broadMatch", "skos:narrowMatch", "skos:closeMatch")
HEAD = (
    "#mapping_set_id: https://example.org/set\n#mapping_set_version: '1'\n#license: https://creativecommons.org/publicdomain/zero/1.0/\n"
    "#curie_map:\n#  HP: http://purl.obolibrary.org/obo/HP_\n#  ORPHA: http://www.orpha.net/ORDO/Orphanet_\n#  UCUM: https://w3id.org/harmonize/ucum/\n"
)  # fmt: skip
COLUMNS = ("subject_id", "predicate_id", "object_id", "mapping_justification", "confidence", "comment")
UNITS = matching(SYSTEMS["UCUM"].pattern)
MAPPED_CODES = st.one_of(
    st.integers(0, 40).map(lambda number: f"HP:{number:07d}"),
    st.integers(1, 40).map(lambda number: f"ORPHA:{number}"),
    UNITS.map(lambda unit: f"UCUM:{unit}"),
)
ROWS = st.tuples(
    MAPPED_CODES,
    st.sampled_from(PREDICATES),
    MAPPED_CODES | st.just(NO_TERM),
    st.sampled_from(("semapv:ManualMappingCuration", "semapv:LexicalMatching")),
    st.sampled_from(("", "0.5", "1")),
    st.from_regex(r"[A-Za-z(][A-Za-z ,;:.'()é-]{0,20}", fullmatch=True).map(str.strip),
)
Rows = list[tuple[str, str, str, str, str, str]]


def as_curie(code: str) -> str:
    """A code as a CURIE in a file: what an IRI cannot hold is percent-encoded."""
    prefix, _, local = code.partition(":")
    return f"{prefix}:{quote(local, safe='')}"


def mapping_file(folder: Path, rows: Rows) -> Path:
    """The rows as an SSSOM TSV file."""
    path = folder / "set.sssom.tsv"
    lines = ["\t".join((as_curie(row[0]), row[1], as_curie(row[2]), *row[3:])) for row in rows]
    path.write_text(HEAD + "\t".join(COLUMNS) + "\n" + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def read(rows: Rows) -> MappingSet:
    """The rows, written and read."""
    with tempfile.TemporaryDirectory() as folder:
        return read_mapping_set(mapping_file(Path(folder), rows))


@examples(100)
@given(rows=st.lists(ROWS, max_size=12), predicates=st.permutations(PREDICATES))
def test_a_code_map_is_read_as_written_and_never_picks_one_of_several(rows: Rows, predicates: list[str]) -> None:
    found = read(rows)
    assert [tuple(row[1:7]) for row in found.rows] == rows
    assert all((row.path, row.denied) == ("", False) for row in found.rows)  # these files have no such columns
    first = HEAD.count("\n") + 2
    assert [row.number for row in found.rows] == list(range(first, first + len(rows)))
    for subject in {row[0] for row in rows}:
        answer = found.translate(subject, predicates)
        targets = {p: {r[2] for r in rows if r[:2] == (subject, p) and r[2] != NO_TERM} for p in predicates}
        used = next((p for p in predicates if targets[p]), None)
        if used is None:
            assert isinstance(answer, NotMapped)
        elif len(targets[used]) > 1:
            assert isinstance(answer, Ambiguous) and set(answer.candidates) == targets[used]
        else:
            assert isinstance(answer, Mapped) and {answer.code} == targets[used] and answer.predicate == used
            assert rows[answer.row - first][:3] == (subject, used, answer.code)
    assert isinstance(found.translate("HP:9999999", predicates), NotMapped)


def test_sssom_reads_the_same_rows(tmp_path: Path) -> None:
    rows = [
        (f"HP:{n:07d}", PREDICATES[n % 4], f"UCUM:{unit}", "semapv:ManualMappingCuration", "0.5", "in use (é), as is")
        for n, unit in enumerate(("mg/dL", "10*9/L", "%", "[iU]/L", "umol/L", "{score}", "m2.kg-1", "Cel", "a_j"))
    ]
    path = mapping_file(tmp_path, rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sssom.parsers import parse_sssom_table

        frame = parse_sssom_table(str(path)).df
    columns = ["subject_id", "predicate_id", "object_id", "mapping_justification"]
    ours = [
        (as_curie(r.subject), r.predicate, as_curie(r.object), r.justification) for r in read_mapping_set(path).rows
    ]
    assert sorted(map(tuple, frame[columns].to_numpy().tolist())) == sorted(ours)


DAMAGED = st.one_of(
    shuffled_pieces(("#", HEAD, "#mapping_set_id: a\n", "\t".join(COLUMNS), "\n", "\r\n", "\t", "HP:1", '"', "|", "skos:exactMatch", "\ufeff", "- a", ": ", "\0"), 14),
    any_text(60),
)  # fmt: skip


@examples(250)
@given(text=DAMAGED)
@example(text="#- a\n" + "\t".join(COLUMNS))
@example(text=HEAD + "\t".join(COLUMNS) + '\n"' + "x" * 140_000 + "\t\t\t\t\t\n")
@example(text="#mapping_set_id: a\n#curie_map: [a]\n" + "\t".join(COLUMNS) + "\n")
@example(text="#mapping_set_id: [a]\n" + "\t".join(COLUMNS) + "\n")
@example(text="\udcff")
def test_any_file_is_a_code_map_or_refused_by_name(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "set.sssom.tsv"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            found = read_mapping_set(path)
        except SpecificationError as error:
            assert "set.sssom.tsv" in str(error)
        else:
            assert isinstance(found.id, str) and isinstance(found.version, str)


@pytest.mark.parametrize("code", ["HP:0001250", "UCUM:mg/dL", "UCUM:%", "UCUM:10*9/L", "UCUM:a%2Fb", "UCUM:[iU]|x"])
def test_a_curie_that_an_iri_cannot_hold_is_percent_encoded(code: str) -> None:
    row = (code, PREDICATES[0], code, "semapv:LexicalMatching", "", "")
    assert read([row]).rows[0][1:4] == row[:3]
