"""The compiled extensions do what the Python beside them does: the same rows, the same objects and words, the same bytes."""

from __future__ import annotations

import gc
import hashlib
import pickle
import shutil
import sys
import tracemalloc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from harmonize.checks import dates, tumours
from harmonize.checks.measurements import check_measurements
from harmonize.checks.violations import Circumstances
from harmonize.convert import Engine, RunOptions, Settings, convert_files
from harmonize.convert.batches import TableColumns
from harmonize.extensions import EXTENSIONS, SWITCH, extension
from harmonize.findings import shown_row
from harmonize.hub.identities import Identities
from harmonize.hub.objects import DerivedObject, HubObject, hub_object
from harmonize.input.csv_records import Dialect, Unquoted, csv_blocks
from harmonize.input.delimited_tables import RowCutter, _Table
from harmonize.input.element_rows import ElementRows, element_layout
from harmonize.input.log import ReadLog
from harmonize.input.opening import Opening
from harmonize.input.subjects import runs_of
from harmonize.input.xml_rows import Paths, Walker
from harmonize.input.xml_subjects import read_root, subject_elements
from harmonize.profiles import stated_shapes
from harmonize.profiles.assembly import Assembler, RawSubject
from harmonize.profiles.loading import load_profile
from harmonize.profiles.notes import Noted, SubjectLog
from harmonize.profiles.plan import Lineage
from harmonize.profiles.row_programs import Kind, RowProgram, Step
from harmonize.profiles.source_record import RawRow, shared_object
from harmonize.profiles.tree_assembly import TreeAssembler
from harmonize.profiles.tree_elements import Said
from harmonize.readers import open_source
from harmonize.synthesis.tables import write_tables
from harmonize.terminology.notation import load_systems
from harmonize.terminology.store import Terminologies
from harmonize.writers import TargetLog, WriterContext, load_writer
from tests.bench.synthetic_cdm import write_cdm
from tests.corrupted_documents import corrupted_document
from tests.obds import NAMESPACE as OBDS
from tests.obds import case_documents
from tests.properties.effort import examples
from tests.registry import ALL_TARGETS, KEY, RECORDED

PROFILES = ("eu/ern-cde", "intl/omop-5.4", "intl/redcap-rdcdm", "intl/hmd-template", "de/obds")


@contextmanager
def pure() -> Iterator[None]:
    """In Python alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SWITCH, "1")
        extension.cache_clear()
        yield
    extension.cache_clear()


def test_all_are_built_where_a_compiler_is() -> None:
    if not (shutil.which("cc") or shutil.which("gcc")):
        pytest.skip("no C compiler on this machine, so harmonize was installed without its extensions")
    assert [name for name in EXTENSIONS if extension(name) is None] == []
    with pure():
        assert [name for name in EXTENSIONS if extension(name) is not None] == []


@pytest.fixture
def shapes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every shape has its steps, and a function of its own, from the second object on: small input meets none often."""
    monkeypatch.setattr(stated_shapes, "SOME", 2)
    monkeypatch.setattr(stated_shapes, "OFTEN", 2)


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.usefixtures("shapes_at_once")
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("profile", PROFILES)
def test_records_with_every_kind_of_flaw_become_the_same_bytes(tmp_path: Path, profile: str, jobs: int) -> None:
    write_tables(load_profile(profile), 120, 7, tmp_path / "in")
    told = Settings(profile, ALL_TARGETS, KEY, "x", recorded=RECORDED, consent="record")

    def run(out: str) -> dict[str, str]:
        convert_files(told, RunOptions((tmp_path / "in",), tmp_path / out, jobs, max_errors="100%"))
        return _digests(tmp_path / out)

    with pure():
        in_python = run("python")
    assert run("compiled") == in_python and len(in_python) > 5


# --- rows out of text -----------------------------------------------------------------------------------------------

CELLS = st.text(alphabet='ab0 é€"\r\0\ud83d\ude00', max_size=6) | st.sampled_from(["", "NA", "2001-05-06", "x" * 40])
LINES = st.lists(st.lists(CELLS, min_size=1, max_size=4).map(",".join) | st.just("a,b,c"), max_size=8)


@pytest.mark.usefixtures("shapes_at_once")
@pytest.mark.parametrize("seed", range(4))
def test_messages_in_any_disorder_become_the_same_bytes(tmp_path: Path, seed: int) -> None:
    """Repeated, corrected, contradictory, without what they belong to: what is merged, set aside and said is the same."""
    (tmp_path / "in").mkdir()
    write_tables(load_profile("de/obds"), 60, 8, tmp_path / "demo")
    written = [path.read_bytes() for path in (tmp_path / "demo").glob("*.xml")]
    modules = [text.encode() for text in case_documents("modules").values()]
    for index, document in enumerate((*written, *modules)):
        flawed = corrupted_document(document, 100 * seed + index, identifiers=7)
        (tmp_path / "in" / f"{index}.xml").write_bytes(flawed)
    told = Settings("de/obds", ALL_TARGETS, KEY, "x", recorded=RECORDED, consent="record")

    def run(out: str) -> dict[str, str]:
        convert_files(told, RunOptions((tmp_path / "in",), tmp_path / out, max_errors="100%"))
        return _digests(tmp_path / out)

    with pure():
        in_python = run("python")
    assert run("compiled") == in_python
    said = (tmp_path / "compiled/private/findings.ndjson").read_bytes()
    assert b"source.superseded" in said and b"source.group-conflict" in said


