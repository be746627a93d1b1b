"""One vocabulary out of the tables of OMOP's Athena.

Source: OMOP CDM 5.4, CONCEPT, CONCEPT_ANCESTOR, CONCEPT_SYNONYM, VOCABULARY. Athena writes tabs and no quotes; tables with commas are
read too. The ancestors of OMOP hold for standard concepts of all vocabularies together: those of the vocabulary are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harmonize.errors import CallError, InputError
from harmonize.terminology.build import Term
from harmonize.terminology.formats.source import Request, Source, Stated, read_rows
from harmonize.terminology.notation import load_systems

_COLUMNS = ["concept_id", "concept_name", "vocabulary_id", "concept_code", "invalid_reason"]


def read_omop(sources: Sequence[Source], request: Request, stated: Stated) -> Iterator[Term]:
    """CONCEPT.csv alone, or the folder or .zip that Athena gives. `--system` says which vocabulary."""
    if not request.system:
        raise CallError("OMOP tables hold many vocabularies. To mend it: give --system, such as SNOMEDCT")
    named = {source.base.lower(): source for source in sources}
    table = sources[0] if len(sources) == 1 else named.get("concept.csv")
    if table is None:
        raise InputError("there is no CONCEPT.csv in it")
    known = load_systems().get(request.system)
    vocabularies = {request.system, *(known.omop if known else ())}
    terms: dict[str, Term] = {}
    seen: dict[str, str] = {}
    for row in read_rows(table, _COLUMNS):
        if row["vocabulary_id"] not in vocabularies:
            continue
        if row["invalid_reason"] not in ("", "NA", "D", "U"):
            raise table.error("invalid_reason is none of D, U or empty")
        if row["concept_id"] in terms or row["concept_code"] in seen:
            raise table.error(f"the code {row['concept_code'][:60]} stands twice")
        seen[row["concept_code"]] = row["concept_id"]
        obsolete = row["invalid_reason"] in ("D", "U")
        terms[row["concept_id"]] = Term(row["concept_code"], row["concept_name"], obsolete=obsolete)
    if not terms:
        raise InputError(f"no row has the vocabulary_id {' or '.join(sorted(vocabularies))}", file=table.name)
    _add_ancestors(named.get("concept_ancestor.csv"), terms, stated)
    _add_synonyms(named.get("concept_synonym.csv"), terms)
    for row in read_rows(named["vocabulary.csv"], ["vocabulary_id"]) if "vocabulary.csv" in named else ():
        if row["vocabulary_id"] in vocabularies:
            stated.version = row.get("vocabulary_version", "")
    if any(term.obsolete for term in terms.values()):
        stated.said.append("replacements of invalid concepts (CONCEPT_RELATIONSHIP) are not read")
    yield from terms.values()


def _add_ancestors(source: Source | None, terms: dict[str, Term], stated: Stated) -> None:
    if source is None:
        stated.said.append("there is no CONCEPT_ANCESTOR.csv: the codes have no hierarchy")
        return
    for row in read_rows(source, ["ancestor_concept_id", "descendant_concept_id"]):
        below, above = terms.get(row["descendant_concept_id"]), terms.get(row["ancestor_concept_id"])
        if below is not None and above is not None and below is not above:
            if below.ancestors is None:
                below.ancestors = []
            below.ancestors.append(above.code)


def _add_synonyms(source: Source | None, terms: dict[str, Term]) -> None:
    if source is None:
        return
    for row in read_rows(source, ["concept_id", "concept_synonym_name"]):
        term = terms.get(row["concept_id"])
        if term is not None and row["concept_synonym_name"] not in ("", term.label):
            term.names.append(("exact", row["concept_synonym_name"]))
