"""`stop`: the one parameter with four shapes. DashScope protocol, section 3.3."""

from __future__ import annotations

from dataclasses import dataclass

from glmscope.errors import InvalidParameter
from glmscope.server import fields

# Every piece of a reply is compared with every stop, so their number has to have an end.
_MOST = 64
_LARGEST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Stops:
    """Strings and token-id sequences that end a reply and are no part of it."""

    strings: tuple[str, ...] = ()
    sequences: tuple[tuple[int, ...], ...] = ()


def read_stops(stop: object) -> Stops:
    """Read a string, a list of strings, a list of token-id lists, or one list of token ids.

    An empty list is no stop at all. Raises InvalidParameter for other shapes and for an empty
    string or sequence, which would end every reply before it began.
    """
    if stop is None or stop == []:
        return Stops()
    if isinstance(stop, str):
        return Stops(strings=(_string(stop, "stop"),))
    if not isinstance(stop, list):
        raise _wrong_shape()
    if all(_is_id(item) for item in stop):
        return Stops(sequences=(tuple(stop),))
    if len(stop) > _MOST:
        raise InvalidParameter(f"stop should have at most {_MOST} entries.", param="stop")
    if all(isinstance(item, str) for item in stop):
        strings = (_string(item, f"stop[{index}]") for index, item in enumerate(stop))
        return Stops(strings=tuple(strings))
    if all(isinstance(item, list) for item in stop):
        sequences = (_sequence(item, f"stop[{index}]") for index, item in enumerate(stop))
        return Stops(sequences=tuple(sequences))
    raise _wrong_shape()


def _string(value: object, where: str) -> str:
    string = fields.text(value, where)
    if not string:
        raise InvalidParameter(f"{where} should not be empty.", param=where)
    return string


def _sequence(ids: list[object], where: str) -> tuple[int, ...]:
    sequence = tuple(item for item in ids if isinstance(item, int) and _is_id(item))
    if not ids or len(sequence) != len(ids):
        raise InvalidParameter(
            f"{where} should be a list of token ids that is not empty.", param=where
        )
    return sequence


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_ID


def _wrong_shape() -> InvalidParameter:
    return InvalidParameter(
        "stop should be a string, a list of strings, a list of token ids or a list of such lists.",
        param="stop",
    )
