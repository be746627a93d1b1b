"""Classifications in ClaML: ICD-10-GM, CIM-10, ICD-O-3, OPS and others.

Sources: EN 14463:2007 (ClaML 2.0) and ISO 13120:2019 (ClaML 3.0). Classes (chapters, blocks, categories) with SuperClass, their rubrics
preferred, preferredLong and inclusion, and UsageKind (dagger, asterisk). The codes that modifiers make are not written in the file
and are not made here: a classification with modifiers is compiled as a partial one.

The file is streamed through expat. A DOCTYPE that names the published DTD is passed over, the DTD is not opened; an internal subset
and entities are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

from harmonize.errors import InputError
from harmonize.terminology.build import Term
from harmonize.terminology.formats.source import MAX_LINE, Request, Source, Stated, the_only, xml_parser

MAX_DEPTH = 64
_LABELS = ("preferredLong", "preferred")
"""The rubric that is the label: the first of these that a class has."""
_KINDS = {"preferred": "related", "inclusion": "narrow"}
"""Rubrics that become names. An inclusion stands for something of the class and not always all of it; where there is a long label
the short one only means something below its parent."""


def read_claml(sources: Sequence[Source], request: Request, stated: Stated) -> Iterator[Term]:
    """A ClaML file, version 2 or 3."""
    source = the_only(sources, ".xml", ".claml")
    reader = _Reader(source, stated)
    for chunk in source.chunks(size=1 << 16):
        reader.feed(chunk)
        yield from reader.taken()
    reader.feed(b"", last=True)
    yield from reader.taken()
    if not reader.version:
        raise source.error("no ClaML file")
    if reader.modified:
        stated.complete = False
        stated.said.append(
            f"{reader.modified} classes take modifiers: the codes that these make are not compiled, "
            "so codes that are not in the store count as not checked"
        )


@dataclass
class _Class:
    """The class that is being read."""

    term: Term
    usage: str
    labels: dict[str, str] = field(default_factory=dict)


class _Reader:
    """What expat calls. Every error names the line."""

    def __init__(self, source: Source, stated: Stated) -> None:
        self.source, self.stated = source, stated
        self.version, self.modified = "", 0
        self._done: list[Term] = []
        self._marks: dict[str, str] = {}
        self._path: list[str] = []
        self._class: _Class | None = None
        self._is_modified = False
        self._rubric = ""
        self._language = ""
        self._text: list[str] | None = None
        self._length = 0
        parser = self._parser = xml_parser(source)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters

    def feed(self, chunk: bytes, *, last: bool = False) -> None:
        """Parse *chunk*."""
        try:
            self._parser.Parse(chunk, last)
        except expat.ExpatError as error:
            raise self._error(f"no XML: {expat.ErrorString(error.code)}") from None
        except (LookupError, ValueError):
            raise self._error("an encoding that is not read", fix="convert it to UTF-8") from None
        self.source.line = self._parser.CurrentLineNumber

    def taken(self) -> list[Term]:
        """The classes that are complete, once."""
        done, self._done = self._done, []
        return done

    def _error(self, what: str, *, fix: str = "") -> InputError:
        self.source.line = self._parser.CurrentLineNumber
        return self.source.error(what, fix=fix)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._path) >= MAX_DEPTH:
            raise self._error(f"nested deeper than {MAX_DEPTH}")
        if not self._path:
            self._root(name, attributes)
        self._path.append(name)
        current = self._class
        if name == "Title":
            self.stated.title = attributes.get("name", "")
            self.stated.version = attributes.get("version", "") or attributes.get("date", "")
        elif name == "UsageKind":
            self._marks[attributes.get("name", "")] = attributes.get("mark", "")
        elif name == "Class":
            if not attributes.get("code"):
                raise self._error("a class without code")
            self._class = _Class(Term(attributes["code"], ""), attributes.get("usage", ""))
            self._is_modified = False
        elif current is not None:
            self._in_class(current, name, attributes)

    def _root(self, name: str, attributes: dict[str, str]) -> None:
        self.version = attributes.get("version", "")
        if name != "ClaML" or self.version[:2] not in ("2.", "3."):
            self.version = ""
            raise self._error("no ClaML file of version 2 or 3")

    def _in_class(self, current: _Class, name: str, attributes: dict[str, str]) -> None:
        if name == "SuperClass":
            current.term.parents.append(attributes.get("code", ""))
        elif name == "ModifiedBy":
            self._is_modified = True
        elif name == "Rubric":
            self._rubric = attributes.get("kind", "")
        elif name == "Label" and self._rubric in ("preferred", "preferredLong", "inclusion"):
            self._language, self._text, self._length = attributes.get("xml:lang", ""), [], 0
        elif self._text is not None:
            self._text.append(" ")

    def _characters(self, text: str) -> None:
        if self._text is not None and "Reference" not in self._path[-3:]:
            self._text.append(text)
            self._length += len(text)
            if self._length > MAX_LINE:
                raise self._error(f"a label of more than {MAX_LINE:,} characters")

    def _end(self, name: str) -> None:
        self._path.pop()
        if self._class is None:
            return
        if name == "Label" and self._text is not None:
            self._label(self._class, " ".join("".join(self._text).split()))
            self._text = None
        elif name == "Rubric":
            self._rubric = ""
        elif name == "Class":
            self._done.append(self._finished(self._class))
            self._class = None

    def _label(self, current: _Class, text: str) -> None:
        if not text:
            return
        if self._rubric in _LABELS:
            current.labels.setdefault(self._rubric, text)
        if self._rubric in _KINDS:
            current.term.names.append((_KINDS[self._rubric], text))
        if self._language:
            current.term.languages.append((self._language, text))

    def _finished(self, current: _Class) -> Term:
        """The class as a term; its code with the mark of its usage, as G63.2*, is another spelling of it."""
        term = current.term
        term.label = next((current.labels[kind] for kind in _LABELS if kind in current.labels), "")
        term.names = [(kind, text) for kind, text in term.names if text != term.label]
        self.modified += self._is_modified
        mark = self._marks.get(current.usage, "")
        if mark:
            term.alternatives.append(term.code + mark)
        return term
