"""Compares the code that serves with recorded outputs of the original: the golden files."""
