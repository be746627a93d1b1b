"""`load_profile`: the three files of a profile, checked and frozen. Nothing that they say is ignored."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from harmonize.errors import SpecificationError, UnknownNameError
from harmonize.profiles.assembly_card import read_assembly
from harmonize.profiles.linkml_files import read_derivations, read_source_schema
from harmonize.profiles.specification import LeftOut, Profile
from harmonize.profiles.specification_files import folder_digest, profile_folder, read_file
from harmonize.shipped import mappings_folder
from harmonize.terminology.added_sets import added_sets
from harmonize.terminology.map_policy import MapPolicy
from harmonize.terminology.notation import load_systems
from harmonize.terminology.patterns import compile_pattern

_SCHEMA_FILE = Path(__file__).parent / "profile.schema.json"


def load_profile(name: str) -> Profile:
    """Load and check the profile *name* (an id or a folder).

    Raises UnknownNameError where there is none, SpecificationError with file and line where it is wrong.

    >>> load_profile("eu/ern-cde").source.root
    'Registry'
    """
    folder = profile_folder(name)
    try:
        digest = folder_digest(folder)
    except (
        SpecificationError
    ):  # a file is missing or is none: reading the profile says what it is needed for, if anything
        _load_profile.__wrapped__(folder, "")
        raise
    return _load_profile(folder, digest)


@lru_cache(maxsize=32)
def _load_profile(folder: Path, sha256: str) -> Profile:
    """The profile in *folder*, once for each digest: a process may load it as often as it likes."""
    card, lines = read_file(folder / "profile.yaml")
    _check_card(card, lines, folder)
    _check_pattern(card["assemble"].get("subject_pattern"), folder, lines.get("/assemble/subject_pattern"))
    source = read_source_schema(folder)
    derivations = read_derivations(folder)
    return Profile(
        id=card["id"],
        folder=folder,
        title=card["title"],
        version=card["version"],
        description=card.get("description", ""),
        licence=card["licence"],
        owner=card["owner"],
        specification=card["specification"],
        identifiers=card.get("identifiers", {}),
        code_maps=_code_maps(folder, card.get("code_maps", {})),
        predicates=tuple(card.get("predicates", ["skos:exactMatch"])),
        assembly=read_assembly(card["assemble"]),
        left_out=tuple(
            LeftOut(item["class"], slot, item["reason"], frozenset(item.get("values", ())))
            for item in card.get("left_out", [])
            for slot in item.get("slots", ())
        ),
        left_out_columns={
            name: item["reason"] for item in card.get("left_out", []) for name in item.get("columns", ())
        },
        source=source,
        derivations=derivations,
        sha256=sha256,
        left_out_tables={
            name.lower(): item["reason"] for item in card.get("left_out", []) for name in item.get("tables", ())
        },
    )


def _check_card(card: Any, lines: Mapping[str, int], folder: Path) -> None:
    """Check `profile.yaml` against its published JSON Schema. Scalars are text, so flags are 'true' or 'false'."""
    schema = orjson.loads(_SCHEMA_FILE.read_bytes())
    validator = jsonschema_rs.validator_for(schema)
    for error in validator.iter_errors(card):
        pointer = "".join(f"/{part}" for part in error.instance_path)
        for key in getattr(error.kind, "unexpected", ()):
            wrong = UnknownNameError(f"key of {pointer or 'profile.yaml'}", key, _schema_names(schema))
            raise SpecificationError(str(wrong), file=str(folder / "profile.yaml"), line=lines.get(f"{pointer}/{key}"))
        raise SpecificationError(
            f"{pointer or '/'}: {error.message}", file=str(folder / "profile.yaml"), line=lines.get(pointer)
        )


def _schema_names(schema: Any) -> set[str]:
    """The names of all properties of a JSON Schema, at any depth."""
    if isinstance(schema, list):
        return {name for item in schema for name in _schema_names(item)}
    if not isinstance(schema, dict):
        return set()
    properties = schema.get("properties", {})
    return {*properties, *(name for item in schema.values() for name in _schema_names(item))}


def _check_pattern(pattern: str | None, folder: Path, line: int | None) -> None:
    """Refuse a `subject_pattern` that RE2 cannot run in linear time and little memory."""
    if pattern is None:
        return
    try:
        compile_pattern(pattern)
    except ValueError as error:
        raise SpecificationError(
            f"assemble.subject_pattern is refused: {error}",
            file=str(folder / "profile.yaml"),
            line=line,
            fix="write an RE2 pattern (github.com/google/re2/wiki/Syntax)",
        ) from None


def _code_maps(folder: Path, spec: Mapping[str, Any]) -> Mapping[str, MapPolicy]:
    """Code maps by name: a path, or the sets with what is accepted of them."""
    result = {}
    for name, entry in spec.items():
        stated: Mapping[str, Any] = {"sets": [entry]} if isinstance(entry, str) else entry
        result[name] = MapPolicy(
            sets=tuple(_code_map(folder, name, text) for text in stated["sets"]),
            predicates=tuple(stated.get("predicates", ())),
            minimum_confidence=float(stated.get("minimum_confidence", "0")),
            to=stated.get("to", ""),
            through=tuple(stated.get("through", ())),
        )
        for system in (*result[name].through, result[name].to):
            if system and system not in load_systems():
                file = str(folder / "profile.yaml")
                raise SpecificationError(
                    f"code map {name!r}: {UnknownNameError('code system', system, load_systems())}", file=file
                )
    return result


def _code_map(folder: Path, name: str, text: str) -> Path:
    """A path that starts in the profile's folder or, after `shared:`, in mappings/codes, and never leaves it; or an added set."""
    if text.startswith("added:"):
        known = added_sets()
        if text.removeprefix("added:") in known:
            return known[text.removeprefix("added:")]
        raise SpecificationError(
            f"code map {name!r}: {text!r} is not installed",
            file=str(folder / "profile.yaml"),
            fix="add it with `harmonize mappings add FILE --name NAME`",
        )
    base = mappings_folder() / "codes" if text.startswith("shared:") else folder
    path = (base / text.removeprefix("shared:").replace("\0", "?")).resolve()  # no file has a NUL in its name
    if not path.is_relative_to(base.resolve()) or not path.is_file():
        raise SpecificationError(
            f"code map {name!r}: there is no file {text!r} below {base.name}/", file=str(folder / "profile.yaml")
        )
    return path
