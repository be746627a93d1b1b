"""Hostile files for `terminology add`: a clear error with the file, and the line where there is one; the old store untouched."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
import zstandard

import harmonize.terminology.add as add_module
from harmonize.errors import HarmonizeError, InputError
from harmonize.terminology.add import Order, add_code_system
from harmonize.terminology.formats import FORMATS, SETS
from harmonize.terminology.store import CodeSystemStore

HEAD = "format-version: 1.4\nontology: x\ndata-version: 1\n"
TERM = "\n[Term]\nid: X:1\nname: one\n"
CLAML = '<ClaML version="2.0.0"><Title name="x" version="1"/>{}</ClaML>'
CLASS = (
    '<Class code="{}" kind="category"><SuperClass code="{}"/><Rubric kind="preferred"><Label>a</Label></Rubric></Class>'
)
CODE_SYSTEM = {"resourceType": "CodeSystem", "content": "complete", "version": "1"}
LOL = '<!DOCTYPE ClaML [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'

OWL = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#" xmlns:owl="http://www.w3.org/2002/07/owl#">
<owl:Ontology rdf:about="http://purl.obolibrary.org/obo/x.owl"/>
<owl:Class rdf:about="http://purl.obolibrary.org/obo/X_1"><rdfs:label>one</rdfs:label></owl:Class></rdf:RDF>"""

