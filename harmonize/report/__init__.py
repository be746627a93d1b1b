"""Reports: one canonical document, and what is rendered from it."""
