"""Rules on measurements: bounds that nobody passes alive, a reference range the right way round; and what has no result or no unit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from harmonize.checks.violations import Circumstances, Violation
from harmonize.extensions import extension
from harmonize.hub.objects import HubObject
from harmonize.terminology.strict_yaml import load_strict_yaml

FILE = Path(__file__).parent / "tables" / "measurements.yaml"


@cache
def bounds() -> dict[str, dict[str, tuple[float, float]]]:
    """Code of an assay -> UCUM unit -> the lowest and the highest value. The table is our judgement.

    >>> bounds()["LOINC:8310-5"]["Cel"]
    (10.0, 47.0)
    """
    tree, _ = load_strict_yaml(FILE, name=FILE.name)
    return {
        row["code"]: {unit: (float(low), float(high)) for unit, (low, high) in row["units"].items()}
        for row in tree["bounds"]
    }


def check_measurements(record: HubObject, circumstances: Circumstances) -> Iterable[Violation]:
    """Every measurement by itself."""
    measurements = record.get("measurements")
    if not measurements:
        return ()
    return [violation for index in _to_judge(measurements) for violation in _judged(measurements[index], index)]


def _to_judge(measurements: Sequence[HubObject]) -> Sequence[int]:
    """The indexes of those that may break a rule: of all, where no compiled extension tells them apart."""
    compiled = extension("harmonize.checks.first_looks")
    if compiled is None:
        return range(len(measurements))
    found: list[int] = compiled.measurements_to_judge(measurements, bounds())
    return found


def _judged(measurement: HubObject, index: int) -> Iterator[Violation]:
    if "value" in measurement and "assay" in measurement:
        unit = measurement["value"].get("unit")
        for coding in measurement["assay"].get("codings", ()):
            bounded = bounds().get(coding["code"])
            if bounded is not None and unit in bounded:
                yield from _out_of_bounds(measurement, index, coding["code"])
                break
    if "reference_low" in measurement and "reference_high" in measurement:
        low, high = (_number({"value": measurement[slot]}) for slot in ("reference_low", "reference_high"))
        if low is not None and high is not None and low > high:
            path, message = f"/measurements/{index}/reference_low", "reference_low is above reference_high"
            yield Violation("plausibility.reference-range", path, message, measurement, "reference_low")


def has_no_result(measurement: Mapping[str, Any]) -> bool:
    """Whether a result is missing: not where it was cancelled, is awaited, or is said by its interpretation."""
    if "value" in measurement or "coded_value" in measurement or "interpretation" in measurement:
        return False
    return measurement.get("status") not in ("cancelled", "entered-in-error", "registered")


def has_no_unit(measurement: Mapping[str, Any]) -> bool:
    """Whether the result is a number without a unit, of UCUM or as the source states it."""
    value = measurement.get("value")
    return value is not None and "unit" not in value and "unit_source" not in value


def _out_of_bounds(measurement: HubObject, index: int, code: str) -> Iterator[Violation]:
    """Whether the value of the assay *code* is out of the bounds that there are for its unit."""
    value = measurement["value"]
    low, high = bounds()[code][value["unit"]]
    number = _number(value)
    if number is not None and not low <= number <= high:
        message = f"the value of {code} in {value['unit']} is not between {low:g} and {high:g}"
        yield Violation("plausibility.value-range", f"/measurements/{index}/value", message, measurement, "value")


def _number(quantity: Mapping[str, str]) -> float | None:
    """The number of a quantity; None for a text that breaks the hub's schema, of which other rules speak."""
    try:
        return float(quantity["value"])
    except (KeyError, ValueError):
        return None
