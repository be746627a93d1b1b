"""Pages of the documentation site that are made of data: data sets, their classes and items, and the classes of the hub.

They are written by `make docs` below docs/datasets and docs/hub and are not committed. `python -m scripts.site_pages` writes them.
"""
