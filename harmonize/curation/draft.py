"""A draft of a profile from what a source says of itself: `harmonize profiles new ID --from DICTIONARY`.

The draft reads, compiles and refuses to convert: it maps the subject's identifier and nothing else, so that
`harmonize profiles check` lists every field that waits for a decision. Nothing is mapped by guess.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harmonize.curation.draft_profile import check_new_profile, root_map, source_document, write_draft, yaml_text
from harmonize.errors import InputError, UnknownNameError
from harmonize.input.redcap_dictionary import NO_DATA, Field, read_dictionary

_ONTOLOGIES = {  # BioPortal's acronym -> our CURIE prefix
    "ECO": "ECO",
    "HGNC": "HGNC",
    "HGNC-NR": "HGNC",
    "HP": "HP",
    "ICD10": "ICD10",
    "ICD10CM": "ICD10CM",
    "ICF": "ICF",
    "LOINC": "LOINC",
    "MAXO": "MAXO",
    "MONDO": "MONDO",
    "NCBITAXON": "NCBITAXON",
    "NCIT": "NCIT",
    "OMIM": "OMIM",
    "ORDO": "ORPHA",
    "SNOMEDCT": "SNOMEDCT",
    "UO": "UO",
}
PHYSICAL = "records"
ROOT = "Project"
"""The source class of a record of the project."""
_STRUCTURE = {
    "redcap_event_name": "Structure of the export: the event that a form was filled in at.",
    "redcap_repeat_instance": "Structure of the export: the number of a repeated form; order is kept, the number is not carried.",
    "redcap_data_access_group": "Structure of the export: the group of users that may see the record.",
    "redcap_survey_identifier": "Structure of the export: identifier of a survey.",
}


class _Project(NamedTuple):
    """What a dictionary and its owner say of a project."""

    profile_id: str
    dictionary: str
    subject: Field
    forms: Mapping[str, Sequence[Field]]
    repeating: frozenset[str]
    classes: Mapping[str, str]
    """Form -> its source class."""


def draft_from_redcap_dictionary(
    dictionary: Path, profile_id: str, folder: Path, repeating: Collection[str] = ()
) -> list[Path]:
    """Write the draft of *profile_id* into *folder*; the files written.

    *repeating* names the instruments that repeat, which a dictionary does not say. Raises CallError where the id is not of
    the form scope/name, the folder exists or an instrument is not in the dictionary; InputError where the dictionary is none.
    """
    check_new_profile(profile_id, folder)
    fields = [field for field in read_dictionary(dictionary) if field.kind not in NO_DATA]
    forms: dict[str, list[Field]] = {}
    for field in fields[1:]:
        forms.setdefault(field.form, []).append(field)
    for form in repeating:
        if form not in forms:
            raise UnknownNameError("instrument", form, forms)
    subject = fields[0]
    if subject.name in forms:
        raise InputError(
            f"the form {subject.name!r} is named as the identifier of the record", file=dictionary.name, fix="rename it"
        )
    project = _Project(profile_id, dictionary.name, subject, forms, frozenset(repeating), class_names(forms))
    texts = {
        "profile.yaml": yaml_text(_card(project)),
        "source.yaml": yaml_text(_source(project)),
        "map.yaml": yaml_text(root_map(profile_id, ROOT, subject.name)),
        "README.md": _readme(profile_id, dictionary.name, len(fields), len(forms)),
    }
    return write_draft(folder, texts)


def class_name(form: str) -> str:
    """The source class of a form.

    >>> class_name("visit_5_disease")
    'Visit5Disease'
    """
    return "".join(part.capitalize() for part in form.split("_") if part)


def class_names(forms: Iterable[str]) -> dict[str, str]:
    """The source class of every form; forms that would be called the same, or as the record itself, get other names.

    >>> class_names(["visit_1", "visit1", "project"])
    {'visit_1': 'Visit1', 'visit1': 'Visit1Form', 'project': 'ProjectForm'}
    """
    names: dict[str, str] = {}
    for form in forms:
        name = class_name(form)
        while name in (ROOT, *names.values()):
            name += "Form"
        names[form] = name
    return names


def _card(project: _Project) -> dict[str, Any]:
    subject, forms, dictionary = project.subject, project.forms, project.dictionary
    identifiers = [field for fields in forms.values() for field in fields if field.identifier]
    card: dict[str, Any] = {
        "id": project.profile_id,
        "title": f"REDCap project after {dictionary}",
        "version": "0.1.0",
        "licence": "Apache-2.0",
        "owner": "to be filled in",
        "specification": {"name": f"REDCap data dictionary {dictionary}", "version": "to be filled in"},
        "identifiers": {
            field.name: {"class": "subject" if field is subject else field.name, "privacy": "direct"}
            for field in (subject, *identifiers)
        },
        "assemble": {
            "reader": "redcap",
            "subject": subject.name,
            "tables": {form: _table(form, project.classes[form], form in project.repeating) for form in forms},
        },
        "left_out": [{"columns": [name], "reason": reason} for name, reason in _STRUCTURE.items()]
        + [
            {
                "columns": [f"{form}_complete" for form in dict.fromkeys([subject.form, *forms])],
                "reason": "State of the form in REDCap (incomplete, unverified, complete): not a datum of the subject.",
            }
        ],
    }
    if identifiers:
        reason = "Marked as identifier in the data dictionary: it must not leave but as a keyed pseudonym."
        card["left_out"] += [
            {
                "class": project.classes[form],
                "slots": [c for f in fields if f.identifier for c in f.columns()],
                "reason": reason,
            }
            for form, fields in forms.items()
            if any(f.identifier for f in fields)
        ]
    return card


def _table(form: str, row_class: str, repeats: bool) -> dict[str, Any]:
    return {
        "class": row_class,
        "slot": form,
        "rows_of": PHYSICAL,
        "where": {"redcap_repeat_instrument": form if repeats else ""},
        "repeats": "many" if repeats else "once",
    }


def _source(project: _Project) -> dict[str, Any]:
    profile_id, subject, forms, names = project.profile_id, project.subject, project.forms, project.classes
    root: dict[str, Any] = {
        subject.name: {"description": subject.label or "Identifier of the record.", "required": "true"}
    }
    for form in forms:
        root[form] = {"range": names[form], "inlined": "true"}
        if form in project.repeating:
            root[form] |= {"multivalued": "true", "inlined_as_list": "true"}
    classes: dict[str, Any] = {
        ROOT: {"tree_root": "true", "description": "The forms of one record of the project.", "attributes": root}
    }
    enums: dict[str, Any] = {}
    for form, fields in forms.items():
        attributes: dict[str, Any] = {}
        for field in fields:
            attributes.update(_attributes(field, enums))
        classes[names[form]] = {"description": f"The form {form}.", "attributes": attributes}
    return source_document(profile_id, "The forms of one record", classes, enums)


def _attributes(field: Field, enums: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    """The slots of a field: one, or one for each box."""
    annotations = {
        "code_system": _ONTOLOGIES.get(field.ontology or ""),
        "validation": " ".join(filter(None, (field.validation, field.minimum, field.maximum))),
        "branching": field.branching,
    }
    shared: dict[str, Any] = {"annotations": found} if (found := {n: v for n, v in annotations.items() if v}) else {}
    if field.kind == "checkbox":
        for column, choice in zip(field.columns(), field.choices, strict=True):
            yield column, {"description": f"{field.label}: {choice.label}".strip(": "), **shared}
        return
    slot: dict[str, Any] = {"description": field.label or field.name}
    if field.choices:
        slot["range"] = f"{field.name}_choices"
        enums[slot["range"]] = {"permissible_values": {c.code: {"description": c.label} for c in field.choices}}
    yield field.name, {**slot, **shared}


def _readme(profile_id: str, dictionary: str, fields: int, forms: int) -> str:
    return f"""# {profile_id}

Drafted by `harmonize profiles new` from `{dictionary}`: {fields} fields in {forms} forms. Say here where the project comes
from, who keeps it, and what is not carried and why.

To do, in this order: `harmonize profiles check` of this folder lists the fields that wait for a decision; map each in
`map.yaml`, or list it under `left_out` in `profile.yaml` with the reason; name the instruments that repeat
(`repeats: many`, `where: {{redcap_repeat_instrument: FORM}}`); write a case into `cases/`.
"""
