"""XML documents of a format whose dialects the profile names: subjects in documents, messages in subjects (ADR 0011).

All documents are read once when the source is opened: each occurrence of a subject becomes one line of a private file, which is sorted by
identifier out of core. So a subject may stand in several places of several documents, and memory stays flat.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from harmonize.errors import InputError
from harmonize.findings import MAX_FILES, Cell, Finding, Outcome, Severity, file_of
from harmonize.input.cells import readable_name
from harmonize.input.element_rows import ElementRows, element_layout
from harmonize.input.files import find_files, plain_name, require_text_name
from harmonize.input.log import ReadLog
from harmonize.input.opening import Opening
from harmonize.input.subject_spool import Spool
from harmonize.input.xml_rows import Paths, Walker
from harmonize.input.xml_schema import SchemaJudge, schema_file
from harmonize.input.xml_subjects import Root, read_root, subject_elements
from harmonize.profiles.assembly import BadRow, RawSubject
from harmonize.profiles.specification import Profile
from harmonize.profiles.xml_assembly import SUBJECT_ELEMENT, Dialect
from harmonize.terminology.patterns import compile_pattern, fits


class XmlSource:
    """The opened documents: all rows are in the private file, by subject as they were read."""

    def __init__(
        self, opening: Opening, paths: Paths, parts: Sequence[str], inputs: Sequence[Path], spool: Spool
    ) -> None:
        self.opening, self.paths, self.inputs, self.spool = opening, paths, tuple(inputs), spool
        self.parts = tuple(parts)
        self.log = ReadLog()
        self.references: dict[str, Path] = {}
        label = self.parts[0] if len(self.parts) == 1 else "*.xml"
        self.headers = {name: tuple(paths.columns[index]) for index, name in enumerate(paths.tables)}
        self._layout = element_layout(self.headers)
        self.kept = {name: tuple(range(len(header))) for name, header in self.headers.items()}
        self.files = dict.fromkeys(paths.tables, label)
        self.label = label

    def subjects(self) -> Iterator[RawSubject]:
        """The subjects in the order of their identifiers, each with its rows by path of the element, as they stand in the documents."""
        assembly = self.opening.profile.assembly
        pattern = compile_pattern(assembly.subject_pattern) if assembly.subject_pattern else None
        key, documents = b"", list[bytes]()
        for line in self.spool.read():
            found, _, document = line.rstrip(b"\n").partition(b"\t")
            if found != key:
                if documents:
                    yield from self._whole(orjson.loads(key), documents, pattern)
                key, documents = found, []
            documents.append(document)
        if documents:
            yield from self._whole(orjson.loads(key), documents, pattern)

    def _whole(self, key: str, documents: Sequence[bytes], pattern: Any) -> Iterator[RawSubject]:
        rows = ElementRows(documents, self._layout)
        if not key:
            message, fix = "the element names no subject", "fill the identifier"
            self._reject(rows, "source.no-subject-id", message, fix)
        elif pattern is not None and not fits(pattern, key):
            message = "the subject's identifier is not of the form that the profile states"
            self._reject(rows, "source.subject-id", message, "correct the identifier")
        else:
            yield RawSubject(key, rows)

    def _reject(self, rows: ElementRows, rule: str, message: str, fix: str) -> None:
        self.log.rejected_subjects += len(rows.get(SUBJECT_ELEMENT, ()))
        for name, bad in rows.items():
            for row in bad:
                cell = Cell(self.parts[file_of(row.number)], row.number, name)
                finding = Finding(rule, Severity.ERROR, message, Outcome.REJECTED, cell=cell, fix=fix)
                self.log.reject_row(BadRow(name, row, finding, counted=True))


def open_source(opening: Opening) -> XmlSource:
    """Read the documents among the inputs (files, folders) into the private folder.

    Raises InputError where none of them is of a dialect of the profile.
    """
    log, profile = ReadLog(), opening.profile
    documents = _documents(opening, log)
    paths = Paths(profile)
    spool = Spool(opening.work, "subjects", profile.assembly.subject_order)
    judges = _judges(opening, [dialect for _, _, dialect in documents], log)
    breaches: Breaches = {}
    for index, (path, root, dialect) in enumerate(documents):
        reading = _Reading(Walker(paths, dialect, path.name, index, log), judges.get(dialect.name), breaches)
        spool.write(_read(path, root, reading, log))
        reading.walker.close()
    _say_breaches(breaches, log)
    source = XmlSource(opening, paths, [path.name for path, _, _ in documents], [d[0] for d in documents], spool)
    _account(source, log)
    source.log = log
    return source


def _documents(opening: Opening, log: ReadLog) -> list[tuple[Path, Root, Dialect]]:
    """The documents that are read, each with its dialect; what cannot be read is said."""
    found, refused = [], []
    for path in sorted(find_files(opening.inputs), key=lambda p: p.name):
        if not plain_name(path).endswith(".xml"):
            name = readable_name(path.name)
            message = f"{name} is no XML document and was not read"
            log.findings.append(Finding("source.unknown-file", Severity.WARNING, message, cell=Cell(name, None, None)))
            continue
        try:
            require_text_name(path)
            root = read_root(path)
            found.append((path, root, _dialect(path, root, opening.profile)))
        except InputError as error:
            refused.append((path, error))
    if not found:
        if refused:
            raise refused[0][1]
        raise InputError("there is no XML document among the input", fix=f"give documents of {opening.profile.id}")
    if len(found) > MAX_FILES:
        raise InputError(f"more than {MAX_FILES} documents", fix="join them, or convert them in several runs")
    for path, why in refused:
        log.partly = True
        cell = Cell(readable_name(path.name), why.row, None)
        log.findings.append(
            Finding("source.unreadable", Severity.FATAL, why.what, Outcome.REJECTED, cell=cell, fix=why.fix)
        )
    return found


def _dialect(path: Path, root: Root, profile: Profile) -> Dialect:
    """The dialect of a document. Raises InputError, by name, where the profile has none for it."""
    assert profile.assembly.xml is not None
    dialects = profile.assembly.xml.dialects.values()
    of_namespace = [d for d in dialects if d.namespace == root.namespace]
    if not of_namespace:
        known = ", ".join(sorted({d.namespace for d in dialects}))
        message = f"the namespace of the root element is none that {profile.id} knows ({known})"
        raise InputError(message, file=path.name, row=1, fix="convert it with the profile of its format")
    named = [d for d in of_namespace if d.root == root.name]
    if not named:
        close = difflib.get_close_matches(root.name, [d.root for d in of_namespace], n=1)
        wanted = " or ".join(close or sorted({d.root for d in of_namespace}))
        raise InputError(f"the root element is not {wanted}", file=path.name, row=1, fix="give whole documents")
    for dialect in named:
        if dialect.version_attribute is None or dialect.version_pattern is None:
            return dialect
        version = root.attributes.get(dialect.version_attribute, "")
        if fits(compile_pattern(dialect.version_pattern), version):
            return dialect
    told = " or ".join(f"{d.title} ({d.version_pattern})" for d in named)
    attribute = named[0].version_attribute
    message = f"the version in {attribute} of the root element is none that {profile.id} knows: {told}"
    raise InputError(
        message, file=path.name, row=1, fix="take a profile that knows the version, or add a dialect to it"
    )


def _judges(opening: Opening, dialects: Sequence[Dialect], log: ReadLog) -> dict[str, SchemaJudge]:
    """What judges the documents of each dialect; that there is none is said."""
    made = {}
    for dialect in dict.fromkeys(d.name for d in dialects):
        known = next(d for d in dialects if d.name == dialect)
        path = schema_file(known, opening.schemas)
        if path is not None:
            made[dialect] = SchemaJudge(path, known)
        elif known.schema is not None:
            message = f"documents of {known.title} were not validated: the XSD {known.schema} was not given"
            log.findings.append(Finding("source.schema-not-checked", Severity.INFO, message))
    return made


def _say_breaches(breaches: Breaches, log: ReadLog) -> None:
    for (path, message), (file, line, count) in breaches.items():
        cell = Cell(file, line, path)
        log.findings.append(Finding("source.schema", Severity.WARNING, message, cell=cell, count=count))


Breaches = dict[tuple[str, str], tuple[str, int, int]]
"""(path, what is wrong) -> document and line of the first one, and how many there are."""


class _Reading(NamedTuple):
    """What takes the rows of a document, what judges its subjects, and what was found."""

    walker: Walker
    judge: SchemaJudge | None
    breaches: Breaches

    def ask(self, element: Any, root: Any) -> None:
        for breach in self.judge.breaches(element, root) if self.judge is not None else ():
            key = (breach.path, breach.message)
            file, line, count = self.breaches.get(key, (self.walker.file, breach.line, 0))
            self.breaches[key] = (file, line, count + 1)


def _read(path: Path, root: Root, reading: _Reading, log: ReadLog) -> Iterator[tuple[str, int, bytes]]:
    """(identifier, number, JSON of the identifier and, after a tab, of the rows) of the subjects of one document."""
    walker, dialect = reading.walker, reading.walker.dialect
    beside: dict[str, str] | None = None
    try:
        for element, top in subject_elements(path, root, dialect.subject, log):
            if element is None:
                walker.document(top)
                continue
            if beside is None:
                beside = walker.beside(top)
            reading.ask(element, top)
            key, number, rows = walker.subject(element, beside)
            yield key, number, orjson.dumps(key) + b"\t" + rows
    except InputError as error:
        log.cut_off(path.name, error.row or 1, error.what, error.fix or "")


def _account(source: XmlSource, log: ReadLog) -> None:
    """Count the rows and values that were read, and say which elements the profile does not know."""
    log.rows[source.label] = source.paths.rows
    for columns in source.paths.columns:
        for column in columns.values():
            name = f"{source.label}/{column.name}"  # what stands beside the subjects is a column of theirs as well
            log.filled[name] = log.filled.get(name, 0) + column.values
            if column.first is not None:
                message = f"the element is not known to the profile; its {column.values} values are not carried"
                fix = "add it to source.yaml and map.yaml, or leave it out with a reason"
                log.findings.append(
                    Finding(
                        "source.unknown-column", Severity.WARNING, message, Outcome.DROPPED, cell=column.first, fix=fix
                    )
                )
    log.rejected_cells = [(f"{source.label}/{column}", finding) for column, finding in log.rejected_cells]
