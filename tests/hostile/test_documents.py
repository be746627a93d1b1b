"""Hostile documents through `harmonize validate`: findings or a typed refusal, in little time and memory, quoting nothing."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harmonize.checks.documents import FORMATS, validate
from harmonize.errors import HarmonizeError
from tests.hostile.inputs import JSON, JSON_LD, RDF, SECRET, XML, put
from tests.hostile.measure import assert_contained, measured
from tests.hostile.profiles import watching
from tests.hostile.run_cli import harmonize
from tests.registry import convert, make_registry

TEXTS: dict[str, Callable[[], bytes]] = {
    **JSON,
    **{f"XML: {name}": (lambda data=data: data) for name, data in {**XML, **RDF, **JSON_LD}.items()},
}
BOMBS = ("million", "many", " MB", "000 deep", "megabyte", "open lists")
SMALL = [name for name in TEXTS if not any(word in name for word in BOMBS)]
LARGE = [name for name in TEXTS if name not in SMALL]
HARMLESS = ("duplicate keys", "1e-400", "integer of 5,000 digits", "prototype", "NUL in a text", "many blank lines")
"""Those that may pass: JSON, though odd."""


def judge(code: int, spoken: str) -> None:
    assert code in (0, 1, 2, 3), (code, spoken)
    assert "Traceback" not in spoken and "internal error" not in spoken, spoken[:2_000]
    assert SECRET not in spoken and "root:" not in spoken
    assert len(spoken) < 20_000


@pytest.fixture(scope="module", autouse=True)
def warm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Load the schemas once: documents are measured, not the start."""
    path = put(tmp_path_factory.mktemp("warm"), "x.json", b'{"resourceType": "Bundle", "type": "collection"}')
    patient = put(path.parent, "y.json", b'{"resourceType": "Patient"}')
    for name in FORMATS:
        harmonize("validate", path, "--as", name)
        harmonize("validate", patient, "--as", name)


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("name", SMALL)
def test_documents(name: str, format_name: str, tmp_path: Path) -> None:
    path = put(tmp_path, "x.ndjson", TEXTS[name]())
    with watching() as watch:
        done = harmonize("validate", path, "--as", format_name)
    judge(done.code, done.out + done.err)
    assert not watch.forbidden and Path("/etc/passwd") not in watch.opened
    if format_name != "fhir-r4":
        assert done.code == 1, "nothing of these is a hub record or a phenopacket"


@pytest.mark.parametrize("name", sorted({*XML, *RDF}))
def test_xml_and_rdf_are_never_parsed(name: str, tmp_path: Path) -> None:
    """This version reads neither: whatever the file is called, it is no JSON."""
    data = {**XML, **RDF}[name]
    for suffix in ("xml", "json", "ndjson", "ttl"):
        path = put(tmp_path, f"x.{suffix}", data)
        result = validate(path, "fhir-r4")
        assert set(result.counts) == {"target.fhir-r4-type"}
        assert {finding.message for finding in result.findings} == {"it is no JSON"}


@pytest.mark.parametrize("suffix", ["json", "ndjson"])
@pytest.mark.parametrize("name", LARGE)
def test_bombs(name: str, suffix: str, tmp_path: Path) -> None:
    path = put(tmp_path, f"x.{suffix}", TEXTS[name]())
    result = measured(harmonize, "validate", path, "--as", "fhir-r4")
    code, out, err = result.answer
    judge(code, out + err)
    assert code == 1 or name in HARMLESS
    assert_contained(result)


PACKED: dict[str, Callable[[], bytes]] = {
    "300 MB in one line": lambda: gzip.compress(b"x" * 300_000_000, 1),
    "300 MB of zeros": lambda: gzip.compress(bytes(300_000_000), 1),
    "a gz in a gz": lambda: gzip.compress(gzip.compress(bytes(300_000_000), 1), 1),
    "cut off": lambda: gzip.compress(b'{"resourceType": "Patient"}\n' * 10_000)[:-20],
    "wrong checksum": lambda: gzip.compress(b'{"resourceType": "Patient"}\n')[:-8] + bytes(8),
    "rubbish inside": lambda: gzip.compress(b'{"resourceType": "Patient"}\n' * 10_000)[:40] + b"\xff" * 400,
    "rubbish behind": lambda: gzip.compress(b'{"resourceType": "Patient"}\n') + b"rubbish",
    "no gz": lambda: b'{"resourceType": "Patient"}\n',
    "empty": lambda: b"",
}


@pytest.mark.parametrize("name", PACKED)
def test_packed_documents(name: str, tmp_path: Path) -> None:
    path = put(tmp_path, "x.ndjson.gz", PACKED[name]())
    result = measured(harmonize, "validate", path, "--as", "fhir-r4")
    code, out, err = result.answer
    judge(code, out + err)
    assert code in (1, 3) or name == "empty"
    assert_contained(result)


