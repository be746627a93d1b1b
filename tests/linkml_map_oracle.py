"""linkml-map from PyPI over the same source.yaml and map.yaml, with our function library: the oracle of the compiled plan."""

from __future__ import annotations

import logging
import warnings
from functools import cache
from typing import Any

from harmonize.convert import make_environment
from harmonize.profiles.functions import linkml_map_functions
from harmonize.profiles.specification_files import profile_folder
from tests.registry import KEY


@cache
def oracle(profile_id: str, site: str = "test") -> Any:
    """An ObjectTransformer for a profile."""
    # It warns of every target class, though the hub's schema is there; what it makes is compared below.
    logging.getLogger("linkml_map").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from linkml_map.transformer.object_transformer import ObjectTransformer
        from linkml_runtime import SchemaView

        from harmonize.profiles.loading import load_profile

        folder = profile_folder(profile_id)
        transformer = ObjectTransformer(unrestricted_eval=False)
        transformer.source_schemaview = _without_enumerations(SchemaView(str(folder / "source.yaml")))
        transformer.target_schemaview = SchemaView(str(_hub_schema()))
        transformer.load_transformer_specification(str(folder / "map.yaml"))
        transformer.extension_functions = linkml_map_functions(make_environment(load_profile(profile_id), KEY, site))
        return transformer


def _without_enumerations(view: Any) -> Any:
    """linkml-map 0.5.4 asks for an enum derivation of every slot with an enumeration, even beside `value_mappings`."""
    for definition in view.schema.classes.values():
        for slot in definition.attributes.values():
            if slot.range in view.schema.enums:
                slot.range = "string"
    view.set_modified()
    return view


def _hub_schema() -> Any:
    from pathlib import Path

    import harmonize.hub

    return Path(harmonize.hub.__file__).parent / "schema" / "hub.yaml"


def derive(profile_id: str, record: dict[str, Any], root: str) -> Any:
    """The hub record that linkml-map makes of *record*, nulls and empty objects stripped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return stripped(oracle(profile_id).map_object(record, source_type=root))


def stripped(value: Any) -> Any:
    """Without nulls and without what is empty."""
    if isinstance(value, dict):
        made = {name: stripped(item) for name, item in value.items()}
        return {name: item for name, item in made.items() if item not in (None, {}, [])} or None
    if isinstance(value, list):
        items = [item for item in map(stripped, value) if item not in (None, {}, [])]
        return items or None
    return value
