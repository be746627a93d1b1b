"""HPO's annotations of diseases, phenotype.hpoa: diseases of OMIM, Orphanet and DECIPHER, each with its phenotypes.

Source: https://obophenotype.github.io/human-phenotype-ontology/annotations/phenotype_hpoa/: twelve columns with tabs; qualifier NOT,
frequency as a term of HPO, n/m or n%, aspect P, I, C, M or H. The store is called HPOA; its terms are the diseases, its annotations answer
by disease and by phenotype. It is no code system: a disease that is not in it is not unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from harmonize.terminology.annotations import Annotation, frequency_bounds
from harmonize.terminology.build import Term
from harmonize.terminology.formats.source import Request, Source, Stated, read_rows, the_only
from harmonize.terminology.notation import Code, load_systems

SYSTEM = "HPOA"
_COLUMNS = [
    "database_id", "disease_name", "qualifier", "hpo_id", "reference", "evidence", "onset", "frequency", "sex", "modifier", "aspect",
    "biocuration",
]  # fmt: skip
_CLOSED = {
    "qualifier": ("", "NOT"),
    "aspect": ("P", "I", "C", "M", "H"),
    "sex": ("", "MALE", "FEMALE"),
    "evidence": ("IEA", "PCS", "TAS"),
}


def read_hpoa(sources: Sequence[Source], request: Request, stated: Stated) -> Iterator[Term]:
    """phenotype.hpoa, since 2022 with the names of its columns."""
    source = the_only(sources, ".hpoa")
    _header(source, stated)
    diseases: dict[str, Term] = {}
    name = _names()
    for row in read_rows(source, _COLUMNS):
        annotation = _annotation(source, row, name)
        term = diseases.get(annotation.disease)
        if term is None:
            term = diseases[annotation.disease] = Term(annotation.disease, row["disease_name"], annotations=[])
        elif row["disease_name"] != term.label:
            term.names.append(("exact", row["disease_name"]))
        assert term.annotations is not None
        term.annotations.append(annotation)
    stated.said.append(
        f"{sum(len(term.annotations or ()) for term in diseases.values())} annotations of {len(diseases)} diseases"
    )
    yield from diseases.values()


def _header(source: Source, stated: Stated) -> None:
    stated.system, stated.title, stated.curies, stated.complete = SYSTEM, "HPO annotations of diseases", True, False
    stated.licence = "HPO licence: free, cite, show the version, content unaltered"
    for line in source.lines():
        if not line.startswith("#"):
            return
        key, _, value = line[1:].strip().partition(": ")
        if key == "version":
            stated.version = value.strip()
        elif key == "hpo-version":
            stated.said.append(
                f"its phenotypes are of HPO {value.strip().removesuffix('/hp.json').rpartition('/')[2][:40]}"
            )


def _annotation(source: Source, row: Mapping[str, str], name: Callable[[str], str]) -> Annotation:
    for column, allowed in _CLOSED.items():
        if row[column] not in allowed:
            raise source.error(f"{column} is none of {', '.join(filter(None, allowed))}")
    disease, phenotype, onset = (name(row[column]) for column in ("database_id", "hpo_id", "onset"))
    if not disease or not phenotype.startswith("HP:") or (row["onset"] and not onset.startswith("HP:")):
        raise source.error("database_id is no CURIE, or hpo_id or onset is no term of HPO")
    try:
        frequency_bounds(row["frequency"])
    except ValueError:
        raise source.error("frequency is no term below HP:0040279, no n/m and no n%") from None
    return Annotation(
        disease, phenotype, row["qualifier"] == "NOT", row["aspect"], row["frequency"], onset, row["sex"], row["modifier"],
        row["reference"], row["evidence"], row["biocuration"],
    )  # fmt: skip


def _names() -> Callable[[str], str]:
    """Codes in their canonical spelling, each parsed once; empty where a text is none."""
    systems, known = load_systems(), {"": ""}

    def name(text: str) -> str:
        if text not in known:
            prefix, colon, local = text.partition(":")
            code = systems.parse(local, prefix) if prefix in systems else text if colon and prefix and local else None
            known[text] = str(code) if isinstance(code, Code | str) else ""
        return known[text]

    return name
