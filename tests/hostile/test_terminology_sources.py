"""Hostile sources of terminologies: OBO files that import, hang or break the parser; nothing is fetched, nothing hangs."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from tests.hostile.measure import MAX_MEGABYTES

HEAD = "format-version: 1.4\nontology: x\n"
TERM = "\n[Term]\nid: X:1\nname: one\n"
SOURCES: dict[str, str] = {
    "import by http": f"{HEAD}import: http://127.0.0.1:PORT/x.obo\n{TERM}",
    "import of a file": f"{HEAD}import: file:///etc/passwd\n{TERM}",
    "import of a path": f"{HEAD}import: ../../../etc/passwd\n{TERM}",
    "import of an absolute path": f"{HEAD}import: /etc/passwd\n{TERM}",
    "import of a pipe that never ends": f"{HEAD}import: PIPE\n{TERM}",
    "import that hangs": f"{HEAD}import: http://127.0.0.1:PORT/hang.obo\n{TERM}",
    "many imports": HEAD + "".join(f"import: http://127.0.0.1:PORT/{n}.obo\n" for n in range(500)) + TERM,
    "import of an ontology by name": f"{HEAD}import: hp\n{TERM}",
    "data version that is an address": f"{HEAD}data-version: http://127.0.0.1:PORT/x\n{TERM}",
    "no OBO": "<rdf:RDF/>",
    "empty": "",
    "only a header": HEAD,
    "unclosed quote": f'{HEAD}{TERM}synonym: "one EXACT []\n',
    "frame without end": f"{HEAD}\n[Term\nid: X:1\n",
    "term that is its own parent": f"{HEAD}{TERM}is_a: X:1\n",
    "loop of parents": f"{HEAD}{TERM}is_a: X:2\n\n[Term]\nid: X:2\nname: two\nis_a: X:1\n",
    "parent that is not there": f"{HEAD}{TERM}is_a: X:999\n",
    "term twice": f"{HEAD}{TERM}{TERM}",
    "NUL": f"{HEAD}{TERM}comment: a\0b\n",
    "long name": f"{HEAD}\n[Term]\nid: X:1\nname: {'n' * 1_000_000}\n",
    "RDF/XML that imports": '<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:owl="http://www.w3.org/2002/07/owl#"><owl:Ontology rdf:about="x"><owl:imports rdf:resource="http://127.0.0.1:PORT/x.owl"/></owl:Ontology></rdf:RDF>',
    "RDF/XML with entities": '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">&b;</rdf:RDF>',
    "OBO JSON that imports": json.dumps({"graphs": [{"id": "x", "meta": {"basicPropertyValues": [{"pred": "imports", "val": "http://127.0.0.1:PORT/x"}]}}]}),
}  # fmt: skip

_READ = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
def watch(event, arguments):
    if event == "open" and str(arguments[0]) in ("/etc/passwd", sys.argv[2]):
        print("OPENED", arguments[0])
    if event in ("socket.connect", "socket.getaddrinfo"):
        print("CONNECTED", arguments)
sys.addaudithook(watch)
from pathlib import Path
from harmonize.terminology.importers import read_obo
import pronto
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    print("READ", [term.code for term in read_obo(Path(sys.argv[1]), {"prefix": "X", "member": "x.obo"})])
except BaseException as error:
    print("REFUSED", type(error).__name__)
print("MEGABYTES", (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.fixture
def listener() -> object:
    """A port of this machine that counts who comes, and never answers."""
    server = socket.socket()
    server.settimeout(0.2)
    from tests import conftest

    conftest._guarded["on"] = False  # the test itself listens; its child is the one who must not connect
    server.bind(("127.0.0.1", 0))
    server.listen()
    conftest._guarded["on"] = True
    came: list[object] = []
    ended = threading.Event()

    def accept() -> None:
        while not ended.is_set():
            try:
                came.append(server.accept())
            except TimeoutError:
                continue

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield server.getsockname()[1], came
    ended.set()
    thread.join()
    server.close()


@pytest.mark.parametrize("name", SOURCES)
def test_obo_sources(name: str, tmp_path: Path, listener: tuple[int, list[object]]) -> None:
    import os

    port, came = listener
    pipe = tmp_path / "pipe.obo"
    os.mkfifo(pipe)
    wheel = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.obo", SOURCES[name].replace("PORT", str(port)).replace("PIPE", str(pipe)))
    command = [sys.executable, "-c", _READ, str(wheel), str(pipe)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert "OPENED" not in done.stdout and "CONNECTED" not in done.stdout and not came, done.stdout
    assert "READ" in done.stdout or "REFUSED" in done.stdout, (done.stdout, done.stderr)
    if "import" in name and "that imports" not in name:
        assert "READ ['X:1']" in done.stdout, "the terms beside the import are read"
    assert int(done.stdout.split("MEGABYTES")[1]) <= MAX_MEGABYTES


def test_a_member_that_unpacks_to_far_too_much_is_refused(tmp_path: Path) -> None:
    from harmonize.errors import InputError
    from harmonize.terminology.importers import MAX_MEMBER_BYTES, _member

    wheel = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.obo", "w") as member:
        for _ in range(MAX_MEMBER_BYTES // 10_000_000 + 1):
            member.write(bytes(10_000_000))
    with pytest.raises(InputError, match="too large"):
        _member(wheel, "x.obo")
