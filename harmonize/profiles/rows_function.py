"""What makes the hub objects of a table's rows: the generated function, or the machine that runs the same as steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from harmonize.extensions import extension
from harmonize.hub.objects import DerivedObject, HubObject
from harmonize.profiles.notes import Noted, SubjectLog
from harmonize.profiles.plan import Derive
from harmonize.profiles.row_programs import RowProgram
from harmonize.profiles.source_record import RawRow

DeriveRows = Callable[[Sequence[RawRow], SubjectLog], list[HubObject]]


def rows_function(function: Derive, program: RowProgram | None) -> DeriveRows:
    """What makes the hub objects of rows, without those that hold nothing; *function* makes one of one row, and says what is to be said.

    With the compiled extension the *program* runs, and the function where the program gives up a row.
    """
    machine = extension("harmonize.profiles.row_machine")
    if machine is None or program is None:
        return lambda rows, log: [made for row in rows if (made := function(row, log)) is not None]
    made: Any = machine.RowMachine(program, DerivedObject, Noted, function)
    run: DeriveRows = made
    return run
