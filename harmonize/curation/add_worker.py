"""The process that reads what `harmonize terminology add` is given: code systems, SSSOM, and ConceptMaps of FHIR.

ConceptMaps become SSSOM here and not in `terminology`, which knows nothing of their exchange.
"""

from __future__ import annotations

from collections.abc import Sequence

from harmonize.curation.concept_map_reading import table_of
from harmonize.curation.mapping_table import mapping_table_text
from harmonize.errors import SpecificationError
from harmonize.terminology.add import main
from harmonize.terminology.formats import SETS
from harmonize.terminology.formats.source import Source, the_only

MODULE = "harmonize.curation.add_worker"


def read_concept_map_source(sources: Sequence[Source]) -> str:
    """A ConceptMap resource as SSSOM TSV. Raises InputError for what is none, or says what SSSOM cannot."""
    source = the_only(sources, ".json")
    try:
        return mapping_table_text(table_of(source.json(), source.name))
    except SpecificationError as error:
        raise source.error(error.what, fix=error.fix) from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise source.error("no ConceptMap of FHIR R4 or R5") from None


if __name__ == "__main__":
    main({**SETS, "conceptmap": read_concept_map_source})
