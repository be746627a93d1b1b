"""The IRIs of hub records in RDF. One scheme, the same that LinkML gives the hub:

- `https://w3id.org/harmonize/Diagnosis`, `https://w3id.org/harmonize/birth_date`: classes and slots of the hub;
- `https://w3id.org/harmonize/record/<subject_id>#/diagnoses/0/code`: an object of a record, by its JSON Pointer;
- codes: the IRI of `mappings/prefixes.yaml`, with what an IRI cannot hold percent-encoded;
- `https://w3id.org/harmonize/shapes/hmd/<item>`: the shape of an item.
"""

from __future__ import annotations

from functools import cache
from urllib.parse import quote

from harmonize.shipped import mappings_folder
from harmonize.terminology.strict_yaml import load_strict_yaml

HUB = "https://w3id.org/harmonize/"
RECORD = f"{HUB}record/"
SHAPES = f"{HUB}shapes/"
UNKNOWN_CODE = f"{HUB}code/"
_SAFE = "/#?=&:;,@!$*+~.-_()'"


@cache
def code_prefixes() -> dict[str, str]:
    """CURIE prefix -> IRI prefix."""
    tree, _ = load_strict_yaml(mappings_folder() / "prefixes.yaml", name="prefixes.yaml")
    return {str(prefix): str(iri) for prefix, iri in tree.items()}


def code_iri(curie: str) -> str:
    """The IRI of a code; below `code/` where its system is not known.

    >>> code_iri("HP:0001250")
    'http://purl.obolibrary.org/obo/HP_0001250'
    >>> code_iri("HGVS:NM_004006.2:c.4375C>T")
    'https://w3id.org/harmonize/hgvs/NM_004006.2:c.4375C%3ET'
    """
    prefix, _, local = curie.partition(":")
    iri = code_prefixes().get(prefix)
    return f"{UNKNOWN_CODE}{quote(curie, safe='')}" if iri is None else iri + quote(local, safe=_SAFE)


def record_iri(subject_id: str) -> str:
    """The IRI of a record.

    >>> record_iri("a b/1")
    'https://w3id.org/harmonize/record/a%20b%2F1'
    """
    return RECORD + quote(subject_id, safe="")


def object_iri(record: str, pointer: str) -> str:
    """The IRI of the object at a JSON Pointer of a record."""
    return f"{record}#{quote(pointer, safe='/~')}" if pointer else record


def hub_iri(name: str) -> str:
    """The IRI of a class or slot of the hub.

    >>> hub_iri("Subject")
    'https://w3id.org/harmonize/Subject'
    """
    return HUB + quote(name, safe="")
