"""The compiled extensions: parts of the inner loop that are there twice, in Python and as C made by Cython, and do the same.

An installation without them (no compiler, another machine) converts to the same bytes, slower. `hatch_build.py` builds them.
"""

from __future__ import annotations

import importlib
import os
from functools import cache
from types import ModuleType
from typing import TypeVar

Class = TypeVar("Class")

SWITCH = "HARMONIZE_PURE_PYTHON"
"""Environment variable: where it is set and not empty, the extensions are left alone."""
EXTENSIONS = (
    "harmonize.checks.first_looks",
    "harmonize.convert.lineage_texts",
    "harmonize.hub.identity_texts",
    "harmonize.input.element_walking",
    "harmonize.input.row_cutting",
    "harmonize.keyed_hashes",
    "harmonize.profiles.row_machine",
    "harmonize.profiles.tree_machine",
    "harmonize.writers.fhir.sheet_methods",
    "harmonize.writers.phenopackets.element_texts",
    "harmonize.writers.phenopackets.sheet_methods",
)


@cache
def extension(name: str) -> ModuleType | None:
    """The extension *name*, or None where it was not built for this Python and machine, or is switched off.

    A process asks the environment once for each: this is asked for every record. `extension.cache_clear()` has it asked again.

    >>> extension("harmonize.no_such_extension") is None
    True
    """
    if os.environ.get(SWITCH):
        return None
    try:
        return importlib.import_module(name)
    except (ImportError, TypeError, ValueError):  # the last two: it was built for another lxml
        return None


def with_methods_of(name: str, in_python: type[Class]) -> type[Class]:
    """*in_python* with those of its methods that the extension *name* has, in its class `Methods`, in place of its own.

    >>> with_methods_of("harmonize.no_such_extension", dict)
    <class 'dict'>
    """
    compiled = extension(name)
    return in_python if compiled is None else type(in_python.__name__, (compiled.Methods, in_python), {})