@examples(300)
@given(LINES, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.sampled_from(["utf-8", "cp1252"]))
def test_text_becomes_the_same_records(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str, is_ended: bool, encoding: str
) -> None:
    path = tmp_path_factory.mktemp("text") / "t.csv"
    text = end.join(lines) + (end if is_ended else "")
    path.write_bytes(text.encode(encoding, "surrogatepass" if encoding == "utf-8" else "replace"))

    def read() -> list[Any]:
        return [(block.first, block.clean, len(block), block.records) for block in csv_blocks(path, dialect, None)]

    dialect = Dialect(encoding)
    with pure():
        in_python = read()
    assert read() == in_python


@examples(300)
@given(st.data(), st.integers(1, 5), st.integers(0, 2), st.integers(1, 9))
def test_the_same_cells_are_cut_and_counted(data: st.DataObject, width: int, skipped: int, first: int) -> None:
    cell = st.sampled_from(["", "NA", "0", "é", "€", "2001-05-06", "y" * 33]) | st.text("abc", max_size=3)
    rows = data.draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=9))
    lines = [";".join(row) for row in rows]
    lines = [line for line in lines if line] or ["a" + ";" * (width - 1)]
    kept = tuple(data.draw(st.lists(st.integers(0, width - 1), min_size=1, max_size=width, unique=True)))
    header = tuple(f"c{place}" for place in range(width))
    assembly = load_profile("intl/omop-5.4").assembly
    blanks = tuple(frozenset(assembly.blank_texts(name) - {""}) or None for name in header)
    table = _Table("t", Path("t.csv"), header, kept, Dialect(delimiter=";"), assembly, blanks)
    text = data.draw(st.sampled_from(["\n", "\n\n"])).join(lines) + "\n"
    unquoted = Unquoted(text, ";", width, len(lines))
    with pure():
        in_python = RowCutter().cut(table, unquoted, first, min(skipped, len(lines)))
    compiled = RowCutter().cut(table, unquoted, first, min(skipped, len(lines)))
    assert list(compiled.rows) == in_python.rows and list(compiled.filled) == list(in_python.filled)
    assert all(type(row) is RawRow and type(row.cells) is tuple for row in compiled.rows)
    with pure():
        in_python_runs = [(cell, list(rows)) for cell, rows in runs_of(in_python.rows, 0)]
    assert list(runs_of(list(compiled.rows), 0)) == in_python_runs


@examples(300)
@given(st.data(), st.integers(1, 5))
def test_the_same_rows_are_made_of_lines(data: st.DataObject, width: int) -> None:
    """In another process rows come as their lines, or as all of their cells; some lines may have too many or too few."""
    cell = st.sampled_from(["", "NA", "é", "€", "2001-05-06", "y" * 33])
    rows = data.draw(st.lists(st.lists(cell, min_size=width, max_size=width + 1), max_size=5))
    given_ = [(n, row if data.draw(st.booleans()) else ";".join(row)) for n, row in enumerate(rows, start=2)]
    kept = tuple(data.draw(st.lists(st.integers(0, width - 1), max_size=width, unique=True)))
    columns = TableColumns({"t": tuple("abcde"[:width])}, {"t": kept}, ";")
    with pure():
        in_python = columns.rows("t", given_)
    made = columns.rows("t", given_)
    assert made == in_python and all(type(row) is RawRow for row in made)
    assert pickle.loads(pickle.dumps(columns)).rows("t", given_) == made
    if given_ and isinstance(given_[0][1], str):
        too_wide = TableColumns({"t": ("a",)}, {"t": (width + 1,)}, ";")
        for _ in (1, 2):
            with pytest.raises(IndexError):
                too_wide.rows("t", given_[:1])


_WORDS = st.text(st.sampled_from(' \n\tab"\\\u00a0\u2003\x85é]>&<'), max_size=4)
_NAMES = ("Menge_Meldung", "Meldung", "OP", "Diagnose", "Datum", "Code", "other:Code")
_PIECES = st.one_of(
    _WORDS.map(escape),
    st.sampled_from(("<![CDATA[ a<b ]]>", "<![CDATA[]]>", "<!-- a -->", "<?a b?>", "&#160;", "&#x61;", "&amp;")),
)


def _element(name: str, attributes: dict[str, str], inner: list[str]) -> str:
    stated = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{stated}>{''.join(inner)}</{name}>"


