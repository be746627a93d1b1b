"""Codes whose check digit is right, for generators that know only the pattern."""

from __future__ import annotations

from harmonize.terminology.check_digits import CHECKS
from harmonize.terminology.notation import CodeSystem


def with_check_digit(local: str, system: CodeSystem) -> str:
    """*local* with the last digit that the check of *system* asks for, where it has one."""
    if system.check is None or CHECKS[system.check](local):
        return local
    return next(text for digit in "0123456789" if CHECKS[system.check](text := local[:-1] + digit))
