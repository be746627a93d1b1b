"""Where the sample data lie that may not be copied into the project."""

from __future__ import annotations

import os
from pathlib import Path

SHARED = Path(os.environ.get("HARMONIZE_TEST_SHARED", Path(__file__).parents[2] / "shared")) / "data"
ERN = SHARED / "national-formats" / "eu-ern-cde-csv"
