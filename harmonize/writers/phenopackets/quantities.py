"""Quantities: a double with its unit.

Source: phenopacket-schema v2, measurement.proto, and its page Quantity, which requires both.
"""

from __future__ import annotations

from math import isinf
from typing import Any

import orjson

from harmonize.findings import Outcome
from harmonize.hub.objects import HubObject
from harmonize.writers.phenopackets.sheet import Sheet, double


def quantity_of(sheet: Sheet, quantity: HubObject, inside: str) -> dict[str, Any] | None:
    """The Quantity; None, with a loss, where it has no unit or the number is past all bounds."""
    unit = _unit(sheet, quantity, inside)
    if unit is None:
        sheet.lost(quantity, "value", inside, "a quantity needs a unit; the source states none")
        return None
    number, exact = double(quantity["value"])
    if exact:
        sheet.run.common.learn_number(quantity["value"], number)
    else:
        if isinf(number):
            for slot in ("value", "unit", "unit_source"):  # a unit says nothing without its number
                if slot in quantity:
                    sheet.lost(quantity, slot, f"{inside}/value", "the number is too large for a double")
            return None
        message = "the number has more digits than a double holds"
        sheet.lost(quantity, "value", f"{inside}/value", message, Outcome.COARSENED)
    if "comparator" in quantity:
        sheet.lost(quantity, "comparator", inside, "a quantity of v2 has no comparator")
    return {"unit": unit, "value": number} if number else {"unit": unit}


def _unit(sheet: Sheet, quantity: HubObject, inside: str) -> orjson.Fragment | None:
    if "unit" in quantity:
        sheet.prefixes.add("UCUM")
        return sheet.run.unit(quantity["unit"])
    term = sheet.term(quantity, "unit_source", f"{inside}/unit")
    return None if term is None else term.body