@pytest.mark.parametrize("suffix", ["json", "ndjson"])
def test_a_sparse_line_of_300_megabytes(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x.{suffix}"
    with path.open("wb") as file:
        file.truncate(300_000_000)
    result = measured(harmonize, "validate", path, "--as", "hub")
    assert result.answer[0] == 1 and "longer than" in result.answer[1]
    assert_contained(result)


def documents(folder: Path) -> list[tuple[str, bytes]]:
    """Small documents of every format, as we write them ourselves."""
    run = convert(make_registry(folder / "in", subjects=2).folder, folder / "out", consent="record")
    found = []
    for name, file in (
        ("hub", "hub/subjects"),
        ("fhir-r4", "fhir-r4/Patient"),
        ("phenopackets", "phenopackets/phenopackets"),
    ):
        line = min((run.folder / f"{file}.ndjson").read_bytes().splitlines(), key=len)
        found.append((name, line))
    found.append(("fhir-r4", min((run.folder / "fhir-r4/Observation.ndjson").read_bytes().splitlines(), key=len)))
    return found


def test_every_cut_of_a_document_is_contained(tmp_path: Path) -> None:
    """Documents truncated at every byte: one line for each cut, each of which is no JSON."""
    for number, (name, line) in enumerate(documents(tmp_path)):
        cuts = [line[:cut] for cut in range(1, len(line))]
        path = put(tmp_path, f"{number}.ndjson", b"\n".join(cuts))
        result = validate(path, name)
        assert result.records == len(cuts) and sum(result.counts.values()) == len(cuts)
        assert all(finding.message == "it is no JSON" for finding in result.findings)


def test_every_byte_turned_is_contained(tmp_path: Path) -> None:
    """Documents with one byte changed, at every place, to what breaks most: never an error of ours, never a traceback."""
    for number, (name, line) in enumerate(documents(tmp_path)):
        wrong = [
            line[:at] + byte + line[at + 1 :] for at in range(0, len(line), 3) for byte in (b"]", b'"', b"\xff", b"0")
        ]
        path = put(tmp_path, f"{number}.ndjson", b"\n".join(wrong))
        assert validate(path, name).records == len(wrong)


def test_every_member_replaced_is_contained(tmp_path: Path) -> None:
    """Every value of a document replaced by one of another type: findings, not exceptions."""
    for number, (name, line) in enumerate(documents(tmp_path)):
        path = put(tmp_path, f"{number}.ndjson", b"\n".join(_replaced(json.loads(line))))
        result = validate(path, name)
        assert result.records > 20 and result.counts


def _replaced(document: object) -> list[bytes]:
    """The document with each of its values replaced by null, a number, a text, a list and an object."""
    made = []
    for value in (None, 7, "x", [], {}, [[]], {"coding": [None]}):
        for holder, key in list(_places(document)):
            kept, holder[key] = holder[key], value
            made.append(json.dumps(document).encode())
            holder[key] = kept
    return made


def _places(value: object) -> list[tuple[dict[object, object] | list[object], object]]:
    places: list[tuple[dict[object, object] | list[object], object]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        places += [(value, key), *_places(item)]  # type: ignore[list-item]
    return places


@pytest.mark.parametrize("format_name", FORMATS)
def test_values_in_the_wrong_places_are_not_quoted(format_name: str, tmp_path: Path) -> None:
    """A value where a code, an id, a reference, a date and the name of an element stand."""
    for number, (name, line) in enumerate(documents(tmp_path)):
        if name != format_name:
            continue
        for holder, key in _places(json.loads(line)):
            if isinstance(holder, dict) and isinstance(holder[key], str) and key != "resourceType":
                holder[key] = SECRET
        text = json.loads(line)
        for holder, key in _places(text):
            if (
                isinstance(holder, dict)
                and isinstance(holder[key], str)
                and key not in ("resourceType", "code", "system")
            ):
                holder[key] = f"{SECRET} {holder[key]}"
        path = put(tmp_path, f"{number}.ndjson", json.dumps(text).encode())
        done = harmonize("validate", path, "--as", name, "--json")
        assert done.code == 1 and SECRET not in done.out + done.err


@pytest.mark.parametrize("what", ["pipe", "folder", "device", "socket name", "unreadable folder"])
def test_places_that_are_no_files(what: str, tmp_path: Path) -> None:
    import os

    place = tmp_path / "x.ndjson"
    if what == "pipe":
        os.mkfifo(place)
    elif what == "device":
        place = Path("/dev/null")
    elif what != "socket name":
        place.mkdir()
    done = harmonize("validate", place, "--as", "hub")
    judge(done.code, done.out + done.err)
    assert done.code == 2 and "To mend it" in done.err


def test_formats_that_are_not_read_are_refused() -> None:
    with pytest.raises(HarmonizeError):
        validate(Path(__file__), "rdf")


def test_the_corpus_is_large() -> None:
    assert len(TEXTS) >= 70 and len(PACKED) >= 8
