"""The formats of `harmonize schema export`, in one table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple

from harmonize.datasets.specification import Dataset
from harmonize.errors import CallError, UnknownNameError
from harmonize.exports.demands import Demands, Note, dataset_demands
from harmonize.exports.item_rows import exported

Takes = Literal["level", "petal"]
FORMATS: Mapping[str, frozenset[Takes]] = {
    "json-schema": frozenset({"level", "petal"}),
    "shacl": frozenset({"level", "petal"}),
    "pydantic": frozenset({"level"}),
    "markdown": frozenset(),
    "csv": frozenset(),
    "xlsx": frozenset(),
    "template-xlsx": frozenset(),
    "template-csv": frozenset(),
}
"""What each format takes besides a version."""


TEMPLATES_OF = ("hmd",)
"""The data sets whose classes the layout of the template knows; a profile reads it back."""


class Exported(NamedTuple):
    """A text, bytes where it is none, texts by file name where it is a folder; and by name what the format could not express."""

    content: str | bytes | Mapping[str, str]
    notes: tuple[Note, ...] = ()


def export(
    name: str,
    format_name: str,
    *,
    level: str | None = None,
    version: str | None = None,
    petals: Collection[str] | None = None,
) -> Exported:
    """The hub or the data set *name* as *format_name*. Raises UnknownNameError or CallError."""
    takes = FORMATS.get(format_name)
    if takes is None:
        raise UnknownNameError("export format", format_name, FORMATS)
    dataset = exported(name)
    given: list[tuple[str, object, bool]] = [("level", level, "level" in takes), ("petal", petals, "petal" in takes)]
    for option, value, taken in given:
        if value is not None and not taken:
            raise CallError(
                f"--{option} has no effect on {format_name}, which holds every item. To mend it: leave it out"
            )
    if format_name.startswith("template-"):
        return Exported(_template(name, dataset, format_name, version))
    if dataset is None:
        for option, value, _ in [*given, ("version", version, True)]:
            if value is not None:
                raise CallError(
                    f"--{option} is for data sets: the hub has one release and its own required slots. To mend it: leave it out"
                )
        return Exported(_hub(format_name))
    if format_name in ("json-schema", "shacl", "pydantic"):
        demands = dataset_demands(dataset, level=level or "mandatory", version=version, petals=petals)
        return _of_demands(demands, format_name)
    return Exported(_whole(dataset, format_name, version))


def _template(name: str, dataset: Dataset | None, format_name: str, version: str | None) -> bytes | Mapping[str, str]:
    """A template to be filled: a workbook, or a folder of tables."""
    from harmonize.exports.template import template_tables, template_workbook

    if dataset is None or dataset.name not in TEMPLATES_OF:
        raise CallError(f"there is no template of {name}. To mend it: take that of {', '.join(TEMPLATES_OF)}")
    if version not in (None, dataset.version):
        raise CallError(f"the template is of {dataset.name} {dataset.version}. To mend it: leave the version out")
    return template_workbook(dataset) if format_name == "template-xlsx" else template_tables(dataset)


def _of_demands(demands: Demands, format_name: str) -> Exported:
    match format_name:
        case "json-schema":
            from harmonize.exports.json_schema import as_text, dataset_json_schema

            return Exported(as_text(dataset_json_schema(demands)), demands.notes)
        case "shacl":
            from harmonize.exports.shacl import dataset_shacl

            return Exported(dataset_shacl(demands), demands.notes)
    from harmonize.exports.pydantic_models import dataset_models

    models = dataset_models(demands.dataset, level=demands.level, version=demands.version)
    return Exported(models.text, models.notes)


def _whole(dataset: Dataset | None, format_name: str, version: str | None) -> str | bytes:
    """Every item, whatever its level."""
    from harmonize.exports.data_dictionary import as_csv, as_xlsx, rows_of, title_of
    from harmonize.exports.markdown import dataset_markdown, hub_markdown

    match format_name:
        case "csv":
            return as_csv(rows_of(dataset, version))
        case "xlsx":
            return as_xlsx(rows_of(dataset, version), title_of(dataset, version))
    return hub_markdown() if dataset is None else dataset_markdown(dataset, version)


def _hub(format_name: str) -> str | bytes:
    match format_name:
        case "json-schema":
            from harmonize.exports.json_schema import as_text, hub_as_json_schema

            return as_text(hub_as_json_schema())
        case "shacl":
            from harmonize.exports.shacl import hub_shacl

            return hub_shacl()
        case "pydantic":
            from harmonize.exports.pydantic_models import hub_models

            return hub_models()
    return _whole(None, format_name, None)
