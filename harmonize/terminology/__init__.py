"""Code systems, their notation, code maps and units: look-up, resolution, hierarchy, translation."""
