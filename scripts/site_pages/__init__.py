"""Pages of the documentation site that are made of data: data sets, their classes and items, the classes of the hub, the profiles.

They are written by `make docs` below docs/datasets, docs/hub and docs/profiles and are not committed.
`python -m scripts.site_pages` writes them.
"""
