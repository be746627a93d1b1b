"""The formats that a report is written in beside `report.json`, by name: what each makes, and under which file names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harmonize.errors import CallError
from harmonize.report.comparison import Change
from harmonize.report.csv_tables import checks_csv, items_csv
from harmonize.report.junit import junit
from harmonize.report.markdown import markdown
from harmonize.report.multiqc import multiqc_files
from harmonize.report.operation_outcome import write_operation_outcomes
from harmonize.report.sarif import sarif
from harmonize.report.verdict import Verdict
from harmonize.whole_files import write_whole


@dataclass(frozen=True)
class Material:
    """What formats are made of: the report, the verdict on it, its changes since a baseline (None: there is none), and the folder of its
    run, if it is of one. `language` is that of the page; `has_limits`: whether the call said what fails."""

    report: Mapping[str, Any]
    verdict: Verdict
    changes: Sequence[Change] | None = None
    run: Path | None = None
    language: str = "en"
    has_limits: bool = False


Write = Callable[[Material, Path], list[Path]]
"""Writes the files of a format into a folder; the files that were written. Raises OSError."""


def _documents(make: Callable[[Material], Mapping[str, bytes]]) -> Write:
    """A format whose files are made in memory."""

    def write(material: Material, folder: Path) -> list[Path]:
        made = make(material)
        for name, data in made.items():
            write_whole(folder / name, data)
        return [folder / name for name in made]

    return write


def _operation_outcomes(material: Material, folder: Path) -> list[Path]:
    assert material.run is not None, "check_formats was not asked"
    return [write_operation_outcomes(material.run, folder)]


def _rdf(*names: str) -> Write:
    """Vocabularies of RDF, by the names of their files; rdflib is loaded when one is asked for."""

    def make(material: Material) -> Mapping[str, bytes]:
        from harmonize.report.rdf import dqv, earl, prov

        vocabularies = {"dqv": dqv, "earl": earl, "prov": prov}
        return {f"{name}.ttl": vocabularies[name](material.report) for name in names}

    return _documents(make)


def _page(material: Material) -> Mapping[str, bytes]:
    """The page; its templates and charts are loaded when it is asked for."""
    from harmonize.report.page import html_page

    page = html_page(
        material.report,
        material.verdict,
        material.changes,
        language=material.language,
        has_limits=material.has_limits,
    )
    return {"report.html": page.encode()}


FORMATS: Mapping[str, Write] = {
    "html": _documents(_page),
    "json": _documents(lambda material: {}),  # report.json is written always
    "md": _documents(lambda m: {"report.md": markdown(m.report, m.verdict, m.changes or ()).encode()}),
    "junit": _documents(lambda m: {"junit.xml": junit(m.report)}),
    "sarif": _documents(lambda m: {"results.sarif": sarif(m.report, m.changes or ())}),
    "operation-outcome": _operation_outcomes,
    "rdf": _rdf("dqv", "earl", "prov"),
    "dqv": _rdf("dqv"),
    "earl": _rdf("earl"),
    "prov": _rdf("prov"),
    "multiqc": _documents(lambda m: multiqc_files(m.report)),
    "csv": _documents(lambda m: {"checks.csv": checks_csv(m.report), "items.csv": items_csv(m.report)}),
}


OF_RUNS = frozenset({"operation-outcome"})
"""Formats that are made of the findings of a run, which are not in its report."""


def check_formats(names: Iterable[str], *, of_run: bool) -> None:
    """Raise CallError where one of *names* needs a run and the report is of no run."""
    for name in names:
        if name in OF_RUNS and not of_run:
            raise CallError(
                f"the report format {name} is made of the findings of a run. To mend it: leave out --as, or the format"
            )


def write_formats(names: Iterable[str], material: Material, folder: Path) -> list[Path]:
    """Write the formats *names* into *folder*; the files that were written, each once. Raises CallError where one cannot be written."""
    written: list[Path] = []
    for name in dict.fromkeys(names):
        try:
            written += FORMATS[name](material, folder)
        except OSError as error:
            raise CallError(
                f"the report format {name} cannot be written into {folder} ({error.strerror}). "
                "To mend it: free space, or give --out another folder"
            ) from None
    return list(dict.fromkeys(written))
