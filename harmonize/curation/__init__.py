"""Curation: what standards groups do with profiles and mappings. Today: drafting a profile from a data dictionary."""
