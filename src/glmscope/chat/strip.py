"""Stripping a text that arrives in pieces."""

from __future__ import annotations


class Strip:
    """`str.strip` for a stream: white space is held back until something follows it."""

    def __init__(self) -> None:
        self._begun = False
        self._held = ""

    def add(self, text: str) -> str:
        """Text that is safe to emit. What is still held at the end is not part of the text."""
        text = self._held + text if self._begun else text.lstrip()
        shown = text.rstrip()
        self._begun = self._begun or bool(shown)
        self._held = text[len(shown) :]
        return shown
