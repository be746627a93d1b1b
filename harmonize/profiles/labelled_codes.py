"""A code behind its label, as people choose it from a list: `primary tumour (NCIT:C8509)`. Written and read here alone.

What is read is the code; the label is for people. A code has no blanks, but may have parentheses of its own, as HGVS does.
"""

from __future__ import annotations

import re

_BEHIND_A_BLANK = re.compile(r"(.*\s)?[(](\S+)[)]", re.DOTALL)
_CLOSE_BEHIND = re.compile(r"([^:]*)[(]([^()\s:]+:[^()\s]+)[)]", re.DOTALL)
"""A person left the blank out before a CURIE or IRI. What has a colon before the parenthesis is a code itself."""


_ANOTHER_ENTRY = re.compile(r"[(][^()\s:]+:[^()\s]+[)]|(?<!\S)[|](?!\S)")
"""A code in parentheses, or the mark between values, before the last code: the text is more than one entry."""


def labelled(label: str, code: str) -> str:
    """*code* as it stands in a list.

    >>> labelled("primary tumour", "NCIT:C8509")
    'primary tumour (NCIT:C8509)'
    """
    return f"{label} ({code})"


def stated_code(text: str) -> str:
    """The code in *text*: what stands in parentheses at its end, else the text; all of a text of several entries, which is no code.

    >>> stated_code("Primary Tumor (NCIT:C8509)"), stated_code(" NCIT:C8509 ")
    ('NCIT:C8509', 'NCIT:C8509')
    >>> stated_code("male (GENDER:male) | female (GENDER:female)")
    'male (GENDER:male) | female (GENDER:female)'
    >>> stated_code("HGVS:NC_000023.10:g.(31060227_31100351)"), stated_code("mg/(24.h)")
    ('HGVS:NC_000023.10:g.(31060227_31100351)', 'mg/(24.h)')
    """
    return _split(text)[1]


def stated_label(text: str) -> str:
    """The label beside the code in *text*; empty where the code stands alone.

    >>> stated_label("Primary Tumor (NCIT:C8509)"), stated_label("NCIT:C8509")
    ('Primary Tumor', '')
    """
    return _split(text)[0]


def _split(text: str) -> tuple[str, str]:
    clean = text.strip()
    found = _BEHIND_A_BLANK.fullmatch(clean) or _CLOSE_BEHIND.fullmatch(clean)
    if found is None or _ANOTHER_ENTRY.search(found[1] or ""):
        return "", clean
    return (found[1] or "").strip(), found[2]
