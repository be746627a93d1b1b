"""How FHIR resources name one another and their code systems: `Type/id`, URLs, Bundles.

FHIR R4 (4.0.1), 2.3.0 References between Resources, and 2.36.4 Resolving references in Bundles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(/_history/[A-Za-z0-9\-.]{1,64})?")
CONDITIONAL = re.compile(r"[A-Z][A-Za-z]+[?]\S+")
"""A search that stands for the one resource that it finds, in transactions (FHIR R4, 3.1.0.11.2)."""
ABSOLUTE = re.compile(r"(https?|urn|oid):\S+")


class Bundled(NamedTuple):
    """A resource of a Bundle: the number of its entry, and the address that other entries know it by (empty where it has none)."""

    number: int
    full_url: str
    resource: Any


def is_bundle(document: Any) -> bool:
    """Whether *document* is a Bundle.

    >>> is_bundle({"resourceType": "Bundle"}), is_bundle({"resourceType": "Patient"}), is_bundle([])
    (True, False, False)
    """
    return isinstance(document, dict) and document.get("resourceType") == "Bundle"


def bundled(document: Mapping[str, Any]) -> Iterator[Bundled]:
    """The resources of the Bundle *document*; entries that hold none are passed over."""
    entries = document.get("entry")
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict) and "resource" in entry:
            url = entry.get("fullUrl")
            yield Bundled(index, url if isinstance(url, str) else "", entry["resource"])


def reference_key(resource: Any) -> str | None:
    """`Type/id` by which other resources refer to *resource*.

    >>> reference_key({"resourceType": "Patient", "id": "a"})
    'Patient/a'
    """
    if (
        isinstance(resource, dict)
        and isinstance(resource.get("resourceType"), str)
        and isinstance(resource.get("id"), str)
    ):
        return f"{resource['resourceType']}/{resource['id']}"
    return None
