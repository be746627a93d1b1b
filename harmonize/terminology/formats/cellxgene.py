"""Ontologies as the JSON of PyPI's cellxgene-ontology-guide: one object, code -> label, synonyms, ancestors, replacements.

Source: cellxgene-ontology-guide 1.11.1, https://github.com/chanzuckerberg/cellxgene-ontology-guide, `ontology-assets/`. `ancestors` is
the whole closure with the distance of each, 1 being a parent; there are no cross references. Neither ontology nor edition stand in the
file: the ontology is that of the codes where they are all of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harmonize.terminology.build import Term
from harmonize.terminology.formats.source import Request, Source, Stated, the_only


def read_cellxgene(sources: Sequence[Source], request: Request, stated: Stated) -> Iterator[Term]:
    """A .json, or .json.zst as it is published."""
    source = the_only(sources, ".json", ".json.zst")
    document = source.json()
    if not is_cellxgene(document):
        raise source.error("no ontology of cellxgene-ontology-guide: its values have no label and ancestors")
    prefixes = {code.partition(":")[0] for code in document}
    stated.curies = True
    stated.system = request.system or (prefixes.pop() if len(prefixes) == 1 else "")
    foreign = 0
    try:
        for term in terms_of(document):
            if term.code.startswith(f"{stated.system}:") or not stated.system:
                yield term
            else:
                foreign += 1
    except (AttributeError, KeyError, TypeError):
        raise source.error("a term is not as cellxgene-ontology-guide writes it") from None
    if foreign:
        stated.said.append(f"{foreign} terms of other ontologies in the file are left out")


def is_cellxgene(document: Any) -> bool:
    """Whether *document* is such an ontology, by its first term."""
    first = next(iter(document.values()), None) if isinstance(document, dict) else None
    return isinstance(first, dict) and {"label", "ancestors", "deprecated"} <= first.keys()


def terms_of(document: Mapping[str, Any]) -> Iterator[Term]:
    """The terms of the document."""
    for code, body in document.items():
        replaced = body.get("replaced_by")
        yield Term(
            code=code,
            label=body.get("label", ""),
            obsolete=bool(body.get("deprecated")),
            names=[("exact", text) for text in body.get("synonyms", ())],
            replaced_by=[replaced] if replaced else [],
            consider=list(body.get("consider", ())),
            ancestors=sorted(body.get("ancestors", {})),
        )
