"""The one place where all meet: plan(profile, targets) -> work(batch) -> outcome.

`engine` compiles a profile with its writers; `batches` carry subjects to workers, `worker` converts them and accounts for
every cell; `run` moves files through workers into a folder, `checkpoint` lets it go on; `converter` serves records and
frames in memory (`frames` are read, `results` are written as Arrow, `row_findings` says what became of rows); `consent`
reads what a record allows.
"""

from harmonize.convert.converter import Converter, Subject
from harmonize.convert.engine import CONSENT_MODES, Engine, Settings, make_environment
from harmonize.convert.results import ResultBatch, documents_reader, findings_reader, result_batches
from harmonize.convert.run import Progress, RunOptions, RunOutcome, convert_files, default_instant

__all__ = [
    "CONSENT_MODES",
    "Converter",
    "Engine",
    "Progress",
    "ResultBatch",
    "RunOptions",
    "RunOutcome",
    "Settings",
    "Subject",
    "convert_files",
    "default_instant",
    "documents_reader",
    "findings_reader",
    "make_environment",
    "result_batches",
]