_ATTRIBUTES = st.dictionaries(st.sampled_from(("id", "other:id", "xsi:type", "OP_ID")), _WORDS, max_size=2)
_ELEMENTS = st.recursive(
    st.builds(_element, st.sampled_from(_NAMES), _ATTRIBUTES, st.lists(_PIECES, max_size=3)),
    lambda inner: st.builds(
        _element, st.sampled_from(_NAMES), _ATTRIBUTES, st.lists(st.one_of(inner, _PIECES), max_size=6)
    ),
    max_leaves=12,
)


@given(
    st.lists(st.lists(st.one_of(_ELEMENTS, _PIECES), max_size=5), min_size=1, max_size=3),
    st.dictionaries(
        st.sampled_from(("Meldedatum", "@Patient_ID", "x")), st.sampled_from(("1", 'a "b', "é")), max_size=2
    ),
)
@examples(150)
def test_the_same_rows_are_taken_out_of_elements(subjects: list[list[str]], beside: dict[str, str]) -> None:
    """Texts in pieces, between elements, in other namespaces; attributes; names that repeat and that nobody knows."""
    profile = load_profile("de/obds")
    assert profile.assembly.xml is not None
    dialect = next(d for d in profile.assembly.xml.dialects.values() if d.namespace == OBDS)
    body = "\n".join(_element("Patient", {"Patient_ID": "1"}, inner) for inner in subjects)
    told = f'xmlns="{OBDS}" xmlns:other="urn:other" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    root = etree.fromstring(f"<oBDS {told}>\n{body}</oBDS>", etree.XMLParser(remove_comments=True, remove_pis=True))

    def rows() -> Any:
        log, paths = ReadLog(), Paths(profile)
        walker = Walker(paths, dialect, "a.xml", 3, log)
        documents = [walker.subject(element, beside) for element in root]
        walker.close()
        assert not any(byte in document.rows for document in documents for byte in b"\n\t")
        made = [(key, number, orjson.loads(rows)) for key, number, rows in documents]
        layout = element_layout(dict(zip(paths.tables, map(tuple, paths.columns), strict=True)))
        read = [ElementRows([rows], layout).read() for _, _, rows in documents]
        return made, read, paths.tables, paths.columns, paths.rows, log.rejected_cells

    with pure():
        in_python = rows()
    assert rows() == in_python


_DOCUMENT = b'[[0,7,[0,1],["a","\xc3\xa9"]],[1,2305843009213693959,[],[]],[0,8,[1],["b"]]]'


@given(
    st.integers(0, len(_DOCUMENT)),
    st.integers(0, 3),
    st.sampled_from([b"", b"[", b"]", b",", b'"', b"9", b"\\", b"\0", b"-1"]),
)
def test_damaged_rows_are_refused_or_read_alike(place: int, lost: int, put: bytes) -> None:
    """What is set aside is ours, but a disk may damage it: the extension reads no more than is there, and nothing else where Python reads it."""
    damaged = _DOCUMENT[:place] + put + _DOCUMENT[place + lost :]
    layout = element_layout({"M": ("id", "date"), "N": ()})
    with pure():
        in_python = ElementRows([damaged], layout)
        try:
            expected = in_python.read()
        except (ValueError, IndexError, TypeError):
            expected = None
    try:
        read = ElementRows([damaged], layout).read()
    except (ValueError, IndexError, TypeError):
        read = None
    assert expected is None or read is None or read == expected


def test_rows_behind_many_lines_are_the_same() -> None:
    """libxml2 holds lines past 65,534 elsewhere."""
    profile = load_profile("de/obds")
    assert profile.assembly.xml is not None
    dialect = next(iter(profile.assembly.xml.dialects.values()))
    far = "\n" * 70_000
    text = f"<oBDS><Patient>{far}<Menge_Meldung>\n<Meldung>\n\n<OP>a</OP></Meldung></Menge_Meldung></Patient></oBDS>"
    (element,) = etree.fromstring(text)

    def rows() -> Any:
        return orjson.loads(Walker(Paths(profile), dialect, "a.xml", 0, ReadLog()).subject(element, {}).rows)

    with pure():
        in_python = rows()
    assert rows() == in_python
    assert shown_row(in_python[-1][1]) == element[0][0][0].sourceline


def test_lines_are_those_of_lxml_however_long_a_document_is(tmp_path: Path) -> None:
    """Past line 65,534 libxml2 finds them in the texts between elements, which must be there."""
    message = "<Menge_Meldung>\n<Meldung>\n<OP>\n<Datum>\n2020-01-01</Datum>\n</OP>\n</Meldung>\n</Menge_Meldung>"
    patients = "\n".join(f'<Patient Patient_ID="{number}">\n{message}\n</Patient>' for number in range(8_000))
    path = tmp_path / "long.xml"
    path.write_text(f'<oBDS xmlns="{OBDS}">\n<Menge_Patient>\n{patients}\n</Menge_Patient>\n</oBDS>')
    lines = [element.sourceline for element in etree.parse(str(path)).getroot().iterdescendants(f"{{{OBDS}}}Patient")]
    read = subject_elements(path, read_root(path), "Menge_Patient/Patient", ReadLog())
    assert [element.sourceline for element, _ in read if element is not None] == lines and lines[-1] > 70_000


