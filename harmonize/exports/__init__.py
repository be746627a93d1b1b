"""Data sets in the forms that other programs and people read: schemas, dictionaries, templates."""
