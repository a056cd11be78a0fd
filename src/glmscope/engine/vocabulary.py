"""The words of a model's ids, for an engine that has to hold a reply to a grammar."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import openvino as ov
import openvino_genai as genai
from openvino_tokenizers import build_rwkv_tokenizer

USER_MARK, ASSISTANT_MARK, OBSERVATION_MARK = "\x01", "\x02", "\x03"
"""How grammars write the ids that begin a turn, which no text spells. Ids that would write one of
these characters into a text are withheld from replies that are held to a grammar."""

_MARKS = (USER_MARK, ASSISTANT_MARK, OBSERVATION_MARK)


@dataclass(frozen=True, slots=True)
class TurnIds:
    """The ids that begin a turn, and so end the one before."""

    user: int
    assistant: int
    observation: int


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What each id adds to a text, by id; the id that ends one; those that begin turns, if any.

    `opening`: the two ids that every prompt begins with, where there are such.
    """

    pieces: Sequence[bytes]
    end_id: int
    turn_ids: TurnIds | None = None
    opening: tuple[int, int] | None = None


def grammar_tokenizer(vocabulary: Vocabulary, size: int) -> genai.Tokenizer:
    """The library's own tokenizer over `size` ids, of which it uses the list of pieces alone.

    Ids that add nothing to a text get bytes that no text has, so that no grammar ever allows them.
    Raises OSError where no temporary file can be written.
    """
    marks = [mark.encode() for mark in _MARKS]
    pieces = [b"" if any(mark in piece for mark in marks) else piece for piece in vocabulary.pieces]
    pieces += [b""] * (size - len(pieces))
    if (turns := vocabulary.turn_ids) is not None:
        pieces[turns.user], pieces[turns.assistant], pieces[turns.observation] = marks
    _, decoder = build_rwkv_tokenizer(
        _lines(piece or b"\xff%d" % i for i, piece in enumerate(pieces))
    )
    # The library tries the encoder out on a text of its own, and crashes where no piece has a byte
    # of that: this one knows every byte, and is asked for nothing else.
    encoder, _ = build_rwkv_tokenizer(_lines(bytes((byte,)) for byte in range(256)))
    encoder.set_rt_info(vocabulary.end_id, "eos_token_id")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        ov.save_model(encoder, Path(directory) / "openvino_tokenizer.xml")
        ov.save_model(decoder, Path(directory) / "openvino_detokenizer.xml")
        return genai.Tokenizer(directory)


def _lines(pieces: Iterable[bytes]) -> list[str]:
    """A vocabulary as the library reads it."""
    return [f"{token_id} {piece!r} {len(piece)}" for token_id, piece in enumerate(pieces)]
