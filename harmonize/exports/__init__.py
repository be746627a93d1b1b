"""Data sets and the hub in the forms that others use: JSON Schema, SHACL, RDF, pydantic, Markdown, CSV, Excel, crosswalks.

What a data set demands is worked out once (`demands`) as claims that look downward only (`claims`); JSON Schema and SHACL are
two spellings of the same claims, so that their verdicts agree. What a form cannot express is said by name.
"""
