"""Value sets of data sets as definitions that can be compiled (`terminology.value_sets`)."""

from __future__ import annotations

from harmonize.datasets.specification import ValueSet
from harmonize.terminology.value_set_definition import Definition, Filter, Part, enumerated


def definition_of(values: ValueSet, url: str = "") -> Definition:
    """*values* as a definition: the listed codes, all of its systems (of a form, where it has one), what is below its roots.

    >>> from harmonize.datasets.specification import load_dataset
    >>> definition_of(load_dataset("mdc").value_sets["icdo3"]).include[0].filters
    (Filter(property='code', op='regex', value='C[0-9]{2}([.][0-9])?'),)
    """
    listed = enumerated(url, (value.code for value in values.values)).include
    form = (Filter("code", "regex", values.code_pattern),) if values.code_pattern else ()
    systems = (Part(system, "", None, form, ()) for system in values.systems)
    roots = (Part(r.partition(":")[0], "", None, (Filter("concept", "is-a", r),), ()) for r in values.descendants_of)
    return Definition(url or values.name, "", values.title, (*listed, *systems, *roots))
