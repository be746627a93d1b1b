"""harmonize: national clinical records into shared forms, with an exact account of what was lost.

Importing this package loads nothing heavy: every name below is found when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from harmonize.convert import (
        Converter,
        ResultBatch,
        RunOptions,
        RunOutcome,
        Settings,
        Subject,
        convert_files,
        documents_reader,
        findings_reader,
        result_batches,
    )
    from harmonize.errors import CallError, HarmonizeError, InputError, SpecificationError
    from harmonize.findings import Finding, Outcome, Severity
    from harmonize.profiles.loading import load_profile
    from harmonize.profiles.specification import Profile

_WHERE = {
    "CallError": "harmonize.errors",
    "Converter": "harmonize.convert",
    "Finding": "harmonize.findings",
    "HarmonizeError": "harmonize.errors",
    "InputError": "harmonize.errors",
    "Outcome": "harmonize.findings",
    "Profile": "harmonize.profiles.specification",
    "ResultBatch": "harmonize.convert",
    "RunOptions": "harmonize.convert",
    "RunOutcome": "harmonize.convert",
    "Settings": "harmonize.convert",
    "Severity": "harmonize.findings",
    "SpecificationError": "harmonize.errors",
    "Subject": "harmonize.convert",
    "convert_files": "harmonize.convert",
    "documents_reader": "harmonize.convert",
    "findings_reader": "harmonize.convert",
    "load_profile": "harmonize.profiles.loading",
    "result_batches": "harmonize.convert",
}

__all__ = [
    "CallError",
    "Converter",
    "Finding",
    "HarmonizeError",
    "InputError",
    "Outcome",
    "Profile",
    "ResultBatch",
    "RunOptions",
    "RunOutcome",
    "Settings",
    "Severity",
    "SpecificationError",
    "Subject",
    "convert_files",
    "documents_reader",
    "findings_reader",
    "load_profile",
    "result_batches",
]


def __getattr__(name: str) -> Any:
    where = _WHERE.get(name)
    if where is None:
        raise AttributeError(f"module 'harmonize' has no attribute {name!r}")
    return getattr(importlib.import_module(where), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
