"""What all drafts of profiles share: an id that is free, the files, source.yaml and map.yaml as far as they are the same for all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from harmonize.errors import CallError
from harmonize.profiles.specification_files import profile_ids
from harmonize.whole_files import is_taken, whole_folder

_ID = re.compile(r"[a-z]{2,4}/[a-z0-9]+(?:[.-][a-z0-9]+)*")


def check_new_profile(profile_id: str, folder: Path) -> None:
    """Raises CallError where *profile_id* is no id of a new profile or *folder* is taken."""
    if _ID.fullmatch(profile_id) is None:
        raise CallError(f"{profile_id!r} is no profile id. To mend it: write scope/name, such as de/my-registry")
    if profile_id in profile_ids():
        raise CallError(f"there is a profile {profile_id} already. To mend it: choose another name")
    if is_taken(folder):
        raise CallError(f"{folder} is a file or not empty. To mend it: choose another --out")


def write_draft(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write the files of a draft, whole or not at all; their paths. Raises CallError where that cannot be."""
    try:
        with whole_folder(folder) as aside:
            (aside / "cases").mkdir()
            for name, text in texts.items():
                (aside / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CallError(f"cannot write into {folder}: {error.strerror}. To mend it: choose another --out") from None
    return [folder / name for name in texts]


class _Dumper(yaml.SafeDumper):
    """Writes everything out: profiles refuse anchors and aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def yaml_text(document: Mapping[str, Any]) -> str:
    """*document* as YAML, in its order."""
    return str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110))


def source_document(
    profile_id: str, title: str, classes: Mapping[str, Any], enums: Mapping[str, Any]
) -> dict[str, Any]:
    """source.yaml of a draft."""
    name = profile_id.replace("/", "_").replace("-", "_").replace(".", "_")
    document = {
        "id": f"https://w3id.org/harmonize/mappings/{profile_id}",
        "name": name,
        "title": title,
        "version": "0.1.0",
        "license": "Apache-2.0",
        "imports": ["linkml:types"],
        "prefixes": {
            "linkml": "https://w3id.org/linkml/",
            name: f"https://w3id.org/harmonize/mappings/{profile_id}/",
        },
        "default_prefix": name,
        "default_range": "string",
        "classes": dict(classes),
    }
    return {**document, "enums": dict(enums)} if enums else document


def root_map(profile_id: str, root: str, identifier: str) -> dict[str, Any]:
    """map.yaml of a draft: the pseudonym of the subject, and nothing else."""
    return {
        "id": f"https://w3id.org/harmonize/mappings/{profile_id}/map",
        "title": f"{profile_id} to the hub",
        "source_schema": "source.yaml",
        "target_schema": "https://w3id.org/harmonize/hub",
        "class_derivations": [
            {
                "name": "Subject",
                "populated_from": root,
                "slot_derivations": {"subject_id": {"expr": f"pseudonym({identifier}, 'subject')"}},
            }
        ],
    }
