"""Words ↔ ids for both families, on the checkpoint's own `tokenizer.model`.

Source: ChatGLM specification, section 7. Text is data: whatever it says, `encode` yields plain
pieces only. Special ids come from the prompt builders and from the model, never from text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from glmscope.errors import ModelFilesError
from glmscope.family import Family
from glmscope.text.detokenizer import Detokenizer, Surfaces
from glmscope.text.sentencepiece_model import open_model
from glmscope.text.unicode import mend_surrogates

SPACE_MARK = "\u2581"
"""How a piece spells a space."""

COMMON_SPECIALS = ("[MASK]", "[gMASK]", "[sMASK]", "sop", "eop")
ROLE_SPECIALS = ("<|system|>", "<|user|>", "<|assistant|>", "<|observation|>")
"""What the special ids are called, in id order; only ChatGLM3 has roles."""

_ROLE_BOUNDARY = re.compile(f"({'|'.join(map(re.escape, ROLE_SPECIALS))})")


@dataclass(frozen=True, slots=True)
class SpecialIds:
    """Ids that no text encodes to. All but `eos` follow the pieces of the SentencePiece model."""

    eos: int
    mask: int
    gmask: int
    smask: int
    sop: int
    eop: int
    system: int | None = None
    user: int | None = None
    assistant: int | None = None
    observation: int | None = None

    @classmethod
    def after(cls, piece_count: int, eos: int, family: Family) -> SpecialIds:
        """The special ids of a family whose vocabulary has `piece_count` pieces."""
        count = len(_special_names(family))
        return cls(eos, *range(piece_count, piece_count + count))


class Tokenizer:
    """Encodes and decodes; immutable, so that any number of conversations can share one."""

    def __init__(self, model: bytes, family: Family, *, source: str = "tokenizer.model") -> None:
        """`model` holds the bytes of a SentencePiece model; `source` names them in errors.

        Raises ModelFilesError when they are damaged or unfit.
        """
        self._processor = open_model(model, source)
        self.family = family
        self.piece_count: int = self._processor.get_piece_size()
        self.special = SpecialIds.after(self.piece_count, self._processor.eos_id(), family)
        self._special_names = _special_names(family)
        self.vocab_size = self.piece_count + len(self._special_names)
        self.pad_id: int = self._processor.unk_id()
        self.surfaces = self._surfaces()
        self.stop_ids = self._stop_ids()

    @classmethod
    def from_file(cls, path: Path, family: Family) -> Tokenizer:
        """Read a `tokenizer.model`. Raises ModelFilesError, naming the file."""
        try:
            model = path.read_bytes()
        except OSError as error:
            reason = error.strerror or "it cannot be read"
            raise ModelFilesError(f"Cannot read the tokenizer {path}: {reason}.") from error
        return cls(model, family, source=str(path))

    @property
    def prefix_ids(self) -> list[int]:
        """What every prompt starts with: `[gMASK] sop`."""
        return [self.special.gmask, self.special.sop]

    def encode(self, text: str) -> list[int]:
        """Plain pieces with a dummy prefix of their own; empty text gives none.

        Halves of surrogate pairs that stand alone, which no encoding can carry, become U+FFFD.
        """
        ids: list[int] = self._processor.encode(mend_surrogates(text))
        return ids

    def encode_with_prefix(self, text: str) -> list[int]:
        """`[gMASK] sop` and the text."""
        return self.prefix_ids + self.encode(text)

    def encode_pair(self, first: str, second: str) -> list[int]:
        """`[gMASK] sop`, both texts, `</s>`: a source and its target, as in fine-tuning."""
        return [*self.encode_with_prefix(first), *self.encode(second), self.special.eos]

    def encode_special(self, text: str) -> list[int]:
        """As `encode`, but the role strings become role ids. NEVER for text from anyone else.

        For trusted text only, such as a file written with roles in it: with it, whoever wrote the
        text can speak as the system. Stretches between roles each get a dummy prefix.
        """
        if self.family is not Family.CHATGLM3:
            return self.encode(text)
        ids: list[int] = []
        for stretch in _ROLE_BOUNDARY.split(text):
            if stretch in ROLE_SPECIALS:
                ids.append(self.piece_count + self._special_names.index(stretch))
            else:
                ids += self.encode(stretch)
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of any ids; those outside the vocabulary print nothing."""
        detokenizer = Detokenizer(self)
        return "".join([detokenizer.add(token_id) for token_id in ids]) + detokenizer.flush()

    def decode_stretches(self, ids: Iterable[int]) -> str:
        """As `decode`, but each stretch between special ids loses its own leading space.

        The original's inner decoding; chat uses `decode`.
        """
        text = ""
        detokenizer = Detokenizer(self)
        for token_id in ids:
            text += detokenizer.add(token_id)
            if self.piece_count <= token_id < self.vocab_size:
                detokenizer = Detokenizer(self)
        return text + detokenizer.flush()

    def id_bytes(self, token_id: int) -> bytes:
        """The bytes that the id adds to a text; none for special, control and unknown ids.

        A leading space stays, although `decode` drops it at the start of a text.
        """
        byte = self.surfaces.byte_values.get(token_id)
        if byte is not None:
            return bytes((byte,))
        if not 0 <= token_id < self.piece_count:
            return b""
        return self.surfaces.texts[token_id].encode()

    def id_text(self, token_id: int) -> str:
        """`id_bytes` in characters; bytes that make none are named, e.g. `<0xE6>`."""
        data = self.id_bytes(token_id)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return "".join(f"<0x{byte:02X}>" for byte in data)

    def piece(self, token_id: int) -> str:
        """What the vocabulary calls the id, e.g. `▁你`, `<0x0A>`, `[gMASK]`; else empty."""
        if 0 <= token_id < self.piece_count:
            name: str = self._processor.id_to_piece(token_id)
            return name
        if self.piece_count <= token_id < self.vocab_size:
            return self._special_names[token_id - self.piece_count]
        return ""

    def _surfaces(self) -> Surfaces:
        processor = self._processor
        pieces: list[str] = processor.id_to_piece(list(range(self.piece_count)))
        texts = [piece.replace(SPACE_MARK, " ") for piece in pieces]
        byte_values: dict[int, int] = {}
        for token_id, piece in enumerate(pieces):
            if processor.is_byte(token_id):
                byte_values[token_id] = int(piece[1:-1], 16)
                texts[token_id] = ""
            elif processor.is_control(token_id) or processor.is_unknown(token_id):
                texts[token_id] = ""
        # ChatGLM3 prints the names of its special ids, ChatGLM2 prints nothing.
        names = self._special_names
        texts += names if self.family is Family.CHATGLM3 else [""] * len(names)
        dummy_prefix = processor.encode_as_pieces("a")[0].startswith(SPACE_MARK)
        return Surfaces(tuple(texts), byte_values, dummy_prefix)

    def _stop_ids(self) -> frozenset[int]:
        """Ids that end a generated turn (section 8.3)."""
        special = self.special
        candidates = (special.eos, special.user, special.observation)
        return frozenset(stop for stop in candidates if stop is not None)


def _special_names(family: Family) -> tuple[str, ...]:
    return COMMON_SPECIALS + (ROLE_SPECIALS if family is Family.CHATGLM3 else ())
