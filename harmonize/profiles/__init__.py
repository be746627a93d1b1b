"""Profiles: load, lint and compile national formats that are data; the function library of their expressions."""
