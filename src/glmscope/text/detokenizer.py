"""Ids → text, one id at a time; bytes are held back until they make whole characters."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glmscope.text.tokenizer import Tokenizer

REPLACEMENT = "\ufffd"


@dataclass(frozen=True, slots=True)
class Surfaces:
    """What each id prints (ChatGLM specification, section 7.3)."""

    texts: Sequence[str]
    """Text by id, spaces as spaces; empty for ids that print nothing and for byte pieces."""
    byte_values: Mapping[int, int]
    """The byte that each byte piece stands for."""
    dummy_prefix: bool
    """Whether encoding puts a space in front of the text, which decoding takes away again."""


class Detokenizer:
    """Decodes one sequence. For any ids, the pieces joined are `Tokenizer.decode(ids)`.

    Each id costs the same, however many came before it. Where the sequence `continues` a text
    that is not decoded here, its first word keeps its leading space.
    """

    __slots__ = ("_byte_values", "_expect_prefix", "_held", "_texts")

    def __init__(self, tokenizer: Tokenizer, *, continues: bool = False) -> None:
        surfaces = tokenizer.surfaces
        self._texts = surfaces.texts
        self._byte_values = surfaces.byte_values
        self._expect_prefix = surfaces.dummy_prefix and not continues
        self._held = b""

    @property
    def held(self) -> int:
        """How many bytes wait for the rest of their character."""
        return len(self._held)

    def add(self, token_id: int) -> str:
        """The text that is complete now and was not before; may be empty."""
        byte = self._byte_values.get(token_id)
        if byte is not None:
            return self._add_byte(byte)
        text = self._texts[token_id] if 0 <= token_id < len(self._texts) else ""
        if self._expect_prefix and text:
            self._expect_prefix = False
            text = text.removeprefix(" ")
        # A character never goes on after anything but a byte piece, not even a silent id.
        return self.flush() + text if self._held else text

    def flush(self) -> str:
        """What an unfinished character prints at the end: one U+FFFD for each of its bytes."""
        text = REPLACEMENT * len(self._held)
        self._held = b""
        return text

    def _add_byte(self, byte: int) -> str:
        self._expect_prefix = False
        if byte < 0x80 and not self._held:
            return chr(byte)
        text = ""
        held = self._held + bytes((byte,))
        while held:
            try:
                decoded, used = codecs.utf_8_decode(held, "strict", False)
            except UnicodeDecodeError:
                # Each byte of a broken sequence prints one U+FFFD, where Python would print one
                # for the whole; so only its first byte is given up and the rest is looked at anew.
                text += REPLACEMENT
                held = held[1:]
            else:
                text += decoded
                held = held[used:]
                break
        self._held = held
        return text
