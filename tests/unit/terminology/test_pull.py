"""`terminology pull` against a server of our own: what is right arrives whole, what is wrong leaves nothing behind."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from harmonize.errors import CallError, HarmonizeError, InputError, SpecificationError, UnknownNameError
from harmonize.terminology.code_maps import load_code_maps
from harmonize.terminology.fetch import Fetching, fetch
from harmonize.terminology.pull import Pull, load_sources, pull
from harmonize.terminology.store import Terminologies
from tests.unit.terminology.test_code_maps import write

LIST = b"code,label\n" + b"".join(b"A%d,A synthetic code %d\n" % (n, n) for n in range(20_000))
DIGEST = hashlib.sha256(LIST).hexdigest()
SOON = Fetching(wait=0.01, timeout=20)
PAGE = b"<!DOCTYPE html>\n<html><body>Please sign in</body></html>"


@dataclass
class Served:
    """What the server does, and what it was asked."""

    body: bytes = LIST
    tag: str = '"one"'
    cut_after: list[int] = field(default_factory=list)
    """Bytes after which the next answers break off."""
    statuses: list[int] = field(default_factory=list)
    """Statuses of the next answers, before any file."""
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    length: bool = True
    silent: float = 0
    asked: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    address: str = ""
    quiet: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    served: Served

    def do_GET(self) -> None:
        served = self.served
        served.asked.append({name.lower(): value for name, value in self.headers.items()})
        served.paths.append(self.path)
        if served.silent:
            served.quiet.wait(served.silent)
            return
        if served.statuses:
            self.send_response(served.statuses.pop(0))
            for name, value in served.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = 0
        stated = self.headers.get("Range", "")
        if served.ranges and stated and self.headers.get("If-Range") == served.tag:
            start = int(stated.removeprefix("bytes=").rstrip("-"))
        body = served.body[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(served.body) - 1}/{len(served.body)}")
        if served.length:
            self.send_header("Content-Length", str(len(body)))
        if served.tag:
            self.send_header("ETag", served.tag)
        for name, value in served.headers.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # who asked may have gone: the file was too large, or a page
            self.wfile.write(body[: served.cut_after.pop(0)] if served.cut_after else body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of http.server
        """Nothing on stderr."""


@pytest.fixture
def server(loopback: object) -> Iterator[Served]:
    served = Served()
    made = ThreadingHTTPServer(("127.0.0.1", 0), type("OfTest", (Handler,), {"served": served}))
    made.daemon_threads = True
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    served.address = f"http://127.0.0.1:{made.server_port}/list.csv"
    yield served
    served.quiet.set()
    made.shutdown()
    made.server_close()
    thread.join()


def test_a_file_arrives_whole(server: Served, tmp_path: Path) -> None:
    made = fetch(server.address, tmp_path / "list.csv", DIGEST, SOON)
    assert made.read_bytes() == LIST and [p.name for p in tmp_path.iterdir()] == ["list.csv"]
    assert server.asked[0]["accept-encoding"] == "identity" and "range" not in server.asked[0]


def test_a_connection_that_is_cut_is_gone_on_with(server: Served, tmp_path: Path) -> None:
    server.cut_after = [100_000, 200_000]
    assert fetch(server.address, tmp_path / "list.csv", DIGEST, SOON).read_bytes() == LIST
    assert [a.get("range") for a in server.asked] == [None, "bytes=100000-", "bytes=300000-"]
    assert [a.get("if-range") for a in server.asked] == [None, '"one"', '"one"']


def test_what_has_arrived_is_gone_on_from_by_the_next_call(server: Served, tmp_path: Path) -> None:
    server.cut_after = [100_000]
    with pytest.raises(InputError, match="100,000 bytes have arrived") as error:
        fetch(server.address, tmp_path / "list.csv", DIGEST, Fetching(attempts=1, timeout=20))
    assert error.value.exit_code == 3 and not (tmp_path / "list.csv").exists()
    assert fetch(server.address, tmp_path / "list.csv", DIGEST, SOON).read_bytes() == LIST
    assert server.asked[1]["range"] == "bytes=100000-"


@pytest.mark.parametrize(
    "change", ["another version", "no ranges", "weak tag", "no tag", "a part that was spoilt", "too long a part"]
)
def test_no_file_is_put_together_of_two(server: Served, tmp_path: Path, change: str) -> None:
    if change == "weak tag":
        server.tag = 'W/"one"'
    if change == "no tag":
        server.tag = ""
    server.cut_after = [100_000]
    with pytest.raises(InputError):
        fetch(server.address, tmp_path / "list.csv", DIGEST, Fetching(attempts=1, timeout=20))
    if change == "another version":
        server.tag = '"two"'
    if change == "no ranges":
        server.ranges = False
    part = tmp_path / "list.csv.part"
    if change == "a part that was spoilt":
        part.write_bytes(b"x" * 100_000)
    if change == "too long a part":
        part.write_bytes(b"x" * (len(LIST) + 5))
        server.statuses = [416]
    assert fetch(server.address, tmp_path / "list.csv", DIGEST, SOON).read_bytes() == LIST
    assert [p.name for p in tmp_path.iterdir()] == ["list.csv"]


# what the server does -> what is said
WRONG: dict[str, tuple[Callable[[Served], None], str]] = {
    "another digest": (lambda s: setattr(s, "body", LIST[:-1] + b"X"), "its SHA-256 is .*nothing was kept"),
    "a page of HTML": (lambda s: s.__dict__.update(body=PAGE, headers={"Content-Type": "text/html; charset=utf-8"}), r"a page \(HTML\)"),
    "a page that calls itself text": (lambda s: s.__dict__.update(body=b"\xef\xbb\xbf \n" + PAGE, headers={"Content-Type": "text/plain"}), r"a page \(HTML\)"),
    "a file that is too large": (lambda s: setattr(s, "body", LIST * 4), "larger than"),
    "the same without a length": (lambda s: s.__dict__.update(body=LIST * 4, length=False), "larger than"),
    "not there": (lambda s: setattr(s, "statuses", [404] * 9), "HTTP 404: there is nothing"),
    "a sign-in": (lambda s: setattr(s, "statuses", [401] * 9), "HTTP 401"),
    "overloaded for long": (lambda s: setattr(s, "statuses", [503] * 9), "HTTP 503"),
    "a redirect to a file": (lambda s: s.__dict__.update(statuses=[302], headers={"Location": "file:///etc/passwd"}), "HTTP 302"),
    "a redirect to FTP": (lambda s: s.__dict__.update(statuses=[302], headers={"Location": "ftp://127.0.0.1/x"}), "not safe"),
    "a redirect to itself": (lambda s: s.__dict__.update(statuses=[302] * 99, headers={"Location": "/list.csv"}), "302|fetched"),
    "cut again and again": (lambda s: setattr(s, "cut_after", [10] * 9), "the connection was cut"),
    "nothing at all": (lambda s: setattr(s, "silent", 9), "no answer in time"),
    "empty": (lambda s: setattr(s, "body", b""), "its SHA-256 is"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused_and_nothing_stands_under_the_name(server: Served, tmp_path: Path, name: str) -> None:
    make, said = WRONG[name]
    make(server)
    how = Fetching(max_bytes=len(LIST) + 10, wait=0.01, timeout=0.3 if server.silent else 20, attempts=3)
    with pytest.raises(InputError, match=said):
        fetch(server.address, tmp_path / "list.csv", DIGEST, how)
    assert not (tmp_path / "list.csv").exists()
    if "cut" not in name:
        assert list(tmp_path.iterdir()) == [], "what was wrong is not gone on from"


def test_a_server_that_recovers(server: Served, tmp_path: Path) -> None:
    server.statuses = [503, 429]
    assert fetch(server.address, tmp_path / "list.csv", DIGEST, SOON).read_bytes() == LIST


def test_a_server_that_is_not_there(loopback: object, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ConnectionRefusedError"):
        fetch("http://127.0.0.1:9/x.csv", tmp_path / "x.csv", DIGEST, SOON)
    for wrong in ("file:///etc/passwd", "ftp://127.0.0.1/x", "x.csv", "http:///x"):
        with pytest.raises(CallError):
            fetch(wrong, tmp_path / "x.csv", DIGEST, SOON)


@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_proxy(server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    proxy = server.address.removesuffix("/list.csv")
    if by == "environment":
        monkeypatch.setenv("http_proxy", proxy)
    how = Fetching(proxy=proxy if by == "option" else "", wait=0.01, timeout=20)
    assert fetch("http://terms.example.org/list.csv", tmp_path / "list.csv", DIGEST, how).read_bytes() == LIST
    assert server.paths == ["http://terms.example.org/list.csv"]


# --- the verb -------------------------------------------------------------------------------------------------------


@pytest.fixture
def manifest(server: Served, tmp_path: Path) -> Path:
    base = {
        "address": server.address,
        "licence": "CC0",
        "title": "A list",
        "kind": "system",
        "system": "OURS",
        "version": "7",
        "format": "delimited",
    }
    sources = {
        "OURS": {**base, "sha256": DIGEST},
        "MOVES": base,
        "our-map": {
            "address": server.address.replace("list.csv", "own.sssom.tsv"),
            "licence": "CC0",
            "title": "A map",
            "kind": "code-map",
        },
    }
    by_hand = {"ICD10GM": {"title": "ICD-10-GM", "why": "terms have to be accepted", "where": "https://www.bfarm.de"}}
    path = tmp_path / "sources.yaml"
    path.write_text(yaml.safe_dump({"sources": sources, "by_hand": by_hand}))
    return path


def test_a_system_is_pulled_and_compiled(server: Served, manifest: Path, tmp_path: Path) -> None:
    into = tmp_path / "mine"
    made = pull(Pull("OURS", manifest=manifest), into, SOON)
    assert (made["system"], made["version"], made["concepts"], made["sha256"]) == ("OURS", "7", 20_000, DIGEST)
    store = Terminologies.installed(into).store("OURS")
    assert (
        store is not None and store.lookup("OURS:A7").label == "A synthetic code 7" and store.meta["sha256"] == DIGEST
    )  # type: ignore[union-attr]
    assert store.meta["licence"] == "CC0" and not list((into / ".pulling").iterdir())


def test_an_address_that_moves_needs_a_digest(server: Served, manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(CallError, match="--sha256"):
        pull(Pull("MOVES", manifest=manifest), tmp_path / "mine", SOON)
    assert server.asked == [], "nothing was fetched that could not be checked"
    assert pull(Pull("MOVES", DIGEST.upper(), "8", manifest=manifest), tmp_path / "mine", SOON)["version"] == "8"


def test_an_edition_that_was_there_stays_where_a_pull_fails(server: Served, manifest: Path, tmp_path: Path) -> None:
    into = tmp_path / "mine"
    file = Path(pull(Pull("OURS", manifest=manifest), into, SOON)["file"])
    before = file.read_bytes()
    server.body = b"code,label\nA,B\n"
    with pytest.raises(InputError):
        pull(Pull("OURS", manifest=manifest), into, SOON)
    other = hashlib.sha256(b"code,label\nA,\nA,B\n").hexdigest()
    server.body = b"code,label\nA,\nA,B\n"  # the right digest, and no code system
    with pytest.raises(InputError, match="twice"):
        pull(Pull("MOVES", other, manifest=manifest), into, SOON)
    assert file.read_bytes() == before


def test_a_code_map_is_pulled(server: Served, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMONIZE_TERMINOLOGIES", str(tmp_path / "mine"))
    server.body = write(tmp_path, "own", "ICD10:A01||exact|MONDO:0000001").read_bytes()
    made = pull(Pull("our-map", hashlib.sha256(server.body).hexdigest(), manifest=manifest), tmp_path / "mine", SOON)
    assert made["rows"] == 1
    assert load_code_maps(["our-map"]).translate("ICD10:A01", "MONDO").status == "mapped"


def test_a_mirror_in_place_of_the_network(server: Served, manifest: Path, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    asked = Pull("OURS", mirror=mirror, manifest=manifest)
    with pytest.raises(InputError, match=r"the mirror has no list\.csv"):
        pull(asked, tmp_path / "mine")
    (mirror / "list.csv").write_bytes(LIST + b"\n")
    with pytest.raises(InputError, match="its SHA-256 is"):
        pull(asked, tmp_path / "mine")
    (mirror / "list.csv").write_bytes(LIST)
    assert pull(asked, tmp_path / "mine")["concepts"] == 20_000 and (mirror / "list.csv").read_bytes() == LIST
    assert server.asked == []
    with pytest.raises(CallError, match="no folder"):
        pull(Pull("OURS", mirror=tmp_path / "none", manifest=manifest), tmp_path / "mine")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Pull("ICD10GM"), "terms have to be accepted.*www.bfarm.de.*terminology add"),
        (Pull("ICD10GM", DIGEST, mirror=Path()), "not fetched by a program"),
        (Pull("OUR"), "Did you mean 'OURS'"),
        (Pull("OURS", "0" * 64), "--sha256 says another"),
        (Pull("MOVES", "12"), "is no SHA-256"),
    ],
)
def test_calls_that_are_refused(server: Served, manifest: Path, tmp_path: Path, asked: Pull, said: str) -> None:
    with pytest.raises((CallError, UnknownNameError), match=said):
        pull(Pull(**{**asked.__dict__, "manifest": manifest}), tmp_path / "mine", SOON)
    assert server.asked == []


@pytest.mark.parametrize(
    ("old", "new"),
    [("kind: code-map", "kind: thing"), ("licence: CC0", "license: CC0"), (DIGEST, "abc"), ("sources:", "source:"), ("title: A map", "max_bytes: many")],
)  # fmt: skip
def test_a_wrong_manifest_is_refused(manifest: Path, old: str, new: str) -> None:
    text = manifest.read_text()
    assert old in text
    manifest.write_text(text.replace(old, new))
    with pytest.raises(SpecificationError):
        sources, _ = load_sources(manifest)
        assert sources


def test_the_manifest_that_ships() -> None:
    pulled, by_hand = load_sources()
    assert all(origin.address.startswith("https://") and origin.file for origin in pulled.values())
    never = {
        "ICD10GM",
        "OPS",
        "ALPHAID",
        "ICD10",
        "ICD11",
        "ICDO3",
        "SNOMEDCT",
        "LOINC",
        "MEDDRA",
        "ATC",
        "RXNORM",
        "OMIM",
    }
    assert never <= set(by_hand) and not never & set(pulled), "the table of ../shared/data/README.md"
    for name in by_hand:
        with pytest.raises(HarmonizeError, match="not fetched by a program"):
            pull(Pull(name), Path("/nonexistent"))


def test_digests_of_the_manifest_are_those_of_the_copies(shared: Callable[[str], Path]) -> None:
    import lzma

    pulled, _ = load_sources()
    stated = {origin.file: origin.sha256 for origin in pulled.values() if origin.sha256}
    stated["loinc2hpo-annotations-2023-06.tsv"] = stated.pop("loinc2hpo-annotations.tsv")
    for file, sha256 in stated.items():
        assert hashlib.sha256(lzma.decompress(shared(f"terminologies/{file}.xz").read_bytes())).hexdigest() == sha256, (
            file
        )
