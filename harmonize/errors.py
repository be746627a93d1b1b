"""The exceptions: wrong calls, wrong specifications, unreadable input.

What is wrong *in the data* is never an exception but a `harmonize.findings.Finding`.

::

    HarmonizeError                 base; carries `exit_code` of the command line contract
     +-- CallError                 2  a wrong call or configuration
     |    +-- UnknownNameError     2  a name that is not in a closed list, with the closest one
     |    +-- NotAvailableError    2  a thing of the contract that is not there yet, refused by name
     +-- SpecificationError        2  a profile, mapping, schema or terminology file that is wrong
     +-- InputError                3  input that cannot be read, or only partly
     +-- TooManyRejectsError       3  more rejects than `--max-errors` allows
     +-- SortingMemoryError        4  too little memory to sort a table

Exceptions are built from fields, so that they pickle across worker processes. A message says what, where, why
and what to do, and never quotes a value of a patient.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HarmonizeError(Exception):
    """Base of all errors that `harmonize` raises on purpose."""

    exit_code = 4


class CallError(HarmonizeError):
    """A wrong call or configuration. Exit code 2."""

    exit_code = 2


class UnknownNameError(CallError):
    """A name that is not in a closed list.

    >>> str(UnknownNameError("target", "fhir-r3", ["fhir-r4", "hub"]))
    "no target is called 'fhir-r3'. Did you mean 'fhir-r4'? Known: fhir-r4, hub"
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        super().__init__(kind, name, self.known)

    def __str__(self) -> str:
        close = difflib.get_close_matches(self.name, self.known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        listed = ", ".join(self.known[:20]) + (", ..." if len(self.known) > 20 else "")
        return f"no {self.kind} is called {self.name!r}.{hint} Known: {listed or 'none'}"


class NotAvailableError(CallError):
    """A thing that the contract names and that this version does not have."""

    def __init__(self, what: str, instead: str = "") -> None:
        self.what, self.instead = what, instead
        super().__init__(what, instead)

    def __str__(self) -> str:
        return f"{self.what} is not available in this version of harmonize." + (
            f" {self.instead}" if self.instead else ""
        )


class SpecificationError(HarmonizeError):
    """A profile, mapping, schema or terminology file that is wrong. Exit code 2.

    >>> str(SpecificationError("slot 'sex' is not in the hub", file="map.yaml", line=12, fix="use sex_at_birth"))
    "map.yaml:12: slot 'sex' is not in the hub. To mend it: use sex_at_birth"
    """

    exit_code = 2

    def __init__(self, what: str, *, file: str = "", line: int | None = None, fix: str = "") -> None:
        self.what, self.file, self.line, self.fix = what, file, line, fix
        super().__init__(what)

    def __reduce__(self) -> tuple[object, ...]:
        return (_specification_error, (self.what, self.file, self.line, self.fix))

    def __str__(self) -> str:
        where = self.file + (f":{self.line}" if self.line else "")
        return (f"{where}: " if where else "") + self.what + (f". To mend it: {self.fix}" if self.fix else "")


def _specification_error(what: str, file: str, line: int | None, fix: str) -> SpecificationError:
    return SpecificationError(what, file=file, line=line, fix=fix)


class InputError(HarmonizeError):
    """Input that cannot be read, or only partly. Exit code 3."""

    exit_code = 3

    def __init__(self, what: str, *, file: str = "", row: int | None = None, fix: str = "") -> None:
        self.what, self.file, self.row, self.fix = what, file, row, fix
        super().__init__(what)

    def __reduce__(self) -> tuple[object, ...]:
        return (_input_error, (self.what, self.file, self.row, self.fix))

    def __str__(self) -> str:
        where = self.file + (f", row {self.row}" if self.row else "")
        return (f"{where}: " if where else "") + self.what + (f". To mend it: {self.fix}" if self.fix else "")


def _input_error(what: str, file: str, row: int | None, fix: str) -> InputError:
    return InputError(what, file=file, row=row, fix=fix)


class SortingMemoryError(HarmonizeError):
    """There is too little memory to bring a table into the order of the subjects. Exit code 4; the run can go on with more."""

    def __str__(self) -> str:
        return (
            "there is too little memory to sort a table. To mend it: give more with --memory and run again with --resume, or "
            "give the table in the order of the subjects"
        )


class TooManyRejectsError(HarmonizeError):
    """More subjects or rows were rejected than `--max-errors` allows. Exit code 3."""

    exit_code = 3

    def __init__(self, rejected: int, read: int, allowed: str) -> None:
        self.rejected, self.read, self.allowed = rejected, read, allowed
        super().__init__(rejected, read, allowed)

    def __str__(self) -> str:
        return (
            f"{self.rejected} of {self.read} rows were rejected, more than --max-errors {self.allowed} allows. "
            "To mend it: read private/rejects.ndjson, correct the input or raise --max-errors"
        )
