"""Text filters for a stream: each holds back what may turn out to be the start of a literal."""

from __future__ import annotations

from collections.abc import Sequence

DATE_PLACEHOLDER = "[[训练时间]]"
DATE_TEXT = "2023年"
"""What the network writes for its training date, and what is said instead (section 8)."""


class _LiteralMatcher:
    """Follows a text character by character: how much of `literal` does it end with?

    The Knuth–Morris–Pratt automaton: constant time a character, whatever literal and text are.
    """

    __slots__ = ("_borders", "literal", "matched")

    def __init__(self, literal: str) -> None:
        if not literal:
            raise ValueError("An empty string cannot be looked for in a text.")
        self.literal = literal
        self.matched = 0
        """Length of the longest beginning of the literal that the text ends with."""
        # _borders[n]: the longest proper border of the literal's first n characters.
        self._borders = [0, 0]
        border = 0
        for char in literal[1:]:
            while border and literal[border] != char:
                border = self._borders[border]
            border += literal[border] == char
            self._borders.append(border)

    def feed(self, char: str) -> bool:
        """Whether the text ends with the whole literal now. After that, feed no more."""
        matched = self.matched
        literal = self.literal
        while matched and literal[matched] != char:
            matched = self._borders[matched]
        self.matched = matched + (literal[matched] == char)
        return self.matched == len(literal)

    def reset(self) -> None:
        """Forget the text so far."""
        self.matched = 0


class StopStrings:
    """Ends a text at the first stop string, wherever the pieces that carry it are split.

    The match that is complete first wins; of several complete at the same character, the longest.
    The stop string and what follows it are never emitted.
    """

    __slots__ = ("_first_chars", "_held", "_matchers", "found")

    def __init__(self, stops: Sequence[str]) -> None:
        """Raises ValueError when one of the stop strings is empty."""
        self._matchers = [_LiteralMatcher(stop) for stop in dict.fromkeys(stops)]
        self._first_chars = frozenset(stop[0] for stop in stops)
        self._held = ""
        self.found: str | None = None
        """The stop string that ended the text."""

    def add(self, text: str) -> tuple[str, bool]:
        """Text that is safe to emit, and whether a stop string ended it. After it, nothing is."""
        if self.found is not None:
            return "", True
        if not self._held and self._first_chars.isdisjoint(text):
            return text, False
        seen = self._held + text
        for end, char in enumerate(text, start=len(self._held) + 1):
            complete = [m.literal for m in self._matchers if m.feed(char)]
            if complete:
                self.found = max(complete, key=len)
                self._held = ""
                return seen[: end - len(self.found)], True
        keep = len(seen) - max(matcher.matched for matcher in self._matchers)
        self._held = seen[keep:]
        return seen[:keep], False

    def flush(self) -> str:
        """The text held back, once it is known that no more will come."""
        held, self._held = self._held, ""
        for matcher in self._matchers:
            matcher.reset()
        return held


class DateFilter:
    """Replaces `[[训练时间]]` by `2023年` in a text that arrives in pieces."""

    __slots__ = ("_held", "_matcher")

    def __init__(self) -> None:
        self._matcher = _LiteralMatcher(DATE_PLACEHOLDER)
        self._held = ""

    def add(self, text: str) -> str:
        """Text that is safe to emit."""
        if not self._held and DATE_PLACEHOLDER[0] not in text:
            return text
        ready = ""
        pending = self._held
        for char in text:
            pending += char
            if self._matcher.feed(char):
                ready += pending[: -len(DATE_PLACEHOLDER)] + DATE_TEXT
                pending = ""
                self._matcher.reset()
        keep = len(pending) - self._matcher.matched
        self._held = pending[keep:]
        return ready + pending[:keep]

    def flush(self) -> str:
        """The text held back, once it is known that no more will come."""
        held, self._held = self._held, ""
        self._matcher.reset()
        return held


def replace_date(text: str) -> str:
    """The same for a text that is there as a whole."""
    return text.replace(DATE_PLACEHOLDER, DATE_TEXT)