_GATHERED = "Menge_Meldung/Meldung/OP/Komplikationen/Menge_Komplikation/Komplikation/Kuerzel"


def _with_complications(values: list[str]) -> Any:
    """The element of a patient with an operation that has *values* where values that repeat are gathered."""
    inner = "".join(f"<Komplikation><Kuerzel>{escape(value)}</Kuerzel></Komplikation>" for value in values)
    for step in reversed(_GATHERED.split("/")[:-2]):
        inner = f"<{step}>{inner}</{step}>"
    return etree.fromstring(f'<Patient xmlns="{OBDS}">{inner}</Patient>')


def _rows_of_subjects(subjects: list[Any]) -> Any:
    profile = load_profile("de/obds")
    assert profile.assembly.xml is not None
    dialect = next(d for d in profile.assembly.xml.dialects.values() if d.namespace == OBDS)
    walker = Walker(Paths(profile), dialect, "a.xml", 0, ReadLog())
    return [orjson.loads(walker.subject(element, {}).rows) for element in subjects]


@given(st.lists(st.lists(st.sampled_from(("a", "b |  | a", " | c", "|", "é", "a |"))), max_size=3))
def test_values_that_are_gathered_are_the_same(subjects: list[list[str]]) -> None:
    elements = [_with_complications(values) for values in subjects]
    with pure():
        in_python = _rows_of_subjects(elements)
    assert _rows_of_subjects(elements) == in_python


def test_of_values_that_are_gathered_one_text_is_held() -> None:
    element = _with_complications([f"complication {number}" for number in range(1_500)])
    tracemalloc.start()
    (rows,) = _rows_of_subjects([element])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000 and len(rows[-1][3][0]) > 20_000


def test_a_walker_that_is_closed_is_freed_without_the_collector() -> None:
    """It holds memory that the collector knows nothing of, and in a run the collector hardly ever looks."""
    profile = load_profile("de/obds")
    assert profile.assembly.xml is not None
    walker = Walker(Paths(profile), next(iter(profile.assembly.xml.dialects.values())), "a.xml", 0, ReadLog())
    walker.subject(_with_complications(["a"]), {})
    walker.close()
    seen = weakref.ref(walker)
    gc.disable()
    try:
        del walker
        assert seen() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("in_python", [False, True])
def test_rows_that_cannot_be_read_are_none_at_all(in_python: bool) -> None:
    """A subject on which reading fails is asked again, alone: it must fail again."""
    rows = ElementRows([b'[[0,7,[0],["x"]]]', b"[[0,8"], element_layout({"M": ("id",)}))
    with pure() if in_python else nullcontext():
        for _ in range(2):
            with pytest.raises(ValueError, match=r"unexpected end|no rows of elements"):
                rows.read()


def test_wrong_calls_are_refused() -> None:
    """The compiled functions guard their memory themselves: a shape that is not that of the text, a column that is not there."""
    cutting = extension("harmonize.input.row_cutting")
    if cutting is None:
        pytest.skip("harmonize was installed without its extensions")
    texts = cutting.CellTexts()
    for text, width, kept in (("a,b\n", 1, (0,)), ("a\n", 2, (0,)), ("a,b\n", 2, (2,)), ("a,b\n", 2, (-1,))):
        with pytest.raises((ValueError, IndexError)):
            cutting.cut(text, ",", width, kept, (None,) * width, 1, 0, texts, RawRow)
    with pytest.raises(IndexError):
        cutting.cut("a,b\n", ",", 2, (0,), (), 1, 0, texts, RawRow)
    with pytest.raises(IndexError):
        cutting.runs([RawRow(1, ("a",), None)], 1)
    assert cutting.cut("a,€\n", ",", 2, (0,), (None, None), 1, 0, texts, RawRow) is None
    assert cutting.cut("a\n", "\u252c", 1, (0,), (None,), 1, 0, texts, RawRow) is None
    assert cutting.shape("a,€\n", ",", 100) is None and cutting.shape("a,b\nc\n", ",", 100) is None
    machine = extension("harmonize.profiles.tree_machine")
    assert machine is not None
    trees = machine.TreeMachine(TreeAssembler(load_profile("de/obds"), {".": ("@Patient_ID",)}, ("a.xml",)))
    for rows in ({".": [()]}, {".": [(1, 2)]}, {".": [7]}):
        with pytest.raises(TypeError):
            trees.elements(rows, None)
    trees.replace([machine.Element()], None)
    with pytest.raises(TypeError):
        trees.place({}, [], None)
    with pytest.raises(TypeError):
        trees.place(shared_object({}, None), [None], Said())
    with pytest.raises(TypeError):
        trees.replace([None], Said())
    walking = extension("harmonize.input.element_walking")
    assert walking is not None
    with pytest.raises(ValueError, match="no walk"):
        walking.ElementWalk.__new__(walking.ElementWalk).subject(etree.fromstring("<a/>"), {})
    with pytest.raises(IndexError):
        walking.add_rows(b'[[0,7,[2],["x"]]]', ["a"], [2], {}, RawRow)
    texts_of_objects = extension("harmonize.hub.identity_texts")
    assert texts_of_objects is not None
    with pytest.raises(TypeError):
        texts_of_objects.IdentityTexts.__new__(texts_of_objects.IdentityTexts).of({"codings": []})
    for text in ('[[0,7,[2],["\\n"]]]', '[[1,7,[0],["x"]]]', '[[1,7,[0],["\\n"]]]'):
        with pytest.raises((IndexError, ValueError)):
            walking.add_rows(text.encode(), ["a"], [2], {}, RawRow)
    assert cutting.shape("\n\n", ",", 100) == (0, 0) and cutting.shape("a,b\n\nc,d", ",", 100) == (2, 2)


