"""UCUM units through the package ucumvert, whose grammar is slow to load: answers are kept by unit."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from harmonize.terminology.answers import Found, Unknown

VERSION = "2.2"


@cache
def _parser() -> Any:
    from ucumvert import get_ucum_parser

    return get_ucum_parser()


@lru_cache(maxsize=10_000)
def check_unit(unit: str) -> Found | Unknown:
    """Whether *unit* is a UCUM unit.

    >>> check_unit("mg/dL").code, type(check_unit("furlongs!")).__name__
    ('UCUM:mg/dL', 'Unknown')
    """
    from lark.exceptions import LarkError

    try:
        _parser().parse(unit)
    except LarkError:
        return Unknown(f"UCUM:{unit}", "UCUM", VERSION)
    return Found(f"UCUM:{unit}", unit, "UCUM", VERSION)
