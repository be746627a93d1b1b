"""`--max-errors`: how many rows or subjects may be rejected before a run has failed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from harmonize.errors import CallError, TooManyRejectsError


class RejectLimit(NamedTuple):
    """How much may be rejected: a number of rows or of subjects, or a share of each."""

    text: str
    number: int | None
    share: float | None

    def error(self, rows: Mapping[str, Mapping[str, int]], subjects: Mapping[str, int]) -> TooManyRejectsError | None:
        """The error where more is rejected than is allowed. *rows* counts by file, *subjects* all of them."""
        rows_read = sum(counts["read"] for counts in rows.values())
        rows_rejected = sum(counts["rejected"] for counts in rows.values())
        if self.share is not None:
            many = rows_rejected > self.share * rows_read or subjects["rejected"] > self.share * subjects["read"]
        else:
            many = max(rows_rejected, subjects["rejected"]) > (self.number or 0)
        return TooManyRejectsError(rows_rejected, rows_read, self.text) if many else None


def reject_limit(text: str) -> RejectLimit:
    """`10%` or `25` as a limit. Raises CallError for anything else.

    >>> reject_limit("2.5%").share
    0.025
    """
    share = re.fullmatch(r"([0-9]+(?:[.][0-9]+)?)%", text)
    if share is not None and float(share[1]) <= 100:
        return RejectLimit(text, None, float(share[1]) / 100)
    if re.fullmatch(r"[0-9]{1,18}", text):
        return RejectLimit(text, int(text), None)
    raise CallError("--max-errors is neither a number nor a percentage up to 100%. To mend it: write 25 or 10%")
