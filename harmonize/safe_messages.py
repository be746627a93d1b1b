"""The one function that renders exceptions for people: class and place, never a value of a patient.

pydantic, fhir.resources and jsonschema messages quote what they refuse; a traceback shows source lines and may show
locals. So an exception that is not ours is reduced to its class and the line of our code where it arose.
"""

from __future__ import annotations

import traceback
from pathlib import Path

from harmonize.errors import HarmonizeError

_PACKAGE = Path(__file__).resolve().parent


def safe_message(error: BaseException) -> str:
    """What may be said of *error* in a log, a finding or on stderr.

    >>> safe_message(ValueError("Anna Muster, born 1985-09-10"))
    'ValueError'
    """
    if isinstance(error, HarmonizeError):
        return str(error)
    place = ""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(_PACKAGE):
            place = f" at {path.relative_to(_PACKAGE.parent)}:{frame.lineno}"
            break
    return type(error).__name__ + place
