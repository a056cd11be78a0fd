"""Opens the bytes of a `tokenizer.model`; what is damaged or unfit is refused in one sentence."""

from __future__ import annotations

from sentencepiece import SentencePieceProcessor, set_min_log_level

from glmscope.errors import ModelFilesError

# Refusals are reported by exception; the library would also print them on standard error.
set_min_log_level(3)

_LENGTH_DELIMITED = 2
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
"""Field numbers of the SentencePiece `ModelProto` message."""


def open_model(model: bytes, source: str) -> SentencePieceProcessor:
    """The processor for the bytes of a SentencePiece model; `source` names them in errors.

    Raises ModelFilesError when they are no SentencePiece model, break off early, or lack byte
    pieces (some text could then not be encoded) or an end-of-sequence piece.
    """
    missing = {_PIECES, _TRAINER, _NORMALIZER} - _top_level_fields(model, source)
    if missing:
        # A file cut between two fields still parses, but with the library's default rules.
        raise ModelFilesError(
            f"{source} is truncated: parts of the SentencePiece model are missing."
        )
    processor = SentencePieceProcessor()
    try:
        processor.load_from_serialized_proto(model)
    except RuntimeError:
        raise _unreadable(source) from None
    if not processor.is_byte(processor.piece_to_id("<0x00>")):
        raise ModelFilesError(
            f"{source} has no byte pieces, so it cannot encode every text; "
            "use a SentencePiece model trained with byte fallback."
        )
    if processor.eos_id() < 0:
        raise ModelFilesError(f"{source} has no end-of-sequence piece (</s>).")
    return processor


def _top_level_fields(model: bytes, source: str) -> set[int]:
    """Numbers of the fields in the outermost protobuf message."""
    fields: set[int] = set()
    position = 0
    try:
        while position < len(model):
            tag, position = _varint(model, position)
            if tag & 7 != _LENGTH_DELIMITED:
                raise _unreadable(source)
            length, position = _varint(model, position)
            position += length
            fields.add(tag >> 3)
    except IndexError:
        raise _unreadable(source) from None
    if position != len(model) or not fields:
        raise _unreadable(source)
    return fields


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """The protobuf variable-length integer at `position`, and where it ends."""
    value = shift = 0
    while data[position] & 0x80 and shift < 64:
        value |= (data[position] & 0x7F) << shift
        shift += 7
        position += 1
    return value | data[position] << shift, position + 1


def _unreadable(source: str) -> ModelFilesError:
    return ModelFilesError(f"{source} is not a SentencePiece model, or is truncated.")
