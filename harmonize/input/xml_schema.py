"""Subjects of an XML document judged by its XSD, one at a time. What breaks it is a finding and costs no value.

Each subject is copied into a document of its own, with what stands before the subjects: what the XSD says of the rest is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from lxml import etree

from harmonize.errors import InputError
from harmonize.profiles.xml_assembly import Dialect

_XSD = "{http://www.w3.org/2001/XMLSchema}"
_SENTENCES = {
    "SCHEMAV_CVC_PATTERN_VALID": "the value is not of the form that the XSD demands",
    "SCHEMAV_CVC_ENUMERATION_VALID": "the value is none of the list of the XSD",
    "SCHEMAV_CVC_MINLENGTH_VALID": "the value is shorter than the XSD allows",
    "SCHEMAV_CVC_MAXLENGTH_VALID": "the value is longer than the XSD allows",
    "SCHEMAV_ELEMENT_CONTENT": "the element is not expected here by the XSD, or one that is expected is missing",
    "SCHEMAV_CVC_COMPLEX_TYPE_4": "an attribute that the XSD demands is missing",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "the XSD has no such attribute",
}
"""What is said of a kind of error: the words of the parser quote the value."""
_OF_TYPE = "the value is not of the type that the XSD demands"
Element = Any


class Breach(NamedTuple):
    """An element that breaks the XSD: its path as columns are named, its line, and what is wrong."""

    path: str
    line: int
    message: str


class SchemaJudge:
    """Judges the subjects of the documents of one dialect."""

    def __init__(self, path: Path, dialect: Dialect) -> None:
        """Raises InputError where *path* is no XSD that can be used."""
        self.dialect = dialect
        self.prefix = f"{{{dialect.namespace}}}" if dialect.namespace else ""
        self._schema = _compiled(path)

    def breaches(self, subject: Element, root: Element) -> Iterator[Breach]:
        """Where *subject* breaks the XSD, one breach an element."""
        copied = deepcopy(subject)
        document = self._document(copied, root)
        if self._schema.validate(document):
            return
        seen: set[tuple[int, ...]] = set()
        for error in self._schema.error_log:
            place = _place(document, error.path, copied)
            if place is None or place in seen:
                continue
            seen.add(place)
            message = _SENTENCES.get(error.type_name, _OF_TYPE if "DATATYPE" in error.type_name else "")
            element = _at(subject, place)
            path = "/".join(self._names(element, subject)) or "."
            yield Breach(path, element.sourceline or 1, message or f"it breaks the XSD ({error.type_name})")

    def _document(self, subject: Element, root: Element) -> Element:
        document = etree.Element(root.tag, root.attrib, root.nsmap)
        steps = [f"{self.prefix}{step}" for step in self.dialect.subject.split("/")]
        for child in root:
            if child.tag == steps[0]:
                break
            document.append(deepcopy(child))
        holder = document
        for step in steps[:-1]:
            holder = etree.SubElement(holder, step)
        holder.append(subject)
        return document

    def _names(self, element: Element, subject: Element) -> list[str]:
        names: list[str] = []
        while element is not subject:
            names.insert(0, element.tag.removeprefix(self.prefix))
            element = element.getparent()
        return names


def _compiled(path: Path) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        tree = etree.parse(str(path), parser)
        for kind in ("import", "include"):
            for element in tree.iter(f"{_XSD}{kind}"):
                if "://" in element.get("schemaLocation", ""):
                    raise InputError("the XSD names another one on the network", file=path.name, fix="give whole XSDs")
        return etree.XMLSchema(tree)
    except (OSError, etree.XMLSyntaxError, etree.XMLSchemaParseError):
        raise InputError("the file is no XSD that can be used", file=path.name, fix="check --xsd") from None


def _place(document: Element, path: str | None, subject: Element) -> tuple[int, ...] | None:
    """The indexes by which the element at *path* is reached from *subject*; None where it is not in it."""
    found = document.xpath(path) if path else []
    element = found[0] if found else None
    place: list[int] = []
    while element is not None and element is not subject:
        parent = element.getparent()
        if parent is None:
            return None
        place.insert(0, parent.index(element))
        element = parent
    return tuple(place) if element is subject else None


def _at(subject: Element, place: Sequence[int]) -> Element:
    for index in place:
        subject = subject[index]
    return subject


def schema_file(dialect: Dialect, given: Sequence[Path]) -> Path | None:
    """The XSD of *dialect* among the files and folders that are *given*; a file counts where it is of its namespace.

    Raises InputError where a path is not there.
    """
    for path in given:
        if path.is_dir():
            if dialect.schema is not None and (path / dialect.schema).is_file():
                return path / dialect.schema
        elif not path.is_file():
            raise InputError("there is no such XSD", file=str(path), fix="check --xsd")
        elif _namespace(path) == dialect.namespace:
            return path
    return None


def _namespace(path: Path) -> str:
    try:
        for _, element in etree.iterparse(str(path), events=("start",), resolve_entities=False, no_network=True):
            return str(element.get("targetNamespace", ""))
    except etree.XMLSyntaxError:
        pass
    return ""
