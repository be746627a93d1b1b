"""Write the pages below docs/, and remove those that are no more."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.site_pages.dataset_pages import dataset_pages
from scripts.site_pages.hub_pages import hub_pages
from scripts.site_pages.profile_pages import profile_pages

DOCS = Path(__file__).resolve().parents[2] / "docs"
FOLDERS = ("datasets", "hub", "profiles")
"""Folders below docs/ that hold these pages and nothing else."""


def pages() -> dict[str, str]:
    """Every page by its path below docs/."""
    return {**dict(dataset_pages()), **dict(hub_pages()), **dict(profile_pages())}


def main() -> None:
    """Write them into folders that are emptied before."""
    made = pages()
    for folder in FOLDERS:
        shutil.rmtree(DOCS / folder, ignore_errors=True)
    for name, text in made.items():
        (DOCS / name).parent.mkdir(parents=True, exist_ok=True)
        (DOCS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
