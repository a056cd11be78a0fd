"""Prompt ids in, generated ids out."""
