"""The subjects of an XML document one by one, in flat memory: each a tree that is walked and let go.

Untrusted XML enters here and nowhere else. A DOCTYPE is refused, so that there are neither entities nor external files; libxml2 holds
nesting to 256 and texts to 10 MB (`huge_tree` is off); between two subjects no more than `MAX_BYTES` are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from lxml import etree

from harmonize.errors import InputError
from harmonize.input.files import open_bytes
from harmonize.input.log import ReadLog

MAX_BYTES = 64_000_000
"""Bytes that are read without the end of a subject. No record of a person is longer, and reading it would fill the memory."""
_CHUNK = 1 << 16
"""Bytes that are parsed at a time: their tree is walked while it is near in the processor."""
_HEAD_BYTES = 1_000_000
Element = Any
"""An element of lxml, which has no types of its own."""


@dataclass(frozen=True)
class Root:
    """The root element of a document: its namespace, name and attributes."""

    namespace: str
    name: str
    attributes: dict[str, str]


def read_root(path: Path) -> Root:
    """The root element of the document in *path*. Raises InputError where it is no XML that we read."""
    parser = _parser(("start",))
    broken = None
    with open_bytes(path) as stream:
        for _ in range(_HEAD_BYTES // _CHUNK + 1):
            chunk = stream.read(_CHUNK)
            try:
                parser.feed(chunk)
            except etree.XMLSyntaxError as error:
                broken = error
            for _, element in parser.read_events():  # what stands before a broken place is whole
                _refuse_doctype(element, path)
                name = etree.QName(element)
                return Root(name.namespace or "", name.localname, dict(element.attrib))
            if broken is not None:
                raise InputError(_broken(broken), file=path.name, row=broken.lineno, fix=_FIX)
            if not chunk:
                break
    raise InputError("the file holds no XML element", file=path.name, fix=_FIX)


def subject_elements(path: Path, root: Root, subject: str, log: ReadLog) -> Iterator[tuple[Element, Element]]:
    """(subject, root) for every element at the path *subject* below the root; the element is emptied behind the caller.

    Behind the last subject comes `(None, root)`, for what stands beside the subjects. Where the document
    breaks, the rest is said to be unreadable, and `log.partly` is set.
    """
    steps = [f"{{{root.namespace}}}{step}" if root.namespace else step for step in subject.split("/")]
    reading = _Reading(path, steps)
    with open_bytes(path) as stream:
        try:
            yield from reading.subjects(stream, log)
        except etree.XMLSyntaxError as error:
            line = max(error.lineno or 1, reading.line)
            log.cut_off(path.name, line, f"{_broken(error)}: the rest of the file could not be read", _FIX)
    if reading.root is not None:
        yield None, reading.root


class _Reading:
    """The state of reading one document."""

    def __init__(self, path: Path, steps: list[str]) -> None:
        self.path, self.steps = path, steps
        self.root: Element | None = None
        self.line = 1
        """The line on which the last subject begins."""
        self.read = 0
        """Bytes since the end of the last subject."""

    def subjects(self, stream: IO[bytes], log: ReadLog) -> Iterator[tuple[Element, Element]]:
        parser = _parser(("start", "end"), self.steps[-1])
        while chunk := stream.read(_CHUNK):
            log.bytes_read += len(chunk)
            self.read += len(chunk)
            try:
                parser.feed(chunk)
            finally:  # what stands before a broken place is whole
                yield from self._whole(parser)
            if self.read > MAX_BYTES:
                line = self.root.sourceline if self.root is not None else 1
                message = f"more than {MAX_BYTES} bytes without the end of a subject: the rest of the file was not read"
                log.cut_off(self.path.name, line, message, "check the file: it may hold no subjects, or a broken one")
                return
        parser.close()

    def _whole(self, parser: Any) -> Iterator[tuple[Element, Element]]:
        for event, element in parser.read_events():
            if self.root is None:
                _refuse_doctype(element, self.path)  # as `read_root` does, in case that the file has changed
                self.root = element.getroottree().getroot()
            if event == "end" and self._is_subject(element):
                self.line = element.sourceline or self.line
                yield element, self.root
                self.read = 0
                element.clear(keep_tail=False)
                before = element.getprevious()
                while before is not None and before.tag == element.tag:
                    parent = element.getparent()
                    parent.remove(before)
                    before = element.getprevious()

    def _is_subject(self, element: Element) -> bool:
        for step in reversed(self.steps):
            if element is None or element.tag != step:
                return False
            element = element.getparent()
        return element is not None and element.getparent() is None


_FIX = "copy the file again, or export it again"


def _parser(events: tuple[str, ...], tag: str | None = None) -> Any:
    return etree.XMLPullParser(
        events=events,
        tag=tag,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,  # blanks stay: past line 65,534 libxml2 keeps the line of an element in the texts beside it
    )


def _refuse_doctype(element: Element, path: Path) -> None:
    if element.getroottree().docinfo.internalDTD is not None:
        raise InputError(
            "the document has a DOCTYPE, which may define entities and name files; it is not read",
            file=path.name,
            fix="export it without one: documents of this kind are checked by an XSD",
        )


def _broken(error: etree.XMLSyntaxError) -> str:
    """What is wrong with the XML, in words of ours: those of the parser may quote the document."""
    name = error.error_log.last_error.type_name if error.error_log else ""
    text = str(error.msg)
    if "Excessive depth" in text:
        return "elements are nested more than 256 deep"
    if "encoding" in text or name in ("ERR_INVALID_ENCODING", "ERR_UNSUPPORTED_ENCODING", "ERR_UNKNOWN_ENCODING"):
        return "bytes that are not in the encoding that the document declares"
    if name == "ERR_UNDECLARED_ENTITY":
        return "an entity that is not defined"
    return "no well-formed XML"
