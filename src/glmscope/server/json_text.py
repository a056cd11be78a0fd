"""JSON as the wires read and write it."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from glmscope.errors import IllegalInput

# Far above any number that a parameter allows, far below where int() becomes slow.
_MAX_DIGITS = 400


def dump(value: object) -> bytes:
    """Compact UTF-8 JSON, keys in insertion order.

    A lone surrogate, which UTF-8 cannot hold, is written as its JSON escape: Python's
    backslashreplace happens to write exactly that, and surrogates only occur inside strings.
    """
    return _encoder.encode(value).encode("utf-8", "backslashreplace")


def load_object(body: bytes) -> dict[str, Any]:
    """The JSON object that `body` is; of a repeated key the last one counts.

    Raises IllegalInput for anything else: other encodings, other values, NaN and Infinity (which
    JSON does not know), numbers of absurd length, nesting too deep to read.
    """
    try:
        value = _decoder.decode(body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise IllegalInput("The request body is not valid UTF-8.") from None
    except RecursionError:
        raise IllegalInput("The request body is nested too deeply.") from None
    except ValueError:
        raise IllegalInput from None
    if not isinstance(value, dict):
        raise IllegalInput("The request body is valid JSON, but not an object.")
    return value


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise IllegalInput("The request body holds a number with too many digits.")
    return int(digits)


def _not_a_number(constant: str) -> NoReturn:
    raise IllegalInput(f"The request body holds {constant}, which is not valid JSON.")


_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_decoder = json.JSONDecoder(parse_int=_integer, parse_constant=_not_a_number)
