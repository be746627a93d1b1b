"""Check digits that code systems end their codes with, by the name that `check` of `mappings/systems/<ID>.yaml` states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

_ROTATION = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
"""Verhoeff's permutation of the digits, once for every place from the right."""


def _powers(count: int) -> tuple[tuple[int, ...], ...]:
    powers = [tuple(range(10))]
    for _ in range(count - 1):
        powers.append(tuple(_ROTATION[digit] for digit in powers[-1]))
    return tuple(powers)


def _product(a: int, b: int) -> int:
    """The product in D5, the symmetries of a pentagon: 0-4 turn it, 5-9 turn it over."""
    turned = (a + b) % 5 if a < 5 else (a - b) % 5
    return turned if (a < 5) == (b < 5) else 5 + turned


_POWERS = _powers(8)
_PRODUCTS = tuple(tuple(_product(a, b) for b in range(10)) for a in range(10))


def verhoeff(code: str) -> bool:
    """Whether the digits of *code* end in their Verhoeff check digit, as identifiers of SNOMED CT do.

    >>> verhoeff("73211009"), verhoeff("73211008")
    (True, False)
    """
    product = 0
    for place, digit in enumerate(reversed(code)):
        product = _PRODUCTS[product][_POWERS[place % 8][int(digit)]]
    return product == 0


def luhn(code: str) -> bool:
    """Whether *code*, digits with a hyphen, ends in its mod 10 check digit, as LOINC's terms do. A code with letters is not judged.

    >>> luhn("8480-6"), luhn("8480-5"), luhn("LA6668-3")
    (True, False, True)
    """
    digits = code.replace("-", "")
    if not digits.isdecimal():
        return True
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def mod_11_2(code: str) -> bool:
    """Whether *code*, digits with hyphens, ends in its check character of ISO 7064 MOD 11-2, as ORCID iDs do.

    Source: https://support.orcid.org/hc/en-us/articles/360006897674-Structure-of-the-ORCID-Identifier

    >>> mod_11_2("0000-0002-1825-0097"), mod_11_2("0000-0002-1694-233X"), mod_11_2("0000-0002-1825-0098")
    (True, True, False)
    """
    plain = code.replace("-", "")
    total = 0
    for digit in plain[:-1]:
        total = (total + int(digit)) * 2
    return "0123456789X"[(12 - total % 11) % 11] == plain[-1:]


CHECKS: Mapping[str, Callable[[str], bool]] = MappingProxyType({"verhoeff": verhoeff, "luhn": luhn})
