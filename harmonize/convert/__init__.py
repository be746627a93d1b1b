"""The one place where all meet: plan(profile, targets) -> work(batch) -> outcome.

`engine` compiles a profile with its writers; `worker` converts batches and accounts for every cell; `run` moves files
through workers into a folder; `converter` serves records in memory; `consent` reads what a record allows.
"""

from harmonize.convert.converter import Converter, Subject
from harmonize.convert.engine import CONSENT_MODES, Engine, Settings, make_environment
from harmonize.convert.run import Progress, RunOptions, RunOutcome, convert_files, default_instant

__all__ = [
    "CONSENT_MODES",
    "Converter",
    "Engine",
    "Progress",
    "RunOptions",
    "RunOutcome",
    "Settings",
    "Subject",
    "convert_files",
    "default_instant",
    "make_environment",
]
