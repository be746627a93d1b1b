"""Data sets: what a record must hold, as data (`mappings/datasets/*.yaml`), and how well it holds it.

A data set is not a second model. It says per item the hub path, the requirement level, the condition, the value set and
the source; one hub record can be graded against several.
"""
