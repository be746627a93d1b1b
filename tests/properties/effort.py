"""How many examples a property gets: few in every run, many at night (`PROPERTY_EFFORT=20 pytest tests/properties`)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_EFFORT = int(os.environ.get("PROPERTY_EFFORT", "1"))


def examples(number: int) -> settings:
    """Settings for *number* examples, times the effort; machines that are slow or busy are no failure."""
    return settings(
        max_examples=number * _EFFORT,
        deadline=None,
        derandomize=_EFFORT == 1,  # a run of CI finds what the last one found; the long ones look further
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
