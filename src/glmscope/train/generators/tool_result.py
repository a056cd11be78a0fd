"""What tools send back: JSON in several shapes, plain text, now and then an error."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping

from glmscope.train.generators.tool_values import Language, Words

_ERROR_SHARE = 0.04
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,8})(\.\d+)?")


def draw_result(
    rng: random.Random, words: Words, result: Mapping[str, str], language: Language
) -> tuple[str, dict[str, str] | None]:
    """The text of an observation and the values in it; None for the values of an error."""
    if rng.random() < _ERROR_SHARE:
        return draw_error(rng), None
    values = {key: words.fill(rng, pattern, language) for key, pattern in result.items()}
    return _written(rng, values), values


def draw_error(rng: random.Random) -> str:
    """The text of an observation of a tool that could not help."""
    return json.dumps({"error": rng.choice(("not found", "timeout", "server error"))})


def _written(rng: random.Random, values: Mapping[str, str]) -> str:
    shape = rng.random()
    if shape < 0.1:
        return "\n".join(f"{key}: {value}" for key, value in values.items())
    if shape < 0.2:
        return ", ".join(f"{key}={value}" for key, value in values.items())
    typed = {key: _typed(value) for key, value in values.items()}
    if shape < 0.3:
        return json.dumps({"code": 0, "data": typed}, ensure_ascii=False)
    return json.dumps(typed, ensure_ascii=False, indent=4 if shape < 0.4 else None)


def _typed(value: str) -> str | int | float:
    if not _NUMBER.fullmatch(value):
        return value
    return float(value) if "." in value else int(value)