HOSTILE: dict[str, tuple[str, str | bytes, int | None, str]] = {
    "list in Latin-1": ("x.csv", "code,label\nA,b\nB,\xe9\n".encode("latin-1"), 3, "not utf-8"),
    "list in UTF-16": ("x.csv", "code,label\nA,b\n".encode("utf-16"), 1, "NUL"),
    "list with NUL": ("x.csv", "code,label\nA,\0\n", 2, "NUL"),
    "list with too many cells": ("x.csv", "code,label\nA,b\nB,c,d\n", 3, "3 cells"),
    "list without code": ("x.csv", "code,label\n,b\n", 2, "no code"),
    "list with an id twice": ("x.csv", "code,label\nA,b\nB,c\nA,d\n", 4, "stands twice"),
    "list with a loop": ("x.csv", "code,label,parent\nA,a,B\nB,b,C\nC,c,A\n", None, "loop: X:A, X:B, X:C"),
    "list with an open quote": ("x.csv", 'code,label\nA,"b\n' + "x,y\n" * 100_000, None, "quoted cell"),
    "list with a column twice": ("x.csv", "code,label,code\nA,b,c\n", 1, "twice in the header"),
    "list with a line of ten megabytes": ("x.csv", "code,label\nA," + "b" * 10_000_000 + "\n", 2, "1,000,000 bytes"),
    "list with no rows": ("x.csv", "code,label\n", None, "no codes"),
    "OBO with a line of ten megabytes": ("x.obo", f"{HEAD}{TERM}comment: {'n' * 10_000_000}\n", 8, "1,000,000 bytes"),
    "OBO that is something else": ("x.obo", "<rdf:RDF/>", 1, "no XML"),
    "OBO that is empty": ("x.obo", "", None, "no stanza"),
    "OBO with a term twice": ("x.obo", f"{HEAD}{TERM}{TERM}\n[Typedef]\nid: p\n", 9, "X:1 stands twice"),
    "OBO with a loop": ("x.obo", f"{HEAD}{TERM}is_a: X:2\n\n[Term]\nid: X:2\nname: two\nis_a: X:1\n", None, "loop"),
    "OBO with an open quote": ("x.obo", f'{HEAD}{TERM}synonym: "one EXACT []\n', None, "not quoted"),
    "OBO with a term without id": ("x.obo", f"{HEAD}\n[Term]\nname: one\n", None, "without id"),
    "OBO with a frame without end": ("x.obo", f"{HEAD}\n[Term\nid: X:1\n", 5, "brackets"),
    "OBO in Latin-1": ("x.obo", f"{HEAD}{TERM}comment: \xe9\n".encode("latin-1"), 8, "not utf-8"),
    "JSON that is cut off": ("x.json", '{"resourceType": "CodeSystem",\n "content": ', 2, "no JSON"),
    "JSON with NaN": ("x.json", '{"resourceType": "CodeSystem", "x": NaN}', 1, "no JSON"),
    "JSON that is nested far too deep": ("x.json", "[" * 100_000, None, "no JSON"),
    "FHIR Bundle": ("x.json", '{"resourceType": "Bundle"}', None, "no CodeSystem"),
    "FHIR with an id twice": ("x.json", json.dumps(CODE_SYSTEM | {"concept": [{"code": "A"}, {"code": "B", "concept": [{"code": "A"}]}]}), None, "stands twice"),
    "FHIR with a loop": ("x.json", json.dumps(CODE_SYSTEM | {"concept": [{"code": c, "property": [{"code": "parent", "valueCode": p}]} for c, p in ("AB", "BA")]}), None, "loop"),
    "FHIR with a code that is a number": ("x.json", json.dumps(CODE_SYSTEM | {"concept": [{"code": 1}]}), None, "as CodeSystem"),
    "FHIR with concepts that are texts": ("x.json", json.dumps(CODE_SYSTEM | {"concept": "A"}), None, "as CodeSystem"),
    "OBO Graphs of nothing": ("x.json", '{"graphs": [7]}', None, "no graphs"),
    "OBO Graphs with an edge of nothing": ("x.json", '{"graphs": [{"id": "x", "edges": [{}]}]}', None, "OBO Graphs"),
    "ClaML that is cut off": ("x.xml", CLAML.format("\n<Class code='a'>")[:-8], 2, "no XML"),
    "ClaML of version 1": ("x.xml", '<ClaML version="1.0"/>', 1, "no ClaML"),
    "ClaML that is HTML": ("x.xml", "<!DOCTYPE html>\n<html></html>", 2, "no ClaML"),
    "ClaML with entities": ("x.xml", LOL + CLAML.format("&b;"), 1, "declarations of its own"),
    "ClaML with an external entity": ("x.xml", '<!DOCTYPE ClaML [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + CLAML.format("&a;"), 1, "declarations of its own"),
    "ClaML with an entity of its DTD": ("x.xml", '<!DOCTYPE ClaML SYSTEM "http://127.0.0.1:1/ClaML.dtd">\n' + CLAML.format("&a;"), 2, "entities"),
    "ClaML nested far too deep": ("x.xml", CLAML.format("<Para>" * 100_000), 1, "nested deeper"),
    "ClaML with a label far too long": ("x.xml", CLAML.format(f"<Class code='a'><Rubric kind='preferred'><Label>{'n' * 10_000_000}"), None, "characters"),
    "ClaML with an id twice": ("x.xml", CLAML.format("\n" + CLASS.format("a", "b") * 2), 2, "stands twice"),
    "ClaML with a loop": ("x.xml", CLAML.format(CLASS.format("a", "b") + CLASS.format("b", "a")), None, "loop"),
    "ClaML without codes": ("x.xml", CLAML.format("<Class/>"), 1, "class without code"),
    "ClaML in an unknown encoding": ("x.xml", '<?xml version="1.0" encoding="klingon"?>' + CLAML.format(""), 1, "encoding|no XML"),
    "OWL that is cut off": ("x.owl", OWL[:-9], 3, "no XML"),
    "OWL with entities": ("x.owl", OWL.replace("<rdf:RDF", LOL.replace("ClaML", "rdf:RDF") + "<rdf:RDF", 1), 1, "declarations of its own"),
    "OWL with an external entity": ("x.owl", OWL.replace("<rdf:RDF", '<!DOCTYPE r SYSTEM "file:///etc/passwd">\n<rdf:RDF', 1).replace("one", "&a;"), 4, "entities"),
    "OWL that is no ontology": ("x.owl", OWL.replace("owl:Ontology", "owl:Thing"), None, "no owl:Ontology"),
    "OWL/XML": ("x.owl", '<Ontology xmlns="http://www.w3.org/2002/07/owl#"/>', 1, "no OWL in RDF/XML"),
    "OWL with a loop": ("x.owl", OWL.replace("one", 'one</rdfs:label><rdfs:subClassOf rdf:resource="http://purl.obolibrary.org/obo/X_2"/></owl:Class><owl:Class rdf:about="http://purl.obolibrary.org/obo/X_2"><rdfs:subClassOf rdf:resource="http://purl.obolibrary.org/obo/X_1"/><rdfs:label>two'), None, "loop"),
    "OWL in an unknown encoding": ("x.owl", '<?xml version="1.0" encoding="klingon"?>' + OWL, 1, "encoding|no XML"),
    "cellxgene of nothing": ("x.json", '{"X:1": {"label": "a", "ancestors": 7, "deprecated": false}}', None, "as cellxgene"),
    "cellxgene with a loop": ("x.json", '{"X:1": {"label": "a", "ancestors": {}, "deprecated": false}, "X:2": []}', None, "as cellxgene"),
    "zst that is cut off": ("x.csv.zst", zstandard.compress(os.urandom(100_000))[:500], None, "damaged"),
    "zst that is none": ("x.csv.zst", "code,label\nA,b\n", None, "damaged"),
    "gz that is cut off": ("x.csv.gz", gzip.compress(os.urandom(100_000))[:500], None, "damaged"),
    "xz that is none": ("x.csv.xz", "code,label\nA,b\n", None, "damaged"),
    "zip that is none": ("x.zip", "code,label\nA,b\n", None, "no zip"),
    "LOINC with another status": ("x.csv", "LOINC_NUM,LONG_COMMON_NAME,STATUS\n1-8,a,GONE\n", 2, "STATUS"),
    "OMOP with another reason": ("x.csv", "concept_id\tconcept_name\tvocabulary_id\tconcept_code\tinvalid_reason\n1\ta\tX\tA\tZ\n", 2, "invalid_reason"),
    "OMOP with a code twice": ("x.csv", "concept_id\tconcept_name\tvocabulary_id\tconcept_code\tinvalid_reason\n1\ta\tX\tA\t\n2\ta\tX\tA\t\n", 3, "stands twice"),
}  # fmt: skip


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """A folder with an edition that must stay as it is."""
    path = tmp_path / "old.csv"
    path.write_text("code,label\nA,old\n")
    add_code_system(Order(str(path), system="X", version="1"), tmp_path / "into")
    return tmp_path / "into"


def assert_untouched(into: Path) -> None:
    assert [path.name for path in into.iterdir()] == ["X-1.sqlite"]
    assert CodeSystemStore(into / "X-1.sqlite").lookup("X:A").label == "old"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files(name: str, tmp_path: Path, into: Path) -> None:
    file, content, line, message = HOSTILE[name]
    path = tmp_path / file
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(HarmonizeError, match=message) as caught:
        add_code_system(Order(str(path), system="X", version="1"), into)
    assert len(str(caught.value)) < 400
    if isinstance(caught.value, InputError):
        assert caught.value.file == file and (line is None or caught.value.row == line), str(caught.value)
    assert_untouched(into)


@pytest.mark.parametrize("form", [*FORMATS, *SETS, "babelon"])
@pytest.mark.parametrize("content", [b"", b"\0" * 1000, b"{}", b"[]", b"<a/>", b"a,b\n1,2\n", bytes(range(256)) * 10])
def test_another_kind_of_file_than_it_says(form: str, content: bytes, tmp_path: Path) -> None:
    """In this process: no importer lets an exception out that is not of ours."""
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(HarmonizeError):
        add_module.compile_file(Order(str(path), system="X", version="1", format=form), tmp_path / "out.sqlite")


def bomb(path: Path, kind: str) -> Path:
    zeros = bytes(1_000_000)
    if kind == "zst":
        with zstandard.open(path, "wb") as file:
            for _ in range(300):
                file.write(zeros)
    elif kind == "xz":
        with lzma.open(path, "wb", preset=0) as file:
            for _ in range(300):
                file.write(zeros)
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.csv", "w") as member:
            for _ in range(300):
                member.write(zeros)
    return path


@pytest.mark.parametrize("kind", ["xz", "zip", "zst"])
def test_what_unpacks_to_far_too_much_is_refused_at_its_first_line(kind: str, tmp_path: Path, into: Path) -> None:
    path = bomb(tmp_path / f"x.{kind}", kind)
    with pytest.raises(InputError, match="1,000,000 bytes"):
        add_code_system(Order(str(path), system="X", version="1", format="delimited"), into)
    assert_untouched(into)


@pytest.mark.parametrize("program", ["import os; os._exit(9)", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "import time; time.sleep(60)"])  # fmt: skip
def test_a_parser_that_crashes_or_hangs(
    program: str, tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What starts is a stand-in for an importer whose parser does so."""
    stand_in = tmp_path / "python"
    stand_in.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{program}'\n")
    stand_in.chmod(0o755)
    monkeypatch.setattr(add_module.sys, "executable", str(stand_in))
    monkeypatch.setattr(add_module, "TIMEOUT_SECONDS", 2)
    path = tmp_path / "new.csv"
    path.write_text("code,label\nA,new\n")
    with pytest.raises(InputError, match=r"broke off|not read within"):
        add_code_system(Order(str(path), system="X", version="1"), into)
    assert_untouched(into)


def test_too_little_memory_is_said(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("code,label\n" + "".join(f"{n},{'label' * 20}{n}\n" for n in range(200_000)))
    program = "import harmonize.terminology.add as a; a.MEMORY_BYTES = 150 << 20; a.main()"
    done = __import__("subprocess").run(
        [sys.executable, "-c", program, str(tmp_path / "o.sqlite")],
        input=json.dumps({"file": str(path), "system": "X", "version": "1"}).encode(), capture_output=True, timeout=60,
    )  # fmt: skip
    assert "memory" in json.loads(done.stdout)["what"]
    assert_untouched(into)


def test_a_pipe_that_never_ends_is_no_file(tmp_path: Path, into: Path) -> None:
    os.mkfifo(tmp_path / "pipe.obo")
    with pytest.raises(HarmonizeError, match="no file or folder"):
        add_code_system(Order(str(tmp_path / "pipe.obo"), system="X", version="1"), into)
    assert_untouched(into)


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/x.owl", "file:///etc/passwd", "../../../etc/passwd"])
def test_imports_of_owl_are_not_followed(target: str, tmp_path: Path) -> None:
    path = tmp_path / "x.owl"
    path.write_text(OWL.replace('x.owl"/>', f'x.owl"><owl:imports rdf:resource="{target}"/></owl:Ontology>'))
    opened: list[Any] = []
    sys.addaudithook(
        lambda event, args: opened.append(args[0]) if event == "open" and "passwd" in str(args[0]) else None
    )
    answer = add_module.compile_file(Order(str(path), version="1"), tmp_path / "x.sqlite")
    assert answer["concepts"] == 1 and answer["said"] == ["1 imports are not followed"] and not opened


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/x.obo", "file:///etc/passwd", "../../../etc/passwd"])
def test_imports_are_not_followed(target: str, tmp_path: Path) -> None:
    path = tmp_path / "x.obo"
    path.write_text(f"{HEAD}import: {target}\n{TERM}")
    opened: list[Any] = []
    sys.addaudithook(
        lambda event, args: opened.append(args[0]) if event == "open" and "passwd" in str(args[0]) else None
    )
    answer = add_module.compile_file(Order(str(path)), tmp_path / "x.sqlite")
    assert answer["concepts"] == 1 and "1 imports are not followed" in answer["said"] and not opened


def test_a_long_chain_is_no_loop_and_needs_no_recursion(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("code,label,parent\n" + "".join(f"{n:05},a,{n + 1:05}\n" for n in range(3_000)) + "03000,a,\n")
    add_module.compile_file(Order(str(path), system="X", version="1"), tmp_path / "x.sqlite")
    assert len(CodeSystemStore(tmp_path / "x.sqlite").ancestors("X:00000")) == 3_001


def test_two_at_once_leave_a_whole_store(tmp_path: Path, into: Path) -> None:
    paths = []
    for label in ("one", "two"):
        paths.append(tmp_path / f"{label}.csv")
        paths[-1].write_text(f"code,label\nA,{label}\n")
    threads = [
        threading.Thread(target=add_code_system, args=(Order(str(p), system="X", version="1"), into)) for p in paths
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name for path in into.iterdir()] == ["X-1.sqlite"]
    assert CodeSystemStore(into / "X-1.sqlite").lookup("X:A").label in ("one", "two")


def test_what_a_killed_run_left_is_swept(tmp_path: Path, into: Path) -> None:
    """The process is killed while it compiles; what it left lies there until the next run, and hides nothing."""
    import signal
    import subprocess
    import time

    path = tmp_path / "x.csv"
    path.write_text("code,label\n" + "".join(f"{n},label {n}\n" for n in range(400_000)))
    command = [sys.executable, "-m", "harmonize", "terminology", "add", str(path), "--system", "X", "--version", "1", "--into", str(into)]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        while not list(into.glob(".adding-*/*")):
            time.sleep(0.01)
            assert running.poll() is None, "it ended before it could be killed"
        running.send_signal(signal.SIGKILL)
    assert list(into.glob(".adding-*")) and CodeSystemStore(into / "X-1.sqlite").lookup("X:A").label == "old"
    new = tmp_path / "new.csv"
    new.write_text("code,label\nA,new\n")
    add_code_system(Order(str(new), system="X", version="1"), into)
    assert [left.name for left in into.iterdir()] == ["X-1.sqlite"]
    assert CodeSystemStore(into / "X-1.sqlite").lookup("X:A").label == "new"


def test_two_translations_at_once_are_both_there(tmp_path: Path) -> None:
    """Each reads the store, adds names and writes it: one after the other."""
    (tmp_path / "x.obo").write_text(f"{HEAD}{TERM}")
    add_code_system(Order(str(tmp_path / "x.obo")), tmp_path / "into")
    head = "subject_id\tpredicate_id\ttranslation_language\tsource_value\ttranslation_value\ttranslation_status\n"
    threads = []
    for language in ("de", "fr", "it"):
        path = tmp_path / f"{language}.babelon.tsv"
        path.write_text(f"{head}X:1\trdfs:label\t{language}\tone\tin {language}\tOFFICIAL\n")
        threads.append(threading.Thread(target=add_code_system, args=(Order(str(path)), tmp_path / "into")))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    languages = CodeSystemStore(tmp_path / "into" / "X-1.sqlite").languages("X:1")
    assert languages == [(tag, f"in {tag}") for tag in ("de", "fr", "it")]