def test_wrong_steps_are_refused() -> None:
    machine = extension("harmonize.profiles.row_machine")
    if machine is None:
        pytest.skip("harmonize was installed without its extensions")
    unmade = machine.ShapeMachine.__new__(machine.ShapeMachine)
    for kind in (dict, list, 5):
        with pytest.raises((ImportError, TypeError)):
            unmade.__init__(RowProgram((), (None, None), Lineage({}, {})), kind, Noted, None, 0)
        with pytest.raises(TypeError):
            unmade({}, SubjectLog())
    for step in (Step(Kind.CALL, x=print, y=[0, 1]), Step(Kind.REQUIRED, x=["a", "b"]), Step(Kind.PUT, registers=[1])):  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            machine.RowMachine(RowProgram((step,), (None, None), Lineage({}, {})), DerivedObject, Noted, None)
    looks = extension("harmonize.checks.first_looks")
    assert looks is not None
    for record in ([], {"diagnoses": [None]}, {"diagnoses": [[]]}):
        with pytest.raises(TypeError):
            looks.dates_look_in_order(record, (("diagnoses", ("onset_date",), ()),), "", "9999")
    with pytest.raises(TypeError):
        looks.tumours_look_ordinary([{"disease": {"codings": [{"code": "x"}]}}], "F", "", [], {})


# --- objects out of rows --------------------------------------------------------------------------------------------


class Made(NamedTuple):
    """A profile compiled both ways, and its tables whose rows are read by index."""

    engines: tuple[Engine, Engine]
    held: dict[str, tuple[str, ...]]
    files: dict[str, str]
    good: dict[str, list[tuple[str, ...]]]
    """The cells of rows that are as they should be, by table."""


