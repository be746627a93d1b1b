"""The pages of the profiles: the index, and one for each, which `harmonize profiles doc` makes."""

from __future__ import annotations

from collections.abc import Iterator

from harmonize.profile_page import profile_page
from harmonize.profiles.loading import load_profile
from harmonize.profiles.specification_files import profile_ids
from scripts.site_pages.markdown import heading, link, page_of, plain, slug, table

INDEX = "profiles/index.md"


def profile_pages() -> Iterator[tuple[str, str]]:
    """Path below docs/ and text of every page."""
    yield INDEX, _index()
    for name in profile_ids():
        yield place(name), page_of(profile_page(name).splitlines())


def place(name: str) -> str:
    """The page of a profile, below docs/."""
    return f"profiles/{slug(name)}.md"


def _index() -> str:
    rows = []
    for profile in map(load_profile, profile_ids()):
        title = link(profile.id, place(profile.id), INDEX)
        rows.append((title, plain(profile.title), profile.version, profile.assembly.reader))
    lines = [heading(1, "Profiles"), "", "What each national format holds, field by field, and where it goes.", ""]
    return page_of([*lines, *table(("profile", "title", "version", "reader"), rows)])
