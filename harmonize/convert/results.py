"""Converted subjects as Arrow: documents and findings in batches, for Polars, DuckDB, Parquet and whatever reads Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from harmonize.convert.converter import Subject
from harmonize.convert.frames import load_pyarrow
from harmonize.errors import CallError
from harmonize.findings import Finding
from harmonize.writers import Document

if TYPE_CHECKING:
    import pyarrow as pa

DOCUMENT_COLUMNS = ("subject_id", "target", "kind", "document_id", "document")
FINDING_COLUMNS = (
    "rule", "severity", "outcome", "subject_id", "table", "row", "column", "target", "path", "message", "fix", "count",
)  # fmt: skip
_WHOLE_NUMBERS = ("row", "count")


class ResultBatch(NamedTuple):
    """The documents and the findings of some subjects, as Arrow record batches of `documents_reader` and `findings_reader`."""

    documents: pa.RecordBatch
    findings: pa.RecordBatch


def result_batches(subjects: Iterable[Subject], *, size: int = 500) -> Iterator[ResultBatch]:
    """Documents and findings of *size* subjects at a time, lazily: for a caller that wants both from one conversion.

    Raises CallError where *size* is no positive number, or pyarrow is not installed.

    >>> from harmonize import Converter
    >>> converter = Converter("eu/ern-cde", targets=["phenopackets"], key=bytes(32), site="demo")
    >>> batch = next(result_batches(converter.convert([{"pid": "1"}, {"pid": "2"}])))
    >>> batch.documents.num_rows, batch.findings.schema.names[:3]
    (2, ['rule', 'severity', 'outcome'])
    """
    arrow = load_pyarrow()
    for some in _by_size(subjects, size):
        yield ResultBatch(_documents(arrow, some), _findings(arrow, some))


def documents_reader(subjects: Iterable[Subject], *, size: int = 500) -> pa.RecordBatchReader:
    """The documents as a stream of Arrow batches, one row a document, one batch for *size* subjects.

    All columns are texts: `subject_id` (the pseudonym), `target`, `kind` (the stem of the file that `convert` writes:
    `Patient`, `phenopackets`, `subjects`), `document_id`, and `document`, the JSON. The stream is read once; Polars takes
    it with `polars.from_arrow`, DuckDB with `duckdb.from_arrow`. Raises CallError as `result_batches` does.

    >>> from harmonize import Converter
    >>> converter = Converter("eu/ern-cde", targets=["hub", "fhir-r4"], key=bytes(32), site="demo")
    >>> documents_reader(converter.convert([{"pid": "1"}])).read_all().column("kind").to_pylist()
    ['subjects', 'Patient']
    """
    arrow = load_pyarrow()
    batches = (_documents(arrow, some) for some in _by_size(subjects, size))
    return arrow.RecordBatchReader.from_batches(_schema(arrow, DOCUMENT_COLUMNS), batches)


def findings_reader(subjects: Iterable[Subject], *, size: int = 500) -> pa.RecordBatchReader:
    """The findings as a stream of Arrow batches, one row a finding, one batch for *size* subjects.

    Columns are those of `harmonize.Finding`, with the cell as `table`, `row` and `column`. Findings stay on the node, as
    the folder `private/` does: a row of a table can identify a person. Raises CallError as `result_batches` does.

    >>> from harmonize import Converter
    >>> converter = Converter("eu/ern-cde", key=bytes(32), site="demo")
    >>> findings_reader(converter.convert([{"pid": ""}])).read_all().column("rule").to_pylist()
    ['source.no-subject-id']
    """
    arrow = load_pyarrow()
    batches = (_findings(arrow, some) for some in _by_size(subjects, size))
    return arrow.RecordBatchReader.from_batches(_schema(arrow, FINDING_COLUMNS), batches)


def _by_size(subjects: Iterable[Subject], size: int) -> Iterator[list[Subject]]:
    if size < 1:
        raise CallError("size is a positive number of subjects")
    taken = iter(subjects)
    while some := list(islice(taken, size)):
        yield some


def _documents(arrow: Any, some: list[Subject]) -> pa.RecordBatch:
    return _batch(arrow, DOCUMENT_COLUMNS, [row for subject in some for row in _document_rows(subject)])


def _findings(arrow: Any, some: list[Subject]) -> pa.RecordBatch:
    return _batch(arrow, FINDING_COLUMNS, [_finding_row(finding) for subject in some for finding in subject.findings])


def _schema(arrow: Any, columns: Iterable[str]) -> pa.Schema:
    kinds = [(name, arrow.int64() if name in _WHOLE_NUMBERS else arrow.string()) for name in columns]
    return arrow.schema(kinds)


def _batch(arrow: Any, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    schema = _schema(arrow, columns)
    arrays = [arrow.array([row[place] for row in rows], schema.field(name).type) for place, name in enumerate(columns)]
    return arrow.RecordBatch.from_arrays(arrays, schema=schema)


def _document_rows(subject: Subject) -> Iterator[tuple[Any, ...]]:
    for target, documents in subject.documents.items():
        for document in documents:
            yield _document_row(subject, target, document)


def _document_row(subject: Subject, target: str, document: Document) -> tuple[Any, ...]:
    identifier = subject.record["subject_id"] if subject.record is not None else None
    return identifier, target, document.stem, document.document_id, document.line.decode()


def _finding_row(finding: Finding) -> tuple[Any, ...]:
    file, row, column = finding.cell or (None, None, None)
    outcome = finding.outcome.value if finding.outcome else None
    start = (finding.rule, finding.severity.value, outcome, finding.subject, file, row, column)
    return (*start, finding.target, finding.path, finding.message, finding.fix, finding.count)
