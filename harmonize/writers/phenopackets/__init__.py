"""GA4GH Phenopackets: one module per kind of element, and the writer of a version."""
