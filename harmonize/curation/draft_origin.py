"""What a file is that a profile is to be drafted from: told by its name and, where names are shared, by what stands first in it."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from harmonize.input.csv_records import Dialect, csv_records
from harmonize.input.files import open_bytes, plain_name
from harmonize.input.redcap_dictionary import is_dictionary


class Origin(Enum):
    """The kinds of files that say how a source looks, as messages name them."""

    XSD = "an XSD"
    JSON_SCHEMA = "a JSON Schema"
    REDCAP_DICTIONARY = "a REDCap data dictionary"
    TABLES = "tables"


def origin_of(path: Path) -> Origin:
    """What *path* is. Raises InputError where it cannot be opened.

    A JSON array is the metadata of REDCap's API, any other JSON a schema; delimited text is a dictionary where its header is that of one.
    """
    name = plain_name(path).lower()
    if path.is_dir():
        return Origin.TABLES
    if name.endswith(".xsd"):
        return Origin.XSD
    if name.endswith(".json"):
        is_array = not name.endswith(".schema.json") and _first_character(path) == b"["
        return Origin.REDCAP_DICTIONARY if is_array else Origin.JSON_SCHEMA
    header = next(csv_records(path, Dialect(strict=False), None), (1, []))[1]
    return Origin.REDCAP_DICTIONARY if is_dictionary(header) else Origin.TABLES


def _first_character(path: Path) -> bytes:
    with open_bytes(path) as stream:
        return stream.read(4_096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