def _toy(folder: Path) -> str:
    """A profile with the kinds of slots that the shipped ones have in no row by itself."""
    tables = {
        "Feature": {"class": "FeatureRow", "slot": "features"},
        "Result": {"class": "ResultRow", "slot": "results"},
    }
    card = {
        "id": "xx/toy", "title": "Toy", "version": "1.0.0", "licence": "Apache-2.0", "owner": "tests", "specification": {"name": "none", "version": "1"},
        "assemble": {"reader": "delimited", "subject": "pid", "missing": {"unknown": "UNK"}, "tables": tables},
    }  # fmt: skip
    rows = {"FeatureRow": ("code", "seen", "day"), "ResultRow": ("assay", "number", "low")}
    lists = {"features": "FeatureRow", "results": "ResultRow"}
    many = {"multivalued": True, "inlined": True, "inlined_as_list": True}
    classes: dict[str, Any] = {name: {"attributes": {s: {} for s in slots}} for name, slots in rows.items()}
    slots = {"pid": {}, **{slot: {"range": name, **many} for slot, name in lists.items()}}
    classes["Record"] = {"tree_root": True, "attributes": slots}
    derivations = [
        {"name": "Subject", "populated_from": "Record", "slot_derivations": {
            "subject_id": {"expr": "pseudonym(pid, 'subject')"},
            "phenotypic_features": {"populated_from": "features"}, "measurements": {"populated_from": "results"}}},
        {"name": "PhenotypicFeature", "populated_from": "FeatureRow", "slot_derivations": {
            "type": {"expr": "code(code, 'HP')"}, "onset_date": {"expr": "date(day)"},
            "excluded": {"populated_from": "seen", "value_mappings": {"yes": "false", "no": "true"}}}},
        {"name": "Measurement", "populated_from": "ResultRow", "slot_derivations": {
            "assay": {"expr": "code(assay, 'LOINC')"}, "kind": {"value": "laboratory"}, "reference_low": {"populated_from": "low"},
            "value": {"class_derivations": [{"name": "Quantity", "populated_from": "ResultRow", "slot_derivations": {"value": {"expr": "decimal(number)"}}}]}}},
    ]  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    source = {"id": "https://x/s", "name": "s", "classes": classes}
    mapping = {"id": "https://x/m", "class_derivations": derivations}
    for name, tree in (("profile", card), ("source", source), ("map", mapping)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    return str(folder)


def make(profile: str, scratch: Path) -> Made:
    if profile == "intl/omop-5.4":
        write_cdm(scratch / "in", 3)
    elif profile == "toy":
        profile = _toy(scratch / "toy")
        (scratch / "in").mkdir()
        (scratch / "in" / "Feature.csv").write_text("pid,code,seen,day\n1,HP:0001250,yes,2001-05-06\n")
        (scratch / "in" / "Result.csv").write_text("pid,assay,number,low\n1,718-7,4,2\n")
    else:
        write_tables(load_profile(profile), 3, 1, scratch / "in")
    source = open_source(Opening(load_profile(profile), (scratch / "in",), scratch / "work"))
    told = Settings(profile, ("hub",), KEY, "x")

    def engine() -> Engine:
        return Engine(told, source.references, source.held, source.files)

    with pure():
        in_python = engine()
    good: dict[str, list[tuple[str, ...]]] = {}
    for subject in source.subjects():
        for table, rows in subject.rows.items():
            good.setdefault(table, []).extend(tuple(row.cells) for row in rows)
    return Made((in_python, engine()), source.held, source.files, good)


@pytest.fixture(scope="module", params=["intl/omop-5.4", "eu/ern-cde", "intl/hmd-template", "toy"])
def known(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(request.param, tmp_path_factory.mktemp("known"))


POOL = (
    "", "", "0", " ", "unknown", "8507", "4000001", "4000002", "3000003", "45000007", "1500009", "999999999", "9529", "8840", "9201", "4172703",
    "HP:0001250", "0001250", "ORPHA:558", "718-7", "yes", "no", "2001-05-06", "2001-05", "2001-02-30", "1899-01-01", "06.05.2001",
    "12.5", "-3", "1e400", "x", "NA", "UCUM:kg", "é", "true", "1",
)  # fmt: skip


@examples(150)
@given(data=st.data())
def test_rows_become_the_same_objects_and_words(known: Made, data: st.DataObject) -> None:
    layouts = known.engines[0].layouts
    table = data.draw(st.sampled_from(sorted(layouts.keys() & known.good.keys())))
    some = data.draw(st.lists(st.sampled_from(known.good[table]), min_size=1, max_size=3))
    cells = [list(row) for row in some]
    for row in cells:
        changes = st.lists(st.tuples(st.integers(0, len(row) - 1), st.sampled_from(POOL)), max_size=3)
        for place, text in data.draw(changes):
            row[place] = text
    raw = RawSubject("7", {table: [RawRow(number, tuple(row)) for number, row in enumerate(cells, start=2)]})
    answers = []
    for engine in known.engines:
        log = SubjectLog()
        record = Assembler(engine.profile, known.held, known.files, engine.layouts).assemble(raw).record
        derived = engine.derive(record, log)
        cells_said = {
            cell: {(f.derivation, f.slot): said for f, said in feeds.items()}
            for cell, feeds in log.exceptional_cells().items()
        }
        of_objects = [
            (item.source, item.derivation.name, list(item))
            for value in derived.values()
            if isinstance(value, list)
            for item in value
        ]
        answers.append((orjson.dumps(derived), of_objects, log.notes, cells_said, log.left_out))
    assert answers[0] == answers[1]


def test_the_machine_runs_the_common_rows_itself(tmp_path: Path) -> None:
    """Rows of which nothing is to be said do not come to the generated function: it would be as slow as before."""
    if extension("harmonize.profiles.row_machine") is None:
        pytest.skip("harmonize was installed without its extensions")
    known = make("intl/omop-5.4", tmp_path)
    functions = known.engines[1].plan.derive.__globals__["row_functions"]
    assert {type(function).__name__ for function in functions.values()} == {"RowMachine"}


# --- what objects say --------------------------------------------------------------------------------------------------

_SAID = st.recursive(
    st.one_of(st.text(max_size=4), st.booleans(), st.integers(-5, 5), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(("value", "text", "it's", "precision")), inner, max_size=3),
        st.lists(
            st.fixed_dictionaries({"code": st.sampled_from(("HP:1", "HP:2"))}, optional={"origin": st.just("mapped")}),
            min_size=1,
            max_size=2,
        ).map(lambda codings: {"codings": codings}),
    ),
    max_leaves=8,
)


@examples(100)
@given(st.lists(st.dictionaries(st.sampled_from(("disease", "text", "é", "sites")), _SAID, max_size=4), max_size=4))
def test_objects_say_the_same(objects: list[dict[str, Any]]) -> None:
    """Twice, for what is shared is kept; as objects of the hub and as plain values."""
    with pure():
        in_python = Identities()
    compiled = Identities()
    for value in [hub_object(one) for one in (*objects, *objects)] + objects:
        assert compiled.of(value) == in_python.of(value)


def test_objects_say_the_same_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts are kept up to a limit; what they are of is let go with them."""
    monkeypatch.setattr(Identities, "LIMIT", 1_500)
    values = [{"codings": [{"code": f"A:{number}"}]} for number in range(4_000)]
    held = [sys.getrefcount(value) for value in values]
    with pure():
        in_python = Identities()
    compiled = Identities()
    for value in [*values, *reversed(values), *values[-10:]]:
        assert compiled.of(value) == in_python.of(value)
    del compiled, in_python, value
    gc.collect()
    assert [sys.getrefcount(value) for value in values] == held


class _Word(str):
    """A text of another type, as of numpy."""

    def __str__(self) -> str:
        return "other"


@given(st.text(alphabet="aé€\ud83d\U0001f600\0|", max_size=200), st.text(max_size=3))
def test_the_same_hashes_are_made(text: str, kind: str) -> None:
    with pure():
        in_python = KEY.of_class("site", kind)
    assert KEY.of_class("site", kind)(text) == in_python(text) == KEY.of_class("site", kind)(_Word(text))


# --- FHIR -------------------------------------------------------------------------------------------------------------

_LOINC: dict[str, Any] = {"system": "LOINC", "code": "LOINC:0", "origin": "stated"}
_CODES: tuple[dict[str, Any], ...] = (
    {"codings": [_LOINC]},
    {"codings": [{**_LOINC, "code": "LOINC:1"}], "text": "é"},
    {"codings": [_LOINC], "qualifiers": []},
    {"codings": [{"system": "OBDS", "code": "OBDS:1", "origin": "stated"}]},
    {"text": "x"},
)
_MEASURED = st.fixed_dictionaries(
    {},
    optional={
        "assay": st.sampled_from(_CODES),
        "coded_value": st.sampled_from(_CODES),
        "date": st.sampled_from(
            [{"value": "2001-05", "precision": "month"}, {"value": "2001", "precision": "year", "estimated": True}]
        ),
        "value": st.sampled_from([{"value": "7.50", "unit": "kg"}, {"value": "1e999"}, {"value": "1", "unit_source": {"text": "é"}}]),
        "status": st.sampled_from(["preliminary", "final"]),
        "kind": st.sampled_from(["exam", "laboratory"]),
        "method": st.sampled_from(_CODES),
        "reference_low": st.just("1"),
    },
)  # fmt: skip
_CLASSIFIED = st.fixed_dictionaries(
    {},
    optional={
        **{slot: st.sampled_from(_CODES) for slot in ("primary_tumor", "lymph_node_status", "metastases", "stage")},
        "pathology_clinical": st.sampled_from([{"text": "Clinical"}, *_CODES]),
        "version": st.sampled_from(["8", '"é"']),
        "date_of_evaluation": st.just({"value": "2001-05", "precision": "month"}),
        "tumor_size": st.sampled_from([{"value": "7.50", "unit": "mm"}, {"value": "1e999"}]),
    },
)  # fmt: skip
_DIAGNOSED = st.fixed_dictionaries(
    {"disease": st.sampled_from(_CODES)},
    optional={
        **{slot: st.sampled_from(_CODES) for slot in ("body_site", "topography", "laterality", "morphology")},
        "certainty": st.sampled_from(["confirmed", "entered_in_error"]),
        "tnm_classifications": st.lists(_CLASSIFIED, max_size=3),
    },
)  # fmt: skip
_OBSERVED = st.fixed_dictionaries(
    {},
    optional={
        "measurements": st.lists(_MEASURED, max_size=4),
        "diagnoses": st.lists(_DIAGNOSED, max_size=2),
    },
)


@examples(300)
@given(st.lists(_OBSERVED, max_size=3), st.sampled_from(["ab", 'a"é']))
def test_observations_become_the_same_resources_and_words(records: list[dict[str, Any]], subject_id: str) -> None:
    """Of several records, for what was rendered is kept; measurements and stages that say the same are twins."""

    def written() -> Any:
        writer = load_writer("fhir-r4", WriterContext("x", RECORDED, "eu/ern-cde", "1", KEY, load_systems(), {}, "0"))
        made = []
        for stated in records:
            log = TargetLog("fhir-r4", trace=[])
            documents = writer.documents(_with_shared_codes({"subject_id": subject_id, **stated}), log)
            made.append((documents, [loss[1:] for loss in log.losses], log.defaulted, log.trace))
        return made

    with pure():
        in_python = written()
    assert written() == in_python


def test_wrong_calls_of_a_sheet_are_refused() -> None:
    """Its compiled methods take what its Python makes, and no other kind of thing."""
    writer = load_writer("fhir-r4", WriterContext("x", RECORDED, "eu/ern-cde", "1", KEY, load_systems(), {}, "0"))
    run = writer._run
    sheet = writer._sheet(run, HubObject(subject_id="ab"), TargetLog("fhir-r4"))
    stated = HubObject(assay=_CODES[0])
    for call in (
        lambda: sheet.classified(stated, (("assay", "Observation/x", {None: 7}),), None, "final", "ab"),
        lambda: sheet.classified(stated, (("assay", "Observation/x"),), None, "final", "ab"),
        lambda: sheet.classified(stated, (("assay", 7, {None: "{}"}),), None, "final", "ab"),
        lambda: sheet.classified(stated, (("assay", "Observation/x", {}),), None, "final", "ab"),
        lambda: sheet.classified(stated, (["assay"],), None, "final", "ab"),
        lambda: sheet.classified(stated, None, None, "final", "ab"),
        lambda: sheet.classified(None, (), None, "final", "ab"),
        lambda: sheet.measured(None, {}),
        lambda: sheet.measured(HubObject(assay=_CODES[0], kind="exam"), {"exam": 7}),
        lambda: sheet.add("Patient", "ab", stated, None),
    ):
        sheet.concept(stated, "assay", "")
        with pytest.raises((TypeError, AttributeError, LookupError)):
            call()
    run.concepts.rendered[id(_CODES[0])] = 7
    with pytest.raises((TypeError, AttributeError)):
        sheet.concept(stated, "assay", "")


def _with_shared_codes(value: Any) -> Any:
    """As objects of the hub, in which coded values are those of `_CODES`, as records share them."""
    if isinstance(value, dict) and value not in _CODES:
        return HubObject({name: _with_shared_codes(inside) for name, inside in value.items()})
    if isinstance(value, list):
        return [_with_shared_codes(one) for one in value]
    return value


# --- dates ----------------------------------------------------------------------------------------------------------

DAYS = st.sampled_from(["1899", "1999-12-31", "2000", "2000-01", "2000-01-01", "2000-06-30", "2001", "2030-01-01"])
DATED = st.dictionaries(
    st.sampled_from(["start_date", "end_date", "date", "onset_date", "date_of_diagnosis", "collection_date"]),
    DAYS.map(lambda day: {"value": day, "precision": "day"}),
)
LISTS = st.sampled_from(
    ["diagnoses", "procedures", "treatments", "measurements", "samples", "care_episodes", "variants"]
)


@examples(300)
@given(st.dictionaries(LISTS, st.lists(DATED, max_size=3), max_size=4), DAYS, DAYS)
def test_the_same_dates_look_in_order(lists: dict[str, Any], born: str, last: str) -> None:
    record = hub_object(lists)
    with pure():
        in_python = dates._look_in_order(record, born, last)
    assert dates._look_in_order(record, born, last) is in_python


# --- measurements -----------------------------------------------------------------------------------------------------

RESULTS = st.fixed_dictionaries(
    {},
    optional={
        "assay": st.lists(st.sampled_from(["LOINC:8310-5", "LOINC:0"]), max_size=2).map(
            lambda codes: {"codings": [{"code": code} for code in codes]} if codes else {"text": "x"}
        ),
        "value": st.fixed_dictionaries({"value": st.sampled_from(["37", "400", "x"])}, optional={"unit": st.sampled_from(["Cel", "kg"])}),
        "reference_low": st.sampled_from(["1", "9"]),
        "reference_high": st.sampled_from(["5", "x"]),
    },
)  # fmt: skip


@examples(300)
@given(st.lists(RESULTS, max_size=3))
def test_the_same_measurements_break_rules(items: list[dict[str, Any]]) -> None:
    record, circumstances = hub_object({"measurements": items}), Circumstances(Terminologies.installed())
    with pure():
        in_python = list(check_measurements(record, circumstances))
    assert list(check_measurements(record, circumstances)) == in_python


# --- tumours ----------------------------------------------------------------------------------------------------------


def _coded(*codes: str) -> Any:
    """One of *codes*, with its system as the hub has it; or words."""
    known = [{"codings": [{"system": code.partition(":")[0], "code": code}]} for code in codes]
    return st.sampled_from([*known, {"text": "x"}, {"codings": []}, {"codings": [{"system": "SNOMEDCT", "code": "x"}]}])


TUMOURS = st.fixed_dictionaries(
    {},
    optional={
        "disease": _coded("ICD10GM:C61", "ICD10GM:C56", "ICD10:C53.9", "ICD10GM:C34.1"),
        "topography": _coded("ICDO3:C61.9", "ICDO3:C53.9", "ICDO3:C50.4", "ICDO3:C69.2", "ICDO3:C58.9"),
        "morphology": _coded("ICDO3:8140/3", "ICDO3:9510/3", "ICDO3:9100/3", "ICDO3:8500/2", "ICDO3:8500/6"),
        "date_of_diagnosis": st.sampled_from(["1980", "2003-05", "2004-05-06", "2020-01-31", "٢٠٢٠", "19"]).map(
            lambda day: {"value": day}
        ),
        "age_at_diagnosis": st.sampled_from(["P4Y", "P60Y"]),
        "certainty": st.sampled_from(["confirmed", "refuted"]),
        "excluded": st.booleans(),
    },
)


@examples(600)
@given(
    st.lists(TUMOURS, max_size=3),
    st.sampled_from(["", "F", "M"]),
    st.sampled_from(["", "1960", "1999-12-31", "2000-06", "x"]),
)
def test_the_same_tumours_look_ordinary_and_nothing_is_said_of_them(
    diagnoses: list[dict[str, Any]], sex: str, born: str
) -> None:
    record = hub_object({"diagnoses": diagnoses, **({"birth_date": {"value": born}} if born else {})})
    with pure():
        in_python = tumours._look_ordinary(record["diagnoses"], sex, born)
    assert tumours._look_ordinary(record["diagnoses"], sex, born) is in_python
    if in_python:
        assert list(tumours._judged(record, record["diagnoses"], sex)) == []
