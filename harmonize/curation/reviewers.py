"""Who reviews mappings: an ORCID iD, as SSSOM recommends for reviewer_id."""

from __future__ import annotations

import re

from harmonize.errors import CallError
from harmonize.terminology.check_digits import mod_11_2

ORCID_PREFIX, ORCID_IRI = "orcid", "https://orcid.org/"
_ORCID = re.compile(r"(?:orcid:|https?://orcid\.org/)?([0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X])", re.IGNORECASE)


def reviewer_curie(text: str) -> str:
    """The CURIE of the ORCID iD *text*: bare, a CURIE or an IRI. Raises CallError for what is none.

    Source: SSSOM, reviewer_id, https://mapping-commons.github.io/sssom/reviewer_id/

    >>> reviewer_curie("https://orcid.org/0000-0002-1694-233X"), reviewer_curie("0000-0002-1825-0097")
    ('orcid:0000-0002-1694-233X', 'orcid:0000-0002-1825-0097')
    """
    match = _ORCID.fullmatch(text.strip())
    if match is None:
        raise CallError(f"--reviewer {text!r} is no ORCID iD. To mend it: give one as 0000-0002-1825-0097")
    digits = match[1].upper()
    if not mod_11_2(digits):
        raise CallError(f"--reviewer {text!r}: the check digit is wrong. To mend it: copy your iD from orcid.org")
    return f"{ORCID_PREFIX}:{digits}"
